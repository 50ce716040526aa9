"""The intermediate representation: values, operations, states, graphs.

A graph is a list of operations in an order that respects their data, so it
can be run as it stands. Names are opaque here: a value's name is a blob's name
for reports, an operation's origin names the layers it serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from runtime.expr import Expr, arg, kind_of
from runtime.ops import Map, Primitive, Reduce, Shape
from runtime.plan import Origin, Refusal

if TYPE_CHECKING:
    from compiler.builder import Builder


class Value:
    """An array that flows through the graph: logical shape (N C H W order) and dtype.

    Values of a graph under construction support ``+ - * / **``, comparisons
    and negation with values and numbers; each makes a ``Map``.
    """

    __slots__ = ("builder", "dtype", "name", "op", "shape")

    def __init__(self, shape: Shape, dtype: str, name: str = "", op: Op | None = None, builder: Builder | None = None):
        self.shape = shape
        self.dtype = dtype
        self.name = name
        self.op = op
        self.builder = builder

    def __repr__(self) -> str:
        return f"{self.name or '%'}: {self.dtype}[{'x'.join(map(str, self.shape))}]"

    @property
    def kind(self) -> str:
        """The dtype of an expression that reads it: ``float``, ``i32`` or ``b1``."""
        return kind_of(self.dtype)

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def _map(self, op: str, *args: Any) -> Value:
        assert self.builder is not None, "arithmetic on values needs their builder"
        return self.builder.apply(op, *args)

    def __add__(self, other: Value | float) -> Value:
        return self._map("add", self, other)

    def __radd__(self, other: float) -> Value:
        return self._map("add", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return self._map("sub", self, other)

    def __rsub__(self, other: float) -> Value:
        return self._map("sub", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self._map("mul", self, other)

    def __rmul__(self, other: float) -> Value:
        return self._map("mul", other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return self._map("div", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self._map("div", other, self)

    def __pow__(self, other: Value | float) -> Value:
        return self._map("pow", self, other)

    def __rpow__(self, other: float) -> Value:
        return self._map("pow", other, self)

    def __neg__(self) -> Value:
        return self._map("neg", self)

    def __lt__(self, other: Value | float) -> Value:
        return self._map("lt", self, other)

    def __le__(self, other: Value | float) -> Value:
        return self._map("le", self, other)

    def __gt__(self, other: Value | float) -> Value:
        return self._map("gt", self, other)

    def __ge__(self, other: Value | float) -> Value:
        return self._map("ge", self, other)


class Op:
    """One primitive applied to values.

    Parameters
    ----------
    prim
        What is computed.
    inputs, outputs
        Operands and results.
    segment
        One of ``runtime.plan.SEGMENTS``.
    origin
        The layers (and direction) served; never empty.
    host
        The operation in whose epilogue this map runs (set by ``fuse``), or None.
    algorithm
        The way chosen where there is a choice (set by ``choose``), or None.
    """

    __slots__ = ("algorithm", "host", "inputs", "origin", "outputs", "prim", "segment")

    def __init__(
        self, prim: Primitive, inputs: Iterable[Value], outputs: Iterable[Value], segment: str, origin: Iterable[Origin]
    ):
        self.prim = prim
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.segment = segment
        self.origin = tuple(sorted(set(origin)))
        self.host: Op | None = None
        self.algorithm: str | None = None
        for value in self.outputs:
            value.op = self

    def __repr__(self) -> str:
        return f"<{self.prim.kind} {list(self.inputs)} -> {list(self.outputs)}>"


class State:
    """A persistent array: read at the start of a step, written together at its end.

    Parameters
    ----------
    role
        ``param``, ``average``, ``solver``, ``running``, ``carry``.
    init
        The value a new net starts from, made by ops of segment ``init``.
    read
        The value the graph reads.
    written
        The value that takes its place at ``commit``, or None.
    """

    __slots__ = ("decay_mult", "init", "lr_mult", "name", "read", "role", "written")

    def __init__(self, name: str, role: str, read: Value, init: Value, lr_mult: float = 1.0, decay_mult: float = 1.0):
        self.name = name
        self.role = role
        self.read = read
        self.init = init
        self.lr_mult = lr_mult
        self.decay_mult = decay_mult
        self.written: Value | None = None


@dataclass
class Graph:
    """Operations in executable order, with the named values at the border.

    ``keep`` holds values that must still be readable after a run; ``grads``
    maps parameter names to their gradients, ``blob_grads`` blob names;
    ``saved`` holds what the ``save`` pass chose to keep for the backward steps;
    ``choices`` the ways that ``choose`` took, by a key that names the operation;
    ``loop_states`` holds what the turns of loops hand on: each is made from the one before, dear to compute again;
    ``kept_grads`` names gradients that must be readable after a whole step;
    ``literals`` holds the arrays of values that nothing makes because they are known.
    """

    dtype: str = "f32"
    phase: str = "train"
    batch: int = 1
    inputs: dict[str, Value] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    outputs: dict[str, Value] = field(default_factory=dict)
    blobs: dict[str, Value] = field(default_factory=dict)
    keep: list[Value] = field(default_factory=list)
    loss: Value | None = None
    grads: dict[str, Value] = field(default_factory=dict)
    blob_grads: dict[str, Value] = field(default_factory=dict)
    saved: set[Value] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    kept_grads: set[str] = field(default_factory=set)
    loop_states: set[Value] = field(default_factory=set)
    literals: dict[Value, NDArray[Any]] = field(default_factory=dict)

    def roots(self) -> Iterator[Value]:
        """Values that must be computed whoever reads them: outputs, kept ones, states, gradients."""
        yield from self.outputs.values()
        yield from self.keep
        yield from self.grads.values()
        yield from self.blob_grads.values()
        if self.loss is not None:
            yield self.loss
        for state in self.states.values():
            yield state.init
            if state.written is not None:
                yield state.written

    def replace(self, new: dict[Value, Value]) -> None:
        """Puts ``new[v]`` in the place of every border value v that has one."""

        def swap(v: Value) -> Value:
            return new.get(v, v)

        for table in (self.outputs, self.blobs, self.grads, self.blob_grads):
            table.update({name: swap(v) for name, v in table.items()})
        self.keep = [swap(v) for v in self.keep]
        self.loss = None if self.loss is None else swap(self.loss)
        for state in self.states.values():
            state.init = swap(state.init)
            state.written = None if state.written is None else swap(state.written)

    def consumers(self) -> dict[Value, list[Op]]:
        """The ops that read each value."""
        found: dict[Value, list[Op]] = {}
        for op in self.ops:
            for value in dict.fromkeys(op.inputs):
                found.setdefault(value, []).append(op)
        return found

    def __str__(self) -> str:
        names = _Names(self)
        lines = [f"graph {self.phase} batch {self.batch} {self.dtype}"]
        lines += [f"  input {names.typed(v)}" for v in self.inputs.values()]
        lines += [f"  {s.role} {names.typed(s.read)}" for s in self.states.values()]
        lines += [f"  literal {names.typed(v)}" for v in self.literals]
        for op in self.ops:
            results = ", ".join(map(names.typed, op.outputs)) or "()"
            operands = ", ".join(names[v] for v in op.inputs)
            origin = " ".join(f"{o.layer}:{o.direction}" for o in op.origin)
            lines.append(f"  {op.segment}: {results} = {describe(op.prim)}({operands})  # {origin}")
        lines += [f"  output {name} = {names[v]}" for name, v in self.outputs.items()]
        lines += [f"  write {n} = {names[s.written]}" for n, s in self.states.items() if s.written is not None]
        return "\n".join(lines)


class _Names(dict[Value, str]):
    """Names for printing: a value's own where it is unique, else numbered."""

    def __init__(self, graph: Graph):
        super().__init__()
        values = [*graph.inputs.values(), *(s.read for s in graph.states.values()), *graph.literals]
        values += [v for op in graph.ops for v in op.outputs]
        taken: set[str] = set()
        for k, value in enumerate(values):
            name = f"%{value.name}" if value.name else f"%{k}"
            self[value] = f"{name}.{k}" if name in taken else name
            taken.add(self[value])

    def typed(self, value: Value) -> str:
        return f"{self[value]}: {value.dtype}[{'x'.join(map(str, value.shape))}]"


def compact(results: Iterable[Expr], values: Sequence[Value]) -> tuple[tuple[Expr, ...], list[Value]]:
    """Expressions over ``values`` as expressions over only those they read, numbered as they are met.

    Equal formulas over different operands become equal expressions, so they share one kernel.
    """
    results = tuple(results)
    used = list(dict.fromkeys(n.number for r in results for n in r.walk() if n.op == "arg"))
    numbers = {k: arg(i, values[k].kind) for i, k in enumerate(used)}
    return tuple(r.substitute(numbers) for r in results), [values[k] for k in used]


def describe(prim: Primitive) -> str:
    """A primitive and its attributes on one line."""
    if isinstance(prim, Map):
        return f"map[{'; '.join(map(str, prim.results))}]"
    if isinstance(prim, Reduce):
        return f"reduce {prim.op}{list(prim.axes)}[{'; '.join(map(str, prim.results))}]"
    attrs = " ".join(f"{k}={v}" for k, v in vars(prim).items())
    return f"{prim.kind} {attrs}".strip()
