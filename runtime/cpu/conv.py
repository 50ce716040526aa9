"""Direct convolution N H W C: rows of output pixels times packed weights, no im2col.

Source
    Zhang, Franchetti and Low 2018, "High performance zero-memory overhead
    direct convolutions"; Caffe ``ConvolutionLayer`` for the semantics.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ops
from runtime.cpu import depthwise, flat
from runtime.cpu.conv_images import SET_BYTES, Reach, choose
from runtime.cpu.launch import Context, Launch, Tail, ThreadStride, kernel_file, launcher
from runtime.cpu.pack import BLOCK_BYTES, ZEROS, Packing, called, columns_of, tile_cost
from runtime.plan import ITEM_BYTES, Step, View
from runtime.vector.kernel import Address, Word, address_of
from runtime.ways import is_flat

PART_BYTES = 384 * 1024
"""Weights of a block beyond this are taken in parts, each reused over a chunk's pixels from the second-level cache."""

STREAMED_BYTES = 1536 * 1024
"""Weights in all beyond this do not stay in the second-level cache from chunk to chunk."""

NEAR_BYTES = 8 * 1024 * 1024
"""Input and output of a chunk cost this part of themselves in time: they are read from further away."""

CLAIM_WORK = 2e4
"""Arithmetic operations that take as long as the claim of a chunk and its tables."""

SHORT = 128
"""Reductions shorter than this do not repay tiles over images, each row of which lies in a page of its own."""


