"""``include`` and ``exclude``: in which phases and stages an entry is present."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import Item, Named
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind

PHASES = ("train", "test")
KEYS = ("phase", "stage", "not_stage", "min_level", "max_level")


@dataclass(frozen=True, slots=True)
class Rule:
    """Caffe's NetStateRule: all that it names must hold. The level of a net is always 0."""

    phase: str | None = None
    stages: tuple[str, ...] = ()
    not_stages: tuple[str, ...] = ()
    level: bool = True

    def matches(self, phase: str, stages: frozenset[str]) -> bool:
        """Whether the rule holds in a phase with these stages set."""
        return (
            self.level
            and self.phase in (None, phase)
            and stages.issuperset(self.stages)
            and stages.isdisjoint(self.not_stages)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one entry; ``mark`` is where they are written."""

    include: tuple[Rule, ...]
    exclude: tuple[Rule, ...]
    mark: Mark

    def present(self, phase: str, stages: frozenset[str]) -> bool:
        """Whether the entry is there: any matching rule counts, no ``include`` means always."""
        included = not self.include or any(rule.matches(phase, stages) for rule in self.include)
        return included and not any(rule.matches(phase, stages) for rule in self.exclude)

    def phases(self, stages: frozenset[str]) -> tuple[str, ...]:
        """Return the phases in which the entry is there."""
        return tuple(phase for phase in PHASES if self.present(phase, stages))


def check_stages(items: list[Item], stages: Iterable[Named], diagnostics: Diagnostics) -> None:
    """Warn of stages that are set and that no rule names: they change nothing."""
    stages = list(stages)
    if not stages or diagnostics.has_errors:
        return
    known: set[str] = set()
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        waiting.extend(item.children)
        for rule in (*item.rules.include, *item.rules.exclude) if item.rules is not None else ():
            known.update(rule.stages, rule.not_stages)
    for name, mark in stages:
        if name not in known:
            hint = did_you_mean(name, known) or "a layer names it by `include: {stage: " + name + "}`"
            diagnostics.warning("W105", mark, f"no layer has a rule for the stage `{name}`", hint)


def read_rules(node: Mapping, diagnostics: Diagnostics, layer: str) -> Rules | None:
    """Return the rules of an entry, None if it has none.

    Parameters
    ----------
    node : Mapping
        The entry, expressions already replaced by their values.
    layer : str
        Its full name, for diagnostics.
    """
    include, exclude = node.get("include"), node.get("exclude")
    if include is None and exclude is None:
        return None
    if include is not None and exclude is not None:
        key = node.key("exclude")
        assert key is not None
        message = f"`{layer}` has both include and exclude"
        diagnostics.error("E230", key.mark, message, "keep one of them: include names where it is, exclude where not",
                          layer)  # fmt: skip
        return None
    written = include if include is not None else exclude
    assert written is not None
    parts = written.items if isinstance(written, Sequence) else [written]
    rules = tuple(rule for part in parts if (rule := _rule(part, diagnostics, layer)) is not None)
    return Rules(rules if include is not None else (), () if include is not None else rules, written.mark)


def _rule(node: Node, diagnostics: Diagnostics, layer: str) -> Rule | None:
    if isinstance(node, Scalar):
        phase = _phase(node, diagnostics, layer)
        return None if phase is None else Rule(phase)
    if isinstance(node, Sequence):
        _wrong(node, diagnostics, layer)
        return None
    values: dict[str, tuple[str, ...]] = {"stage": (), "not_stage": ()}
    phase, level = None, True
    for key, value in node:
        if key.text == "phase":
            phase = _phase(value, diagnostics, layer)
        elif key.text in values:
            values[key.text] = _names(value, diagnostics, layer)
        elif key.text in ("min_level", "max_level"):
            bound = value.value if isinstance(value, Scalar) else None
            if not isinstance(bound, int) or isinstance(bound, bool):
                diagnostics.error("E231", value.mark, f"{key.text} is a whole number, got {kind(value)}", None, layer)
            else:
                level = level and (bound <= 0 if key.text == "min_level" else bound >= 0)
        else:
            hint = did_you_mean(key.text, KEYS) or f"a rule has {', '.join(KEYS)}"
            diagnostics.error("E231", key.mark, f"a rule has no key `{key.text}`", hint, layer)
    return Rule(phase, values["stage"], values["not_stage"], level)


def _phase(node: Node, diagnostics: Diagnostics, layer: str) -> str | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and value.lower() in PHASES:
        return value.lower()
    _wrong(node, diagnostics, layer)
    return None


def _wrong(node: Node, diagnostics: Diagnostics, layer: str) -> None:
    hint = "write train, test, {stage: NAME} or a list of them"
    if isinstance(node, Scalar) and isinstance(node.value, str):
        near = did_you_mean(node.value, PHASES)
        hint = near or f"write train or test, or {{stage: {node.value}}} if it is a stage"
    diagnostics.error("E231", node.mark, f"not a rule: {kind(node)}", hint, layer)


def _names(node: Node, diagnostics: Diagnostics, layer: str) -> tuple[str, ...]:
    items = node.items if isinstance(node, Sequence) else [node]
    names = []
    for item in items:
        if isinstance(item, Scalar) and isinstance(item.value, str):
            names.append(item.value)
        else:
            diagnostics.error("E231", item.mark, f"a stage is a name, got {kind(item)}", None, layer)
    return tuple(names)
