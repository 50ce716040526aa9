"""The keys that layers and block instances have in common: bottoms, tops, rules, factors, arguments."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.spec.blocks import INSTANCE_KEYS, Block
from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import NAME, Factors, Item, Named
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, in_text, kind
from netspec.spec.rules import Rules, read_rules
from netspec.spec.values import Evaluator, Failed
from netspec.spec.variables import Env

_FACTORS = ("lr_mult", "decay_mult", "loss_weight")


@dataclass(frozen=True, slots=True)
class Instance:
    """Reads the keys of one entry with its variables."""

    evaluator: Evaluator
    item: Item
    env: Env

    @property
    def diagnostics(self) -> Diagnostics:
        """Where problems go."""
        return self.evaluator.diagnostics

    def names(self, node: Node | None, key: str) -> list[Named] | None:
        """Return the blob names under ``bottom`` or ``top``, None if the key is not there.

        Raises
        ------
        Failed
            After a problem has been reported.
        """
        if node is None:
            return None
        node = self.evaluator.node(node, self.env, self.item.name)
        if isinstance(node, Mapping) and key == "bottom" and self.item.kind == "layer":
            return [self._name(value, key) for _, value in node]
        items = node.items if isinstance(node, Sequence) else [node]
        return [self._name(part, key) for part in items]

    def _name(self, node: Node, key: str) -> Named:
        text = in_text(node.value) if isinstance(node, Scalar) and node.is_given else None
        if text is None and isinstance(node, Scalar):
            text = node.text
        if text is not None and NAME.fullmatch(text):
            return text, node.mark
        what = "of a layer or block instance" if key == "share" else "of a blob"
        shown = kind(node)
        hint = None
        if isinstance(node, Scalar) and isinstance(node.value, str) and "," in node.value:
            hint = f"{key}: [{', '.join(part.strip() for part in node.value.split(','))}]"
        elif isinstance(node, Scalar) and node.is_null:
            hint = f"write the name {what}, or leave the key out"
        self.diagnostics.error("E221", node.mark, f"`{self.item.name}`: {key} is the name {what}, got {shown}", hint,
                               self.item.name)  # fmt: skip
        raise Failed

    def rules(self, node: Mapping) -> Rules | None:
        """Return the entry's ``include`` and ``exclude``."""
        pairs = [p for p in node.pairs if p[0].text in ("include", "exclude")]
        if not pairs:
            return None
        found = self.evaluator.node(Mapping(pairs, node.mark), self.env, self.item.name)
        assert isinstance(found, Mapping)
        return read_rules(found, self.diagnostics, self.item.name)

    def share(self, node: Mapping) -> Named | None:
        """Return whose weights the entry uses, in full, and where that is written."""
        written = node.get("share")
        if written is None:
            return None
        name, mark = self._name(self.evaluator.node(written, self.env, self.item.name), "share")
        return f"{self.item.calls[-1][0]}/{name}" if self.item.calls else name, mark

    def factors(self, node: Mapping) -> Factors:
        """Return the factors that a block instance gives to all inside."""
        values: dict[str, float] = {}
        for key in _FACTORS:
            written = node.get(key)
            if written is None:
                continue
            value = self.evaluator.value(written, self.env, self.item.name) if isinstance(written, Scalar) else None
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
            if number is None and hasattr(value, "numerator") and not isinstance(value, bool):
                number = float(value)  # type: ignore[arg-type]
            if number is None or abs(number) == float("inf") or (key != "loss_weight" and number < 0):
                what = "a number" if key == "loss_weight" else "a number from 0"
                message = f"`{self.item.name}`: {key} of a block instance is {what}, got {kind(written)}"
                self.diagnostics.error("E503", written.mark, message, None, self.item.name)
                raise Failed
            values[key] = float(number)
        return Factors(**values)

    def arguments(self, node: Mapping, block: Block) -> dict[str, object]:
        """Return the block's parameters with this instance's values.

        Raises
        ------
        Failed
            After unknown and missing arguments have been reported.
        """
        good = True
        for key, _ in node:
            if key.text not in block.params and key.text not in INSTANCE_KEYS:
                known = [*block.params, *INSTANCE_KEYS]
                hint = did_you_mean(key.text, known)
                hint = hint or f"it has {', '.join(block.params) if block.params else 'no parameters'}"
                message = f"block `{block.name}` has no parameter `{key.text}`"
                self.diagnostics.error("E227", key.mark, message, hint, self.item.name)
                good = False
        local: dict[str, object] = {}
        for name, (_, default) in block.params.items():
            written = node.get(name) if name not in INSTANCE_KEYS else None
            if written is None and block.home is not None:
                continue  # a variable of the file has the value that the file gives it
            if written is None and isinstance(default, Scalar) and default.is_null:
                message = f"`{self.item.name}`: block `{block.name}` needs a value for `{name}`"
                self.diagnostics.error("E228", self.item.mark, message, f"add `{name}: ..`", self.item.name)
                good = False
                continue
            try:
                if written is not None:
                    value = self.evaluator.node(written, self.env, self.item.name)
                elif good:
                    value = self.evaluator.node(default, Env(local, self.env.outer), self.item.name)
                else:
                    continue
            except Failed:
                good = False
                continue
            local[name] = value.value if isinstance(value, Scalar) else value
        if not good:
            raise Failed
        return local
