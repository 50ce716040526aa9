"""Tables of typed entries by name; layers, fillers, solvers, .. fill them when their folder is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar, overload

from netspec.spec.diagnostics import nearest

if TYPE_CHECKING:
    from netspec.spec.fields import Entry

T = TypeVar("T", bound="Entry")


class Registry:
    """Classes of one kind by the name a spec gives them; ``kind`` is the word for messages."""

    def __init__(self, kind: str, any_case: bool = False) -> None:
        self.kind = kind
        self.any_case = any_case
        self._classes: dict[str, type[Entry]] = {}
        self._names: dict[str, str] = {}

    def _fold(self, name: str) -> str:
        return name.lower() if self.any_case else name

    def register(self, cls: type[Entry], name: str | None = None, aliases: tuple[str, ...] = ()) -> None:
        """Add a class under its name and aliases; a name twice is a bug of ours."""
        canonical = name or cls.__name__
        cls.type_name = canonical
        for spelling in (canonical, *aliases):
            assert self._fold(spelling) not in self._names, f"{self.kind} {spelling} is registered twice"
            self._names[self._fold(spelling)] = canonical
        self._classes[canonical] = cls

    def get(self, name: str) -> type[Entry] | None:
        """Return the class called ``name``, None if there is none."""
        canonical = self._names.get(self._fold(name))
        return None if canonical is None else self._classes[canonical]

    def names(self) -> list[str]:
        """Return the canonical names, sorted without regard to case."""
        return sorted(self._classes, key=str.lower)

    def spellings(self, name: str) -> list[str]:
        """Return a canonical name and the other spellings of it, as written in schemas."""
        others = [s for s, canonical in self._names.items() if canonical == name and s != self._fold(name)]
        shown = {name, name.lower(), name.upper()} if self.any_case else {name}
        return [name, *sorted((shown | set(others)) - {name})]

    def nearest(self, name: str) -> str | None:
        """Return the registered name most like ``name``."""
        near = nearest(name, self._names)
        return None if near is None else self._names[near]

    def __iter__(self) -> Iterator[type[Entry]]:
        return (self._classes[name] for name in self.names())

    def __len__(self) -> int:
        return len(self._classes)


class Registering:
    """The decorator of a registry: ``@layer`` or ``@layer(name="data", aliases=("Data",))``."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    @overload
    def __call__(self, cls: type[T]) -> type[T]: ...

    @overload
    def __call__(
        self, cls: None = None, *, name: str | None = None, aliases: tuple[str, ...] = ()
    ) -> Callable[[type[T]], type[T]]: ...

    def __call__(
        self, cls: type[T] | None = None, *, name: str | None = None, aliases: tuple[str, ...] = ()
    ) -> type[T] | Callable[[type[T]], type[T]]:
        """Register a class under its own name, or return a decorator that uses ``name`` and ``aliases``."""

        def add(decorated: type[T]) -> type[T]:
            self.registry.register(decorated, name, aliases)
            return decorated

        return add if cls is None else add(cls)


LAYERS = Registry("layer type")
FILLERS = Registry("filler type", any_case=True)
SOLVERS = Registry("solver type", any_case=True)
SOURCES = Registry("data source", any_case=True)
POLICIES = Registry("lr policy", any_case=True)

layer = Registering(LAYERS)
filler = Registering(FILLERS)
solver = Registering(SOLVERS)
source = Registering(SOURCES)
policy = Registering(POLICIES)
