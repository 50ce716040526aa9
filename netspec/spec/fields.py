"""Typed entries: the class body of a layer, filler, solver or source is its schema and its documentation.

::

    @layer
    class ReLU(Layer):
        negative_slope: float = field(0.0, doc="factor for x <= 0")

A field's type is its annotation: ``int``, ``float``, ``bool``, ``str``,
``tuple[int, ...]`` (one value is a list of one), ``tuple[int, int]``,
``dict[str, int]``, another `Entry` class, any of them ``| None``, or ``Node``
for what the caller reads itself. Annotations are resolved at first use, in
the module of the class: their names must exist there at run time.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar

if TYPE_CHECKING:
    from netspec.spec.registry import Registry


class Required:
    """The default of a field that must be given."""

    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = Required()


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What `field` was told; ``minimum``/``maximum`` are allowed values, ``above``/``below`` are not."""

    default: Any
    doc: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] | None = None
    alias: tuple[str, ...] = ()
    unit: str | None = None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of a class: ``name`` in Python, ``key`` in YAML (``if_`` is written ``if``), resolved type."""

    name: str
    key: str
    type: Any
    spec: FieldSpec

    @property
    def required(self) -> bool:
        """Whether the field has no default."""
        return self.spec.default is REQUIRED


def field(
    default: Any = REQUIRED,
    *,
    doc: str,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] | None = None,
    alias: str | tuple[str, ...] | None = None,
    unit: str | None = None,
    schema: dict[str, Any] | None = None,
) -> Any:
    """Declare a field of an `Entry`.

    Parameters
    ----------
    default : object
        What an entry without the key gets; left out, the field is required.
    doc : str
        One line for ``netspec layers``, the schema and docs.
    minimum, maximum, above, below : float, optional
        The range, of each item where the type is a tuple; ``above`` and
        ``below`` exclude the bound. A range also refuses nan and infinity.
    choices : tuple of str, optional
        The allowed texts in their canonical case; any case is accepted.
    alias : str or tuple of str, optional
        Other keys for the same field (Caffe's, for instance).
    unit : str, optional
        For the documentation: ``pixels``, ``iterations``.
    schema : dict, optional
        JSON schema of a field typed ``Node``.
    """
    names = (alias,) if isinstance(alias, str) else tuple(alias or ())
    return FieldSpec(default, doc, minimum, maximum, above, below, choices, names, unit, schema)


@dataclass(frozen=True, slots=True)
class Problem:
    """What `Entry.problems` yields: a mistake that only shows between fields.

    ``field`` is the Python name of the field to point at, None for the entry.
    """

    code: str
    field: str | None
    message: str
    hint: str | None = None
    severity: typing.Literal["error", "warning"] = "error"


@typing.dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Entry:
    """Base of every typed entry. In Python: ``Pooling(name="pool1", kernel_size=(2,))``."""

    type_name: ClassVar[str] = ""
    registry: ClassVar[Registry | None] = None
    type_key: ClassVar[str] = "type"
    default_type: ClassVar[str | None] = None
    specs: ClassVar[dict[str, FieldSpec]] = {}
    extra_keys: ClassVar[tuple[str, ...]] = ()
    short_form: ClassVar[str | None] = None
    unused: ClassVar[tuple[str, ...]] = ()  # inherited fields that this class has no use for
    path_fields: ClassVar[tuple[str, ...]] = ()  # fields that name a file beside the spec or below the data root

    marks: dict[str, Mark]
    mark: Mark | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, FieldSpec)}
        cls.specs = {**{k: v for base in reversed(cls.__bases__) for k, v in getattr(base, "specs", {}).items()}, **own}
        for name, spec in own.items():
            if spec.default is REQUIRED:
                delattr(cls, name)
            else:
                setattr(cls, name, spec.default)
        if "type_name" not in vars(cls):
            cls.type_name = cls.__name__

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.specs.keys()
        missing = [n for n, s in self.specs.items() if s.default is REQUIRED and n not in values]
        if unknown or missing:
            raise TypeError(f"{type(self).__name__}: unknown fields {sorted(unknown)}, missing fields {missing}")
        self.marks = {}
        self.mark = None
        for name, spec in self.specs.items():
            setattr(self, name, values.get(name, spec.default))

    @classmethod
    def from_short(cls, node: Node) -> Mapping | None:
        """Return the mapping that a scalar or a list is short for; a type name, where there is a registry."""
        if cls.registry is None or not isinstance(node, Scalar) or not isinstance(node.value, str):
            return None
        return Mapping([(Scalar(cls.type_key, False, node.mark), node)], node.mark)

    def problems(self) -> Iterator[Problem]:
        """Yield the mistakes that only show between fields; called when every field alone is right."""
        return iter(())

    def given(self, name: str) -> bool:
        """Whether the spec says something about field ``name`` (built-in defaults do not count)."""
        return name in self.marks

    def values(self) -> dict[str, Any]:
        """Return all fields by their YAML keys."""
        return {info.key: getattr(self, info.name) for info in fields_of(type(self))}

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={getattr(self, n)!r}" for n, s in self.specs.items() if getattr(self, n) != s.default)
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, n) == getattr(other, n) for n in self.specs)


_FIELDS: dict[type, tuple[FieldInfo, ...]] = {}
_KEYS: dict[type, dict[str, FieldInfo]] = {}


def fields_of(cls: type[Entry]) -> tuple[FieldInfo, ...]:
    """Return the fields of a class with their types, base classes first."""
    if cls not in _FIELDS:
        _FIELDS[cls] = _resolved(cls)
    return _FIELDS[cls]


def _resolved(cls: type[Entry]) -> tuple[FieldInfo, ...]:
    types: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        own = {n: a for n, a in vars(base).get("__annotations__", {}).items() if n in cls.specs}
        # class variables are left out: their types may exist for type checkers alone
        holder = SimpleNamespace(__annotations__=own)
        types |= typing.get_type_hints(holder, globalns=vars(sys.modules[base.__module__]))
    return tuple(FieldInfo(name, name.rstrip("_"), types[name], spec) for name, spec in cls.specs.items())


def keys_of(cls: type[Entry]) -> dict[str, FieldInfo]:
    """Return the field of each YAML key, aliases included."""
    if cls not in _KEYS:
        _KEYS[cls] = {key: info for info in fields_of(cls) for key in (info.key, *info.spec.alias)}
    return _KEYS[cls]


def entry_mark(mapping: Mapping) -> Mark:
    """Return the place for what is missing: the value of ``name``, else the first key, else the bracket."""
    name = mapping.get("name")
    if isinstance(name, Scalar):
        return name.mark
    return mapping.pairs[0][0].mark if mapping.pairs else mapping.mark
