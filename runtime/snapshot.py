"""Snapshots: safetensors files that are either whole or not there, with a checksum for every tensor.

The file is plain safetensors, readable by anyone. Its ``__metadata__`` (strings) holds

``format``
    ``netspec``.
``format_version``
    ``1``; a reader refuses a newer one.
``iteration``
    Updates done.
``position``
    JSON ``{"epoch": e, "cursor": c}``: the next training batch; empty when no source was read.
``seed``
    Of fillers, random layers and the order of the samples.
``spec_sha256``
    Hash of the resolved spec.
``choices``
    JSON object: what the compiler chose (algorithms), so that a resume keeps its bits.
``losses``
    JSON list: the last losses, for the smoothed one.
``tensors``
    JSON ``{name: {"crc32": .., "dtype": .., "shape": [..]}}``, crc32 of the tensor's bytes.
``metadata_crc32``
    crc32 of the JSON of all the entries above, keys sorted, separators ``,`` and ``:``.

Tensor names never become paths.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from runtime.data.files import open_regular
from runtime.errors import DataError, StateError

Array = NDArray[np.generic]

FORMAT_VERSION = 1
_NAME = re.compile(r"snapshot_(\d{6,})\.safetensors")
_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The whole state of a training run between two updates.

    Attributes
    ----------
    tensors : mapping of str to ndarray
        Parameters, solver state and running state under their full names.
    iteration : int
        Updates done.
    position : tuple of int or None
        (epoch, cursor) of the next training batch.
    seed : int
        The run's seed.
    spec_sha256 : str
        Hash of the resolved spec, in hexadecimal.
    choices : mapping of str to str
        What the compiler chose.
    losses : tuple of float
        The last losses, oldest first.
    """

    tensors: Mapping[str, Array]
    iteration: int = 0
    position: tuple[int, int] | None = None
    seed: int = 0
    spec_sha256: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    losses: tuple[float, ...] = ()


def file_name(iteration: int) -> str:
    """Return the name of the snapshot after so many updates."""
    return f"snapshot_{iteration:06d}.safetensors"


