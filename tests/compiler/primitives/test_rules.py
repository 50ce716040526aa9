"""Shape rules, their messages, and costs."""

from __future__ import annotations

import numpy as np
import pytest
from gradient_checks import DTYPES
from hypothesis import given, settings
from primitive_cases import Case, fixed, strategy

from compiler.builder import Builder
from compiler.ir import Op
from compiler.primitives import rule
from runtime import ops, ops_detection
from runtime.expr import Expr, arg, call, const
from runtime.ops_space import Correlation, CorrelationGrad, Sample, SampleGrad


def emitted(case: Case) -> Op:
    b = Builder(dtype="f64")
    inputs = [b.input(f"x{k}", a.shape, DTYPES[str(a.dtype)]) for k, a in enumerate(case.operands)]
    b.emit(case.prim, *inputs)
    return b.graph.ops[-1]


def typed(case: Case) -> list[tuple[tuple[int, ...], str]]:
    return [(a.shape, DTYPES[str(a.dtype)]) for a in case.expected()]


@pytest.mark.parametrize("case", fixed(), ids=str)
def test_rules_infer_what_the_reference_makes(case):
    assert typed(case) == [(v.shape, v.dtype) for v in emitted(case).outputs]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=strategy())
def test_rules_infer_what_the_reference_makes_over_generated_shapes(case):
    assert typed(case) == [(v.shape, v.dtype) for v in emitted(case).outputs]


def test_every_primitive_has_a_rule():
    modules = (ops, ops_detection)
    found = {c for m in modules for c in vars(m).values() if isinstance(c, type) and issubclass(c, ops.Primitive)}
    classes = sorted(found, key=str)
    known = {type(rule(object.__new__(c))).__name__ for c in classes if c is not ops.Primitive}
    assert {f"{c.__name__}Rule" for c in classes if c is not ops.Primitive} == known


