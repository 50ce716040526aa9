from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.spec.codes import CODES

ROOT = Path(__file__).resolve().parents[3]


def test_there_are_at_least_forty_codes() -> None:
    assert len(CODES) >= 40


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_a_form_a_title_and_an_explanation(code: str) -> None:
    entry = CODES[code]
    assert re.fullmatch(r"E[1-6][0-9]{2}|W1[0-9]{2}", code)
    assert entry.code == code
    assert entry.title == entry.title.strip()
    assert not entry.title.endswith(".")
    assert len(entry.text) > 60, "a few sentences: what it means, an example, the remedy"
    assert entry.text == entry.text.strip()


def test_every_code_of_the_program_is_in_the_table_and_every_code_of_the_table_is_used() -> None:
    folders = [ROOT / "netspec"]
    files = [p for folder in folders for p in folder.rglob("*.py") if p.parent.name != "codes"]
    used = {code for p in files for code in re.findall(r"\"([EW][1-6][0-9]{2})\"", p.read_text(encoding="utf-8"))}
    assert used - CODES.keys() == set()
    assert CODES.keys() - used == set()
