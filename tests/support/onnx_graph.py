"""ONNX's published operator cases, lowered to our layers and primitives node by node.

A case is a small model with its inputs and outputs. Each node becomes what
`OPERATORS` says: a layer where there is one, else methods of the builder. What
a node knows before it runs (shapes, axes, sizes) is a NumPy array; everything
else is a value of the graph, so that no number of an answer is made by NumPy.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from layer_support import Array

from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.ir import Value
from netspec.spec.layer import Layer, ShapeError
from runtime.expr import arg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of onnx and what it imports
    import onnx
    from onnx.backend.test.case.node import collect_testcases
    from onnx.reference import ReferenceEvaluator

OPERATORS: dict[str, Callable[[Node], Any]] = {}

SIZED = frozenset(("ConstantOfShape", "Range"))
"""Operators whose numbers decide a shape: they are worked out before the graph runs."""

ABSENT: dict[str, str] = {}
"""Operators without a counterpart here, and why."""


class Unmatched(Exception):
    """Why a case has no counterpart here."""


class ShapeRuleError(AssertionError):
    """A layer made another shape than its rule states."""


def operator(*names: str) -> Callable[[Callable[[Node], Any]], Callable[[Node], Any]]:
    """Register how the operators of these names are lowered."""

    def add(lower: Callable[[Node], Any]) -> Callable[[Node], Any]:
        OPERATORS.update(dict.fromkeys(names, lower))
        return lower

    return add


def absent(why: str, *names: str) -> None:
    """Note that there is nothing for these operators here."""
    ABSENT.update(dict.fromkeys(names, why))


class Graph:
    """A model on its way to a graph of primitives."""

    def __init__(self, model: Any, inputs: list[Any]):
        arrays = {info.name: value for info, value in zip(model.graph.input, inputs, strict=True)}
        arrays |= {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
        floats = {a.dtype for a in map(np.asarray, arrays.values())}
        self.b = Builder("test", "f64" if np.dtype(np.float64) in floats else "f32", 1)
        self.opset = {o.domain: o.version for o in model.opset_import}.get("", 1)
        self.known: dict[str, Array] = {name: np.asarray(array) for name, array in arrays.items()}
        self.values: dict[str, Value] = {}
        self.derived: set[str] = {t.name for t in model.graph.initializer}
        self.feeds: dict[str, Array] = {}
        self.states: dict[str, Array] = {}
        self.scalars: dict[str, float] = {}
        self.after: dict[str, Callable[[Array], Array]] = {}
        for node in model.graph.node:
            self._node(node)
        self.outputs = [(o.name, self.values.get(o.name), self.known.get(o.name)) for o in model.graph.output]
        if all(value is None for _, value, _ in self.outputs):
            raise Unmatched("only shapes and constants")

    def _node(self, node: Any) -> None:
        here = Node(self, node)
        if self._folded(here):
            return
        lower = OPERATORS.get(node.op_type)
        if lower is None:
            raise Unmatched(ABSENT.get(node.op_type, "no layer or primitive does it"))
        with self.b.scope(f"{node.op_type}{len(self.values)}"):
            made = lower(here)
        for name, value in zip(node.output, made if isinstance(made, tuple | list) else [made], strict=False):
            if isinstance(value, np.ndarray):
                self.known[name] = value
                self.derived.add(name)
            elif name:
                self.values[name] = value

    def _folded(self, node: Node) -> bool:
        """Whether all that a node reads is known for its shape or as a constant; then NumPy answers."""
        proto = node.proto
        if proto.op_type in ("Shape", "Size"):
            arrays = [np.empty(node.shape(0), np.float32)]
        elif proto.op_type in SIZED and all(n in self.known for n in proto.input):
            arrays = [self.known[n] for n in proto.input]
        elif proto.op_type == "Constant" or (proto.input and all(n in self.derived for n in proto.input if n)):
            arrays = [self.known.get(n) for n in proto.input]
        else:
            return False
        feeds = {f"i{k}": a for k, a in enumerate(arrays) if a is not None}
        copy = onnx.NodeProto()
        copy.CopyFrom(proto)
        del copy.input[:]
        copy.input.extend(f"i{k}" if a is not None else "" for k, a in enumerate(arrays))
        try:
            made = ReferenceEvaluator(copy).run(None, feeds)
        except Exception as error:
            raise Unmatched(f"onnx's own {proto.op_type} fails on constants") from error
        for name, array in zip(proto.output, made, strict=False):
            self.known[name] = np.asarray(array)
            self.derived.add(name)
        return True

    def value(self, name: str) -> Value:
        """A blob as a value; a known array becomes an input on first demand."""
        if name not in self.values:
            self.values[name] = self._input(name, self.known[name])
        return self.values[name]

    def _input(self, name: str, array: Array) -> Value:
        if 0 in array.shape:
            raise Unmatched("empty arrays")
        whole = array.dtype in (np.int32, np.int64)
        if array.dtype not in (np.float32, np.float64, np.bool_) and not whole:
            kinds = {"i": "short whole numbers", "u": "unsigned whole numbers", "f": "half precision"}
            raise Unmatched(kinds.get(array.dtype.kind, f"{array.dtype} numbers"))
        if whole and np.abs(array, dtype=np.float64).max(initial=0) >= 2**31:
            raise Unmatched("whole numbers beyond 32 bits")
        kind = None if array.dtype.kind == "f" else "i32"
        label = f"in{len(self.feeds)}"
        self.feeds[label] = array if kind is None else array.astype(np.int32)
        value = self.b.input(label, array.shape, kind)
        return value if array.dtype != np.bool_ else self.b.not_equal(value, 0)

    def run(self) -> dict[str, Array]:
        """The outputs that are computed, by the reference; those known before are as they are."""
        results = run_graph(self.b.graph, self.feeds, self.states, self.scalars, self.b.dtype)
        found = {name: known for name, _, known in self.outputs if known is not None}
        return found | self.finished({name: results[v] for name, v, _ in self.outputs if v is not None})

    def finished(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Outputs as ONNX has them, where their size depends on the data."""
        return {name: self.after.get(name, np.asarray)(array) for name, array in arrays.items()}

    def with_outputs(self) -> Any:
        """The graph with copies of its outputs as outputs, for the compiler."""
        with self.b.scope("net"):
            for name, value, _ in self.outputs:
                if value is not None:
                    self.b.graph.outputs[name] = self.b.map(arg(0, value.kind), value.shape, value)
        return self.b.graph


