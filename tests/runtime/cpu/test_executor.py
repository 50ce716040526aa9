from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, dense, executor_of

from runtime import ops
from runtime.cpu.executor import CpuExecutor
from runtime.cpu.launch import ArgsOf, Context, FunctionOf, Launch, ThreadStride
from runtime.errors import UsageError
from runtime.executor import Store, open_executor
from runtime.expr import Expr, arg, call, const
from runtime.plan import Plan, Step, View
from runtime.vector.kernel import Kernel

SHAPE = (4, 33)
X, Y = dense(SHAPE, "f32", 512), dense(SHAPE, "f32", 2048)


def step(tree: Expr, reads: tuple[View, ...], write: View, segment: str = "forward", barrier: bool = True) -> Step:
    """A map over ``SHAPE``."""
    return Step(ops.Map((tree,), SHAPE), reads, (write,), segment, ORIGIN, barrier)


DOUBLE = call("mul", arg(0), const(2.0))


def test_segments_run_in_the_plans_order_and_alone():
    steps = (step(DOUBLE, (X,), Y), step(call("add", arg(0), const(1.0)), (Y,), Y, "update"))
    executor = executor_of(steps, 4096)
    executor.array(X)[...] = 3
    assert executor.run("update", "forward") == 0
    assert (executor.array(Y) == 7).all()
    executor.run("update")
    assert (executor.array(Y) == 8).all()
    assert executor.run() == 0
    assert executor.run("init") == 0
    assert executor.kernels == 2


def test_numbers_of_the_head_reach_the_kernels():
    executor = executor_of((step(call("mul", arg(0), Expr("scalar", (), "rate")), (X,), Y),), 4096)
    executor.array(X)[...] = 4
    for rate in (0.5, 0.25):
        executor.set("rate", rate)
        executor.run("forward")
        assert (executor.array(Y) == 4 * rate).all()
    with pytest.raises(UsageError, match="no 'speed'"):
        executor.set("speed", 1)


def test_feeding_checks_names_and_shapes_and_casts():
    plan = Plan("train", "f32", 1, (step(DOUBLE, (X,), Y),), {"arena": 4096}, (), {"data": X}, {"y": Y})
    executor = open_executor(plan, Store({}), "cpu", 2)
    executor.feed("data", np.arange(132, dtype=np.uint8).reshape(SHAPE))
    executor.run("forward")
    np.testing.assert_array_equal(executor.array(plan.outputs["y"]), 2.0 * np.arange(132).reshape(SHAPE))
    with pytest.raises(UsageError, match="no input 'label'"):
        executor.feed("label", np.zeros(3))
    with pytest.raises(UsageError, match=r"has shape \(4, 33\), got \(33, 4\)"):
        executor.feed("data", np.zeros((33, 4)))
    with pytest.raises(UsageError, match="no device 'tpu'"):
        open_executor(plan, Store({}), "tpu")


@pytest.mark.parametrize("channels", [3, 40])
def test_what_is_fed_lies_channels_innermost_whatever_their_number(channels):
    shape = (2, channels, 5, 4)
    view = View("arena", 512, shape, (20 * channels, 1, 4 * channels, channels), "f32")
    plan = Plan("train", "f32", 2, (), {"arena": 8192}, (), {"data": view}, {})
    executor = open_executor(plan, Store({}), "cpu", 1)
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(channels).standard_normal(shape).astype(dtype)
        executor.feed("data", x)
        np.testing.assert_array_equal(executor.array(view), x.astype(np.float32))


def test_plans_share_a_store_and_own_the_rest():
    state = View("params", 0, SHAPE, (33, 1), "f32")
    store = Store({"params": 528})
    plan = Plan("train", "f32", 1, (step(DOUBLE, (state,), state),), {"arena": 64, "params": 528}, (), {}, {})
    first, second = (open_executor(plan, store, "cpu", n) for n in (1, 2))
    store.array(state)[...] = 1
    first.run("forward")
    first.close()
    second.run("forward")
    assert (store.array(state) == 4).all()
    with pytest.raises(ValueError, match="params has 0 bytes, the plan needs 528"):
        open_executor(plan, Store({}), "cpu")


def test_a_type_of_primitive_without_a_launcher_is_named():
    concat = Step(ops.Concat(0), (X, X), (Y,), "forward", ORIGIN)
    with pytest.raises(NotImplementedError, match="no kernel for concat"):
        executor_of((concat,), 4096)


def test_scratch_stays_private_until_a_later_barrier_of_the_plan():
    context = Context(executor_of((), 64).target)
    big = Step(
        ops.Reduce("sum", (arg(0),), (0,), (200_000,)),
        (dense((200_000,), "f32"),),
        (dense((1,), "f32"),),
        "forward",
        ORIGIN,
    )
    no_barrier = Step(big.op, big.reads, big.writes, "forward", ORIGIN, barrier=False)
    places = [
        {a for a in context.launches(s)[0].args if getattr(a, "memory", "") == "scratch"}
        for s in (big, no_barrier, big)
    ]
    assert places[0] == places[2]
    assert not places[0] & places[1]


def test_steps_without_barrier_overlap_safely():
    n = 200_000
    x = dense((n,), "f32", 512)
    outs = [dense((1,), "f32", 4 * n + 1024 + 64 * k) for k in range(6)]
    trees = [call("mul", arg(0), const(float(k))) for k in range(6)]
    steps = tuple(
        Step(ops.Reduce("sum", (t,), (0,), (n,)), (x,), (y,), "forward", ORIGIN, barrier=k == 0)
        for k, (t, y) in enumerate(zip(trees, outs, strict=True))
    )
    executor = executor_of(steps, 4 * n + 4096, threads=3)
    executor.array(x)[...] = 1
    for _ in range(20):
        executor.poison()
        executor.array(x)[...] = 1
        executor.run("forward")
        assert [float(executor.array(y)[0]) for y in outs] == [k * n for k in range(6)]


