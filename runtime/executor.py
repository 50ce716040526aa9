"""Executors: a plan bound to memory and, on a device, to kernels.

``open_executor`` is the way in. ``Store`` holds what the plans of one net
share (parameters, solver state, running statistics, carried state); an
executor owns the rest: arena, gradients, head.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runtime.errors import UsageError
from runtime.memory import require
from runtime.plan import HEAD, NUMPY_DTYPE, STATE_MEMORY, Plan, View
from runtime.vector.kernel import Kernel

SPARE = 512
"""Bytes before and behind each memory that kernels may read."""

NOT_FINITE = 1
"""What ``Executor.run`` answers where a guard stopped the walk; else 0."""

FEW_CHANNELS = 8
"""Up to here an input is copied channel by channel: three times faster for three channels of 224 x 224."""

_DEVICES = {"cpu": "runtime.cpu.executor", "cuda": "runtime.cuda.executor", "reference": "runtime.reference.executor"}
_NUMBERED = ("cuda",)
"""Devices of which there may be several: ``cuda:1``."""


@dataclass(frozen=True)
class Traits:
    """A device as it describes itself.

    Parameters
    ----------
    vector_bytes
        Bytes of a vector register.
    ways
        By a primitive's class name, the ways (``runtime.ways``) it has kernels for, the plain ones left out.
    halo
        Whether its kernels read zeros around a padded map; else they test for the border.
    fused_updates
        Whether a product can update a weight in place of writing its gradient.
    on_host
        Whether its memory is the host's.
    """

    vector_bytes: int = 64
    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    halo: bool = True
    fused_updates: bool = True
    on_host: bool = True


class Memory:
    """``size`` zeroed bytes, 64-byte aligned, with ``SPARE`` readable bytes on both sides."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._room = np.zeros(size + 2 * SPARE + 64, np.uint8)
        skip = -self._room.ctypes.data % 64
        self._whole = self._room[skip : skip + size + 2 * SPARE]
        self.bytes = self._whole[SPARE : SPARE + size]
        self.address = self._whole.ctypes.data + SPARE

    def array(self, view: View) -> np.ndarray:
        """The view's elements, not copied."""
        strides = tuple(s * view.item_bytes for s in view.strides)
        dtype = np.dtype(NUMPY_DTYPE[view.dtype])
        return np.ndarray(view.shape, dtype, self._whole, SPARE + view.offset, strides)

    def poison(self, spare_only: bool = False) -> None:
        """Fills the memory (or its margins alone) with bytes that are NaN as floats."""
        self._whole[:SPARE] = self._whole[SPARE + self.size :] = 0xFF
        if not spare_only:
            self.bytes[:] = 0xFF


