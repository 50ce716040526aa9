"""Expressions of a spec: ``$name``, ``${..}``, inside text too; exact numbers, never Python's eval.

Whole numbers and decimals are exact (``10 * 0.7`` is 7); a quotient that is no
whole number is a `Ratio`, which remembers how it came about for the message
"(depth - 2) / 6 = 3.167 (depth = 21) is not a whole number".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Environment
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeGuard

from netspec.spec import grammar, operators
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.grammar import GrammarError
from netspec.spec.marks import Mark
from netspec.spec.nodes import Scalar, in_text
from netspec.spec.operators import ValueProblem


class Ratio(Fraction):
    """A number that is not whole, with ``working``: the expression and the values it was made from."""

    working: str
    values: str

    @classmethod
    def of(cls, value: Fraction, working: str, values: str) -> Ratio:
        """Return ``value`` with the story of how it came about."""
        ratio = cls(value.numerator, value.denominator)
        ratio.working, ratio.values = working, values
        return ratio

    def story(self) -> str:
        """Return ``(depth - 2) / 6 = 3.167 (depth = 21)``."""
        values = f" ({self.values})" if self.values else ""
        return f"{self.working} = {float(self):.4g}{values}"


class ExpressionError(Exception):
    """An expression that cannot be read or evaluated; ``mark`` is the offending part of it."""

    def __init__(self, message: str, mark: Mark, code: str = "E201", hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.mark, self.code, self.hint = message, mark, code, hint

    def report(self, diagnostics: Diagnostics, layer: str | None = None) -> None:
        """Add this error to a collector."""
        diagnostics.error(self.code, self.mark, self.message, hint=self.hint, layer=layer)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression; ``place(first, last)`` of the text is what errors point at."""

    text: str
    tree: grammar.Tree
    mark: Mark
    exact_mark: bool = True

    @property
    def names(self) -> frozenset[str]:
        """The variables it reads."""
        return frozenset(name.name for name in grammar.names_in(self.tree))

    def place(self, first: int, last: int) -> Mark:
        """Return the mark of a stretch of the text (the whole where columns cannot be told)."""
        return self.mark.part(first, max(last, first + 1)) if self.exact_mark else self.mark

    def evaluate(self, env: Environment[str, object]) -> object:
        """Return the value under ``env`` (plain Python data or nodes).

        Raises
        ------
        ExpressionError
            Unknown variable, wrong kind of value, overflow, division by zero.
        """
        try:
            value = operators.evaluate(self.tree, env)
        except ValueProblem as problem:
            mark = self.place(problem.tree.first, problem.tree.last)
            raise ExpressionError(problem.message, mark, problem.code, problem.hint) from None
        if isinstance(value, Fraction) and not isinstance(value, Ratio):
            shown = [f"{n} = {in_text(env[n])}" for n in sorted(self.names) if isinstance(env.get(n), int | float)]
            value = Ratio.of(value, self.text.strip(), ", ".join(shown))
        return value


def parse(text: str, mark: Mark, exact_mark: bool = True) -> Expression:
    """Parse one expression (without ``${ }``) that stands at ``mark``.

    Raises
    ------
    ExpressionError
        For a text that is none, or is too long or too deep.
    """
    try:
        return Expression(text, grammar.tree_of(text), mark, exact_mark)
    except GrammarError as error:
        place = mark.part(error.first, max(error.last, error.first + 1)) if exact_mark else mark
        raise ExpressionError(error.message, place, error.code, error.hint) from None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a scalar's text: literal text, or an expression at offset ``first``."""

    text: str
    first: int
    is_expression: bool


_NAME = re.compile(r"[^\W\d]\w*")
_TO_BRACE = re.compile(r"""(?:[^"'}]|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')*+}""", re.DOTALL)
_TO_ANY_BRACE = re.compile(r"[^}]*+}")


