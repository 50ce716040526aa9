"""``cuda.bindings.driver`` without a GPU: the functions that netspec uses, on NumPy memory, kernels in the emulator.

Checks what a real driver may forgive by luck: bounds and lifetime of memory,
order between streams, what may be done during a capture, parameters and limits
of launches. A wrong use raises ``Misuse``; ``leaks`` names what was not freed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from fake_enums import (
    CUdevice_attribute,
    CUevent_flags,
    CUevent_record_flags,
    CUfunction_attribute,
    CUresult,
    CUstream_flags,
    CUstreamCaptureMode,
)
from fake_memory import FakeMemory, host_bytes, ok
from fake_streams import Event, Graph, Misuse, Stream, Work

from runtime.cuda.cubins import Code, Wanted
from runtime.cuda.emulator import Machine
from runtime.vector.kernel import Kernel


class Function:
    """A kernel of a module."""

    def __init__(self, module: Module) -> None:
        self.module, self.shared = module, 48 * 1024


class Module:
    """A loaded module: the text that ``FakeCodes`` took for machine code."""

    def __init__(self, image: bytes) -> None:
        name, text, self.words, self.block = json.loads(image)
        self.kernel, self.alive = Kernel(name, text), True


class FakeCodes:
    """In place of the cache of cubins: the text is the machine code."""

    def load(self, kernels: Iterable[Wanted]) -> dict[Wanted, Code]:
        return {
            w: Code(f"entry_{w.kernel.digest}", json.dumps([w.name, w.text, w.words, w.block]).encode())
            for w in kernels
        }


class FakeCuda(FakeMemory):
    """The functions of the module, as methods; the enums as attributes.

    Parameters
    ----------
    gpus
        How many there are.
    memory
        Bytes of each.
    capability, version, failure
        What the device, the driver and ``cuInit`` answer.
    """

    CUresult = CUresult
    CUdevice_attribute = CUdevice_attribute
    CUfunction_attribute = CUfunction_attribute
    CUstream_flags = CUstream_flags
    CUevent_flags = CUevent_flags
    CUevent_record_flags = CUevent_record_flags
    CUstreamCaptureMode = CUstreamCaptureMode

    def __init__(
        self,
        gpus: int = 1,
        memory: int = 1 << 30,
        capability: tuple[int, int] = (9, 0),
        version: int = 13050,
        failure: CUresult = CUresult.CUDA_SUCCESS,
    ) -> None:
        super().__init__(memory)
        self.gpus, self.capability, self.version, self.failure = gpus, capability, version, failure
        self.log: list[str] = []
        self.machine = Machine(self.reachable)
        self._clock = [0]
        self._retained = 0
        self._events: list[Event] = []
        self._graphs: list[Graph] = []
        self._modules: list[Module] = []

    def leaks(self) -> list[str]:
        """What is still there."""
        found = [f"{len(data)} bytes of the device" for data in self.rooms.values()]
        found += [f"{len(data)} page-locked bytes" for data in self.pinned.values()]
        things = (
            ("stream", self.streams),
            ("event", self._events),
            ("graph", self._graphs),
            ("module", self._modules),
        )
        found += [f"a {name}" for name, all_of in things for thing in all_of if thing.alive]
        return found + ["a context"] * self._retained

    # start

    def cuInit(self, Flags: int) -> tuple[Any, ...]:
        return (self.failure,)

    def cuDriverGetVersion(self) -> tuple[Any, ...]:
        return ok(self.version)

    def cuGetErrorName(self, error: CUresult) -> tuple[Any, ...]:
        return ok(error.name.encode())

    def cuGetErrorString(self, error: CUresult) -> tuple[Any, ...]:
        return ok(b"as the driver puts it")

    def cuDeviceGetCount(self) -> tuple[Any, ...]:
        return ok(self.gpus)

    def cuDeviceGet(self, ordinal: int) -> tuple[Any, ...]:
        assert 0 <= ordinal < self.gpus
        return ok(ordinal)

    def cuDeviceGetName(self, length: int, dev: int) -> tuple[Any, ...]:
        return ok(b"Fake GPU\0\0\0")

    def cuDeviceTotalMem(self, dev: int) -> tuple[Any, ...]:
        return ok(self.memory)

    def cuDeviceGetAttribute(self, attrib: CUdevice_attribute, dev: int) -> tuple[Any, ...]:
        known = dict(zip(CUdevice_attribute, (2, *self.capability, 227 * 1024), strict=True))
        return ok(known[attrib])

    def cuDevicePrimaryCtxRetain(self, dev: int) -> tuple[Any, ...]:
        self._retained += 1
        return ok(f"context {dev}")

    def cuDevicePrimaryCtxRelease(self, dev: int) -> tuple[Any, ...]:
        self._retained -= 1
        return ok()

    def cuCtxSetCurrent(self, ctx: str) -> tuple[Any, ...]:
        self.context = ctx
        return ok()

    # kernels

    def cuModuleLoadData(self, image: bytes) -> tuple[Any, ...]:
        self.called("cuModuleLoadData")
        self.not_in_capture("cuModuleLoadData")
        if not image.startswith(b"["):
            return CUresult.CUDA_ERROR_INVALID_IMAGE, None
        module = Module(image)
        self._modules.append(module)
        return ok(module)

    def cuModuleUnload(self, hmod: Module) -> tuple[Any, ...]:
        self.called("cuModuleUnload")
        self.all_idle("cuModuleUnload")
        hmod.alive = False
        return ok()

    def cuModuleGetFunction(self, hmod: Module, name: bytes) -> tuple[Any, ...]:
        self.called("cuModuleGetFunction")
        if name.decode() != f"entry_{hmod.kernel.digest}":
            return CUresult.CUDA_ERROR_NOT_FOUND, None
        return ok(Function(hmod))

    def cuFuncSetAttribute(self, hfunc: Function, attrib: CUfunction_attribute, value: int) -> tuple[Any, ...]:
        self.called("cuFuncSetAttribute")
        if value > 227 * 1024:
            return (CUresult.CUDA_ERROR_INVALID_VALUE,)
        hfunc.shared = value
        return ok()

    def cuLaunchKernel(
        self,
        f: Function,
        gridDimX: int,
        gridDimY: int,
        gridDimZ: int,
        blockDimX: int,
        blockDimY: int,
        blockDimZ: int,
        sharedMemBytes: int,
        hStream: Stream,
        kernelParams: int,
        extra: int,
    ) -> tuple[Any, ...]:
        self.called("cuLaunchKernel")
        self.live(hStream, "cuLaunchKernel")
        grid = (gridDimX, gridDimY, gridDimZ)
        module = f.module
        self._check_launch(f, grid, (blockDimX, blockDimY, blockDimZ), sharedMemBytes)
        pointers = host_bytes(kernelParams, 8 * module.words).view(np.uint64)
        words = [int(host_bytes(int(p), 8).view(np.int64)[0]) for p in pointers]

        def do() -> None:
            if not module.alive:
                raise Misuse(f"kernel {module.kernel.name} runs after its module was unloaded")
            self.machine.launch(module.kernel, words, grid, blockDimX, sharedMemBytes)

        hStream.add(Work(f"launch {module.kernel.name}", self._logged(module.kernel.name, do)))
        return ok()

    def _logged(self, name: str, do: Callable[[], None]) -> Callable[[], None]:
        def both() -> None:
            self.log.append(name)
            do()

        return both

    def _check_launch(self, f: Function, grid: Sequence[int], block: Sequence[int], shared: int) -> None:
        name = f.module.kernel.name
        if not f.module.alive:
            raise Misuse(f"kernel {name} is launched after its module was unloaded")
        if not (0 < grid[0] < 1 << 31 and 0 < grid[1] < 1 << 16 and 0 < grid[2] < 1 << 16):
            raise Misuse(f"kernel {name}: a grid of {grid}")
        if tuple(block[1:]) != (1, 1) or not 0 < block[0] <= 1024 or block[0] != f.module.block:
            raise Misuse(f"kernel {name}: blocks of {block}, compiled for {f.module.block}")
        if shared > f.shared:
            raise Misuse(f"kernel {name}: {shared} bytes of shared memory, {f.shared} allowed")
        if 8 * f.module.words > 4096:
            raise Misuse(f"kernel {name}: {8 * f.module.words} bytes of parameters")

    # streams and events

    def cuStreamCreate(self, Flags: int) -> tuple[Any, ...]:
        self.called("cuStreamCreate")
        stream = Stream(self._clock)
        self.streams.append(stream)
        return ok(stream)

    def cuStreamDestroy(self, hStream: Stream) -> tuple[Any, ...]:
        self.called("cuStreamDestroy")
        self.live(hStream, "cuStreamDestroy")
        hStream.alive = False
        return ok()

    def cuStreamSynchronize(self, hStream: Stream) -> tuple[Any, ...]:
        self.called("cuStreamSynchronize")
        self.live(hStream, "cuStreamSynchronize")
        self.not_in_capture("cuStreamSynchronize")
        hStream.finish()
        return ok()

    def cuStreamWaitEvent(self, hStream: Stream, hEvent: Event, Flags: int) -> tuple[Any, ...]:
        self.called("cuStreamWaitEvent")
        self.live(hStream, "cuStreamWaitEvent")
        hStream.add(Work("wait", None, hEvent))
        return ok()

    def cuEventCreate(self, Flags: int) -> tuple[Any, ...]:
        self.called("cuEventCreate")
        event = Event(timed=Flags == CUevent_flags.CU_EVENT_DEFAULT)
        self._events.append(event)
        return ok(event)

    def cuEventDestroy(self, hEvent: Event) -> tuple[Any, ...]:
        self.called("cuEventDestroy")
        if not hEvent.alive:
            raise Misuse("an event is destroyed twice")
        hEvent.alive = False
        return ok()

    def cuEventRecordWithFlags(self, hEvent: Event, hStream: Stream, flags: int) -> tuple[Any, ...]:
        self.called("cuEventRecordWithFlags")
        self.live(hStream, "cuEventRecordWithFlags")
        hStream.record(hEvent, flags == CUevent_record_flags.CU_EVENT_RECORD_EXTERNAL)
        return ok()

    def cuEventElapsedTime(self, hStart: Event, hEnd: Event) -> tuple[Any, ...]:
        self.called("cuEventElapsedTime")
        for event in (hStart, hEnd):
            if not event.timed or event.done_at is None:
                raise Misuse("time is asked of an event that keeps none, or that is not set")
        assert hStart.done_at is not None
        assert hEnd.done_at is not None
        return ok(float(hEnd.done_at - hStart.done_at))

    # graphs

    def cuStreamBeginCapture(self, hStream: Stream, mode: CUstreamCaptureMode) -> tuple[Any, ...]:
        self.called("cuStreamBeginCapture")
        self.live(hStream, "cuStreamBeginCapture")
        assert hStream.captured is None
        hStream.captured = []
        return ok()

    def cuStreamEndCapture(self, hStream: Stream) -> tuple[Any, ...]:
        self.called("cuStreamEndCapture")
        assert hStream.captured is not None
        graph = Graph(hStream.captured)
        hStream.captured = None
        self._graphs.append(graph)
        return ok(graph)

    def cuGraphInstantiate(self, hGraph: Graph, flags: int) -> tuple[Any, ...]:
        self.called("cuGraphInstantiate")
        instance = Graph(list(hGraph.works))
        self._graphs.append(instance)
        return ok(instance)

    def cuGraphDestroy(self, hGraph: Graph) -> tuple[Any, ...]:
        self.called("cuGraphDestroy")
        hGraph.alive = False
        return ok()

    def cuGraphLaunch(self, hGraphExec: Graph, hStream: Stream) -> tuple[Any, ...]:
        self.called("cuGraphLaunch")
        if not hGraphExec.alive:
            raise Misuse("a graph runs that was destroyed")
        for work in hGraphExec.works:
            hStream.add(work)
        return ok()

    def cuGraphExecDestroy(self, hGraphExec: Graph) -> tuple[Any, ...]:
        self.called("cuGraphExecDestroy")
        self.all_idle("cuGraphExecDestroy")
        hGraphExec.alive = False
        return ok()
