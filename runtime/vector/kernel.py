"""Kernels as text, and their argument words: what launchers of every device hand to executors.

Nothing here knows addresses or numba.
"""

from __future__ import annotations

import functools
import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from runtime.plan import View


@dataclass(frozen=True)
class Kernel:
    """Source text of a module that defines ``kernel``.

    On the CPU ``kernel(args, first, last, thread)``: ``args`` is the address of
    int64 words, chunks ``first`` to ``last`` (past the end) are to be done,
    ``thread`` is the team member's number, for scratch alone. On CUDA
    ``kernel(args)``, run by every thread of the grid: ``args`` is the tuple of
    the words. ``name`` is for people; the text is the identity.
    """

    name: str
    text: str

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the text, 16 hex digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def __hash__(self) -> int:
        return hash(self.text)


class Symbol:
    """An argument word that an executor replaces by a number."""


@dataclass(frozen=True)
class Address(Symbol):
    """``offset`` bytes into a memory of the plan, or into one of the executor's own (``scratch``, ``packed``, ..)."""

    memory: str
    offset: int


Word = int | float | Symbol
"""An argument: 8 bytes. A float is passed by the bits of its float64."""


@functools.cache
def from_file(path: Path, **constants: str | int | float | bool) -> Kernel:
    """A kernel from a file, its module constants replaced.

    ``from_file(folder / "pool.py", DTYPE="f32", LANES=16)`` takes the text with
    its lines ``DTYPE = ...`` and ``LANES = ...`` (at the margin) rewritten.

    Raises
    ------
    ValueError
        A constant that the file does not assign at module level.
    """
    text = _source(path)
    for key, value in constants.items():
        text, found = re.subn(rf"^{key} = .*$", f"{key} = {value!r}", text, count=1, flags=re.M)
        if not found:
            raise ValueError(f"{path.parent.name}/{path.name} has no constant {key}")
    return Kernel("_".join([path.stem, *(str(v) for v in constants.values())]), text)


@functools.cache
def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def address_of(view: View) -> Address:
    """The address of element (0, .., 0) of a view."""
    return Address(view.memory, view.offset)


def byte_strides(view: View) -> tuple[int, ...]:
    """The view's strides in bytes."""
    return tuple(s * view.item_bytes for s in view.strides)


def map_words(view: View | None) -> tuple[Word, ...]:
    """Address of an N x C x H x W view, strides (bytes) of image, row and pixel; zeros without a view."""
    if view is None:
        return 0, 0, 0, 0
    strides = byte_strides(view)
    return address_of(view), strides[0], strides[2], strides[3]


def bits(value: float) -> int:
    """A float64's bits as a signed integer."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])
