"""A picture as Mermaid text, which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.drawing.picture import Box, Picture, Vertex

_STYLES = {
    "data": "fill:#e3f4ee,stroke:#2f8f73,color:#1f2328",
    "weights": "fill:#dfeafc,stroke:#3f74c9,color:#1f2328",
    "plain": "fill:#ffffff,stroke:#a6b0bb,color:#1f2328",
    "loss": "fill:#fde4df,stroke:#cf5b45,color:#1f2328",
    "metric": "fill:#f1e7fb,stroke:#8a5cc2,color:#1f2328",
    "block": "fill:#fdf1d3,stroke:#b88a1c,color:#1f2328",
}


_ENTITIES = {ord(letter): f"#{ord(letter)};" for letter in '#&<>"`'}


def to_mermaid(picture: Picture) -> str:
    """Return the picture as a flowchart, each box a subgraph."""
    ids = {vertex.name: f"n{k}" for k, vertex in enumerate(picture.root.vertices(), 1)}
    boxes = {box.name: f"b{k}" for k, box in enumerate(picture.root.boxes(), 1)}
    used = dict.fromkeys(vertex.kind for vertex in picture.root.vertices())
    lines = [
        "---",
        f"title: {_title(picture.title)}",
        "---",
        "flowchart TD",
        *_inside(picture.root, ids, boxes, "  "),
        *(f"  {ids[a.source]} {'-.->' if a.back else '-->'} {ids[a.target]}" for a in picture.arrows),
        *(f"  classDef {kind} {_STYLES[kind]}" for kind in used),
    ]
    return "\n".join(lines) + "\n"


def _inside(box: Box, ids: dict[str, str], boxes: dict[str, str], indent: str) -> Iterator[str]:
    for child in box.children:
        if isinstance(child, Vertex):
            left, right = ("([", "])") if child.kind == "data" else ("[", "]")
            yield f'{indent}{ids[child.name]}{left}"{_label(child)}"{right}:::{child.kind}'
            continue
        yield f'{indent}subgraph {boxes[child.name]} ["{_safe(child.title)}"]'
        yield from _inside(child, ids, boxes, indent + "  ")
        yield f"{indent}end"


def _label(vertex: Vertex) -> str:
    lines = (f"{vertex.label}: {vertex.type}", vertex.output, vertex.cost)
    return "<br/>".join(_safe(line) for line in lines if line)


def _safe(text: str) -> str:
    """A text inside double quotes: what would end it, or be markup, as Mermaid's entities."""
    return text.translate(_ENTITIES)


def _title(text: str) -> str:
    """A text as a YAML scalar."""
    return "'" + text.replace("'", "''") + "'"
