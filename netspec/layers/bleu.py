"""BLEU."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Measure, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class BLEU(Layer):
    """How many runs of words a translation or caption shares with its references.

    Shapes
        candidates : T x N; references, one or more : S x N, token numbers down the ``axis``
        (further axes of size 1 are allowed) -> a single number between 0 and 1.
    Formula
        A sentence ends before its first ``end_label`` or ``ignore_label``. For n = 1 .. ``order``,
        ``p_n = matches / n-grams of the candidates``, an n-gram matching at most as often as it is in
        the reference that has it most often. ``min(1, exp(1 - r / c)) (p_1 .. p_order)^(1 / order)``:
        c tokens in the candidates, r in the references nearest in length (of two, the shorter). All
        counts are sums over the sentences, in a test over those of all batches; no smoothing: 0 if
        some p_n is 0.
    Gradient
        None.
    Source
        Papineni et al. 2002, section 2.3; counts of a whole corpus.
    Example
        inputs: {words: {shape: [7, 2], batch: false}, said: {shape: [5, 2], batch: false}}
        layers:
          - {name: bleu, type: BLEU, bottom: [words, said], end_label: 0}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, None)
    is_metric: ClassVar[bool] = True

    axis: int = field(0, minimum=0, maximum=1, doc="the axis of the words: 0 for T x N, 1 for N x T")
    order: int = field(4, minimum=1, maximum=9, doc="the longest runs of words that are compared")
    end_label: int | None = field(None, doc="the token behind the last word")
    ignore_label: int | None = field(None, doc="the token that fills sentences up")

    def shapes(self, candidates: Shape, *references: Shape) -> Shape:
        _, n = self._table(candidates)
        for other in references:
            if self._table(other)[1] != n:
                fits = candidates[self.axis] == other[self.axis]
                hint = f"axis: {1 - self.axis}" if fits else None
                raise ShapeError("E415", f"{n} candidates, references {axes.times(other)}", hint)
        return ()

    def _table(self, x: Shape) -> tuple[int, int]:
        """Words and sentences."""
        real = [k for k in range(2, len(x)) if x[k] != 1]
        if len(x) < 2 or real:
            kind = "N x T" if self.axis == 1 else "T x N"
            raise ShapeError("E413", f"BLEU works on {kind} tokens, its bottom is {axes.times(x)}")
        return x[self.axis], x[1 - self.axis]

    def metric(self, top: int) -> Measure | None:
        return Measure("bleu")

    def lower(self, b: Builder, candidates: Value, *references: Value) -> Value:
        words, length = self._sentences(b, candidates)
        others = [self._sentences(b, x) for x in references]
        nearest = reduce(lambda best, r: _nearer(b, length, best, r), [r for _, r in others])
        own = self._runs(b, words, length, words, length)
        shared = [self._runs(b, words, length, x, r) for x, r in others]
        matches, totals = [], []
        for n in range(self.order):
            earlier = b.sum(_before(b, own[n]), 2)
            most = reduce(b.maximum, [b.sum(s[n], 2) for s in shared])
            here = b.to_float(b.index((*words.shape, 1), 1)) + n < _column(b, length)
            matches.append(b.sum(b.both(here, earlier < most)))
            totals.append(b.sum(here))
        found = {"matches": matches, "totals": totals, "length": [b.sum(length)], "reference": [b.sum(nearest)]}
        values = {name: [b.as_scalar(v) for v in parts] for name, parts in found.items()}
        for name, parts in values.items():
            b.statistic(name, b.concat([b.reshape(v, (1,)) for v in parts], 0))
        return self._score(b, values)

    def _score(self, b: Builder, counts: dict[str, list[Value]]) -> Value:
        (length,), (reference,) = counts["length"], counts["reference"]
        penalty = b.exp(b.minimum(1.0 - reference / b.maximum(length, 1.0), 0.0))
        pairs = zip(counts["matches"], counts["totals"], strict=True)
        logs = [b.log(b.maximum(m, 1.0) / b.maximum(t, 1.0)) for m, t in pairs]
        mean = b.exp(reduce(lambda x, y: x + y, logs) * (1.0 / self.order))
        return b.where(reduce(b.minimum, counts["matches"]) > 0.0, penalty * mean, 0.0)

    def _sentences(self, b: Builder, x: Value) -> tuple[Value, Value]:
        """Tokens N x T as floats, and how many of each sentence come before its end, N x 1."""
        t, n = self._table(x.shape)
        table = b.reshape(b.to_float(x), (t, n) if self.axis == 0 else (n, t))
        words = table if self.axis == 1 else b.transpose(table, [1, 0])
        ends = [float(label) for label in (self.end_label, self.ignore_label) if label is not None]
        length = b.full((n, 1), float(t))
        if ends:
            at_end = reduce(b.either, [b.equal(words, label) for label in ends])
            # the first end is the smallest index of one: the largest when negated
            place = b.where(at_end, b.to_float(b.index(words.shape, 1)), float(t))
            length = -b.max(-place, 1)
        return words, length

    def _runs(self, b: Builder, x: Value, x_length: Value, y: Value, y_length: Value) -> list[Value]:
        """For each n, N x T x S: 1 where the n words from there on are the same, within both sentences."""
        (n, t), s = x.shape, y.shape[1]
        same = b.equal(b.reshape(x, (n, t, 1)), b.reshape(y, (n, 1, s)))
        shape = (n, t, s)
        rows, columns = (b.to_float(b.index(shape, k)) for k in (1, 2))
        inside = b.both(rows < _column(b, x_length), columns < b.reshape(y_length, (n, 1, 1)))
        words = b.to_float(b.both(same, inside))
        found = [words]
        for k in range(1, self.order):
            if k >= min(t, s):
                found.append(b.full(shape, 0.0))
                continue
            ahead = b.slice(b.slice(words, 1, k, t), 2, k, s)
            found.append(found[-1] * b.pad(ahead, [(0, 0), (0, k), (0, k)]))
        return found


def _column(b: Builder, length: Value) -> Value:
    return b.reshape(length, (*length.shape, 1))


def _before(b: Builder, runs: Value) -> Value:
    """N x T x T: of the same runs those that begin earlier."""
    return b.where(b.index(runs.shape, 2) < b.index(runs.shape, 1), runs, 0.0)


def _nearer(b: Builder, length: Value, one: Value, other: Value) -> Value:
    """Of two reference lengths the one nearer to the candidate's, the shorter of equally near ones."""
    first, second = b.abs(one - length), b.abs(other - length)
    shorter = b.both(b.equal(first, second), other < one)
    return b.where(b.either(second < first, shorter), other, one)
