"""The plan: a flat list of steps over views of a few memory segments.

A plan holds offsets, never addresses, and is the same for every device. An
executor binds it to memory and to kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

from numpy.typing import NDArray

from runtime.ops import ClearHalo, Primitive, Shape

ITEM_BYTES = {"f32": 4, "f64": 8, "i32": 4, "u8": 1, "b1": 1}
"""Bytes an element."""

NUMPY_DTYPE = {"f32": "float32", "f64": "float64", "i32": "int32", "u8": "uint8", "b1": "bool"}

SEGMENTS = ("init", "forward", "guard", "backward", "gradients", "accumulate", "reduce", "update", "commit")
"""Order of a training step; ``init`` runs once, ``gradients`` only where ``backward`` is run without an update.

``gradients`` makes the gradients of weights whose update is fused into the product that makes them.
"""

STEP_SEGMENTS = tuple(s for s in SEGMENTS if s not in ("init", "gradients"))
"""What a whole training step runs."""

APART = "apart"
"""Memory of the states that a net's first plan does not have: layers of the other phase alone, its solver's."""

STATE_MEMORY = ("params", "solver", "running", "carry", APART)
"""Memories shared by the plans of one net; they live as long as the net."""

LITERALS = "literals"
"""Memory of the arrays that are known when the plan is made: each executor fills one of its own."""

HEAD = ("seed", "iteration", "micro_step", "rate", "correction", "correction2")
"""Numbers the host writes between steps, float64, in this order at the head's start.

