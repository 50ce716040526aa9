"""README's table of mistakes quotes what netspec really says."""

from __future__ import annotations

import numpy as np
import pytest
from markdown_support import ROOT

import netspec
from netspec.spec.load import load_spec

HEAD = "name: x\ndata: {source: mnist, train: {batch_size: 64}}\nlayers:\n"
TAIL = """  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
"""
MISTAKES = {
    "typo.yaml": "  - {name: conv1, type: Convolution, nun_output: 20, kernel_size: 5}\n",
    "blob.yaml": """  - {name: conv1, type: Convolution, num_output: 20, kernel_size: 5}
  - {name: relu1, type: ReLU, bottom: conv_1}
""",
    "concat.yaml": """  - {name: left, type: Convolution, num_output: 20, kernel_size: 3, stride: 2, round: floor}
  - {name: right, type: Pooling, bottom: data, kernel_size: 3, stride: 2}
  - {name: both, type: Concat, bottom: [left, right]}
""",
    "kernel.yaml": """  - {name: conv1, type: Convolution, num_output: 20, kernel_size: 5, stride: 4, round: floor}
  - {name: conv2, type: Convolution, num_output: 50, kernel_size: 8}
""",
}


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_the_table_gets_the_message_in_it(name, readme, tmp_path, monkeypatch):
    (tmp_path / name).write_text(HEAD + MISTAKES[name] + TAIL)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(netspec.SpecError) as caught:
        load_spec(name).net("train")
    (found,) = caught.value.diagnostics.errors
    place = f"`{found.mark}`"
    hint = "" if found.hint is None else f"; {found.hint}"
    assert f"{place} {found.message}{hint}" in readme


def test_a_label_out_of_range_gets_the_message_in_the_table(readme, tmp_path):
    labels = np.array([0] * 37 + [10, 1, 2])
    np.savez(tmp_path / "bad.npz", data=np.zeros((40, 1, 8, 8), np.uint8), label=labels)
    spec = {
        "name": "labels",
        "data": {
            **{"source": "npz", "file": str(tmp_path / "bad.npz"), "shape": [1, 8, 8], "classes": 10},
            "train": {"batch_size": 4},
        },
        "layers": [
            {"name": "ip", "type": "InnerProduct", "num_output": 10},
            {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
        ],
        "solver": {"type": "SGD", "base_lr": 0.1, "max_iter": 1},
    }
    net = netspec.compile(spec, device="reference")
    with pytest.raises(netspec.DataError) as caught:
        net.step()
    assert f"`{caught.value}`" in readme
