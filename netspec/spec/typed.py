"""From the layers of the tree to typed layers: defaults laid under, fields checked, once for both phases."""

from __future__ import annotations

import copy
import re

from netspec.spec.blocks import own_keys
from netspec.spec.build import build
from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import Item, all_layers
from netspec.spec.expressions import has_expression
from netspec.spec.fields import keys_of
from netspec.spec.instance import Instance
from netspec.spec.layer import Layer
from netspec.spec.nodes import Mapping, Node, Scalar, kind
from netspec.spec.registry import LAYERS
from netspec.spec.values import Evaluator, Failed
from netspec.spec.variables import Env, Variables

_VARIABLE = re.compile(r"\$\$|\$\{[^}]*\}|\$[^\W\d]\w*")
_WIRED = ("bottom", "top", "include", "exclude", "if_", "share")
_NOT_IN_DEFAULTS = ("name", "type", "bottom", "top", "block", "repeat", "each", "if", "share")


class Typer:
    """Builds the typed layers of a tree."""

    def __init__(self, defaults: dict[str, Mapping], evaluator: Evaluator) -> None:
        self.defaults = defaults
        self.evaluator = evaluator
        self.diagnostics = evaluator.diagnostics
        # Literal entries of a block are built once, then copied for every turn.
        # The key names the entry and the defaults laid under it; both are kept, so that ids stay theirs.
        self._built: dict[tuple[int, int], tuple[Mapping, dict[str, Mapping], Layer | None]] = {}

    def run(self, items: list[Item]) -> None:
        """Fill in ``cls``, ``layer``, bottoms, tops and rules of every layer."""
        for item in all_layers(items):
            with self.diagnostics.inside(item.calls):
                try:
                    self._layer(item)
                except Failed:
                    item.kind = "broken"
        own = [item for item in all_layers(items) if self._under(item) is self.defaults]
        built = {item.type for item in own if item.cls is not None and not item.off}
        for name, fields in self.defaults.items():
            cls = LAYERS.get(name)
            if cls is not None and name not in built:  # else every layer of the type has been checked
                build(cls, fields, self.diagnostics, failed=keys_of(cls))

    def _layer(self, item: Item) -> None:
        assert item.node is not None
        assert item.env is not None
        node, env = item.node, item.env
        self._choose(item, node, env)
        read = Instance(self.evaluator, item, env)
        if item.cls is not None:
            node = _with_defaults(node, item.cls, self._under(item))
        item.rules = read.rules(node)
        bottom = node.get("bottom")
        if isinstance(bottom, Mapping):
            self._may_name(item, bottom)
            item.bottom_names = tuple(bottom.keys())
        item.bottoms = read.names(bottom, "bottom")
        item.tops = read.names(node.get("top"), "top")
        if item.cls is None or item.off:
            return
        item.share = read.share(node)
        item.layer = self._build(item, node, env, item.cls)

    def _choose(self, item: Item, node: Mapping, env: Env) -> None:
        written = node.get("type")
        assert written is not None
        value = self.evaluator.value(written, env, item.name) if isinstance(written, Scalar) else None
        item.type = str(value)
        cls = LAYERS.get(value) if isinstance(value, str) else None
        if cls is None:
            build(Layer, Mapping([p for p in node.pairs if p[0].text in ("name", "type")], node.mark),
                  self.diagnostics, layer=item.name)  # reports the type  # fmt: skip
            return
        assert issubclass(cls, Layer)
        item.cls, item.type = cls, cls.type_name

    def _may_name(self, item: Item, bottom: Mapping) -> None:
        """Only a formula has names for its bottoms."""
        if item.cls is not None and item.cls.formula_field is None:
            hint = f"bottom: [{', '.join(v.text for _, v in bottom if isinstance(v, Scalar))}]"
            message = f"`{item.name}`: only an Expression takes a mapping as bottom"
            self.diagnostics.error("E221", bottom.mark, message, hint, item.name)
            raise Failed

    def _under(self, item: Item) -> dict[str, Mapping]:
        """The defaults of the file that an item is written in."""
        return self.defaults if item.defaults is None else item.defaults

    def _build(self, item: Item, node: Mapping, env: Env, cls: type[Layer]) -> Layer | None:
        assert item.node is not None
        literal = self.evaluator.is_literal(item.node)
        key = id(item.node), id(self._under(item))
        if literal and key in self._built:
            layer = copy.copy(self._built[key][2])
        else:
            full, failed = self._evaluated(node, env, item.name, cls.formula_field)
            layer = build(cls, full, self.diagnostics, layer=item.name, failed=failed)
            if literal:
                self._built[key] = item.node, self._under(item), layer
        if layer is not None:
            layer.name = item.name
            for name in _WIRED:  # the item holds them, evaluated; the nodes would make equal layers differ
                setattr(layer, name, None)
        return layer

    def _evaluated(self, node: Mapping, env: Env, layer: str, formula: str | None) -> tuple[Mapping, list[str]]:
        """Replace the expressions of an entry; name the keys whose values cannot be had, the rest is checked."""
        pairs, failed = [], []
        for key, value in node.pairs:
            written = _in_parentheses(value) if key.text == formula else value
            try:
                pairs.append((key, self.evaluator.node(written, env, layer)))
            except Failed:
                failed.append(key.text)
        return Mapping(pairs, node.mark), failed


