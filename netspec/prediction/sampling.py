"""Texts drawn from a net for sequences, one step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Net as ResolvedNet
from netspec.graph.advice import check_sample
from netspec.net import Net
from netspec.sources.base import Source
from netspec.sources.joint import Joint
from netspec.spec.diagnostics import Diagnostics, SpecError, did_you_mean
from netspec.spec.load import Spec
from netspec.spec.sample import EXAMPLE
from netspec.training.evaluate import forget
from netspec.training.opening import Run, check_weights, opened
from runtime.errors import DataError, NumericError, UsageError

NEWLINE = "\n"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How a text is drawn.

    Attributes
    ----------
    length
        Characters (words) behind the prime.
    temperature
        Scores are divided by it: below 1 likely ones become likelier; 0 takes the likeliest.
    prime
        What the text begins with; empty: the net is given a new line, which is not shown.
    """

    length: int = 500
    temperature: float = 1.0
    seed: int = 0
    prime: str = ""


@dataclass(frozen=True)
class Drawn:
    """A text and how it was drawn."""

    text: str
    drawing: Drawing

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec sample``."""
        how = self.drawing
        return {
            "text": self.text,
            "prime": how.prime,
            "length": how.length,
            "temperature": how.temperature,
            "seed": how.seed,
        }


def sample(spec: Spec, run: Run, drawing: Drawing) -> Drawn:
    """Draw a text from the net that a spec's ``sample`` describes.

    A net whose layers carry their states is run for one step at a time; any other one reads, at each step, as much of
    the text so far as it was made for.

    Raises
    ------
    UsageError
        No ``sample``, no weights, or a prime that the net's text does not have the letters of.
    DataError
        The text that says what the numbers mean cannot be read, or does not fit the net.
    StateError
        The weights do not fit.
    NumericError
        Scores that are not finite.
    """
    if not isfinite(drawing.temperature):
        raise UsageError(f"--temperature is a number from 0, got {drawing.temperature}")
    if spec.sample is None:
        raise UsageError(f"{spec.path or spec.name}: nothing says what to sample; add {EXAMPLE}")
    check_weights(spec, run, "sample")
    _check(spec)
    source = _source(spec, spec.sample.input[0])
    words = source.vocabulary()
    tokens = _tokens(drawing.prime, words, source)
    single = _of_one_step(spec)
    carries = _carries(single.net("test", batch=1))
    output = spec.sample.output[0]
    with opened(single if carries else spec, run, 1, (output,)) as net:
        writer = _Writer(net, spec.sample.input[0], output, words, source)
        drawn = writer.write(tokens, drawing)
    joiner = source.between_words
    parts = [drawing.prime] if drawing.prime else []
    return Drawn(joiner.join([*parts, *(words[k] for k in drawn)]), drawing)


def _check(spec: Spec) -> None:
    """Refuse a ``sample`` whose blobs the net does not have."""
    found = Diagnostics()
    found.sources, found.reached = spec.diagnostics.sources, spec.diagnostics.reached
    check_sample(spec.net("test", batch=1), found)
    if found.errors:
        raise SpecError(found)


def _source(spec: Spec, name: str) -> Source:
    """The source that gives the net's words."""
    source = spec.data.get("test") or spec.data.get("train")
    owner = source.owner(name) if source is not None and name in source.top_names() else None
    if owner is None or not owner.vocabulary():
        raise UsageError(
            f"{spec.path or spec.name}: nothing says which letters or words the numbers of `{name}` stand for; "
            "sample needs the source `text`, or another one of words, in `data`"
        )
    return owner


def _tokens(prime: str, words: Sequence[str], source: Source) -> list[int]:
    """The numbers of a prime's letters or words; of a new line where there is none."""
    numbers = {word: k for k, word in enumerate(words)}
    parts = source.apart(prime)
    for part in parts:
        if part not in numbers:
            hint = did_you_mean(part, words) if len(part) > 1 else None
            listed = "".join(words) if not source.between_words else ", ".join(words[:20]) + ", .."
            raise UsageError(f"--prime: {part!r} is not in the net's text; {hint or 'it has ' + repr(listed)}")
    return [numbers[part] for part in parts] or [numbers.get(NEWLINE, 0)]


