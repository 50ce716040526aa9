"""Shapes of all blobs, and what to say where they do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt, prod

from netspec.graph.net import Node, Shape, blob_name
from netspec.graph.remedies import alike
from netspec.layers.axes import times
from netspec.layers.sliding import Sliding
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.layer import ShapeError
from netspec.spec.marks import Mark

MAX_ELEMENTS = 2**63 - 1
LARGE = 2**38
"""Elements of a blob that no machine of today holds: 1.1 TB in float32."""

_SHOWN = 5
_ALIKE = ("Eltwise", "Concat", "EuclideanLoss", "SigmoidCrossEntropyLoss")


@dataclass(frozen=True, slots=True)
class Placed:
    """A node with the places of its bottoms, for diagnostics."""

    node: Node
    bottom_marks: tuple[Mark, ...] = ()


class InnerShapeError(ShapeError):
    """What does not fit inside a block that runs over time.

    ``node`` is the layer there, ``nodes`` all inside, ``shapes`` those of the blobs before it.
    """

    def __init__(self, node: Node, nodes: list[Node], error: ShapeError, shapes: dict[str, Shape]) -> None:
        super().__init__(error.code, error.message, error.hint, error.field)
        self.node: Node = node
        self.nodes: list[Node] = nodes
        self.shapes: dict[str, Shape] = shapes
        if isinstance(error, InnerShapeError):
            self.node, self.nodes, self.shapes = error.node, error.nodes, error.shapes


def shapes_of(node: Node, bottoms: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Return the shapes of a node's tops.

    Raises
    ------
    ShapeError
        The bottoms do not fit, the count of tops is wrong, or a top has more than 2^63 elements.
    """
    made = node.layer.shapes(*bottoms)
    shapes: tuple[Shape, ...] = made if not made or isinstance(made[0], tuple) else (made,)  # type: ignore[assignment]
    if made == () and node.layer.tops[1] != 0:
        shapes = ((),)
    if len(shapes) != len(node.tops):
        raise ShapeError("E306", f"it makes {_count(len(shapes))}, `top` names {len(node.tops)}", None, "top")
    for name, shape in zip(node.tops, shapes, strict=True):
        if prod(shape) > MAX_ELEMENTS:
            raise ShapeError(
                "E402", f"`{name}` would be {times(shape)}: more than 2^63 numbers", "is a size larger than meant?"
            )
    return shapes


def _count(n: int) -> str:
    return f"{n} top" if n == 1 else f"{n} tops"


def _pictures(node: Node, x: Shape) -> str | None:
    """What makes pictures of rows of numbers that come from outside, None if a 1 x 1 map will do."""
    layer = node.layer
    if (
        len(x) != 2
        or not isinstance(layer, Sliding)
        or getattr(layer, "global_pooling", False)
        or max(layer.kernel) == 1
    ):
        return None
    side = isqrt(x[1])
    sides = f"1, {side}, {side}" if side * side == x[1] else "channels, height, width"
    return f"the data are rows of {x[1]} numbers: put {{type: Reshape, shape: [0, {sides}]}} first, or use InnerProduct"


