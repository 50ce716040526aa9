"""Expression trees as kernel source: text and argument words grow together.

Sizes, strides, addresses and constants are arguments, never text: trees of one
structure over operands of one memory pattern share one kernel.

Trees are evaluated exactly as written (``add`` and ``mul``, not ``+`` and
``*``): a formula has the same bits wherever it is fused. The gradient of a
maximum depends on it, which looks for the element that equals it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from runtime.expr import Expr, call, const
from runtime.plan import HEAD, ITEM_BYTES
from runtime.vector.kernel import Address, Kernel, Word

CONTIGUOUS, BROADCAST, STRIDED = "c", "b", "s"
"""How a stream lies along the vector dimension: neighbours, one element, anything else."""

OPERATORS = {
    "div": "/",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
}
FUNCTIONS = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "erf": "erf",
    "abs": "absolute",
    "sign": "sign",
    "floor": "floor",
    "isfinite": "isfinite",
    "pow": "power",
    "min": "minimum",
    "max": "maximum",
}
COST = {"exp": 12, "log": 12, "tanh": 25, "sigmoid": 15, "erf": 40, "sin": 15, "cos": 15, "pow": 60, "div": 4}
COST |= {"sqrt": 4, "rsqrt": 8, "uniform": 40, "normal": 80}
"""Operations each is worth where work is shared out; others 1."""


@dataclass(frozen=True)
class Stream:
    """Something that a kernel walks along: an operand, a result, or a coordinate.

    Parameters
    ----------
    base
        The address of element 0, or 0 for a coordinate.
    strides
        Steps along each dimension: bytes, or units of a coordinate.
    dtype
        The dtype in memory; empty for a coordinate.
    """

    base: Word
    strides: tuple[int, ...]
    dtype: str = ""

    def pattern(self, size: int = 2) -> str:
        """How it lies along its last dimension, of ``size`` elements."""
        if size == 1 or self.strides[-1] == ITEM_BYTES.get(self.dtype, 1):
            return CONTIGUOUS
        return STRIDED if self.strides[-1] else BROADCAST


class Source:
    """The text of a kernel under construction, and its argument words.

    Parameters
    ----------
    working
        The dtype that ``float`` stands for, ``f32`` or ``f64``.
    lanes
        Elements of it in a vector.
    """

    HEAD = "def kernel(args, first, last, thread):"
    """The first line of the function; a device says its own."""

    IMPORTS: tuple[str, ...] = ()
    """Lines for what kernels of the device need besides the vector type."""

    def __init__(self, working: str, lanes: int) -> None:
        self.working, self.lanes = working, lanes
        self.words: list[Word] = []
        self._globals: dict[str, str] = {}
        self._lines: list[str] = []
        self._indent = 1

    def word(self, value: Word) -> str:
        """Text that reads a new argument word."""
        self.words.append(value)
        return f"word(args, {len(self.words) - 1})"

    def real(self, value: float) -> str:
        """Text that reads a new float64 argument."""
        self.words.append(float(value))
        return f"real(args, {len(self.words) - 1})"

    def divisor(self, size: int) -> int:
        """The number of the first of three words by which ``over`` and ``rest`` divide numbers below 2^31."""
        place = len(self.words)
        self.words += divisor_words(size)
        return place

    def use(self, factory: str, *parameters: str, module: str = "simd") -> str:
        """The name of a typed function of ``simd``, made for these kinds and our lanes."""
        name = "_".join([factory, *parameters])
        texts = [*map(repr, parameters), str(self.lanes)]
        self._globals[name] = f"{name} = {module}.{factory}({', '.join(texts)})"
        return name

    def function(self, name: str) -> str:
        """The name of a function of ``simd`` that few kernels need."""
        self._globals[name] = f"{name} = simd.{name}"
        return name

    def placer(self, depth: int) -> str:
        """The name of ``simd.placer`` for this many dimensions."""
        self._globals[f"place{depth}"] = f"place{depth} = simd.placer({depth})"
        return f"place{depth}"

    def converter(self, kind: str) -> str:
        """The name of the conversion to a kind."""
        self._globals[f"to_{kind}"] = f"to_{kind} = simd.converter({kind!r})"
        return f"to_{kind}"

    def line(self, *lines: str) -> None:
        """Appends lines at the current depth."""
        self._lines.extend("    " * self._indent + line for line in lines)

    def block(self, head: str) -> _Block:
        """``with source.block("while x:")`` indents what follows."""
        self.line(head)
        return _Block(self)

    def kernel(self, name: str) -> Kernel:
        """The finished kernel."""
        modules = ["philox", "simd"] if any("= philox." in g for g in self._globals.values()) else ["simd"]
        text = [
            f"from runtime.vector import {', '.join(modules)}",
            "from runtime.vector.simd import " + ", ".join(_IMPORTED),
            *self.IMPORTS,
            *sorted(self._globals.values()),
            f"LANES = {self.lanes}",
            self.HEAD,
            *self._lines,
        ]
        return Kernel(name, "\n".join(text) + "\n")


_IMPORTED = (
    *("least", "real", "over", "rest", "whole", "word", "select", "hsum", "hmax"),
    *sorted(set(FUNCTIONS.values())),
)


@dataclass
class _Block:
    source: Source

    def __enter__(self) -> None:
        self.source._indent += 1

    def __exit__(self, *_: object) -> None:
        self.source._indent -= 1


def divisor_words(size: int) -> tuple[int, int, int]:
    """The words by which ``over`` and ``rest`` divide numbers below 2^31: size, factor, shift."""
    shift = 31 + (max(size, 1) - 1).bit_length()
    return size, -(-(1 << shift) // max(size, 1)), shift


def kind_of(dtype: str, working: str) -> str:
    """The vector kind that computes an expression's dtype."""
    return working if dtype == "float" else dtype


