"""The elementwise half of the builder: one method a function of the expression language."""

from __future__ import annotations

from typing import Any

from compiler.emitter import Emitter
from compiler.ir import Value
from runtime import expr, ops
from runtime.expr import Expr
from runtime.ops import Shape


class Elementwise(Emitter):
    """Methods that make one ``Map`` each; ``Builder`` brings ``layer``, ``next_random`` and ``stream``."""

    layer: str

    def next_random(self) -> int:
        """How many random arrays the layer has drawn so far, this one not counted."""
        raise NotImplementedError

    @staticmethod
    def stream(name: str) -> int:
        """The random stream of a name."""
        raise NotImplementedError

    def apply(self, op: str, *args: Value | float) -> Value:
        """A function of the expression language over values and numbers, with broadcasting."""
        operands = [a for a in args if isinstance(a, Value)]
        shape = broadcast(*(v.shape for v in operands))
        leaves = []
        inputs: list[Value] = []
        for a in args:
            if isinstance(a, Value):
                leaves.append(expr.arg(len(inputs), a.kind))
                inputs.append(a)
            else:
                leaves.append(expr.const(_number(a)))
        return self.emit1(ops.Map((expr.call(op, *leaves),), shape), *inputs)

    def map(self, formula: Expr, shape: Shape, *inputs: Value) -> Value:
        """One ``Map`` with a whole expression tree."""
        return self.emit1(ops.Map((formula,), tuple(shape)), *inputs)

    def where(self, condition: Value, a: Value | float, b: Value | float) -> Value:
        """``a`` where ``condition``, else ``b``."""
        return self.apply("where", condition, a, b)

    def exp(self, x: Value) -> Value:
        """e^x."""
        return self.apply("exp", x)

    def log(self, x: Value) -> Value:
        """The natural logarithm."""
        return self.apply("log", x)

    def sqrt(self, x: Value) -> Value:
        """The square root."""
        return self.apply("sqrt", x)

    def rsqrt(self, x: Value) -> Value:
        """1 / sqrt(x)."""
        return self.apply("rsqrt", x)

    def sin(self, x: Value) -> Value:
        """The sine."""
        return self.apply("sin", x)

    def cos(self, x: Value) -> Value:
        """The cosine."""
        return self.apply("cos", x)

    def tanh(self, x: Value) -> Value:
        """The hyperbolic tangent."""
        return self.apply("tanh", x)

    def sigmoid(self, x: Value) -> Value:
        """1 / (1 + e^-x)."""
        return self.apply("sigmoid", x)

    def erf(self, x: Value) -> Value:
        """The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x."""
        return self.apply("erf", x)

    def abs(self, x: Value) -> Value:
        """The absolute value."""
        return self.apply("abs", x)

    def sign(self, x: Value) -> Value:
        """-1, 0 or 1."""
        return self.apply("sign", x)

    def maximum(self, a: Value | float, b: Value | float) -> Value:
        """The larger; the gradient goes to ``a`` at a tie; NaN if either is."""
        return self.apply("max", a, b)

    def minimum(self, a: Value | float, b: Value | float) -> Value:
        """The smaller; the gradient goes to ``a`` at a tie; NaN if either is."""
        return self.apply("min", a, b)

    def equal(self, a: Value, b: Value | float) -> Value:
        """Whether ``a == b``, as b1."""
        return self.apply("eq", a, b)

    def not_equal(self, a: Value, b: Value | float) -> Value:
        """Whether ``a != b``, as b1."""
        return self.apply("ne", a, b)

    def both(self, a: Value, b: Value) -> Value:
        """Logical and of b1 values."""
        return self.apply("and", a, b)

    def either(self, a: Value, b: Value) -> Value:
        """Logical or of b1 values."""
        return self.apply("or", a, b)

    def invert(self, a: Value) -> Value:
        """Logical not of a b1 value."""
        return self.apply("not", a)

    def to_float(self, x: Value) -> Value:
        """``x`` in the net's dtype; itself if it is a float already."""
        return x if x.kind == "float" else self.apply("to_float", x)

    def full(self, shape: Shape, value: float) -> Value:
        """A constant array."""
        return self.map(expr.const(float(value)), shape)

    def index(self, shape: Shape, axis: int) -> Value:
        """The coordinate along ``axis``, i32, of each element of ``shape``."""
        return self.map(Expr("index", (), axis % len(shape) - len(shape), "i32"), shape)

    def scalar(self, name: str) -> Value:
        """A number of ``runtime.plan.HEAD`` that the host sets between steps, shape ()."""
        return self.map(Expr("scalar", (), name), ())

    def uniform(self, shape: Shape, stream: int | None = None) -> Value:
        """U[0, 1), new in each iteration, of the layer's stream unless one is given."""
        return self._random("uniform", shape, stream)

    def normal(self, shape: Shape, stream: int | None = None) -> Value:
        """N(0, 1), new in each iteration, of the layer's stream unless one is given."""
        return self._random("normal", shape, stream)

    def _random(self, kind: str, shape: Shape, stream: int | None) -> Value:
        t = self.next_random()
        source = self.stream(self.layer) if stream is None else stream
        return self.map(Expr(kind, (), (source, t)), shape)


def broadcast(*shapes: Shape) -> Shape:
    """The common shape as in NumPy; ValueError if there is none."""
    rank = max((len(s) for s in shapes), default=0)
    out = [1] * rank
    for shape in shapes:
        for axis, n in enumerate(shape, rank - len(shape)):
            if n != 1:
                if out[axis] not in (1, n):
                    raise ValueError(f"shapes do not broadcast: {', '.join(map(str, shapes))}")
                out[axis] = n
    return tuple(out)


def _number(x: Any) -> float | int | bool:
    return x if isinstance(x, bool | int) else float(x)