class Shaper:
    """Goes through the nodes in order and keeps the shape of every blob.

    Parameters
    ----------
    shapes : dict
        Of the blobs from outside.
    from_data : bool
        Whether these come from a data source: then no remedy can be another one of ``inputs``.
    """

    def __init__(self, shapes: dict[str, Shape], diagnostics: Diagnostics, from_data: bool = False) -> None:
        self.shapes = dict(shapes)
        self.diagnostics = diagnostics
        self.from_data = from_data
        self.makers: dict[str, Node] = {}

    def run(self, placed: list[Placed]) -> dict[str, Shape]:
        """Return the shapes; blobs behind a mistake are absent."""
        for each in placed:
            node = each.node
            bottoms = tuple(self.shapes[i] for i in node.bottom_ids if i in self.shapes)
            self.makers.update(dict.fromkeys(node.top_ids, node))
            if len(bottoms) < len(node.bottom_ids):
                continue
            try:
                made = shapes_of(node, bottoms)
            except ShapeError as error:
                self._report(each, error)
                continue
            self.shapes.update(zip(node.top_ids, made, strict=True))
            with self.diagnostics.inside(node.calls):
                self._warn(node, bottoms, made)
        return self.shapes

    def _warn(self, node: Node, bottoms: tuple[Shape, ...], tops: tuple[Shape, ...]) -> None:
        for problem in node.layer.warnings(*bottoms):
            mark = node.layer.marks.get(problem.field or "", node.mark)
            message = f"`{node.name}` ({node.type}) {problem.message}"
            self.diagnostics.warning(problem.code, mark, message, problem.hint, node.name)
        if max((prod(x) for x in bottoms), default=0) > LARGE:
            return  # the first layer that is too large is told, not all behind it
        made = dict(zip(node.tops, tops, strict=True)) | {
            f"{node.name}.{name}": shape for name, shape in node.layer.param_shapes(*bottoms).items()
        }
        for name, shape in made.items():
            if prod(shape) > LARGE:
                size = f"{4 * prod(shape) / 1e12:,.1f} TB in float32"
                message = f"`{name}` is {times(shape)}: {size}, more than a machine has"
                self.diagnostics.warning("W127", node.mark, message, "is a size larger than meant?", node.name)
                return

    def _report(self, each: Placed, error: ShapeError) -> None:
        node = each.node
        if isinstance(error, InnerShapeError):
            inside = Shaper(error.shapes, self.diagnostics, self.from_data)
            inside.makers = {top: node for node in error.nodes for top in node.top_ids}
            inside._report(Placed(error.node), ShapeError(error.code, error.message, error.hint, error.field))
            return
        mark = node.layer.marks.get(error.field) if error.field is not None else None
        if mark is None:
            mark = each.bottom_marks[-1] if len(each.bottom_marks) > 1 else node.mark
        message = f"`{node.name}` ({node.type}): {error.message}"
        hint = self._hint(node, error)
        with self.diagnostics.inside(node.calls):
            self.diagnostics.error(error.code, mark, message, hint, node.name, self._chains(node))

    def _hint(self, node: Node, error: ShapeError) -> str | None:
        """The remedy of the layer, or a better one from what lies around it."""
        bottoms = [self.shapes[blob] for blob in node.bottom_ids]
        if error.code == "E415" and error.hint is None and node.type in _ALIKE:
            return alike(node, self.shapes, self.makers)
        if error.code == "E415" and node.type == "EuclideanLoss" and len(bottoms[-1]) == 1 < len(bottoms[0]):
            return f"class numbers: type: SoftmaxWithLoss; one number a sample: {error.hint}"
        if error.code == "E416" and error.hint == "swap the bottoms":
            return f"swap them: bottom: [{', '.join(reversed(node.layer.bottom_names))}]"
        if error.code == "E413" and len(bottoms) == 1 and node.bottom_ids[0] not in self.makers:
            return _pictures(node, bottoms[0]) or error.hint
        if self.from_data and error.hint is not None and error.hint.startswith("inputs: {"):
            return (
                "the data give no blob of that shape: name another one, or add a source that does (a list of sources)"
            )
        return error.hint

    def _chains(self, node: Node) -> Iterator[str]:
        """How each bottom came to its shape, from where they part."""
        ids = list(dict.fromkeys(node.bottom_ids))
        paths = {blob: self._path(blob) for blob in ids}
        shared = 0
        if len(ids) > 1:
            lists = list(paths.values())
            while all(len(p) > shared + 1 for p in lists) and len({p[shared] for p in lists}) == 1:
                shared += 1
        for blob in ids:
            path = paths[blob][max(0, shared - 1) :]
            steps = [self._step(b) for b in path]
            if len(steps) > _SHOWN + 1:
                steps = [steps[0], "..", *steps[-_SHOWN:]]
            chain = " -> ".join(steps)
            yield f"`{blob_name(blob)}` is {times(self.shapes[blob])}" + (f": {chain}" if len(path) > 1 else "")

    def _path(self, blob: str) -> list[str]:
        """The blobs that led to one, along first bottoms, the input first."""
        path = [blob]
        while blob in self.makers and self.makers[blob].bottom_ids:
            blob = self.makers[blob].bottom_ids[0]
            path.append(blob)
        return path[::-1]

    def _step(self, blob: str) -> str:
        maker = self.makers.get(blob)
        kind = f" ({maker.type})" if maker is not None else ""
        return f"{blob_name(blob)}{kind} {times(self.shapes[blob])}"
