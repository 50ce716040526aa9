"""Training steps of zoo nets bound and captured on the fake driver: every launch within limits, nothing left behind."""

from __future__ import annotations

import pytest
from fake_cuda import FakeCuda
from fake_gpu import fake_gpu

from compiler.compile import compile_graph
from netspec import zoo
from netspec.lowering import build_graph
from netspec.spec.load import load_spec
from netspec.targets import target_of
from runtime.cuda.executor import CudaExecutor
from runtime.cuda.order import Order
from runtime.executor import Store
from runtime.plan import STEP_SEGMENTS


@pytest.mark.parametrize("name", ["lenet", "resnet20", "googlenet", pytest.param("resnet50", marks=pytest.mark.slow)])
def test_a_whole_training_step_becomes_one_graph(name):
    net = load_spec(zoo.find(name)).net("train", batch=2)
    plan = compile_graph(build_graph(net, "f32", solver=net.spec.solver), target_of("cuda", "f32"))
    api = FakeCuda(memory=4 << 30)
    gpu = fake_gpu(api)
    executor = CudaExecutor(plan, Store(plan.memory), gpu)
    for segments in (("init",), STEP_SEGMENTS):
        Order(gpu, lambda segments=segments: executor._work(segments, ())).close()
    assert api.calls["cuLaunchKernel"] > len(plan.steps) / 2
    assert (api.calls["cuStreamBeginCapture"], api.calls["cuGraphInstantiate"]) == (2, 2)
    executor.close()
    gpu.close()
    assert api.leaks() == []