@lru_cache(maxsize=4096)
def _pieces(text: str) -> tuple[_Piece, ...]:
    """Cut a scalar's text at its expressions; raise GrammarError at a dollar sign that starts none."""
    found: list[_Piece] = []
    literal, at = "", 0
    while (dollar := text.find("$", at)) >= 0:
        literal += text[at:dollar]
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            literal, at = literal + "$", dollar + 2
            continue
        if literal:
            found.append(_Piece(literal, 0, False))
        literal = ""
        if following == "{":
            at = _closing(text, dollar)
            found.append(_Piece(text[dollar + 2 : at], dollar + 2, True))
            at += 1
        elif name := _NAME.match(text, dollar + 1):
            found.append(_Piece(name[0], dollar + 1, True))
            at = name.end()
        else:
            raise GrammarError(
                "a dollar sign starts no variable here",
                dollar,
                dollar + 1,
                "write `$$` for a dollar sign, `$name` or `${..}` for a variable",
                "E208",
            )
    literal += text[at:]
    if literal or not found:
        found.append(_Piece(literal, 0, False))
    return tuple(found)


def _closing(text: str, dollar: int) -> int:
    """Return where the brace that closes ``${`` at ``dollar`` stands; braces in quotes do not count."""
    for pattern in (_TO_BRACE, _TO_ANY_BRACE):  # an unclosed quote is the grammar's to report
        if found := pattern.match(text, dollar + 2):
            return found.end() - 1
    raise GrammarError("`${` is never closed", dollar, len(text), "put the missing `}`")


def has_expression(scalar: Scalar) -> bool:
    """Whether the text of a scalar holds a dollar sign that still means something."""
    return "$" in scalar.text and not scalar.is_given


def expressions_in(scalar: Scalar) -> list[Expression]:
    """Return the expressions in a scalar, parsed.

    Raises
    ------
    ExpressionError
        As `parse`; also for a lone dollar sign.
    """
    return [parse(*_place(scalar, piece)) for piece in _split(scalar) if piece.is_expression]


def _place(scalar: Scalar, piece: _Piece) -> tuple[str, Mark, bool]:
    """Return the piece with its mark; columns can be told unless escapes or line ends lie in the scalar."""
    width = scalar.mark.end_column - scalar.mark.column
    inside = width - len(scalar.text)
    if inside not in (0, 2) or (inside == 2) != scalar.quoted:
        return piece.text, scalar.mark, False
    first = piece.first + inside // 2
    return piece.text, scalar.mark.part(first, first + len(piece.text)), True


def _split(scalar: Scalar) -> tuple[_Piece, ...]:
    try:
        return _pieces(scalar.text)
    except GrammarError as error:
        _, mark, exact = _place(scalar, _Piece("", error.first, True))
        place = mark.part(0, error.last - error.first) if exact else mark
        raise ExpressionError(error.message, place, error.code, error.hint) from None


def substitute(scalar: Scalar, env: Environment[str, object]) -> object:
    """Return a scalar's value with its expressions evaluated.

    A scalar that is one expression has the expression's type (number, bool,
    text, list, mapping, a node if ``env`` holds nodes); inside longer text
    values are printed, and the result is text. ``$$`` is a dollar sign.

    Raises
    ------
    ExpressionError
        As `parse` and `Expression.evaluate`.
    """
    if not has_expression(scalar):
        return scalar.value
    pieces = _split(scalar)
    if len(pieces) == 1 and pieces[0].is_expression:
        return parse(*_place(scalar, pieces[0])).evaluate(env)
    text = []
    for piece in pieces:
        if piece.is_expression:
            expression = parse(*_place(scalar, piece))
            text.append(_printed(expression, expression.evaluate(env)))
        else:
            text.append(piece.text)
    return "".join(text)


def _printed(expression: Expression, value: object) -> str:
    if isinstance(value, Scalar):
        value = value.value
    if isinstance(value, Fraction):
        value = float(value)
    if value is None or not isinstance(value, int | float | str):
        raise ExpressionError(
            f"`{expression.text}` is {operators.kind(value)}, which cannot stand inside text", expression.mark, "E203"
        )
    return in_text(value)


def is_whole(value: object) -> TypeGuard[int | float | Fraction]:
    """Whether a value is a whole number (``3``, ``3.0``; no boolean)."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return False
    return math.isfinite(value) and value == int(value)
