"""Random inputs that fit a net: what timing and gradient checks feed it, with no data on the machine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netspec.graph import Net
from netspec.mappings import Array


def random_batch(net: Net, rng: np.random.Generator) -> dict[str, Array]:
    """Normal numbers (float64) for each float input, classes in range for each label."""
    batch: dict[str, Array] = {}
    for name, given in net.inputs.items():
        if given.kind == "float":
            batch[name] = rng.standard_normal(given.shape)
        else:
            batch[name] = rng.integers(0, min(_classes(net, name), default=2), given.shape)
    return batch


def _classes(net: Net, label: str) -> Iterator[int]:
    """Sizes of the class axis of whatever is compared with a label."""
    for node in net.nodes:
        if label in node.bottom_ids:
            for other in node.bottom_ids:
                shape = net.shapes[other] if other != label else ()
                if len(shape) > 1:
                    yield shape[getattr(node.layer, "axis", 1)]
