"""One convolution, or a gradient of one, run alone in each of several ways."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import prod, sqrt

import numpy as np

from compiler.costs import Case
from netspec.mappings import Array
from runtime.executor import Executor, Store, open_executor
from runtime.ops import Conv, ConvInputGrad, ConvWeightGrad, Pair, Shape, conv_input_grad_halo
from runtime.plan import ITEM_BYTES, STATE_MEMORY, Origin, Plan, Step, View

ALIGNMENT = 64


class Trial:
    """The executor of a plan with one step a way, all on the same operands.

    Parameters
    ----------
    case
        What is computed.
    ways
        Names of ``runtime.ways`` that the device has kernels for.
    device, threads
        As for ``netspec.compile``.
    operands
        In the primitive's order, of the logical shapes; random numbers unless given.
    """

    def __init__(
        self,
        case: Case,
        ways: Sequence[str],
        device: str = "cpu",
        threads: int | None = None,
        operands: Sequence[Array] | None = None,
    ) -> None:
        self.case, self.ways = case, tuple(ways)
        plan = plan_of(case, self.ways)
        self._store = Store({name: plan.memory.get(name, 0) for name in STATE_MEMORY})
        self._executor: Executor = open_executor(plan, self._store, device=device, threads=threads)
        for name, array in zip(plan.inputs, operands or random_operands(case), strict=True):
            self._executor.feed(name, array)

    def result(self, way: str) -> Array:
        """The result computed this way, its logical shape, a copy."""
        self._executor.run(way)
        return np.array(self._executor.array(self._executor.plan.outputs["result"]))

    def seconds(self, budget: float = 0.3, least: int = 3, most: int = 15) -> dict[str, float]:
        """The shortest time of each way.

        Parameters
        ----------
        budget
            Seconds after which no further round begins.
        least, most
            Rounds; each runs every way once, in turn, so that a disturbance meets them alike.
        """
        best = dict.fromkeys(self.ways, float("inf"))
        for way in self.ways:
            self._once(way)
        end = time.perf_counter() + budget
        for k in range(most):
            if k >= least and time.perf_counter() > end:
                break
            for way in self.ways:
                best[way] = min(best[way], self._once(way))
        return best

    def close(self) -> None:
        """Frees the executor."""
        self._executor.close()

    def _once(self, way: str) -> float:
        if not self.case.fixed:
            self._store.changed()
        seconds = self._executor.time_steps(way)
        if seconds is not None:
            return sum(seconds)
        start = time.perf_counter()
        self._executor.run(way)
        return time.perf_counter() - start


def random_operands(case: Case) -> tuple[Array, ...]:
    """Operands of a case: normal numbers of variance 1, weights scaled so that the results have it too."""
    random = np.random.default_rng(0)
    shapes, _ = case.shapes
    arrays = [random.standard_normal(shape, np.float32) for shape in shapes]
    if not isinstance(case.op, ConvWeightGrad):
        arrays[1] /= np.float32(sqrt(max(1, prod(case.w[1:]))))
    return tuple(arrays)


def plan_of(case: Case, ways: Sequence[str]) -> Plan:
    """A plan with one step a way, in a segment of the way's name; inputs ``0`` and ``1``, output ``result``."""
    shapes, result = case.shapes
    sizes: dict[str, int] = {}
    views = [_view(case, k, shape, sizes) for k, shape in enumerate((*shapes, result))]
    origin = (Origin("trial", "forward"),)
    steps = tuple(
        Step(case.op, tuple(views[:-1]), (views[-1],), way, origin, algorithm=way, flops=case.flops) for way in ways
    )
    inputs = {str(k): v for k, v in enumerate(views[:-1])}
    return Plan("train", case.dtype, case.x[0], steps, sizes, (), inputs, {"result": views[-1]})


def _view(case: Case, k: int, shape: Shape, sizes: dict[str, int]) -> View:
    """Room for an operand (0, 1) or the result (2): parameters and their gradients row-major, the rest N H W C."""
    item = ITEM_BYTES[case.dtype]
    is_gradient = isinstance(case.op, ConvWeightGrad)
    if k == (2 if is_gradient else 1):
        memory = "gradients" if is_gradient else "params"
        _, c, r, s = shape
        view = View(memory, sizes.get(memory, 0), shape, (c * r * s, r * s, s, 1), case.dtype)
        sizes[memory] = view.offset + _aligned(view.count * item)
        return view
    n, c, h, w = shape
    above, left = _halo(case, k)
    row = (w + 2 * left) * c
    image = (h + 2 * above) * row
    start = sizes.get("arena", 0)
    sizes["arena"] = start + _aligned(n * image * item)
    offset = start + (above * row + left * c) * item
    return View("arena", offset, shape, (image, 1, row, c), case.dtype, (above, left))


def _halo(case: Case, k: int) -> Pair:
    if k != 0:
        return (0, 0)
    if isinstance(case.op, ConvInputGrad):
        return conv_input_grad_halo(case.op, case.kernel, (case.y[2], case.y[3]))
    assert isinstance(case.op, Conv | ConvWeightGrad)
    return case.op.pad


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