def save(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot so that the path holds the old file or the new one, whatever happens.

    Temporary file, fsync, rename, fsync of the folder.

    Raises
    ------
    StateError
        The disk is full, the folder cannot be written, ..; what was there before is untouched.
    """
    data = encode(snapshot)
    temporary = unfinished(path)
    try:
        _write(temporary, data)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        raise StateError(f"{path}: not written: {error.strerror} (errno {error.errno})") from error
    except ValueError as error:  # a NUL in the path
        raise StateError(f"{os.fspath(path)!r}: not written: {error}") from error
    except BaseException:
        _remove(temporary)
        raise


def unfinished(path: Path) -> Path:
    """Return the name beside ``path`` under which this process writes it; `remove_stale` knows the form."""
    return path.parent / f".{path.name}.{os.getpid()}.tmp"


def encode(snapshot: Snapshot) -> bytes:
    """Return the bytes of the file."""
    tensors = {name: _contiguous(array) for name, array in snapshot.tensors.items()}
    return _canonical(safetensors.numpy.save(tensors, _metadata(snapshot, tensors)))


def _canonical(data: bytes) -> bytes:
    """The same file with the metadata sorted: the library's order differs from one call to the next."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the data stay aligned
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def _remove(path: Path) -> None:
    """Remove a file if it is there; what keeps it from being written may keep it from being removed."""
    with suppress(OSError):
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale(folder: Path) -> None:
    """Remove the temporary files of writers that are dead."""
    for path in folder.glob(".*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if match is not None and not _alive(int(match[1])):
            path.unlink(missing_ok=True)


def _contiguous(array: Array) -> Array:
    # safetensors writes the base's bytes of a view without a word; ascontiguousarray makes () into (1,).
    out = np.ascontiguousarray(array).reshape(np.shape(array))
    return out.astype(out.dtype.newbyteorder("="), copy=False)


def _metadata(snapshot: Snapshot, tensors: Mapping[str, Array]) -> dict[str, str]:
    facts = {
        name: {"crc32": zlib.crc32(array.tobytes()), "dtype": array.dtype.name, "shape": list(array.shape)}
        for name, array in tensors.items()
    }
    position = snapshot.position
    metadata = {
        "format": "netspec",
        "format_version": str(FORMAT_VERSION),
        "iteration": str(snapshot.iteration),
        "position": "" if position is None else _json({"epoch": position[0], "cursor": position[1]}),
        "seed": str(snapshot.seed),
        "spec_sha256": snapshot.spec_sha256,
        "choices": _json(dict(snapshot.choices)),
        "losses": _json(list(snapshot.losses)),
        "tensors": _json(facts),
    }
    metadata["metadata_crc32"] = str(_metadata_crc(metadata))
    return metadata


def _metadata_crc(metadata: Mapping[str, str]) -> int:
    return zlib.crc32(_json({k: v for k, v in metadata.items() if k != "metadata_crc32"}).encode())


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:  # no number of a process
        return False
    return True


def load(path: Path) -> Snapshot:
    """Read a snapshot and check every checksum.

    Raises
    ------
    StateError
        Not a snapshot of ours, newer than we know, or damaged; names the tensor.
    """
    metadata, tensors = _parse(path)
    if metadata.get("format") != "netspec":
        raise StateError(f"{path}: not a netspec snapshot (weights of others are read by --weights)")
    _check(path, metadata, tensors)
    try:
        position = json.loads(metadata["position"]) if metadata["position"] else None
        return Snapshot(
            tensors=tensors,
            iteration=int(metadata["iteration"]),
            position=None if position is None else (int(position["epoch"]), int(position["cursor"])),
            seed=int(metadata["seed"]),
            spec_sha256=metadata["spec_sha256"],
            choices=json.loads(metadata["choices"]),
            losses=tuple(json.loads(metadata["losses"])),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise StateError(f"{path}: damaged metadata: {error!r}") from error


def load_tensors(path: Path) -> dict[str, Array]:
    """Return the tensors of any safetensors file, checked where it carries our checksums.

    Raises
    ------
    StateError
        Not a safetensors file, or damaged.
    """
    metadata, tensors = _parse(path)
    if metadata.get("format") == "netspec":
        _check(path, metadata, tensors)
    return tensors


def newest(folder: Path) -> tuple[Path, Snapshot, list[str]] | None:
    """Return the newest snapshot of a folder that verifies, read, and why newer ones were passed over."""
    found = [(int(match[1]), path) for path in listed(folder) if (match := _NAME.fullmatch(path.name))]
    passed_over: list[str] = []
    for _, path in sorted(found, reverse=True):
        try:
            return path, load(path), passed_over
        except StateError as error:
            passed_over.append(str(error))
    if passed_over:
        raise StateError(f"{folder}: no snapshot verifies: " + "; ".join(passed_over))
    return None


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted.

    Raises
    ------
    StateError
        It cannot be read.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise StateError(f"{folder}: cannot be read: {error.strerror} (errno {error.errno})") from error


def _parse(path: Path) -> tuple[dict[str, str], dict[str, Array]]:
    try:
        with open_regular(path) as stream:
            data = stream.read()
    except (DataError, OSError) as error:
        raise StateError(str(error)) from error
    try:
        tensors: dict[str, Array] = safetensors.numpy.load(data)
        header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except KeyError as error:  # a type that NumPy lacks
        raise StateError(f"{path}: holds {error.args[0]} numbers, which are not read; convert them to F32") from error
    except (safetensors.SafetensorError, ValueError, TypeError) as error:
        raise StateError(f"{path}: not a whole safetensors file: {error}") from error
    return header.get("__metadata__", {}), tensors


def _check(path: Path, metadata: Mapping[str, str], tensors: Mapping[str, Array]) -> None:
    version = metadata.get("format_version", "")
    if version.isdecimal() and int(version) > FORMAT_VERSION:
        raise StateError(f"{path}: format {version}, this netspec reads up to {FORMAT_VERSION}; use a newer netspec")
    if metadata.get("metadata_crc32") != str(_metadata_crc(metadata)):
        raise StateError(f"{path}: damaged: the checksum of the metadata does not match")
    try:
        facts = json.loads(metadata["tensors"])
        facts = {name: (fact["dtype"], fact["shape"], fact["crc32"]) for name, fact in facts.items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StateError(f"{path}: damaged metadata: {error!r}") from error
    for name in sorted(facts.keys() | tensors.keys()):
        if name not in facts or name not in tensors:
            raise StateError(f"{path}: damaged: tensor {name!r} is only in one of data and metadata")
        array, (dtype, shape, crc) = tensors[name], facts[name]
        if (array.dtype.name, list(array.shape)) != (dtype, shape):
            raise StateError(f"{path}: damaged: tensor {name!r} is not {dtype} {shape}")
        if zlib.crc32(array.tobytes()) != crc:
            raise StateError(f"{path}: damaged: the checksum of tensor {name!r} does not match")
