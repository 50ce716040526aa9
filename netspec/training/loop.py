"""The loop of a run: update, display, snapshot, test, stop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from netspec.metrics.base import Figure
from netspec.training.evaluate import Evaluation, ForwardNet, evaluate, scalars
from netspec.training.log import RunLog
from netspec.training.progress import Reporter, duration, figures
from netspec.training.signals import StopSignals
from runtime.data.batches import Position
from runtime.errors import DataError, NetspecError, NumericError, ResourceError, StateError
from runtime.snapshot import Snapshot, file_name, save

if TYPE_CHECKING:
    from runtime.data.stream import Stream

CEILING = 87.3365
"""-ln of the smallest normal float32: SoftmaxWithLoss reports no more (CAFFE.md, quirk 7)."""

_FAILED_SNAPSHOTS = 3
_GROWTH = 3.0
"""Divergence: a smoothed loss so many times the first one."""


class TrainableNet(Protocol):
    """What the loop needs of a compiled net of phase train."""

    iteration: int
    seed: int

    @property
    def batch_size(self) -> int:
        """Samples a micro-step."""

    @property
    def loss(self) -> float:
        """The weighted sum of losses of the last step."""

    def step(self) -> Mapping[str, Any]:
        """Take the next batch (batches, with ``iter_size``) and update."""

    def stream(self) -> Stream:
        """Return the stream of training samples."""

    def export_state(self) -> Mapping[str, Any]:
        """Return copies of all persistent arrays."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When what happens; every count is in updates.

    Attributes
    ----------
    stop_at : int
        The last update's number.
    rate : callable
        The learning rate by updates done before.
    display, test_interval, snapshot : int
        Every how many updates; 0 never (the end aside).
    average_loss : int
        Losses in the smoothed one.
    test_batches : int, mapping of str to int, or None
        Batches a test, of all sources or of each; None (or none for a source) for the whole source.
    test_initialization : bool
        Test before the first update.
    samples : int
        Samples an update.
    reads_data : bool
        Whether the net has inputs at all: a picture that is learned for its own sake needs none.
    """

    stop_at: int
    rate: Callable[[int], float]
    display: int = 100
    average_loss: int = 20
    test_interval: int = 0
    test_batches: int | Mapping[str, int] | None = None
    test_initialization: bool = True
    snapshot: int = 0
    samples: int = 1
    reads_data: bool = True

    def batches_of(self, source: str) -> int | None:
        """Batches of a test of ``test`` or ``test_NAME``; None for the whole source."""
        given = self.test_batches
        return given.get(source) if isinstance(given, Mapping) else given


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What goes into every snapshot unchanged."""

    spec_sha256: str
    choices: Mapping[str, str]


