"""Run by ``test_processes``: steps of one net in a parent and in its children, by fork and by spawn."""

from __future__ import annotations

import multiprocessing
import sys
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import netspec  # noqa: E402

SPEC = {
    "name": "small",
    "inputs": {"data": [1, 12, 12], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 8, "kernel_size": 3},
        {"name": "relu", "type": "ReLU"},
        {"name": "ip", "type": "InnerProduct", "num_output": 10},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ],
    "solver": {"base_lr": 0.1},
}


def batch() -> dict[str, np.ndarray]:
    """The same samples everywhere."""
    rng = np.random.default_rng(1)
    return {"data": rng.standard_normal((4, 1, 12, 12)).astype(np.float32), "label": np.array([1, 2, 3, 4])}


def losses(net: netspec.Net, steps: int) -> list[float]:
    """The losses of this many steps."""
    return [float(net.step(**batch())["loss"]) for _ in range(steps)]


def fresh(steps: int) -> list[float]:
    """The losses of a net of its own."""
    return losses(netspec.compile(SPEC, batch_size=4, threads=2), steps)


def forked(net: netspec.Net, pipe: Connection) -> None:
    """Goes on with the parent's net."""
    pipe.send(losses(net, 3))


def main() -> None:
    """Prints ok once parent and children have computed the same."""
    want = fresh(6)
    net = netspec.compile(SPEC, batch_size=4, threads=2)
    assert losses(net, 3) == want[:3]
    here, there = multiprocessing.Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads in a process that forks
        child = multiprocessing.get_context("fork").Process(target=forked, args=(net, there))
        child.start()
        assert losses(net, 3) == want[3:], "the parent goes on beside the child"
        assert here.poll(60), "the child hangs"
        assert here.recv() == want[3:]
        child.join()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(fresh, [3, 3]) == [want[:3]] * 2
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(fresh, [3]) == [want[:3]]
    print("ok")


if __name__ == "__main__":
    main()
