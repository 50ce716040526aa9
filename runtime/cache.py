"""What was compiled, kept by content in the user's cache folder, whatever the device.

An entry is machine code whose name is the hash of everything it was made from:
the kernel's text, the source of every module that the text imports, versions,
the machine and the ``NUMBA_*`` settings. A changed generator therefore makes a
new name; nothing is ever stale, and a hit needs no import of numba. A device
says in a subclass of ``Cache`` what goes into the name, how an entry is made
and how it is bound: ``runtime.cpu.objects``, ``runtime.cuda.cubins``.

Numba's own cache is not used: it does not notice a changed ``@intrinsic``, and
what it keeps can only be read back through an import of numba.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
import re
import stat
import struct
import tempfile
import time
import warnings
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import llvmlite

from runtime.compile_ahead import Compiled, Helper, shared_out
from runtime.cpu.cores import usable_threads
from runtime.errors import UsageError

MANY = 12
"""Missing kernels for which another process pays for its start."""

HELPERS = 7
"""The most processes that compile beside this one."""

MAGIC = b"netspec1"
ROOT = Path(__file__).resolve().parent.parent
_IMPORTS = re.compile(r"^\s*(?:from|import)\s+(runtime[\w.]*)(?:\s+import\s+(\([^)]*\)|[^\n#]*))?", re.M)


Watcher = Callable[[int, int, Path | None], None]
"""Told ``(done, total, folder)`` before each missing kernel and after the last; no folder where none is kept."""
_watchers: list[Watcher] = []


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Tells ``watcher`` what is compiled while the block runs; an inner one takes the place of an outer one."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


class CacheWarning(UserWarning):
    """The cache folder cannot be used: kernels are compiled anew in each process."""


def cache_folder() -> Path:
    """``NETSPEC_CACHE``, else ``$XDG_CACHE_HOME/netspec``, else ``~/.cache/netspec``.

    Raises
    ------
    UsageError
        ``NETSPEC_CACHE`` names something that is not a folder.
    """
    named = os.environ.get("NETSPEC_CACHE")
    if named:
        path = Path(named).expanduser()
        if path.exists() and not path.is_dir():
            raise UsageError(f"NETSPEC_CACHE is {named}, which is not a folder; name a folder or unset it")
        return path
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base and os.path.isabs(base) else Path("~/.cache").expanduser()
    return root / "netspec"


def usable_folder(path: Path) -> str | None:
    """None if kernels may be kept in ``path`` (made if absent), else why not."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        return error.strerror or str(error)
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return "it belongs to another user, and its entries are machine code"
    if stat.S_IMODE(found.st_mode) & 0o022:
        return "others may write to it, and its entries are machine code"
    if not os.access(path, os.W_OK | os.X_OK):
        return "Permission denied"
    return None


K = TypeVar("K", bound=Compiled)
E = TypeVar("E")