class Store:
    """The memories that live as long as a net.

    Parameters
    ----------
    sizes
        Bytes of each of ``STATE_MEMORY``; other keys are ignored, missing ones are 0.

    Attributes
    ----------
    version
        Goes up with every ``changed``.
    twins
        By device, what executors apart from the host's memory keep of it there.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.memories = {name: Memory(sizes.get(name, 0)) for name in STATE_MEMORY}
        self.version = 0
        self.twins: dict[Hashable, object] = {}

    def changed(self) -> None:
        """Tells executors that arrays of states were written to: they hold packed weights, or a copy elsewhere."""
        self.version += 1

    def add(self, sizes: Mapping[str, int]) -> bool:
        """Makes the memories that were not needed so far; whether there was one."""
        new = {name: Memory(sizes[name]) for name, old in self.memories.items() if sizes.get(name, 0) > old.size == 0}
        self.memories.update(new)
        return bool(new)

    def array(self, view: View) -> np.ndarray:
        """The elements of a view on a state memory, not copied."""
        return self.memories[view.memory].array(view)


class Executor:
    """Base of all executors: memory, feeding and reading.

    Parameters
    ----------
    plan
        What to run.
    store
        State memories, of at least the plan's sizes.

    Attributes
    ----------
    threads
        Members of the team that runs it.
    meanwhile
        Called during ``run`` by a device that computes apart from the host, while it does: time to ``stage``.
    """

    threads = 1
    meanwhile: Callable[[], None] | None = None

    def __init__(self, plan: Plan, store: Store) -> None:
        for name in STATE_MEMORY:
            have, need = store.memories[name].size, plan.memory.get(name, 0)
            if have < need:
                raise ValueError(f"the store's {name} has {have} bytes, the plan needs {need}")
        self.plan = plan
        self.store = store
        self._fed: dict[str, np.ndarray] = {}
        self._made: dict[str, np.ndarray] = {}
        self._open()

    def _open(self) -> None:
        """Takes the memories that the executor owns and fills in what is known: ``_head`` and the literals."""
        own = {name: Memory(size) for name, size in self.plan.memory.items() if name not in STATE_MEMORY}
        own.setdefault("head", Memory(8 * len(HEAD)))
        self.memories = {**self.store.memories, **own}
        self._head = self.memories["head"].array(HEAD_VIEW)
        for view, array in self.plan.literals:
            self.array(view)[...] = array

    def set(self, name: str, number: float) -> None:
        """Writes one of the numbers of ``HEAD``.

        Raises
        ------
        UsageError
            An unknown name.
        """
        if name not in HEAD:
            raise UsageError(f"the head has no {name!r}; it has {', '.join(HEAD)}")
        self._head[HEAD.index(name)] = number

    def feed(self, name: str, array: Any) -> None:
        """Copies ``array`` (the input's logical shape, any dtype) into an input.

        Raises
        ------
        UsageError
            An unknown input or another shape.
        """
        there = self._fed.get(name)
        if there is None:
            there = self._fed[name] = self.array(self._input(name))
        self._write(name, there, array)

    def stage(self, name: str, array: Any) -> None:
        """Says what will be fed next: a device apart from the host copies it ahead, others do nothing.

        A later ``feed`` of the same object, unchanged, costs nothing then.
        """

    def _input(self, name: str) -> View:
        """Where an input lies."""
        view = self.plan.inputs.get(name)
        if view is None:
            raise UsageError(f"the plan has no input {name!r}; it has {', '.join(self.plan.inputs) or 'none'}")
        return view

    def _write(self, name: str, there: np.ndarray, array: Any) -> None:
        """Copies what is fed into an array of the input's logical shape."""
        array = np.asarray(array)
        if array.shape != there.shape:
            raise UsageError(f"input {name!r} has shape {there.shape}, got {array.shape}")
        if array.dtype == there.dtype:
            _copy(there, array)
        else:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes inf, and the guard tells
                _copy(there, array)

    def output(self, name: str) -> np.ndarray:
        """A fresh array of one of the plan's outputs."""
        there = self._made.get(name)
        if there is None:
            there = self._made[name] = self.array(self.plan.outputs[name])
        return np.array(there, order="C")

    def array(self, view: View) -> np.ndarray:
        """The elements of a view, strided, not copied; valid until the executor runs again."""
        return self.memories[view.memory].array(view)

    def run(self, *segments: str) -> int:
        """Runs the steps of these segments in the plan's order.

        Returns
        -------
        int
            0, or ``NOT_FINITE`` where a guard found a number that is not finite.
        """
        raise NotImplementedError

    def time_steps(self, *segments: str) -> list[float] | None:
        """As ``run``, each step alone: its seconds, in the plan's order; None where the device cannot tell."""
        return None

    def peak(self) -> float | None:
        """Arithmetic operations a second that the device reaches, None where it cannot tell."""
        return None

    def bandwidth(self) -> float | None:
        """Bytes a second that the device reads and writes where no cache helps, None where it cannot tell."""
        return None

    def close(self) -> None:
        """Lets go of the memory that the executor owns."""
        self.memories = dict(self.store.memories)
        self._fed.clear()
        self._made.clear()


HEAD_VIEW = View("head", 0, (len(HEAD),), (1,), "f64")


def _copy(there: np.ndarray, array: np.ndarray) -> None:
    """``there[...] = array``; where few channels lie innermost, one after the other: numpy loops over the innermost."""
    if there.ndim == 4 and 1 < there.shape[1] <= FEW_CHANNELS and there.strides[1] == there.itemsize:
        for c in range(there.shape[1]):
            there[:, c] = array[:, c]
    else:
        there[...] = array


def open_executor(plan: Plan, store: Store, device: str = "cpu", threads: int | None = None) -> Any:
    """An executor of ``plan`` on a device.

    Parameters
    ----------
    plan, store
        What to run, and the state it shares with the net's other plans.
    device
        ``cpu``, ``cuda`` (the first GPU), ``cuda:1``, .. or ``reference`` (plain NumPy).
    threads
        Members of the CPU's team; ``NETSPEC_THREADS`` or all usable cores unless given.

    Raises
    ------
    UsageError
        An unknown device, one that this machine has not, or threads out of range.
    """
    return _module(device).open_plan(plan, store, threads, device)


def traits(device: str = "cpu") -> Traits:
    """What choosing between ways must know of a device.

    Raises
    ------
    UsageError
        An unknown device.
    """
    found: Traits = _module(device).traits()
    return found


def kernels_of(plan: Plan, device: str = "cpu") -> list[list[Kernel]]:
    """The kernels of each step of a plan; none where a device has none. Nothing is compiled, no GPU is needed."""
    found: list[list[Kernel]] = _module(device).kernels_of(plan)
    return found


def require_memory(size: int, device: str, what: str, remedy: str) -> None:
    """Raises ResourceError if a plan wants more of the host's memory than there is; a GPU asks for its own itself.

    Parameters
    ----------
    size
        Bytes.
    device
        Where the plan is to run.
    what, remedy
        See ``runtime.memory.require``.
    """
    if traits(device).on_host:
        require(size, what, remedy)


def _module(device: str) -> Any:
    kind, colon, _ = device.partition(":")
    if kind not in _DEVICES or (colon and kind not in _NUMBERED):
        raise UsageError(f"there is no device {device!r}; devices: {', '.join(_DEVICES)}")
    # imported here: one device must not pay for, or need, what another imports
    return importlib.import_module(_DEVICES[kind])
