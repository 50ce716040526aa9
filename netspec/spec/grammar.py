"""The grammar of ``${..}``: tokens and a precedence-climbing parser, limited in length and depth.

Nothing is ever evaluated as Python; a tree of these few classes is all that
comes out, and `netspec.spec.expressions` walks it.

::

    expr    := or ["if" or "else" expr]
    or      := and ("or" and)*          and := not ("and" not)*
    not     := "not" not | compare      compare := sum (("=="|"!="|"<"|"<="|">"|">=") sum)*
    sum     := term (("+"|"-") term)*   term := unary (("*"|"/"|"//"|"%") unary)*
    unary   := ("-"|"+") unary | atom ("[" expr "]")*
    atom    := NUMBER | STRING | "true" | "false" | NAME | FUNCTION "(" expr ("," expr)* ")" | "(" expr ")"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

MAX_LENGTH = 1000
MAX_NESTING = 32
MAX_DEPTH = 100
FUNCTIONS = {
    "min": (1, None),
    "max": (1, None),
    "abs": (1, 1),
    "floor": (1, 1),
    "ceil": (1, 1),
    "round": (1, 1),
    "sqrt": (1, 1),
    "log2": (1, 1),
    "len": (1, 1),
}


class GrammarError(Exception):
    """A text that is no expression; ``first .. last`` is the offending stretch of it."""

    def __init__(self, message: str, first: int, last: int, hint: str | None = None, code: str = "E201") -> None:
        super().__init__(message)
        self.message, self.first, self.last, self.hint, self.code = message, first, last, hint, code


@dataclass(frozen=True, slots=True)
class Tree:
    """A node of an expression; ``first .. last`` is its stretch of the text, ``depth`` its height."""

    first: int
    last: int
    depth: int


@dataclass(frozen=True, slots=True)
class Constant(Tree):
    """A number, a boolean or a text."""

    value: Fraction | float | int | bool | str


@dataclass(frozen=True, slots=True)
class Name(Tree):
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Tree):
    """``-x``, ``+x`` or ``not x``."""

    op: str
    x: Tree


@dataclass(frozen=True, slots=True)
class Binary(Tree):
    """An arithmetic operator, ``and`` or ``or``."""

    op: str
    a: Tree
    b: Tree


@dataclass(frozen=True, slots=True)
class Compare(Tree):
    """``a < b <= c``: every neighbouring pair must hold."""

    first_operand: Tree
    rest: tuple[tuple[str, Tree], ...]


@dataclass(frozen=True, slots=True)
class If(Tree):
    """``a if condition else b``."""

    condition: Tree
    a: Tree
    b: Tree


@dataclass(frozen=True, slots=True)
class Call(Tree):
    """A function of the table `FUNCTIONS`."""

    function: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Item(Tree):
    """``mapping[key]``."""

    mapping: Tree
    key: Tree


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text: ``kind`` is number, text, name or the operator itself."""

    kind: str
    text: str
    first: int
    last: int


