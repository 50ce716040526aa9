"""The floors: netspec -> compiler -> runtime, and the order inside netspec (STYLE.md, structure)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("netspec", "compiler", "runtime")
MAY_IMPORT = {
    "netspec": {"netspec", "compiler", "runtime"},
    "compiler": {"compiler", "runtime"},
    "runtime": {"runtime"},
}

# Floors of netspec, lowest first. A file may import its own floor and those below it. `spec.load` is the door of
# reading: it puts spec, the registered classes and the graph together, hence stands above them.
FLOORS = (
    ("spec", "zoo", "_siblings"),
    ("layers", "fillers", "solvers", "policies", "sources"),
    ("graph", "sizes", "spec.load"),
    (
        "checking",
        "baselines",
        "lowering",
        "quasi_newton",
        "stepping",
        "tangents",
        "updating",
        "reading",
        "arguments",
        "labels",
        "sharing",
        "feeding",
        "keeping",
        "mappings",
        "metrics",
        "targets",
        "trial",
        "tuning",
        "diagnose",
        "net",
        "compiling",
    ),
    ("training", "reports", "drawing", "prediction"),
    ("running",),
    ("cli", "__init__", "__main__"),
)

FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def type_checking_nodes(tree: ast.Module) -> set[ast.AST]:
    """Everything under ``if TYPE_CHECKING:``, which is not imported when the program runs."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for child in node.body
        for inner in ast.walk(child)
    }


def imports(tree: ast.Module, run_time_only: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import statement, ``from a import b`` as ``a.b``."""
    skipped = type_checking_nodes(tree) if run_time_only else set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=relative(path))


def part_of(module: str) -> str:
    """The part of netspec that a module (``netspec.graph.net``) belongs to."""
    inside = module.removeprefix("netspec.")
    return "spec.load" if inside.startswith("spec.load") else inside.split(".")[0]


def module_of(path: Path) -> str:
    return relative(path).removesuffix(".py").replace("/", ".")


def floor_of(part: str) -> int | None:
    return next((level for level, parts in enumerate(FLOORS) if part in parts), None)


NETSPEC = [path for path in FILES if path.is_relative_to(ROOT / "netspec")]


def test_packages_import_only_downwards():
    wrong = [
        f"{relative(path)}:{line}: imports {name}"
        for path in FILES
        for line, name in imports(parsed(path))
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in MAY_IMPORT[path.relative_to(ROOT).parts[0]]
    ]
    assert wrong == []


def test_folders_of_netspec_import_only_downwards():
    wrong = []
    for path in NETSPEC:
        own = part_of(module_of(path))
        for line, name in imports(parsed(path), run_time_only=True):
            if not name.startswith("netspec."):
                continue
            mine, theirs = floor_of(own), floor_of(part_of(name))
            if mine is not None and theirs is not None and theirs > mine:
                wrong.append(f"{relative(path)}:{line}: {own} imports {name}")
    assert wrong == []


def test_every_part_of_netspec_has_a_floor():
    assert sorted({part_of(module_of(path)) for path in NETSPEC if floor_of(part_of(module_of(path))) is None}) == []


def test_no_relative_imports():
    wrong = [
        f"{relative(path)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert wrong == []


def may_import_in_functions(path: Path) -> bool:
    return relative(path).startswith("netspec/cli/") or relative(path) == "netspec/__init__.py"


OPTIONAL_EXTRAS = {"PIL", "cupy", "numba.cuda", "torch", "onnxruntime", "h5py", "lmdb"}


def test_imports_inside_functions_are_for_start_up_time_or_an_extra():
    wrong = []
    for path in FILES:
        if may_import_in_functions(path):
            continue
        for function in ast.walk(parsed(path)):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            inner = ast.Module(body=function.body, type_ignores=[])
            wrong += [
                f"{relative(path)}:{line}: imports {name} inside {function.name}"
                for line, name in imports(inner)
                if name.split(".")[0] not in OPTIONAL_EXTRAS and ".".join(name.split(".")[:2]) not in OPTIONAL_EXTRAS
            ]
    assert wrong == []


def test_no_file_of_the_front_end_imports_numbers_when_it_runs():
    # netspec check must start in a fraction of a second: numba alone takes 0.3 s.
    heavy = {"numba", "numpy", "llvmlite", "compiler", "scipy"}
    folders = ("spec", "layers", "fillers", "solvers", "policies", "sources", "graph", "sizes")
    wrong = [
        f"{relative(path)}:{line}: imports {name}"
        for path in FILES
        if path.relative_to(ROOT).parts[0] == "netspec"
        and path.relative_to(ROOT / "netspec").parts[0].removesuffix(".py") in folders
        for line, name in imports(parsed(path), run_time_only=True)
        if name.split(".")[0] in heavy
    ]
    assert wrong == []


def loaded_modules(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    program = (
        "import sys\n"
        "from netspec.cli.main import main\n"
        f"sys.argv = ['netspec', *{list(arguments)!r}]\n"
        "try:\n    main()\n"
        "except SystemExit:\n    sys.stderr.write('loaded ' + ' '.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert "loaded " in done.stderr, done.stderr
    return set(done.stderr.rpartition("loaded ")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("check", "lenet"), ("check", "no/such/file.yaml"), ("inspect", "--help"), ("explain", "E101")],
    ids=" ".join,
)
def test_light_commands_import_neither_numba_nor_numpy(arguments):
    assert loaded_modules(*arguments) & {"numba", "numpy", "llvmlite", "jinja2"} == set()
