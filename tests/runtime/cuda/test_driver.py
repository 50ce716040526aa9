from __future__ import annotations

import importlib
import importlib.util
import inspect
import re

import fake_enums
import numpy as np
import pytest
from fake_cuda import FakeCodes, FakeCuda
from fake_enums import CUresult
from fake_gpu import fake_gpu, shorten_measurements
from fake_streams import Misuse

from runtime.cuda import driver, gpu, measure
from runtime.cuda.driver import Driver
from runtime.cuda.gpu import Gpu
from runtime.cuda.launch import Launch
from runtime.cuda.memory import Pinned, Room
from runtime.errors import UsageError
from runtime.vector.kernel import Kernel

needs_bindings = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="the extra netspec[cuda] is not installed"
)
FUNCTIONS = sorted(set(re.findall(r"\"(cu[A-Z]\w+)\"|api\.(cu[A-Z]\w+)\(", inspect.getsource(driver))))
NAMES = [a or b for a, b in FUNCTIONS]


def test_the_fake_has_every_function_that_is_called():
    assert len(NAMES) > 30
    assert [name for name in NAMES if not hasattr(FakeCuda, name)] == []


@needs_bindings
@pytest.mark.parametrize("name", NAMES)
def test_the_fake_takes_the_arguments_that_the_bindings_take(name):
    real = getattr(importlib.import_module("cuda.bindings.driver"), name)
    declared = re.match(rf"{name}\((.*)\)", real.__doc__.splitlines()[0])
    assert declared is not None
    theirs = [re.split(r"[ *]+", part.partition(":")[0].strip())[-1] for part in declared[1].split(",") if part.strip()]
    ours = list(inspect.signature(getattr(FakeCuda, name)).parameters)[1:]
    assert ours == theirs


@needs_bindings
@pytest.mark.parametrize("enum", fake_enums.ENUMS, ids=lambda e: e.__name__)
def test_the_fakes_constants_are_the_bindings(enum):
    real = getattr(importlib.import_module("cuda.bindings.driver"), enum.__name__)
    assert {m.name: int(m) for m in enum} == {m.name: int(getattr(real, m.name)) for m in enum}


@pytest.mark.parametrize(
    ("api", "message"),
    [
        (FakeCuda(gpus=0), "finds no GPU: look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu"),
        (FakeCuda(failure=CUresult.CUDA_ERROR_NO_DEVICE), "finds no GPU"),
        (
            FakeCuda(failure=CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH),
            r"does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH \(as the driver puts it\)",
        ),
    ],
)
def test_a_driver_that_cannot_be_used_says_why(api, message):
    with pytest.raises(UsageError, match=message):
        Driver(api)


def test_a_driver_older_than_the_extra_is_refused_with_both_versions(monkeypatch):
    monkeypatch.setattr(driver, "_toolkit_major", lambda: 13)
    message = r"knows CUDA 12\.4, the installed extra needs CUDA 13: install a newer driver, or netspec\[cuda12\]"
    with pytest.raises(UsageError, match=message):
        Driver(FakeCuda(version=12040))


def test_without_libcuda_the_driver_is_asked_for():
    class NoLibrary(FakeCuda):
        def cuInit(self, Flags: int) -> tuple[object, ...]:
            raise RuntimeError('"cuda" can only be found via system search.\nmore')

    with pytest.raises(UsageError, match=r"libcuda\.so\.1 cannot be used \(.* system search\): install the driver"):
        Driver(NoLibrary())


@needs_bindings
def test_the_bindings_themselves_say_that_there_is_no_driver():
    found = driver.load_api()
    try:
        found.cuInit(0)
    except Exception:
        with pytest.raises(UsageError, match=r"libcuda\.so\.1 is not on this machine: install the driver, or use"):
            Driver(found)
    else:
        pytest.skip("there is a driver here")


def test_without_the_extra_its_name_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"the device cuda needs the extra netspec\[cuda\]: pip install"):
        driver.load_api()


