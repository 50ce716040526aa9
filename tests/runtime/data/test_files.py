"""What is no plain file is refused at once, with path and errno."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from runtime.data.files import open_regular
from runtime.errors import DataError


def test_a_missing_file_names_path_and_errno(tmp_path):
    with pytest.raises(DataError, match=r"absent\.bin: No such file or directory \(errno 2\)"):
        open_regular(tmp_path / "absent.bin")


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(DataError, match="pipe: is a FIFO, expected a plain file"):
        open_regular(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        open_regular(tmp_path)


def test_a_device_is_refused():
    with pytest.raises(DataError, match="is a character device"):
        open_regular(Path(os.devnull))


def test_a_socket_is_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(DataError, match=r"errno 6|is a socket"):
            open_regular(tmp_path / "s")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(DataError, match="empty: empty file"):
        open_regular(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_names_the_errno(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(DataError, match=r"errno 13"):
        open_regular(path)


def test_a_path_with_a_nul_is_a_data_error():
    with pytest.raises(DataError, match="null"):
        open_regular(Path("a\0b"))