@dataclass
class Node:
    """A node: its attributes and what it reads."""

    graph: Graph
    proto: Any
    attributes: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in self.proto.attribute}

    @property
    def b(self) -> Builder:
        """The builder."""
        return self.graph.b

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute; texts are str."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def refuse(self, **unlike: Any) -> None:
        """Raise Unmatched where an attribute is there and not what is given."""
        for name, allowed in unlike.items():
            if self.attr(name, allowed) != allowed:
                raise Unmatched(f"{self.proto.op_type} with {name} {self.attr(name)}")

    def has(self, k: int) -> bool:
        """Whether input k is given."""
        return k < len(self.proto.input) and bool(self.proto.input[k])

    def wants(self, k: int) -> bool:
        """Whether output k is asked for."""
        return k < len(self.proto.output) and bool(self.proto.output[k])

    def value(self, k: int = 0) -> Value:
        """Input k."""
        return self.graph.value(self.proto.input[k])

    def floating(self, k: int = 0) -> Value:
        """Input k, which must hold floats."""
        value = self.value(k)
        if value.kind != "float":
            raise Unmatched(f"{self.proto.op_type} of whole numbers")
        return value

    def values(self) -> list[Value]:
        """All inputs."""
        return [self.value(k) for k in range(len(self.proto.input)) if self.has(k)]

    def shape(self, k: int = 0) -> tuple[int, ...]:
        """The shape of input k."""
        name = self.proto.input[k]
        return self.graph.values[name].shape if name in self.graph.values else self.graph.known[name].shape

    def known(self, k: int, default: Any = None) -> Any:
        """Input k as an array that is known before the graph runs; ``default`` if it is not given."""
        if not self.has(k):
            return default
        name = self.proto.input[k]
        if name not in self.graph.known:
            raise Unmatched(f"{self.proto.op_type} by numbers that are computed")
        return self.graph.known[name]

    def whole(self, k: int, default: Any = None) -> Any:
        """Input k as a list of whole numbers that are known."""
        found = self.known(k)
        return default if found is None else [int(n) for n in np.reshape(found, -1)]

    def layer(self, layer: Layer, *bottoms: Value, tops: int = 1, **params: Array) -> Any:
        """The tops of a layer whose parameters and states hold these arrays."""
        b = self.b
        name = f"{self.proto.op_type}{len(b.graph.ops)}_{len(b.graph.inputs)}"
        layer.name = name
        layer.bottom_names = tuple(f"x{k}" for k in range(len(bottoms)))
        layer.top_names = tuple(f"y{k}" for k in range(tops)) if tops > 1 else ()
        try:
            stated = layer.shapes(*(x.shape for x in bottoms))
        except ShapeError as error:
            raise Unmatched(f"{layer.type_name} refuses it: {error.message}") from error
        with b.scope(name):
            made = layer.lower(b, *bottoms)
        for short, array in params.items():
            self.graph.states[f"{name}.{short}"] = np.asarray(array)
        shapes = [v.shape for v in (made if isinstance(made, tuple) else (made,))]
        several = isinstance(next(iter(stated), 0), tuple)
        if shapes != [tuple(s) for s in (stated if several else (stated,))]:
            raise ShapeRuleError(f"{layer.type_name} states {stated} and makes {shapes}")
        return made[0] if isinstance(made, tuple) and len(made) == 1 else made


