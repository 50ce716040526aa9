"""What was measured, a file a row, so that parts of a run can be made apart and merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]

FOLDER = Path("bench/results")


def save(folder: Path, name: str, record: Record) -> Path:
    """Writes one row; a row of that name is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def load(folder: Path) -> list[Record]:
    """All rows of a folder, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def exists(folder: Path, name: str) -> bool:
    """Whether that row is there."""
    return (folder / f"{name}.json").exists()
