"""The text of kernels of products under construction."""

from __future__ import annotations

from runtime.cuda.source import GpuSource
from runtime.vector.kernel import Kernel, Word


class ProductSource(GpuSource):
    """The text of a product's kernel."""

    IMPORTS = (
        *GpuSource.IMPORTS,
        "from runtime.cuda.simt import block_anew, block_y, block_z, lane_reader, outer_adder, thread_anew, within",
        "from runtime.cuda.simt import shared_loader, shared_storer, shared_writer",
        "from runtime.vector.simd import fma",
        "from runtime.vector.words import unpack",
    )

    def word(self, value: Word) -> str:
        """The name of a new argument word: one unpacking of all is compiled faster than a function for each."""
        self.words.append(value)
        return f"w{len(self.words) - 1}"

    def kernel(self, name: str) -> Kernel:
        """The finished kernel."""
        names = ", ".join(f"w{k}" for k in range(len(self.words)))
        self._lines.insert(0, f"    {names} = unpack(args, {len(self.words)})")
        return super().kernel(name)

    def bind(self, name: str, text: str) -> None:
        """Makes ``name`` stand for what ``text`` evaluates to."""
        self._globals[name] = f"{name} = {text}"
