"""plan: the bytes that a step moves."""

from __future__ import annotations

from runtime.expr import arg, call
from runtime.ops import ClearHalo, Conv, ConvWeightGrad, Map
from runtime.plan import Origin, Step, View

ORIGIN = (Origin("layer", "forward"),)


def view(memory: str, offset: int, *shape: int, halo: tuple[int, int] = (0, 0)) -> View:
    return View(memory, offset, shape, (1,) * len(shape), "f32", halo)


def test_every_operand_and_the_result_count_once():
    x = view("arena", 0, 2, 3, 4, 4)
    step = Step(
        Map((call("mul", arg(0), arg(1)),), x.shape), (x, x), (view("arena", 512, 2, 3, 4, 4),), "forward", ORIGIN
    )
    assert step.bytes == 4 * (96 + 96)


def test_what_is_changed_in_place_is_read_and_written():
    x = view("params", 0, 100)
    assert Step(Map((arg(0),), (100,)), (x,), (x,), "update", ORIGIN).bytes == 4 * 200


def test_an_epilogue_reads_its_own_step_from_the_cache():
    x, w, y = view("arena", 0, 2, 3, 8, 8), view("params", 0, 4, 3, 1, 1), view("arena", 4096, 2, 4, 8, 8)
    bias = view("params", 64, 1, 4, 1, 1)
    add = Step(Map((call("add", arg(0), arg(1)),), y.shape), (y, bias), (y,), "forward", ORIGIN)
    step = Step(Conv(), (x, w), (y,), "forward", ORIGIN, epilogue=(add,))
    assert step.bytes == 4 * (x.count + w.count + bias.count + y.count)


def test_a_gradient_whose_update_is_fused_in_stays_in_the_cache():
    x, dy, dw = view("arena", 0, 8, 6, 1, 1), view("arena", 256, 8, 5, 1, 1), view("gradients", 0, 5, 6, 1, 1)
    w = view("params", 0, 5, 6)
    update = Step(Map((call("sub", arg(1), arg(0)),), (5, 6)), (view("gradients", 0, 5, 6), w), (w,), "update", ORIGIN)
    prim = ConvWeightGrad((1, 1), (0, 0), (1, 1), 1, (1, 1))
    fused = Step(prim, (x, dy), (dw,), "update", ORIGIN, epilogue=(update,))
    assert fused.bytes == 4 * (48 + 40 + 30 + 30)
    assert Step(prim, (x, dy), (dw,), "backward", ORIGIN).bytes == 4 * (48 + 40 + 30)


def test_clearing_a_halo_writes_the_halo_alone():
    step = Step(ClearHalo(), (), (view("arena", 0, 2, 3, 4, 4, halo=(1, 2)),), "forward", ORIGIN)
    assert step.bytes == 4 * 2 * 3 * (6 * 8 - 16)
