"""Random inputs that fit a net."""

from __future__ import annotations

import numpy as np
from net_support import spec_of

from netspec.reports.batches import random_batch

SPEC = """\
inputs: {a: [6], b: [6], same: [], label: []}
layers:
  - {name: pairs, type: ContrastiveLoss, bottom: [a, b, same]}
  - {name: of_six, type: Accuracy, bottom: [a, label]}
  - {name: parts, type: Slice, bottom: b, slice_point: 4, top: [first, rest]}
  - {name: of_four, type: Accuracy, bottom: [first, label]}
"""


def test_labels_are_what_every_layer_that_reads_them_allows():
    net = spec_of(SPEC).net("train", batch=200)
    batch = random_batch(net, np.random.default_rng(0))
    assert {name: array.shape for name, array in batch.items()} == {name: i.shape for name, i in net.inputs.items()}
    assert set(batch["same"]) == {0, 1}
    assert set(batch["label"]) == {0, 1, 2, 3}
