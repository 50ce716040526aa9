"""The CUDA driver as netspec uses it: thin methods over ``cuda.bindings.driver``, failures as one sentence.

The functions are passed in, so that a stand-in can take their place where
there is no GPU. Handles and addresses go through as the functions give them.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from runtime.errors import ResourceError, UsageError
from runtime.memory import readable

LEAST_CAPABILITY = (8, 0)
"""Compute capability of the oldest GPUs that kernels are made for."""

FREE_SHARED = 48 * 1024
"""Bytes of shared memory a block gets without asking for more."""

EXTRA = "pip install 'netspec[cuda]' (netspec[cuda12] for a driver of CUDA 12)"


class DriverError(Exception):
    """The driver refused what netspec asked of it, or a kernel failed: a bug, or a GPU that is out of order.

    ``code`` is the driver's.
    """

    def __init__(self, code: Any, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Properties:
    """What a GPU says of itself.

    Parameters
    ----------
    name
        The maker's.
    capability
        Compute capability, (9, 0) for Hopper.
    processors
        Streaming multiprocessors.
    memory
        Bytes.
    shared
        Bytes of shared memory that a block may ask for.
    """

    name: str
    capability: tuple[int, int]
    processors: int
    memory: int
    shared: int

    @property
    def architecture(self) -> str:
        """The compute capability as people write it: 9.0."""
        return ".".join(map(str, self.capability))


def load_api() -> Any:
    """The functions of ``cuda.bindings.driver``.

    Raises
    ------
    UsageError
        The extra is not installed.
    """
    if importlib.util.find_spec("numba_cuda") is None or _spec("cuda.bindings") is None:
        raise UsageError(f"the device cuda needs the extra netspec[cuda]: {EXTRA}")
    return importlib.import_module("cuda.bindings.driver")


def _spec(name: str) -> Any:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:  # of the package around it
        return None


class Driver:
    """The driver of this machine.

    Parameters
    ----------
    api
        ``cuda.bindings.driver``, or what has its functions and constants.

    Raises
    ------
    UsageError
        There is no driver, it is too old for the extra that is installed, or it sees no GPU.
    """

    def __init__(self, api: Any) -> None:
        self.api = api
        no_device = api.CUresult.CUDA_ERROR_NO_DEVICE
        try:
            code = api.cuInit(0)[0]
            version = api.cuDriverGetVersion()[1]
        except Exception as error:  # the bindings raise what their loader raises, of no common class
            absent = type(error).__name__ == "DynamicLibNotFoundError"
            raise UsageError(
                "the device cuda needs the NVIDIA driver, and libcuda.so.1 "
                + ("is not on this machine" if absent else f"cannot be used ({_first_line(error)})")
                + ": install the driver, or use --device cpu"
            ) from error
        needed = _toolkit_major()
        if needed and version // 1000 < needed:
            raise UsageError(
                f"the NVIDIA driver knows CUDA {version // 1000}.{version % 1000 // 10}, the installed extra needs "
                f"CUDA {needed}: install a newer driver, or netspec[cuda{version // 1000}]"
            )
        if code == no_device or (code == api.CUresult.CUDA_SUCCESS and self.count() == 0):
            raise UsageError(
                "the NVIDIA driver finds no GPU: look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu"
            )
        if code != api.CUresult.CUDA_SUCCESS:
            raise UsageError(f"the NVIDIA driver does not start: {self._reason(code)}; look at nvidia-smi")

    def _do(self, name: str, *args: Any) -> Any:
        """What a function answers behind its status: nothing, one value, or a tuple."""
        code, *found = getattr(self.api, name)(*args)
        if code != self.api.CUresult.CUDA_SUCCESS:
            raise DriverError(code, f"{name}: {self._reason(code)}")
        return found[0] if len(found) == 1 else tuple(found)

    def _reason(self, code: Any) -> str:
        """``CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)``."""
        name, text = (getattr(self.api, f)(code)[1] for f in ("cuGetErrorName", "cuGetErrorString"))
        return f"{_text(name)} ({_text(text)})"

    # devices

    def count(self) -> int:
        """GPUs."""
        return int(self._do("cuDeviceGetCount"))

    def device(self, index: int) -> Any:
        """The handle of a GPU."""
        return self._do("cuDeviceGet", index)

    def properties(self, device: Any) -> Properties:
        """What a GPU says of itself."""
        kinds = self.api.CUdevice_attribute

        def attribute(kind: Any) -> int:
            return int(self._do("cuDeviceGetAttribute", kind, device))

        return Properties(
            _text(self._do("cuDeviceGetName", 128, device)),
            (
                attribute(kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                attribute(kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            ),
            attribute(kinds.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
            int(self._do("cuDeviceTotalMem", device)),
            attribute(kinds.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
        )

    def retain(self, device: Any) -> Any:
        """The primary context of a GPU, made if there is none."""
        return self._do("cuDevicePrimaryCtxRetain", device)

    def release(self, device: Any) -> None:
        """Gives a retained context back."""
        self._do("cuDevicePrimaryCtxRelease", device)

    def use(self, context: Any) -> None:
        """Makes a context the one of this thread."""
        self._do("cuCtxSetCurrent", context)

    # memory

    def free_memory(self) -> int:
        """Bytes that may be allocated."""
        return int(self._do("cuMemGetInfo")[0])

    def alloc(self, size: int, what: str) -> int:
        """Address of ``size`` bytes on the device, a multiple of 256; ``what`` they are for goes into messages.

        Raises
        ------
        ResourceError
            There are not so many.
        """
        free = f"{readable(self.free_memory())} are free"
        return self._room("cuMemAlloc", size, f"{what} needs {readable(size)} of the GPU's memory, {free}")

    def _room(self, name: str, size: int, short: str) -> int:
        """The address that a function gives; ``short`` says what is not to be had."""
        try:
            return int(self._do(name, size))
        except DriverError as error:
            if error.code == self.api.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
                raise ResourceError(f"{short}: a smaller --batch helps") from error
            raise

    def free(self, address: int) -> None:
        """Frees what ``alloc`` gave."""
        self._do("cuMemFree", address)

    def alloc_host(self, size: int) -> int:
        """Address of ``size`` page-locked bytes of the host.

        Raises
        ------
        ResourceError
            There are not so many.
        """
        return self._room("cuMemAllocHost", size, f"there are no {readable(size)} of page-locked memory for the input")

    def free_host(self, address: int) -> None:
        """Frees what ``alloc_host`` gave."""
        self._do("cuMemFreeHost", address)

    def upload(self, to: int, source: int, size: int, stream: Any) -> None:
        """Copies from the host to the device; page-locked memory must stay as it is until the stream is there."""
        self._do("cuMemcpyHtoDAsync", to, source, size, stream)

    def download(self, to: int, source: int, size: int, stream: Any) -> None:
        """Copies from the device to the host; there once the stream is done."""
        self._do("cuMemcpyDtoHAsync", to, source, size, stream)

    def copy(self, to: int, source: int, size: int, stream: Any) -> None:
        """Copies on the device."""
        self._do("cuMemcpyDtoDAsync", to, source, size, stream)

    def fill(self, to: int, byte: int, size: int, stream: Any) -> None:
        """Writes a byte ``size`` times on the device."""
        self._do("cuMemsetD8Async", to, byte, size, stream)

    # kernels

    def load(self, cubin: bytes) -> Any:
        """A module of machine code."""
        return self._do("cuModuleLoadData", cubin)

    def unload(self, module: Any) -> None:
        """Lets go of a module and its functions."""
        self._do("cuModuleUnload", module)

    def function(self, module: Any, symbol: str) -> Any:
        """A kernel of a module."""
        return self._do("cuModuleGetFunction", module, symbol.encode())

    def allow_shared(self, function: Any, size: int) -> None:
        """Lets a kernel be launched with so much dynamic shared memory; needed above ``FREE_SHARED`` bytes."""
        kind = self.api.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        self._do("cuFuncSetAttribute", function, kind, size)

    def launch(self, function: Any, grid: Sequence[int], block: int, shared: int, parameters: int, stream: Any) -> None:
        """Launches a kernel; ``parameters`` is the address of an array of pointers, one to each parameter's bytes."""
        self._do("cuLaunchKernel", function, *grid, block, 1, 1, shared, stream, parameters, 0)

    # streams and events

    def stream(self) -> Any:
        """A stream that does not wait for the legacy one."""
        return self._do("cuStreamCreate", int(self.api.CUstream_flags.CU_STREAM_NON_BLOCKING))

    def end_stream(self, stream: Any) -> None:
        """Destroys a stream."""
        self._do("cuStreamDestroy", stream)

    def wait(self, stream: Any) -> None:
        """Returns once everything on the stream is done; here a kernel's failure shows."""
        self._do("cuStreamSynchronize", stream)

    def event(self, timed: bool = False) -> Any:
        """An event."""
        flags = self.api.CUevent_flags
        return self._do("cuEventCreate", int(flags.CU_EVENT_DEFAULT if timed else flags.CU_EVENT_DISABLE_TIMING))

    def end_event(self, event: Any) -> None:
        """Destroys an event."""
        self._do("cuEventDestroy", event)

    def record(self, event: Any, stream: Any, external: bool = False) -> None:
        """Sets the event when the stream gets here; ``external``: also from a graph that is being captured."""
        flags = self.api.CUevent_record_flags
        flag = flags.CU_EVENT_RECORD_EXTERNAL if external else flags.CU_EVENT_RECORD_DEFAULT
        self._do("cuEventRecordWithFlags", event, stream, int(flag))

    def after(self, stream: Any, event: Any) -> None:
        """Lets a stream wait for an event."""
        self._do("cuStreamWaitEvent", stream, event, 0)

    def seconds(self, start: Any, end: Any) -> float:
        """Time between two timed events that are set."""
        return 1e-3 * float(self._do("cuEventElapsedTime", start, end))

    # graphs

    def begin_capture(self, stream: Any) -> None:
        """From now on work on the stream is noted down, not done."""
        self._do("cuStreamBeginCapture", stream, self.api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)

    def end_capture(self, stream: Any) -> Any:
        """The graph of what was noted down."""
        return self._do("cuStreamEndCapture", stream)

    def instantiate(self, graph: Any) -> Any:
        """A graph made ready to run; the graph itself is gone then."""
        try:
            return self._do("cuGraphInstantiate", graph, 0)
        finally:
            self._do("cuGraphDestroy", graph)

    def replay(self, instance: Any, stream: Any) -> None:
        """Runs an instantiated graph."""
        self._do("cuGraphLaunch", instance, stream)

    def end_graph(self, instance: Any) -> None:
        """Destroys an instantiated graph."""
        self._do("cuGraphExecDestroy", instance)


def _text(name: Any) -> str:
    """A C string as the bindings give it."""
    data = name if isinstance(name, bytes) else bytes(str(name), "utf-8")
    return data.split(b"\0")[0].decode("utf-8", "replace")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _toolkit_major() -> int:
    """Major version of the CUDA that kernels are linked with, 0 if it cannot be told."""
    for name in ("nvidia-nvjitlink", "nvidia-nvjitlink-cu12"):
        try:
            return int(metadata.version(name).split(".")[0])
        except metadata.PackageNotFoundError:
            continue
    return 0
