"""Shapes of convolutions: drawn by Hypothesis, and chosen ones that take a path of their own."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True)
class ConvShape:
    """One convolution; ``slack`` elements lie between pixels, ``margin`` is halo beyond what is needed."""

    n: int
    c: int
    k: int
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    slack: int = 0
    margin: int = 0
    dtype: str = "f32"

    @property
    def out(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        reach = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        h, w = ((self.size[a] + 2 * self.pad[a] - reach[a]) // self.stride[a] + 1 for a in (0, 1))
        return h, w

    @property
    def weights(self) -> tuple[int, int, int, int]:
        """Shape of the weights."""
        return (self.k, self.c // self.groups, *self.kernel)


@st.composite
def conv_shapes(draw: st.DrawFn) -> ConvShape:
    """Small convolutions of every kind: one pixel, odd channels, groups, depthwise, strides beyond the kernel."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    per_group = st.sampled_from([1, 2, 3, 5, 8, 17])
    c, k = groups * draw(per_group), groups * draw(st.sampled_from([1, 2, 7, 16, 20, 33, 50]))
    if draw(st.integers(0, 5)) == 0:
        groups = c = k = draw(st.sampled_from([2, 7, 16, 35]))
    axes = []
    for _ in range(2):
        kernel, dilation, pad = draw(st.integers(1, 4)), draw(st.sampled_from([1, 1, 2])), draw(st.integers(0, 2))
        reach = dilation * (kernel - 1) + 1
        size = draw(st.integers(max(1, reach - 2 * pad), 9))
        axes.append((size, kernel, draw(st.integers(1, 3)), pad, dilation))
    size, kernel, stride, pad, dilation = zip(*axes, strict=True)
    return ConvShape(
        draw(st.sampled_from([1, 2, 3, 16])), c, k, size, kernel, stride, pad, dilation, groups,
        draw(st.sampled_from([0, 0, 3])), draw(st.sampled_from([0, 0, 1])), draw(st.sampled_from(["f32", "f64"])),
    )  # fmt: skip


CHOSEN = {
    "fully connected 4 x 4": ConvShape(20, 6, 40, (4, 4), (4, 4)),
    "fully connected 1 x 1": ConvShape(3, 70, 33, (1, 1), (1, 1), slack=2),
    "first layer, one channel": ConvShape(5, 1, 20, (14, 14), (5, 5)),
    "first layer, three channels": ConvShape(2, 3, 33, (13, 15), (3, 3), (2, 2), (1, 1)),
    "depthwise": ConvShape(3, 35, 35, (9, 11), (3, 3), (1, 1), (1, 1), groups=35, slack=1),
    "channel multiplier": ConvShape(2, 3, 6, (5, 5), (3, 3), (1, 1), (1, 1), groups=3),
    "a window in groups that is the whole map": ConvShape(3, 4, 8, (3, 3), (3, 3), groups=2),
    "weights in parts": ConvShape(1, 512, 40, (5, 5), (3, 3), (1, 1), (1, 1)),
    "few pixels, many outputs": ConvShape(1, 64, 300, (3, 3), (3, 3), (1, 1), (1, 1)),
    "small maps of many images": ConvShape(30, 8, 20, (6, 6), (5, 5), (1, 1), (2, 2)),
    "halo of zeros larger than the map": ConvShape(29, 4, 20, (4, 4), (3, 3), (1, 1), (4, 4)),
    "input pixels 4096 bytes apart": ConvShape(2, 1024, 130, (3, 2), (1, 1)),
    "output pixels 4096 bytes apart": ConvShape(2, 130, 1024, (2, 3), (1, 1)),
    "many rows": ConvShape(2, 5, 7, (70, 3), (3, 1), (1, 1), (1, 0)),
}
