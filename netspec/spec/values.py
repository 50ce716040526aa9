"""Nodes with their expressions replaced by values, and the names that expressions read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Environment

from netspec.spec.diagnostics import Diagnostics
from netspec.spec.entries import MAX_LAYERS
from netspec.spec.expressions import (
    ExpressionError,
    Ratio,
    expressions_in,
    has_expression,
    is_whole,
    parse,
    substitute,
)
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind, node_of

_WORD = re.compile(r"[^\W\d]\w*")
MAX_PIECES = 200
MAX_TEXT = 20_000
MAX_VALUE = 100_000


class Failed(Exception):
    """A value that cannot be had; the reason is already among the diagnostics."""


_DOLLAR = re.compile(r"\$\{([^}]*)\}|\$([^\W\d]\w*)")


def _undressed(found: re.Match[str]) -> str:
    """A variable or an expression as it stands inside another one: without its dollar."""
    inner = found[1] if found[2] is None else found[2]
    return inner if inner.isidentifier() else f"({inner})"


class Evaluator:
    """Replaces expressions in nodes; what is wrong goes to ``diagnostics``."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self._literal: dict[int, tuple[Node, bool]] = {}  # the node is kept so that its id stays its own
        self._sizes: dict[int, tuple[Node, int]] = {}

    def node(self, node: Node, env: Environment[str, object], layer: str | None = None) -> Node:
        """Return the node with all expressions replaced; a literal one is returned as it is.

        Raises
        ------
        Failed
            After every mistake inside has been reported.
        """
        if self.is_literal(node):
            return node
        try:
            return self._replaced(node, env)
        except ExpressionError as error:
            error.report(self.diagnostics, layer)
            raise Failed from None

    def value(self, scalar: Scalar, env: Environment[str, object], layer: str | None = None) -> object:
        """Return the plain value of a scalar.

        Raises
        ------
        Failed
            After the mistake has been reported.
        """
        found = self.node(scalar, env, layer)
        return found.value if isinstance(found, Scalar) else found

    def condition(self, node: Node, env: Environment[str, object], layer: str | None = None) -> bool:
        """Return the value of an ``if``, with or without ``${}``.

        Raises
        ------
        Failed
            After the mistake has been reported.
        """
        value: object = node
        if isinstance(node, Scalar):
            value = self.value(node, env, layer) if has_expression(node) else node.value
            if isinstance(value, str) and not has_expression(node) and not node.is_given:
                value = self._bare(node, env, layer)
        if isinstance(value, bool):
            return value
        shown = kind(value if isinstance(value, Scalar | Sequence | Mapping) else node_of(value, node.mark))
        hint = "compare: `if: stride > 1`"
        if isinstance(value, str) and isinstance(node, Scalar) and has_expression(node):
            hint = f"write `if: {_DOLLAR.sub(_undressed, node.text)}`"
        self.diagnostics.error("E219", node.mark, f"`if` is true or false, got {shown}", hint, layer)
        raise Failed

    def count(self, node: Node, env: Environment[str, object], layer: str) -> int:
        """Return the value of a ``repeat``: a whole number that is not negative.

        Raises
        ------
        Failed
            After the mistake has been reported.
        """
        value = self.value(node, env, layer) if isinstance(node, Scalar) else node
        if isinstance(value, Ratio):
            self.diagnostics.error("E206", node.mark, f"repeat: {value.story()} is not a whole number", None, layer)
            raise Failed
        if not is_whole(value) or value < 0:
            shown = kind(value if isinstance(value, Scalar | Sequence | Mapping) else node_of(value, node.mark))
            message = f"repeat is a whole number from 0, got {shown}"
            self.diagnostics.error("E220", node.mark, message, "repeat: 0 makes a wire", layer)
            raise Failed
        if value > MAX_LAYERS:
            message = f"repeat: {int(value):,} makes more than the {MAX_LAYERS:,} layers a net may have"
            self.diagnostics.error("E217", node.mark, message, None, layer)
            raise Failed
        return int(value)

    def _bare(self, node: Scalar, env: Environment[str, object], layer: str | None) -> object:
        try:
            exact = node.mark.end_column - node.mark.column == len(node.text)
            return parse(node.text, node.mark, exact).evaluate(env)
        except ExpressionError as error:
            error.report(self.diagnostics, layer)
            raise Failed from None

    def is_literal(self, node: Node) -> bool:
        """Whether no expression stands in a node (found once for each)."""
        if isinstance(node, Scalar):
            return not has_expression(node)
        known = self._literal.get(id(node))
        if known is None:
            parts = node.items if isinstance(node, Sequence) else [value for _, value in node.pairs]
            literal = all([self.is_literal(part) for part in parts])
            if isinstance(node, Mapping):
                literal = literal and not any(has_expression(key) for key, _ in node.pairs)
            known = self._literal[id(node)] = node, literal
        return known[1]

    def _replaced(self, node: Node, env: Environment[str, object]) -> Node:
        if isinstance(node, Scalar):
            return self._scalar(node, env) if has_expression(node) else node
        if self.is_literal(node):
            return node
        made: Node
        if isinstance(node, Sequence):
            made = Sequence([self._replaced(item, env) for item in node.items], node.mark)
        else:
            made = Mapping([(self._key(key, env), self._replaced(v, env)) for key, v in node.pairs], node.mark)
        if self._size(made) > MAX_VALUE:
            raise ExpressionError(f"a value of more than {MAX_VALUE:,} parts", node.mark, "E218")
        return made

    def _key(self, key: Scalar, env: Environment[str, object]) -> Scalar:
        if not has_expression(key):
            return key
        replaced = self._scalar(key, env)
        if not isinstance(replaced, Scalar):
            raise ExpressionError(f"a key is plain text, got {kind(replaced)}", key.mark, "E203")
        return Scalar(str(replaced.value), True, key.mark)

    def _scalar(self, node: Scalar, env: Environment[str, object]) -> Node:
        if node.text.count("$") > MAX_PIECES:
            raise ExpressionError(f"more than {MAX_PIECES} expressions in one value", node.mark, "E218")
        value = substitute(node, env)
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ExpressionError(f"a text of more than {MAX_TEXT:,} characters", node.mark, "E218")
        if isinstance(value, Scalar):
            value = value.value
        return node_of(value, node.mark, node.text)

    def _size(self, node: Node) -> int:
        """How many scalars a reader of the node would meet; lists in variables are shared, not copied."""
        if isinstance(node, Scalar):
            return 1
        known = self._sizes.get(id(node))
        if known is None:
            parts = node.items if isinstance(node, Sequence) else [value for _, value in node.pairs]
            known = self._sizes[id(node)] = node, 1 + sum(map(self._size, parts))
        return known[1]


def names_read(node: Node, bare: bool = False) -> Iterator[str]:
    """Yield the variables that the expressions in a node read; of what cannot be parsed, every word.

    Parameters
    ----------
    bare : bool
        The node is the value of an ``if``: an expression without ``${}``.
    """
    if isinstance(node, Sequence):
        for item in node.items:
            yield from names_read(item)
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from names_read(key)
            yield from names_read(value, bare=key.text == "if")
    elif has_expression(node) or bare:
        try:
            found = expressions_in(node) if has_expression(node) else [parse(node.text, node.mark, False)]
        except ExpressionError:
            yield from _WORD.findall(node.text)
            return
        for expression in found:
            yield from expression.names
