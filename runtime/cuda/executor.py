"""The CUDA executor: launches bound to addresses, each kind of run captured once as a graph and replayed.

A run's graph clears the status word, copies the numbers of the head and the
inputs, launches the steps, and copies the status word and the small outputs to
page-locked memory. All that changes from run to run lies in memory, so that
nothing is captured anew; the graphs differ by segments and by the slot that the
input waits in.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime import ops
from runtime.cpu.cores import thread_count
from runtime.cuda import families  # noqa: F401  (fills the registry of launchers)
from runtime.cuda.binding import Bound
from runtime.cuda.gpu import Gpu, index_of, open_gpu
from runtime.cuda.launch import ACCESS_BYTES, LAUNCHERS, Context, Launch
from runtime.cuda.measure import bandwidth, peak
from runtime.cuda.memory import Pinned, Room, Twin, downloaded, strided
from runtime.cuda.order import Order
from runtime.cuda.readback import STATUS_BYTES, Readback
from runtime.cuda.staging import SLOTS, STAGED, Fed, Staging, is_dense
from runtime.cuda.stop import stoppable, writes_state
from runtime.executor import HEAD_VIEW, NOT_FINITE, Executor, Store, Traits
from runtime.expr import arg, kind_of
from runtime.plan import HEAD, LITERALS, STATE_MEMORY, Origin, Plan, Step, View
from runtime.vector.kernel import Kernel


class CudaExecutor(Executor):
    """Runs a plan on a GPU.

    Parameters
    ----------
    plan, store
        What to run, and the state shared with other plans.
    gpu
        Where.

    Attributes
    ----------
    launches
        The launches of each step of the plan.
    kernels
        Number of distinct kernels.
    compiled, compile_seconds
        How many of them were in no cache and had to be compiled, and how long that took.

    Raises
    ------
    ResourceError
        The GPU has not enough memory.
    """

    def __init__(self, plan: Plan, store: Store, gpu: Gpu) -> None:
        self.gpu = gpu
        gpu.use()
        super().__init__(plan, store)

    def _open(self) -> None:
        """Takes the memories, uploads what is known, binds the launches."""
        self._closers: list[Any] = []
        self._orders: dict[tuple[tuple[str, ...], tuple[Fed, ...]], Order] = {}
        self._timed: dict[tuple[str, ...], tuple[Order, list[Any]]] = {}
        try:
            self._take_memory()
        except BaseException:
            self._give_back()
            raise

    def _take_memory(self) -> None:
        plan, gpu = self.plan, self.gpu
        self.memories = dict(self.store.memories)
        context = Context(plan.dtype, plan.math)
        self.launches: list[list[Launch]] = [stoppable(s, context.launches(s)) for s in plan.steps]
        self._writing = {s.segment for s in plan.steps if writes_state(s)}
        self._twin: Twin = self._kept(Twin.of(gpu, self.store))
        self._rooms: dict[str, Room] = dict(self._twin.rooms)
        sizes = {name: size for name, size in plan.memory.items() if name not in STATE_MEMORY}
        sizes |= {"head": 8 * len(HEAD), "status": STATUS_BYTES, "scratch": context.scratch_bytes}
        for name, size in sizes.items():
            self._rooms[name] = self._kept(Room(gpu, size, f"the {plan.phase} phase ({name})"))
        self._pinned_head: Pinned = self._kept(Pinned(gpu, 8 * len(HEAD)))
        self._head = strided(HEAD_VIEW, self._pinned_head.bytes)
        self._readback: Readback = self._kept(Readback(gpu, plan, self._rooms))
        self._staging: Staging | None = None
        self._spread: dict[Fed, Bound] = {}
        self._upload_literals()
        self._bound = Bound(gpu, [x for step in self.launches for x in step], self._rooms)
        self.compiled, self.compile_seconds = self._bound.compiled, self._bound.seconds
        gpu.wait()

    def _kept(self, thing: Any) -> Any:
        """``thing``, remembered to be closed."""
        self._closers.append(thing)
        return thing

    def _upload_literals(self) -> None:
        size = self.plan.memory.get(LITERALS, 0)
        image = np.zeros(size, np.uint8)
        for view, array in self.plan.literals:
            low, high = view.extent()
            strided(view, image[low:high])[...] = array
        if size:
            self.gpu.driver.upload(self._rooms[LITERALS].address, image.ctypes.data, size, self.gpu.stream)
            self.gpu.driver.wait(self.gpu.stream)

    @property
    def kernels(self) -> int:
        """Number of distinct kernels."""
        return len({x.kernel for step in self.launches for x in step})

    def run(self, *segments: str) -> int:
        """Runs the steps of these segments in the plan's order, as one graph.

        Returns
        -------
        int
            0, or ``NOT_FINITE`` where a guard found a number that is not finite; no state was written then.
        """
        self._begin()
        taken = self._staging.take() if self._staging is not None else ()
        order = self._orders.get((segments, taken))
        if order is None:
            order = self._orders[segments, taken] = Order(self.gpu, lambda: self._work(segments, taken))
        order.replay()
        try:
            if self.meanwhile is not None:
                self.meanwhile()
        finally:
            status = self._end(segments)
        return status

    def _begin(self) -> None:
        self.gpu.use()
        self._twin.refresh()

    def _end(self, segments: Sequence[str]) -> int:
        """Waits; the status word."""
        self.gpu.driver.wait(self.gpu.stream)
        if not self._writing.isdisjoint(segments):
            self._twin.written()
        return NOT_FINITE if self._readback.status else 0

    def _work(self, segments: Sequence[str], taken: Sequence[Fed]) -> None:
        """Puts a run on the stream."""
        self._prepare(taken)
        for step, launches in zip(self.plan.steps, self.launches, strict=True):
            if step.segment in segments:
                self._bound.launch(launches)
        self._readback.copy()

    def _prepare(self, taken: Sequence[Fed] = ()) -> None:
        """Clears the status word, copies the head and the inputs."""
        driver, stream = self.gpu.driver, self.gpu.stream
        self._rooms["status"].fill(0)
        driver.upload(self._rooms["head"].address, self._pinned_head.address, 8 * len(HEAD), stream)
        for fed in taken:
            self._put(fed)

    def _put(self, fed: Fed) -> None:
        """Copies an input from its slot to where the plan wants it."""
        assert self._staging is not None
        source, view = self._staging.view(fed), self.plan.inputs[fed.name]
        if is_dense(view):
            size = view.count * view.item_bytes
            to, start = self._rooms[view.memory].address + view.offset, self._staging.room.address + source.offset
            if size:
                self.gpu.driver.copy(to, start, size, self.gpu.stream)
            return
        bound = self._spread[fed]
        bound.launch(bound.launches)

    def feed(self, name: str, array: Any) -> None:
        """Copies ``array`` into an input, see ``Executor``; it is on its way when this returns."""
        staging = self._send(name, array)
        staging.want(name)

    def stage(self, name: str, array: Any) -> None:
        """Sends what will be fed next; a later ``feed`` of the same object costs nothing."""
        self._send(name, array)

    def _send(self, name: str, array: Any) -> Staging:
        self.gpu.use()
        self._input(name)
        if self._staging is None:
            self._staging = self._open_staging()
        if not self._staging.has(name, array):
            self._write(name, self._staging.place(name), array)
            self._staging.send(name, array)
        return self._staging

    def _open_staging(self) -> Staging:
        """The slots, and the maps that spread inputs whose views have gaps."""
        staging: Staging = self._kept(Staging(self.gpu, self.plan.inputs))
        rooms = {**self._rooms, STAGED: staging.room}
        for name, view in self.plan.inputs.items():
            for slot in range(SLOTS) if not is_dense(view) else ():
                fed = Fed(name, slot)
                step = Step(
                    ops.Map((arg(0, kind_of(view.dtype)),), view.shape),
                    (staging.view(fed),),
                    (view,),
                    "forward",
                    (Origin(name, "forward"),),
                )
                self._spread[fed] = Bound(self.gpu, Context(self.plan.dtype).launches(step), rooms)
        return staging

    def output(self, name: str) -> NDArray[Any]:
        """A fresh array of one of the plan's outputs."""
        return np.array(self.array(self.plan.outputs[name]), order="C")

    def array(self, view: View) -> NDArray[Any]:
        """The elements of a view, strided, as they are now.

        Of a state: over the host's mirror; after writing to it call
        ``Store.changed``, before anything is run or read. Of other memories a
        copy that cannot be written.
        """
        self.gpu.use()
        if view.memory in STATE_MEMORY:
            return self._twin.array(view)
        found = self._readback.array(view)
        if found is None:
            low, high = view.extent()
            found = strided(view, downloaded(self.gpu, self._rooms[view.memory].address + low, high - low))
        found.flags.writeable = False
        return found

    def time_steps(self, *segments: str) -> list[float]:
        """Runs the steps of these segments with an event behind each; seconds of each step in the plan's order."""
        self.run()  # lands what was fed
        self._begin()
        known = self._timed.get(segments)
        if known is None:
            steps = [x for s, x in zip(self.plan.steps, self.launches, strict=True) if s.segment in segments]
            events = [self.gpu.driver.event(timed=True) for _ in range(len(steps) + 1)]
            known = self._timed[segments] = Order(self.gpu, lambda: self._timed_work(steps, events)), events
        order, events = known
        order.replay()
        self._end(segments)
        return [self.gpu.driver.seconds(a, b) for a, b in pairwise(events)]

    def _timed_work(self, steps: Sequence[Sequence[Launch]], events: Sequence[Any]) -> None:
        driver, stream = self.gpu.driver, self.gpu.stream
        self._prepare()
        driver.record(events[0], stream, external=True)
        for launches, event in zip(steps, events[1:], strict=True):
            self._bound.launch(launches)
            driver.record(event, stream, external=True)
        self._readback.copy()

    def peak(self) -> float:
        """Arithmetic operations a second that the GPU reaches in a loop of multiply-adds, in the plan's dtype."""
        self.gpu.use()
        return peak(self.gpu, self.plan.dtype)

    def bandwidth(self) -> float:
        """Bytes a second that the GPU reads and writes, copying what no cache holds."""
        self.gpu.use()
        return bandwidth(self.gpu)

    def poison(self) -> None:
        """Fills arena and scratch with NaN, for tests."""
        self.gpu.use()
        for name in ("arena", "scratch"):
            if name in self._rooms:
                self._rooms[name].fill(0xFF)
        self.gpu.wait()

    def close(self) -> None:
        """Frees what the executor has on the GPU; the states stay, on the host once no other executor needs them."""
        if self._closers:
            self._give_back()
        super().close()

    def _give_back(self) -> None:
        self.gpu.use()
        self.gpu.wait()
        for order, events in self._timed.values():
            order.close()
            for event in events:
                self.gpu.driver.end_event(event)
        for order in self._orders.values():
            order.close()
        self._timed, self._orders = {}, {}
        for thing in reversed(self._closers):
            thing.close()
        self._closers = []


def kernels_of(plan: Plan) -> list[list[Kernel]]:
    """The kernels that each step launches."""
    context = Context(plan.dtype, plan.math)
    return [[x.kernel for x in stoppable(step, context.launches(step))] for step in plan.steps]


def open_plan(plan: Plan, store: Store, threads: int | None = None, device: str = "cuda") -> CudaExecutor:
    """The executor of ``plan`` on a GPU; threads are the CPU's affair, as long as they make sense."""
    thread_count(threads)
    return CudaExecutor(plan, store, open_gpu(index_of(device)))


def traits() -> Traits:
    """Vectors of a thread's widest access, and the ways that launchers are registered for; needs no GPU."""
    return Traits(ACCESS_BYTES, LAUNCHERS.ways(), halo=False, fused_updates=False, on_host=False)
