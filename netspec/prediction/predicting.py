"""What ``netspec predict`` does: a user's files through a trained net, batch by batch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Net as ResolvedNet
from netspec.graph import blob_name
from netspec.net import Net
from netspec.prediction import pictures, telling
from netspec.prediction.captions import captions
from netspec.prediction.findings import Boxes, Finding, Mask, Prediction, Predictions
from netspec.prediction.heads import Head, heads_of, named_head
from netspec.prediction.items import Item, Preparer, found_files
from netspec.prediction.output import Places, save_blobs
from netspec.sources.base import Source
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.load import Spec
from netspec.training.opening import Run, check_weights, opened
from runtime.data.listing import lines_of
from runtime.errors import DataError, NumericError, UsageError

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be predicted from what.

    Attributes
    ----------
    inputs
        Files, folders and patterns.
    others
        Further inputs of the net by name: a file each.
    blobs
        Blobs to give as they are, in place of what the net predicts.
    output
        Folder (or, for one blob, the .npy) for what is written; None: nothing is.
    top_k
        Classes to tell.
    threshold
        Least score of a box.
    names
        A text with a class name a line; None: those of the data source.
    batch
        Samples at once; None: as many as the test data have.
    as_is
        Arrays are what the net sees; otherwise they are prepared like the test data.
    fit
        Scale pictures to the size that the net takes.
    """

    inputs: Sequence[str]
    others: Mapping[str, str] = field(default_factory=dict)
    blobs: Sequence[str] = ()
    output: Path | None = None
    top_k: int = 5
    threshold: float = 0.5
    names: str | None = None
    batch: int | None = None
    as_is: bool = False
    fit: bool = False


def predict(spec: Spec, run: Run, asked: Asked) -> Predictions:
    """Return what a net says of some files.

    Raises
    ------
    UsageError
        No weights, no such file, an input that the net does not have or one that it needs; Pillow is missing.
    DataError
        A file that is damaged, no picture, or of the wrong size.
    StateError
        The weights do not fit, or a file cannot be written.
    NumericError
        Scores that are not finite.
    """
    check_weights(spec, run, "predict")
    files = found_files(asked.inputs)
    setting = _Setting(spec, asked)
    items = (item for path in files for item in setting.preparer.items(path))
    source = spec.data.get("test")
    most = asked.batch or (source.batch_size if source is not None else 1)
    first = list(itertools.islice(items, most))
    with opened(spec, run, len(first), setting.keep()) as net:
        return _Walk(setting, net).run(itertools.chain(first, items))


class _Setting:
    """All that is known before the net is compiled."""

    def __init__(self, spec: Spec, asked: Asked) -> None:
        self.asked, self.spec = asked, spec
        self.net = spec.net("test", batch=1)
        self.source = self.net.fed.source
        self.entry = _entry(self.net, asked.others)
        own = self._owner(self.entry)
        self.preparer = Preparer(self.entry, self.net.inputs[self.entry], own, asked.as_is, asked.fit)
        self.others = {name: self._other(name, Path(path)) for name, path in asked.others.items()}
        self.words = self._caption_words()
        self.heads = self._heads()
        self.names = _names(asked.names, () if own is None else own.class_names)
        self.batch_axes = _batch_axes(self.net, spec.net("test", batch=2))

    def _owner(self, name: str) -> Source | None:
        return None if self.source is None or name not in self.source.top_names() else self.source.owner(name)

    def _other(self, name: str, path: Path) -> Array:
        """A further input for all samples; a picture, or what is like the first input, is prepared like that."""
        entry, owner = self.net.inputs[name], self._owner(name)
        alike = entry.shape == self.net.inputs[self.entry].shape and entry.kind == "float"
        preparer = Preparer(name, entry, owner if alike else None, self.asked.as_is or not alike, self.asked.fit)
        if not found_files([str(path)]) or path.is_dir():
            raise UsageError(f"--input {name}={path}: a folder; one file holds the blob of all samples")
        return preparer.batch(list(preparer.items(path)))

    def _caption_words(self) -> tuple[str, ...]:
        """The words of sentences about the input, if the spec says how they are drawn."""
        sample = self.spec.sample
        if sample is None or self.asked.blobs:
            return ()
        if sample.input[0] == self.entry:
            raise UsageError("this net writes text: `netspec sample`, or choose blobs with --blob")
        owner = self._owner(sample.input[0])
        return () if owner is None else owner.vocabulary()

    def _heads(self) -> list[Head]:
        given = [self.entry, *self.others]
        if self.words:
            assert self.spec.sample is not None, "it has the words"
            output = self.spec.sample.output[0]
            return [Head(blob=output, form="words", keep=(output,))]
        if self.asked.blobs:
            return [named_head(self.net, name, given) for name in dict.fromkeys(self.asked.blobs)]
        return heads_of(self.net, given)

    def keep(self) -> tuple[str, ...]:
        """The blobs to hold on to."""
        return tuple(dict.fromkeys(name for head in self.heads for name in head.keep))