def working_dtype(dtypes: Sequence[str], plan: str) -> str:
    """The working precision of a step: the widest floating dtype it touches, else the plan's."""
    floats = {d for d in dtypes if d in ("f32", "f64")}
    return "f64" if "f64" in floats else "f32" if floats else plan


def cost(trees: Sequence[Expr]) -> int:
    """Operations an element, transcendental functions weighted."""
    nodes = dict.fromkeys(n for tree in trees for n in tree.walk())
    return sum(COST.get(n.op, 1 if n.args else 0) for n in nodes)


# powers


def simplify_powers(tree: Expr) -> Expr:
    """The tree with constant powers as products, square roots and quotients where those are exact or nearly so."""
    memo: dict[Expr, Expr] = {}
    for node in tree.walk():
        args = tuple(memo[a] for a in node.args)
        new = Expr(node.op, args, node.value, node.dtype) if args else node
        if node.op == "pow" and args[1].op == "const":
            new = _power(args[0], float(cast(float, args[1].value))) or new
        memo[node] = new
    return memo[tree]


def _power(x: Expr, exponent: float) -> Expr | None:
    quarters = exponent * 4
    if quarters != int(quarters) or abs(exponent) > 8:
        return None
    whole, rest = divmod(int(abs(quarters)), 4)
    if rest and whole > 2:
        return None
    factors: list[Expr] = []
    square = x
    while whole:
        if whole & 1:
            factors.append(square)
        square, whole = call("mul", square, square), whole >> 1
    root = call("sqrt", x)
    factors += [root] * (rest >= 2) + [call("sqrt", root)] * (rest % 2)
    product = const(1.0)
    for k, factor in enumerate(factors):
        product = factor if k == 0 else call("mul", product, factor)
    return call("div", const(1.0), product) if exponent < 0 else product


# trees


