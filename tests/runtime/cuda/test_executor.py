from __future__ import annotations

import numpy as np
import pytest
from fake_cuda import FakeCodes, FakeCuda
from fake_gpu import fake_gpu

from runtime import ops
from runtime.cuda.driver import Driver
from runtime.cuda.executor import CudaExecutor, traits
from runtime.cuda.gpu import Gpu
from runtime.errors import ResourceError, UsageError
from runtime.executor import Store, open_executor
from runtime.expr import Expr, arg, call, const
from runtime.plan import Origin, Plan, Step, View

ORIGIN = (Origin("layer", "forward"),)
SHAPE = (4, 33)
DOUBLE = call("mul", arg(0), const(2.0))


def room(offset: int, memory: str = "arena", shape: tuple[int, ...] = SHAPE) -> View:
    """A dense view."""
    return View(memory, offset, shape, (shape[-1], 1)[-len(shape) :], "f32")


X, Y, STATE = room(0), room(1024), room(0, "params")


def step(tree: Expr, reads: tuple[View, ...], write: View, segment: str = "forward") -> Step:
    """A map over ``SHAPE``."""
    return Step(ops.Map((tree,), SHAPE), reads, (write,), segment, ORIGIN)


def plan_of(*steps: Step, **fields: object) -> Plan:
    """A plan over an arena of 4 KB and 528 bytes of parameters, with input x and output y."""
    given = {"inputs": {"x": X}, "outputs": {"y": Y}, **fields}
    return Plan("train", "f32", 4, steps, {"arena": 4096, "params": 528}, (), **given)


@pytest.fixture
def api():
    return FakeCuda()


@pytest.fixture
def gpu(api):
    gpu = fake_gpu(api)
    yield gpu
    gpu.close()
    assert api.leaks() == [], "everything is freed"


def opened(gpu: Gpu, plan: Plan, store: Store | None = None) -> CudaExecutor:
    return CudaExecutor(plan, store or Store(plan.memory), gpu)


