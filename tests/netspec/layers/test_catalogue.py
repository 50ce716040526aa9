"""The catalogue as a whole: how many layers, and that each is only fields, a shape rule and a lowering."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import netspec.layers
from netspec.spec.registry import LAYERS

FOLDER = Path(netspec.layers.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def of_type(tree: ast.AST, kind: type[ast.AST]) -> list:
    return [node for node in ast.walk(tree) if isinstance(node, kind)]


def test_there_are_the_types_of_a_course():
    assert len(LAYERS) >= 95


def test_each_file_holds_one_layer_and_no_more_than_400_lines():
    files = [cls.__module__ for cls in LAYERS]
    assert len(set(files)) == len(files)
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES) <= 400


@each
def test_no_layer_writes_a_backward_pass(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [f.name for f in of_type(tree, ast.FunctionDef) if "backward" in f.name or "grad" in f.name]
    assert names == []
    # operations of its own, or put into another part of the step
    calls = {c.func.attr for c in of_type(tree, ast.Call) if isinstance(c.func, ast.Attribute)}
    assert calls & {"emit", "emit1", "segment", "register"} == set()


@each
def test_no_layer_imports_the_compiler_when_it_runs(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {
        id(node)
        for branch in of_type(tree, ast.If)
        if isinstance(branch.test, ast.Name) and branch.test.id == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    modules = [n.module or "" for n in of_type(tree, ast.ImportFrom) if id(n) not in typing]
    heavy = {name for name in modules if name.partition(".")[0] in ("compiler", "runtime")} - {"runtime.errors"}
    assert heavy == set()
