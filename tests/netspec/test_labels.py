"""Labels out of range are found wherever they pass through, batch by batch and in whole sources."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from netspec.labels import label_ranges
from netspec.spec.load import load_spec
from netspec.training.trainer import Trainer
from runtime.errors import DataError, UsageError


def spec(label, layers, bottom, **loss):
    head = {"name": "ip", "type": "InnerProduct", "num_output": 3, "bottom": "x"}
    end = {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", bottom], **loss}
    return {"name": "n", "inputs": {"x": [4], "label": label}, "layers": [head, *layers, end]}


RESHAPED = spec([1], [{"name": "flat", "type": "Reshape", "bottom": "label", "shape": [-1]}], "flat")
SLICED = spec([2], [{"name": "cut", "type": "Slice", "bottom": "label", "top": ["first", "second"]}], "second")


def compiled(what):
    return netspec.compile(what, batch_size=4, device="reference")


def feed(labels):
    return {"x": np.zeros((4, 4)), "label": labels}


def test_a_reshaped_label_is_checked():
    n = compiled(RESHAPED)
    n.forward(**feed([[0], [1], [2], [0]]))
    with pytest.raises(DataError, match=r"label: the label of sample 2 is 3, outside 0\.\.2"):
        n.forward(**feed([[0], [1], [3], [0]]))


def test_of_a_cut_label_only_the_part_that_is_read_is_checked():
    n = compiled(SLICED)
    n.forward(**feed([[9, 0], [9, 1], [9, 2], [-1, 0]]))
    with pytest.raises(DataError, match=r"label: the label of sample 3 is -1"):
        n.forward(**feed([[9, 0], [9, 1], [9, 2], [0, -1]]))
    (asked,) = label_ranges(load_spec(SLICED).net("train"))
    assert (asked.name, asked.classes, asked.places.tolist()) == ("label", 3, [1])


@pytest.mark.parametrize("value", [np.inf, -np.inf, 2.0**70])
def test_what_no_integer_can_be_is_out_of_range(value):
    n = compiled(spec([], [], "label"))
    with pytest.raises((DataError, UsageError), match="the label of sample 1 is"):
        n.forward(**feed([0, value, 0, 0]))


def test_each_layer_allows_its_own_ignored_label():
    both = spec([], [], "label", ignore_label=255)
    both["layers"].append({"name": "again", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"], "ignore_label": 254})
    compiled(spec([], [], "label", ignore_label=255)).forward(**feed([0, 255, 0, 0]))
    with pytest.raises(DataError, match="the label of sample 1 is 255"):
        compiled(both).forward(**feed([0, 255, 0, 0]))


def source_spec(folder, labels, **fields):
    np.savez(folder / "a.npz", data=np.zeros((6, 4), np.float32), label=labels)
    data = {"source": "npz", "file": str(folder / "a.npz"), "shape": [4], "train": {"batch_size": 2}, **fields}
    return {
        "name": "n",
        "data": data,
        "layers": [
            {"name": "ip", "type": "InnerProduct", "num_output": 3, "bottom": "data"},
            {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
        ],
        "solver": {"base_lr": 0.1, "max_iter": 1},
    }


@pytest.mark.parametrize(
    ("labels", "fields", "message"),
    [
        (np.array([0, 1, 2, 0, 3, 0], np.float32), {}, "sample 4 has label 3.0, expected 0 to 2"),
        (np.array([0, 1, 1.5, 0, 2, 0]), {}, "sample 2 has label 1.5, expected 0 to 2"),
        (np.array([0, np.nan, 1, 0, 2, 0]), {}, "sample 1 has label nan, expected 0 to 2"),
        (np.array([0, 1, 2, 0, 1, 0]), {"classes": 2}, "sample 2 has label 2, expected 0 to 1"),
    ],
)
def test_all_labels_of_a_source_are_scanned_before_anything_is_written(tmp_path, labels, fields, message):
    with pytest.raises(DataError, match=message):
        Trainer(source_spec(tmp_path, labels, **fields), tmp_path / "run", device="reference", quiet=True).run()
    assert not (tmp_path / "run").exists()


OVER_TIME = {
    "name": "n",
    "inputs": {"x": {"shape": [5, 4], "batch": 1}, "label": {"shape": [5], "batch": 1}},
    "layers": [
        {"name": "ip", "type": "InnerProduct", "num_output": 3, "bottom": "x", "axis": 2},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"], "axis": 2},
    ],
}
LAST_STEP = {
    **OVER_TIME,
    "layers": [
        {"name": "xs", "type": "Slice", "bottom": "x", "axis": 0, "slice_point": [4], "top": ["x_before", "x_last"]},
        {"name": "cut", "type": "Slice", "bottom": "label", "axis": 0, "slice_point": [4], "top": ["before", "last"]},
        {"name": "ip", "type": "InnerProduct", "num_output": 3, "bottom": "x_last", "axis": 2},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "last"], "axis": 2},
    ],
}


def labels_with(value, step, sample):
    labels = np.zeros((5, 4), np.int64)
    labels[step, sample] = value
    return {"x": np.zeros((5, 4, 4)), "label": labels}


def test_a_sample_of_a_batch_with_time_first_lies_along_axis_1():
    n = compiled(OVER_TIME)
    with pytest.raises(DataError, match=r"label: the label of sample 2 is 3, outside 0\.\.2 \(at \[4\]\)"):
        n.forward(**labels_with(3, step=4, sample=2))
    halves = np.zeros((5, 4))
    halves[0, 2] = 0.5
    with pytest.raises(UsageError, match=r"the label of sample 2 is 0\.5, not a whole number"):
        n.forward(x=np.zeros((5, 4, 4)), label=halves)


def test_of_a_sequence_only_the_steps_that_are_read_are_checked():
    n = compiled(LAST_STEP)
    n.forward(**labels_with(9, step=3, sample=2))
    with pytest.raises(DataError, match=r"the label of sample 2 is 9, outside 0\.\.2 \(at \[4\]\)"):
        n.forward(**labels_with(9, step=4, sample=2))
    (asked,) = label_ranges(load_spec(LAST_STEP).net("train", batch=4))
    assert asked.places.tolist() == [4]