def test_timing_answers_seconds_for_each_step_and_runs_them():
    empty = Step(ops.Map((DOUBLE,), (0,)), (dense((0,), "f32"),), (dense((0,), "f32"),), "forward", ORIGIN)
    big = Step(ops.Moments((0,)), (X,), (dense((1, 33), "f32", 3072), None), "forward", ORIGIN)
    executor = executor_of((step(DOUBLE, (X,), Y), empty, big, step(DOUBLE, (Y,), Y, "update")), 4096)
    executor.array(X)[...] = 1
    spent = executor.time_steps("forward")
    assert len(spent) == 3
    assert (spent[0] > 0, spent[1], spent[2] > 0) == (True, 0.0, True)
    assert (executor.array(Y) == 2).all()
    assert executor.time_steps("init") == []


def test_the_peak_is_that_of_a_computer():
    assert 1e8 < executor_of((), 64, 1).peak() < 1e13


def test_the_bandwidth_is_that_of_a_computer():
    assert 1e8 < executor_of((), 64, 2).bandwidth() < 1e13


def test_poison_spares_state_and_head():
    store = Store({"params": 64})
    plan = Plan("train", "f32", 1, (), {"arena": 256, "params": 64, "gradients": 64}, (), {}, {})
    executor = CpuExecutor(plan, store, 1)
    executor.set("rate", 0.5)
    executor.poison()
    assert np.isnan(executor.array(dense((64,), "f32"))).all()
    assert not store.memories["params"].bytes.any()
    assert not executor.memories["gradients"].bytes.any()
    assert executor._head[3] == 0.5


INNER = Kernel(
    "inner",
    """
from runtime.vector.simd import put_word, word
def kernel(args, first, last, thread):
    put_word(word(args, 0), first, word(args, 1) + last)
""",
)
OUTER = Kernel(
    "outer",
    """
from runtime.vector.simd import call, put_word, word
def kernel(args, first, last, thread):
    mine = word(args, 2) + thread * word(args, 3)
    put_word(mine, 0, 41)
    call(word(args, 0), word(args, 1), first, word(mine, 0), thread)
""",
)


def test_a_kernel_calls_another_by_address_with_scratch_of_its_thread():
    executor = executor_of((), 4096, threads=3)
    context = Context(executor.target)
    inner = Launch(INNER, (context.scratch(512), 1), 1)
    outer = Launch(OUTER, (FunctionOf(INNER), ArgsOf(inner), context.thread_scratch(64), ThreadStride()), 8)
    assert inner.args[0].offset == 0
    executor.memories["scratch"] = type(executor.memories["arena"])(1024)
    executor.memories["thread"] = type(executor.memories["arena"])(4096 * 3)
    executor._thread_bytes = 4096
    executor.launches = [[outer]]
    executor._bind()
    executor._walk(executor._rows([outer]))
    assert executor.memories["scratch"].bytes[:64].view(np.int64).tolist() == [42] * 8


CONV_X, CONV_Y = (
    View("arena", 512, (1, 3, 4, 4), (48, 1, 12, 3), "f32"),
    View("arena", 2048, (1, 5, 4, 4), (80, 1, 20, 5), "f32"),
)
CONV_W = View("params", 0, (5, 3, 1, 1), (3, 1, 1, 1), "f32")


def convolution(*more: Step) -> CpuExecutor:
    """A 1 x 1 convolution by parameters, x = 1."""
    conv = Step(ops.Conv(), (CONV_X, CONV_W), (CONV_Y,), "forward", ORIGIN)
    sizes = {"arena": 4096, "params": CONV_W.count * 4}
    plan = Plan("test", "f32", 1, (conv, *more), sizes, (), {}, {})
    executor = CpuExecutor(plan, Store(sizes), 2)
    executor.array(CONV_X)[...] = 1
    return executor


def test_packed_weights_are_kept_until_the_parameters_change():
    executor = convolution()
    weights = executor.array(CONV_W)
    weights[...] = 2
    executor.run("forward")
    assert (executor.array(CONV_Y) == 6).all()
    weights[...] = 3
    executor.run("forward")
    assert (executor.array(CONV_Y) == 6).all(), "nobody said that they changed"
    executor.store.changed()
    executor.run("forward")
    assert (executor.array(CONV_Y) == 9).all()


def test_a_plan_that_updates_its_parameters_packs_them_in_every_run():
    update = Step(ops.Map((call("add", arg(0), const(1.0)),), CONV_W.shape), (CONV_W,), (CONV_W,), "update", ORIGIN)
    executor = convolution(update)
    executor.array(CONV_W)[...] = 2
    for expected in (6, 9, 12):
        executor.run("forward", "update")
        assert (executor.array(CONV_Y) == expected).all()


def test_a_run_that_writes_parameters_makes_other_plans_of_the_store_pack_again():
    executor = convolution()
    executor.array(CONV_W)[...] = 2
    executor.run("forward")
    init = Step(ops.Map((const(5.0),), CONV_W.shape), (), (CONV_W,), "init", ORIGIN)
    other = CpuExecutor(Plan("train", "f32", 1, (init,), {"params": 60}, (), {}, {}), executor.store, 2)
    other.run("init")
    executor.run("forward")
    assert (executor.array(CONV_Y) == 15).all()
