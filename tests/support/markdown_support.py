"""The documents' code blocks, each with the marker that says how it is tested.

A marker is a comment on the line before a block: ``<!-- test: WORDS -->``.

- nothing, before ```sh: each line is run in a fresh folder with ``specs``, and must succeed;
- ``fails N``: the last line must end with exit code N;
- ``no, why``: not run;
- ``train with OPTIONS``: ``netspec train`` gets these options too, so that a long run is a short one;
- ``needs FOLDER``, alone or behind one of these and a semicolon: not run without this folder below NETSPEC_DATA;
- ``output``, before ```text: what the block of commands before prints on stdout, exactly;
- ```python that starts with an import is run as a script;
- ```yaml whose first line is ``# NAME.yaml`` is written into the folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"(?:<!-- test: (?P<marker>[^>]*?) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    document: str
    line: int
    kind: str
    marker: str
    text: str

    @property
    def words(self) -> list[str]:
        """The parts of the marker."""
        return [part.strip() for part in self.marker.split(";")]

    def said(self, word: str) -> str:
        """What follows ``word`` at the start of a part of the marker; empty if no part starts with it."""
        return next((part.removeprefix(word).strip() for part in self.words if part.startswith(word)), "")

    @property
    def commands(self) -> list[str]:
        """Lines of a shell block without comments; continued lines joined.

        What is tested is installed already: ``pip install . &&`` is left out.
        """
        joined = self.text.replace("\\\n", " ")
        lines = [re.sub(r"^pip install \S+( && )?", "", line).split("  #")[0].strip() for line in joined.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def blocks(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(
            document.relative_to(ROOT).as_posix(),
            text.count("\n", 0, match.start()) + 1,
            match["kind"],
            match["marker"] or "",
            match["text"],
        )
        for match in FENCE.finditer(text)
    ]
