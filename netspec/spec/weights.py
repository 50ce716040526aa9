"""``weights``: which files a net's weights come from, below which names, and what is left out. Nothing is opened."""

from __future__ import annotations

from collections.abc import Mapping as Environment
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from netspec.spec.diagnostics import Diagnostics, Suggester, did_you_mean
from netspec.spec.entries import Item, all_layers
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.shares import Shared
from netspec.spec.values import Evaluator, Failed

_FORMS = "weights: F, weights: {file: F, except: [fc8]}, or weights: {INSTANCE: F}"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of weights.

    Attributes
    ----------
    file
        As written.
    folder
        Of the spec that names it.
    prefix
        The block instance whose weights are in the file, under their names inside; empty: those of the whole net.
    leave_out
        Layers, instances and parameters, by their full names, that begin as their fillers say.
    """

    file: str
    folder: Path
    prefix: str = ""
    leave_out: tuple[str, ...] = ()


def read_weights(
    node: Node | None, evaluator: Evaluator, env: Environment[str, object], items: list[Item], shared: dict[str, Shared]
) -> tuple[WeightsFile, ...]:
    """Return the files of the ``weights`` section; what is wrong goes to the diagnostics.

    Parameters
    ----------
    items : list of Item
        The layers, whose names the section may use.
    shared : dict
        Those of them that have no weights of their own.
    """
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return ()
    try:
        written = evaluator.node(node, env)
    except Failed:
        return ()
    reading = _Reading(evaluator.diagnostics, items, shared)
    if not isinstance(written, Mapping) or "file" in written:
        found = [reading.one(written, node.mark, None)]
    else:
        found = [reading.one(value, node.mark, key) for key, value in written]
    return tuple(file for file in found if file is not None)


class _Reading:
    def __init__(self, diagnostics: Diagnostics, items: list[Item], shared: dict[str, Shared]) -> None:
        self.diagnostics, self.shared = diagnostics, shared
        self.sure = not diagnostics.has_errors  # else a layer may be missing for another reason
        self.layers = [item.name for item in all_layers(items)]
        self.instances = dict.fromkeys(name[:at] for name in self.layers for at in _slashes(name))
        self.names = {*self.layers, *self.instances}
        self.near, self.near_instances = Suggester(lambda: self.layers), Suggester(lambda: self.instances)

    def one(self, node: Node, place: Mark, key: Scalar | None) -> WeightsFile | None:
        """Return a file, with what is left out of it; ``key`` names the instance it is for."""
        prefix = "" if key is None else key.text
        if key is not None and not self._is_instance(key):
            return None
        file: Node | None = node
        leave_out: tuple[str, ...] = ()
        if isinstance(node, Mapping):
            for name, _ in node:
                if name.text not in ("file", "except"):
                    hint = did_you_mean(name.text, ("file", "except")) or _FORMS
                    self.diagnostics.error("E630", name.mark, f"unknown key `{name.text}` of weights", hint)
                    return None
            file, leave_out = node.get("file"), self._names(node.get("except"), prefix)
        if not isinstance(file, Scalar) or not isinstance(file.value, str) or not file.value:
            got, mark = ("no `file`", node.mark) if file is None else (kind(file), file.mark)
            self.diagnostics.error("E630", mark, f"weights come from a file, got {got}", _FORMS)
            return None
        return WeightsFile(file.value, Path(file.mark.file).parent, prefix, leave_out)

    def _is_instance(self, key: Scalar) -> bool:
        inside = [] if key.text not in self.instances else [n for n in self.layers if n.startswith(key.text + "/")]
        # what a layer inside shares with another inside does not matter
        sharing = next((n for n in inside if n in self.shared and _around(self.shared[n].by.name, key.text)), None)
        if sharing is None and (inside or not self.sure):
            return True
        if sharing is not None:
            owner = self.shared[sharing].owner[: len(key.text) - len(sharing)]
            message = f"`{key.text}` has no weights of its own: it shares those of `{owner}`"
            self.diagnostics.error("E631", key.mark, message, f"weights: {{{owner}: ..}}")
            return False
        hint = self.near_instances.hint(key.text)
        if hint is None:
            hint = f"the instances are {', '.join(islice(self.instances, 8))}" if self.instances else _FORMS
        message = f"weights are given for `{key.text}`, which is no block instance"
        self.diagnostics.error("E631", key.mark, message, hint)
        return False

    def _names(self, node: Node | None, prefix: str) -> tuple[str, ...]:
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return ()
        found = []
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                message = f"except lists names of layers, got {kind(item)}"
                self.diagnostics.error("E630", item.mark, message, "except: [fc8]")
                continue
            full = f"{prefix}/{item.value}" if prefix else item.value
            layer = full.rpartition(".")[0] or full
            if self.sure and full not in self.names and layer not in self.names:
                hint = self.near.hint(full)
                hint = hint.replace(f"`{prefix}/", "`") if hint and prefix else hint
                message = f"except names `{item.value}`, which is no layer, block instance or parameter"
                self.diagnostics.error("E631", item.mark, message, hint)
                continue
            found.append(full)
        return tuple(found)


def _around(instance: str, name: str) -> bool:
    return name == instance or name.startswith(f"{instance}/")


def _slashes(name: str) -> list[int]:
    return [at for at, char in enumerate(name) if char == "/"]