def _with_defaults(node: Mapping, cls: type[Layer], defaults: dict[str, Mapping]) -> Mapping:
    """The entry with the fields that its file gives to all layers of the type, where it says nothing itself."""
    under = defaults.get(cls.type_name)
    if under is None:
        return node
    own = set(node.keys())
    own.update(name for key in node.keys() for name in cls.instead.get(key, ()))
    aliases = keys_of(cls)
    fields = {aliases[key].name for key in own if key in aliases}
    added = [(k, v) for k, v in under.pairs if k.text not in own and aliases[k.text].name not in fields]
    return Mapping([*node.pairs, *added], node.mark) if added else node


def _in_parentheses(node: Node) -> Node:
    """A formula with its variables in parentheses: ``$a ** 2`` is 9 where a is -3."""
    if not isinstance(node, Scalar) or not has_expression(node):
        return node
    return Scalar(_VARIABLE.sub(lambda m: m[0] if m[0] == "$$" else f"({m[0]})", node.text), True, node.mark)


def read_defaults(section: Node | None, variables: Variables, evaluator: Evaluator) -> dict[str, Mapping]:
    """Return the default fields of each layer type, expressions replaced."""
    diagnostics = evaluator.diagnostics
    if section is None or (isinstance(section, Scalar) and section.is_null):
        return {}
    if not isinstance(section, Mapping):
        diagnostics.error("E212", section.mark, f"defaults is a mapping of layer types, got {kind(section)}",
                          "defaults: {Convolution: {bias_term: false}}")  # fmt: skip
        return {}
    found: dict[str, Mapping] = {}
    for key, node in section:
        cls = LAYERS.get(key.text)
        if cls is None:
            near = LAYERS.nearest(key.text)
            hint = f"did you mean `{near}`?" if near else "`netspec layers` lists the types"
            diagnostics.error("E506", key.mark, f"unknown layer type `{key.text}`", hint)
            continue
        try:
            fields = evaluator.node(node, variables)
        except Failed:
            fields = node  # as written: the layers that get it know then that a value failed, not that none is given
        if not isinstance(fields, Mapping):
            diagnostics.error(
                "E212", node.mark, f"the defaults of {key.text} are a mapping of fields, got {kind(node)}"
            )
            continue
        found[cls.type_name] = Mapping(
            [p for p in fields.pairs if _allowed(p[0], key.text, cls, diagnostics)], fields.mark
        )
    return found


def _allowed(key: Scalar, type_name: str, cls: type, diagnostics: Diagnostics) -> bool:
    known = keys_of(cls)
    if key.text in _NOT_IN_DEFAULTS or key.text not in known:
        hint = did_you_mean(key.text, [k for k in known if k not in _NOT_IN_DEFAULTS])
        message = f"`{key.text}` belongs to one layer, not to the defaults of {type_name}"
        if key.text not in known and key.text not in own_keys():
            message = f"unknown key `{key.text}` of {type_name}"
            own = [k for k in known if k not in keys_of(Layer)]
            listed = f"the fields of {type_name} are {', '.join(own)}" if own else None
            hint = hint or listed or f"{type_name} has no fields of its own"
        diagnostics.error("E501", key.mark, message, hint)
        return False
    return True
