"""Random inputs that fit a net: what timing and gradient checks feed it, with no data on the machine."""

from __future__ import annotations

import numpy as np

from netspec.graph import Net
from netspec.labels import label_ranges
from netspec.mappings import Array


def random_batch(net: Net, rng: np.random.Generator) -> dict[str, Array]:
    """Normal numbers (float64) for each float input, classes in range for each label."""
    classes: dict[str, int] = {}
    for asked in label_ranges(net):
        classes[asked.name] = min(classes.get(asked.name, asked.classes), asked.classes)
    batch: dict[str, Array] = {}
    for name, given in net.inputs.items():
        if given.kind == "float":
            batch[name] = rng.standard_normal(given.shape)
        else:
            batch[name] = rng.integers(0, classes.get(name, 2), given.shape)
    return batch