def _of_one_step(spec: Spec) -> Spec:
    """The spec with sequences of one step."""
    data = {name: None if source is None else _with_one_step(source) for name, source in spec.data.items()}
    return replace(spec, data=data, _wired={})


def _with_one_step(source: Source) -> Source:
    if isinstance(source, Joint):
        return Joint(tuple(map(_with_one_step, source.sources)))
    if "steps" not in source.specs:
        return source
    made: Any = copy(source)
    made.steps = 1
    return made  # type: ignore[no-any-return]


def _carries(net: ResolvedNet) -> bool:
    """Whether a layer of the net hands its state on from batch to batch."""
    return any(getattr(node.layer, "carry", False) for node in net.nodes)


class _Writer:
    """Feeds a net with what it wrote itself."""

    def __init__(self, net: Net, entry: str, output: str, words: Sequence[str], source: Source) -> None:
        """Find what is to be fed.

        Raises
        ------
        UsageError
            The net reads what no text has.
        DataError
            It knows fewer words than the text has.
        """
        self._net, self._entry, self._output = net, entry, output
        resolved = net.resolved
        read = {blob for node in resolved.nodes for blob in node.bottom_ids}
        for name in resolved.inputs:
            if name in read and name not in source.top_names():
                raise UsageError(f"sample feeds the blobs of `{source.type_name}`; the net also reads `{name}`")
        self._marks = [name for name, given in resolved.inputs.items() if name != entry and given.kind == "float"]
        self._steps = resolved.inputs[entry].shape[0]
        self._carries = _carries(resolved)
        ids = [top for node in resolved.nodes for top in node.top_ids]
        last = [each for each in ids if each.partition("#")[0] == output][-1]
        self._is_share = resolved.makers[last].type == "Softmax"
        self._classes = resolved.shapes[last][-1]
        if self._classes < len(words):
            raise DataError(
                f"`{output}` tells {self._classes} letters or words apart, the text has {len(words)}: "
                "it is not the one that the net was made for"
            )
        self._count = len(words)

    def write(self, tokens: list[int], drawing: Drawing) -> list[int]:
        """Return the numbers drawn behind these."""
        random = np.random.default_rng(drawing.seed)
        forget(self._net)
        said = list(tokens)
        scores = self._scores(said, 0)
        drawn: list[int] = []
        for _ in range(drawing.length):
            drawn.append(_drawn(scores, drawing.temperature, random))
            said.append(drawn[-1])
            if len(drawn) < drawing.length:
                scores = self._scores(said, len(said) - 1)
        return drawn

    def _scores(self, said: list[int], known: int) -> NDArray[np.float64]:
        """Scores of the next word; the net has read the first ``known`` words already, if it carries its state."""
        if not self._carries:
            window = said[-self._steps :]
            return self._forward(window, True)
        for k in range(known, len(said)):
            found = self._forward(said[k : k + 1], k == 0)
        return found

    def _forward(self, window: list[int], begins: bool) -> NDArray[np.float64]:
        """Scores behind the last word of a window, the rest of the net's steps left empty."""
        fed: dict[str, NDArray[Any]] = {}
        for name, given in self._net.resolved.inputs.items():
            fed[name] = np.zeros(given.shape, np.int32 if given.kind == "label" else np.float32)
        fed[self._entry][: len(window), 0] = window
        for name in self._marks:
            fed[name][...] = 1
            fed[name][0] = not begins
        made = self._net.forward(**fed)
        blob = made[self._output] if self._output in made else self._net.blobs[self._output]
        if not np.isfinite(blob).all():
            raise NumericError(f"`{self._output}` is not finite; the weights have diverged")
        row = np.asarray(blob, np.float64).reshape(-1, self._classes)[len(window) - 1, : self._count]
        if self._is_share:
            with np.errstate(divide="ignore"):
                return np.log(row)
        return row


def _drawn(scores: NDArray[np.float64], temperature: float, random: np.random.Generator) -> int:
    """A number drawn by scores, which are logarithms of shares up to a constant."""
    if temperature == 0:
        return int(np.argmax(scores))
    shares = np.exp((scores - scores.max()) / temperature)
    sums = np.cumsum(shares)
    return int(np.searchsorted(sums, random.random() * sums[-1], side="right").clip(0, len(sums) - 1))
