"""The reference pages are what docs/generate_layers.py would write now."""

from __future__ import annotations

import importlib.util

import pytest
from markdown_support import ROOT

from netspec.spec.registry import LAYERS


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("generate_layers", ROOT / "docs" / "generate_layers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_pages_have_not_drifted_from_the_classes(pages):
    written = {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "layers").glob("*.md")}
    assert sorted(written) == sorted(pages)
    drifted = [name for name, text in pages.items() if written[name] != text]
    assert drifted == [], "run: make docs"


def test_every_layer_has_a_page_with_its_fields(pages):
    for cls in LAYERS:
        page = pages[f"{cls.type_name}.md"]
        assert page.count(f"# {cls.type_name}") == 1
        assert "Source" in page, f"{cls.type_name} does not say where it comes from"


def test_pages_hold_no_underlines_of_docstrings(pages):
    bare = {name: text.replace("```", "") for name, text in pages.items()}
    assert [name for name, text in bare.items() if "** ---" in text or "``" in text] == []
