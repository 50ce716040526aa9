"""Writes specs/index.json and docs/zoo.md from the specs of the zoo; tests/docs looks for drift.

Run it in the repository's root: ``python docs/generate_zoo.py``. A spec says in the comment at its top what
it is (the first sentence, or what stands before a colon) and, in a line ``# Task: classification``, what for.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from netspec import zoo
from netspec.reports import tables
from netspec.reports.inspect import inspect_net
from netspec.spec.load import load_spec
from netspec.zoo import Entry

PAGE = Path(__file__).resolve().parent / "zoo.md"
HEAD = """\
<!-- Written by docs/generate_zoo.py from specs/; edit those. -->

# The zoo

Every net is one file; the comment at its top names the paper, the figures it is known for and what to expect here.
Parameters are all that a net has in training, FLOPs those of one item, forward (2 for a multiply-add).

```sh
netspec zoo
netspec zoo copy lenet -o mine.yaml
netspec inspect mine.yaml
```
"""


def heading(text: str) -> tuple[str, str]:
    """Title and task of a spec, from the comment at its top.

    Raises
    ------
    ValueError
        There is no line with the task.
    """
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    task = next((line.removeprefix("Task: ") for line in lines if line.startswith("Task: ")), None)
    if task is None:
        raise ValueError("no line `# Task: ..` in the comment at the top")
    return re.split(r"(?<!\bal)[.:](?:\s|$)", " ".join(lines), maxsplit=1)[0], task


def entry(path: Path) -> Entry:
    """What the list says of a net: its figures in training, of a net without training in test."""
    spec = load_spec(path)
    net = spec.net("train" if "train" in spec.feeds else "test", batch=1)
    first = next(iter(net.inputs.values()), None)
    shape = None if first is None else tuple(n for axis, n in enumerate(first.shape) if axis != first.axis)
    totals = inspect_net(net).totals
    title, task = heading(path.read_text(encoding="utf-8"))
    return Entry(
        name=path.stem,
        title=title,
        task=task,
        input=shape,
        params=totals["params"],
        learnable_params=totals["learnable_params"],
        flops_forward=totals["flops_forward"],
    )


def index(entries: list[Entry]) -> str:
    """The file that ``netspec zoo`` reads."""
    return "[\n" + ",\n".join(json.dumps(one.to_dict(), ensure_ascii=False) for one in entries) + "\n]\n"


def page(entries: list[Entry]) -> str:
    """The page of the documentation."""
    lines = [HEAD]
    for task in sorted({one.task for one in entries}):
        lines += [
            f"## {task.capitalize()}",
            "",
            "| net | | input | parameters | FLOPs |",
            "| --- | --- | --- | ---: | ---: |",
        ]
        for one in (e for e in entries if e.task == task):
            shape = "" if one.input is None else tables.shape(one.input)
            lines.append(
                f"| [`{one.name}`](../specs/{one.name}.yaml) | {one.title} | {shape} "
                f"| {tables.count(one.params)} | {tables.scaled(one.flops_forward)} |"
            )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Writes both files."""
    entries = [entry(zoo.folder() / f"{name}.yaml") for name in zoo.names()]
    (zoo.folder() / zoo.INDEX).write_text(index(entries), encoding="utf-8")
    PAGE.write_text(page(entries), encoding="utf-8")


if __name__ == "__main__":
    main()
