from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from runtime import cache
from runtime.cuda import cubins
from runtime.cuda.cubins import CubinCache, Wanted
from runtime.vector.kernel import Kernel

TEXT = """
from runtime.cuda.simt import block, thread, threads
from runtime.vector.simd import put_word, word
def kernel(args):
    put_word(word(args, 0), block() * threads() + thread(), {number})
"""
needs_numba_cuda = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="the extra netspec[cuda] is not installed"
)


def writer(number: int) -> Wanted:
    """A kernel that writes its number at each thread's word."""
    return Wanted(Kernel("writer", TEXT.format(number=number)), 1, 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_the_key_holds_text_imports_words_block_and_capability(folder, monkeypatch):
    hopper = CubinCache((9, 0), folder)
    kernel = writer(1).kernel
    keys = [hopper.key(w) for w in (writer(1), writer(2), Wanted(kernel, 2, 64), Wanted(kernel, 1, 128))]
    keys.append(CubinCache((8, 0), folder).key(writer(1)))
    monkeypatch.setattr(cache, "imported", lambda text: "changed")
    monkeypatch.setattr(cubins, "imported", lambda text: "changed")
    keys.append(hopper.key(writer(1)))
    monkeypatch.setattr(cubins, "_versions", lambda: "numba-cuda 99")
    keys.append(hopper.key(writer(1)))
    assert len(set(keys)) == len(keys)


def test_a_kernel_is_made_once_and_found_again_without_numba_cuda(folder, monkeypatch):
    made = []

    def build(self: CubinCache, kernel: Wanted) -> tuple[str, bytes]:
        made.append(kernel)
        return "symbol", b"cubin " + kernel.text.encode()

    monkeypatch.setattr(CubinCache, "_build", build)
    first = CubinCache((9, 0), folder).load([writer(1), writer(2), writer(1)])
    again = CubinCache((9, 0), folder)
    assert again.load([writer(1), writer(2)]) == first
    assert (len(made), again.compiled) == (2, 0)
    assert {path.suffix for path in folder.iterdir()} == {".cubin"}
    assert first[writer(1)].cubin == b"cubin " + writer(1).text.encode()


@needs_numba_cuda
def test_other_processes_help_where_many_are_missing(folder, monkeypatch):
    monkeypatch.setattr(cache, "usable_threads", lambda: 2)
    monkeypatch.setattr(cache, "MANY", 3)
    kernels = [writer(k) for k in range(3)]
    found = CubinCache((8, 0), folder)
    assert {code.cubin[:4] for code in found.load(kernels).values()} == {b"\x7fELF"}
    again = CubinCache((8, 0), folder)
    again.load(kernels)
    assert (found.compiled, again.compiled, len(list(folder.glob("*.cubin")))) == (3, 0, 3)
