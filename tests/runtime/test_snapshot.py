"""Snapshots: whole or not there, every damage found and named."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

from runtime import snapshot
from runtime.errors import StateError
from runtime.snapshot import Snapshot, file_name, load, load_tensors, newest, remove_stale, save


def made(iteration: int = 3, fill: float = 1.0) -> Snapshot:
    return Snapshot(
        tensors={
            "conv1.weight": np.full((2, 3), fill, np.float32),
            "../../etc/passwd": np.arange(4, dtype=np.float64),
            "count": np.array(7, np.int32),
            "empty": np.zeros((0, 2), np.float32),
        },
        iteration=iteration,
        position=(2, 17),
        seed=5,
        spec_sha256="ab" * 32,
        choices={"conv1": "direct"},
        losses=(0.1, 0.2),
    )


def assert_same(a: Snapshot, b: Snapshot) -> None:
    assert a.tensors.keys() == b.tensors.keys()
    for name, array in a.tensors.items():
        assert (b.tensors[name].dtype, b.tensors[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(b.tensors[name], array)
    rest = ("iteration", "position", "seed", "spec_sha256", "choices", "losses")
    assert [getattr(a, name) for name in rest] == [getattr(b, name) for name in rest]


def test_a_snapshot_reads_back_whole(tmp_path):
    save(tmp_path / "s", made())
    assert_same(load(tmp_path / "s"), made())
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_the_same_state_gives_the_same_bytes():
    assert len({snapshot.encode(made()) for _ in range(20)}) == 1


def test_others_can_read_the_tensors(tmp_path):
    save(tmp_path / "s", made())
    tensors = safetensors.numpy.load_file(tmp_path / "s")
    np.testing.assert_array_equal(tensors["conv1.weight"], np.ones((2, 3), np.float32))


def test_arrays_that_are_not_contiguous_are_saved_as_they_look(tmp_path):
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    tensors = {"t": base.T, "stride": base[:, ::2], "big": base.astype(">f4"), "reverse": base[::-1]}
    save(tmp_path / "s", Snapshot(tensors=tensors))
    got = load(tmp_path / "s").tensors
    for name, array in tensors.items():
        np.testing.assert_array_equal(got[name], array)


def test_the_metadata_keys_are_the_documented_ones(tmp_path):
    save(tmp_path / "s", made())
    data = (tmp_path / "s").read_bytes()
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    assert all(f"``{key}``" in snapshot.__doc__ for key in metadata)
    assert metadata["format_version"] == "1"
    assert json.loads(metadata["position"]) == {"epoch": 2, "cursor": 17}


def test_every_flipped_byte_is_found(tmp_path):
    save(tmp_path / "s", made())
    good = (tmp_path / "s").read_bytes()
    refused = []
    for place in range(len(good)):
        data = bytearray(good)
        data[place] ^= 0x10
        (tmp_path / "t").write_bytes(bytes(data))
        try:
            got = load(tmp_path / "t")
        except StateError as error:
            refused.append(str(error))
        else:  # a padding blank of the header that became another blank or the like
            assert_same(got, made())
    assert all(str(tmp_path / "t") in message for message in refused)
    assert len(good) - len(refused) <= 8


def test_a_flipped_data_bit_names_the_tensor(tmp_path):
    save(tmp_path / "s", made())
    data = bytearray((tmp_path / "s").read_bytes())
    at = data.index(np.float32(1).tobytes(), 8 + int.from_bytes(data[:8], "little"))
    data[at] ^= 1
    (tmp_path / "s").write_bytes(bytes(data))
    with pytest.raises(StateError, match=r"damaged: the checksum of tensor 'conv1\.weight' does not match"):
        load(tmp_path / "s")


@pytest.mark.parametrize("length", [0, 4, 8, 100, -1])
def test_a_file_cut_short_is_a_state_error(tmp_path, length):
    save(tmp_path / "s", made())
    (tmp_path / "s").write_bytes((tmp_path / "s").read_bytes()[:length])
    with pytest.raises(StateError, match=r"/s: (empty|not a whole)"):
        load(tmp_path / "s")


def test_a_newer_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "FORMAT_VERSION", 2)
    save(tmp_path / "s", made())
    monkeypatch.undo()
    with pytest.raises(StateError, match="format 2, this netspec reads up to 1"):
        load(tmp_path / "s")


def test_files_of_others_serve_as_weights_but_not_to_resume(tmp_path):
    safetensors.numpy.save_file({"w": np.ones(3, np.float32)}, tmp_path / "s")
    np.testing.assert_array_equal(load_tensors(tmp_path / "s")["w"], np.ones(3))
    with pytest.raises(StateError, match="not a netspec snapshot"):
        load(tmp_path / "s")


def test_the_newest_that_verifies_is_taken(tmp_path):
    assert newest(tmp_path) is None
    for iteration in (5, 90, 1_000_000):
        save(tmp_path / file_name(iteration), made(iteration))
    path, found, passed_over = newest(tmp_path)
    assert (path.name, found.iteration, passed_over) == ("snapshot_1000000.safetensors", 1_000_000, [])
    path.write_bytes(path.read_bytes()[:-3])
    path, found, passed_over = newest(tmp_path)
    assert (path.name, found.iteration, len(passed_over)) == ("snapshot_000090.safetensors", 90, 1)


def test_a_folder_of_damaged_snapshots_is_a_state_error(tmp_path):
    (tmp_path / file_name(5)).write_bytes(b"x")
    with pytest.raises(StateError, match="no snapshot verifies"):
        newest(tmp_path)


class Failing:
    """``os``, but call number ``at`` of the functions that may fail does; a write writes half of it first."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def __getattr__(self, name: str):
        real = getattr(os, name)
        if name not in ("open", "write", "fsync", "replace"):
            return real

        def call(*args, **kwargs):
            self.calls += 1
            if self.calls == self.at:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        return call