CONV = ops.Conv((1, 1), (0, 0), (1, 1), 1)
AROUND = ("multiply", 1, (0, 0), (0, 0), 1, (2, 2))
MAX = ("max", (2, 2), (2, 2))
WRONG = [
    (CONV, ((2, 3, 5, 5),), "conv: got 1 operands, expected 2"),
    (CONV, ((3, 5, 5), (4, 3, 3, 3)), "conv: got input 3 x 5 x 5, expected 4 axes of size 1 or more"),
    (CONV, ((2, 3, 5, 5), (4, 2, 3, 3)), "conv: got 3 input channels, expected 2 (weights 4 x 2 x 3 x 3)"),
    (CONV, ((2, 3, 2, 5), (4, 3, 3, 3)), "conv: got input 2 x 3 x 2 x 5, expected room for a kernel of 3 x 3"),
    (ops.Conv(groups=2), ((2, 3, 5, 5), (4, 1, 3, 3)), "conv: got 3 input channels in 2 groups, expected a multiple"),
    (ops.Conv(groups=2), ((2, 4, 5, 5), (3, 2, 3, 3)), "conv: got 3 output channels in 2 groups, expected a multiple"),
    (ops.Conv((0, 1)), ((2, 3, 5, 5), (4, 3, 3, 3)), "conv: got stride (0, 1), expected 1 or more"),
    (ops.Conv(pad=(0, -1)), ((2, 3, 5, 5), (4, 3, 3, 3)), "conv: got pad (0, -1), expected 0 or more"),
    (
        ops.ConvInputGrad((2, 2), (1, 1), (1, 1), 1, (5, 5)),
        ((2, 4, 2, 2), (4, 3, 3, 3)),
        "conv_input_grad: got output 2 x 4 x 2 x 2, expected 2 x 4 x 3 x 3",
    ),
    (
        ops.ConvWeightGrad((1, 1), (0, 0), (1, 1), 1, (3, 3)),
        ((2, 3, 5, 5), (2, 4, 4, 3)),
        "conv_weight_grad: got output 2 x 4 x 4 x 3, expected 2 x 4 x 3 x 3",
    ),
    (ops.Matmul(), ((2, 3), (4, 5)), "matmul: got 2 x 3 by 4 x 5, inner sizes 3 and 4, expected equal inner sizes"),
    (ops.Matmul(), ((2, 3), (1, 3, 5)), "matmul: got 2 x 3 by 1 x 3 x 5, expected two operands of the same rank, 2 or"),
    (ops.Matmul(), ((2, 2, 3), (3, 3, 5)), "batch sizes 2 and 3, expected equal ones or 1"),
    (ops.Pool(*MAX, (2, 0), (1, 1)), ((1, 1, 4, 4),), "pool: got pad 2 with kernel 2, expected a pad below the kernel"),
    (ops.Pool(*MAX, (0, 0), (3, 2)), ((1, 1, 4, 4),), "pool: got last window at 4, expected it below the height 4"),
    (ops.Pool("mean", (2, 2), (2, 2), (0, 0), (2, 2)), ((1, 1, 4, 4),), "pool: got mean, expected max or ave"),
    (ops.Unpool(*MAX, (0, 0), (4, 4)), ((1, 1, 2, 2),), "unpool: got 1 operands, expected 2 for max"),
    (ops.Window(4), ((1, 3, 4, 4),), "window: got size 4, expected an odd size"),
    (ops_detection.RoiPool((2, 2), 1.0), ((1, 3, 4, 4), (2, 4)), "roi_pool: got rois 2 x 4, expected 5 numbers"),
    (ops_detection.RoiPool((0, 2), 1.0), ((1, 3, 4, 4), (2, 5)), "roi_pool: got size (0, 2), expected 1 or more"),
    (ops_detection.Nms(0.5, 2), ((1, 3, 4), (1, 2)), "nms: got scores 1 x 2, expected one a box of 1 x 3"),
    (ops_detection.Nms(0.5, 0), ((1, 3, 4), (1, 3)), "nms: got capacity 0, expected 1 or more"),
    (
        ops.Concat(1),
        ((2, 3, 4), (2, 3, 5)),
        "concat: got 2 x 3 x 5 after 2 x 3 x 4, expected equal sizes but for axis 1",
    ),
    (ops.Slice(1, 2, 6), ((2, 5),), "slice: got 2:6, expected a range within 0:5"),
    (ops.Slice(2, 0, 1), ((2, 5),), "slice: got axis 2, expected 0 to 1"),
    (ops.Reshape((3, 4)), ((2, 5),), "reshape: got 2 x 5 to 3 x 4, expected 10 elements"),
    (ops.Transpose((0, 0)), ((2, 5),), "transpose: got order (0, 0), expected a permutation of the 2 axes of 2 x 5"),
    (ops.Pad(((-3, -2),)), ((5,),), "pad: got widths (-3, -2) on an axis of 5, expected some of the axis to remain"),
    (ops.Moments((1, 0)), ((2, 5),), "moments: got axes (1, 0), expected sorted, each once"),
    (ops.LogSumExp(-1), ((2, 5),), "logsumexp: got axis -1, expected 0 to 1"),
    (ops.TopK(6), ((2, 5),), "top_k: got count 6, expected 1 to 5"),
    (ops.Patches((2, 0), (1, 1), (0, 0), (1, 1), (2, 2)), ((1, 1, 4, 4),), "patches: got kernel (2, 0), expected 1 or"),
    (
        ops.Unpatch((2, 2), (1, 1), (0, 0), (1, 1), (4, 4)),
        ((1, 6, 3, 3),),
        "unpatch: got 6 channels, expected a multiple of 4",
    ),
    (
        Correlation(*AROUND, (3, 3)),
        ((1, 2, 4, 4), (1, 2, 4, 5)),
        "correlation: got 1 x 2 x 4 x 4 and 1 x 2 x 4 x 5, exp",
    ),
    (
        Correlation("divide", *AROUND[1:], (3, 3)),
        ((1, 2, 4, 4),) * 2,
        "correlation: got divide, expected multiply or sub",
    ),
    (CorrelationGrad("c", *AROUND), ((1, 4, 3, 3), (1, 2, 4, 4)), "correlation_grad: got c, expected a or b"),
    (
        CorrelationGrad("a", *AROUND),
        ((1, 5, 3, 3), (1, 2, 4, 4)),
        "correlation_grad: got dy 1 x 5 x 3 x 3, expected 1 x 4",
    ),
    (Sample(), ((2, 3, 4, 4), (2, 3, 5, 5)), "sample: got places 2 x 3 x 5 x 5, expected 2 x 2 x .."),
    (Sample((2, 0)), ((2, 3, 4, 4), (2, 2, 5, 5)), "sample: got order (2, 0), expected 0 or 1 a side"),
    (SampleGrad((4, 4)), ((2, 3, 5, 6), (2, 2, 5, 5)), "sample_grad: got dy 2 x 3 x 5 x 6, expected as many places"),
    (ops.Guard(), ((2,),), "guard: got 2, expected one number"),
    (ops.ClearHalo(), (), "clear_halo: got a graph, expected a plan"),
    (ops.Map((arg(0),), (2, 3)), ((3, 2),), "map: got operand 0 3 x 2, expected one that broadcasts to 2 x 3"),
    (ops.Map((arg(1),), (2, 3)), ((2, 3),), "map: got expression of operand 1, expected 1 operands"),
    (ops.Map((arg(0, "i32"),), (3,)), ((3,),), "map: got operand 0 read as i32, expected float of f32"),
    (ops.Map((Expr("index", (), -3, "i32"),), (2, 3)), (), "map: got index along axis -3, expected -2 to -1"),
    (ops.Reduce("min", (arg(0),), (0,), (3,)), ((3,),), "reduce: got min, expected sum or max"),
    (
        ops.Reduce("sum", (call("gt", arg(0), const(0.0)),), (0,), (3,)),
        ((3,),),
        "reduce: got an expression of b1, expected a floating one",
    ),
]


