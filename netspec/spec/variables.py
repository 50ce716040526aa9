"""``vars``: evaluated when first read, in any order, so that they may use each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Environment

from netspec.spec.nodes import Mapping, Node, Scalar
from netspec.spec.values import Evaluator, Failed, names_read

IDENTIFIER = re.compile(r"[^\W\d]\w*")
UNREADABLE = object()
"""The value of what a data source would declare if its entry could be read."""

RESERVED = frozenset("and or not if else true false".split())


class Variables(Environment[str, object]):
    """The variables of a file, and those that its data source declares.

    Parameters
    ----------
    written : Mapping or None
        The ``vars`` section.
    declared : callable
        Gives the data source's variables (``$classes``) when an unknown name is read.
    """

    def __init__(
        self, written: Mapping | None, evaluator: Evaluator, declared: Callable[[], Environment[str, object]]
    ) -> None:
        self._nodes: dict[str, tuple[Scalar, Node]] = {}
        self._evaluator = evaluator
        self._declared = declared
        self._values: dict[str, object] = {}
        self._open: dict[str, None] = {}
        self._failed: set[str] = set()
        for key, node in written or ():
            if not is_identifier(key.text):
                hint = "a variable is letters, digits and `_`, not a word of expressions"
                evaluator.diagnostics.error("E214", key.mark, f"`{key.text}` cannot be a variable", hint)
            else:
                self._nodes[key.text] = key, node

    @property
    def written(self) -> dict[str, Scalar]:
        """The keys in ``vars``, by name."""
        return {name: key for name, (key, _) in self._nodes.items()}

    def __getitem__(self, name: str) -> object:
        if name in self._nodes and name not in self._values and name not in self._failed:
            self._evaluate(name)
        if name in self._failed:
            raise Failed
        if name in self._nodes:
            return self._values[name]
        value = self._declared()[name]
        if value is UNREADABLE:
            raise Failed
        return value

    def _evaluate(self, wanted: str) -> None:
        """Evaluate what a variable needs before itself: a chain of 10,000 must not recurse."""
        depth = len(self._open)
        stack = [(wanted, False)]
        while stack:
            name, ready = stack.pop()
            if ready:
                self._finish(name)
                del self._open[name]
            elif name in self._open:
                self._cycle(name)
            elif name not in self._values and name not in self._failed:
                self._open[name] = None
                stack.append((name, True))
                stack.extend((n, False) for n in names_read(self._nodes[name][1]) if n in self._nodes)
        assert len(self._open) == depth

    def _finish(self, name: str) -> None:
        if name in self._failed:
            return
        try:
            value = self._evaluator.node(self._nodes[name][1], self)
        except Failed:
            self._failed.add(name)
            return
        self._values[name] = value.value if isinstance(value, Scalar) else value

    def _cycle(self, name: str) -> None:
        opened = list(self._open)
        path = opened[opened.index(name) :]
        self._failed.update(path)
        first = min(path, key=lambda n: self._nodes[n][0].mark)
        start = path.index(first)
        path = [*path[start:], *path[:start], first]
        message = f"the variables {' -> '.join(path)} need each other"
        if len(path) == 2:
            message = f"the variable `{first}` needs itself"
        self._evaluator.diagnostics.error("E213", self._nodes[first][1].mark, message,
                                          "give one of them a value of its own")  # fmt: skip

    def __contains__(self, name: object) -> bool:
        return name in self._nodes or name in self._declared()

    def __iter__(self) -> Iterator[str]:
        yield from self._nodes
        yield from (name for name in self._declared() if name not in self._nodes)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def check_all(self) -> None:
        """Evaluate every variable, so that mistakes in unused ones show too."""
        for name in self._nodes:
            try:
                self[name]
            except Failed:
                continue


class Env(Environment[str, object]):
    """Local names (block parameters, ``i``, keys of ``each``) over the variables of the file."""

    __slots__ = ("local", "outer")

    def __init__(self, local: dict[str, object], outer: Variables) -> None:
        self.local = local
        self.outer = outer

    def __getitem__(self, name: str) -> object:
        if name in self.local:
            return self.local[name]
        return self.outer[name]

    def __contains__(self, name: object) -> bool:
        return name in self.local or name in self.outer

    def __iter__(self) -> Iterator[str]:
        yield from self.local
        yield from (name for name in self.outer if name not in self.local)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def child(self, names: dict[str, object]) -> Env:
        """Return an environment in which ``names`` hide those of this one."""
        return Env({**self.local, **names}, self.outer)


def is_identifier(name: str) -> bool:
    """Whether expressions can read a variable of this name."""
    return IDENTIFIER.fullmatch(name) is not None and name not in RESERVED
