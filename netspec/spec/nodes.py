"""The tree of a spec: scalars, sequences and mappings, each with its mark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netspec.spec import scalars
from netspec.spec.marks import Mark


class _Unset:
    """The value of a scalar that is to be read from its text."""

    def __repr__(self) -> str:
        return "unset"


_UNSET = _Unset()


@dataclass(slots=True)
class Scalar:
    """A scalar as written: its text, whether it was quoted, and where.

    ``given`` is the value of a scalar that an expression made (see `node_of`);
    ``text`` then still shows what was written.
    """

    text: str
    quoted: bool
    mark: Mark
    given: Any = _UNSET

    @property
    def value(self) -> Any:
        """The value by YAML 1.2 core rules: int, float, bool, str or None (a Fraction out of an expression)."""
        return scalars.resolve(self.text, self.quoted) if self.given is _UNSET else self.given

    @property
    def is_null(self) -> bool:
        """Whether nothing is written (``width: ``), or ``null`` or ``~``."""
        return self.value is None

    @property
    def is_given(self) -> bool:
        """Whether the value comes out of an expression and not out of the text."""
        return self.given is not _UNSET


@dataclass(slots=True)
class Sequence:
    """A list; ``mark`` is its bracket or first dash."""

    items: list[Node]
    mark: Mark


@dataclass(slots=True)
class Mapping:
    """A mapping in the order of the file; keys are scalars and appear once."""

    pairs: list[tuple[Scalar, Node]]
    mark: Mark
    _index: dict[str, int] | None = field(default=None, repr=False, compare=False)

    def _find(self, key: str) -> int | None:
        if self._index is None or len(self._index) != len(self.pairs):
            self._index = {k.text: n for n, (k, _) in reversed(list(enumerate(self.pairs)))}
        return self._index.get(key)

    def get(self, key: str) -> Node | None:
        """Return the value written under ``key``, None if there is none."""
        n = self._find(key)
        return None if n is None else self.pairs[n][1]

    def key(self, key: str) -> Scalar | None:
        """Return the key itself, for its mark."""
        n = self._find(key)
        return None if n is None else self.pairs[n][0]

    def keys(self) -> list[str]:
        """Return the keys as text, in order."""
        return [k.text for k, _ in self.pairs]

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def without(self, *keys: str) -> Mapping:
        """Return a copy that lacks ``keys``."""
        return Mapping([p for p in self.pairs if p[0].text not in keys], self.mark)

    def with_pair(self, key: str, value: Node, mark: Mark | None = None) -> Mapping:
        """Return a copy in which ``key`` is ``value`` (in place, or at the end)."""
        n = self._find(key)
        pairs = list(self.pairs)
        if n is None:
            pairs.append((Scalar(key, False, mark or value.mark), value))
        else:
            pairs[n] = (pairs[n][0], value)
        return Mapping(pairs, self.mark)


Node = Scalar | Sequence | Mapping


def kind(node: Node) -> str:
    """Return what a node is, in words for a message: ``a list``, ``the number 3``, ``the text `x` ``."""
    if isinstance(node, Sequence):
        return f"a list of {len(node.items)}"
    if isinstance(node, Mapping):
        return "a mapping"
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{'true' if value else 'false'}`"
    return f"the text `{value}`" if isinstance(value, str) else f"the number {in_text(value)}"


def to_value(node: Node) -> Any:
    """Return plain Python data: lists, dicts (keys by their values), numbers, booleans, text, None."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [to_value(item) for item in node.items]
    return {key.value: to_value(value) for key, value in node.pairs}


def node_of(value: object, mark: Mark, text: str | None = None) -> Node:
    """Return plain Python data (or a node) as a node whose every part is marked ``mark``.

    ``text`` is what was written in place of it, an expression for instance.
    """
    if isinstance(value, Scalar | Sequence | Mapping):
        return value
    if isinstance(value, list | tuple):
        return Sequence([node_of(item, mark) for item in value], mark)
    if isinstance(value, dict):
        pairs = [(_key(key, mark), node_of(item, mark)) for key, item in value.items()]
        return Mapping(pairs, mark)
    return Scalar(in_text(value) if text is None else text, isinstance(value, str), mark, value)


def _key(key: object, mark: Mark) -> Scalar:
    return Scalar(in_text(key), isinstance(key, str), mark, key)


def in_text(value: object) -> str:
    """Return a value as it is printed inside text: ``true``, the shortest number, the text itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return scalars.shortest(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "[" + ", ".join(in_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{in_text(k)}: {in_text(v)}" for k, v in value.items()) + "}"
    return scalars.shortest(float(value)) if hasattr(value, "numerator") else str(value)  # type: ignore[arg-type]