_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<op>\*\*|//|==|!=|<=|>=|&&|\|\||[-+*/%<>()\[\],=!&|^~?:.;{}@$"'\\`\#])
    |(?P<other>\S))""",
    re.VERBOSE | re.DOTALL,
)
_REMEDIES = {
    "**": ("there is no power operator", "write the product out (`x * x`), or use `sqrt` and `log2`"),
    "&&": ("`&&` is written `and`", None),
    "||": ("`||` is written `or`", None),
    "!": ("`!` is written `not`", None),
    "=": ("`=` is no comparison", "write `==`"),
    "?": ("`c ? a : b` is written `a if c else b`", None),
    "^": ("there is no `^`", "write the product out (`x * x`)"),
    ".": ("a mapping's value is taken with brackets", "write `m[key]`"),
    "$": ("inside `${..}` a variable is written without the dollar sign", None),
    '"': ("this quote is never closed", None),
    "'": ("this quote is never closed", None),
    "{": ("there are no braces in expressions", "put lists and mappings under `vars`"),
}


def tokens_of(text: str) -> list[Token]:
    """Cut ``text`` into tokens, the last of kind ``end``."""
    if len(text) > MAX_LENGTH:
        raise GrammarError(
            f"the expression has {len(text)} characters; {MAX_LENGTH} are allowed",
            0,
            len(text),
            "compute parts of it under `vars`",
            "E207",
        )
    found, at = [], 0
    while match := _TOKEN.match(text, at):
        kind, at = str(match.lastgroup), match.end()
        word = match[kind]
        found.append(Token(word if kind == "op" else kind, word, match.start(kind), at))
    return [*found, Token("end", "", len(text.rstrip()), len(text))]


_LEVELS = (("or",), ("and",))
_ARITHMETIC = (("+", "-"), ("*", "/", "//", "%"))
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = tokens_of(text)
        self.at = 0
        self.nesting = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, *kinds: str) -> Token | None:
        """Take the next token if it is one of ``kinds`` (operators and words by their text)."""
        token = self.next
        if token.kind in kinds or (token.kind == "name" and token.text in kinds):
            self.at += 1
            return token
        return None

    def need(self, kind: str, opened: Token) -> Token:
        token = self.take(kind)
        if token is None:
            self.refuse(f"`{opened.text}` is never closed" if self.next.kind == "end" else None)
        assert token is not None
        return token

    def refuse(self, message: str | None = None) -> None:
        """Raise for the token that cannot stand here."""
        token = self.next
        hint = None
        if message is None and token.kind in _REMEDIES:
            message, hint = _REMEDIES[token.kind]
        if message is None and token.kind == "end":
            message = "the expression ends too early" if self.at else "the expression is empty"
        raise GrammarError(message or f"`{token.text}` cannot stand here", token.first, token.last, hint)

    def made(self, node: Tree) -> Tree:
        if node.depth > MAX_DEPTH:
            raise GrammarError(
                f"the expression is deeper than {MAX_DEPTH} operations",
                node.first,
                node.last,
                "compute parts of it under `vars`",
                "E207",
            )
        return node

    def expression(self) -> Tree:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise GrammarError(
                f"the expression is nested deeper than {MAX_NESTING}",
                self.next.first,
                self.next.last,
                "compute parts of it under `vars`",
                "E207",
            )
        a = self.logic(0)
        if self.take("if"):
            condition = self.logic(0)
            if not self.take("else"):
                self.refuse("`a if c` lacks its `else b`" if self.next.kind == "end" else None)
            b = self.expression()
            a = self.made(If(a.first, b.last, 1 + max(a.depth, condition.depth, b.depth), condition, a, b))
        self.nesting -= 1
        return a

    def logic(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self.negation()
        a = self.logic(level + 1)
        while token := self.take(*_LEVELS[level]):
            a = self.binary(token.text, a, self.logic(level + 1))
        return a

    def binary(self, op: str, a: Tree, b: Tree) -> Tree:
        return self.made(Binary(a.first, b.last, 1 + max(a.depth, b.depth), op, a, b))

    def negation(self) -> Tree:
        words = []
        while token := self.take("not"):
            words.append(token)
        x = self.comparison()
        for word in reversed(words):
            x = self.made(Unary(word.first, x.last, x.depth + 1, "not", x))
        return x

    def comparison(self) -> Tree:
        a = self.arithmetic(0)
        rest = []
        while token := self.take(*_COMPARISONS):
            rest.append((token.text, self.arithmetic(0)))
        if not rest:
            return a
        depth = 1 + max(a.depth, *(b.depth for _, b in rest))
        return self.made(Compare(a.first, rest[-1][1].last, depth, a, tuple(rest)))

    def arithmetic(self, level: int) -> Tree:
        if level == len(_ARITHMETIC):
            return self.unary()
        a = self.arithmetic(level + 1)
        while token := self.take(*_ARITHMETIC[level]):
            a = self.binary(token.text, a, self.arithmetic(level + 1))
        return a

    def unary(self) -> Tree:
        signs = []
        while token := self.take("-", "+"):
            signs.append(token)
        x = self.item()
        for sign in reversed(signs):
            x = self.made(Unary(sign.first, x.last, x.depth + 1, sign.text, x))
        return x

    def item(self) -> Tree:
        x = self.atom()
        while opened := self.take("["):
            key = self.expression()
            closed = self.need("]", opened)
            x = self.made(Item(x.first, closed.last, 1 + max(x.depth, key.depth), x, key))
        return x

    def atom(self) -> Tree:
        token = self.next
        if token.kind in ("number", "text"):
            self.at += 1
            value = _number(token) if token.kind == "number" else re.sub(r"\\(.)", r"\1", token.text[1:-1])
            return Constant(token.first, token.last, 1, value)
        if token.kind == "name" and token.text not in _WORDS:
            self.at += 1
            return self.call(token) if self.next.kind == "(" else self.name(token)
        opened = self.take("(")
        if opened is None:
            self.refuse()
        assert opened is not None
        x = self.expression()
        self.need(")", opened)
        return x

    def name(self, token: Token) -> Tree:
        if token.text in ("true", "false"):
            return Constant(token.first, token.last, 1, token.text == "true")
        return Name(token.first, token.last, 1, token.text)

    def call(self, name: Token) -> Tree:
        if name.text not in FUNCTIONS:
            raise GrammarError(
                f"there is no function `{name.text}`",
                name.first,
                name.last,
                f"the functions are {', '.join(FUNCTIONS)}",
            )
        opened = self.take("(")
        assert opened is not None
        arguments: list[Tree] = []
        while not self.take(")"):
            if arguments and not self.take(","):
                self.need(")", opened)
            arguments.append(self.expression())
        least, most = FUNCTIONS[name.text]
        last = self.tokens[self.at - 1].last
        if len(arguments) < least or (most is not None and len(arguments) > most):
            wanted = "one argument" if most == 1 else "at least one argument"
            raise GrammarError(f"`{name.text}` takes {wanted}, got {len(arguments)}", name.first, last)
        depth = 1 + max(x.depth for x in arguments)
        return self.made(Call(name.first, last, depth, name.text, tuple(arguments)))


_WORDS = ("and", "or", "not", "if", "else")


def _number(token: Token) -> Fraction | int | float:
    """Return a literal exactly; one too fine or too large for that as a float."""
    if token.text.isdecimal() and len(token.text) <= 20:
        return int(token.text)
    value = float(token.text)
    if value == 0 or 1e-18 <= value <= 1e18:
        exact = Fraction(token.text) if len(token.text) <= 40 else Fraction(value)
        return int(exact) if exact.denominator == 1 else exact
    if value == float("inf"):
        raise GrammarError(f"`{token.text}` is too large", token.first, token.last, None, "E204")
    return value


@lru_cache(maxsize=4096)
def tree_of(text: str) -> Tree:
    """Parse one expression.

    Raises
    ------
    GrammarError
        For a text that is none, or is too long or too deep.
    """
    parser = _Parser(text)
    tree = parser.expression()
    if parser.next.kind != "end":
        parser.refuse()
    return tree


def names_in(tree: Tree) -> Iterator[Name]:
    """Walk over the variables of a tree."""
    if isinstance(tree, Name):
        yield tree
    for child in _children(tree):
        yield from names_in(child)


def _children(tree: Tree) -> tuple[Tree, ...]:
    match tree:
        case Unary(x=x):
            return (x,)
        case Binary(a=a, b=b):
            return (a, b)
        case Compare(first_operand=a, rest=rest):
            return (a, *(b for _, b in rest))
        case If(condition=c, a=a, b=b):
            return (c, a, b)
        case Call(arguments=arguments):
            return arguments
        case Item(mapping=m, key=k):
            return (m, k)
    return ()
