"""The keys at the top of a spec, and those of a solver file."""

from __future__ import annotations

from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.nodes import Mapping, Node, Scalar, kind

KEYS = (
    "name", "extends", "remove", "change", "data", "inputs", "vars", "defaults", "blocks", "layers", "weights",
    "solver", "sample", "math", "memory",
)  # fmt: skip
SOLVER_FILE = ("net", "set", "stages")
MATH = ("fast", "exact", "tf32", "bf16")
MEMORY = ("normal", "small")

_ELSEWHERE = {
    "train": "it belongs to the data: data: {source: .., train: {batch_size: 64}}",
    "test": "it belongs to the data: data: {source: .., test: {batch_size: 100}}",
    "source": "it belongs to the data: data: {source: ..}",
    "batch_size": "it belongs to the data: data: {source: .., train: {batch_size: 64}}",
    **dict.fromkeys(("base_lr", "max_iter", "momentum"), "it belongs to the solver: solver: {base_lr: 0.01, ..}"),
}
_SHORT = {"data": "source", "solver": "type"}


def check_keys(root: Mapping, diagnostics: Diagnostics) -> None:
    """Report keys that a spec does not have."""
    for key, _ in root:
        if key.text == "net" and "layers" in root:
            message = "a file has `layers`, or `net` to name the file that has them"
            diagnostics.error("E210", key.mark, message, "delete one of the two")
        elif key.text in ("set", "stages") and "net" in root:
            continue  # of the solver file that this was meant to be
        elif key.text not in KEYS:
            listed = f"a spec has {', '.join(KEYS)}"
            hint = _ELSEWHERE.get(key.text) or did_you_mean(key.text, [*KEYS, "net"]) or listed
            diagnostics.error("E210", key.mark, f"unknown key `{key.text}` at the top of a spec", hint)


ON_GPUS = ("tf32", "bf16")
"""Values of ``math`` that every device takes and GPUs use."""

NO_EFFECT = "W130"
"""The warning about them, which holds on a CPU."""


def chosen(node: Node | None, key: str, choices: tuple[str, ...], diagnostics: Diagnostics) -> str:
    """Return the value of ``math`` or ``memory``, the first choice if it is not given."""
    if node is None:
        return choices[0]
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and value.lower() in choices:
        if value.lower() in ON_GPUS:
            message = f"`{key}: {value.lower()}` has no effect on a CPU, which computes in float32"
            diagnostics.warning(NO_EFFECT, node.mark, message, f"run it with --device cuda, or {key}: {choices[0]}")
        return value.lower()
    hint = did_you_mean(value, choices) if isinstance(value, str) else None
    diagnostics.error("E505", node.mark, f"{key} is {', '.join(choices[:-1])} or {choices[-1]}, got {kind(node)}", hint)
    return choices[0]


def section(root: Mapping, key: str, diagnostics: Diagnostics) -> Mapping | None:
    """Return a section that is a mapping, None if it is absent or empty."""
    node: Node | None = root.get(key)
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return None
    if isinstance(node, Mapping):
        return node
    hint = None
    if key in _SHORT and isinstance(node, Scalar) and isinstance(node.value, str):
        more = ", base_lr: 0.01, max_iter: 1000" if key == "solver" else ""
        hint = f"{key}: {{{_SHORT[key]}: {node.text}{more}}}"
    diagnostics.error("E212", node.mark, f"`{key}` is a mapping, got {kind(node)}", hint)
    return None
