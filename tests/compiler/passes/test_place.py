"""place: offsets, lifetimes, the order of parameters."""

from __future__ import annotations

from small_graphs import Uniform, residual

from compiler.builder import Builder, ParamSpec
from compiler.passes.layout import layout
from compiler.passes.place import buffer_bytes, lifetimes_of, place, state_order
from compiler.target import Target


def test_buffers_alive_together_do_not_overlap() -> None:
    graph = residual()
    found = layout(graph)
    place(graph, found, Target(dtype="f64"))
    alive = list(lifetimes_of(graph, found).items())
    for k, (a, life) in enumerate(alive):
        for b, other in alive[k + 1 :]:
            if life.first <= other.last and other.first <= life.last:
                assert a.offset + buffer_bytes(a) <= b.offset or b.offset + buffer_bytes(b) <= a.offset, (a, b)


def test_memory_is_used_again() -> None:
    def arena(reuse: bool) -> int:
        graph = residual()
        return place(graph, layout(graph), Target(dtype="f64"), reuse)["arena"]

    assert arena(True) < 0.7 * arena(False)


def test_a_map_writes_where_its_dying_operand_lay() -> None:
    b = Builder()
    x = b.input("x", (2, 3, 8, 8))
    y = b.exp(x)
    z = b.sin(y)
    b.graph.outputs = {"z": z}
    found = layout(b.graph)
    place(b.graph, found, Target())
    assert found.placements[y].buffer is found.placements[z].buffer


def test_parameters_of_equal_multipliers_lie_together_and_frozen_ones_last() -> None:
    b = Builder()
    pair = [ParamSpec("", 1, 1), ParamSpec("", 2, 0)]
    for name, specs in (("a", pair), ("frozen", [ParamSpec("", 0, 1)] * 2), ("c", pair)):
        with b.scope(name, params=specs):
            b.param("weight", (4, 4), Uniform())
            b.param("bias", (4,), Uniform())
    order = [s.name for s in state_order(b.graph)]
    assert order == ["a.bias", "c.bias", "a.weight", "c.weight", "frozen.weight", "frozen.bias"]
