"""Files that name files: circles, depth, crowds, and files that are none. Each ends with one clear message, soon."""

from __future__ import annotations

import os

import pytest

from netspec.checking import check
from netspec.spec import files, load_blocks

NET = "inputs: {data: [3]}\nlayers:\n  - {name: fc, type: InnerProduct, num_output: 2}\n"


def found(path):
    return [(d.code, d.mark.line) for d in check(path).errors]


def codes(path):
    return [code for code, _ in found(path)]


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("named", ["extends: {}\n", "blocks: {{a: {}}}\nlayers:\n  - {{block: a, name: x}}\n"])
def test_what_is_no_spec_is_refused_where_it_is_named(write, tmp_path, named):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for file in ("absent.yaml", "folder", "pipe", "", "a" * 5000):
        assert codes(write("net.yaml", named.format(f'"{file}"'))) == ["E240"], file
    write("binary", b"\x7fELF\x00\xff\xfe")
    assert codes(write("net.yaml", named.format("binary"))) == ["E102"]
    write("list.yaml", "- 1\n- 2\n")
    assert codes(write("net.yaml", named.format("list.yaml"))) == ["E113"]
    write("large.yaml", "# " + "x" * (8 * 2**20))
    assert codes(write("net.yaml", named.format("large.yaml"))) == ["E101"]


def test_a_file_that_extends_itself_is_refused(write):
    assert found(write("net.yaml", "name: net\nextends: ./net.yaml\n")) == [("E241", 2)]


def test_a_circle_through_blocks_is_refused(write):
    write("b.yaml", "inputs: {x: [3]}\nblocks: {a: net.yaml}\nlayers:\n  - {block: a, name: a}\n")
    path = write("net.yaml", "inputs: {x: [3]}\nblocks: {b: b.yaml}\nlayers:\n  - {block: b, name: b}\n")
    (error, *others) = check(path).errors
    assert (error.code, error.message.count("->"), others) == ("E241", 2, [])


@pytest.mark.parametrize("named", ["extends: {}.yaml\n", "inputs: {{x: [3]}}\nblocks: {{a: {}.yaml}}\nlayers: []\n"])
def test_a_circle_that_begins_further_on_is_refused(write, named):
    write("b.yaml", named.format("c"))
    write("c.yaml", named.format("b"))
    (error,) = check(write("net.yaml", named.format("b"))).errors
    assert (error.code, error.message.count("->"), "net.yaml" in error.message) == ("E241", 2, False)


def test_a_circle_through_a_base_and_a_block_is_refused(write):
    write("base.yaml", "inputs: {x: [3]}\nblocks: {a: net.yaml}\nlayers:\n  - {block: a, name: a}\n")
    assert "E241" in codes(write("net.yaml", "extends: base.yaml\n"))


@pytest.mark.parametrize("named", ["extends: n{}.yaml\n", "inputs: {{x: [3]}}\nblocks: {{a: n{}.yaml}}\nlayers: []\n"])
def test_files_nested_too_deeply_are_refused_once(write, named):
    for n in range(1, 60):
        write(f"n{n}.yaml", named.format(n + 1))
    assert codes(write("net.yaml", named.format(1))) == ["E242"]


def test_too_many_files_are_refused(write):
    for n in range(120):
        write(f"n{n}.yaml", NET)
    blocks = "".join(f"  b{n}: n{n}.yaml\n" for n in range(120))
    found = codes(write("net.yaml", NET.replace("layers", f"blocks:\n{blocks}layers")))
    assert set(found) == {"E242"}


def test_files_that_double_at_each_level_are_each_read_once(write):
    text = "inputs: {{x: [3]}}\nblocks: {{a: n{0}.yaml, b: n{0}.yaml}}\nlayers:\n  - {{block: a, name: a}}\n"
    for n in range(20):
        write(f"n{n}.yaml", text.format(n + 1))
    write("n20.yaml", NET)
    assert codes(write("net.yaml", text.format(0))) == []


def test_a_change_of_every_field_of_every_layer_is_refused(write):
    write("base.yaml", "inputs: {x: [3]}\nlayers:\n" + "  - {type: ReLU}\n" * 3_000)
    fields = ", ".join(f"f{n}: 1" for n in range(1000))
    assert codes(write("net.yaml", f'extends: base.yaml\nchange: {{"*": {{{fields}}}}}\n'))[0] == "E108"


def test_patterns_without_end_are_refused(write):
    write("base.yaml", "inputs: {x: [3]}\nlayers:\n" + "  - {type: ReLU}\n" * 3_000)
    patterns = ", ".join(f'"*a*b*c*d{n}*"' for n in range(10_000))
    assert "E108" in codes(write("net.yaml", f"extends: base.yaml\nremove: [{patterns}]\n"))


def test_names_without_end_are_looked_up_at_once(write):
    write("base.yaml", "inputs: {x: [3]}\nlayers:\n" + "  - {type: ReLU}\n" * 3_000)
    names = ", ".join(f"relu{n}: {{negative_slope: 0.1}}" for n in range(1, 3_000))
    assert codes(write("net.yaml", f"extends: base.yaml\nchange: {{{names}}}\n")) == []


def test_a_chain_of_bases_that_adds_up_to_too_much_is_refused(write, monkeypatch):
    monkeypatch.setattr(files, "MAX_CHARACTERS", 20_000)
    for n in range(10):
        write(f"n{n}.yaml", f"extends: n{n - 1}.yaml\n# {'x' * 5000}\nlayers:\n  - {{type: ReLU}}\n")
    assert codes(write("net.yaml", "extends: n9.yaml\n")) == ["E242"]


def test_many_instances_of_a_file_with_many_variables_are_refused(write, monkeypatch):
    monkeypatch.setattr(load_blocks, "MAX_VARIABLES", 5_000)
    variables = ", ".join(f"v{n}: {n}" for n in range(1_000))
    write("block.yaml", f"vars: {{{variables}}}\ninputs: {{x: [3]}}\nlayers:\n  - {{name: r, type: ReLU}}\n")
    text = "inputs: {x: [3]}\nblocks: {b: block.yaml}\nlayers:\n  - {block: b, name: r, repeat: 20, v1: %s}\n"
    assert codes(write("net.yaml", text % "$i")) == ["E217"]
    assert codes(write("net.yaml", (text % "$i").replace(", v1: $i", ""))) == []
