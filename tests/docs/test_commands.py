"""Every command of a document runs, and prints what the document says it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_support import DOCUMENTS, ROOT, Block, blocks

import netspec

TIMEOUT = 300  # seconds; generous: a cold compile on a loaded machine


def is_shell(block: Block) -> bool:
    return block.kind in ("sh", "bash", "shell", "console")


def is_script(block: Block) -> bool:
    return block.kind == "python" and block.text.startswith("import")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a reader's checkout: ``specs`` and a ``netspec`` command."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "netspec"
    script.write_text(f'#!{sys.executable}\nfrom netspec.cli.main import main\n\nmain(prog_name="netspec")\n')
    script.chmod(0o755)
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(netspec.__file__).parents[1]),
        "COLUMNS": "120",
    }
    return subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=folder, env=environment
    )


def follow(document: Path, folder: Path) -> int:
    """Goes through a document as a reader would; the number of commands run."""
    stdout, count = "", 0
    for block in blocks(document):
        where = f"{block.document}:{block.line}"
        if block.kind == "yaml" and block.text.startswith("# ") and block.text.split("\n")[0].endswith(".yaml"):
            (folder / block.text.split("\n")[0][2:]).write_text(block.text)
        elif is_script(block):
            (folder / "block.py").write_text(block.text)
            done = run(f"{sys.executable} block.py", folder)
            assert done.returncode == 0, f"{where}:\n{done.stderr}"
            count += 1
        elif block.marker == "output":
            assert block.text == stdout, where
        elif is_shell(block) and not block.marker.startswith("no") and has_data(block):
            stdout = ""
            expected = int(block.said("fails") or 0)
            for k, command in enumerate(block.commands):
                if command.startswith("netspec train "):
                    command = f"{command} {block.said('train with')}"
                done = run(command, folder)
                code = expected if k == len(block.commands) - 1 else 0
                assert done.returncode == code, f"{where}: {command}\n{done.stdout}\n{done.stderr}"
                stdout += done.stdout
                count += 1
    return count


def has_data(block: Block) -> bool:
    """Whether the data that the block needs are there."""
    folder, root = block.said("needs"), os.environ.get("NETSPEC_DATA", "")
    return not folder or bool(root and (Path(root) / folder).is_dir())


def has_commands(document: Path) -> bool:
    return any((is_shell(b) or is_script(b)) and not b.marker.startswith("no") for b in blocks(document))


LONG = {"course.md"}
"""Documents that train two dozen nets, a few steps each."""


def followed() -> list[Any]:
    """The documents with commands, the long ones marked."""
    found = [d for d in DOCUMENTS if has_commands(d)]
    return [pytest.param(d, id=d.name, marks=[pytest.mark.slow] if d.name in LONG else []) for d in found]


@pytest.mark.parametrize("document", followed())
def test_commands_of_a_document_do_what_it_says(document, folder):
    assert follow(document, folder) > 0


def test_every_shell_block_that_is_not_run_says_why():
    silent = [f"{b.document}:{b.line}" for d in DOCUMENTS for b in blocks(d) if is_shell(b) and b.marker == "no"]
    assert silent == []


def test_links_between_documents_lead_somewhere():
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []
