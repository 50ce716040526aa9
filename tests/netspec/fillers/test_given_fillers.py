"""Fillers that the spec or a file spells out: values, diagonal, image."""

from __future__ import annotations

import numpy as np
import pytest
from net_support import found

import netspec
from compiler.builder import Builder
from compiler.interpret import run_graph
from netspec.fillers.diagonal import Diagonal
from netspec.fillers.image import Image
from netspec.fillers.values import Values
from netspec.spec.load import load_spec
from runtime.errors import DataError, UsageError


def filled(filler, shape):
    """What a new parameter holds."""
    assert filler.problem(shape) is None
    b = Builder("train", "f64")
    with b.scope("it"):
        b.param("weight", shape, filler)
    return run_graph(b.graph, {}, scalars={"seed": 0}, dtype="f64").states["it.weight"]


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ((1.0, 2.0, 3.0, 4.0), (2, 2)),
        (((1.0, 2.0), (3.0, 4.0)), (2, 2)),
        (((1.0, 2.0), (3.0, 4.0)), (1, 2, 1, 2)),
        ((((1.0,), (2.0,)), ((3.0,), (4.0,))), (2, 2)),
        ((1.0, 2.0, 3.0, 4.0), (4,)),
        ((7.0,), ()),
    ],
)
def test_values_are_taken_row_by_row(values, shape):
    w = filled(Values(values_=values), shape)
    assert w.shape == shape
    assert w.ravel().tolist() == ([1, 2, 3, 4] if w.size > 1 else [7])


