"""From a mapping of a spec to an instance of a typed entry, with every problem reported at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from netspec.spec import conversion, foreign
from netspec.spec.conversion import Bad
from netspec.spec.diagnostics import Diagnostics, nearest
from netspec.spec.fields import Entry, FieldInfo, entry_mark, fields_of, keys_of
from netspec.spec.later import instead, is_later
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, kind
from netspec.spec.registry import LAYERS

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class Context:
    """What a conversion needs beside the value: where to report, and for which layer."""

    diagnostics: Diagnostics
    layer: str | None = None


def build(
    cls: type[E],
    node: Node,
    diagnostics: Diagnostics,
    *,
    layer: str | None = None,
    ignore: Iterable[str] = (),
    failed: Iterable[str] = (),
    what: str | None = None,
) -> E | None:
    """Build an instance of ``cls``, None when anything is wrong with it.

    Parameters
    ----------
    cls : type
        A concrete entry, or a base with a registry (`Filler`, `Layer`): the
        class then follows from its ``type_key`` (a bare text is a type name).
    node : Node
        The entry with its expressions substituted.
    diagnostics : Diagnostics
        Takes every problem: unknown keys, missing fields, types, ranges,
        choices, then what `Entry.problems` yields.
    layer : str, optional
        The layer's name, for the diagnostics.
    ignore : iterable of str
        Keys that the caller reads itself.
    failed : iterable of str
        Keys whose values could not be had, as was reported: they are not
        missing, all others are checked, and the answer is None.
    what : str, optional
        What the entry is, for messages; default: its type.
    """
    before = diagnostics.error_count
    mapping = _as_mapping(cls, node, diagnostics, layer)
    if mapping is None:
        return None
    chosen = cls if cls.type_name in _names(cls) else _chosen(cls, mapping, diagnostics, layer)
    if chosen is None:
        word = _article(cls) if cls.registry is not None else cls.type_name
        _Reading(cls, mapping, Context(diagnostics, layer), what or word).known()
        return None
    reading = _Reading(chosen, mapping, Context(diagnostics, layer), what or chosen.type_name)
    missed = frozenset(failed)
    values, marks = reading.values(frozenset(ignore), missed)
    if missed or diagnostics.error_count > before:
        return None
    entry = chosen(**values)
    entry.marks, entry.mark = marks, entry_mark(mapping)
    _report_problems(entry, diagnostics, layer)
    return None if diagnostics.error_count > before else entry


def _names(cls: type[Entry]) -> Iterable[str]:
    """Return the registered names if ``cls`` is a registered class, or has no registry at all."""
    if cls.registry is None:
        return (cls.type_name,)
    return (cls.type_name,) if cls.registry.get(cls.type_name) is cls else ()


def _as_mapping(cls: type[Entry], node: Node, diagnostics: Diagnostics, layer: str | None) -> Mapping | None:
    if isinstance(node, Mapping):
        return node
    short = cls.from_short(node)
    if short is not None:
        return short
    diagnostics.error(
        "E503", node.mark, f"{_article(cls)} is a mapping, got {kind(node)}", layer=layer, hint=cls.short_form
    )
    return None


def _article(cls: type[Entry]) -> str:
    word = cls.registry.kind.removesuffix(" type") if cls.registry else cls.type_name
    return f"a {word}"


def _chosen(cls: type[E], mapping: Mapping, diagnostics: Diagnostics, layer: str | None) -> type[E] | None:
    """Return the class that the mapping's type names."""
    assert cls.registry is not None
    node = mapping.get(cls.type_key)
    if node is None or (isinstance(node, Scalar) and node.is_null):
        if node is None and cls.default_type is not None:
            return cls.registry.get(cls.default_type)  # type: ignore[return-value]
        mark = entry_mark(mapping) if node is None else node.mark
        diagnostics.error(
            "E502",
            mark,
            f"`{cls.type_key}` is missing",
            layer=layer,
            hint=f"the {cls.registry.kind}s are {_listed(cls.registry.names())}",
        )
        return None
    name = node.value if isinstance(node, Scalar) else None
    if not isinstance(name, str):
        diagnostics.error("E503", node.mark, f"`{cls.type_key}` is a name, got {kind(node)}", layer=layer)
        return None
    found = cls.registry.get(name)
    if found is None and is_later(cls.registry.kind, name):
        message = f"the {cls.registry.kind} `{name}` is not supported yet"
        hint = instead(cls.registry.kind, name) or f"the {cls.registry.kind}s are {_listed(cls.registry.names())}"
        diagnostics.error("E211", node.mark, message, layer=layer, hint=hint)
    elif found is None:
        diagnostics.error(
            "E506", node.mark, f"unknown {cls.registry.kind} `{name}`", layer=layer, hint=_type_hint(cls, name)
        )
    return found  # type: ignore[return-value]


