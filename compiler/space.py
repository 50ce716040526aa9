"""The builder's methods for displaced and sampled maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.emitter import Emitter
from runtime.ops import Pair
from runtime.ops_space import Correlation, Sample

if TYPE_CHECKING:
    from compiler.ir import Value


class Space(Emitter):
    """Methods over ``runtime.ops_space``."""

    def correlation(
        self, a: Value, b: Value, start: Pair, first: Pair, count: Pair, size: Pair, stride: int = 1, step: int = 1,
        mode: str = "multiply",
    ) -> Value:  # fmt: skip
        """Each pixel of ``a`` with ``count`` displaced ones of ``b``: N x C x H x W twice -> N x count x size."""
        return self.emit1(Correlation(mode, stride, start, first, step, count, size), a, b)

    def sample(self, x: Value, places: Value) -> Value:
        """Bilinear samples of x at ``places`` N x 2 x Ho x Wo (column, row), zeros outside."""
        return self.emit1(Sample(), x, places)
