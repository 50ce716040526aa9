"""Sentences about pictures: each word the likeliest behind those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.net import Net
from netspec.prediction.findings import Words

START, END = "<start>", "<end>"


def captions(net: Net, fed: Mapping[str, NDArray[Any]], entry: str, output: str, words: Sequence[str]) -> list[Words]:
    """Return a sentence for each sample of a batch.

    Parameters
    ----------
    fed
        The inputs; the sentences in it are written over.
    entry, output
        The blobs of the spec's ``sample``, T x N and T x N x words: the sentence so far, and scores of what comes next.
    words
        By their numbers; ``<start>`` begins a sentence and ``<end>`` ends it.
    """
    numbers = {word: k for k, word in enumerate(words)}
    start, end = numbers.get(START, 0), numbers.get(END, 0)
    said = np.full(net.resolved.inputs[entry].shape, end, np.int32)
    said[0] = start
    steps, count = said.shape
    for step in range(steps):
        made = net.forward(**{**fed, entry: said})
        blob = made[output] if output in made else net.blobs[output]
        best = np.argmax(blob[step, :, : len(words)], axis=-1)
        done = (said[1 : step + 1] == end).any(axis=0)
        best = np.where(done, end, best)
        if step + 1 < steps:
            said[step + 1] = best
        if done.all() or step + 1 == steps:
            said = np.concatenate([said[1 : step + 1], best[np.newaxis]])
            break
    return [Words(tuple(words[k] for k in _until(said[:, n], end))) for n in range(count)]


def _until(sentence: NDArray[np.int32], end: int) -> list[int]:
    found: list[int] = sentence.tolist()
    return found[: found.index(end)] if end in found else found