class Loop:
    """One run; the folder is claimed, the net restored where it goes on.

    Parameters
    ----------
    net : TrainableNet
        Steps on its own source.
    tests : mapping of str to ForwardNet
        The test phase of each test source (``test``, ``test_NAME``) on the same parameters.
    schedule : Schedule
        When what happens.
    folder : Path
        Where snapshots go.
    report : callable
        Called behind every test and snapshot.
    """

    def __init__(
        self,
        net: TrainableNet,
        tests: Mapping[str, ForwardNet],
        schedule: Schedule,
        folder: Path,
        log: RunLog,
        reporter: Reporter,
        stop: StopSignals,
        origin: Origin,
        report: Callable[[], None] = lambda: None,
    ) -> None:
        self._net, self._tests, self._schedule, self._folder = net, tests, schedule, folder
        self._log, self._reporter, self._stop, self._origin = log, reporter, stop, origin
        self._report = report
        self._losses: deque[float] = deque(maxlen=schedule.average_loss)
        self._outputs: dict[str, Figure] = {}
        self._saved: int | None = None
        self._failed = 0
        self._log_works = True
        self._warned_of_ceiling = False
        self._first_loss: float | None = None
        self._warned_of_growth = False
        self._first = net.iteration
        self._training_seconds = 0.0
        self._since_display = (net.iteration, 0.0)

    @property
    def outputs(self) -> dict[str, Figure]:
        """The figures of the last test, those of the first source; of the last step where there is no test."""
        return self._outputs

    @property
    def stop_at(self) -> int:
        """The last update's number."""
        return self._schedule.stop_at

    def resume(self, losses: Iterable[float], saved: bool) -> None:
        """Take over from a snapshot: its last losses, and whether it lies in this run's folder."""
        self._losses.extend(losses)
        self._saved = self._net.iteration if saved else None

    def run(self, resumed: bool) -> Literal["done", "signal"]:
        """Train until the schedule's end or a signal, and leave a snapshot.

        Raises
        ------
        NumericError
            A loss, or a parameter at a snapshot, that is not finite; no snapshot is written.
        StateError
            The last snapshot, or three in a row, could not be written.
        """
        schedule = self._schedule
        self._reporter.begin(self._net.iteration, schedule.stop_at)
        if not resumed and schedule.test_initialization:
            self._run_test()
        try:
            while self._net.iteration < schedule.stop_at and self._stop.received is None:
                self._update()
        except NetspecError as error:
            self._keep_what_is_good(error)
            raise
        if self._saved != self._net.iteration:
            self._snapshot(last=True)
        if self._stop.received is not None:
            return "signal"
        if resumed or self._net.iteration > self._first or not schedule.test_initialization:
            self._run_test()
        return "done" if self._stop.received is None else "signal"

    # -- one update ----------------------------------------------------------------

    def _update(self) -> None:
        start = self._log.seconds
        outputs = scalars(self._net.step())
        self._training_seconds += self._log.seconds - start
        done = self._net.iteration
        self._losses.append(float(self._net.loss))
        if not self._tests:
            self._outputs = dict(outputs)
        self._warn_of_ceiling(outputs)
        self._warn_of_growth()
        schedule, last = self._schedule, done >= self._schedule.stop_at
        if last or _due(done, schedule.display):
            self._display(done, outputs)
        self._reporter.advance(done, self._seconds_left(done))
        if not last and _due(done, schedule.snapshot):
            self._snapshot()
        if not last and _due(done, schedule.test_interval) and self._stop.received is None:
            self._run_test()

    def _display(self, done: int, outputs: Mapping[str, float]) -> None:
        updates, seconds = done - self._since_display[0], self._training_seconds - self._since_display[1]
        self._since_display = (done, self._training_seconds)
        images_per_s = updates * self._schedule.samples / seconds if seconds > 0 else 0.0
        loss, smoothed = self._losses[-1], sum(self._losses) / len(self._losses)
        rate = self._schedule.rate(done - 1)
        self._write_log(
            "display",
            lr=rate,
            loss=loss,
            smoothed_loss=smoothed,
            images_per_s=round(images_per_s, 1),
            outputs=outputs,
        )
        left = None if self._reporter.has_bar else self._seconds_left(done)  # the bar says it
        text = f"iter {done}  loss {loss:.4f} (mean {smoothed:.4f})  lr {rate:.6g}  {images_per_s:,.0f} images/s"
        others = figures({name: value for name, value in outputs.items() if value != loss})
        time_left = f"{duration(left)} left" if left else ""
        self._reporter.line("  ".join(part for part in (text, others, time_left) if part))

    def _seconds_left(self, done: int) -> float | None:
        updates = done - self._first
        return self._training_seconds / updates * (self._schedule.stop_at - done) if updates else None

    def _warn_of_ceiling(self, outputs: Mapping[str, float]) -> None:
        stuck = [name for name, value in outputs.items() if abs(value - CEILING) < 1e-3]
        if stuck and not self._warned_of_ceiling:
            self._warned_of_ceiling = True
            self._reporter.warning(
                f"{stuck[0]} is {CEILING} at iteration {self._net.iteration}, the largest a softmax loss can be: "
                "every sample is wrong by a gap of more than 87 between scores; "
                "the net has diverged, lower base_lr, or scale the data"
            )

    def _warn_of_growth(self) -> None:
        """A rate that is too high need not end in NaN: the loss may stay far above where it began."""
        smoothed = sum(self._losses) / len(self._losses)
        if self._first_loss is None:
            self._first_loss = smoothed
        full = len(self._losses) == self._losses.maxlen
        first = self._first_loss
        far = smoothed > max(_GROWTH * abs(first), 1.0)  # near 0 a factor says nothing
        if full and far and not self._warned_of_growth and not self._warned_of_ceiling:
            self._warned_of_growth = True
            rate = self._schedule.rate(self._net.iteration - 1)
            self._reporter.warning(
                f"the loss is {smoothed:.4g} at iteration {self._net.iteration} (mean of {len(self._losses)}), "
                f"far above the {first:.4g} it began with: it diverges; lower base_lr ({rate:g} now)"
            )

    # -- tests and snapshots ---------------------------------------------------------

    def _run_test(self) -> None:
        for name, net in self._tests.items():
            batches = self._schedule.batches_of(name)
            result = evaluate(net, batches, lambda: self._stop.received is not None)
            if result is None:
                return
            self._report_test(name, result)
        self._report()

    def _report_test(self, name: str, result: Evaluation) -> None:
        if name == next(iter(self._tests)):
            self._outputs = result.outputs
        self._write_log("test", source=name, **result.to_dict())
        self._reporter.line(
            f"iter {self._net.iteration}  {name}  {figures(result.outputs)}  ({result.samples:,} samples)"
        )

    def _snapshot(self, last: bool = False) -> None:
        path = self._folder / file_name(self._net.iteration)
        position: Position | None = self._net.stream().position if self._schedule.reads_data else None
        tensors = self._net.export_state()
        self._refuse_not_finite(tensors)
        snapshot = Snapshot(
            tensors=tensors,
            iteration=self._net.iteration,
            position=None if position is None else (position.epoch, position.cursor),
            seed=self._net.seed,
            spec_sha256=self._origin.spec_sha256,
            choices=self._origin.choices,
            losses=tuple(self._losses),
        )
        try:
            save(path, snapshot)
        except StateError as error:
            self._failed += 1
            if last or self._failed >= _FAILED_SNAPSHOTS:
                raise
            self._reporter.warning(f"{error}; training goes on, older snapshots are untouched")
            return
        self._failed, self._saved = 0, self._net.iteration
        self._write_log("snapshot", path=str(path))
        self._reporter.line(f"iter {self._net.iteration}  snapshot  {path}")
        self._report()

    def _refuse_not_finite(self, tensors: Mapping[str, Any]) -> None:
        """A gradient can be infinite where the loss is not: what it has made of the weights is not kept."""
        bad = next((name for name, array in tensors.items() if not np.isfinite(array).all()), None)
        if bad is not None:
            loss = f" though the loss was {self._losses[-1]:g}" if self._losses else ""
            raise NumericError(f"iteration {self._net.iteration}: {bad} is not finite{loss}: its gradient was not")

    def _keep_what_is_good(self, error: NetspecError) -> None:
        """A run that ends for want of data leaves a snapshot; one whose weights are bad, or whose disk, does not."""
        if isinstance(error, DataError | ResourceError) and self._saved != self._net.iteration:
            self._snapshot(last=True)

    def _write_log(self, event: str, **fields: Any) -> None:
        """A full disk costs lines of the log, never the training."""
        try:
            self._log.write(event, self._net.iteration, **fields)
            self._log_works = True
        except OSError as error:
            if self._log_works:
                self._reporter.warning(f"log.jsonl: {error.strerror} (errno {error.errno}); training goes on")
            self._log_works = False


def _due(done: int, every: int) -> bool:
    return every > 0 and done % every == 0
