"""Who lowers a primitive on a device: functions registered by primitive and way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from runtime.ops import Primitive

L = TypeVar("L")


class Launchers(Generic[L]):
    """The functions that make launches of steps, of one device.

    Parameters
    ----------
    device
        For messages.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self._found: dict[str, L] = {}

    def register(self, primitive: type[Primitive] | str, way: str | None = None) -> Callable[[L], L]:
        """Decorator of the function that lowers a primitive.

        ``way`` is the step's algorithm (``runtime.ways``) that it is for;
        without one it takes every step that no other function is registered for.
        """
        key = _key(primitive if isinstance(primitive, str) else primitive.__name__, way)

        def keep(function: L) -> L:
            self._found[key] = function
            return function

        return keep

    def of(self, op: Primitive | str, way: str | None = None) -> L:
        """The function for a primitive that is computed this way.

        Raises
        ------
        NotImplementedError
            There is none.
        """
        name = op if isinstance(op, str) else type(op).__name__
        found = self._found.get(_key(name, way)) or self._found.get(name)
        if found is None:
            raise NotImplementedError(f"{self.device} has no kernel for {op if isinstance(op, str) else op.kind}")
        return found

    def ways(self) -> dict[str, tuple[str, ...]]:
        """By a primitive's class name, the ways that functions are registered for, the plain one left out."""
        found: dict[str, tuple[str, ...]] = {}
        for name, _, way in (key.partition(" ") for key in self._found):
            if way:
                found[name] = (*found.get(name, ()), way)
        return found


def _key(name: str, way: str | None) -> str:
    return name if way is None else f"{name} {way}"
