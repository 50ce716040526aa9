"""``blocks``: definitions of blocks, and what is wrong with them before any is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import NAME, Named
from netspec.spec.fields import keys_of
from netspec.spec.layer import ENTRY_KEYS, Layer
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.values import names_read
from netspec.spec.variables import Variables, is_identifier

KEYS = ("inputs", "outputs", "params", "layers")
INSTANCE_KEYS = (
    "block", "name", "bottom", "top", "outputs", "include", "exclude", "if", "repeat", "each", "share", "lr_mult",
    "decay_mult", "loss_weight",
)  # fmt: skip


def own_keys() -> frozenset[str]:
    """Return the keys that every entry may have, which no block parameter may be called."""
    return frozenset([*keys_of(Layer), "type", *ENTRY_KEYS, "outputs"])


@dataclass(frozen=True, slots=True)
class Home:
    """What the entries of one file see: its variables, its blocks (and the names of broken ones), its defaults."""

    variables: Variables
    blocks: dict[str, Block]
    broken: frozenset[str]
    defaults: dict[str, Mapping]


@dataclass(frozen=True, slots=True)
class Block:
    """A definition: ports, parameters with their defaults (an empty one is required), layers.

    A spec file used as a block has a ``home`` of its own, made from the values
    that an instance gives to the file's variables, and the place of the instance.
    """

    name: str
    mark: Mark
    inputs: tuple[str, ...]
    outputs: tuple[Named, ...] | None
    params: dict[str, tuple[Scalar, Node]]
    layers: tuple[Mapping, ...]
    home: Callable[[dict[str, object], Mark], Home] | None = None


def read_blocks(
    section: Node | None, diagnostics: Diagnostics, of_file: Callable[[Scalar, Scalar], Block | None]
) -> dict[str, Block]:
    """Return the blocks of a file by name; those that contain themselves are left out.

    Parameters
    ----------
    of_file : callable
        Gives the block of an entry ``vgg: vgg19.yaml``, None after saying why there is none.
    """
    if section is None or (isinstance(section, Scalar) and section.is_null):
        return {}
    if not isinstance(section, Mapping):
        diagnostics.error("E212", section.mark, f"blocks is a mapping of block names, got {kind(section)}")
        return {}
    blocks: dict[str, Block] = {}
    for key, node in section:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            block = of_file(key, node)
            if block is not None:
                blocks[key.text] = block
        elif not isinstance(node, Mapping):
            diagnostics.error("E212", node.mark, f"block `{key.text}` is a mapping with `layers`, got {kind(node)}")
        else:
            blocks[key.text] = _block(key, node, diagnostics)
    for name in _circular(blocks, diagnostics):
        del blocks[name]
    return blocks


def _block(key: Scalar, node: Mapping, diagnostics: Diagnostics) -> Block:
    for inner, _ in node:
        if inner.text not in KEYS:
            hint = did_you_mean(inner.text, KEYS) or f"a block has {', '.join(KEYS)}"
            diagnostics.error("E501", inner.mark, f"unknown key `{inner.text}` of a block", hint)
    inputs = _names(node.get("inputs"), f"the inputs of block `{key.text}`", diagnostics)
    outputs = _names(node.get("outputs"), f"the outputs of block `{key.text}`", diagnostics)
    ports = ["in"] if inputs is None else [name for name, _ in inputs]
    for n, (name, mark) in enumerate(inputs or ()):
        if name in ports[:n]:
            diagnostics.error("E221", mark, f"block `{key.text}` has two inputs called `{name}`")
    params = _params(key.text, node.get("params"), diagnostics)
    layers = entries_of(node.get("layers"), node.mark, f"block `{key.text}`", diagnostics)
    used = {name for layer in layers for name in names_read(layer)}
    used.update(name for _, default in params.values() for name in names_read(default))
    for name, (param, _) in params.items():
        if name not in used:
            message = f"nothing in block `{key.text}` uses the parameter `{name}`"
            diagnostics.warning("W102", param.mark, message, "delete it, or write `$" + name + "` where it is due")
    return Block(key.text, key.mark, tuple(ports), None if outputs is None else tuple(outputs), params, layers)


def entries_of(node: Node | None, mark: Mark, where: str, diagnostics: Diagnostics) -> tuple[Mapping, ...]:
    """Return the entries of a ``layers`` list that are mappings; the others are reported."""
    if node is None and any(d.hint == "did you mean `layers`?" for d in diagnostics.errors):
        return ()
    if node is None:
        diagnostics.error("E222", mark, f"{where} has no layers", "write `layers:` with a list of entries")
        return ()
    if isinstance(node, Scalar) and node.is_null:
        return ()
    if not isinstance(node, Sequence):
        hint = "begin each layer with `- `: {name: .., type: ..}"
        diagnostics.error("E212", node.mark, f"layers is a list, got {kind(node)}", hint)
        return ()
    found = []
    for item in node.items:
        if isinstance(item, Mapping):
            found.append(item)
        else:
            message = f"a layer is a mapping like {{name: conv1, type: Convolution}}, got {kind(item)}"
            diagnostics.error("E212", item.mark, message)
    return tuple(found)


def _names(node: Node | None, what: str, diagnostics: Diagnostics) -> list[Named] | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and node.is_null:
        return []
    found = []
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Scalar) and NAME.fullmatch(item.text):
            found.append((item.text, item.mark))
        else:
            diagnostics.error("E221", item.mark, f"{what} are names, got {kind(item)}")
    return found


def _params(block: str, node: Node | None, diagnostics: Diagnostics) -> dict[str, tuple[Scalar, Node]]:
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return {}
    if isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
        hint = "write {" + ", ".join(f"{item.text}: " for item in node.items[:4] if isinstance(item, Scalar)) + "}"
        diagnostics.error("E212", node.mark, f"the params of block `{block}` are a mapping, got {kind(node)}", hint)
        return {}
    if not isinstance(node, Mapping):
        diagnostics.error("E212", node.mark, f"the params of block `{block}` are a mapping, got {kind(node)}")
        return {}
    found = {}
    taken = own_keys()
    for key, default in node:
        if key.text in taken:
            message = f"the parameter `{key.text}` has the name of a key that every entry may have"
            diagnostics.error("E223", key.mark, message, "give it another name")
        elif not is_identifier(key.text):
            hint = "a parameter is letters, digits and `_`, not a word of expressions"
            diagnostics.error("E214", key.mark, f"`{key.text}` cannot be a parameter", hint)
        else:
            found[key.text] = key, default
    return found


def _circular(blocks: dict[str, Block], diagnostics: Diagnostics) -> set[str]:
    """Report each circle of blocks once and return the blocks that cannot be expanded."""
    bad: set[str] = set()
    done: set[str] = set()
    for start in blocks:
        if start in done:
            continue
        path: list[str] = [start]
        stack = [_uses(blocks[start])]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
                done.add(path.pop())
            elif step.text in path:
                circle = path[path.index(step.text) :]
                bad.update(circle)
                shown = " -> ".join([*circle, step.text] if len(circle) < 9 else [*circle[:8], "..", step.text])
                message = f"block `{step.text}` contains itself: {shown}"
                diagnostics.error("E216", step.mark, message, "repeat a block with `repeat`")
            elif step.text in blocks and step.text not in done:
                path.append(step.text)
                stack.append(_uses(blocks[step.text]))
    return bad


def _uses(block: Block) -> Iterator[Scalar]:
    for layer in block.layers if block.home is None else ():  # a file has blocks of its own
        used = layer.get("block")
        if isinstance(used, Scalar):
            yield used
