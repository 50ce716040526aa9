"""What only a GPU can show (marker cuda): every primitive, random plans, every zoo net, compute-sanitizer.

One case of each kind runs on the fake driver too, so that these tests are known to work before a GPU is there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from cuda_device import check_on_cuda, skip_without_a_gpu
from fake_gpu import on_fake_gpu
from primitive_cases import PRIMITIVES, Case, fixed
from random_graphs import random_graph

import netspec
from compiler.autodiff import gradients
from compiler.compile import compile_graph
from netspec import zoo
from netspec.reports.batches import random_batch
from netspec.reports.gradcheck import gradcheck
from netspec.spec.load import load_spec
from netspec.targets import target_of
from runtime import ops
from runtime.executor import Store, open_executor
from runtime.plan import SEGMENTS

BOUND = 1e-9
"""Parity in float64 (docs/reliability.md), relative to the largest element."""

ZOO_BOUND = 1e-2
"""Of the parameters' change in two steps: dozens of layers in float32 whose sums run in another order."""

SMALL = ("digits", "lenet", "cifar10_quick", "resnet20", "char_lstm")
"""Nets whose gradients are checked: each element takes five runs."""


@pytest.fixture
def real() -> None:
    skip_without_a_gpu()


@pytest.fixture
def fake() -> Iterator[None]:
    with on_fake_gpu():
        yield


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("case", [fixed(ops.Map)[0], fixed(ops.Reduce)[0]], ids=str)
def test_a_case_on_the_fake_driver_agrees_with_the_reference(case: Case):
    check_on_cuda(case, "float32", 0)


@pytest.mark.cuda
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", fixed(*PRIMITIVES), ids=str)
def test_every_primitive_agrees_with_the_reference(case: Case, dtype: str, seed: int | None):
    check_on_cuda(case, dtype, seed)


def values_of(seed: int, device: str, disabled: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Loss, gradients and states of a random graph after one step."""
    made = random_graph(seed)
    graph = made.b.graph
    found = gradients(made.b, made.loss, list(graph.inputs.values()))
    graph.blob_grads = {name: g for name, g in zip(graph.inputs, found, strict=True) if g is not None}
    plan = compile_graph(graph, target_of("cuda", "f64"), disabled=disabled)
    executor = open_executor(plan, Store(plan.memory), device)
    try:
        for name, number in made.numbers.items():
            executor.set(name, number)
        assert executor.run("init") == 0
        for name, array in made.feeds.items():
            executor.feed(name, array)
        assert executor.run(*SEGMENTS[1:]) == 0
        views = {"loss": plan.loss, **plan.blob_grads, **{s.name: s.view for s in plan.states}}
        return {name: executor.array(view).copy() for name, view in views.items() if view is not None}
    finally:
        executor.close()


@pytest.mark.cuda
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("seed", range(100))
def test_a_random_plan_agrees_with_the_reference(seed: int):
    expected = values_of(seed, "reference")
    found, unfused, again = values_of(seed, "cuda"), values_of(seed, "cuda", ("fuse",)), values_of(seed, "cuda")
    for name, want in expected.items():
        scale = max(1e-3, float(np.abs(want).max(initial=0.0)))
        for got in (found[name], unfused[name]):
            assert np.abs(got - want).max(initial=0.0) <= BOUND * scale, name
    assert {n: a.tobytes() for n, a in found.items()} == {n: a.tobytes() for n, a in again.items()}


def two_steps(name: str, device: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters at first and after two steps of a zoo net on random input."""
    net = netspec.compile(load_spec(zoo.find(name)), batch_size=4, device=device, seed=1)
    try:
        before = {n: np.array(net.params[n]) for n in net.params}
        for k in range(2):
            net.step(**random_batch(net.resolved, np.random.default_rng(k)))
        return before, {n: np.array(net.params[n]) for n in net.params}
    finally:
        net.close()


def trainable(name: str) -> bool:
    spec = load_spec(zoo.find(name))
    return spec.solver is not None


@pytest.mark.cuda
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", zoo.names())
def test_a_zoo_net_trains_as_on_the_cpu_and_repeats_to_the_bit(name: str):
    if not trainable(name):
        pytest.skip("no solver: this net is not trained")
    first, ours = two_steps(name, "cuda")
    start, reference = two_steps(name, "cpu")
    for n, want in reference.items():
        np.testing.assert_allclose(first[n], start[n], rtol=1e-5, atol=1e-7, err_msg=n)
        moved = max(float(np.sqrt(np.mean(np.square(want - start[n], dtype=np.float64)))), 1e-9)
        # single elements may sit at a kink: most must follow
        assert np.quantile(np.abs(ours[n] - want), 0.99) <= ZOO_BOUND * moved + 1e-7, n
    again = two_steps(name, "cuda")[1]
    assert [n for n in ours if ours[n].tobytes() != again[n].tobytes()] == []


@pytest.mark.cuda
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", SMALL)
def test_gradients_of_a_zoo_net_are_right(name: str):
    found = gradcheck(load_spec(zoo.find(name)), batch=2, samples=16, device="cuda")
    assert found.passed, found.to_text()


@pytest.mark.cuda
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("tool", ["memcheck", "racecheck", "initcheck"])
def test_compute_sanitizer_finds_nothing(tool: str, tmp_path):
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("compute-sanitizer is not on the PATH (it comes with the CUDA toolkit)")
    train = [sys.executable, "-m", "netspec.cli.main", "train", "digits", "--device", "cuda", "--max-iter", "5"]
    command = [sanitizer, "--tool", tool, "--error-exitcode", "99", *train, "--output", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