@dataclass(frozen=True)
class Direct:
    """y[n, h, w, k] = sum over taps r, s and channels c of x * w, strides in bytes.

    Parameters
    ----------
    x, x_image, x_row, x_pixel, x_group
        Input of the first tap of the first output pixel; steps from output
        pixel to output pixel, and from group to group.
    tap_row, tap_pixel
        Input steps from tap to tap.
    y, y_image, y_row, y_pixel, y_group
        Likewise of the output.
    size
        Images, output rows and columns.
    taps, channels, groups, columns
        Taps (R, S), input channels and output channels a group.
    w, w_group, w_row, w_pixel, w_channel, w_column
        Weight of the first tap; steps along r, s, c and k.
    reach
        Where the taps fall in the map, to leave out those in the halo.
    """

    dtype: str
    x: Address
    x_image: int
    x_row: int
    x_pixel: int
    x_group: int
    tap_row: int
    tap_pixel: int
    y: Address
    y_image: int
    y_row: int
    y_pixel: int
    y_group: int
    size: tuple[int, int, int]
    taps: tuple[int, int]
    channels: int
    groups: int
    columns: int
    w: Address
    w_group: int
    w_row: int
    w_pixel: int
    w_channel: int
    w_column: int
    reach: Reach

    @property
    def item(self) -> int:
        """Bytes an element."""
        return ITEM_BYTES[self.dtype]

    def packing(self, ctx: Context) -> Packing:
        """How the weights are packed for this convolution."""
        return Packing(
            self.w, self.w_group, self.groups, columns_of(ctx, self.dtype, self.columns), (*self.taps, self.channels),
            (self.w_row, self.w_pixel, self.w_channel), self.w_column, self.dtype,
        )  # fmt: skip

    def product(self, ctx: Context, packed: Address, tail: Tail, barrier: bool) -> list[Launch]:
        """The launches behind the packing; the tail runs inside the chunks where these hold whole rows."""
        images, height, width = self.size
        images_a_chunk, span, cost = choose(self.size, self.taps, self.reach, self.x_image)
        if images >= 14 and cost < 0.97 and self.channels * self.taps[0] * self.taps[1] >= SHORT:
            return [self._over_images(ctx, packed, tail, barrier, images_a_chunk, span), *tail.after]
        columns = columns_of(ctx, self.dtype, self.columns)
        rows = images * height
        blocks = self.groups * columns.blocks
        row_work = 2 * width * self.channels * self.taps[0] * self.taps[1] * columns.width
        far = self.x_pixel % SET_BYTES == 0 and self.taps == (1, 1) and self.groups == 1 and blocks >= 4
        weight_bytes = blocks * self.taps[0] * self.taps[1] * self.channels * columns.width * self.item
        row_bytes = width * self.groups * (self.channels + columns.count) * self.item
        rows_a_chunk, blocks_a_chunk = split(rows, width, blocks, row_work, weight_bytes, row_bytes)
        near_row = -(-self.channels * self.item // 64) * 64 + 64 if far else 0
        own_x = -(-(BLOCK_BYTES + 16 * rows_a_chunk * width) // 64) * 64
        row_chunks = -(-rows // rows_a_chunk)
        block_chunks = -(-blocks // blocks_a_chunk)
        nest = self._nest(columns.width * self.item)
        next_x = Address(self.x.memory, self.x.offset + (self.taps[0] - 1) * self.tap_row)
        lines = -(-width * self.x_pixel // (64 * blocks)) if block_chunks == 1 else 0
        inside = tail.inside if block_chunks == 1 else ()
        scratch = ctx.thread_scratch(own_x + rows_a_chunk * width * near_row)
        block_bytes = self.taps[0] * self.taps[1] * self.channels * columns.width * self.item
        words: tuple[Word, ...] = (
            *columns.words(ctx, self.dtype),
            self.x, self.x_image, self.x_row, self.x_pixel, self.x_group,
            self.y, self.y_image, self.y_row, self.y_pixel, self.y_group, self.item,
            height, width, rows, rows_a_chunk, row_chunks, blocks_a_chunk,
            self.groups, columns.count, columns.blocks, packed, block_bytes,
            *nest,
            scratch, ThreadStride(), near_row, own_x, next_x, lines, *called(inside), *ZEROS,
        )  # fmt: skip
        kernel = kernel_file("convolve", BYTES=ctx.target.vector_bytes)
        product = Launch(kernel, words, row_chunks * block_chunks, barrier)
        return [product, *(tail.after if block_chunks == 1 else tail.apart)]

    def _over_images(self, ctx: Context, packed: Address, tail: Tail, barrier: bool, count: int, span: int) -> Launch:
        columns = columns_of(ctx, self.dtype, self.columns)
        images, height, width = self.size
        reach, row = self.reach, columns.width * self.item
        b_middle = self.channels * row
        words: tuple[Word, ...] = (
            *columns.words(ctx, self.dtype),
            self.x, self.x_image, self.x_row, self.x_pixel, self.x_group, self.tap_row, self.tap_pixel,
            self.y, self.y_image, self.y_row, self.y_pixel, self.y_group, self.item,
            height, width, images, count, span,
            self.groups, columns.count, columns.blocks, packed, self.taps[0] * self.taps[1] * b_middle,
            *self.taps, self.channels, self.item, self.taps[1] * b_middle, b_middle, row,
            int(self.tap_pixel == self.channels * self.item),
            *(v for a in (0, 1) for v in (reach.start[a], reach.step[a], max(1, reach.tap[a]), reach.limit[a])),
            ctx.thread_scratch(BLOCK_BYTES + 16 * count * span), ThreadStride(),
            *called(tail.inside), *ZEROS,
        )  # fmt: skip
        return Launch(kernel_file("convolve_images"), words, height * -(-images // count), barrier)

    def _nest(self, row: int) -> tuple[int, ...]:
        """Trip counts (outer, its part, middle, inner) and strides of x and of the packed weights."""
        taps_r, taps_s = self.taps
        part = max(1, PART_BYTES // (taps_s * self.channels * row))
        b = (taps_s * self.channels * row, self.channels * row, row)
        if self.tap_pixel == self.channels * self.item:
            return taps_r, part, 1, taps_s * self.channels, self.tap_row, 0, self.item, b[0], 0, row
        return taps_r, part, taps_s, self.channels, self.tap_row, self.tap_pixel, self.item, *b


def split(
    rows: int, width: int, blocks: int, row_work: float, weight_bytes: int = 0, row_bytes: int = 0
) -> tuple[int, int]:
    """Rows and column blocks of a chunk, from the shapes alone.

    Rows so that tiles come out even, a chunk's pixels stay in the cache from
    block to block and for what runs behind the product, and chunks are many
    enough to share; column blocks are split only where there are too few rows.

    Parameters
    ----------
    rows, width, blocks
        Output rows of all images, pixels of a row, blocks of columns.
    row_work
        Arithmetic operations of a row and a block.
    weight_bytes, row_bytes
        Of all packed weights; of a row's input and output.
    """
    best, choice = 0.0, (1, blocks)
    for count in sorted({*range(1, min(rows, 64) + 1), *(-(-rows // k) for k in range(1, 17))}):
        pixels = count * width
        if count > 1 and (pixels > 1024 or (pixels > 512 and -(-rows // count) < 16)):
            continue
        wide = _blocks_of_chunk(-(-rows // count), blocks, count * row_work)
        work = count * row_work * wide
        # weights beyond the second-level cache come from the third, once a chunk
        streamed = pixels / (pixels + 0.5) if weight_bytes > STREAMED_BYTES else 1.0
        near = NEAR_BYTES / (NEAR_BYTES + count * row_bytes)
        apart = 1.0 if wide == blocks else 0.97
        even = pixels / tile_cost(pixels)
        score = even * _shared(rows, blocks, count, wide) * work / (work + CLAIM_WORK) * streamed * near * apart
        if score > best:
            best, choice = score, (count, wide)
    return choice


def _blocks_of_chunk(row_chunks: int, blocks: int, block_work: float) -> int:
    """Column blocks of a chunk: all, unless there are few chunks of rows, and enough work to share."""
    if row_chunks >= 8 or blocks == 1:
        return blocks
    wanted = min(blocks, -(-16 // row_chunks))
    while wanted > 1 and block_work * blocks / wanted < 1e6:
        wanted -= 1
    return -(-blocks // wanted)


def _shared(rows: int, blocks: int, count: int, wide: int) -> float:
    """How well teams of two and of four share chunks of ``count`` rows and ``wide`` blocks, 1 at best."""
    chunks = -(-rows // count) * -(-blocks // wide)
    return sum(rows * blocks / (team * -(-chunks // team) * count * wide) for team in (2, 4)) / 2


@launcher(ops.Conv)
def conv(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Conv``."""
    op = step.op
    assert isinstance(op, ops.Conv)
    x, w = step.reads
    y = step.writes[0]
    assert y is not None
    if is_flat(op, x.shape, w.shape[2:]):
        return flat.forward(x, w, y, step, ctx)
    if depthwise.applies(op, w.shape, ctx.lanes(x.dtype)):
        return depthwise.forward(op, x, w, y, step, ctx)
    direct = forward(op, x, w, y)
    packing = direct.packing(ctx)
    packed = ctx.packed(packing.source, packing.bytes)
    return [packing.launch(ctx, packed, step.barrier), *direct.product(ctx, packed, ctx.tail(step), True)]


def forward(op: ops.Conv, x: View, w: View, y: View) -> Direct:
    """The convolution's geometry."""
    item = x.item_bytes
    k, cg, r, s = w.shape
    xs, ys, ws = ([item * v for v in view.strides] for view in (x, y, w))
    start = x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3]
    return Direct(
        dtype=x.dtype, x=Address(x.memory, start),
        x_image=xs[0], x_row=op.stride[0] * xs[2], x_pixel=op.stride[1] * xs[3], x_group=cg * item,
        tap_row=op.dilation[0] * xs[2], tap_pixel=op.dilation[1] * xs[3],
        y=address_of(y), y_image=ys[0], y_row=ys[2], y_pixel=ys[3], y_group=k // op.groups * item,
        size=(y.shape[0], y.shape[2], y.shape[3]), taps=(r, s), channels=cg, groups=op.groups,
        columns=k // op.groups, w=address_of(w), w_group=k // op.groups * ws[0],
        w_row=ws[2], w_pixel=ws[3], w_channel=ws[1], w_column=ws[0],
        reach=Reach((-op.pad[0], -op.pad[1]), op.stride, op.dilation, (x.shape[2], x.shape[3])),
    )  # fmt: skip
