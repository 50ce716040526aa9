"""Writes the reference pages in docs/layers from the classes of netspec; tests/docs looks for drift.

Run it in the repository's root: ``python docs/generate_layers.py``.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import netspec.fillers
import netspec.layers
import netspec.policies
import netspec.solvers
import netspec.sources  # noqa: F401  (the folders fill the registries)
from netspec.reports.tables import plain_prose
from netspec.spec import caffe
from netspec.spec.conversion import range_text
from netspec.spec.describe import common_fields, default_text, type_text
from netspec.spec.example import example_spec
from netspec.spec.fields import Entry, FieldInfo
from netspec.spec.layer import Layer
from netspec.spec.registry import FILLERS, LAYERS, POLICIES, SOLVERS, SOURCES, Registry
from netspec.spec.schema import first_line, own_fields

FOLDER = Path(__file__).resolve().parent / "layers"
HEAD = "<!-- Written by docs/generate_layers.py from the classes; edit those. -->\n"
OTHERS = {"fillers": FILLERS, "solvers": SOLVERS, "policies": POLICIES, "sources": SOURCES}


def pages() -> dict[str, str]:
    """Text of every page by file name."""
    found = {f"{cls.type_name}.md": f"{HEAD}\n# {cls.type_name}\n\n{spellings(cls)}{body(cls)}" for cls in LAYERS}
    found |= {f"{name}.md": together(name, registry) for name, registry in OTHERS.items()}
    return found | {"README.md": index(), "caffe.md": caffe_page()}


def index() -> str:
    """The list of all pages."""
    lines = [HEAD, "# Layers", "", "| type | |", "| --- | --- |"]
    lines += [f"| [{cls.type_name}]({cls.type_name}.md) | {cell(first_line(cls))} |" for cls in LAYERS]
    lines += ["", "Also: [fillers](fillers.md), [solvers](solvers.md), [rate policies](policies.md), "]
    lines[-1] += "[data sources](sources.md), [what became of Caffe's types](caffe.md)."
    lines += ["", "Every layer takes these keys besides its own:", "", *rows(common_fields(next(iter(LAYERS))))]
    return "\n".join(lines) + "\n"


def spellings(cls: type[Entry]) -> str:
    """The other names of a layer type."""
    others = LAYERS.spellings(cls.type_name)[1:]
    return f"Also written {', '.join(f'`{name}`' for name in others)}.\n\n" if others else ""


def caffe_page() -> str:
    """Every type of Caffe and of three forks, and what it is here."""
    lines = [HEAD, "# Caffe's types", ""]
    lines += ["All layer types of BVLC/caffe, then those that R-CNN, SSD and FlowNet added. Fields have Caffe's names"]
    lines += ["and defaults, without the message they lie in (`convolution_param { .. }`)."]
    for group, names in {**caffe.BVLC, **caffe.FORKS}.items():
        lines += ["", f"## {group}", "", "| type | here |", "| --- | --- |", *map(caffe_row, names)]
    for group, (_, names) in caffe.OTHERS.items():
        lines += ["", f"## {group}", "", f"{', '.join(f'`{name}`' for name in names)}: the same names."]
    return "\n".join(lines) + "\n"


def caffe_row(name: str) -> str:
    """One type of Caffe in the table."""
    how, here = caffe.state(name)
    if here is None:
        return f"| {name} | {cell(how)} |"
    return f"| {name} | [{here}]({here}.md){', another spelling of it' if how == 'alias' else ''} |"


def together(name: str, registry: Registry) -> str:
    """One page for all classes of a kind."""
    parts = [f"{HEAD}\n# {name.capitalize()}\n"]
    for cls in registry:
        parts.append(f"## {cls.type_name}\n\n{body(cls)}")
    first = next(iter(registry))
    common = common_fields(first) if issubclass(first, Entry) else []
    if common:
        parts.append("## All of them\n\n" + "\n".join(rows(common)) + "\n")
    return "\n".join(parts)


def body(cls: type[Entry]) -> str:
    """Documentation and fields of a class."""
    own = own_fields(cls) if issubclass(cls, Entry) else []  # a rate policy takes the solver's fields
    fields = ["", *rows(own)] if own else []
    example = example_spec(cls) if issubclass(cls, Layer) else None
    shown = ["", "**Example.**", "", "```yaml", example.rstrip(), "```"] if example else []
    return "\n".join([prose(without_example(inspect.cleandoc(cls.__doc__ or ""))), *fields, *shown]) + "\n"


def without_example(text: str) -> str:
    """A docstring without its last section, which is shown as the spec that it stands for."""
    return text.partition("\nExample\n")[0]


def prose(text: str) -> str:
    """A docstring as Markdown: sections become bold words before their paragraph."""
    parts: list[str] = []
    for line in plain_prose(text).splitlines():
        if re.fullmatch(r"[A-Z]\w+", line):
            parts += ["", f"**{line}.**"]
        else:
            parts.append(line.strip())
    joined = re.sub(r"\n{3,}", "\n\n", "\n".join(parts).replace("**\n", "** "))
    return joined


def rows(fields: list[FieldInfo]) -> list[str]:
    """A table of fields."""
    lines = ["| field | type | default | |", "| --- | --- | --- | --- |"]
    for info in fields:
        default = default_text(info)
        shown = default if default in ("", "required") else f"`{default}`"
        kind = cell(type_text(info.type, info.spec))
        lines.append(f"| `{info.key}` | {kind} | {cell(shown)} | {cell(about(info))} |")
    return lines


def about(info: FieldInfo) -> str:
    """A field's documentation with its range, unit and other names."""
    spec = info.spec
    extras = [range_text(spec), spec.unit, f"also `{'`, `'.join(spec.alias)}`" if spec.alias else None]
    shown = "; ".join(part for part in extras if part)
    return f"{spec.doc} ({shown})" if shown else spec.doc


def cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return re.sub(r"``", "`", text).replace("|", "\\|")


def main() -> None:
    """Writes the pages and removes those of classes that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