def values(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


def test_segments_run_in_the_plans_order_and_alone(gpu):
    plan = plan_of(step(DOUBLE, (X,), Y), step(call("add", arg(0), const(1.0)), (Y,), Y, "update"))
    executor = opened(gpu, plan)
    executor.feed("x", np.full(SHAPE, 3))
    assert executor.run("update", "forward") == 0
    assert (executor.output("y") == 7).all()
    executor.run("update")
    assert (executor.array(Y) == 8).all()
    assert executor.run() == executor.run("init") == 0
    assert executor.kernels == 2
    executor.close()


def test_a_run_is_captured_once_and_replayed(gpu, api):
    executor = opened(gpu, plan_of(step(call("mul", arg(0), Expr("scalar", (), "rate")), (X,), Y)))
    for k, rate in enumerate((0.5, 0.25, 2.0, 4.0)):
        executor.set("rate", rate)
        executor.feed("x", values(k))
        executor.run("forward")
        np.testing.assert_array_equal(executor.output("y"), values(k) * np.float32(rate))
    # one graph for each of the two slots that the input takes in turn
    assert (api.calls["cuGraphInstantiate"], api.calls["cuGraphLaunch"], api.calls["cuLaunchKernel"]) == (2, 4, 2)
    executor.close()


def test_states_live_in_the_store_and_are_shared(gpu):
    plan = plan_of(step(DOUBLE, (STATE,), STATE, "update"), inputs={}, outputs={})
    store = Store(plan.memory)
    store.array(STATE)[...] = values()
    first, second = opened(gpu, plan, store), opened(gpu, plan, store)
    first.run("update")
    second.run("update")
    np.testing.assert_array_equal(first.array(STATE), 4 * values())
    first.close()
    second.run("update")
    second.close()
    np.testing.assert_array_equal(store.array(STATE), 8 * values(), "back on the host")
    third = opened(gpu, plan, store)
    third.run("update")
    np.testing.assert_array_equal(third.array(STATE), 16 * values())
    third.close()


def test_what_the_host_writes_to_a_state_is_seen_once_it_says_so(gpu):
    plan = plan_of(step(DOUBLE, (STATE,), Y), step(DOUBLE, (STATE,), STATE, "update"))
    store = Store(plan.memory)
    executor = opened(gpu, plan, store)
    mirror = executor.array(STATE)
    for k in range(3):
        mirror[...] = values(k)
        store.changed()
        executor.run("forward")
        np.testing.assert_array_equal(executor.output("y"), 2 * values(k))
    executor.run("update")
    np.testing.assert_array_equal(executor.array(STATE), 2 * values(2))
    executor.array(STATE)[1] = 5
    store.changed()
    assert (executor.array(STATE)[1] == 5).all(), "written, not yet run, and still there"
    executor.close()


def test_a_state_read_long_ago_does_not_overwrite_what_the_gpu_made_since(gpu):
    other = room(0, "solver")
    double = step(DOUBLE, (STATE,), STATE, "update")
    plan = Plan("train", "f32", 4, (double,), {"arena": 64, "params": 528, "solver": 528}, (), {}, {})
    store = Store(plan.memory)
    store.array(STATE)[...] = 1
    executor = opened(gpu, plan, store)
    assert (executor.array(STATE) == 1).all()
    executor.run("update")
    executor.array(other)[...] = 7
    store.changed()
    executor.run("update")
    assert (executor.array(STATE) == 4).all()
    assert (executor.array(other) == 7).all()
    executor.close()


def test_nothing_but_states_can_be_written_through_arrays(gpu):
    executor = opened(gpu, plan_of(step(DOUBLE, (X,), Y)))
    with pytest.raises(ValueError, match="read-only"):
        executor.array(Y)[...] = 1
    executor.close()


NAN_LOSS = room(2048, shape=(1,))


def guarded() -> Plan:
    """A plan that stops if the input's sum of squares is not finite; an update doubles the parameter."""
    square = call("mul", arg(0), arg(0))
    return plan_of(
        Step(ops.Reduce("sum", (square,), (0, 1), SHAPE), (X,), (room(2048, shape=(1, 1)),), "forward", ORIGIN),
        Step(ops.Guard(), (NAN_LOSS,), (), "guard", ORIGIN),
        step(DOUBLE, (STATE,), STATE, "update"),
        outputs={"loss": NAN_LOSS},
        loss=NAN_LOSS,
    )


def test_a_guard_that_stops_leaves_the_states_as_they_were(gpu):
    plan = guarded()
    store = Store(plan.memory)
    store.array(STATE)[...] = 1
    executor = opened(gpu, plan, store)
    bad = values()
    bad[2, 3] = np.nan
    for x, status, expected in ((values(), 0, 2), (bad, 1, 2), (bad, 1, 2), (values(), 0, 4)):
        executor.feed("x", x)
        assert executor.run("forward", "guard", "update") == status
        assert np.isnan(executor.output("loss")[0]) == bool(status)
        assert (executor.array(STATE) == expected).all()
    assert executor.run("update") == 0, "without a guard nothing stops"
    assert (executor.array(STATE) == 8).all()
    executor.close()


def test_inputs_lie_as_the_plan_says_whatever_their_order_and_dtype(gpu):
    shape = (2, 3, 5, 4)
    whole = View("arena", 0, shape, (60, 1, 12, 3), "f32")
    within = View("arena", 1024, shape, (160, 1, 32, 8), "f32")  # three channels of a concatenation of eight
    label = View("arena", 4096, (2,), (1,), "i32")
    inputs = {"whole": whole, "within": within, "label": label}
    plan = Plan("train", "f32", 2, (), {"arena": 8192}, (), inputs, {})
    executor = opened(gpu, plan)
    x = np.random.default_rng(0).standard_normal(shape)
    for k in range(3):
        executor.feed("whole", x + k)
        executor.feed("within", x - k)
        executor.feed("label", np.array([k, 7], np.int64))
        executor.run()
        np.testing.assert_array_equal(executor.array(whole), (x + k).astype(np.float32))
        np.testing.assert_array_equal(executor.array(within), (x - k).astype(np.float32))
        assert executor.array(label).tolist() == [k, 7]
    executor.feed("label", np.array([1, 1]))
    executor.feed("label", np.array([2, 2]))
    executor.run()
    assert executor.array(label).tolist() == [2, 2]
    np.testing.assert_array_equal(executor.array(whole), (x + 2).astype(np.float32), "kept from the last time")
    executor.close()


def test_what_is_staged_during_a_run_is_not_copied_again(gpu, api):
    executor = opened(gpu, plan_of(step(DOUBLE, (X,), Y)))
    batches = [values(k) for k in range(4)]
    ahead = iter(batches[1:])

    def stage() -> None:
        batch = next(ahead, None)
        if batch is not None:
            executor.stage("x", batch)

    executor.meanwhile = stage
    for batch in batches:
        before = api.calls["cuMemcpyHtoDAsync"]
        executor.feed("x", batch)
        assert api.calls["cuMemcpyHtoDAsync"] - before == (1 if batch is batches[0] else 0)
        executor.run("forward")
        np.testing.assert_array_equal(executor.output("y"), 2 * batch)
    executor.stage("x", batches[0])
    executor.feed("x", batches[1])
    executor.run("forward")
    np.testing.assert_array_equal(executor.output("y"), 2 * batches[1], "something else was fed than was staged")
    executor.close()


def test_an_array_that_changes_between_two_feeds_is_fed_as_it_is_then(gpu):
    executor = opened(gpu, plan_of(step(DOUBLE, (X,), Y)))
    array = values()
    executor.feed("x", array)
    array[...] = 3
    executor.feed("x", array)
    executor.run("forward")
    assert (executor.output("y") == 6).all()
    executor.close()


def test_states_that_do_not_fit_beside_those_of_another_executor_leave_it_in_charge(gpu, api):
    first = plan_of(step(DOUBLE, (STATE,), STATE, "update"), inputs={}, outputs={})
    store = Store(first.memory)
    store.array(STATE)[...] = 1
    executor = opened(gpu, first, store)
    store.add({"solver": 10 << 20})
    api.memory = 1 << 20
    with pytest.raises(ResourceError, match="the net's state needs"):
        opened(gpu, first, store)
    executor.run("update")
    executor.close()
    assert (store.array(STATE) == 2).all(), "back on the host"


def test_literals_are_there_from_the_start(gpu):
    literal = room(0, "literals")
    memory = {"arena": 4096, "literals": 528}
    plan = Plan(
        "test", "f32", 4, (step(DOUBLE, (literal,), Y),), memory, (), {}, {"y": Y}, literals=((literal, values()),)
    )
    executor = opened(gpu, plan)
    executor.poison()
    executor.run("forward")
    np.testing.assert_array_equal(executor.output("y"), 2 * values())
    executor.close()


def test_timing_answers_seconds_for_each_step(gpu):
    empty = Step(ops.Map((DOUBLE,), (0,)), (room(0, shape=(0,)),), (room(0, shape=(0,)),), "forward", ORIGIN)
    executor = opened(gpu, plan_of(step(DOUBLE, (X,), Y), empty, step(DOUBLE, (Y,), Y, "update")))
    executor.feed("x", values())
    for _ in range(2):
        spent = executor.time_steps("forward", "update")
        assert len(spent) == 3
        assert min(spent) > 0
        np.testing.assert_array_equal(executor.output("y"), 4 * values())
    executor.close()


def test_too_little_memory_is_said_with_numbers_and_nothing_is_left(gpu, api):
    api.memory = 40_000
    plan = Plan("train", "f32", 4, (), {"arena": 10_000, "gradients": 50_000}, (), {}, {})
    message = r"^the train phase \(gradients\) needs 50\.2 KB of the GPU's memory, 29\.8 KB are free: a smaller --batch"
    with pytest.raises(ResourceError, match=message):
        opened(gpu, plan)
    assert [leak for leak in api.leaks() if "bytes" in leak] == []


def test_closing_twice_is_allowed(gpu):
    executor = opened(gpu, plan_of(step(DOUBLE, (X,), Y)))
    executor.close()
    executor.close()


def test_feeding_checks_names_and_shapes(gpu):
    executor = opened(gpu, plan_of(step(DOUBLE, (X,), Y)))
    with pytest.raises(UsageError, match="no input 'label'"):
        executor.feed("label", np.zeros(3))
    with pytest.raises(UsageError, match=r"has shape \(4, 33\), got \(33, 4\)"):
        executor.feed("x", np.zeros((33, 4)))
    with pytest.raises(UsageError, match="the head has no 'speed'"):
        executor.set("speed", 1)
    executor.close()


def test_what_the_compiler_must_know_needs_no_gpu():
    found = traits()
    assert (found.vector_bytes, found.halo, found.fused_updates, found.on_host) == (16, False, False, False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda:0,cuda:1", "one GPU at a time"),
        ("cuda:x", "there is no device 'cuda:x'; the first GPU is cuda"),
        ("cuda:", "there is no device 'cuda:'"),
        ("cpu:1", "there is no device 'cpu:1'; devices: cpu, cuda, reference"),
        ("gpu", "there is no device 'gpu'"),
    ],
)
def test_names_that_are_no_device(name, message):
    with pytest.raises(UsageError, match=message):
        open_executor(plan_of(), Store({}), name)


def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="there is no device 'cuda:3'; GPUs of this machine: cuda:0, cuda:1"):
        Gpu(Driver(FakeCuda(gpus=2)), 3, FakeCodes())
