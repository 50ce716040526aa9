"""ONNX's operators on single elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import onnx
from onnx_graph import Node, Unmatched, absent, operator

from compiler.ir import Value
from netspec.layers.abs_val import AbsVal
from netspec.layers.clip import Clip
from netspec.layers.cos import Cos
from netspec.layers.elu import ELU
from netspec.layers.exp import Exp
from netspec.layers.expression import Expression
from netspec.layers.gelu import GELU
from netspec.layers.hard_sigmoid import HardSigmoid
from netspec.layers.hard_swish import HardSwish
from netspec.layers.leaky_relu import LeakyReLU
from netspec.layers.log import Log
from netspec.layers.mish import Mish
from netspec.layers.power import Power
from netspec.layers.relu import ReLU
from netspec.layers.selu import SELU
from netspec.layers.sigmoid import Sigmoid
from netspec.layers.sign import Sign
from netspec.layers.sin import Sin
from netspec.layers.softplus import Softplus
from netspec.layers.softsign import Softsign
from netspec.layers.swish import Swish
from netspec.layers.tanh import TanH
from netspec.spec.layer import Layer

PLAIN: dict[str, Callable[[], Layer]] = {
    "Abs": AbsVal,
    "Cos": Cos,
    "Exp": Exp,
    "HardSwish": HardSwish,
    "Log": Log,
    "Mish": Mish,
    "Relu": ReLU,
    "Sigmoid": Sigmoid,
    "Sign": Sign,
    "Sin": Sin,
    "Softplus": Softplus,
    "Softsign": Softsign,
    "Tanh": TanH,
    "Neg": lambda: Power(scale=-1.0),
    "Reciprocal": lambda: Power(power=-1.0),
    "Sqrt": lambda: Power(power=0.5),
}
FORMULAS = {
    "Acosh": "log(x0 + sqrt(x0 * x0 - 1))",
    "Asinh": "sign(x0) * log(abs(x0) + sqrt(x0 * x0 + 1))",
    "Atanh": "0.5 * log((1 + x0) / (1 - x0))",
    "Ceil": "-floor(-x0)",
    "Cosh": "0.5 * (exp(x0) + exp(-x0))",
    "Erf": "erf(x0)",
    "Floor": "floor(x0)",
    "Sinh": "0.5 * (exp(x0) - exp(-x0))",
    "Tan": "sin(x0) / cos(x0)",
}
absent("no inverse sine, cosine or tangent", "Acos", "Asin", "Atan")
absent("no rounding to the nearest", "Round")
absent("bits of numbers", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "BitCast")
absent("quantised numbers", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv")
absent("quantised numbers", "QLinearMatMul", "ConvInteger", "MatMulInteger")


@operator(*PLAIN)
def plain(n: Node) -> Any:
    return n.layer(PLAIN[n.proto.op_type](), n.floating())


@operator(*FORMULAS)
def formula(n: Node) -> Any:
    return n.layer(Expression(expr=FORMULAS[n.proto.op_type]), n.floating())


@operator("LeakyRelu")
def leaky_relu(n: Node) -> Any:
    return n.layer(LeakyReLU(negative_slope=n.attr("alpha", 0.01)), n.floating())


@operator("Elu")
def elu(n: Node) -> Any:
    return n.layer(ELU(alpha=n.attr("alpha", 1.0)), n.floating())


@operator("Celu")
def celu(n: Node) -> Any:
    alpha = n.attr("alpha", 1.0)
    text = f"where(x0 > 0, x0, {alpha!r} * (exp(min(x0, 0) / {alpha!r}) - 1))"
    return n.layer(Expression(expr=text), n.floating())


@operator("Selu")
def selu(n: Node) -> Any:
    fields = {"alpha": n.attr("alpha"), "scale": n.attr("gamma")}
    return n.layer(SELU(**{name: v for name, v in fields.items() if v is not None}), n.floating())


@operator("HardSigmoid")
def hard_sigmoid(n: Node) -> Any:
    return n.layer(HardSigmoid(alpha=n.attr("alpha", 0.2), beta=n.attr("beta", 0.5)), n.floating())


@operator("Gelu")
def gelu(n: Node) -> Any:
    return n.layer(GELU(approximate=n.attr("approximate", "none")), n.floating())


@operator("Swish")
def swish(n: Node) -> Any:
    return n.layer(Swish(beta=n.attr("alpha", 1.0)), n.floating())


@operator("ThresholdedRelu")
def thresholded_relu(n: Node) -> Any:
    return n.layer(Expression(expr=f"where(x0 > {n.attr('alpha', 1.0)!r}, x0, 0)"), n.floating())


@operator("Shrink")
def shrink(n: Node) -> Any:
    limit, bias = n.attr("lambd", 0.5), n.attr("bias", 0.0)
    text = f"where(x0 < -{limit!r}, x0 + {bias!r}, where(x0 > {limit!r}, x0 - {bias!r}, 0))"
    return n.layer(Expression(expr=text), n.floating())


@operator("Clip")
def clip(n: Node) -> Any:
    most = float(np.finfo(np.float32).max)
    low, high = n.known(1, n.attr("min", -most)), n.known(2, n.attr("max", most))
    if float(low) > float(high):  # ONNX: all become max; our layer refuses it
        return n.b.minimum(n.b.maximum(n.floating(), float(low)), float(high))
    return n.layer(Clip(min=float(low), max=float(high)), n.floating())


@operator("PRelu")
def prelu(n: Node) -> Any:
    x, slope = n.floating(0), n.floating(1)
    return n.b.where(x > 0, x, slope * x)


ARITHMETIC: dict[str, Callable[[Value, Value], Any]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
}
COMPARISONS = {"Greater": "gt", "GreaterOrEqual": "ge", "Less": "lt", "LessOrEqual": "le", "Equal": "eq"}
LOGICAL = {"And": "and", "Or": "or", "Xor": "ne"}


@operator(*ARITHMETIC)
def arithmetic(n: Node) -> Any:
    return ARITHMETIC[n.proto.op_type](n.value(0), n.value(1))


@operator("Div")
def divide(n: Node) -> Any:
    return n.floating(0) / n.floating(1)


@operator("Pow")
def power(n: Node) -> Any:
    return n.floating(0) ** n.b.to_float(n.value(1))


@operator("Mod")
def modulo(n: Node) -> Any:
    x, y = n.floating(0), n.floating(1)
    b = n.b
    if not np.isfinite(n.known(0)).all() or not np.isfinite(n.known(1)).all():
        raise Unmatched("remainders of infinities")
    if n.attr("fmod", 0):
        return x - y * b.sign(x / y) * b.apply("floor", b.abs(x / y))
    return x - y * b.apply("floor", x / y)


@operator(*COMPARISONS)
def compare(n: Node) -> Any:
    a, c = n.value(0), n.value(1)
    if "b1" in (a.kind, c.kind):
        return n.b.invert(n.b.apply("ne", n.b.to_float(a), n.b.to_float(c)))
    return n.b.apply(COMPARISONS[n.proto.op_type], a, c)


@operator(*LOGICAL)
def logical(n: Node) -> Any:
    if n.proto.op_type == "Xor":
        return n.b.apply("ne", n.b.to_float(n.value(0)), n.b.to_float(n.value(1)))
    return n.b.apply(LOGICAL[n.proto.op_type], n.value(0), n.value(1))


@operator("Not")
def invert(n: Node) -> Any:
    return n.b.invert(n.value())


@operator("Where")
def where(n: Node) -> Any:
    return n.b.where(n.value(0), n.value(1), n.value(2))


@operator("Max", "Min")
def extremes(n: Node) -> Any:
    pair = n.b.maximum if n.proto.op_type == "Max" else n.b.minimum
    return copied(n, reduce(pair, n.values()))


@operator("Sum", "Mean")
def sums(n: Node) -> Any:
    values = n.values()
    total = reduce(lambda a, c: a + c, values)
    return total * (1.0 / len(values)) if n.proto.op_type == "Mean" else copied(n, total)


def copied(n: Node, x: Value) -> Value:
    """A value of its own, for what may be an input."""
    return n.b.stop_gradient(x)


@operator("Identity")
def identity(n: Node) -> Any:
    return copied(n, n.value())


@operator("Dropout")
def dropout(n: Node) -> Any:
    ratio, training = n.known(1, n.attr("ratio", 0.5)), n.known(2, False)
    if training and float(ratio) != 0:
        raise Unmatched("random numbers of another generator")
    x = n.floating()
    return copied(n, x), n.b.full(x.shape, 1.0) > 0


FLOAT, DOUBLE, BOOL, INT32, INT64 = 1, 11, 9, 6, 7
ONE_PRECISION = "a net has one precision; whole numbers are of 32 bits"
KINDS = {FLOAT: "float", DOUBLE: "float", BOOL: "b1", INT32: "i32", INT64: "i32"}


@operator("Cast", "CastLike")
def cast(n: Node) -> Any:
    like = wanted_dtype(n)
    name = n.proto.input[0]
    if name in n.graph.derived:
        return n.known(0).astype(like)
    number = {"float32": FLOAT, "float64": DOUBLE, "bool": BOOL, "int32": INT32, "int64": INT64}.get(like.name)
    precise = {"f32": FLOAT, "f64": DOUBLE}[n.b.dtype]
    if number is None:
        raise Unmatched(ONE_PRECISION)
    return converted(n, n.value(), KINDS[number], precise == number)


def wanted_dtype(n: Node) -> np.dtype[Any]:
    """What a cast makes."""
    if n.proto.op_type == "Cast":
        try:
            return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(n.attr("to")))
        except KeyError:
            raise Unmatched(ONE_PRECISION) from None
    name = n.proto.input[1]
    if name in n.graph.known:
        return n.graph.known[name].dtype
    kinds = {"float": "float32" if n.b.dtype == "f32" else "float64", "i32": "int64", "b1": "bool"}
    return np.dtype(kinds[n.value(1).kind])


def converted(n: Node, x: Value, kind: str, own: bool) -> Value:
    """A value as another kind."""
    if kind == "float" and not own:
        raise Unmatched(ONE_PRECISION)
    if kind == x.kind:
        return copied(n, x)
    if kind == "float":
        return n.b.to_float(x)
    if kind == "b1":
        return n.b.apply("ne", n.b.to_float(x), 0.0)
    return n.b.apply("to_int", n.b.to_float(x))


@operator("IsNaN")
def is_nan(n: Node) -> Any:
    return n.b.not_equal(n.floating(), n.floating())


@operator("IsInf")
def is_inf(n: Node) -> Any:
    x = n.floating()
    up, down = n.attr("detect_positive", 1), n.attr("detect_negative", 1)
    return n.b.equal(n.b.abs(x) if up and down else x, math.inf if up else -math.inf)