def test_an_old_gpu_is_refused():
    with pytest.raises(UsageError, match=r"compute capability 7\.5, the kernels need 8\.0 or later: use --device cpu"):
        Gpu(Driver(FakeCuda(capability=(7, 5))), 0, FakeCodes())


def test_an_unexpected_answer_names_the_function():
    found = fake_gpu()
    with pytest.raises(driver.DriverError, match="cuModuleLoadData: CUDA_ERROR_INVALID_IMAGE"):
        found.driver.load(b"no cubin")
    with pytest.raises(driver.DriverError, match="cuMemAlloc: CUDA_ERROR_INVALID_VALUE"):
        found.driver.alloc(0, "nothing")


@pytest.mark.parametrize(("name", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:12", 12)])
def test_names_of_gpus(name, number):
    assert gpu.index_of(name) == number


def test_more_shared_memory_than_is_free_is_asked_for_once():
    api = FakeCuda()
    found = fake_gpu(api)
    kernel = Kernel("nothing", "def kernel(args):\n    pass\n")
    launches = [Launch(kernel, (), (1, 1, 1), 32, shared) for shared in (1000, 60_000, 50_000, 72_000)]
    for x in launches:
        bound = measure.Bound(found, [x], {})
        bound.launch([x])
    found.wait()
    assert (api.calls["cuFuncSetAttribute"], api.calls["cuModuleLoadData"]) == (2, 1)


def test_more_shared_memory_than_a_block_may_have_is_refused_with_the_kernels_name():
    found = fake_gpu()
    kernel = Kernel("greedy", "def kernel(args):\n    pass\n")
    with pytest.raises(UsageError, match=r"of shared memory for a block, the kernel greedy needs .*: use math: fast"):
        measure.Bound(found, [Launch(kernel, (), (1, 1, 1), 32, 300_000)], {})


def test_the_fake_sees_what_a_real_driver_may_forgive():
    found = fake_gpu()
    room, pinned = Room(found, 100, "x"), Pinned(found, 64)
    d = found.driver
    d.upload(room.address, pinned.address, 64, found.stream)
    with pytest.raises(Misuse, match="cuMemFree while work is waiting"):
        room.close()
    pinned.bytes[:] = 7
    found.wait()
    data = np.zeros(64, np.uint8)
    d.download(data.ctypes.data, room.address, 64, found.stream)
    assert (data == 0).all(), "not there before somebody waited"
    d.wait(found.stream)
    assert (data == 7).all(), "page-locked memory is read late"
    with pytest.raises(Misuse, match="from page-locked byte 0 of 64"):
        d.upload(room.address, pinned.address, 65, found.stream)
    d.copy(room.address + 200, room.address, 100, found.stream)
    with pytest.raises(Exception, match="outside of every allocation"):
        found.wait()
    d.begin_capture(found.stream)
    with pytest.raises(Misuse, match="not page-locked"):
        d.upload(room.address, data.ctypes.data, 8, found.stream)
    with pytest.raises(Misuse, match="cuStreamSynchronize during a capture"):
        d.wait(found.stream)
    graph = d.instantiate(d.end_capture(found.stream))
    room.close()
    pinned.close()
    d.end_graph(graph)
    with pytest.raises(Misuse, match="destroyed"):
        d.replay(graph, found.stream)


def test_what_is_measured_divides_work_by_time(monkeypatch):
    shorten_measurements(monkeypatch)
    api = FakeCuda()
    found = fake_gpu(api)
    # the fake's clock ticks once, a ms, for each thing done: the copy and the end's mark
    assert measure.bandwidth(found) == 2 * 4096 / 1e-3 / 2
    # two processors with a block each
    assert measure.peak(found, "f32") == 2 * 8 * 4 * 3 * 32 * 2 / 1e-3 / 2
    found.close()
    assert api.leaks() == []