def test_a_fault_at_any_call_leaves_the_old_or_the_new_state_and_no_rubbish(tmp_path, monkeypatch):
    path, faults = tmp_path / file_name(1), 0
    for at in range(1, 100):
        save(path, made(1, fill=1.0))
        failing = Failing(at)
        monkeypatch.setattr(snapshot, "os", failing)
        message = None
        try:
            save(path, made(1, fill=2.0))
        except StateError as error:
            message = str(error)
        monkeypatch.setattr(snapshot, "os", os)
        fill = load(path).tensors["conv1.weight"][0, 0]
        assert fill in ((2.0,) if message is None else (1.0, 2.0))
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        if message is None:
            break
        faults += 1
        assert "No space left on device (errno 28)" in message
    assert faults == failing.calls == 6  # open, write, fsync, replace, open and fsync of the folder


def test_a_writer_that_writes_a_little_at_a_time_writes_all(tmp_path, monkeypatch):
    class Short(Failing):
        def __getattr__(self, name: str):
            real = getattr(os, name)
            return (lambda fd, data: real(fd, data[:10])) if name == "write" else real

    monkeypatch.setattr(snapshot, "os", Short(0))
    save(tmp_path / "s", made())
    monkeypatch.undo()
    assert_same(load(tmp_path / "s"), made())


def test_temporaries_of_dead_writers_go_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = tmp_path / f".{file_name(1)}.{dead.pid}.tmp"
    stays = tmp_path / f".{file_name(1)}.{os.getpid()}.tmp"
    other = tmp_path / ".notes.tmp"
    for path in (gone, stays, other):
        path.touch()
    remove_stale(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([stays.name, other.name])


@pytest.mark.parametrize("facts", ["[]", "{}", '{"w": 1}', '{"w": {"dtype": "float32"}}', "no json"])
def test_metadata_that_was_made_up_is_a_state_error(tmp_path, facts):
    metadata = {"format": "netspec", "format_version": "1", "tensors": facts}
    metadata["metadata_crc32"] = str(snapshot._metadata_crc(metadata))
    safetensors.numpy.save_file({"w": np.ones(3, np.float32)}, tmp_path / "s", metadata)
    with pytest.raises(StateError, match="damaged"):
        load(tmp_path / "s")


def test_a_temporary_of_no_possible_process_is_stale(tmp_path):
    (tmp_path / ".s.99999999999999999999.tmp").touch()
    remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_numpy_lacks_are_named(tmp_path):
    header = b'{"w":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    (tmp_path / "s").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(StateError, match="holds BF16 numbers, which are not read"):
        load_tensors(tmp_path / "s")
