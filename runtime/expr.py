"""Expression trees: what a map computes for one element.

An expression is a small immutable tree over the operands of a map or of the
map in front of a reduce. The same tree is differentiated by the compiler,
evaluated by the reference and emitted as kernel source for each device, so a
formula is written once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

FLOATS = ("f32", "f64")
"""Dtypes of arrays that an expression reads as ``float``."""

UNARY = frozenset("neg exp log sqrt rsqrt sin cos tanh sigmoid erf abs sign floor not isfinite to_float to_int".split())
BINARY = frozenset("add sub mul div pow min max lt le gt ge eq ne and or".split())
TERNARY = frozenset(["where"])
LEAVES = frozenset("arg const scalar index uniform normal".split())
COMPARISONS = frozenset("lt le gt ge eq ne".split())
LOGICAL = frozenset("and or not isfinite".split())
CONVERSIONS = frozenset(("to_float", "to_int"))


class Expr:
    """One node of an expression tree.

    Equal trees are one object (hash-consing), so comparing and hashing them
    costs nothing however large they are.

    Parameters
    ----------
    op
        A leaf (``LEAVES``) or a function (``UNARY``, ``BINARY``, ``TERNARY``).
    args
        Sub-expressions; empty for leaves.
    value
        For ``arg`` the operand's number, for ``const`` the number (float, int
        or bool), for ``scalar`` a name of ``runtime.plan.HEAD`` (a number the
        host writes between steps), for ``index`` a negative axis (the element's
        coordinate along it, as i32), for ``uniform`` and ``normal`` the pair
        (stream, t): Philox4x32-10 random numbers, U[0, 1) and N(0, 1), of
        (seed, stream, iteration, micro_step, flat logical N C H W index, t).
    dtype
        ``float`` (the plan's working precision), ``i32`` or ``b1``.
    """

    __slots__ = ("_nodes", "args", "dtype", "op", "value")
    op: str
    args: tuple[Expr, ...]
    value: object
    dtype: str
    _nodes: tuple[Expr, ...] | None

    def __new__(cls, op: str, args: tuple[Expr, ...] = (), value: object = None, dtype: str = "float") -> Expr:
        """The one object of these parts."""
        key = (op, args, _exact(value), dtype)
        found = _known.get(key)
        if found is None:
            found = object.__new__(cls)
            for name, part in (("op", op), ("args", args), ("value", value), ("dtype", dtype), ("_nodes", None)):
                object.__setattr__(found, name, part)
            found = _known.setdefault(key, found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an expression does not change")

    def __reduce__(self) -> tuple[type[Expr], tuple[object, ...]]:
        return Expr, (self.op, self.args, self.value, self.dtype)

    def walk(self) -> tuple[Expr, ...]:
        """Every distinct node, operands before the node that uses them."""
        if self._nodes is None:
            seen: dict[Expr, None] = {}
            for a in self.args:
                seen.update(dict.fromkeys(a.walk()))
            seen[self] = None
            object.__setattr__(self, "_nodes", tuple(seen))
        nodes = self._nodes
        assert nodes is not None
        return nodes

    def substitute(self, operands: dict[int, Expr]) -> Expr:
        """The tree with operand ``k`` replaced by ``operands[k]`` where given."""
        return self.replace({n: operands[n.number] for n in self.walk() if n.op == "arg" and n.number in operands})

    def replace(self, known: Mapping[Expr, Expr]) -> Expr:
        """The tree with every sub-expression that is in ``known`` replaced by its entry there."""
        memo: dict[Expr, Expr] = {}
        for node in self.walk():
            if node in known:
                memo[node] = known[node]
            elif node.args:
                memo[node] = Expr(node.op, tuple(memo[a] for a in node.args), node.value, node.dtype)
            else:
                memo[node] = node
        return memo[self]

    @property
    def operations(self) -> int:
        """Arithmetic operations an element: every distinct function node counts 1."""
        return sum(1 for n in self.walk() if n.args and n.op not in CONVERSIONS)

    @property
    def number(self) -> int:
        """The operand's number of an ``arg``."""
        assert self.op == "arg"
        assert isinstance(self.value, int)
        return self.value

    def operands(self) -> set[int]:
        """Numbers of the operands the tree reads."""
        return {n.number for n in self.walk() if n.op == "arg"}

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        if self.op == "arg":
            return f"%{self.value}"
        if self.op == "const":
            return repr(self.value)
        if not self.args:
            return f"{self.op}({self.value})"
        return f"{self.op}({', '.join(map(str, self.args))})"


_known: dict[tuple[str, tuple[Expr, ...], object, str], Expr] = {}


def _exact(value: object) -> object:
    """A key that tells 0.0 from -0.0, 1 from 1.0 from True, and is equal to itself for NaN."""
    if isinstance(value, float):
        return (float, "nan") if math.isnan(value) else (float, value, math.copysign(1.0, value))
    return (type(value), value)


def kind_of(dtype: str) -> str:
    """The dtype of an expression that reads an array of ``dtype``: ``float``, ``i32`` or ``b1``."""
    return "float" if dtype in FLOATS else "b1" if dtype == "b1" else "i32"


def arg(k: int, dtype: str = "float") -> Expr:
    """Operand number ``k``."""
    return Expr("arg", (), k, dtype)


def const(value: float | int | bool) -> Expr:
    """A number; a bool is b1, an int i32, a float the working precision."""
    kind = "b1" if isinstance(value, bool) else "i32" if isinstance(value, int) else "float"
    return Expr("const", (), value, kind)


def call(op: str, *args: Expr) -> Expr:
    """A function of sub-expressions, with i32 and b1 promoted to float where needed.

    Comparisons of two i32 compare integers, mixed ones compare floats;
    ``add sub mul min max`` of two i32 stay i32.
    """
    return Expr(op, _promoted(op, args), None, result_dtype(op, [a.dtype for a in args]))


def to_float(x: Expr) -> Expr:
    """``x`` in the working precision."""
    if x.dtype == "float":
        return x
    if x.op == "const":
        return const(float(x.value))  # type: ignore[arg-type]
    return Expr("to_float", (x,), None, "float")


def result_dtype(op: str, dtypes: list[str]) -> str:
    """The dtype of ``op`` over operands of these dtypes."""
    if op in COMPARISONS or op in LOGICAL:
        return "b1"
    if op == "to_int":
        return "i32"
    if op == "where":
        return "float" if "float" in dtypes[1:] else dtypes[1]
    whole = all(d == "i32" for d in dtypes)
    if whole and op in ("add", "sub", "mul", "min", "max", "neg", "abs", "sign", "floor"):
        return "i32"
    return "float"


def _promoted(op: str, args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    if (op in LOGICAL and op != "isfinite") or op in CONVERSIONS:
        return args
    if op == "where":
        cond, a, b = args
        return (cond, *_promoted("add", (a, b)))
    if any(a.dtype == "float" for a in args) or any(a.dtype == "b1" for a in args):
        return tuple(map(to_float, args))
    needs_float = result_dtype(op, [a.dtype for a in args]) == "float"
    return tuple(map(to_float, args)) if needs_float else args
