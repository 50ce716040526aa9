"""``sample``: which input of a net for sequences is fed with what is drawn from which output."""

from __future__ import annotations

from collections.abc import Mapping as Environment
from dataclasses import dataclass

from netspec.spec.diagnostics import did_you_mean
from netspec.spec.entries import NAME, Named
from netspec.spec.nodes import Mapping, Node, Scalar, kind
from netspec.spec.values import Evaluator, Failed

KEYS = ("input", "output")
EXAMPLE = "sample: {input: data, output: prob}"


@dataclass(frozen=True, slots=True)
class Sample:
    """The blob that is fed and the one that is drawn from, each with its place."""

    input: Named
    output: Named


def read_sample(node: Node | None, evaluator: Evaluator, env: Environment[str, object]) -> Sample | None:
    """Return what ``sample`` says, None without it or after a mistake."""
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return None
    diagnostics = evaluator.diagnostics
    if not isinstance(node, Mapping):
        diagnostics.error("E212", node.mark, f"`sample` is a mapping, got {kind(node)}", EXAMPLE)
        return None
    before, found = diagnostics.error_count, {}
    for key, written in node:
        if key.text not in KEYS:
            hint = did_you_mean(key.text, KEYS) or f"sample has {', '.join(KEYS)}"
            diagnostics.error("E501", key.mark, f"unknown key `{key.text}` of `sample`", hint)
            continue
        try:
            value = evaluator.node(written, env)
        except Failed:
            continue
        if isinstance(value, Scalar) and NAME.fullmatch(value.text):
            found[key.text] = value.text, value.mark
        else:
            diagnostics.error("E221", written.mark, f"`{key.text}` is the name of a blob, got {kind(written)}", EXAMPLE)
    missing = [key for key in KEYS if key not in node]
    if missing:
        diagnostics.error("E502", node.mark, f"`sample` has no `{missing[0]}`", EXAMPLE)
    return Sample(found["input"], found["output"]) if diagnostics.error_count == before else None
