from __future__ import annotations

import importlib
import importlib.util

import pytest

from runtime import ops
from runtime.cuda.launch import Context, Launch, kernel_file
from runtime.cuda.map import map_step
from runtime.cuda.stop import BEHIND_GUARD, STATUS, stoppable, writes_state
from runtime.expr import arg, call, const
from runtime.plan import Origin, Step, View
from runtime.vector.kernel import Kernel

needs_numba_cuda = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="the extra netspec[cuda] is not installed"
)
SHAPE = (4, 32)
DOUBLE = ops.Map((call("mul", arg(0), const(2.0)),), SHAPE)


def step(memory: str, segment: str) -> Step:
    view = View(memory, 0, SHAPE, (32, 1), "f32")
    return Step(DOUBLE, (view,), (view,), segment, (Origin("layer", "update"),))


@pytest.mark.parametrize(
    ("memory", "segment", "stops"),
    [
        ("params", "update", True),
        ("solver", "accumulate", True),
        ("running", "commit", True),
        ("params", "init", False),
        ("arena", "update", False),
        ("gradients", "backward", False),
    ],
)
def test_only_what_writes_states_behind_the_guard_can_be_stopped(memory, segment, stops):
    given = step(memory, segment)
    launches = map_step(given, Context())
    found = stoppable(given, launches)
    assert (found is not launches) == stops
    assert (segment in BEHIND_GUARD and writes_state(given)) == stops
    if stops:
        assert found[0].args == (*launches[0].args, STATUS)
        assert f"status_at(args, {len(launches[0].args)})" in found[0].kernel.text


def test_the_look_comes_behind_the_docstring():
    text = 'X = 1\n\n\ndef kernel(args):\n    """Words: x."""\n    return\n'
    found = stoppable(step("params", "update"), [Launch(Kernel("k", text), (7,), (1, 1, 1), 32)])[0]
    names: dict[str, object] = {}
    exec(found.kernel.text.replace("from runtime.vector.simd import word as status_at", ""), names)
    assert names["kernel"].__doc__ == "Words: x."
    assert found.kernel.text.index("Words: x.") < found.kernel.text.index("status_at(status_at(args, 1), 0) != 0")


def test_a_kernel_that_begins_otherwise_is_refused():
    with pytest.raises(ValueError, match="kernel odd does not begin with the line"):
        stoppable(step("params", "update"), [Launch(Kernel("odd", "def kernel(a):\n    pass\n"), (), (1, 1, 1), 32)])


@needs_numba_cuda
@pytest.mark.parametrize("arch", [(8, 0), (9, 0)])
def test_kernels_that_stop_and_the_one_that_measures_compile_without_spills(arch):
    build = importlib.import_module("runtime.cuda.build")
    given = step("params", "update")
    (launch,) = stoppable(given, map_step(given, Context()))
    made = build.build(launch.kernel, len(launch.args), launch.block, arch)
    assert (made.spilled, made.stack) == (0, 0)
    peak = kernel_file("peak", DTYPE="f32", LANES=4)
    made = build.build(peak, 2, 256, arch)
    assert (made.spilled, made.stack) == (0, 0)
    # 8 vectors of 4: nothing was left out, nothing done twice (but for loops that are unrolled)
    found = build.ptx(peak, 2, 256, arch).count("fma.rn.f32")
    assert found >= 32
    assert found % 32 == 0