The corrections are those of Adam's moments, which start at 0.
"""


class Origin(NamedTuple):
    """Where a step comes from: a layer and the direction (forward, backward, update, init).

    A tuple, because passes merge sets of them by the ten thousand.
    """

    layer: str
    direction: str


@dataclass(frozen=True)
class View:
    """A strided window on a memory.

    Parameters
    ----------
    memory
        ``arena``, ``gradients``, ``head``, ``literals`` or one of ``STATE_MEMORY``.
    offset
        Bytes from the memory's start to element (0, .., 0).
    shape
        Logical shape, N x C x H x W.
    strides
        Elements (not bytes) between neighbours along each logical axis.
    dtype
        ``f32 f64 i32 u8 b1``.
    halo
        Rows and columns of zeros around H and W that a reader may touch: the
        element at h = -1 lies ``strides[2]`` before the one at h = 0.
    """

    memory: str
    offset: int
    shape: Shape
    strides: tuple[int, ...]
    dtype: str
    halo: tuple[int, int] = (0, 0)

    @property
    def count(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def halo_count(self) -> int:
        """Number of elements around the maps."""
        if self.halo == (0, 0):
            return 0
        n, c, h, w = self.shape
        return n * c * ((h + 2 * self.halo[0]) * (w + 2 * self.halo[1]) - h * w)

    @property
    def item_bytes(self) -> int:
        """Bytes an element."""
        return ITEM_BYTES[self.dtype]

    def extent(self) -> tuple[int, int]:
        """First byte and the byte past the last one touched, halo included."""
        if 0 in self.shape:
            return self.offset, self.offset
        low = high = 0
        for axis, (n, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            extra = self.halo[axis - 2] if len(self.shape) == 4 and axis >= 2 else 0
            low -= extra * stride
            high += (n - 1 + extra) * stride
        return self.offset + low * self.item_bytes, self.offset + (high + 1) * self.item_bytes


@dataclass(frozen=True)
class Step:
    """One primitive over views, possibly with maps fused behind it.

    Parameters
    ----------
    op
        The primitive's attributes.
    reads, writes
        Operands and results, in the primitive's order. A result nobody reads
        may be None in ``writes``.
    segment
        One of ``SEGMENTS``.
    origin
        Layers this step serves.
    barrier
        Every earlier step must have finished before this one starts.
    epilogue
        ``Map``, ``Reduce`` and ``Moments`` steps run in order on each finished
        block of rows of ``writes[0]`` (a row: all C and W of one n, h) while
        it is in the cache; what is summed up over all rows is there at the end.
    algorithm
        The way taken where there is a choice (``direct``), else None.
    flops
        Arithmetic operations, epilogue included.
    """

    op: Primitive
    reads: tuple[View, ...]
    writes: tuple[View | None, ...]
    segment: str
    origin: tuple[Origin, ...]
    barrier: bool = True
    epilogue: tuple[Step, ...] = ()
    algorithm: str | None = None
    flops: int = 0

    def views(self) -> Iterator[tuple[View, bool]]:
        """Every view touched, with True where it is written."""
        for view in self.reads:
            yield view, False
        for result in self.writes:
            if result is not None:
                yield result, True
        for step in self.epilogue:
            yield from step.views()

    @property
    def bytes(self) -> int:
        """Bytes read and written, each view once in each direction; of ``ClearHalo`` the halo alone.

        What an epilogue reads of its own step comes from the cache, and a
        gradient whose update is fused in stays there.
        """
        if isinstance(self.op, ClearHalo):
            return sum(v.halo_count * v.item_bytes for v, _ in self.views())
        read: dict[tuple[str, int], int] = {}
        written: dict[tuple[str, int], int] = {}
        for view, is_written in self.views():
            place, size = (view.memory, view.offset), view.count * view.item_bytes
            if is_written:
                written[place] = max(size, written.get(place, 0))
            elif place not in written:
                read[place] = max(size, read.get(place, 0))
        kept = (size for (memory, _), size in written.items() if self.segment != "update" or memory != "gradients")
        return sum(read.values()) + sum(kept)

    @property
    def kernel(self) -> str:
        """The primitive and what is fused behind it, each kind once: ``conv+map+reduce``."""
        return "+".join(dict.fromkeys(part.op.kind for part in (self, *self.epilogue)))

    @property
    def layers(self) -> list[str]:
        """Names of the layers served, in order, each once."""
        return list(dict.fromkeys(o.layer for o in self.origin))


@dataclass(frozen=True)
class StateEntry:
    """One persistent array of the net.

    ``role`` is ``param``, ``average``, ``solver``, ``running`` or ``carry``; ``view`` is
    contiguous in row-major logical order.
    """

    name: str
    role: str
    view: View
    lr_mult: float = 1.0
    decay_mult: float = 1.0


@dataclass(frozen=True)
class Refusal:
    """Two steps that were not fused, and why."""

    layers: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Plan:
    """Steps in order, the memories' sizes, and where named values are found.

    Parameters
    ----------
    memory
        Bytes of each memory: arena, gradients, head, literals and ``STATE_MEMORY``.
    inputs, outputs, blobs, blob_grads, param_grads
        Views by name. ``outputs`` are the net's unconsumed tops, ``blobs`` all
        that can still be read after a run (kept ones and outputs).
    loss
        The view of the weighted sum of losses, if there is one.
    choices
        The ways that were chosen, by a key that names the operation in every plan of the net.
    least_bytes
        What a run must read or write at least: inputs, states, gradients, values kept for the backward steps.
    literals
        Arrays that are known, and where an executor puts them before the first run.
    math
        The spec's ``math``: what precision products may have, where a device has several.
    """

    phase: str
    dtype: str
    batch: int
    steps: tuple[Step, ...]
    memory: dict[str, int]
    states: tuple[StateEntry, ...]
    inputs: dict[str, View]
    outputs: dict[str, View]
    blobs: dict[str, View] = field(default_factory=dict)
    blob_grads: dict[str, View] = field(default_factory=dict)
    param_grads: dict[str, View] = field(default_factory=dict)
    loss: View | None = None
    refusals: tuple[Refusal, ...] = ()
    unplanned_bytes: int = 0
    choices: Mapping[str, str] = field(default_factory=dict)
    least_bytes: int = 0
    literals: tuple[tuple[View, NDArray[Any]], ...] = ()
    math: str = "fast"

    @property
    def numbered(self) -> tuple[Step, ...]:
        """The steps as reports number them: all but those of ``gradients``."""
        return tuple(s for s in self.steps if s.segment != "gradients")

    def segment(self, *names: str) -> list[Step]:
        """The steps of these segments, in order."""
        return [s for s in self.steps if s.segment in names]