@pytest.mark.parametrize(("prim", "shapes", "message"), WRONG, ids=lambda x: x if isinstance(x, str) else "")
def test_operands_that_do_not_fit_are_refused_with_what_was_expected(prim, shapes, message):
    b = Builder()
    inputs = [b.input(f"x{k}", shape) for k, shape in enumerate(shapes)]
    with pytest.raises(ValueError, match=r"got .* expected") as caught:
        b.emit(prim, *inputs)
    assert message in str(caught.value)


NUMBERED = [
    (ops.Gather(), (5, 3), (4,), "f32", "gather: got an index of f32, expected i32"),
    (
        ops.Gather(),
        (5, 3),
        (2, 4),
        "i32",
        "gather: got table 5 x 3 with index 2 x 4, expected 2 axes with 1, or 3 with 2",
    ),
    (
        ops.Gather(),
        (2, 5, 3),
        (3, 4),
        "i32",
        "gather: got table 2 x 5 x 3 with index 3 x 4, expected the same first axis",
    ),
    (ops.ScatterAdd(5), (4, 3), (3,), "i32", "scatter_add: got 4 rows with 3 numbers, expected one number a row"),
    (ops.ScatterAdd(0), (4, 3), (4,), "i32", "scatter_add: got size 0, expected 1 to 2^31 - 1"),
]


@pytest.mark.parametrize(("prim", "shape", "numbers", "dtype", "message"), NUMBERED)
def test_numbers_that_do_not_fit_their_rows_are_refused(prim, shape, numbers, dtype, message):
    b = Builder()
    with pytest.raises(ValueError, match=r"got .* expected") as caught:
        b.emit(prim, b.input("x", shape), b.input("numbers", numbers, dtype))
    assert message in str(caught.value)


def test_two_floating_dtypes_in_one_map_are_refused():
    b = Builder()
    with pytest.raises(ValueError, match="got operands of f32 and f64, expected one floating dtype"):
        b.input("x", (3,)) + b.input("y", (3,), "f64")


def flops(prim: ops.Primitive, *shapes: tuple[int, ...]) -> int:
    case = Case("", prim, tuple(np.zeros(s) for s in shapes))
    op = emitted(case)
    return rule(op.prim).flops(op)


def test_costs_count_two_for_each_multiply_and_add():
    assert 2 * 5 * 7 * 19 == flops(ops.Matmul(), (5, 7), (7, 19))
    assert 2 * (6 * 5 * 7 * 19) == flops(ops.Matmul(False, True), (2, 3, 5, 7), (2, 1, 19, 7))


def test_the_three_convolutions_cost_the_same():
    x, w, dy = (2, 6, 9, 7), (4, 3, 3, 3), (2, 4, 5, 4)
    common = ((2, 2), (1, 1), (1, 1), 2)
    # K C/g R S Ho Wo N products
    expected = 2 * 4 * 3 * 3 * 3 * 5 * 4 * 2
    assert expected == flops(ops.Conv(*common), x, w)
    assert expected == flops(ops.ConvInputGrad(*common, (9, 7)), dy, w)
    assert expected == flops(ops.ConvWeightGrad(*common, (3, 3)), x, dy)


def test_a_map_costs_its_distinct_functions_whatever_the_number_of_results():
    centred = call("sub", arg(0), arg(1))
    assert 2 * 15 == flops(ops.Map((centred, call("mul", centred, centred)), (3, 5)), (3, 5), (5,))
    assert (2 + 2) * 15 == flops(
        ops.Reduce("sum", (centred, call("mul", centred, centred)), (0,), (3, 5)), (3, 5), (5,)
    )
    assert flops(ops.Map((arg(0),), (3, 5)), (3, 5)) == 0
