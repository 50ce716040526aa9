from __future__ import annotations

import pytest

from runtime import ops
from runtime.cuda.epilogue import Behind, fused
from runtime.expr import arg, call, const
from runtime.plan import Origin, Step, View

SHAPE = (2, 4, 3, 3)
ORIGIN = (Origin("layer", "forward"),)
DOUBLE = (call("mul", arg(0), const(2.0)),)
SUM = (call("add", arg(0), arg(1)),)


def view(place, shape=SHAPE, dtype="f32"):
    _, c, h, w = shape
    return View("arena", 4096 * place, shape, (h * w * c, 1, w * c, c), dtype)


def step(*epilogue):
    return Step(ops.Conv(), (view(10), view(11)), (view(0),), "forward", ORIGIN, epilogue=epilogue)


def mapped(trees, reads, writes, shape=SHAPE):
    return Step(ops.Map(trees, shape), reads, writes, "forward", ORIGIN)


def test_a_chain_of_maps_is_one_tree_for_each_result():
    found, reads, rest = fused(
        step(mapped(DOUBLE, (view(0),), (view(1),)), mapped(SUM, (view(1), view(2)), (view(3),))), view(0)
    )
    assert [target for _, target in found] == [view(0), view(1), view(3)]
    assert reads == [view(0), view(2)]
    assert found[2][0] == call("add", DOUBLE[0], arg(1))
    assert rest == ()


def test_what_a_map_writes_over_is_not_stored():
    found, _, rest = fused(step(mapped(DOUBLE, (view(0),), (view(0),))), view(0))
    assert found == [(DOUBLE[0], view(0))]
    assert rest == ()


@pytest.mark.parametrize(
    "part",
    [
        mapped(DOUBLE, (view(0, (1, 4, 1, 1)),), (view(1, (1, 4, 1, 1)),), (1, 4, 1, 1)),
        mapped(SUM, (view(0), View("arena", 64, SHAPE, view(0).strides, "f32")), (view(1),)),
        mapped(DOUBLE, (view(0),), (View("arena", 64, SHAPE, view(0).strides, "f32"),)),
        mapped(SUM, (view(0), view(2, dtype="f64")), (view(1),)),
        Step(ops.Moments((0, 2, 3)), (view(0),), (view(1, (1, 4, 1, 1)), None), "forward", ORIGIN),
    ],
    ids=["another shape", "reads what others write", "writes what others read", "another precision", "no map"],
)
def test_what_does_not_fit_is_left_over_with_all_behind_it(part):
    after = mapped(DOUBLE, (view(0),), (view(5),))
    found, _, rest = fused(step(part, after), view(0))
    assert [target for _, target in found] == [view(0)]
    assert rest == (part, after)


def test_sums_for_each_channel_are_gathered_and_what_reads_them_is_left_over():
    channel = view(1, (1, 4, 1, 1))
    moments = Step(ops.Moments((0, 2, 3)), (view(0),), (channel, None), "forward", ORIGIN)
    after = mapped(SUM, (view(0), channel), (view(5),))
    found = Behind.of(step(moments, after), view(0), sums=True)
    assert found.gathered == [(moments, [arg(0)])]
    assert found.rest == (after,)


def test_sums_over_other_axes_are_left_over():
    total = Step(ops.Reduce("sum", (arg(0),), (1,), SHAPE), (view(0),), (view(1, (2, 1, 3, 3)),), "forward", ORIGIN)
    assert Behind.of(step(total), view(0), sums=True).rest == (total,)