@pytest.mark.parametrize(
    ("values", "shape", "why"),
    [
        ((1.0, 2.0, 3.0), (2, 2), "values lists 3 numbers, this parameter is 2 x 2: 4"),
        (((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), (3, 2), "the lists of values are 2 x 3, this parameter is 3 x 2"),
        ((), (2,), "values lists 0 numbers, this parameter is 2: 2"),
    ],
)
def test_values_of_other_sizes_are_refused(values, shape, why):
    assert Values(values_=values).problem(shape) == why


def test_lists_of_different_lengths_are_no_values():
    assert [p.code for p in Values(values_=((1.0, 2.0), (3.0,))).problems()] == ["E504"]
    assert [p.code for p in Values(values_=((1.0, 2.0), 3.0)).problems()] == ["E504"]
    assert list(Values(values_=((1.0, 2.0), (3.0, 4.0))).problems()) == []


LINE = """
inputs: {{data: [2], label: [1]}}
vars: {{one: 1}}
layers:
  - {{name: fit, type: InnerProduct, num_output: 1, weight_filler: {filler}, bias_filler: -1}}
  - {{name: loss, type: EuclideanLoss, bottom: [fit, label]}}
"""


def test_values_of_a_spec_may_be_nested_and_hold_expressions(tmp_path):
    (tmp_path / "net.yaml").write_text(LINE.format(filler='{type: values, values: [[2, "${one / 2}"]]}'))
    spec = load_spec(tmp_path / "net.yaml")
    (tmp_path / "again.yaml").write_text(spec.resolved())
    for path in ("net.yaml", "again.yaml"):
        net = netspec.compile(tmp_path / path, device="reference")
        assert net.params["fit.weight"].tolist() == [[2, 0.5]]
        assert net.params["fit.bias"].tolist() == [-1]
        net.close()


@pytest.mark.parametrize(
    ("filler", "expected"),
    [
        ("{type: values, values: [1, 2, 3]}", "values lists 3 numbers, this parameter is 1 x 2: 2"),
        ("{type: values, values: [[1], [2, 3]]}", "the lists of values have different lengths"),
        ("{type: values, values: [1, x]}", "`values` is a number, got the text `x`"),
        ("{type: values, values: [1, .inf]}", "`values` must be a finite number, got .inf"),
        ("{type: image, file: a.png}", "a picture fills .. x 3 x H x W, or 1 in place of 3; this parameter is 1 x 2"),
        ("{type: image, file: ../a.npy}", "file: '../a.npy' leaves the folder of the spec"),
        ("{type: image}", "image needs `file`"),
    ],
)
def test_what_cannot_fill_is_said_by_check(filler, expected):
    assert any(expected in line for line in found(LINE.format(filler=filler)))


def test_diagonal_is_a_scaled_identity_for_a_product():
    np.testing.assert_array_equal(filled(Diagonal(), (3, 3)), np.eye(3))
    np.testing.assert_array_equal(filled(Diagonal(diag_val=(2.0, 3.0)), (4, 3)), np.diag([2, 3, 1, 9])[:, :3])
    np.testing.assert_array_equal(filled(Diagonal(diag_val=(2.0, 3.0, 4.0)), (2, 3)), np.diag([2, 3, 9])[:2])


def test_diagonal_averages_the_window_of_a_kernel():
    w = filled(Diagonal(diag_val=(5.0,)), (2, 2, 3, 1))
    expected = np.zeros((2, 2, 3, 1))
    expected[0, 0], expected[1, 1] = 5 / 3, 1 / 3
    np.testing.assert_allclose(w, expected, rtol=1e-15)


def test_diagonal_needs_two_axes():
    assert Diagonal().problem((3,)) == "diagonal fills weights of two axes or more, this parameter is 3"


def pixels(height: int, width: int, channels: int = 3) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return values[..., 0] if channels == 1 else values


def picture(path, *sizes) -> np.ndarray:
    image = pytest.importorskip("PIL.Image")
    values = pixels(*sizes)
    image.fromarray(values).save(path)
    return values


def test_a_picture_fills_each_item_scaled_and_without_its_mean(tmp_path):
    values = picture(tmp_path / "a.png", 5, 4)
    w = filled(Image(file=str(tmp_path / "a.png"), scale=0.5, mean=(1.0, 2.0, 3.0)), (2, 3, 5, 4))
    expected = (np.moveaxis(values.astype(float), 2, 0) - np.array([1, 2, 3])[:, None, None]) * 0.5
    np.testing.assert_array_equal(w, np.stack([expected] * 2))
    assert filled(Image(file=str(tmp_path / "a.png")), (3, 10, 7)).shape == (3, 10, 7)


def test_a_grey_picture_fills_one_channel(tmp_path):
    values = picture(tmp_path / "seven.png", 6, 6, 1)
    np.testing.assert_array_equal(filled(Image(file=str(tmp_path / "seven.png")), (1, 1, 6, 6))[0, 0], values)


def test_an_array_fills_a_parameter_or_each_of_its_items(tmp_path):
    array = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", array)
    filler = Image(file=str(tmp_path / "a.npy"), scale=2.0, mean=(1.0,))
    np.testing.assert_array_equal(filled(filler, (2, 3)), (array.astype(float) - 1) * 2)
    np.testing.assert_array_equal(filled(filler, (4, 2, 3))[3], (array.astype(float) - 1) * 2)
    np.save(tmp_path / "turned.npy", np.asfortranarray(array.astype(">i2")))
    turned = Image(file=str(tmp_path / "turned.npy"))
    np.testing.assert_array_equal(filled(turned, (2, 3)), array.astype(np.int16))
    with pytest.raises(DataError, match=r"a\.npy: an array of \[2, 3\], the parameter is \[3, 2\]"):
        filled(filler, (3, 2))
    np.save(tmp_path / "a.npy", np.array([np.nan]))
    with pytest.raises(DataError, match="holds values that are not finite"):
        filled(filler, (1,))


PICTURE = """
name: picture
layers:
  - {name: image, type: Parameter, shape: [1, 3, 5, 4], filler: {type: image, file: a.png, scale: 0.5}}
  - {name: target, type: Constant, shape: [1, 3, 5, 4], filler: {type: image, file: a.png}}
  - {name: loss, type: EuclideanLoss, bottom: [image, target]}
"""


def test_check_opens_no_picture_and_a_missing_one_is_a_data_error(tmp_path, monkeypatch):
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    (tmp_path / "net.yaml").write_text(PICTURE)
    assert netspec.check(tmp_path / "net.yaml").errors == []
    assert netspec.inspect(tmp_path / "net.yaml").totals["params"] == 60
    with pytest.raises(DataError, match=r"a\.png: No such file or directory \(errno 2\)"):
        netspec.compile(tmp_path / "net.yaml", device="reference")


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_parameters_and_constants_begin_as_the_picture(tmp_path, device, monkeypatch):
    values = np.moveaxis(picture(tmp_path / "a.png", 5, 4).astype(float), 2, 0)
    (tmp_path / "net.yaml").write_text(PICTURE)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "spec.yaml").write_text(load_spec(tmp_path / "net.yaml").resolved())
    monkeypatch.chdir("/")
    for path in ("net.yaml", "elsewhere/spec.yaml"):
        net = netspec.compile(tmp_path / path, device=device)
        np.testing.assert_array_equal(net.params["image.weight"][0], values * 0.5)
        # half of the picture is missing: its squares, halved again
        assert net.forward()["loss"] == pytest.approx(
            float((values * 0.5) ** 2 @ np.ones(4) @ np.ones(5) @ np.ones(3)) / 2
        )
        net.close()


def test_a_picture_below_the_data_root_is_found(tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    picture(tmp_path / "root" / "a.png", 5, 4)
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "root"))
    (tmp_path / "net.yaml").write_text(PICTURE)
    netspec.compile(tmp_path / "net.yaml", device="reference").close()


def test_pictures_without_pillow_name_the_extra(tmp_path, monkeypatch):
    picture(tmp_path / "a.png", 5, 4)
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(UsageError, match="pictures need Pillow"):
        filled(Image(file=str(tmp_path / "a.png")), (3, 5, 4))
