"""The compiled net: what ``netspec.compile`` gives.

A net holds its parameters and states in a store that its phases share, a plan
and an executor for its own phase, and the stream of its data source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler.compile import compile_graph
from compiler.target import Target
from netspec.arguments import check_count, check_phase
from netspec.diagnose import first_not_finite, replay
from netspec.feeding import check_inputs, open_source, split
from netspec.graph import Net as ResolvedNet
from netspec.keeping import all_blobs, check_kept_params, kept_names, why_no_blob, why_no_blob_grad, why_no_param_grad
from netspec.labels import label_ranges
from netspec.lowering import build_graph
from netspec.mappings import Array, Arrays, WritableArrays, mean_of
from netspec.metrics.figures import shown
from netspec.sharing import check_shapes, open_store
from netspec.stepping import take_step
from netspec.tangents import Tangents
from netspec.targets import target_of
from netspec.tuning import Tuner
from runtime.data.stream import Stream
from runtime.errors import UsageError
from runtime.executor import Executor, Store, open_executor, require_memory
from runtime.plan import NUMPY_DTYPE, Plan, StateEntry, View
from runtime.snapshot import Snapshot, save

if TYPE_CHECKING:
    from netspec.spec.load import Spec


class Net:
    """A net compiled for one phase, batch size and device.

    Attributes
    ----------
    blobs, blob_grads
        Values and gradients by blob name: outputs, inputs and what ``keep`` names.
    params, param_grads
        Parameters (Caffe's shapes, copies; assignable) and their gradients.
    state
        Running statistics, as a user sees them.
    iteration
        Updates done.
    plan, executor
        The plan and what runs it.
    """

    def __init__(
        self,
        resolved: ResolvedNet,
        device: str = "cpu",
        dtype: str = "f32",
        seed: int = 0,
        threads: int | None = None,
        keep: Collection[str] | str = (),
        parent: Net | None = None,
        choices: Mapping[str, str] | None = None,
        tune: bool = False,
    ):
        self.resolved = resolved
        self.device, self.dtype, self.seed, self.threads = device, dtype, seed, threads
        self.keep = kept_names(resolved, keep)
        self.solver = resolved.spec.solver if resolved.phase == "train" else None
        self._root: Net = parent._root if parent else self
        self._homes: dict[str, View] = {}
        self._choices, self._tune = choices or {}, tune
        self.plan: Plan = self._compile()
        self._entries = {e.name: e for e in self.plan.states}
        carries = self.phase_name == "test" and self.plan.segment("commit")
        self._carrying = ("commit",) if carries else ()  # a test hands states on from batch to batch
        check_kept_params(self.keep, all_blobs(resolved), self._entries)
        self._store: Store = parent._store if parent else open_store(self.plan, device)
        what = f"the {self.phase_name} phase"
        require_memory(self.plan.memory["arena"], device, what, "a smaller --batch helps")
        new_states = self._store.add(self.plan.memory)
        self.executor: Executor = open_executor(self.plan, self._store, device=device, threads=threads)
        self.executor.set("seed", seed)
        self._iteration = 0
        self._ran: set[str] = set()
        self._stepped = False
        self._fed: dict[str, Array] = {}
        self._partial: Net | None = None
        self._stream: Stream | None = None
        self._loss = float("nan")
        self._siblings: dict[tuple[str, int, tuple[str, ...]], Net] = {}
        self._labels = label_ranges(resolved)
        self._make_mappings()
        if parent is None or new_states:
            self._init()

    def __repr__(self) -> str:
        params = sum(e.view.count for e in self._entries.values() if e.role == "param")
        return (
            f"<netspec.Net {self.name!r}: phase {self.phase_name}, batch {self.batch_size}, {params:,} parameters, "
            f"{self.device} {self.dtype}, iteration {self.iteration}>"
        )

    @property
    def name(self) -> str:
        """The net's name in the spec."""
        return self.resolved.name

    @property
    def spec(self) -> Spec:
        """The spec it was compiled from."""
        return self.resolved.spec

    @property
    def phase_name(self) -> str:
        """``train`` or ``test``."""
        return self.resolved.phase

    @property
    def batch_size(self) -> int:
        """Samples a batch."""
        return self.resolved.batch

    @property
    def loss(self) -> float:
        """The weighted sum of losses of the last step (its mean over the micro-steps)."""
        return self._loss

    @property
    def iteration(self) -> int:
        """Updates done; shared by the phases."""
        return self._root._iteration

    @iteration.setter
    def iteration(self, value: int) -> None:
        self._root._iteration = value

    @property
    def target(self) -> Target:
        """What the plan is made for."""
        return target_of(self.device, self.dtype, self.spec.math, self.spec.memory)

    def _compile(self) -> Plan:
        graph = build_graph(self.resolved, self.dtype, self.keep, self.solver)
        measure = Tuner(self.device, self.threads) if self._tune else None
        homes = self._root._homes
        plan = compile_graph(graph, self.target, homes=homes or None, choices=self._choices, measure=measure)
        check_shapes(plan, homes)
        return plan

    def _init(self) -> None:
        """Gives the states their first values; those that another phase shares keep theirs."""
        homes = self._root._homes
        shared = {name: self._read_state(name) for name in self._entries if name in homes}
        self.executor.run("init")
        self.import_state(shared)
        homes |= {name: entry.view for name, entry in self._entries.items()}

    def _make_mappings(self) -> None:
        net, plan, entries = self.resolved, self.plan, self._entries
        params = [n for n, e in entries.items() if e.role == "param"]
        running = [n for n, e in entries.items() if e.role == "running"]
        blobs = {**plan.inputs, **plan.outputs, **plan.blobs}
        self.blobs = Arrays("blob", lambda: blobs, self._read_blob, lambda n: why_no_blob(net, n))
        self.blob_grads = Arrays(
            "blob gradient",
            lambda: plan.blob_grads if "backward" in self._ran else (),
            lambda n: self._read(plan.blob_grads[n]),
            lambda n: why_no_blob_grad(net, n, n in plan.blob_grads),
        )
        self.params = WritableArrays(
            "parameter", lambda: params, self._read_state, self._write_state, lambda n: entries[n].view.shape
        )
        self.param_grads = Arrays("gradient", self._readable_grads, self._read_grad, self._why_no_param_grad)
        self.state = WritableArrays(
            "state", lambda: running, self._read_state, self._write_state, lambda n: entries[n].view.shape
        )

    def forward(self, **inputs: Any) -> dict[str, Array]:
        """Runs the forward steps; the outputs by name, fresh arrays N x C x H x W.

        Without arguments the next batch of the phase's source is taken. In
        phase test fewer samples than ``batch_size`` are allowed.

        Raises
        ------
        UsageError
            A wrong or missing name, a wrong shape.
        DataError
            A label out of range.
        """
        batch, count = self._batch(inputs, self.batch_size)
        self._partial = None
        if count != self.batch_size:
            self._partial = self.phase(self.resolved.fed.name, batch_size=count, keep=self.keep)
            return self._partial.forward(**batch)
        self.feed(batch)
        self.walk("forward", *self._carrying)
        self._ran, self._stepped = {"forward"}, False
        return self.read_outputs()

    def backward(self) -> None:
        """Runs the backward steps: gradients of the weighted sum of losses.

        Raises
        ------
        UsageError
            Before ``forward``, in phase test, or without a loss.
        """
        if self.phase_name != "train":
            raise UsageError("backward needs phase train; this net was compiled for phase test")
        if self.plan.loss is None:
            raise UsageError("backward needs a loss; no layer of this net is one")
        if "forward" not in self._ran or self._stepped:
            raise UsageError("backward needs a forward before it" + ", after the step" * self._stepped)
        if "backward" in self._ran:  # it has used up what forward kept for it
            self.walk("forward")
        self.walk("backward", "gradients")
        self._ran.add("backward")

    def step(self, **inputs: Any) -> dict[str, Array]:
        """Forward, backward and update in one walk; the outputs (means over ``iter_size`` micro-steps).

        Raises
        ------
        UsageError
            Without a solver, in phase test, or for wrong inputs.
        NumericError
            The loss is not finite; nothing was written.
        """
        solver = self.solver
        if self.phase_name != "train" or solver is None or self.plan.loss is None:
            why = "in phase train" if self.phase_name != "train" else "a solver" if solver is None else "a loss"
            raise UsageError(f"step needs {why}; this net has none" if "a " in why else f"step works only {why}")
        batches = self._micro_batches(inputs, solver.iter_size)
        outputs, self._loss = take_step(self, solver, batches, from_source=not inputs)
        self.iteration += 1
        self._ran, self._stepped = {"forward", "backward"}, True
        return outputs[0] if len(outputs) == 1 else mean_of(outputs)

    def jvp(self, tangents: Mapping[str, Any], **inputs: Any) -> dict[str, Array]:
        """The derivative of each floating output along a direction, by forward mode; fresh arrays.

        ``tangents`` says how parameters and floating inputs move, arrays of their shape by name;
        ``inputs`` are those of ``forward``.

        Raises
        ------
        UsageError
            An unknown name, a wrong shape, or a layer on the way that has no gradient.
        """
        batch, _ = self._batch(inputs, self.batch_size)
        with closing(Tangents(self, tuple(tangents))) as found:
            return found.run(tangents, batch)

    def _micro_batches(self, inputs: Mapping[str, Any], micro_steps: int) -> list[dict[str, Array]]:
        if not inputs:
            return [self._batch({}, self.batch_size)[0] for _ in range(micro_steps)]
        batch, count = self._batch(inputs, self.batch_size, micro_steps)
        return split(self.resolved, batch, micro_steps) if count != self.batch_size else [batch] * micro_steps

    def _batch(self, inputs: Mapping[str, Any], size: int, micro_steps: int = 1) -> tuple[dict[str, Array], int]:
        if not inputs and self.plan.inputs:
            return self.stream().next(size), size
        return check_inputs(self.resolved, inputs, self._labels, micro_steps)

    def feed(self, batch: Mapping[str, Array]) -> None:
        """Copies a checked batch into the inputs that the plan reads."""
        for name, array in batch.items():
            if name in self.plan.inputs:
                self.executor.feed(name, array)
        self._fed = dict(batch)

    def stage(self, batch: Mapping[str, Array] | None = None) -> None:
        """Hands the next batch, the source's unless given, to a device that computes just now."""
        if batch is None and self._stream is not None:
            batch = self._stream.peek()
        for name, array in (batch or {}).items():
            if name in self.plan.inputs:
                self.executor.stage(name, array)

    def walk(self, *segments: str) -> int:
        """Runs these segments with the seed and the iteration of now; 0, or ``NOT_FINITE`` where the guard stopped."""
        self.executor.set("seed", self.seed)
        self.executor.set("iteration", self.iteration)
        return self.executor.run(*segments)

    def read_loss(self) -> float:
        """The weighted sum of losses of the last walk."""
        assert self.plan.loss is not None, "a step was taken"
        return float(self._read(self.plan.loss))

    def read_outputs(self) -> dict[str, Array]:
        """Fresh arrays of the outputs of the last walk."""
        return shown(self.resolved, {name: self.executor.output(name) for name in self.plan.outputs})

    def diagnose_not_finite(self, micro_step: int = 0) -> str:
        """Runs the last batch again keeping every blob; names the first layer whose result is not finite."""
        return first_not_finite(self.resolved, replay(self, self._fed, micro_step), self.params)

    def stream(self) -> Stream:
        """The stream of the phase's data source, opened at first use.

        Raises
        ------
        UsageError
            If the spec has ``inputs`` in place of data.
        """
        if self._stream is None:
            self._stream = open_source(self.resolved, self._labels, self.seed, NUMPY_DTYPE[self.dtype])
        return self._stream

    def phase(self, name: str, batch_size: int | None = None, keep: Collection[str] | str = ()) -> Net:
        """The net of another phase, test source (``test_NAME``) or batch size on the same parameters and states.

        Without ``batch_size`` it is the one that the phase's data says, else this net's.
        """
        check_phase(name)
        check_count("batch_size", batch_size, 1)
        if batch_size is None and (name == self.resolved.fed.name or self.spec.data.get(name) is None):
            batch_size = self.batch_size
        resolved = self.spec.net(name, batch=batch_size)
        key = (resolved.fed.name, resolved.batch, tuple(sorted(kept_names(resolved, keep))))
        root = self._root
        # of the same phase and another batch size: the last batch of a test, which must not be measured, or differ
        choices = self.plan.choices if resolved.phase == self.phase_name else root._choices
        if key not in root._siblings:
            mine = (self.resolved.fed.name, self.batch_size, tuple(sorted(self.keep)))
            root._siblings[key] = (
                self
                if key == mine
                else Net(resolved, self.device, self.dtype, self.seed, self.threads, keep, root, choices, root._tune)
            )
        return root._siblings[key]

    def export_state(self) -> dict[str, Array]:
        """Copies of all persistent arrays by name: parameters, solver and running states."""
        return {name: self._read_state(name) for name in self._entries}

    def import_state(self, arrays: Mapping[str, Array]) -> None:
        """Sets persistent arrays by name; shapes must fit."""
        for name, array in arrays.items():
            self._write_state(name, np.asarray(array))

    @property
    def states(self) -> dict[str, StateEntry]:
        """Every persistent array: name, role, shape, multipliers."""
        return dict(self._entries)

    def save(self, path: str | Path) -> None:
        """Writes parameters and states to a safetensors file that ``--weights`` and ``load_weights`` read."""
        save(Path(path), Snapshot(tensors=self.export_state(), iteration=self.iteration, seed=self.seed))

    def close(self) -> None:
        """Frees the executor and the stream; of the net that ``compile`` gave also those of its phases."""
        for other in self._siblings.values():
            if other is not self:
                other.close()
        self.executor.close()
        if self._stream is not None:
            self._stream.close()

    def _read_blob(self, name: str) -> Array:
        net = self._partial or self  # the last batch may have been a smaller one
        plan = net.plan
        return net._read({**plan.inputs, **plan.outputs, **plan.blobs}[name])

    def _read(self, view: View) -> Array:
        return np.array(self.executor.array(view), order="C")

    def _read_state(self, name: str) -> Array:
        array = self._read(self._entries[name].view)
        array.flags.writeable = False
        return array

    def _write_state(self, name: str, array: Array) -> None:
        with np.errstate(over="ignore"):
            self.executor.array(self._entries[name].view)[...] = array
        self._store.changed()

    def _readable_grads(self) -> Collection[str]:
        if "backward" not in self._ran:
            return []
        if self._stepped:
            return [n for n in self.plan.param_grads if n in self.keep or "all" in self.keep]
        return self.plan.param_grads

    def _read_grad(self, name: str) -> Array:
        return self._read(self.plan.param_grads[name])

    def _why_no_param_grad(self, name: str) -> str | None:
        if name not in self._entries:
            return None
        return why_no_param_grad(name, name in self.plan.param_grads, "backward" in self._ran)
