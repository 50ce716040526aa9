"""The builder: layers, solvers and gradient rules make graphs with it.

Every method appends operations to the graph and returns values. Elementwise
methods make one ``Map`` each; the ``fuse`` pass merges them, so a formula may
be written as it stands in the paper.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from compiler.autodiff import gradients
from compiler.detection import Detection
from compiler.elementwise import Elementwise
from compiler.indexing import Indexing
from compiler.ir import Graph, Op, State, Value
from compiler.primitives import rule
from compiler.scan import Scans
from compiler.space import Space
from runtime import expr, ops
from runtime.ops import Pair, Shape
from runtime.plan import Origin

Axes = int | Sequence[int] | None

MOST_TURNS = 4096
"""Turns of a loop inside another from which on random numbers would repeat."""

DRAWS_A_TURN = 1024
"""Random arrays that a layer may draw in one turn of a loop."""


class Filler(Protocol):
    """What makes a parameter's first values."""

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        """The initial value; random numbers come from ``stream``."""


@dataclass(frozen=True)
class ParamSpec:
    """Caffe's ParamSpec: a global name to share under, and multipliers."""

    name: str = ""
    lr_mult: float = 1.0
    decay_mult: float = 1.0


@dataclass
class Scope:
    """The layer being lowered: names, multipliers and random streams come from it."""

    layer: str
    direction: str = "forward"
    params: Sequence[ParamSpec] = ()
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    made_params: int = 0
    random_calls: int = 0
    extra_origins: tuple[Origin, ...] = field(default=())
    owner: str = ""  # whose parameters and running states it uses, or its own name if others use its own

    def origins(self) -> tuple[Origin, ...]:
        return (Origin(self.layer, self.direction), *self.extra_origins)


