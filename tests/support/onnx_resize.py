"""ONNX's Resize: every way of laying one picture upon another, as the matrices that Interp and Resample use."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Any

import numpy as np
from layer_support import Array
from onnx_graph import Node, Unmatched, operator

from netspec.layers import interpolation
from netspec.layers.resizing import resized

NEAREST: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda v: ceil(v - 0.5),
    "round_prefer_ceil": lambda v: floor(v + 0.5),
    "floor": floor,
    "ceil": ceil,
}


@operator("Resize", "Upsample")
def resize(n: Node) -> Any:
    x = n.floating()
    given = n.known(1) if n.proto.op_type == "Upsample" else n.known(2)
    axes = [a % x.rank for a in n.attr("axes", range(x.rank))]
    if given is not None and given.size:
        factors = dict(zip(axes, map(float, given), strict=True))
        size = {a: int(np.floor(x.shape[a] * f)) for a, f in factors.items()}
    else:
        size = fitted(n.attr("keep_aspect_ratio_policy", "stretch"), x.shape, dict(zip(axes, n.whole(3), strict=True)))
        factors = {a: m / x.shape[a] for a, m in size.items()}
    if x.rank != 4 or any(size.get(a, x.shape[a]) != x.shape[a] for a in (0, 1)):
        raise Unmatched("height and width alone are resampled")
    region = n.known(1) if n.attr("coordinate_transformation_mode") == "tf_crop_and_resize" else None
    if region is not None and n.attr("extrapolation_value", 0.0) and outside(region, axes):
        raise Unmatched("a colour for what lies outside")
    matrices = []
    for axis in (2, 3):
        if axis not in size:
            matrices.append(np.eye(x.shape[axis]))
            continue
        part = None if region is None else (region[axes.index(axis)], region[axes.index(axis) + len(axes)])
        matrices.append(matrix(n, size[axis], x.shape[axis], factors[axis], part))
    return n.b.stop_gradient(resized(n.b, x, *matrices))


def fitted(policy: str, shape: tuple[int, ...], size: dict[int, int]) -> dict[int, int]:
    """Sizes of one scale for all axes, where the policy asks for it."""
    if policy == "stretch":
        return size
    pick = min if policy == "not_larger" else max
    scale = pick(m / shape[a] for a, m in size.items())
    return {a: int(np.floor(scale * shape[a] + 0.5)) for a in size}


def outside(region: Array, axes: list[int]) -> bool:
    """Whether a region goes beyond the picture."""
    return bool((np.reshape(region, -1) < 0).any() or (np.reshape(region, -1) > 1).any())


def matrix(n: Node, outputs: int, samples: int, scale: float, part: tuple[float, float] | None) -> Array:
    """The weights along one axis."""
    default = "half_pixel" if n.proto.op_type == "Resize" else "asymmetric"
    at = places(n.attr("coordinate_transformation_mode", default), outputs, samples, scale, part)
    mode = n.attr("mode", "nearest")
    if mode == "nearest":
        rule = n.attr("nearest_mode", "floor" if n.proto.op_type == "Upsample" else "round_prefer_floor")
        return interpolation.nearest(map(NEAREST[rule], at), samples)
    stretch = max(1.0, 1 / scale) if n.attr("antialias", 0) else 1.0
    beyond = "exclude" if n.attr("exclude_outside", 0) else "clamp"
    if mode == "linear":
        return interpolation.linear(at, samples, stretch, beyond)
    return interpolation.cubic(at, samples, stretch, beyond, n.attr("cubic_coeff_a", -0.75))


def places(how: str, outputs: int, samples: int, scale: float, part: tuple[float, float] | None) -> Array:
    """Where each output lies, in samples."""
    if how == "pytorch_half_pixel" and outputs == 1:
        return np.zeros(1)
    if how in ("half_pixel", "pytorch_half_pixel"):
        return interpolation.half_pixel(outputs, samples, scale)
    if how == "align_corners":
        # the last output of a size that the scale does not give exactly lies where the scale says
        return np.arange(outputs) * ((samples - 1) / max(1e-9, samples * scale - 1))
    if how == "asymmetric":
        return np.arange(outputs) / scale
    if how == "half_pixel_symmetric":
        shift = samples / 2 * (1 - outputs / (scale * samples))
        return [shift + v for v in interpolation.half_pixel(outputs, samples, scale)]
    if how == "tf_crop_and_resize" and part is not None:
        low, high = part
        step = (high - low) * (samples - 1) / max(1, outputs - 1)
        return low * (samples - 1) + np.arange(outputs) * step
    raise Unmatched(f"no coordinates of the kind {how}")