class Cache(ABC, Generic[K, E]):
    """Compiles, keeps and loads kernels for one device.

    Parameters
    ----------
    folder
        Where entries are kept; ``cache_folder()`` unless given.

    Attributes
    ----------
    compiled
        Kernels so far that were in no folder and had to be compiled, here or by a helper.
    seconds
        How long that took.
    """

    suffix: ClassVar[str]
    """Of the entries' names, with its dot."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder: Path | None = folder or cache_folder()
        self.compiled = 0
        self.seconds = 0.0
        self._bound: dict[K, E] = {}
        problem = usable_folder(self.folder)
        if problem is not None:
            warnings.warn(
                f"kernels are compiled anew in each process: the cache folder {self.folder} cannot be used: {problem}",
                CacheWarning,
                stacklevel=3,
            )
            self.folder = None
        else:
            _sweep(self.folder)

    @abstractmethod
    def key(self, kernel: K) -> str:
        """The hash of all that goes into the entry."""

    @abstractmethod
    def _build(self, kernel: K) -> tuple[str, bytes]:
        """Symbol and machine code of a kernel."""

    @abstractmethod
    def _bind(self, symbol: str, code: bytes) -> E:
        """What a kernel is to those who call it."""

    @abstractmethod
    def _helper(self) -> Helper | None:
        """How another process compiles for this cache; None where none can."""

    def load(self, kernels: Iterable[K]) -> dict[K, E]:
        """Each kernel as it is called; what is missing is compiled and kept."""
        wanted = list(dict.fromkeys(kernels))
        absent = [kernel for kernel in wanted if kernel not in self._bound]
        missing = [k for k in absent if (path := self.path(k)) is None or not path.exists()]
        start, compiled = time.perf_counter(), self.compiled + len(missing)
        for done, kernel in self._in_turn(missing):
            self._tell(done, len(missing))
            self._bound[kernel] = self._bind(*self._entry(kernel))
        if missing:
            self.compiled = compiled
            self.seconds += time.perf_counter() - start
            self._tell(len(missing), len(missing))
        for kernel in absent:
            if kernel not in self._bound:
                self._bound[kernel] = self._bind(*self._entry(kernel))
        return {kernel: self._bound[kernel] for kernel in wanted}

    def _tell(self, done: int, total: int) -> None:
        if _watchers:
            _watchers[-1](done, total, self.folder)

    def _in_turn(self, missing: list[K]) -> Iterator[tuple[int, K]]:
        """The missing kernels as this process is to load them; other processes help where many are missing."""
        count = min(usable_threads() - 1, len(missing) // MANY, HELPERS)
        helper = self._helper() if count > 0 and self.folder is not None else None
        return enumerate(missing) if helper is None else shared_out(missing, helper, count)

    def path(self, kernel: K) -> Path | None:
        """Where the entry of a kernel lies or would lie; None without a folder."""
        return None if self.folder is None else self.folder / f"{kernel.name[:40]}-{self.key(kernel)}{self.suffix}"

    def _entry(self, kernel: K) -> tuple[str, bytes]:
        path = self.path(kernel)
        entry = None if path is None else _read(path)
        if entry is None:
            entry = self._build(kernel)
            self.compiled += 1
            if path is not None:
                _write(path, *entry)
        return entry


def digest_of(*parts: str) -> str:
    """The hash in an entry's name."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _sweep(folder: Path) -> None:
    """Removes what writers left that were killed, an hour ago or more."""
    for stale in folder.glob(".tmp-*"):
        with suppress(OSError):
            if stale.stat().st_mtime < time.time() - 3600:
                stale.unlink()


def _read(path: Path) -> tuple[str, bytes] | None:
    """The symbol and code of an entry; a damaged one is removed."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body = data[16:]
    if len(data) > 16 and data[:8] == MAGIC and struct.unpack("<II", data[8:16]) == (zlib.crc32(body), len(body)):
        symbol, _, code = body.partition(b"\0")
        return symbol.decode(), code
    path.unlink(missing_ok=True)
    return None


def _write(path: Path, symbol: str, code: bytes) -> None:
    """Writes an entry so that another process sees it whole or not at all."""
    body = symbol.encode() + b"\0" + code
    try:
        write_whole(path, MAGIC + struct.pack("<II", zlib.crc32(body), len(body)) + body)
    except OSError as error:
        warnings.warn(f"a kernel could not be kept in {path.parent}: {error.strerror}", CacheWarning, stacklevel=3)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file of the cache so that another process sees the old one, or the new one whole.

    Raises
    ------
    OSError
        It could not be written; nothing is left of the attempt.
    """
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _numba_version() -> str:
    """What numba says of its version, without importing it."""
    found = importlib.util.find_spec("numba")
    if found is None or found.origin is None:
        return "none"
    return (Path(found.origin).parent / "_version.py").read_text(encoding="utf-8")


@functools.cache
def environment() -> str:
    """Versions and settings that shape all code that numba makes."""
    settings = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_"))
    return "\n".join([_numba_version(), llvmlite.__version__, platform.python_version(), platform.machine(), *settings])


def imported(text: str) -> str:
    """Digests of the modules of ours that a kernel's text imports, directly or not."""
    seen: set[str] = set()
    todo = _modules(text)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(_modules(_module_source(name)))
    return "\n".join(f"{name} {source_digest(name)}" for name in sorted(seen))


def _modules(text: str) -> list[str]:
    """Names of modules a text may import: ``from runtime.vector import lanes`` names runtime.vector.lanes too."""
    names = []
    for package, members in _IMPORTS.findall(text):
        names.append(package)
        names.extend(f"{package}.{m}" for m in re.findall(r"\w+", members))
    return [n for n in names if _module_path(n) is not None]


@functools.cache
def _module_path(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _module_source(name: str) -> str:
    path = _module_path(name)
    return "" if path is None else path.read_text(encoding="utf-8")


@functools.cache
def source_digest(name: str) -> str:
    """Hash of the source of a module of ours; that of nothing for others."""
    return hashlib.sha256(_module_source(name).encode()).hexdigest()
