"""Executes a plan step by step in NumPy, over the same views as a device would.

The oracle for kernels, layout and memory: slow, one thread, no scratch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from runtime import ops
from runtime.plan import HEAD, NUMPY_DTYPE, Plan, Step, View
from runtime.reference.registry import Array, Context, NotFinite, evaluate

FINITE, NOT_FINITE = 0, 1
"""What ``run`` answers."""


class ReferenceExecutor:
    """A plan bound to memory, run in NumPy.

    Parameters
    ----------
    plan
        Any plan; views with strides, halos and epilogues as for a device.
    memories
        Bytes (uint8, at least the plan's size each) of memories shared with
        other plans; those that are missing are made, filled with zeros.
    precision
        ``f64`` or ``f32``: the arithmetic inside a step. What is stored has the
        dtype of its view.
    """

    def __init__(self, plan: Plan, memories: Mapping[str, NDArray[np.uint8]] | None = None, precision: str = "f64"):
        self.plan = plan
        self.memories = dict(memories or {})
        self._dtype: np.dtype[Any] = np.dtype(NUMPY_DTYPE[precision])
        for name, size in {"head": 8 * len(HEAD), **plan.memory}.items():
            least = max(size, 8 * len(HEAD)) if name == "head" else size
            found = self.memories.setdefault(name, np.zeros(least, np.uint8))
            assert found.nbytes >= size, f"memory {name}: got {found.nbytes} bytes, expected {size}"

    def set(self, name: str, number: float) -> None:
        """Writes a number of ``runtime.plan.HEAD``."""
        self._head()[HEAD.index(name)] = number

    def feed(self, name: str, array: ArrayLike) -> None:
        """Copies an input."""
        view = self.plan.inputs[name]
        source = np.asarray(array)
        assert source.shape == view.shape, f"input {name}: got {source.shape}, expected {view.shape}"
        self.array(view)[...] = source

    def run(self, *segments: str) -> int:
        """Runs these segments; 0, or 1 where a guard stopped the walk at a number that is not finite."""
        context = Context(self._dtype, dict(zip(HEAD, map(float, self._head()), strict=True)))
        try:
            for step in self.plan.segment(*segments):
                self._step(step, context)
        except NotFinite:
            return NOT_FINITE
        return FINITE

    def array(self, view: View) -> Array:
        """The elements of a view, in logical order, without a copy."""
        strides = [s * view.item_bytes for s in view.strides]
        dtype = np.dtype(NUMPY_DTYPE[view.dtype])
        if 0 in view.shape:
            return np.zeros(view.shape, dtype)
        return np.ndarray(view.shape, dtype, self.memories[view.memory].data, view.offset, strides)

    def close(self) -> None:
        """Forgets the memories."""
        self.memories = {}

    def _head(self) -> NDArray[np.float64]:
        return self.memories["head"][: 8 * len(HEAD)].view(np.float64)

    def _step(self, step: Step, context: Context) -> None:
        if isinstance(step.op, ops.ClearHalo):
            for view in step.writes:
                if view is not None:
                    self._clear_halo(view)
            return
        results = evaluate(step.op, context, [self.array(v) for v in step.reads])
        for view, result in zip(step.writes, results, strict=True):
            if view is not None:
                self.array(view)[...] = result
        for part in step.epilogue:
            self._step(part, context)

    def _clear_halo(self, view: View) -> None:
        (rows, columns), (n, c, h, w) = view.halo, view.shape
        start = view.offset - (rows * view.strides[2] + columns * view.strides[3]) * view.item_bytes
        whole = replace(view, offset=start, shape=(n, c, h + 2 * rows, w + 2 * columns), halo=(0, 0))
        around = self.array(whole)
        around[:, :, :rows] = 0
        around[:, :, rows + h :] = 0
        around[..., :columns] = 0
        around[..., columns + w :] = 0