class Trees:
    """Emits the lines that evaluate trees at one vector of elements.

    Parameters
    ----------
    source
        Where text goes.
    trees
        The results.
    operand
        ``operand(k, kind) -> text`` of the value of operand k as ``kind``.
    coordinate
        ``coordinate(node) -> text`` of (first position, step) of an ``index``,
        ``uniform`` or ``normal`` leaf, as two texts.
    """

    def __init__(
        self,
        source: Source,
        trees: Sequence[Expr],
        operand: Callable[[int, str], str],
        coordinate: Callable[[Expr], tuple[str, str]],
    ) -> None:
        self.source, self.trees = source, trees
        self._operand, self._coordinate = operand, coordinate
        self._names: dict[Expr, tuple[str, str]] = {}
        self._nodes = list(dict.fromkeys(n for tree in trees for n in tree.walk()))

    def constants(self) -> None:
        """The lines for the top of the kernel: constants, numbers of the head."""
        for k, node in enumerate(self._nodes):
            if node.op in ("const", "scalar"):
                self.source.line(f"k{k} = {self._constant(node)}")
                self._names[node] = f"k{k}", kind_of(node.dtype, self.source.working)
            elif node.op in ("uniform", "normal"):
                self._counter(k, node)

    def _constant(self, node: Expr) -> str:
        kind = kind_of(node.dtype, self.source.working)
        splat = self.source.use("splatter", kind)
        is_float = node.dtype == "float"
        if node.op == "scalar":
            place = self.source.word(Address("head", 8 * HEAD.index(cast(str, node.value))))
            return f"{splat}({'real' if is_float else 'whole'}({place}, 0))"
        value = cast(float, node.value)
        return f"{splat}({self.source.real(value) if is_float else self.source.word(int(value))})"

    def _counter(self, k: int, node: Expr) -> None:
        stream, t = cast(tuple[int, int], node.value)
        head = [self.source.word(Address("head", 8 * HEAD.index(n))) for n in ("seed", "iteration", "micro_step")]
        self.source.line(
            f"seed{k}, stream{k} = whole({head[0]}, 0), {self.source.word(stream)}",
            f"iteration{k}, last{k} = whole({head[1]}, 0), whole({head[2]}, 0) + {self.source.word(65536 * t)}",
        )

    def body(self) -> list[tuple[str, str]]:
        """The lines for one vector; answers the results' names and kinds."""
        kept = dict(self._names)
        for k, node in enumerate(self._nodes):
            if node not in self._names:
                text, kind = self._text(k, node)
                self.source.line(f"v{k} = {text}")
                self._names[node] = f"v{k}", kind
        found = [self._names[tree] for tree in self.trees]
        self._names = kept
        return found

    def converted(self, name: str, kind: str, to: str) -> str:
        """Text of a value as another kind."""
        return name if kind == to else f"{self.source.converter(to)}({name})"

    def _text(self, k: int, node: Expr) -> tuple[str, str]:
        kind = kind_of(node.dtype, self.source.working)
        if node.op == "arg":
            return self._operand(cast(int, node.value), kind), kind
        if node.op == "index":
            start, step = self._coordinate(node)
            return f"{self.source.use('ramp', 'i32')}({start}, {step})", "i32"
        if node.op in ("uniform", "normal"):
            start, step = self._coordinate(node)
            index = f"{self.source.use('ramp', 'u64')}({start}, {step})"
            draw = self.source.use(node.op, kind, module="philox")
            return f"{draw}({index}, seed{k}, stream{k}, iteration{k}, last{k})", kind
        return self._function(node, kind)

    def _function(self, node: Expr, kind: str) -> tuple[str, str]:
        names = [self._names[a] for a in node.args]
        if node.op in ("to_float", "to_int"):
            return self.converted(*names[0], kind), kind
        if node.op in ("and", "or", "not"):
            texts = [self.converted(*n, "b1") for n in names]
            return (
                f"~{texts[0]}" if node.op == "not" else f"{texts[0]} {'&' if node.op == 'and' else '|'} {texts[1]}"
            ), "b1"
        if node.op == "where":
            mask = self.converted(*names[0], "b1")
            return f"select({mask}, {', '.join(self.converted(*n, kind) for n in names[1:])})", kind
        if kind == "b1":  # comparisons and isfinite, in the kind of their operands
            inner = names[0][1] if names[0][1] == names[-1][1] != "b1" else self.source.working
        else:
            inner = kind
        texts = [self.converted(*n, inner) for n in names]
        if node.op in OPERATORS:
            return f"{texts[0]} {OPERATORS[node.op]} {texts[1]}", kind
        if node.op == "neg":
            return f"-{texts[0]}", kind
        return f"{FUNCTIONS[node.op]}({', '.join(texts)})", kind
