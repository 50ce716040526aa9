"""What the verifier of plans refuses: bytes lost, torn, out of bounds, or raced for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.overlap import halo_strips, overlaps, same_elements
from compiler.verify import VerifyError, verify_plan
from runtime import ops
from runtime.expr import arg, call, const
from runtime.plan import Origin, Plan, Step, View

HERE = (Origin("act", "forward"),)


def view(offset: int, *shape: int, memory: str = "arena", dtype: str = "f32") -> View:
    """Contiguous, at a byte."""
    strides = [int(np.prod(shape[a + 1 :])) for a in range(len(shape))]
    return View(memory, offset, shape, tuple(strides), dtype)


def copy(source: View, target: View, **more: object) -> Step:
    return Step(ops.Map((arg(0),), source.shape), (source,), (target,), "forward", HERE, **more)


def plan(*steps: Step, size: int = 256, **more: object) -> Plan:
    """x (4 floats at 0) is fed."""
    memory = {"arena": size, "params": 64}
    return Plan("train", "f32", 1, steps, memory, (), {"x": view(0, 4)}, more.pop("outputs", {}), **more)


X, A, B, C = view(0, 4), view(16, 4), view(32, 4), view(48, 4)


def test_a_chain_of_steps_passes():
    assert verify_plan(plan(copy(X, A), copy(A, B), copy(B, A), outputs={"a": A})) is None


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (plan(copy(X, A), size=28), r"step 0 \(map of act\): touches bytes 16 to 32 of arena, which has 28"),
        (plan(copy(X, replace(A, memory="attic"))), "step 0 .*: names memory attic, the plan has arena, params"),
        (plan(copy(A, B)), r"step 0 .*: reads arena\+16 f32\[4\], which nothing has written"),
        (plan(copy(X, A), outputs={"b": B}), r"result b: reads arena\+32 f32\[4\], which nothing has written"),
        (plan(replace(copy(X, A), origin=())), r"step 0 \(map of no layer\): has no origin"),
        (plan(replace(copy(X, A), segment="later")), "step 0 .*: is in segment later"),
        (
            plan(replace(copy(X, A), segment="backward"), copy(X, B)),
            "step 1 .*: of forward comes after backward",
        ),
        (
            plan(copy(X, A), copy(X, view(24, 4)), copy(A, C)),
            r"step 2 .*: reads arena\+16 f32\[4\] of step 0 .*, a part of which step 1 \(map of act\) has overwritten",
        ),
        (
            plan(copy(X, A), copy(replace(A, dtype="i32"), B)),
            r"step 1 .*: reads arena\+16 i32\[4\] of step 0 \(map of act\), which wrote f32",
        ),
        (plan(copy(X, view(8, 4))), r"step 0 .*: writes arena\+8 f32\[4\] over its operand arena\+0 f32\[4\]"),
        (
            plan(Step(ops.Moments((0,)), (X,), (view(16, 1), view(16, 1)), "forward", HERE)),
            r"step 0 .*: writes arena\+16 f32\[1\] and arena\+16 f32\[1\], which overlap",
        ),
        (
            plan(replace(copy(X, A), segment="init"), copy(A, B)),
            r"step 1 .*: reads arena\+16 f32\[4\], which nothing has written",
        ),
        (
            plan(copy(X, A), copy(A, B, barrier=False)),
            r"step 1 .*: may run at once with step 0 \(map of act\), and both touch arena\+16",
        ),
        (
            plan(copy(X, A), copy(X, B), copy(X, C, barrier=False), copy(C, A, barrier=False)),
            r"step 3 .*: may run at once with step 2 \(map of act\), and both touch arena\+48",
        ),
        (
            plan(copy(X, A), copy(A, B), copy(X, A, barrier=False)),
            r"step 2 .*: may run at once with step 1 \(map of act\), and both touch arena\+16",
        ),
    ],
)
def test_a_broken_plan_is_refused_with_the_place(broken, message):
    with pytest.raises(VerifyError, match=message):
        verify_plan(broken)


def test_an_elementwise_step_may_write_in_place_and_a_product_may_not():
    assert verify_plan(plan(copy(X, X))) is None
    square = view(0, 2, 2)
    with pytest.raises(VerifyError, match=r"matmul of act.: writes .* over its operand"):
        verify_plan(plan(Step(ops.Matmul(), (square, view(0, 2, 2)), (square,), "forward", HERE)))


def test_slices_of_a_concat_are_one_value_and_may_be_written_in_turn():
    """Two operands side by side along C, pixel by pixel."""
    left, right = View("arena", 64, (3, 2), (5, 1), "f32"), View("arena", 72, (3, 3), (5, 1), "f32")
    whole, x = view(64, 3, 5), view(0, 1)
    fill = [Step(ops.Map((arg(0),), s.shape), (x,), (s,), "forward", HERE, barrier=False) for s in (left, right)]
    assert verify_plan(plan(*fill, copy(whole, view(128, 3, 5)))) is None
    assert verify_plan(plan(*fill, copy(left, left), copy(whole, view(128, 3, 5)))) is None


def test_a_pad_writes_zeros_and_then_its_operand_among_them():
    zeros = Step(ops.Map((const(0.0),), (6,)), (), (view(64, 6),), "forward", HERE)
    inside = copy(X, view(68, 4))
    assert verify_plan(plan(zeros, inside, copy(view(64, 6), view(96, 6)))) is None
    other = replace(inside, origin=(Origin("act2", "forward"),))
    with pytest.raises(VerifyError, match=r"a part of which step 1 .map of act2. has overwritten"):
        verify_plan(plan(zeros, other, copy(view(64, 6), view(96, 6))))


def test_an_epilogue_works_in_place_behind_its_rows_and_nowhere_else():
    x, w = view(0, 1, 1, 2, 2), view(0, 1, 1, 1, 1, memory="params")
    y, z = view(32, 1, 1, 2, 2), view(48, 1, 1, 2, 2)

    def fused(target: View) -> Plan:
        relu = Step(ops.Map((call("max", arg(0), arg(0)),), y.shape), (y,), (target,), "forward", HERE)
        conv = Step(ops.Conv(), (x, w), (y,), "forward", HERE, epilogue=(relu,))
        return replace(plan(conv), inputs={"x": x})

    assert verify_plan(fused(y)) is None
    assert verify_plan(fused(z)) is None
    with pytest.raises(VerifyError, match="over its operand"):
        verify_plan(fused(x))
    with pytest.raises(VerifyError, match="over its operand"):
        verify_plan(fused(view(36, 1, 1, 2, 2)))


HALO = View("arena", 64, (1, 1, 2, 2), (16, 16, 4, 1), "f32", (1, 1))


def convolved(*steps: Step, x: View = HALO) -> Plan:
    w, y = view(0, 1, 1, 3, 3, memory="params"), view(160, 1, 1, 2, 2)
    conv = Step(ops.Conv(pad=(1, 1)), (x, w), (y,), "forward", HERE)
    return replace(plan(*steps, conv), inputs={"x": replace(x, halo=(0, 0)), "s": view(0, 1)})


def test_a_convolution_reads_a_halo_of_zeros():
    clear = Step(ops.ClearHalo(), (), (HALO,), "forward", HERE)
    # The block of 4 x 4 that is x with its halo, from one number.
    fill = Step(ops.Map((arg(0),), (4, 4)), (view(0, 1),), (view(44, 4, 4),), "forward", HERE)
    assert verify_plan(convolved(clear)) is None
    assert verify_plan(convolved()) is None  # as the arena was made
    assert verify_plan(convolved(fill, clear)) is None
    for steps in ((fill,), (clear, fill)):
        text = rf"reads the halo of arena\+64 .*, where step {len(steps) - 1} \(map of act\) wrote last"
        with pytest.raises(VerifyError, match=text):
            verify_plan(convolved(*steps))


def test_a_halo_that_is_too_narrow_is_refused():
    with pytest.raises(VerifyError, match=r"reads a halo of \(1, 1\) of arena\+64 .*, which has \(0, 0\)"):
        verify_plan(convolved(x=replace(HALO, halo=(0, 0))))


def touched(v: View) -> set[int]:
    return {
        v.offset + sum(i * s for i, s in zip(place, v.strides, strict=True)) * v.item_bytes + byte
        for place in np.ndindex(*v.shape)
        for byte in range(v.item_bytes)
    }


views = st.builds(
    lambda offset, dims, dtype: View("arena", offset, tuple(n for n, _ in dims), tuple(s for _, s in dims), dtype),
    st.integers(100, 130),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=3),
    st.sampled_from(["u8", "f32"]),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(a=views, b=views)
def test_overlap_is_exact(a, b):
    assert bool(touched(a) & touched(b)) == overlaps(a, b)
    assert overlaps(a, a)
    assert same_elements(a, a)


def test_halo_strips_are_the_halo_and_nothing_else():
    v = View("arena", 400, (2, 3, 2, 4), (120, 1, 24, 3), "f32", (1, 2))
    rows, columns = v.halo
    start = v.offset - (rows * v.strides[2] + columns * v.strides[3]) * 4
    whole = touched(replace(v, offset=start, shape=(2, 3, 4, 8), halo=(0, 0)))
    strips = [touched(s) for s in halo_strips(v)]
    assert whole - touched(v) == set().union(*strips)
    assert len(set().union(*strips)) == sum(map(len, strips))
