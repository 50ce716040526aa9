"""The mappings of a compiled net: blobs, parameters, gradients and states by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.errors import UsageError

Array = npt.NDArray[Any]


def near_names(name: str, known: Collection[str]) -> str:
    """The end of a message about an unknown name: ``; near names: conv1, conv2``, or nothing."""
    near = difflib.get_close_matches(str(name), known, 3, 0.6)
    return f"; near names: {', '.join(near)}" if near else ""


class Arrays(Mapping[str, Array]):
    """Arrays read on demand; a name that is missing says why in its KeyError.

    Parameters
    ----------
    what
        ``blob``, ``parameter``: for messages.
    names
        Names that can be read now.
    read
        Gives a fresh array.
    known
        Names that exist but may not be readable, with the reason.
    """

    def __init__(
        self,
        what: str,
        names: Callable[[], Collection[str]],
        read: Callable[[str], Array],
        known: Callable[[str], str | None] = lambda name: None,
    ):
        self._what, self._names, self._read, self._known = what, names, read, known

    def __getitem__(self, name: str) -> Array:
        if name not in self._names():
            raise KeyError(self._missing(name))
        return self._read(name)

    def _missing(self, name: str) -> str:
        reason = self._known(name)
        if reason is not None:
            return reason
        return f"no {self._what} named {name!r}{near_names(name, self._names())}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return f"<{self._what}s {list(self._names())}>"


class WritableArrays(Arrays, MutableMapping[str, Array]):
    """Arrays that can be replaced: ``params[name] = array`` checks the shape and casts."""

    def __init__(
        self,
        what: str,
        names: Callable[[], Collection[str]],
        read: Callable[[str], Array],
        write: Callable[[str, Array], None],
        shape: Callable[[str], tuple[int, ...]],
    ):
        super().__init__(what, names, read)
        self._write, self._shape = write, shape

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        if name not in self._names():
            raise KeyError(self._missing(name))
        array = real_array(f"{self._what} {name}", value)
        if array.shape != self._shape(name):
            raise UsageError(f"{self._what} {name}: got shape {array.shape}, expected {self._shape(name)}")
        self._write(name, array)

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"a {self._what} cannot be deleted")


def real_array(what: str, value: npt.ArrayLike) -> Array:
    """``value`` as an array of real numbers.

    Raises
    ------
    UsageError
        For anything that is not numbers, complex ones too.
    """
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise UsageError(f"{what}: got a nested list that is not an array ({problem})") from problem
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{what}: got dtype {array.dtype}, expected real numbers")
    return array


def mean_of(outputs: list[dict[str, Array]]) -> dict[str, Array]:
    """Scalars averaged over the micro-steps, anything else of the last one."""
    last = outputs[-1]
    return {
        name: np.asarray(np.mean([o[name] for o in outputs]), dtype=a.dtype) if a.shape == () else a
        for name, a in last.items()
    }
