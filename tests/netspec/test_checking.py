from __future__ import annotations

import pytest
from net_support import INPUTS, checked, spec_of

from netspec.checking import check
from netspec.spec.diagnostics import SpecError
from netspec.spec.load import load_spec
from runtime.errors import UsageError

FC = "layers:\n  - {name: fc, type: InnerProduct, num_output: 10}\n"


def test_the_document_holds_every_diagnostic_sorted_by_place():
    document = checked(INPUTS + FC + "  - {name: b, type: ReLU, bottom: x}\n  - {name: a, typ: ReLU}\n").to_dict()
    assert [(d["line"], d["column"], d["code"], d["severity"]) for d in document["diagnostics"]] == [
        (4, 35, "E301", "error"), (5, 15, "E215", "error"),
    ]  # fmt: skip
    first = document["diagnostics"][0]
    assert {k: first[k] for k in ("message", "layer", "hint")} == {
        "message": "unknown blob `x`", "layer": "b", "hint": "there are data, label, fc, b, a",
    }  # fmt: skip


def test_warnings_count_only_under_strict():
    text = "vars: {n: 3}\n" + INPUTS + FC
    assert (checked(text).ok, checked(text, strict=True).ok) == (True, False)
    assert [d.code for d in checked(text).warnings] == ["W101"]


def test_one_phase_can_be_asked_alone():
    text = INPUTS + "layers:\n  - {name: a, type: ReLU, bottom: x, include: test}\n"
    assert (len(checked(text).errors), len(checked(text, phase="train").errors)) == (1, 0)


def test_a_shape_that_only_a_missing_file_tells_is_a_finding_with_a_remedy_that_works(tmp_path):
    text = "data: {source: npz, file: x.npz, train: {batch_size: 3}}\nlayers:\n  - {name: a, type: ReLU}\n"
    path = tmp_path / "net.yaml"
    path.write_text(text)
    (error,) = check(path).errors
    assert (error.code, error.mark.line, error.mark.column, error.hint) == (
        "E613", 1, 27, "put the file there; with `shape: [..]`, of one sample, `check` does without it",
    )  # fmt: skip
    assert f"; file: x.npz was looked for in {tmp_path}" in error.message
    path.write_text(text.replace("x.npz", "x.npz, shape: [4]"))
    assert check(path).diagnostics == []


def test_a_missing_data_file_does_not_hide_the_other_mistakes(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("data: {source: npz, file: x.npz, train: {batch_size: 3}}\nlayers:\n  - {name: a, type: ReLUU}\n")
    assert sorted(d.code for d in check(path).errors) == ["E506", "E613"]
    with pytest.raises(SpecError):
        load_spec(path)


def test_a_loaded_spec_can_be_checked():
    assert check(spec_of(INPUTS + FC)).diagnostics == []


def test_a_missing_file_is_a_wrong_call():
    with pytest.raises(UsageError):
        check("no/such/file.yaml")


def test_a_thousand_mistakes_are_enough():
    text = INPUTS + "layers:\n" + "".join(f"  - {{name: a{n}, type: Convolutoin}}\n" for n in range(2000))
    result = checked(text)
    assert (len(result.diagnostics), result.ok) == (1000, False)


def test_the_batch_may_be_the_caller_s():
    text = INPUTS + "layers:\n  - {name: r, type: Reshape, shape: [4, -1]}\n"
    assert checked(text, batch=4).diagnostics == []


@pytest.mark.parametrize("spec", [None, 5, ["a"]])
def test_what_is_neither_a_path_nor_a_mapping_is_a_wrong_call(spec):
    with pytest.raises(UsageError, match="a spec is a path or a mapping"):
        check(spec)


def test_a_result_is_short_in_print(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("name: n\ninputs: {data: [4]}\nlayers:\n  - {name: ip, type: InnerProduct, nun_output: 3}\n")
    result = check(path)
    assert repr(result) == f"<CheckResult: {len(result.errors)} errors, 0 warnings>"
    assert str(result).splitlines()[0].startswith(f"{path}:4:")
    assert len(str(result).splitlines()) == len(result.diagnostics)
    path.write_text("name: n\ninputs: {data: [4]}\nlayers:\n  - {name: ip, type: InnerProduct, num_output: 3}\n")
    assert str(check(path)) == "ok"
