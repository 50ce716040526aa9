"""What simple methods reach on a net's data: the figure that the net must beat."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec import baselines
from netspec.baselines import Array, Samples
from netspec.reports import tables
from runtime.data.open import open_stream
from runtime.data.recipe import JointRecipe, Recipe
from runtime.errors import UsageError

if TYPE_CHECKING:
    from netspec.spec.load import Spec

BATCH = 256


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes
    ----------
    figure
        Accuracy, or mean square error, on the test samples.
    detail
        What was chosen (k).
    seconds
        Choosing, fitting and predicting.
    """

    name: str
    figure: float
    detail: str
    seconds: float


@dataclass(frozen=True)
class Baseline:
    """What ``netspec baseline`` tells."""

    name: str
    measure: str
    train: int
    test: int
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        rows = [
            {"name": r.name, self.measure: r.figure, "detail": r.detail, "seconds": round(r.seconds, 3)}
            for r in self.rows
        ]
        return {"name": self.name, "measure": self.measure, "train": self.train, "test": self.test, "baselines": rows}

    def to_text(self, width: int | None = None) -> str:
        """Return the table that the command prints."""
        label = self.measure.replace("_", " ")
        rows = [(r.name, f"{r.figure:.4f}", r.detail, f"{r.seconds:.1f} s") for r in self.rows]
        note = f"{self.name}: {self.train:,} training samples, {self.test:,} test samples"
        return tables.text(note, tables.table(("", label, "", "time"), rows, right=(1, 3)), width=width)


def baseline(spec: Spec, train: int = 5000, test: int = 1000, seed: int = 0) -> Baseline:
    """Runs the simple methods on the data of a spec.

    Parameters
    ----------
    train, test
        At most so many samples, drawn with ``seed`` from the training source and taken from the test source
        in its order; 0 for all.

    Raises
    ------
    UsageError
        The spec has no data for both phases, or nothing in it to predict.
    DataError
        The data cannot be read.
    """
    x, y = _tops(spec)
    drawn = _samples(spec, "train", x, y, train, seed)
    asked = _samples(spec, "test", x, y, test, seed)
    measure = "accuracy" if drawn.are_classes else "mean_square_error"
    return Baseline(spec.name, measure, len(drawn), len(asked), tuple(_rows(drawn, asked)))


def _rows(train: Samples, test: Samples) -> Iterator[Row]:
    yield _timed(
        "majority class" if train.are_classes else "mean", lambda: (baselines.commonest(train, test), ""), test
    )
    yield _timed("least squares", lambda: (baselines.least_squares(train, test), "closed form"), test)
    for norm in ("L1", "L2"):

        def neighbours(norm: str = norm) -> tuple[Array, str]:
            k = baselines.choose_k(train, norm)
            found = baselines.nearest(test.x, train.x, norm, k)
            return baselines.vote(found, train.y, k), f"k = {k}, chosen on {1 / baselines.HELD_OUT:.0%} held out"

        yield _timed(f"nearest neighbours, {norm}", neighbours, test)


def _timed(name: str, predict: Callable[[], tuple[Array, str]], test: Samples) -> Row:
    start = time.perf_counter()
    found, detail = predict()
    return Row(name, baselines.score(found, test.y), detail, time.perf_counter() - start)


def _tops(spec: Spec) -> tuple[str, str]:
    """The blob that is looked at, and the one that is to be predicted."""
    if any(spec.data.get(phase) is None for phase in ("train", "test")):
        raise UsageError(f"{spec.name}: baseline needs data with the phases train and test")
    inputs = spec.net("train", batch=1).inputs
    streams = [name for name, given in inputs.items() if given.axis not in (0, None)]
    if streams:
        raise UsageError(f"{spec.name}: baseline needs samples that stand for themselves, `{streams[0]}` is a sequence")
    floats = [name for name, given in inputs.items() if given.kind == "float"]
    labels = [name for name, given in inputs.items() if given.kind == "label"]
    wanted = (labels or floats[1:])[:1]
    if not floats or not wanted:
        raise UsageError(f"{spec.name}: the data have {', '.join(inputs)}: no samples with something to predict")
    return floats[0], wanted[0]


def _samples(spec: Spec, phase: str, x: str, y: str, most: int, seed: int) -> Samples:
    source = spec.data[phase]
    assert source is not None, "looked at before"
    recipe = _calm(source.recipe(phase))
    with closing(open_stream(recipe, seed=seed, prefetch=False)) as stream:
        count = min(most or len(stream), len(stream))
        if phase == "train":  # shuffled: the first samples of a file may all be of one class
            batches = [stream.next(min(BATCH, count - k)) for k in range(0, count, BATCH)]
        else:
            batches = list(stream.sweep(BATCH, -(-count // BATCH)))
    missing = [name for name in (x, y) if name not in batches[0]]
    if missing or batches[0][x].shape[0] != batches[0][y].shape[0]:
        raise UsageError(f"{spec.name}: baseline compares samples one by one, {x} and {y} of {phase} are no such pairs")
    features = np.concatenate([b[x].reshape(len(b[x]), -1) for b in batches])[:count]
    wanted = np.concatenate([b[y] for b in batches])[:count]
    if np.issubdtype(wanted.dtype, np.integer) and wanted.ndim > 1 and wanted[0].size > 1:
        raise UsageError(f"{spec.name}: baseline needs one class a sample, {y} has {wanted[0].size}")
    return Samples(
        features, wanted.reshape(-1) if np.issubdtype(wanted.dtype, np.integer) else wanted.reshape(count, -1)
    )


def _calm(recipe: Recipe | JointRecipe) -> Recipe | JointRecipe:
    """The same samples without random crops and flips."""
    if isinstance(recipe, JointRecipe):
        return replace(recipe, parts=tuple(p for p in map(_calm, recipe.parts) if isinstance(p, Recipe)))
    return replace(recipe, transform=replace(recipe.transform, random=False))