def _entry(net: ResolvedNet, others: Mapping[str, str]) -> str:
    """The input that the files are for: the first that a layer reads."""
    for name in others:
        if name not in net.inputs:
            hint = did_you_mean(name, net.inputs) or f"they are {', '.join(net.inputs)}"
            raise UsageError(f"--input {name}: phase test has no input of this name; {hint}")
    read = {blob for node in net.nodes for blob in node.bottom_ids}
    free = [name for name in net.inputs if name in read and name not in others]
    if not free:
        raise UsageError(f"`{net.name}` has no input in phase test that could take the files")
    return free[0]


def _names(path: str | None, known: Sequence[str]) -> tuple[str, ...]:
    return tuple(known) if path is None else tuple(text for _, text in lines_of(Path(path)))


def _batch_axes(one: ResolvedNet, two: ResolvedNet) -> dict[str, tuple[int, int]]:
    """Of each blob the axis along which samples lie, and the rows that each has there; blobs without one are absent."""
    found = {}
    for blob, shape in one.shapes.items():
        axis = next((k for k, (n, m) in enumerate(zip(shape, two.shapes[blob], strict=True)) if n != m), None)
        if axis is not None:
            found[blob_name(blob)] = axis, shape[axis]
    return found


class _Walk:
    """Runs the batches of one call."""

    def __init__(self, setting: _Setting, net: Net) -> None:
        self._setting, self._net = setting, net
        self._places = Places(setting.asked.output)
        self._whole: dict[str, list[Array]] = {head.blob: [] for head in setting.heads if self._is_saved(head)}

    def _is_saved(self, head: Head) -> bool:
        """Whether a blob goes into a file as a whole, in place of a line a sample."""
        return bool(self._setting.asked.blobs) and self._setting.asked.output is not None

    def run(self, items: Iterable[Item]) -> Predictions:
        """Return what is found in all samples."""
        made: list[Prediction] = []
        count = 0
        for start, batch in _batches(items, self._net.batch_size):
            blobs = self._forward(batch, start)
            count = start + len(batch)
            found = {head.blob: self._tell(head, blobs, batch) for head in self._setting.heads}
            for k, item in enumerate(batch):
                outputs = {blob: each[k] for blob, each in found.items() if each}
                made.append(Prediction(item.name, outputs))
        for name in self._setting.others:
            self._check_rows(name, count, whole=True)
        files = save_blobs(self._setting.asked.output, self._whole) if self._whole else {}
        return Predictions(self._net.name, made, files)

    def _forward(self, batch: list[Item], start: int) -> dict[str, Array]:
        """The blobs of the heads for a batch; one with fewer samples is filled up with its last."""
        setting, net, size = self._setting, self._net, self._net.batch_size
        full = [*batch, *[batch[-1]] * (size - len(batch))]
        fed: dict[str, Array] = {setting.entry: setting.preparer.batch(full)}
        for name, entry in net.resolved.inputs.items():
            if name in setting.others:
                self._check_rows(name, start + len(batch))
                fed[name] = self._part(name, setting.others[name], start, size)
            elif name not in fed:
                fed[name] = np.zeros(entry.shape, np.int32 if entry.kind == "label" else np.float32)
                if setting.words and entry.kind == "float" and entry.axis == 1:
                    fed[name][1:] = 1  # a sentence goes on
        if setting.words:
            assert setting.spec.sample is not None, "it has the words"
            entry_name, output = setting.spec.sample.input[0], setting.spec.sample.output[0]
            self._sentences: list[Finding] = list(captions(net, fed, entry_name, output, setting.words))
            return {}
        made = net.forward(**fed)
        held = {name: net.blobs[name] for head in setting.heads for name in _held(head, net)}
        return {**held, **{name: made[name] for name in made if name in setting.keep()}}

    def _part(self, name: str, array: Array, start: int, size: int) -> Array:
        """The rows of a further input that belong to a batch."""
        entry = self._net.resolved.inputs[name]
        if entry.axis is None:
            return array
        rows = entry.shape[entry.axis] // size
        index = np.minimum(np.arange(start * rows, (start + size) * rows), array.shape[entry.axis] - 1)
        part: Array = np.take(array, index, axis=entry.axis)
        return part

    def _check_rows(self, name: str, count: int, whole: bool = False) -> None:
        """Refuse a further input with fewer rows than ``count`` samples need; with ``whole`` also one with more.

        Raises
        ------
        DataError
            The numbers differ.
        """
        entry, array = self._net.resolved.inputs[name], self._setting.others[name]
        if entry.axis is None:
            return
        rows, have = entry.shape[entry.axis] // self._net.batch_size, array.shape[entry.axis]
        if have < count * rows or (whole and have > count * rows):
            each = f" ({rows} a sample)" if rows > 1 else ""
            held = f"{have} {'row' if rows > 1 else 'sample'}{'' if have == 1 else 's'}{each}"
            others = "more" if have < count * rows else f"{count} {'sample' if count == 1 else 'samples'}"
            raise DataError(f"--input {name}: holds {held}, the other files hold {others}")

    def _tell(self, head: Head, blobs: Mapping[str, Array], batch: list[Item]) -> Sequence[Finding]:
        """What a head says of each sample; nothing if the blob goes into a file."""
        asked, count = self._setting.asked, len(batch)
        if head.form == "words":
            return self._sentences[:count]
        if head.form == "boxes":
            return self._boxes(head, blobs, batch)
        samples = self._samples(blobs[head.blob], head.blob, count)
        if head.blob in self._whole:
            self._whole[head.blob].append(samples)
            return []
        if samples.ndim != blobs[head.blob].ndim or head.form == "values":
            return telling.values(samples)
        for row, item in zip(samples, batch, strict=True):
            if not np.isfinite(row).all():
                raise NumericError(f"{item.name}: `{head.blob}` is not finite; the weights have diverged")
        names = self._class_names(samples.shape[1])
        if head.form == "classes":
            return telling.classes(samples, head, asked.top_k, names)
        return [self._mask(head, row, item, names) for row, item in zip(samples, batch, strict=True)]

    def _samples(self, blob: Array, name: str, count: int) -> Array:
        """A blob by samples, those that only fill the batch left out; one that has none is each sample's."""
        if name not in self._setting.batch_axes:
            return np.broadcast_to(blob, (count, *blob.shape))
        axis, rows = self._setting.batch_axes[name]
        moved = np.moveaxis(blob, axis, 0)
        made: Array = moved if rows == 1 else moved.reshape(-1, rows, *moved.shape[1:])
        return made[:count]

    def _class_names(self, count: int) -> Sequence[str]:
        names, path = self._setting.names, self._setting.asked.names
        if path is not None and len(names) != count:
            raise DataError(f"{path}: {len(names)} names, the net tells {count} classes apart")
        return names if len(names) == count else ()

    def _mask(self, head: Head, scores: Array, item: Item, names: Sequence[str]) -> Mask:
        mask, classes = telling.mask_of(scores, names)
        path = self._places.of(item.name, "mask" if len(self._setting.heads) == 1 else f"{head.blob}.mask")
        if path is None:
            return mask
        return Mask(mask.pixels, mask.size, pictures.write(path, pictures.mask_png(classes)))

    def _boxes(self, head: Head, blobs: Mapping[str, Array], batch: list[Item]) -> list[Boxes]:
        shape = self._net.resolved.inputs[self._setting.entry].shape
        size = (shape[-2], shape[-1])
        found = telling.boxes(blobs, head, size, self._setting.asked.threshold, self._setting.names, len(batch))
        made = []
        for each, item in zip(found, batch, strict=False):
            path, picture = self._places.of(item.name, "boxes"), self._setting.preparer.picture(item)
            if path is not None and picture is not None:
                each = Boxes(each.boxes, pictures.write(path, pictures.boxes_png(picture, each.boxes)))
            made.append(each)
        return made


def _held(head: Head, net: Net) -> list[str]:
    """The blobs that a head is told from."""
    if head.keep:
        return list(head.keep)
    return [f"{head.blob}.{name}" for name in ("detections", "found") if f"{head.blob}.{name}" in net.blobs]


def _batches(items: Iterable[Item], size: int) -> Iterator[tuple[int, list[Item]]]:
    """Samples in batches, each with the number of its first."""
    start, left = 0, iter(items)
    while batch := list(itertools.islice(left, size)):
        yield start, batch
        start += len(batch)