class Builder(Elementwise, Detection, Indexing, Scans, Space):
    """Appends operations to a graph.

    Attributes
    ----------
    phase
        ``train`` or ``test``.
    graph
        The graph under construction.
    averaged
        Whether layers read the moving average of their parameters in place of them.
    opens_files
        Whether fillers read their files; else zeros stand for what is in them.
    """

    def __init__(self, phase: str = "train", dtype: str = "f32", batch: int = 1):
        self.phase = phase
        self.dtype = dtype
        self.graph = Graph(dtype=dtype, phase=phase, batch=batch)
        self.averaged = False
        self.opens_files = True
        self._segment = "forward"
        self._scope = Scope("net")
        self._stopped: set[Value] = set()
        self._shared: dict[str, State] = {}
        self._turn = 0
        self._rewritten: dict[Value, State] = {}
        self._literals: dict[tuple[str, Shape, bytes], Value] = {}

    @contextmanager
    def scope(
        self,
        layer: str,
        direction: str = "forward",
        params: Sequence[ParamSpec] = (),
        lr_mult: float = 1.0,
        decay_mult: float = 1.0,
        owner: str = "",
    ) -> Iterator[Scope]:
        """Operations made inside serve ``layer``; its parameters take these multipliers.

        Layers with one ``owner`` use the same parameters and running states, which go by the owner's name.
        """
        saved, self._scope = self._scope, Scope(layer, direction, params, lr_mult, decay_mult, owner=owner)
        try:
            yield self._scope
        finally:
            self._scope = saved

    @contextmanager
    def segment(self, name: str) -> Iterator[None]:
        """Operations made inside go to this segment of the step."""
        saved, self._segment = self._segment, name
        try:
            yield
        finally:
            self._segment = saved

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """What is lowered inside is turn ``number`` (from 0) of a loop.

        Turns share their parameters and states, each reads what the one before
        has written, and each draws random numbers of its own.
        """
        saved = self._turn
        self._turn = saved * MOST_TURNS + number  # of a loop inside another: no turn but the very first is 0
        try:
            yield
        finally:
            self._turn = saved

    def next_random(self) -> int:
        """How many random arrays the layer has drawn so far, this one not counted."""
        self._scope.random_calls += 1
        return (self._scope.random_calls - 1 + self._turn * DRAWS_A_TURN) % 2**31

    @property
    def layer(self) -> str:  # type: ignore[override]
        """Name of the layer being lowered."""
        return self._scope.layer

    def emit(self, prim: ops.Primitive, *inputs: Value) -> tuple[Value, ...]:
        """Appends a primitive; its rule gives the results' shapes and dtypes."""
        types = rule(prim).infer(prim, *inputs)
        # "float": the rule could not tell, no operand is floating
        outputs = [Value(shape, self.dtype if dtype == "float" else dtype, builder=self) for shape, dtype in types]
        self.graph.ops.append(Op(prim, inputs, outputs, self._segment, self._scope.origins()))
        return tuple(outputs)

    def emit1(self, prim: ops.Primitive, *inputs: Value) -> Value:
        """``emit`` for a primitive with one result."""
        (result,) = self.emit(prim, *inputs)
        return result

    def input(self, name: str, shape: Shape, dtype: str | None = None) -> Value:
        """A value the caller feeds, of the net's dtype unless given."""
        value = Value(tuple(shape), dtype or self.dtype, name, builder=self)
        self.graph.inputs[name] = value
        return value

    def literal(self, array: ArrayLike) -> Value:
        """A value whose elements are known: stored beside the plan, never written; equal ones are one value.

        Floating arrays take the net's dtype, whole numbers are i32.
        """
        known = np.asarray(array)
        floating = np.issubdtype(known.dtype, np.floating)
        known = np.ascontiguousarray(known, np.float64 if floating else np.int32).reshape(known.shape)
        dtype = self.dtype if floating else "i32"
        key = (dtype, known.shape, known.tobytes())
        if key not in self._literals:
            self._literals[key] = Value(known.shape, dtype, builder=self)
            self.graph.literals[self._literals[key]] = known
        return self._literals[key]

    def param(self, name: str, shape: Shape, filler: Filler) -> Value:
        """A learnable parameter ``<layer>.<name>``, filled by ``filler`` in a new net.

        The layer's ``params`` entries apply in the order of the calls; an entry
        with a name shares the parameter with every other of that name.
        """
        scope = self._scope
        spec = scope.params[scope.made_params] if scope.made_params < len(scope.params) else ParamSpec()
        scope.made_params += 1
        if spec.name and spec.name in self._shared:
            return self._shared[spec.name].read
        full = f"{scope.owner or scope.layer}.{name}"
        known = self.graph.states.get(f"{full}.average" if self.averaged else full)
        if known is not None and (self._turn or scope.owner):
            return known.read
        lr_mult, decay_mult = scope.lr_mult * spec.lr_mult, scope.decay_mult * spec.decay_mult
        state = self._make_state(full, "param", shape, filler, lr_mult, decay_mult)
        if self.averaged:
            state = self.average_of(state)
        if spec.name:
            self._shared[spec.name] = state
        return state.read

    def state(self, name: str, shape: Shape, initial: float = 0.0, role: str = "running") -> Value:
        """A persistent array ``<layer>.<name>`` that starts at a constant; see ``write``."""
        owner = self._scope.owner if role == "running" else ""
        full = f"{owner or self.layer}.{name}"
        known = self.graph.states.get(full) if self._turn or owner else None
        if known is not None:
            return known.read if known.written is None else known.written
        filled = _ConstantFiller(initial)
        return self._make_state(full, role, shape, filled, 0.0, 0.0).read

    def state_of(self, name: str, role: str, shape: Shape, initial: float = 0.0) -> Value:
        """A persistent array under its full name (solver states)."""
        return self._make_state(name, role, shape, _ConstantFiller(initial), 0.0, 0.0).read

    def average_of(self, state: State) -> State:
        """The moving average ``<parameter>.average`` of a parameter, which starts where that does; see ``write``."""
        filler = _SameStart(state.init)
        return self._make_state(f"{state.name}.average", "average", state.read.shape, filler, 0.0, 0.0)

    def _make_state(
        self, name: str, role: str, shape: Shape, filler: Filler, lr_mult: float, decay_mult: float
    ) -> State:
        assert name not in self.graph.states, f"state {name} made twice"
        read = Value(tuple(shape), self.dtype, name, builder=self)
        with self.scope(self.layer, "init"), self.segment("init"):
            init = filler.lower(self, tuple(shape), self.stream(name))
            if init.op is None:  # a literal: the state has memory of its own
                init = self.map(expr.arg(0, init.kind), init.shape, init)
        state = State(name, role, read, init, lr_mult, decay_mult)
        self.graph.states[name] = state
        return state

    def write(self, state: Value, value: Value) -> None:
        """``value`` takes the place of ``state`` when the step commits."""
        entry = self._rewritten.get(state) or self.graph.states[state.name]
        assert entry.written in (None, state), f"state {entry.name} written twice"
        assert value.shape == state.shape, (state, value)
        entry.written = value
        self._rewritten[value] = entry

    def statistic(self, name: str, x: Value) -> None:
        """In phase test ``x`` becomes an output ``<layer>.<name>``, which a metric adds up over the batches."""
        if self.phase == "test":
            # an input, or a value that is an output already, keeps its own place
            copy = self.emit1(ops.Map((expr.arg(0, x.kind),), x.shape), x)
            self.graph.outputs[f"{self.layer}.{name}"] = copy

    def stop_gradient(self, x: Value) -> Value:
        """``x``, through which no gradient flows."""
        copy = self.emit1(ops.Map((expr.arg(0, x.kind),), x.shape), x)
        self._stopped.add(copy)
        return copy

    def slope(self, y: Value, x: Value) -> Value | None:
        """d(sum of y)/dx as part of the forward steps, None where y does not depend on x.

        Raises
        ------
        NotImplementedError
            If it is needed through a primitive that has no gradient.
        """
        return gradients(self, y, [x], forward=True)[0]

    def is_stopped(self, x: Value) -> bool:
        """Whether ``x`` came from ``stop_gradient``."""
        return x in self._stopped

    @staticmethod
    def stream(name: str) -> int:
        """The random stream of a name."""
        return zlib.crc32(name.encode())

    def sum(self, x: Value, axes: Axes = None) -> Value:
        """Sum over axes (all if None), which stay with size 1."""
        return self._reduce("sum", x, axes)

    def max(self, x: Value, axes: Axes = None) -> Value:
        """Largest over axes (all if None), which stay with size 1."""
        return self._reduce("max", x, axes)

    def mean(self, x: Value, axes: Axes = None) -> Value:
        """Mean over axes (all if None), which stay with size 1."""
        chosen = self._axes(x, axes)
        return self.sum(x, chosen) * (1.0 / max(1, prod(x.shape[a] for a in chosen)))

    def moments(self, x: Value, axes: Axes) -> tuple[Value, Value]:
        """Mean and biased variance over axes, which stay with size 1."""
        mean, variance = self.emit(ops.Moments(self._axes(x, axes)), x)
        return mean, variance

    def logsumexp(self, x: Value, axis: int) -> Value:
        """log(sum(exp x)) along an axis, which stays with size 1."""
        return self.emit1(ops.LogSumExp(axis % x.rank), x)

    def _reduce(self, op: str, x: Value, axes: Axes) -> Value:
        return self.emit1(ops.Reduce(op, (expr.to_float(expr.arg(0, x.kind)),), self._axes(x, axes), x.shape), x)

    @staticmethod
    def _axes(x: Value, axes: Axes) -> tuple[int, ...]:
        if axes is None:
            return tuple(range(x.rank))
        chosen = (axes,) if isinstance(axes, int) else axes
        return tuple(sorted({a % x.rank for a in chosen}))

    def as_scalar(self, x: Value) -> Value:
        """A value of one element with shape ()."""
        return self.reshape(x, ())

    def matmul(self, a: Value, b: Value, transpose_a: bool = False, transpose_b: bool = False) -> Value:
        """Batched matrix product over the last two axes."""
        return self.emit1(ops.Matmul(transpose_a, transpose_b), a, b)

    def conv(
        self, x: Value, w: Value, stride: Pair = (1, 1), pad: Pair = (0, 0), dilation: Pair = (1, 1), groups: int = 1
    ) -> Value:
        """Convolution; x N x C x H x W, w K x C/groups x R x S."""
        return self.emit1(ops.Conv(stride, pad, dilation, groups), x, w)

    def conv_input_grad(
        self, dy: Value, w: Value, stride: Pair, pad: Pair, dilation: Pair, groups: int, size: Pair
    ) -> Value:
        """The transposed convolution: Deconvolution's forward, Conv's input gradient."""
        return self.emit1(ops.ConvInputGrad(stride, pad, dilation, groups, size), dy, w)

    def max_pool(self, x: Value, kernel: Pair, stride: Pair, pad: Pair, size: Pair) -> tuple[Value, Value]:
        """(y, index) of the first largest element in each window."""
        y, index = self.emit(ops.Pool("max", kernel, stride, pad, size), x)
        return y, index

    def ave_pool(self, x: Value, kernel: Pair, stride: Pair, pad: Pair, size: Pair) -> Value:
        """Average over windows with Caffe's divisor."""
        return self.emit1(ops.Pool("ave", kernel, stride, pad, size), x)

    def window(self, x: Value, size: int) -> Value:
        """Sum over ``size`` neighbouring channels (axis 1)."""
        return self.emit1(ops.Window(size), x)

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """Values one after another along ``axis``."""
        return values[0] if len(values) == 1 else self.emit1(ops.Concat(axis % values[0].rank), *values)

    def slice(self, x: Value, axis: int, start: int, stop: int) -> Value:
        """``x[start:stop]`` along ``axis``."""
        return self.emit1(ops.Slice(axis % x.rank, start, stop), x)

    def reshape(self, x: Value, shape: Shape) -> Value:
        """The same elements in logical order."""
        shape = tuple(shape)
        assert prod(shape) == prod(x.shape), (x.shape, shape)
        return x if shape == x.shape else self.emit1(ops.Reshape(shape), x)

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """Axes permuted."""
        return x if list(order) == sorted(order) else self.emit1(ops.Transpose(tuple(order)), x)

    def pad(self, x: Value, widths: Sequence[Pair]) -> Value:
        """Zeros around each axis."""
        return self.emit1(ops.Pad(tuple((lo, hi) for lo, hi in widths)), x)

    def broadcast_to(self, x: Value, shape: Shape) -> Value:
        """``x`` repeated to ``shape`` as in NumPy."""
        return x if x.shape == tuple(shape) else self.map(expr.arg(0, x.kind), shape, x)


@dataclass(frozen=True)
class _SameStart:
    value: Value

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.map(expr.arg(0), shape, self.value)


@dataclass(frozen=True)
class _ConstantFiller:
    value: float

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.full(shape, self.value)
