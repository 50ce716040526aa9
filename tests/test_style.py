"""Limits of STYLE.md that no linter of ours checks: lines of a file, lines of a function."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE_LINES = 400
FUNCTION_LINES = 60
FILES = [p for folder in ("netspec", "compiler", "runtime", "bench") for p in sorted((ROOT / folder).rglob("*.py"))]


def is_emitter(path: Path) -> bool:
    """Emitters of kernel source and micro-kernels are unrolled on purpose (STYLE.md, structure 6)."""
    inside = path.relative_to(ROOT)
    return inside.parts[0] == "runtime" and (inside.stem.startswith("emit") or "kernel" in str(inside))


def test_files_are_not_longer_than_400_lines():
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in FILES}
    exempt = {str(p.relative_to(ROOT)) for p in FILES if is_emitter(p)}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES and name not in exempt} == {}


def test_functions_are_not_longer_than_60_lines():
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        if not is_emitter(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert long == {}


def test_no_exception_is_swallowed():
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
    ]
    assert silent == []


def test_every_test_asserts_something():
    empty = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not any(isinstance(inner, ast.Assert | ast.With | ast.Call) for inner in ast.walk(node))
    ]
    assert empty == []
