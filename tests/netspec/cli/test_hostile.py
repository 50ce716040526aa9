"""Files made to break a reader: ``netspec check`` answers each with a diagnostic in 2 s and under 500 MB.

Each runs in a process of its own under limits of the kernel, so that a file
that wins cannot take the machine with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netspec.checking import check as netspec_check

ROOT = Path(__file__).resolve().parents[3]
MEGABYTES = 500
SECONDS = 2.0
MIB = 2**20

CHILD = """
import contextlib, io, json, resource, sys
limit = {megabytes} * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from netspec.cli.main import main
from netspec.cli import check

def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

for path in sys.argv[1:]:
    start, out = seconds(), io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main(["check", path, "--format", "json"])
        except SystemExit as end:
            code = end.code
    found = [d["code"] for d in json.loads(out.getvalue())["diagnostics"] if d["severity"] == "error"]
    print(json.dumps({{"path": path, "exit": code, "codes": found, "seconds": seconds() - start}}))
"""

HEAD = "inputs: {data: [3, 8, 8]}\n"
RELU = "layers:\n  - {name: a, type: ReLU}\n"
FC = "layers:\n  - {name: a, type: InnerProduct, num_output: NUM}\n"


def nested_blocks(levels: int, turns: int) -> str:
    """Blocks that call each other, ``turns`` times at each level."""
    lines = [HEAD + "blocks:\n  b0: {layers: [{name: r, type: ReLU}]}"]
    lines += [f"  b{n}: {{layers: [{{block: b{n - 1}, name: u, repeat: {turns}}}]}}" for n in range(1, levels)]
    return "\n".join([*lines, f"layers:\n  - {{block: b{levels - 1}, name: top}}"])


def aliases(levels: int) -> str:
    """The billion laughs."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def doubling_vars(levels: int) -> str:
    """Variables each of which is two of the one before."""
    chain = "".join(f"  v{n}: [$v{n - 1}, $v{n - 1}]\n" for n in range(1, levels))
    return HEAD + "vars:\n  v0: [1]\n" + chain + RELU.replace("}", f", params: $v{levels - 1}}}")


