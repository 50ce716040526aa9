"""MultiHeadAttention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from netspec.layers import attending
from netspec.layers.weights import Weighted
from netspec.spec.layer import Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class MultiHeadAttention(Weighted):
    """Several attentions beside each other, each on projections of its own.

    Shapes
        query : N x Q x D, key : N x K x C (default: query), value : N x K x C' (default: key) -> y : N x Q x E,
        weights : N x Q x K (a second top), the mean over the heads; with ``lengths`` the last bottom of N counts says
        how many of the K keys there are.
    Formula
        ``q = weight_q query + bias_q`` and k, v alike, cut in ``num_heads`` parts of E / num_heads numbers;
        ``y = weight_o concat(softmax(q_h k_h^T / sqrt(E / num_heads)) v_h) + bias_o``; ``causal``: k <= q alone.
    Learned
        weight_q : E x D, weight_k : E x C, weight_v : E x C', weight_o : E x E; bias_q, bias_k, bias_v, bias_o : E,
        with E = num_output.
    Gradient
        To query, key, value and the parameters.
    Source
        Vaswani et al. 2017, section 3.2.2.
    Example
        inputs: {x: [7, 6]}
        layers:
          - {name: look, type: MultiHeadAttention, num_output: 8, num_heads: 2, causal: true}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, 4)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    num_heads: int = field(1, minimum=1, doc="attentions beside each other")
    causal: bool = field(False, doc="a query sees the keys up to its own place alone")
    lengths: bool = field(False, doc="the last bottom holds how many keys each sample has")

    def problems(self) -> Iterator[Problem]:
        """Yield heads that do not divide the outputs."""
        yield from super().problems()
        if self.num_output % self.num_heads:
            message = f"num_output {self.num_output} in {self.num_heads} heads leaves a rest"
            most = next(k for k in range(self.num_heads, 0, -1) if self.num_output % k == 0)
            more = self.num_output + self.num_heads - self.num_output % self.num_heads
            yield Problem("E414", "num_heads", message, f"num_heads: {most}, or num_output: {more}")

    def _given(self, bottoms: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
        """Query, key, value, lengths: what is left out is the one before."""
        rest = list(bottoms)
        lengths = rest.pop() if self.lengths and len(rest) > 1 else None
        if len(rest) > 3 or (self.lengths and lengths is None):
            message = f"it reads query, key, value{', lengths' * self.lengths} (key and value may be left out)"
            hint = f"lengths: {'false' if self.lengths else 'true'}"
            raise ShapeError("E460", f"{message}, got {len(bottoms)} bottoms", hint)
        query = rest[0]
        key = rest[1] if len(rest) > 1 else query
        return query, key, rest[2] if len(rest) > 2 else key, lengths

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        query, key, value, lengths = self._given(bottoms)
        attending.check_sets(self, query, key, value, alike=False)
        attending.check_size(self, lengths, query[0])
        self.check_filler(*bottoms)
        made = ((*query[:2], self.num_output), (*query[:2], key[1]))
        return made[: max(1, len(self.top_names))]

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of the four weights, then of the four biases."""
        query, key, value, _ = self._given(bottoms)
        e = self.num_output
        widths = {"q": query[2], "k": key[2], "v": value[2], "o": e}
        found: dict[str, Shape] = {f"weight_{part}": (e, width) for part, width in widths.items()}
        return found | ({f"bias_{part}": (e,) for part in widths} if self.bias_term else {})

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        query, key, value, lengths = self._given(bottoms)
        learned = self.learn(b, self.param_shapes(*(v.shape for v in bottoms)))
        q, k, v = (self._projected(b, x, learned, part) for x, part in ((query, "q"), (key, "k"), (value, "v")))
        size = self.num_output // self.num_heads
        made, all_weights = [], []
        for head in range(self.num_heads):
            # slices of the last axis: another order of axes would have to be copied
            mine = [b.slice(x, 2, head * size, (head + 1) * size) for x in (q, k, v)]
            y, weights = attending.attend(b, mine[0], mine[1], mine[2], lengths, self.causal, 1.0 / sqrt(size))
            made.append(y)
            all_weights.append(weights)
        y = self._projected(b, b.concat(made, 2), learned, "o")
        if len(self.top_names) < 2:
            return (y,)
        total = all_weights[0]
        for weights in all_weights[1:]:
            total = total + weights
        return y, total * (1.0 / self.num_heads)

    def _projected(self, b: Builder, x: Value, learned: dict[str, Value], part: str) -> Value:
        n, count, width = x.shape
        y = b.matmul(b.reshape(x, (n * count, width)), learned[f"weight_{part}"], transpose_b=True)
        if self.bias_term:
            y = y + learned[f"bias_{part}"]
        return b.reshape(y, (n, count, self.num_output))
