"""A small net on the digits of the package, for tests of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPEC = """\
name: small
data:
  {source: digits, scale: 0.0625, train: {batch_size: 40, pad: 1, crop_size: 8, mirror: true}, test: {batch_size: 100}}
layers:
  - {name: ip1, type: InnerProduct, num_output: 24}
  - {name: bn1, type: BatchNorm, scale_bias: true, moving_average_fraction: 0.9}
  - {name: relu1, type: ReLU}
  - {name: drop, type: Dropout, dropout_ratio: 0.3}
  - {name: ip2, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip2, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip2, label], include: test}
solver: {base_lr: 0.1, momentum: 0.9, weight_decay: 0.001, lr_policy: poly, power: 1, max_iter: 30, display: 10}
"""


def small_spec(folder: Path, **solver: Any) -> Path:
    """Write the net into a folder, with further keys of the solver."""
    added = "".join(f", {key}: {json.dumps(value)}" for key, value in solver.items())
    path = folder / "small.yaml"
    path.write_text(SPEC.replace("display: 10}", f"display: 10{added}}}"))
    return path


def events(run: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """Return the lines of a run's log."""
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return [event for event in lines if kind in (None, event["event"])]
