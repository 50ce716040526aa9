"""Shapes of the parameters that a layer will have, to check ``params`` before anything is lowered.

A layer makes its parameters when it is lowered, which needs the compiler; a
check does without. ``tests/netspec/graph/test_params.py`` holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from netspec.graph.net import Node, Shape
from netspec.graph.shapes import times
from netspec.spec.diagnostics import Diagnostics, Related
from netspec.spec.layer import Layer
from netspec.spec.marks import Mark

_Rule = Callable[[Any, tuple[Shape, ...]], tuple[Shape, ...]]


def _convolution(layer: Any, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    return _biased(layer, (layer.num_output, bottoms[0][1] // layer.group, *layer.kernel))


def _deconvolution(layer: Any, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    return _biased(layer, (bottoms[0][1], layer.num_output // layer.group, *layer.kernel))


def _inner_product(layer: Any, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    inputs = prod(bottoms[0][layer.axis % len(bottoms[0]) :])
    return _biased(layer, (inputs, layer.num_output) if layer.transpose else (layer.num_output, inputs))


def _biased(layer: Any, weight: Shape) -> tuple[Shape, ...]:
    return (weight, (layer.num_output,)) if layer.bias_term else (weight,)


def _batch_norm(layer: Any, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    return ((bottoms[0][1],),) * 2 if layer.scale_bias else ()


def _prelu(layer: Any, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    return (() if layer.channel_shared else (bottoms[0][1],),)


def _scale(layer: Any, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    if len(bottoms) > 1:
        return (bottoms[1],) if layer.bias_term else ()
    axis = layer.axis if layer.axis >= 0 else layer.axis + len(bottoms[0])
    factor = bottoms[0][axis:] if layer.num_axes == -1 else bottoms[0][axis : axis + layer.num_axes]
    return (factor, factor) if layer.bias_term else (factor,)


_RULES: dict[str, _Rule] = {
    "BatchNorm": _batch_norm,
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "InnerProduct": _inner_product,
    "PReLU": _prelu,
    "Parameter": lambda layer, bottoms: (layer.shape,),
    "Scale": _scale,
}


def parameter_shapes(layer: Layer, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Return the shapes of a layer's parameters, in the order of its ``params``.

    Parameters
    ----------
    bottoms : tuple of Shape
        Shapes that the layer's own rule has accepted.
    """
    rule = _RULES.get(layer.type_name)
    return () if rule is None else rule(layer, bottoms)


def check_params(nodes: list[Node], shapes: dict[str, Shape], diagnostics: Diagnostics) -> None:
    """Report ``params`` longer than the parameters, and parameters of one name and different shapes."""
    owners: dict[str, tuple[Node, Shape]] = {}
    for node in nodes:
        if not node.params or any(blob not in shapes for blob in node.bottom_ids):
            continue
        own = parameter_shapes(node.layer, tuple(shapes[blob] for blob in node.bottom_ids))
        with diagnostics.inside(node.calls):
            if len(node.params) > len(own):
                has = f"{len(own)} {'parameter' if len(own) == 1 else 'parameters'}" if own else "no parameters"
                message = f"`{node.name}`: params has {len(node.params)} entries, the layer has {has}"
                diagnostics.error("E512", _mark(node), message, "weight before bias, one entry each", node.name)
            for entry, shape in zip(node.params, own, strict=False):
                if entry.name:
                    owner, first = owners.setdefault(entry.name, (node, shape))
                    if first != shape:
                        _differ(entry.name, node, shape, owner, first, diagnostics)


def _differ(name: str, node: Node, shape: Shape, owner: Node, first: Shape, diagnostics: Diagnostics) -> None:
    sizes = f"{times(shape)} and {times(first)}"
    message = f"`{node.name}` and `{owner.name}` share the parameter `{name}`, but it would be {sizes}"
    hint = "give one of them another name, or both the same sizes"
    related = [Related("named here too", _mark(owner))]
    diagnostics.error("E403", _mark(node), message, hint, node.name, related=related)


def _mark(node: Node) -> Mark:
    return node.layer.marks.get("params", node.mark)
