"""``netspec.Trainer``: from a spec to a trained net in a folder."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from netspec.compiling import compile_spec
from netspec.graph.weights import locate
from netspec.metrics.base import Figure
from netspec.net import Net
from netspec.spec.load import Spec, load_spec
from netspec.training import folder
from netspec.training.log import RunLog, plain
from netspec.training.loop import Loop, Origin, Schedule
from netspec.training.progress import Reporter
from netspec.training.report import RunReport, facts_of
from netspec.training.resume import Start, check_fits, find_start, seed_of
from netspec.training.signals import StopSignals
from netspec.training.weights import LoadTable, load_section, load_weights
from runtime.cache import watching
from runtime.data.batches import Position
from runtime.errors import NetspecError, NumericError, StateError, UsageError

_PIXEL_WARNING = (
    "the values of {top} lie in {low:g}..{high:g}: pixels were left as they are; most nets want them near 0..1 "
    "(scale: 0.00390625) or around 0 (mean: ..)"
)
_HINT = (
    "hint: lower base_lr ({rate:g} now), check the scale of the data, or set clip_gradients; nothing was overwritten"
)

_INPUT = ": the input "
"""How `netspec.diagnose` begins where the data are at fault."""
_DATA_HINT = "hint: the data are not finite before the first layer: take such values out; nothing was overwritten"


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """How a run ended.

    Attributes
    ----------
    output : Path
        The run's folder.
    iteration : int
        Updates done.
    outputs : dict of str to float or list
        Figures of the last test (of the last step where there is no test source).
    seconds : float
        Since the start or the resume.
    exit_code : int
        0, or 130 / 143 after a signal.
    """

    output: Path
    iteration: int
    outputs: dict[str, Figure]
    seconds: float
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        facts = {"output": str(self.output), "iteration": self.iteration}
        result: dict[str, Any] = plain({**facts, "outputs": self.outputs, "seconds": self.seconds})
        return result


class Trainer:
    """Trains a net as its spec's solver says and keeps everything in a folder.

    Parameters
    ----------
    spec : str, Path, mapping or Spec
        A path (a str always is), a dict of the same form, or what ``load_spec`` returned.
    output : str or Path, optional
        Default ``runs/<name>-<n>``; must be empty unless ``resume`` is given.
    weights : str or Path, optional
        Parameters to begin with, by name; in place of what the spec's ``weights`` says.
    leave_out : collection of str
        Layers, or single parameters, that ``weights`` leaves as their fillers made them.
    resume : str or Path, optional
        A snapshot, the folder of a run, or ``auto``.
    max_iter : int, optional
        Stop after so many updates, counted from the very start; rates do not change.
    seed : int, optional
        Default ``solver.random_seed``.
    batch_size : int, optional
        Of the training phase, default the spec's.
    device : str
        ``cpu``, ``cuda[:i]``, ``reference``.
    threads : int, optional
        Default: what affinity and quota allow.
    overrides : mapping, optional
        As ``--set``.
    stages : sequence of str
        As ``--stage``.
    quiet : bool
        Only warnings and errors on stderr.
    tune : bool
        Whether ways of convolutions are timed, not estimated; a resumed run keeps those of its snapshot.
    """

    def __init__(
        self,
        spec: str | Path | Mapping[str, Any] | Spec,
        output: str | Path | None = None,
        *,
        weights: str | Path | None = None,
        leave_out: Collection[str] = (),
        resume: str | Path | None = None,
        max_iter: int | None = None,
        seed: int | None = None,
        batch_size: int | None = None,
        device: str = "cpu",
        threads: int | None = None,
        overrides: Mapping[str, Any] | None = None,
        stages: Sequence[str] = (),
        quiet: bool = False,
        tune: bool = False,
    ) -> None:
        if isinstance(spec, Spec) and overrides:
            spec = spec.override(overrides)
        self.spec = spec if isinstance(spec, Spec) and not stages else load_spec(spec, overrides or {}, stages)
        self._output, self._weights, self._resume = output, weights, resume
        self._leave_out = tuple(leave_out)
        self._max_iter, self._seed, self._batch_size = max_iter, seed, batch_size
        self._device, self._threads, self._tune = device, threads, tune
        self.reporter = Reporter(quiet)

    def run(self) -> RunResult:
        """Train to the end, or until a signal.

        Raises
        ------
        SpecError, UsageError, DataError
            Before anything is written.
        StateError
            The folder or a snapshot cannot be used.
        NumericError
            The loss is not finite: names iteration and first bad layer.
        """
        start = self._start()
        self.reporter.line(f"training {self.spec.name} in {start.output}")
        with watching(self.reporter.compiling), closing(self._compile(start)) as net:
            every = (net.phase(name) for name in self.spec.data if name != "train")
            tests = {test.resolved.fed.name: test for test in every}  # a stage may have made `test` another one
            self._prepare(net, tests, start)
            folder.claim(start.output)
            folder.write_spec(start.output, self.spec.resolved(), start.resuming)
            with closing(RunLog(start.output / folder.LOG)) as log, StopSignals() as stop:
                schedule = self._schedule(net)
                origin = Origin(spec_sha256=_hash(net), choices=_choices(net, tests))
                facts = partial(
                    facts_of, net, tuple(tests.values()), start.output, origin.spec_sha256, schedule.stop_at,
                    self._command(start.output),
                )  # fmt: skip
                report = RunReport(start.output, facts, self.reporter.warning)
                loop = Loop(net, tests, schedule, start.output, log, self.reporter, stop, origin, report)
                return self._run(loop, net, start, log, stop, report)

    # -- before the first step -------------------------------------------------------

    def _start(self) -> Start:
        """Everything that can be refused without compiling."""
        self._check_purpose()
        if self._weights is None and self._leave_out and not self.spec.weights:
            raise UsageError("--except says what --weights leaves alone; give --weights F too")
        if self._weights is not None:
            if self._resume is not None:
                raise UsageError("--weights and --resume exclude each other: a snapshot has its own weights")
            if not os.path.exists(self._weights):
                raise UsageError(f"{self._weights}: no such file")
        start = find_start(self.spec.name, self._output, self._resume)
        for entry in self.spec.weights if self._weights is None and start.snapshot is None else ():
            locate(self.spec, entry)
        folder.check(start.output, start.resuming)
        for note in start.notes:
            self.reporter.warning(f"passed over: {note}")
        return start

    def _check_purpose(self) -> None:
        """Refuse what has nothing to do: no solver, no updates, no loss."""
        solver, name = self.spec.solver, self.spec.name
        if solver is None:
            raise UsageError(f"{name}: no solver: section, nothing says how to train")
        if solver.max_iter == 0 and self._max_iter is None:
            raise UsageError(f"{name}: max_iter is missing or 0; say how many updates: max_iter: 1000, or --max-iter N")
        net = self.spec.net("train", batch=self._batch_size)
        read = {blob for node in net.nodes for blob in node.bottom_ids}
        wanted = [top for top in net.inputs if top in read]
        if net.fed.source is None and wanted:
            raise UsageError(
                f"{self.spec.path or name}: phase train has no data, nothing gives {', '.join(wanted)}; "
                f"write a source in place of inputs: data: {{source: npz, file: F.npz, tops: [{', '.join(wanted)}]}}"
            )
        if not any(any(node.loss_weights) for node in net.nodes):
            raise UsageError(
                f"{name}: no layer of phase train is a loss, nothing says what to learn; "
                "add one, for instance {type: SoftmaxWithLoss, bottom: [SCORES, label]}"
            )

    def _compile(self, start: Start) -> Net:
        assert self.spec.solver is not None
        seed = seed_of(start, self._seed, self.spec.solver.random_seed)
        return compile_spec(
            self.spec, "train", self._batch_size, device=self._device, seed=seed, threads=self._threads,
            tune=self._tune, choices=None if start.snapshot is None else start.snapshot.choices,
        )  # fmt: skip

    def _prepare(self, net: Net, tests: Mapping[str, Net], start: Start) -> None:
        """Open the sources and put the state in place: what fails here has written nothing."""
        for each in (net, *tests.values()):
            if each.plan.inputs:
                each.stream()
        if net.plan.inputs:
            self._look_at_values(net)
        tables: list[LoadTable] = []
        if self._weights is not None:
            tables = [load_weights(net, self._weights, self._leave_out)]
        elif start.snapshot is None:
            tables = load_section(net, self.spec, self._leave_out)
        for table in tables if not self.reporter.quiet else ():
            table.print(Console(stderr=True, highlight=False))
        if start.snapshot is not None:
            self._restore(net, tests, start)

    def _look_at_values(self, net: Net) -> None:
        """Warn of pixels that were left between 0 and 255."""
        values = net.stream().first_values()
        low, high = float(np.min(values)), float(np.max(values))
        if values.ndim == 4 and low >= 0 and 128 <= high <= 255:
            self.reporter.warning(_PIXEL_WARNING.format(top=net.stream().tops[0], low=low, high=high))

    def _restore(self, net: Net, tests: Mapping[str, Net], start: Start) -> None:
        assert start.snapshot is not None
        assert start.path is not None
        snapshot = start.snapshot
        check_fits(start.path, snapshot, net.states)
        net.import_state(snapshot.tensors)
        net.iteration = snapshot.iteration
        if snapshot.position is not None:
            if snapshot.position[1] >= len(net.stream()):
                raise StateError(f"{start.path}: stands at sample {snapshot.position[1]}, the source is shorter now")
            net.stream().position = Position(*snapshot.position)
        if snapshot.spec_sha256 != _hash(net):
            self.reporter.warning(f"the spec is not the one of {start.path}; going on with the spec of now")
        elif changed := _changed(snapshot.choices, _choices(net, tests)):
            self.reporter.warning(f"{start.path} was made with other algorithms, the last bits may differ: {changed}")

    def _schedule(self, net: Net) -> Schedule:
        solver = self.spec.solver
        assert solver is not None
        return Schedule(
            stop_at=solver.max_iter if self._max_iter is None else self._max_iter,
            rate=partial(_rate, net),
            display=solver.display,
            average_loss=max(solver.average_loss, 1),
            test_interval=solver.test_interval,
            test_batches=solver.test_iter,
            test_initialization=solver.test_initialization,
            snapshot=solver.snapshot,
            samples=net.batch_size * solver.iter_size,
            reads_data=bool(net.plan.inputs),
        )

    # -- the run -----------------------------------------------------------------------

    def _run(self, loop: Loop, net: Net, start: Start, log: RunLog, stop: StopSignals, report: RunReport) -> RunResult:
        resumed = start.snapshot is not None
        if start.snapshot is not None and start.path is not None:
            loop.resume(start.snapshot.losses, start.path.parent.resolve() == start.output.resolve())
            self.reporter.line(f"resumed from {start.path} at iteration {net.iteration}")
        stop_at = loop.stop_at
        if resumed and net.iteration >= stop_at:
            self.reporter.line(f"already at {net.iteration} of {stop_at} updates: nothing to do; --max-iter sets more")
        ending: dict[str, Any] = {"reason": "error", "exit_code": 1}
        try:
            log.write("start", net.iteration, name=self.spec.name, seed=net.seed, batch=net.batch_size)
            reason = loop.run(resumed)
            ending = {"reason": reason, "exit_code": stop.exit_code}
        except NumericError as error:
            ending = {"reason": "nan", "exit_code": error.exit_code}
            assert self.spec.solver is not None
            hint = _DATA_HINT if _INPUT in str(error) else _HINT.format(rate=self.spec.solver.rate(net.iteration))
            raise NumericError(f"{error}\n{hint}") from error
        except NetspecError as error:
            ending = {"reason": "error", "exit_code": error.exit_code}
            raise
        except SystemExit as error:
            ending = {"reason": "signal", "exit_code": error.code}
            raise
        finally:
            self.reporter.end()
            _write_end(log, net.iteration, {**ending, "outputs": loop.outputs})
            report.write()
        if stop.received is not None:
            self.reporter.line(f"stopped at iteration {net.iteration}; go on with {self._command(start.output)}")
        return RunResult(
            output=start.output,
            iteration=net.iteration,
            outputs=loop.outputs,
            seconds=log.seconds,
            exit_code=ending["exit_code"],
        )

    def _command(self, output: Path) -> str:
        """The command that goes on: the run's own spec holds what ``--set`` changed."""
        words = ["netspec", "train", str(output / folder.SPEC), "--resume", str(output)]
        words += ["--batch", str(self._batch_size)] if self._batch_size is not None else []
        words += ["--max-iter", str(self._max_iter)] if self._max_iter is not None else []
        return shlex.join(words)