def _type_hint(cls: type[Entry], name: str) -> str:
    assert cls.registry is not None
    near = {"layer type": foreign.TYPES, "filler type": foreign.FILLERS}.get(cls.registry.kind, {}).get(name.lower())
    if near is None or cls.registry.get(near) is None:
        near = cls.registry.nearest(name)
    if near is not None:
        return f"did you mean `{near}`?"
    return f"the {cls.registry.kind}s are {_listed(cls.registry.names())}"


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 12 else ", ".join(names[:10]) + f", .. ({len(names)}: `netspec layers`)"


class _Reading:
    """One mapping being read as one class."""

    def __init__(self, cls: type[Entry], mapping: Mapping, context: Context, what: str) -> None:
        self.cls, self.mapping, self.context, self.what = cls, mapping, context, what
        self.keys = keys_of(cls)
        self.misspelt: set[str] = set()

    def error(self, code: str, mark: Mark, message: str, hint: str | None = None, notes: tuple[str, ...] = ()) -> None:
        self.context.diagnostics.error(code, mark, message, hint=hint, layer=self.context.layer, notes=notes)

    def values(self, ignore: frozenset[str], failed: frozenset[str]) -> tuple[dict[str, Any], dict[str, Mark]]:
        """Convert every pair; report unknown keys and missing fields."""
        values: dict[str, Any] = {}
        marks: dict[str, Mark] = {}
        type_key = (self.cls.type_key,) if self.cls.registry is not None else ()
        for key, node in self.mapping.pairs:
            if key.text in ignore or key.text in self.cls.extra_keys or key.text in type_key:
                continue
            info = self.keys.get(key.text)
            if info is None:
                self.unknown(key)
            elif info.name in marks:
                self.error(
                    "E511", key.mark, f"`{key.text}` and `{info.key}` are the same field", "delete one of the two"
                )
            else:
                marks[info.name] = node.mark
                self.convert(info, key.text, node, values)
        for info in fields_of(self.cls):
            # a misspelt key is one mistake, not two
            given = info.name in marks or not failed.isdisjoint((info.key, *info.spec.alias))
            if info.required and not given and info.key not in self.misspelt:
                self.error(
                    "E502",
                    entry_mark(self.mapping),
                    f"{self.what} needs `{info.key}`",
                    _remedy("E502", info, info.key),
                )
        return values, marks

    def known(self) -> None:
        """Check the fields that all types have; a key that none has is wrong whichever type was meant."""
        values: dict[str, Any] = {}
        registry = self.cls.registry
        assert registry is not None
        written = self.mapping.get(self.cls.type_key)
        later = isinstance(written, Scalar) and is_later(registry.kind, written.text)
        others = {k for other in registry for k in (*keys_of(other), *other.extra_keys, self.cls.type_key)}
        told = not later and registry is not LAYERS
        for key, node in self.mapping.pairs:
            if info := self.keys.get(key.text):
                self.convert(info, key.text, node, values)
            elif told and key.text not in others:
                self.unknown(key, others)

    def convert(self, info: FieldInfo, key: str, node: Node, values: dict[str, Any]) -> None:
        if isinstance(node, Scalar) and node.is_null and not node.is_given:
            if not conversion.admits_none(info.type):
                self.error("E507", node.mark, f"`{key}` has no value", f"`{key}`: {info.spec.doc}")
            return
        try:
            values[info.name] = conversion.convert(node, info.type, info.spec, key, self.nested)
        except Bad as bad:
            if not bad.code:  # a nested entry has reported it
                return
            hint = bad.hint or _remedy(bad.code, info, key)
            self.error(bad.code, bad.mark or node.mark, bad.message, hint, bad.notes)

    def nested(self, cls: type[Entry], node: Node) -> Entry | None:
        return build(cls, node, self.context.diagnostics, layer=self.context.layer)

    def unknown(self, key: Scalar, others: Iterable[str] = ()) -> None:
        """Report a key that is no field; ``others`` are those of all types where the type is not known."""
        known = [*self.keys, *self.cls.extra_keys, *others]
        meant = foreign.FIELDS.get(key.text.lower())
        near = meant if meant in known else nearest(key.text, known)
        kind_of = self.cls.registry.kind if self.cls.registry is not None else ""
        if words := foreign.ELSEWHERE.get(kind_of, {}).get(key.text.lower()):
            self.error("E501", key.mark, f"unknown key `{key.text}` in {self.what}", words)
            return
        if key.text.endswith("_param") and self.cls.registry is LAYERS:
            self.nested_fields(key)
            return
        notes: tuple[str, ...] = ()
        hint: str | None
        if near is not None:
            self.misspelt.add(near)
            hint = f"did you mean `{near}`?"
        else:
            hint = self.listed_keys()
            holders = self.others_with(key.text)
            if holders:
                notes = (f"`{key.text}` is a field of {holders}",)
        self.error("E501", key.mark, f"unknown key `{key.text}` in {self.what}", hint, notes)

    def nested_fields(self, key: Scalar) -> None:
        """Report Caffe's ``convolution_param``: its fields belong to the layer, and are not missing there."""
        inner = self.mapping.get(key.text)
        pairs = inner.pairs if isinstance(inner, Mapping) else []
        self.misspelt.update(info.key for info in fields_of(self.cls))
        shown = [f"{k.text}: {v.text if isinstance(v, Scalar) else '..'}" for k, v in pairs[:6]]
        hint = f"write them there: {', '.join(['type: ' + self.cls.type_name, *shown])}"
        self.error("E501", key.mark, f"{self.what} has its fields beside `type`, not in `{key.text}`", hint)

    def listed_keys(self) -> str:
        """Return which fields there are: a layer's own, or all of another entry's."""
        own = self.own_keys()
        if self.cls.registry is not LAYERS:
            rest = [info.key for info in fields_of(self.cls) if not info.spec.doc.startswith("ignored")]
            own = [*(key for key in own if key in rest), *(key for key in rest if key not in own)]
        return f"the fields of {self.what} are {', '.join(own)}" if own else f"{self.what} has no fields of its own"

    def own_keys(self) -> list[str]:
        """Return the keys of the class that are not common to all of its kind."""
        base = next((c for c in reversed(self.cls.__mro__) if getattr(c, "registry", None) is not None), None)
        common = keys_of(base) if base is not None and base is not self.cls and issubclass(base, Entry) else {}
        return [info.key for info in fields_of(self.cls) if info.key not in common]

    def others_with(self, key: str) -> str:
        registry = self.cls.registry
        names = [c.type_name for c in registry if key in keys_of(c)] if registry is not None else []
        return ", ".join(names[:5]) + (", .." if len(names) > 5 else "")


def _remedy(code: str, info: FieldInfo, key: str) -> str:
    """Return what the field is for, and for a value out of range one inside it."""
    example = conversion.inside(info.spec) if code in ("E502", "E504") else None
    about = f"`{key}`: {info.spec.doc}"
    return about if example is None else f"{about}; for instance {key}: {example}"


def _report_problems(entry: Entry, diagnostics: Diagnostics, layer: str | None) -> None:
    for problem in entry.problems():
        assert entry.mark is not None
        mark = entry.marks.get(problem.field or "", entry.mark)
        report: Callable[..., None] = diagnostics.error if problem.severity == "error" else diagnostics.warning
        report(problem.code, mark, problem.message, hint=problem.hint, layer=layer)
