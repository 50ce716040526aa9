"""Boxes as values of a graph: sides, overlaps, and the four numbers that move one box onto another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from netspec.layers.axes import times
from netspec.spec.layer import Layer, Problem, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape

LEAST_UNION = 1e-12
"""What an intersection is divided by at least: boxes without an area overlap with nothing."""


class Boxed(Layer):
    """Base of the layers that measure boxes (x1, y1, x2, y2)."""

    inclusive: bool = field(True, doc="corners belong to the box: its sides are x2 - x1 + 1 (Caffe)")

    @property
    def extent(self) -> float:
        """What is added to x2 - x1."""
        return 1.0 if self.inclusive else 0.0


class Framed(Boxed):
    """Base of the layers that must know how large the images are: from a bottom N x 3, or from a field."""

    image_size: tuple[int, ...] = field((), minimum=1, doc="[rows, columns], where no bottom tells", unit="pixels")

    def check_frame(self, info: Shape | None, images: int) -> None:
        """Raise ShapeError unless the images' sizes are known, by one row an image where there is a bottom."""
        kind = type(self).__name__
        if info is None and len(self.image_size) != 2:
            message = f"{kind} must know how large the images are"
            raise ShapeError("E502", message, "image_size: [600, 1000], or one more bottom im_info, N x 3", None)
        if info is not None and (len(info) != 2 or info[0] != images or info[1] < 2):
            message = f"im_info is rows, columns and scale of each image: {images} x 3, got {times(info)}"
            raise ShapeError("E415", message)

    def frame(self, b: Builder, info: Value | None) -> tuple[Value | float, Value | float, Value | float]:
        """(rows, columns, scale) of the images: numbers, or values N x 1 x 1."""
        if info is None:
            return float(self.image_size[0]), float(self.image_size[1]), 1.0
        n, known = info.shape
        rows, columns, *scale = (b.reshape(b.slice(info, 1, k, k + 1), (n, 1, 1)) for k in range(min(3, known)))
        return rows, columns, scale[0] if scale else 1.0


class Box(NamedTuple):
    """Boxes by their corners: four values that broadcast."""

    left: Value
    top: Value
    right: Value
    bottom: Value


def parts(b: Builder, x: Value) -> Box:
    """The corners in the first four numbers of the last axis, which stays with size 1."""
    left, top, right, bottom = (b.slice(x, -1, k, k + 1) for k in range(4))
    return Box(left, top, right, bottom)


def reshaped(b: Builder, box: Box, shape: Shape) -> Box:
    """Every corner in another shape."""
    left, top, right, bottom = (b.reshape(v, shape) for v in box)
    return Box(left, top, right, bottom)


def sides(box: Box, extent: float) -> tuple[Value, Value]:
    """(width, height)."""
    return box.right - box.left + extent, box.bottom - box.top + extent


def overlaps(b: Builder, one: Box, other: Box, extent: float) -> Value:
    """Intersection over union, broadcast."""
    across = b.minimum(one.right, other.right) - b.maximum(one.left, other.left) + extent
    down = b.minimum(one.bottom, other.bottom) - b.maximum(one.top, other.top) + extent
    both = b.maximum(across, 0.0) * b.maximum(down, 0.0)
    (width, height), (wide, high) = sides(one, extent), sides(other, extent)
    return both / b.maximum(width * height + wide * high - both, LEAST_UNION)


def offsets(b: Builder, box: Box, target: Box, extent: float) -> list[Value]:
    """Girshick's (dx, dy, dw, dh) from a box to its target: steps of the centre by sides, logarithms of growth."""
    (width, height), (wide, high) = sides(box, extent), sides(target, extent)
    dx = (target.left + 0.5 * wide - (box.left + 0.5 * width)) / width
    dy = (target.top + 0.5 * high - (box.top + 0.5 * height)) / height
    return [dx, dy, b.log(wide / width), b.log(high / height)]


def moved(b: Builder, box: Box, steps: Box, extent: float) -> Box:
    """The box that ``offsets`` leads to; ``steps`` are dx, dy, dw, dh."""
    width, height = sides(box, extent)
    x, y = box.left + 0.5 * width + steps.left * width, box.top + 0.5 * height + steps.top * height
    across, down = 0.5 * width * b.exp(steps.right), 0.5 * height * b.exp(steps.bottom)
    return Box(x - across, y - down, x + across - extent, y + down - extent)


def clipped(b: Builder, box: Box, rows: Value | float, columns: Value | float, extent: float) -> Box:
    """The part of a box in the image; a corner that is NaN stays NaN."""

    def cut(v: Value, limit: Value | float) -> Value:
        return b.maximum(b.minimum(v, limit - extent), 0.0)

    return Box(cut(box.left, columns), cut(box.top, rows), cut(box.right, columns), cut(box.bottom, rows))


class Truth(NamedTuple):
    """Ground truth: N x 1 x G values; ``real`` is false where a slot holds no box."""

    box: Box
    label: Value
    real: Value


def truth(b: Builder, boxes: Value) -> Truth:
    """Of gt_boxes N x G x 5 (x1, y1, x2, y2, class); a class of 0, below 0 or NaN is no box."""
    n, g = boxes.shape[:2]
    label = b.reshape(b.slice(boxes, -1, 4, 5), (n, 1, g))
    return Truth(reshaped(b, parts(b, boxes), (n, 1, g)), label, label > 0.0)


def check_truth(boxes: Shape, images: int) -> None:
    """Raise ShapeError unless gt_boxes is N x G x 5."""
    if len(boxes) != 3 or boxes[2] != 5 or boxes[0] != images:
        message = f"gt_boxes is {images} x G x 5 (x1, y1, x2, y2, class; class 0: no box), got {times(boxes)}"
        raise ShapeError("E415", message, f"inputs: {{gt_boxes: [G, 5]}} with batch {images}")


def check_groups(rois: Shape, gt: Shape) -> None:
    """Raise ShapeError unless there are equally many regions for each image."""
    if rois[0] % gt[0]:
        message = f"rois has as many rows for each of the {gt[0]} images, one after another, got {times(rois)}"
        raise ShapeError("E415", message, f"a multiple of {gt[0]} rows: empty slots have the number -1")


def one_or_four(owner: Layer, *names: str) -> Iterator[Problem]:
    """Yield a problem for each field that is neither one number nor one each for dx, dy, dw, dh."""
    for name in names:
        values = getattr(owner, name)
        if len(values) not in (1, 4):
            message = f"{name} has {len(values)} values, expected one, or four for dx, dy, dw, dh"
            yield Problem("E512", name, message)


def of_four(values: tuple[float, ...]) -> list[float]:
    """One number for each of dx, dy, dw, dh."""
    return [float(v) for v in values * (4 // len(values))]


def picked(b: Builder, mask: Value, values: Value) -> Value:
    """The value where the mask, which is set once along the last axis, is set; 0 where it is not."""
    return b.sum(b.where(mask, values, 0.0), -1)
