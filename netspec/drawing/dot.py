"""A picture as DOT, the language of Graphviz."""

from __future__ import annotations

import json
from collections.abc import Iterator

from netspec.drawing.picture import Box, Picture, Vertex

_STYLES = {
    "data": 'shape=box style="rounded,filled" fillcolor="#e3f4ee" color="#2f8f73"',
    "weights": 'shape=box style="filled" fillcolor="#dfeafc" color="#3f74c9"',
    "plain": 'shape=box style="filled" fillcolor="#ffffff" color="#a6b0bb"',
    "loss": 'shape=box style="filled" fillcolor="#fde4df" color="#cf5b45"',
    "metric": 'shape=box style="filled" fillcolor="#f1e7fb" color="#8a5cc2"',
    "block": 'shape=box style="filled" fillcolor="#fdf1d3" color="#b88a1c"',
}


def to_dot(picture: Picture) -> str:
    """Return the picture as a digraph, each box a cluster."""
    lines = [
        f"digraph {_quoted(picture.name)} {{",
        f'  graph [label={_quoted(picture.title)} labelloc=t fontname="sans-serif" fontsize=12]',
        '  node [fontname="sans-serif" fontsize=10 margin="0.1,0.05"]',
        '  edge [color="#6b7683" arrowsize=0.7]',
        *_inside(picture.root, "  "),
    ]
    for arrow in picture.arrows:
        # drawn from the bottom up, an arrow to the next step of time would turn the ranks over
        extra = " style=dashed constraint=false" if arrow.back else ""
        tip = _quoted(arrow.blob)
        lines.append(f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [tooltip={tip}{extra}]")
    return "\n".join([*lines, "}"]) + "\n"


def _inside(box: Box, indent: str) -> Iterator[str]:
    for child in box.children:
        if isinstance(child, Vertex):
            yield f"{indent}{_quoted(child.name)} [label={_quoted(_label(child))} {_STYLES[child.kind]}]"
            continue
        yield f"{indent}subgraph {_quoted('cluster ' + child.name)} {{"
        yield f'{indent}  graph [label={_quoted(child.title)} labeljust=l style="rounded" color="#c3cad2" fontsize=10]'
        yield from _inside(child, indent + "  ")
        yield f"{indent}}}"


def _label(vertex: Vertex) -> str:
    lines = (f"{vertex.label}: {vertex.type}", vertex.output, vertex.cost)
    return "\n".join(line for line in lines if line)


def _quoted(text: str) -> str:
    """A text in double quotes; DOT knows the escapes of JSON that can occur in it."""
    return json.dumps(text, ensure_ascii=False)
