"""Whatever is typed, the reader answers with a tree or with diagnostics, never with another exception."""

from __future__ import annotations

import string

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from spec_reading import quoted

from netspec.spec import scalars
from netspec.spec.build import build
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.expressions import ExpressionError, substitute
from netspec.spec.layer import Layer, ParamSpec
from netspec.spec.nodes import Mapping, Scalar, Sequence, in_text, node_of, to_value
from netspec.spec.read import read_node
from netspec.spec.render import render

FEW = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

PIECES = st.sampled_from(
    [*"ab:[]{}#|>?@`~= '\"\\\n\t\0", "key", ": ", "- ", ", ", "\n  ", "\n    ", " # c", "&x", "*x", "<<", "!t", "!!str",
     "---", "...", "%", "${", "$w", "${w}", "${a * 2}", "$$", "1", "1e-3", "010", "\\u0041", "ä", "日", "\u2028",
     "\ufeff", "\ue000", "true", "12:30", "\r\n", "layers:"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=60))

TOKENS = st.sampled_from(
    [*"amlst1+-*/%()[],<>.$ä'\"\n", "2.5", "1e9", "1e-9", "'x'", "true", "false", "//", "**", "and", "or", "not", "if",
     "else", "==", "!=", "<=", "min", "max", "abs", "floor", "ceil", "round", "sqrt", "log2", "len", "9" * 19]
)  # fmt: skip
EXPRESSIONS = st.one_of(st.lists(TOKENS, max_size=30).map(" ".join), st.text(alphabet=string.printable, max_size=40))
ENVIRONMENT = {"a": 3, "m": {1: 2, "x": [1]}, "l": [1, 2], "s": "text", "t": True, "n": None, "f": 0.1}


@FEW
@given(TEXTS)
@example("a: ${" + "x" * 50)
@example("? - : - [")
@example('a: "\\ud800"')
def test_the_reader_answers_any_text(text: str) -> None:
    diagnostics = Diagnostics()
    node = read_node(text, "fuzz.yaml", diagnostics)
    assert node is not None or diagnostics.has_errors
    shown = render(diagnostics.items, diagnostics.sources)
    assert shown.replace("\n", "").isprintable()
    if node is not None:
        assert in_text(to_value(node)) is not None
    for item in diagnostics.items:
        line = diagnostics.sources["fuzz.yaml"].line(item.mark.line)
        assert line is not None
        assert 1 <= item.mark.column <= len(line) + 1
        assert item.mark.column <= item.mark.end_column


@FEW
@given(st.binary(max_size=80))
def test_the_reader_answers_any_bytes(data: bytes) -> None:
    diagnostics = Diagnostics()
    node = read_node(data.decode("utf-8", errors="replace"), "fuzz.yaml", diagnostics)
    assert node is not None or diagnostics.has_errors


@FEW
@given(EXPRESSIONS)
@example("1" + " * 9999999999" * 40)
@example("1 / 3 " * 30)
def test_expressions_have_a_value_or_an_expression_error(text: str) -> None:
    scalar = quoted("${" + text + "}")
    error = None
    value: object = None
    try:
        value = substitute(scalar, ENVIRONMENT)
    except ExpressionError as raised:
        error = raised
    if error is None:
        assert in_text(value) is not None
    else:
        assert error.message
        assert error.mark.line == 1
        assert scalar.mark.column <= error.mark.column <= scalar.mark.end_column


@FEW
@given(st.text(max_size=30))
def test_scalars_are_read_and_explained(text: str) -> None:
    value = scalars.resolve(text)
    assert value is None or isinstance(value, bool | int | float | str)
    meant = scalars.number_meant(text)
    assert meant is None or meant[0]
    assert scalars.boolean_meant(text) in (None, "true", "false")


@FEW
@given(st.floats(allow_nan=False))
def test_the_shortest_text_reads_back_as_the_same_number(number: float) -> None:
    assert scalars.resolve(scalars.shortest(number)) == number


NODES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "lr_mult", "decay_mult", "x"]), inner)
    ),
    max_leaves=8,
)


@FEW
@given(NODES)
def test_any_value_is_built_or_refused(value: object) -> None:
    diagnostics = Diagnostics()
    node = node_of(value, quoted("x").mark)
    assert isinstance(node, Scalar | Sequence | Mapping)
    built = build(ParamSpec, node, diagnostics)
    assert (built is None) == diagnostics.has_errors
    wrapped = node_of({"type": "ReLU", "name": "a", "params": value, "loss_weight": value}, quoted("x").mark)
    layer = build(Layer, wrapped, Diagnostics())
    assert layer is None or isinstance(layer, Layer)
