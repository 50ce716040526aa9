"""Every command of a document runs, and prints what the document says it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

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
        elif is_shell(block) and not block.marker.startswith("no"):
            stdout = ""
            expected = int(block.marker.split()[1]) if block.marker.startswith("fails") else 0
            for k, command in enumerate(block.commands):
                done = run(command, folder)
                code = expected if k == len(block.commands) - 1 else 0
                assert done.returncode == code, f"{where}: {command}\n{done.stdout}\n{done.stderr}"
                stdout += done.stdout
                count += 1
    return count


def has_commands(document: Path) -> bool:
    return any((is_shell(b) or is_script(b)) and not b.marker.startswith("no") for b in blocks(document))


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if has_commands(d)], ids=lambda d: d.name)
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
