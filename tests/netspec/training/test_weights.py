"""Weights by name, with a table of what became of each."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from netspec.training.weights import load_weights
from runtime.errors import StateError, UsageError
from runtime.snapshot import Snapshot, save


class Net:
    """Names, roles and shapes."""

    def __init__(self, **shapes):
        self.states = {
            name.replace("__", "."): SimpleNamespace(role=role, view=SimpleNamespace(shape=shape))
            for name, (role, shape) in shapes.items()
        }
        self.loaded = {}

    def import_state(self, arrays):
        self.loaded.update(arrays)


@pytest.fixture
def net():
    return Net(
        conv1__weight=("param", (2, 3)),
        bn__mean=("running", (2,)),
        fc__weight=("param", (4, 2)),
        conv1__weight__momentum=("solver", (2, 3)),
    )


def write(path, **tensors):
    named = {name.replace("__", "."): value for name, value in tensors.items()}
    save(path, Snapshot(tensors=named))
    return path


def test_names_are_loaded_skipped_or_kept(tmp_path, net):
    path = write(
        tmp_path / "w", conv1__weight=np.ones((2, 3)), bn__mean=np.zeros(2), old__bias=np.ones(7),
        old__bias__momentum=np.ones(7), conv1__weight__momentum=np.ones((2, 3)),
    )  # fmt: skip
    table = load_weights(net, path)
    assert table.to_dict() == {
        "path": str(path),
        "loaded": ["conv1.weight", "bn.mean"],
        "skipped": ["old.bias"],
        "kept": ["fc.weight"],
    }
    assert sorted(net.loaded) == ["bn.mean", "conv1.weight"]


def test_a_shape_that_does_not_fit_names_both_and_the_remedy(tmp_path, net):
    path = write(tmp_path / "w", conv1__weight=np.ones((2, 3)), fc__weight=np.ones((5, 2)))
    with pytest.raises(StateError, match=r"fc.weight: the file has \[5, 2\], the net \[4, 2\]\n.*--except fc"):
        load_weights(net, path)
    assert net.loaded == {}


@pytest.mark.parametrize(("here", "there"), [((4, 3, 2, 2), (4, 12)), ((4, 12), (4, 3, 2, 2))])
def test_rows_of_a_matrix_are_the_kernels_of_a_convolution(tmp_path, here, there):
    net = Net(fc__weight=("param", here), fc__weight__average=("average", here))
    numbers = np.arange(48.0).reshape(there)
    load_weights(net, write(tmp_path / "w", fc__weight=numbers, fc__weight__average=-numbers))
    assert np.array_equal(net.loaded["fc.weight"], numbers.reshape(here))
    assert np.array_equal(net.loaded["fc.weight.average"], -numbers.reshape(here))


@pytest.mark.parametrize("there", [(6, 8), (48,), (4, 6, 2), (4, 13)])
def test_other_shapes_of_as_many_numbers_do_not_fit(tmp_path, there):
    net = Net(fc__weight=("param", (4, 3, 2, 2)))
    with pytest.raises(StateError, match="shapes do not fit"):
        load_weights(net, write(tmp_path / "w", fc__weight=np.ones(there)))


def test_a_file_of_which_no_name_fits_is_refused(tmp_path, net):
    with pytest.raises(StateError, match=r"no name fits: the net has conv1.weight, bn.mean, .*the file other"):
        load_weights(net, write(tmp_path / "w", other=np.ones(3)))


def test_a_missing_file_is_a_usage_error(tmp_path, net):
    with pytest.raises(UsageError, match="no such file"):
        load_weights(net, tmp_path / "absent")


def test_of_a_run_the_newest_snapshot_is_taken(tmp_path, net):
    write(tmp_path / "snapshot_000010.safetensors", bn__mean=np.ones(2))
    write(tmp_path / "snapshot_000200.safetensors", bn__mean=np.full(2, 5.0))
    assert load_weights(net, tmp_path).path == tmp_path / "snapshot_000200.safetensors"
    assert net.loaded["bn.mean"].tolist() == [5.0, 5.0]


def test_a_folder_without_a_snapshot_says_what_is_wanted(tmp_path, net):
    with pytest.raises(UsageError, match="has no snapshot; --weights takes a file, or the folder of a run"):
        load_weights(net, tmp_path)


def test_the_printed_table_does_not_swallow_brackets(tmp_path):
    net = Net(**{"[red]a": ("param", (2,)), "b": ("param", (1,))})
    table = load_weights(net, write(tmp_path / "w", b=np.ones(1), **{"[red]c": np.ones(2)}))
    assert printed(table) == [
        f"loaded 1 of 2 tensors from {tmp_path / 'w'}",
        "  [red]a  2  kept at its filler: not in the file",
        "  [red]c  2  skipped: not in the net",
    ]


def printed(table, width=100):
    text = io.StringIO()
    table.print(Console(file=text, width=width))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_where_all_is_loaded_one_line_says_so_however_narrow(tmp_path):
    net = Net(b=("param", (1,)))
    table = load_weights(net, write(tmp_path / "w", b=np.ones(1)))
    assert printed(table, width=20) == [f"loaded 1 of 1 tensors from {tmp_path / 'w'}"]


@pytest.mark.parametrize("name", ["fc", "fc.weight"])
def test_a_layer_or_a_parameter_can_be_left_out(tmp_path, net, name):
    path = write(tmp_path / "w", conv1__weight=np.ones((2, 3)), fc__weight=np.ones((5, 2)))
    table = load_weights(net, path, [name])
    assert sorted(net.loaded) == ["conv1.weight"]
    assert table.names("kept") == ["bn.mean", "fc.weight"]
    assert printed(table)[2].split("  ")[-1] == "kept at its filler: left out"


def test_a_name_that_leaves_nothing_out_is_refused(tmp_path, net):
    path = write(tmp_path / "w", conv1__weight=np.ones((2, 3)))
    with pytest.raises(UsageError, match=r"--except cnv1: no layer or parameter .*did you mean `conv1`"):
        load_weights(net, path, ["cnv1"])
    assert net.loaded == {}


def test_the_table_is_one_line_in_print(net, tmp_path):
    path = tmp_path / "w.safetensors"
    save(path, Snapshot(tensors={"conv1.weight": np.ones((2, 3), np.float32)}))
    table = load_weights(net, path)
    assert str(table) == f"loaded 1 of 3 tensors from {path}"
    assert repr(table) == f"<LoadTable: {table}>"


def test_the_weights_of_one_block_instance_are_named_with_their_remedy(tmp_path):
    net = Net(**{"net/ip.weight": ("param", (2, 2)), "net/ip.bias": ("param", (2,)), "top.weight": ("param", (2,))})
    path = write(tmp_path / "w", ip__weight=np.ones((2, 2)), ip__bias=np.ones(2), solver__rate=np.ones(1))
    remedy = rf"those of the block `net`: in the spec, weights: \{{net: {path}\}}$"
    with pytest.raises(StateError, match=remedy):
        load_weights(net, path)
    with pytest.raises(StateError, match=r"the file ip.weight, other.weight, ..$"):
        load_weights(net, write(tmp_path / "v", ip__weight=np.ones((2, 2)), other__weight=np.ones(2)))
