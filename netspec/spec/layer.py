"""`Layer` and `Filler`: the bases that netspec.layers and netspec.fillers fill with classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from netspec.spec.fields import Entry, Problem, field
from netspec.spec.nodes import Mapping, Node, Scalar
from netspec.spec.registry import FILLERS, LAYERS, filler, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

Shape = tuple[int, ...]

ENTRY_KEYS = ("block", "repeat", "each")  # read by the expansion, gone when a layer is built

NAMES: dict[str, Any] = {
    "title": "name or names",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}
_BOTTOMS = {
    "title": "blob or blobs",
    "anyOf": [*NAMES["anyOf"], {"type": "object", "additionalProperties": {"type": "string"}}],
}
_CONDITION = {"title": "bool", "anyOf": [{"type": "boolean"}, {"type": "string"}]}  # `if: stride > 1` needs no ${}
_RULE: dict[str, Any] = {
    "anyOf": [
        {"enum": ["train", "test", "TRAIN", "TEST"]},
        {
            "type": "object",
            "properties": {
                "phase": {"enum": ["train", "test", "TRAIN", "TEST"]},
                "stage": NAMES,
                "not_stage": NAMES,
                "min_level": {"type": "integer"},
                "max_level": {"type": "integer"},
            },
            "additionalProperties": False,
        },
    ]
}
_RULES = {"title": "rule or rules", "anyOf": [*_RULE["anyOf"], {"type": "array", "items": _RULE}]}


class ShapeError(Exception):
    """What `Layer.shapes` raises for shapes that do not fit; the caller adds places, producers and the chain."""

    def __init__(self, code: str, message: str, hint: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.field = field


class Measure:
    """How the batches of a test become one figure: a class of netspec.metrics by its name, and its arguments."""

    def __init__(self, kind: str, **options: Any) -> None:
        self.kind = kind
        self.options = options


class ParamSpec(Entry):
    """One item of ``params``: a name that ties parameters, and factors for their rate and decay."""

    name: str | None = field(None, doc="parameters of the same name are one; names are global")
    lr_mult: float = field(1.0, minimum=0, doc="factor on the learning rate; 0 freezes")
    decay_mult: float = field(1.0, minimum=0, doc="factor on the weight decay")


class Layer(Entry):
    """Base of all layers: the fields common to all, the shape rule and the lowering.

    ``bottoms`` and ``tops`` are the allowed counts (least, most; None for any);
    more tops than the least are made only when named. Losses and metrics are
    stepped over by chaining. ``label_bottoms`` are the indices of bottoms that
    hold labels (int32 inside), ``index_bottoms`` of those that hold other whole
    numbers; all others are floats, unless the layer only moves them. A layer
    that ``passes_on`` learns no weights that a filler chooses and keeps or only
    thins out what passes: the weight layer before it still stands before the
    ReLU behind it.
    """

    registry = LAYERS
    extra_keys = ("type", *ENTRY_KEYS)

    bottoms: ClassVar[tuple[int, int | None]] = (1, 1)
    tops: ClassVar[tuple[int, int | None]] = (1, 1)
    is_loss: ClassVar[bool] = False
    is_metric: ClassVar[bool] = False
    label_bottoms: ClassVar[tuple[int, ...]] = ()
    index_bottoms: ClassVar[tuple[int, ...]] = ()
    relu_like: ClassVar[bool] = False  # a weight layer before it starts from msra
    passes_on: ClassVar[bool] = False
    moves_only: ClassVar[bool] = False  # computes nothing: labels are still labels behind it
    moves_each: ClassVar[bool] = False  # a top holds elements of the bottom of its number: labels are still labels
    fed: ClassVar[bool] = False  # its tops come from outside, as entries of `inputs` do
    runs_block: ClassVar[bool] = False  # takes a block, which it runs over time
    rounds: ClassVar[bool] = False  # has a size that `round` decides
    formula_field: ClassVar[str | None] = None  # the field with a formula, which names the bottoms
    # a key of a layer takes the place of these in the defaults of its type: they say the same in other words
    instead: ClassVar[dict[str, tuple[str, ...]]] = {"include": ("exclude",), "exclude": ("include",)}

    # Set by whoever wires the layer, before `warnings`, `shapes` and `lower`: names as
    # written (the keys, where `bottom` is a mapping). Slice and Input count their tops by
    # them, SoftmaxWithLoss and Accuracy make a second top only when it is named.
    bottom_names: tuple[str, ...] = ()
    top_names: tuple[str, ...] = ()

    name: str = field("", doc="letters, digits, `_ - /`; a layer without parameters may go unnamed")
    bottom: Node | None = field(None, schema=_BOTTOMS, doc="the blobs read; default: the first top of the entry before")
    top: Node | None = field(None, schema=NAMES, doc="the blobs made; default: the layer's name")
    include: Node | None = field(None, schema=_RULES, doc="phases and stages in which the layer is present")
    exclude: Node | None = field(None, schema=_RULES, doc="phases and stages in which the layer is absent")
    if_: Node | None = field(None, schema=_CONDITION, doc="false makes the layer a wire to its first bottom")
    params: tuple[ParamSpec, ...] = field((), doc="name, lr_mult and decay_mult of each parameter, weight before bias")
    share: str | None = field(None, doc="a layer or block instance whose weights this one uses")
    lr_mult: float = field(1.0, minimum=0, doc="multiplies the lr_mult of all parameters; 0 freezes the layer")
    decay_mult: float = field(1.0, minimum=0, doc="multiplies the decay_mult of all parameters")
    loss_weight: tuple[float, ...] | None = field(None, doc="weight of each top in the loss; default 1 for a loss")
    propagate_down: tuple[bool, ...] | None = field(
        None, doc="for each bottom, whether gradients go on; default: where needed"
    )
    round: str | None = field(
        None, choices=("floor", "ceil", "exact"), alias="round_mode", doc="how a size that does not fit is rounded"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield the mistakes that only show between fields."""
        if self.round is not None and not self.rounds:
            message = f"{self.type_name} has no size to round"
            yield Problem("W126", "round", message, "drop `round`", "warning")

    def with_defaults(self, consumer_is_relu_like: bool) -> Self:
        """Return the layer with what the spec left out chosen by its surroundings (fillers of weights)."""
        return self

    def warnings(self, *bottoms: Shape) -> Iterator[Problem]:
        """Yield what is allowed but probably not meant, once the shapes are known to fit."""
        return iter(())

    # `*bottoms: Any, **_: Any` lets subclasses say how many bottoms they take
    def shapes(self, *bottoms: Any, **_: Any) -> Shape | tuple[Shape, ...]:
        """Return the shapes of the tops, batch included (a single one may come bare).

        Raises
        ------
        ShapeError
            When the bottoms do not fit.
        """
        raise NotImplementedError(type(self).__name__)

    def param_shapes(self, *bottoms: Any, **_: Any) -> dict[str, Shape]:
        """Return the shape of each parameter by its name, in the order of ``params``: weight before bias.

        The bottoms are such that ``shapes`` accepts them; ``lower`` makes the
        parameters of these names and shapes, in this order.
        """
        return {}

    def label_range(self, *bottoms: Any, **_: Any) -> tuple[int, int | None]:
        """Return how many classes there are, counted from 0, and the label that is ignored.

        Layers with ``label_bottoms`` alone are asked, for bottoms that ``shapes`` accepts.
        """
        raise NotImplementedError(type(self).__name__)

    def metric(self, top: int) -> Measure | None:
        """Return how a top's figure over a test source is made; None: the mean over the samples, if it is a number.

        The metric gets what ``lower`` gave to ``b.statistic`` in each batch.
        """
        return None

    def as_read(self, b: Builder, bottoms: list[Value]) -> list[Value]:
        """Return the bottoms as ``lower`` takes them: a blob of labels is floats to a layer that computes with it."""
        if self.moves_each or (self.moves_only and len({v.kind for v in bottoms}) == 1):
            return bottoms
        whole = (*self.label_bottoms, *self.index_bottoms)
        return [v if k in whole else b.to_float(v) for k, v in enumerate(bottoms)]

    def lower(self, b: Builder, *bottoms: Any, **_: Any) -> Value | tuple[Value, ...]:
        """Return the tops as values made by the builder."""
        raise NotImplementedError(type(self).__name__)


class Filler(Entry):
    """Base of all fillers. In a spec: a type name, a number (constant) or a mapping."""

    registry = FILLERS
    default_type = "constant"
    short_form = "write a type name, a number, or a mapping with `type`"

    draws: ClassVar[bool] = False  # its values are random numbers

    @classmethod
    def from_short(cls, node: Node) -> Mapping | None:
        """A number is a constant."""
        if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return Mapping([(Scalar("value", False, node.mark), node)], node.mark)
        return super().from_short(node)

    def problem(self, shape: Shape) -> str | None:
        """Return why a parameter of this shape cannot be filled, None if it can."""
        return None

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        """Return the initial value; random numbers come from ``stream`` alone."""
        raise NotImplementedError(type(self).__name__)


__all__ = [
    "ENTRY_KEYS",
    "NAMES",
    "Filler",
    "Layer",
    "Measure",
    "ParamSpec",
    "Problem",
    "Shape",
    "ShapeError",
    "field",
    "filler",
    "layer",
]
