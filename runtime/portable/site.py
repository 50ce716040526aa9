"""What a portable launcher asks of the device, what it answers, and the registry of such launchers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runtime.ops import Primitive
from runtime.plan import Step
from runtime.vector.kernel import Address, Kernel, Word, from_file

KERNELS = Path(__file__).with_name("kernels")


@dataclass(frozen=True)
class Work:
    """A kernel ``kernel(args, first, last, thread)``, its words, and how many chunks there are to do."""

    kernel: Kernel
    words: tuple[Word, ...]
    chunks: int


class Site(Protocol):
    """The device for which a step becomes work."""

    def lanes(self, dtype: str, held: int = 1) -> int:
        """Elements of a vector of this dtype, of which a kernel holds so many tens at a time."""

    def scratch(self, size: int) -> Address:
        """``size`` bytes, private to the step."""

    def own(self, size: int) -> tuple[Word, Word]:
        """``size`` bytes for each ``thread``: the address of the first's, and the bytes to the next one's."""

    def chunk(self, units: int, work: float) -> int:
        """Units (rows, mostly) a chunk, if one costs ``work`` operations of a vector; from the shapes alone."""

    def parts(self, leads: int, most: int, worth: int) -> int:
        """Into how many parts each of ``leads`` pieces is cut: at most ``most``, and where work is dear ``worth``."""


Launcher = Callable[[Step, Site], Work]
LAUNCHERS: dict[type[Primitive], Launcher] = {}


def portable(primitive: type[Primitive]) -> Callable[[Launcher], Launcher]:
    """Registers the function that lowers a primitive on every device."""

    def keep(function: Launcher) -> Launcher:
        LAUNCHERS[primitive] = function
        return function

    return keep


def kernel_file(name: str, **constants: str | int | float | bool) -> Kernel:
    """A kernel of the folder ``kernels/``, its module constants replaced (see ``from_file``)."""
    return from_file(KERNELS / f"{name}.py", **constants)