def _rate(net: Net, iteration: int) -> float:
    """The rate of the update that followed ``iteration`` others; a policy that looks at the loss keeps its own."""
    assert net.solver is not None
    if "solver.rate" in net.states and iteration == net.iteration - 1:
        return float(net.executor.array(net.states["solver.rate"].view))
    return net.solver.rate(iteration)


def _choices(net: Net, tests: Mapping[str, Net]) -> dict[str, str]:
    """The ways of convolutions that the compiler took for training and for the tests."""
    return {key: way for each in (net, *tests.values()) for key, way in each.plan.choices.items()}


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The first choice of a snapshot that is not taken again; empty if all are."""
    for key, way in now.items():
        if then.get(key) != way:
            return f"{key} is {way}, it was {then.get(key, 'not noted')}"
    return ""


def _hash(net: Net) -> str:
    """Hash of what decides the bits of a run: the resolved spec and the batch size, which ``--batch`` may set."""
    return hashlib.sha256(f"{net.spec.resolved()}\nbatch {net.batch_size}\n".encode()).hexdigest()


def _write_end(log: RunLog, iteration: int, fields: Mapping[str, Any]) -> None:
    try:
        log.write("end", iteration, **fields)
    except OSError as error:
        # The run's own end must not be hidden by the log's.
        print(f"warning: log.jsonl: {error.strerror} (errno {error.errno})", file=sys.stderr)