@dataclass
class Report:
    """What became of the cases, by operator."""

    ran: Counter[str] = field(default_factory=Counter)
    skipped: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def skip(self, op: str, why: str, case: str) -> None:
        """Note a case that has no counterpart here."""
        self.skipped.setdefault((op, why), []).append(case)

    def text(self) -> str:
        """How many cases of each operator ran, and were skipped for each reason."""
        out = sum(map(len, self.skipped.values()))
        lines = [f"ONNX: {sum(self.ran.values())} cases ran, {out} were skipped, {len(self.failed)} failed"]
        lines.append("ran: " + ", ".join(f"{op} {n}" for op, n in sorted(self.ran.items())))
        reasons = Counter({why: 0 for _, why in self.skipped})
        for (_, why), cases in self.skipped.items():
            reasons[why] += len(cases)
        for why, count in reasons.most_common():
            ops = sorted((op, len(cases)) for (op, other), cases in self.skipped.items() if other == why)
            lines.append(f"skipped {count}, {why}: " + ", ".join(f"{op} {n}" for op, n in ops))
        return "\n".join(lines)


def operator_of(case: Any) -> str:
    """The operator a case is about; of functions written out in several nodes, its name and `(expanded)`."""
    nodes = case.model.graph.node
    if len(nodes) == 1:
        return str(nodes[0].op_type)
    stem = case.name.removeprefix("test_").partition("_expanded")[0]
    return f"{stem.split('_')[0]} (expanded)"


def cases() -> Iterator[Any]:
    """All cases of the installed onnx."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from collect_testcases(None)


def array_of(data: Any) -> Any:
    """An input or output of a case as an array, where it is one."""
    return onnx.numpy_helper.to_array(data) if isinstance(data, onnx.TensorProto) else data


def lowered(case: Any) -> Graph:
    """The graph of a case.

    Raises
    ------
    Unmatched
        If something in it has no counterpart here.
    """
    inputs, _ = case.data_sets[0]
    arrays = [array_of(x) for x in inputs]
    if any(not isinstance(x, np.ndarray | np.generic) for x in arrays):
        raise Unmatched("sequences and optional values")
    return Graph(case.model, arrays)


def wrong(case: Any, found: dict[str, Array]) -> str | None:
    """How the outputs differ from the published ones, None if they do not."""
    _, expected = case.data_sets[0]
    for info, want in zip(case.model.graph.output, expected, strict=True):
        if info.name not in found:
            continue
        got, want = np.asarray(found[info.name]), np.asarray(array_of(want))
        if got.shape != want.shape:
            return f"{info.name}: got shape {got.shape}, expected {want.shape}"
        # the tolerances that come with the cases, made for other sums in other orders
        if not np.allclose(got.astype(np.float64), want.astype(np.float64), case.rtol, max(case.atol, 1e-6), True):
            return f"{info.name}: got {got.reshape(-1)[:6]}, expected {want.reshape(-1)[:6]}"
    return None
