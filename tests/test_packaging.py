"""What an installation would hold: every folder of code is a package, the zoo and the digits come along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec import zoo

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("package", ["netspec", "compiler", "runtime"])
def test_every_folder_with_code_is_a_package(package):
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").is_file()] == []


@pytest.mark.parametrize("package", ["netspec", "compiler", "runtime"])
def test_types_are_shipped(package):
    assert (ROOT / package / "py.typed").is_file()


def test_data_files_are_named_in_setup():
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    unnamed = [
        str(path.relative_to(ROOT))
        for package in ("netspec", "compiler", "runtime")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and path.name != "py.typed"
        if f'"{".".join(path.parent.parent.relative_to(ROOT).parts)}": ["{path.parent.name}/*"]' not in text
    ]
    assert unnamed == []


def test_the_zoo_is_found_wherever_netspec_lies():
    assert zoo.folder().is_dir()
    assert {"digits", "lenet", "resnet152"} <= set(zoo.names())


def test_core_dependencies_are_those_that_the_code_imports():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"\ndependencies = \[(.*?)\n\]", text, re.S)[1]
    names = {re.split(r"[<>=]", item)[0] for item in re.findall(r'"(.*?)"', listed)}
    assert names == {"click", "jinja2", "networkx", "numba", "numpy", "pyyaml", "rich", "safetensors"}
    code = "\n".join(
        p.read_text(encoding="utf-8") for d in ("netspec", "compiler", "runtime") for p in (ROOT / d).rglob("*.py")
    )
    modules = {"pyyaml": "yaml"}
    unused = [n for n in names if not re.search(rf"^\s*(import|from) {modules.get(n, n)}\b", code, re.M)]
    assert unused == []
