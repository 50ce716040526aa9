"""The whole compiler: plans mean what their graphs mean, whatever pass is left out."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import NETS, feeds

from compiler.compile import PASSES, compile_graph, dump_to
from compiler.interpret import run_graph
from compiler.target import Target
from runtime.executor import Store, open_executor
from runtime.ops import ClearHalo, Map
from runtime.plan import SEGMENTS

STEP = [s for s in SEGMENTS if s != "init"]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("disabled", [(), *((p,) for p in PASSES), PASSES, "no reuse"])
def test_a_plan_computes_what_its_graph_means(name: str, disabled) -> None:
    graph = NETS[name]()
    data = feeds(graph)
    expected = run_graph(graph, data, scalars={"rate": 1.0})
    options = {"reuse": False} if disabled == "no reuse" else {"disabled": disabled}
    plan = compile_graph(NETS[name](), Target(dtype="f64"), check=True, **options)
    executor = open_executor(plan, Store(plan.memory), device="reference")
    executor.set("rate", 1.0)
    executor.run("init")
    for key, array in data.items():
        executor.feed(key, array)
    assert executor.run(*STEP) == 0
    assert float(executor.array(plan.loss)) == pytest.approx(expected.loss, rel=1e-12)
    for key, array in expected.grads.items():  # sums are reordered: a few ulp of float64
        np.testing.assert_allclose(executor.array(plan.param_grads[key]), array, rtol=1e-9, atol=1e-12, err_msg=key)
    for entry in plan.states:
        np.testing.assert_allclose(
            executor.array(entry.view), expected.states[entry.name], rtol=1e-9, atol=1e-12, err_msg=entry.name
        )


def test_all_parameters_of_equal_multipliers_are_updated_in_one_step() -> None:
    plan = compile_graph(NETS["residual"](), Target(dtype="f64"))
    updates = plan.segment("update")
    assert len(updates) == 1
    assert isinstance(updates[0].op, Map)


def test_a_halo_is_cleared_before_anyone_reads_it_and_its_writer_need_not_wait() -> None:
    plan = compile_graph(NETS["lenet"](), Target(dtype="f64"))
    kinds = [(s.op.kind, s.barrier) for s in plan.segment("forward")]
    cleared = next(k for k, s in enumerate(plan.segment("forward")) if isinstance(s.op, ClearHalo))
    assert kinds[cleared + 1][0] == "pool"


def test_every_step_has_an_origin() -> None:
    for make in NETS.values():
        assert all(step.origin for step in compile_graph(make(), Target(dtype="f64")).steps)


def test_dump_writes_the_graph_after_each_pass(tmp_path) -> None:
    compile_graph(NETS["lenet"](), Target(dtype="f64"), watch=dump_to(tmp_path))
    names = sorted(p.name for p in tmp_path.iterdir())
    passes = ["lowered", "simplify", "sink", "save", "fuse", "choose", "layout", "fuse_update"]
    assert names == [f"{k:02d}_{name}.txt" for k, name in enumerate(passes)]
    assert "map[" in (tmp_path / "04_fuse.txt").read_text(encoding="utf-8")


def test_unplanned_memory_is_more_than_the_arena() -> None:
    plan = compile_graph(NETS["inception"](), Target(dtype="f64"))
    assert plan.unplanned_bytes > plan.memory["arena"]
