from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from runtime import cache, compile_ahead
from runtime.cache import CacheWarning, cache_folder
from runtime.cpu.build import KernelError
from runtime.cpu.isa import detect, target_for
from runtime.cpu.launch import kernel_file
from runtime.cpu.objects import KernelCache, helper_of
from runtime.errors import UsageError
from runtime.vector.kernel import Kernel

ROOT = Path(__file__).resolve().parents[2]


def adder(step: int) -> Kernel:
    """A kernel that adds ``step`` to the word its first argument points to."""
    text = f"""
from runtime.vector.simd import put_word, word
def kernel(args, first, last, thread):
    put_word(word(args, 0), 0, word(word(args, 0), 0) + {step})
"""
    return Kernel("adder", text)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def test_a_kernel_is_compiled_once_and_then_found(folder):
    first = KernelCache(detect(), folder)
    assert len(first.load([adder(1), adder(2), adder(1)])) == 2
    assert first.compiled == 2
    again = KernelCache(detect(), folder)
    again.load([adder(1), adder(2)])
    assert again.compiled == 0
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert not list(folder.glob(".tmp*"))


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "other"])
def test_a_damaged_entry_is_removed_and_compiled_again(folder, damage):
    kernel = adder(3)
    KernelCache(detect(), folder).load([kernel])
    (entry,) = folder.glob("*.o")
    data = bytearray(entry.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 0xFF
    elif damage == "truncate":
        del data[len(data) // 2 :]
    elif damage == "empty":
        data.clear()
    else:
        data[:8] = b"netspec0"
    entry.write_bytes(data)
    again = KernelCache(detect(), folder)
    again.load([kernel])
    assert again.compiled == 1
    assert KernelCache(detect(), folder)._entry(kernel)[0], "a good entry lies there again"


def test_the_key_holds_the_text_the_cpu_the_settings_and_what_the_text_imports(folder, monkeypatch):
    keys = {KernelCache(detect(), folder).key(adder(1)), KernelCache(detect(), folder).key(adder(2))}
    keys.add(KernelCache(target_for("avx2"), folder).key(adder(1)))
    monkeypatch.setattr(cache, "_module_source", lambda name: "changed")
    cache.source_digest.cache_clear()
    keys.add(KernelCache(detect(), folder).key(adder(1)))
    monkeypatch.undo()
    cache.source_digest.cache_clear()
    monkeypatch.setenv("NUMBA_OPT", "2")
    cache.environment.cache_clear()
    keys.add(KernelCache(detect(), folder).key(adder(1)))
    monkeypatch.undo()
    cache.environment.cache_clear()
    assert len(keys) == 5


def test_modules_behind_the_imported_ones_are_part_of_the_key():
    named = cache.imported("from runtime.vector import simd\n")
    assert {line.split()[0] for line in named.splitlines()} >= {
        "runtime.vector.simd",
        "runtime.vector.vmath",
        "runtime.vector.lanes",
        "runtime.vector.access",
        "runtime.vector.vectype",
        "runtime.vector.scalars",
    }
    assert "runtime.vector.lanes" in cache.imported("from runtime.vector import (\n    lanes,\n    vmath,\n)\n")


def test_an_unwritable_folder_costs_time_and_a_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.warns(CacheWarning, match="compiled anew"):
        found = KernelCache(detect(), blocked / "below")
    assert found.load([adder(4)])
    assert found.compiled == 1
    assert found.path(adder(4)) is None


def test_a_folder_that_others_may_write_is_not_trusted(folder):
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.warns(CacheWarning, match="others may write"):
        KernelCache(detect(), folder)


def test_a_full_disk_costs_a_warning(folder, monkeypatch):
    found = KernelCache(detect(), folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(CacheWarning, match="No space left"):
        found.load([adder(5)])
    assert list(folder.iterdir()) == []


def test_where_the_folder_is(monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("NETSPEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "netspec"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "netspec"


def test_a_cache_that_is_a_file_is_a_wrong_call(monkeypatch, tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    monkeypatch.setenv("NETSPEC_CACHE", str(path))
    with pytest.raises(UsageError, match="not a folder"):
        cache_folder()


def test_a_kernel_that_needs_python_or_libm_is_refused(folder):
    text = """
import math
from runtime.vector.simd import real
def kernel(args, first, last, thread):
    if math.atan2(real(args, 0), real(args, 1)) > 1.0:
        raise ValueError
"""
    with pytest.raises(KernelError, match=r"calls .*atan2"):
        KernelCache(detect(), folder).load([Kernel("python", text)])


def test_a_missing_constant_of_a_kernel_file_is_an_error():
    with pytest.raises(ValueError, match="no constant SIZE"):
        kernel_file("guard", SIZE=3)


PROGRAM = """
import sys
from runtime.cpu.objects import KernelCache
from runtime.cpu.isa import detect
from runtime.vector.kernel import Kernel
def adder(step):
    return Kernel("adder", '''
from runtime.vector.simd import put_word, word
def kernel(args, first, last, thread):
    put_word(word(args, 0), 0, word(word(args, 0), 0) + %d)
''' % step)
cache = KernelCache(detect())
cache.load([adder(k) for k in range(4)])
print(cache.compiled, "numba" in sys.modules)
"""


def run(folder: Path) -> subprocess.Popen[str]:
    """A process that loads four kernels from a cache folder."""
    env = {**os.environ, "NETSPEC_CACHE": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=env, stdout=subprocess.PIPE, text=True)


def test_two_processes_share_the_cache_and_a_warm_one_does_without_numba(folder):
    for process in [run(folder), run(folder)]:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert out.split()[1] == "True"
    assert len(list(folder.iterdir())) == 4
    out, _ = run(folder).communicate(timeout=60)
    assert out.split() == ["0", "False"]


def test_helpers_take_kernels_of_the_list_where_many_are_missing(folder, monkeypatch):
    monkeypatch.setattr(cache, "usable_threads", lambda: 3)
    kernels = [adder(100 + k) for k in range(2 * cache.MANY)]
    first = KernelCache(detect(), folder)
    heard = []
    with cache.watching(lambda done, total, _: heard.append((done, total))):
        assert len(set(first.load(kernels).values())) == len(kernels)
    assert first.compiled == len(kernels)
    assert first.seconds > 0
    again = KernelCache(detect(), folder)
    again.load(kernels)
    assert (again.compiled, again.seconds, len(list(folder.glob("*.o")))) == (0, 0.0, len(kernels))
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {len(kernels)}
    assert heard[0][0] < len(kernels)  # not always 0: a helper may have made some before this process takes its first
    assert heard[-1][0] == len(kernels)


def test_the_longest_kernels_are_begun_first(folder):
    folder.mkdir(mode=0o700)
    kernels = [adder(10**k) for k in (3, 9, 5)]
    lengths = [len(kernel.text) for _, kernel in compile_ahead.shared_out(kernels, helper_of(folder), 0)]
    assert lengths == sorted(lengths, reverse=True)


def test_every_kernel_is_given_to_one_process_alone(folder):
    kernels = [adder(400 + k) for k in range(20)]
    folder.mkdir(mode=0o700)
    given = [kernel for _, kernel in compile_ahead.shared_out(kernels, helper_of(folder), 2)]
    assert sorted(k.text for k in given) == sorted(k.text for k in kernels)


@pytest.mark.parametrize("program", ["", "raise SystemExit(1)", "import sys; print(sys.stdin.readline())"])
def test_a_helper_that_ends_or_babbles_costs_time_alone(folder, monkeypatch, program):
    monkeypatch.setattr(compile_ahead, "_PROGRAM", program)
    monkeypatch.setattr(cache, "usable_threads", lambda: 2)
    kernels = [adder(500 + k) for k in range(cache.MANY)]
    found = KernelCache(detect(), folder)
    assert len(found.load(kernels)) == found.compiled == len(list(folder.glob("*.o"))) == cache.MANY


def test_a_helper_that_cannot_start_costs_time_alone(folder, monkeypatch):
    monkeypatch.setattr(compile_ahead.sys, "executable", "/nowhere/python")
    monkeypatch.setattr(cache, "usable_threads", lambda: 2)
    kernels = [adder(200 + k) for k in range(cache.MANY)]
    found = KernelCache(detect(), folder)
    assert len(found.load(kernels)) == found.compiled == cache.MANY


def test_what_a_killed_writer_left_is_swept_away(folder):
    folder.mkdir(mode=0o700)
    old, new = folder / ".tmp-old", folder / ".tmp-new"
    for path in (old, new):
        path.write_text("")
    os.utime(old, (0, 0))
    KernelCache(detect(), folder)
    assert [p.name for p in folder.iterdir()] == [".tmp-new"]


def test_no_warning_where_all_is_well(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KernelCache(detect(), folder).load([adder(6)])
    assert len(list(folder.glob("adder-*.o"))) == 1


def test_a_watcher_hears_of_missing_kernels_alone(folder):
    heard = []
    found = KernelCache(detect(), folder)
    found.load([adder(301)])
    with cache.watching(lambda *told: heard.append(told)):
        found.load([adder(301), adder(302), adder(303)])
        KernelCache(detect(), folder).load([adder(302), adder(303)])
    found.load([adder(304)])
    assert heard == [(0, 2, folder), (1, 2, folder), (2, 2, folder)]
