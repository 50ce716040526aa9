"""The drawings of nets in the documents are what `netspec draw` makes now."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from markdown_support import ROOT

from netspec.cli.main import main


@pytest.mark.parametrize(("name", "more"), [("lenet", []), ("googlenet", ["--depth", "1"])])
def test_a_drawing_in_the_documents_is_up_to_date(name, more, tmp_path):
    done = CliRunner().invoke(main, ["draw", str(ROOT / f"specs/{name}.yaml"), *more, "-o", str(tmp_path / "net.svg")])
    assert done.exit_code == 0
    written = (ROOT / f"docs/pictures/{name}.svg").read_bytes()
    assert (tmp_path / "net.svg").read_bytes() == written, "run: make docs"
