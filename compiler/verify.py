"""Whether a graph, or a plan, is well formed.

Run between passes in tests and with ``--verify``: a pass that breaks a rule is
found where it did so and not by a wrong number later.
"""

from __future__ import annotations

from compiler.ir import Graph, Op, State, Value, describe
from compiler.primitives import rule
from compiler.verify_plan import VerifyError, check, verify_plan
from runtime.plan import SEGMENTS

LITERAL = "literal"
"""Stands for the segment of what is known beforehand: every segment may read it."""

__all__ = ["VerifyError", "verify", "verify_plan"]


def verify(graph: Graph) -> None:
    """Checks a graph.

    Every value is made once, before it is read; shapes and dtypes are those of
    the primitives' rules; every operation has a segment and an origin; nothing
    reads what a later segment makes, or what ``init`` makes; states are read,
    started and written in one shape; all values at the border exist.

    Raises
    ------
    VerifyError
        With the operation or the value and what is wrong with it.
    """
    made: dict[Value, str] = {}
    for name, value in (*graph.inputs.items(), *((n, s.read) for n, s in graph.states.items())):
        check(value not in made, f"input {name}", "is there twice")
        check(value.op is None, f"input {name}", "is made by an operation as well")
        made[value] = "init" if name in graph.states else SEGMENTS[1]
    for value, array in graph.literals.items():
        check(value.op is None and value not in made, f"literal {value!r}", "is made by somebody as well")
        check(value.shape == array.shape, f"literal {value!r}", f"has an array of shape {array.shape}")
        made[value] = LITERAL
    for op in graph.ops:
        _verify_op(graph, op, made)
    for name, state in graph.states.items():
        _verify_state(name, state, made)
    _verify_border(graph, made)


def _verify_op(graph: Graph, op: Op, made: dict[Value, str]) -> None:
    where = _where(op)
    check(bool(op.origin), where, "has no origin")
    check(op.segment in SEGMENTS, where, f"is in segment {op.segment}, expected one of {', '.join(SEGMENTS)}")
    for k, value in enumerate(op.inputs):
        check(value in made, where, f"reads {value!r} (operand {k}) before it is made")
        if value.op is not None:
            _verify_order(op, value, made[value])
    for value in op.outputs:
        check(value not in made, where, f"makes {value!r} a second time")
        check(value.op is op, where, f"makes {value!r}, which names another operation as its maker")
        made[value] = op.segment
    try:
        expected = rule(op.prim).infer(op.prim, *op.inputs)
    except ValueError as error:
        raise VerifyError(f"{where}: {error}") from None
    resolved = [(shape, graph.dtype if dtype == "float" else dtype) for shape, dtype in expected]
    got = [(v.shape, v.dtype) for v in op.outputs]
    check(got == resolved, where, f"has results {got}, its rule says {resolved}")


def _verify_order(op: Op, value: Value, segment: str) -> None:
    """``init`` runs once in the life of a net: only states carry its results into a step."""
    if segment == LITERAL:
        return
    ok = op.segment == "init" if segment == "init" else SEGMENTS.index(segment) <= SEGMENTS.index(op.segment)
    check(ok, _where(op), f"of segment {op.segment} reads {value!r} of segment {segment}")


def _verify_state(name: str, state: State, made: dict[Value, str]) -> None:
    where = f"state {name}"
    check(state.name == name, where, f"is called {state.name}")
    for what, value in (("starts from", state.init), ("is written", state.written)):
        if value is None:
            continue
        check(value in made, where, f"{what} {value!r}, which nothing makes")
        got, expected = (value.shape, value.dtype), (state.read.shape, state.read.dtype)
        check(got == expected, where, f"{what} {got}, it is read as {expected}")
    first = made[state.init]
    check(first == "init", where, f"starts from {state.init!r} of segment {first}, expected init")
    if state.written is not None and state.written.op is not None:
        check(made[state.written] != "init", where, f"is written {state.written!r} of segment init")


def _verify_border(graph: Graph, made: dict[Value, str]) -> None:
    for value in graph.roots():
        check(value in made, "the border", f"names {value!r}, which nothing makes")
    for name, value in graph.grads.items():
        check(name in graph.states, f"gradient {name}", "is of no state")
        expected = graph.states[name].read.shape
        check(value.shape == expected, f"gradient {name}", f"has shape {value.shape}, the parameter {expected}")


def _where(op: Op) -> str:
    layers = ", ".join(f"{o.layer}:{o.direction}" for o in op.origin) or "no layer"
    operands = ", ".join(map(repr, op.inputs))
    return f"{layers}: {describe(op.prim)}({operands})"