CASES: dict[str, tuple[str, str]] = {
    "brackets": ("a: " + "[" * 200_000, "E107"),
    "braces": ("{a: " * 100_000, "E107"),
    "block nesting": ("".join(" " * n + "a:\n" for n in range(2000)), "E107"),
    "aliases": (aliases(30), "E109"),
    "a cycle of aliases": ("a: &a [*a]\n", "E109"),
    "a python object": ("a: !!python/object/apply:os.system ['touch /tmp/netspec-was-here']\n", "E110"),
    "nul": (HEAD + "name: a\0b\n", "E103"),
    "two documents": (HEAD + RELU + "---\n" + RELU, "E106"),
    "empty": ("", "E105"),
    "8 MiB of values": ("a: [" + "x," * (4 * MIB - 8) + "]", "E108"),
    "8 MiB of keys": ("\n".join(f"k{n}: 1" for n in range(700_000))[: 8 * MIB], "E108"),
    "8 MiB of expressions": ('a: "' + "${a}" * (2 * MIB - 8) + '"', "E108"),
    "8 MiB in one text": ("name: " + "x" * (8 * MIB - 10) + "\n" + RELU, "E"),
    "8 MiB in one key": ("x" * (8 * MIB - 10) + ": 1", "E104"),
    "8 MiB of quotes": ('"' * (8 * MIB - 10), "E104"),
    "8 MiB of lines": ("\n" * (8 * MIB - 10), "E105"),
    "a key 80,000 times": ("a: {" + "x: 1, " * 40_000 + "}", "E112"),
    "40,000 unknown keys": (HEAD + RELU + "\n".join(f"layer{n}: 1" for n in range(40_000)), "E210"),
    "a tower of powers": (HEAD + FC.replace("NUM", '"${9**9**9}"'), "E201"),
    "a product beyond 2^63": (HEAD + FC.replace("NUM", '"${' + " * ".join(["999999999"] * 80) + '}"'), "E204"),
    "code in an expression": (HEAD + FC.replace("NUM", "\"${__import__('os').system('id')}\""), "E201"),
    "a number of a million digits": (HEAD + FC.replace("NUM", "9" * 1_000_000), "E5"),
    "an exponent of a million": (HEAD + FC.replace("NUM", '"${1e999999999}"'), "E204"),
    "brackets in an expression": (HEAD + FC.replace("NUM", '"${' + "(" * 400 + "1" + ")" * 400 + '}"'), "E207"),
    "an endless expression": (HEAD + FC.replace("NUM", '"${1' + " + 1" * 100_000 + '}"'), "E207"),
    "10^9 repeats": (HEAD + "layers:\n  - {name: a, type: ReLU, repeat: 1000000000}\n", "E217"),
    "10^12 layers in nested blocks": (nested_blocks(5, 1000), "E217"),
    "300 levels of blocks": (nested_blocks(300, 1), ""),
    "a block that contains itself": (
        HEAD + "blocks:\n  b: {layers: [{block: b, name: x}]}\nlayers:\n  - {block: b, name: y}\n", "E2"),
    "variables in a ring": (HEAD + "vars: {a: $b, b: $c, c: $a}\n" + FC.replace("NUM", "$a"), "E2"),
    "2^40 values in variables": (doubling_vars(40), "E2"),
    "a chain of 5,000 variables": (
        HEAD + "vars:\n  v0: 1\n" + "".join(f"  v{n}: $v{n - 1}\n" for n in range(1, 5000)) + FC.replace("NUM", "$v9"),
        ""),
    "sizes beyond all memory": (HEAD + FC.replace("NUM", "9223372036854775807"), ""),
    "a huge picture": ("inputs: {data: [999999999999, 999999999999, 999999999999]}\n" + RELU, "E"),
    "a regular expression's nightmare": (HEAD + "name: " + "1" * 300_000 + "!\n" + RELU, ""),
}  # fmt: skip


HEAVY = 500_000  # characters from which a file gets a process of its own, for the limit on its memory


def check(*paths: Path) -> dict[str, dict[str, Any]]:
    """Return what ``netspec check`` makes of files, by name: exit code, codes of errors, processor seconds."""
    child = CHILD.format(megabytes=MEGABYTES)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", child, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert (done.returncode, done.stderr[-2000:]) == (0, "")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(each["path"]).name: each for each in found}


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Answers to the small files, all from one process: each start costs half a second."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = []
    for n, (text, _) in enumerate(CASES.values()):
        if len(text) < HEAVY:
            paths.append(folder / str(n))
            paths[-1].write_text(text, encoding="utf-8")
    return check(*paths)


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_answered_in_time_and_memory(
    case: str, light: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    text, expected = CASES[case]
    path = tmp_path / "net.yaml"
    if len(text) < HEAVY:
        answer = light[str(list(CASES).index(case))]
    else:
        path.write_text(text, encoding="utf-8")
        answer = check(path)["net.yaml"]
    assert answer["exit"] == (1 if answer["codes"] else 0)
    if expected:
        assert [code for code in answer["codes"] if code.startswith(expected)] != []
    assert answer["seconds"] < SECONDS


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: \xff\xfe\n", "E102"),
        (b"\xff\xfea\x00:\x00", "E102"),
        (b"a: \xed\xa0\x80", "E102"),
        (b"\x00" * 4096, "E103"),
    ],
    ids=["bad bytes", "utf-16", "a lone surrogate", "zeros"],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(data)
    assert [d.code for d in netspec_check(path).errors] == [expected]


def test_a_file_of_50_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    with path.open("wb") as stream:
        stream.truncate(50 * MIB)
    answer = check(path)["net.yaml"]
    assert answer["codes"] == ["E101"]
    assert answer["seconds"] < SECONDS


def test_nothing_in_a_spec_was_run(light: dict[str, dict[str, Any]]) -> None:
    assert len(light) > 10
    assert not Path("/tmp/netspec-was-here").exists()
