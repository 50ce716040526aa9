"""A picture as SVG: text as text, light and dark, the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from netspec.drawing import texts
from netspec.drawing.layout import (
    INSET,
    LINE,
    NAME_SIZE,
    SMALL_SIZE,
    Layout,
    Line,
    Placed,
    inset,
    layout,
    lines_of,
)
from netspec.drawing.picture import Box, Picture, Vertex
from netspec.reports import tables

MARGIN = 16.0
TITLE_HEIGHT = 34.0
LEGEND_HEIGHT = 30.0
SWATCH = 12.0
STACK = 5.0
"""How far the card behind a folded block looks out."""

LEGEND = {
    "data": "from outside",
    "weights": "has weights",
    "plain": "has none",
    "loss": "loss",
    "metric": "metric",
    "block": "a block",
    "shared": "shared weights",
}

_LIGHT = {
    "page": "#ffffff", "text": "#1f2328", "soft": "#59636e", "line": "#6b7683", "box": "#f4f6f8", "border": "#c3cad2",
    "data": "#e3f4ee #2f8f73", "weights": "#dfeafc #3f74c9", "plain": "#ffffff #a6b0bb", "loss": "#fde4df #cf5b45",
    "metric": "#f1e7fb #8a5cc2", "block": "#fdf1d3 #b88a1c",
}  # fmt: skip
_DARK = {
    "page": "#0d1117", "text": "#e6edf3", "soft": "#9aa5b1", "line": "#7d8792", "box": "#151b23", "border": "#39424d",
    "data": "#12352b #3fa886", "weights": "#16294a #5b8fe0", "plain": "#1b222c #5a6572", "loss": "#46201a #df7360",
    "metric": "#2f2045 #a67fd8", "block": "#3a2e10 #c79d3c",
}  # fmt: skip
_FILLED = ("data", "weights", "plain", "loss", "metric", "block")


def to_svg(picture: Picture) -> str:
    """Return a drawing of the picture."""
    placed = layout(picture)
    legend = _legend_keys(placed)
    heading = f"{picture.title}: {tables.count(picture.params)} params"
    least = max(texts.width(heading, NAME_SIZE * 1.15, bold=True), sum(_legend_width(key) for key in legend))
    width = round(max(placed.width, least) + 2 * MARGIN)
    height = round(placed.height + TITLE_HEIGHT + LEGEND_HEIGHT + MARGIN)
    dx, dy = round((width - placed.width) / 2, 1), TITLE_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(picture.title)}</title>',
        f'<desc id="desc">{escape(_description(picture))}</desc>',
        *_style(),
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="name" x="{_n(MARGIN)}" y="24" font-size="{NAME_SIZE * 1.15:g}">{escape(heading)}</text>',
        f'<g transform="translate({_n(dx)} {_n(dy)})">',
        *_inside(placed),
        "</g>",
        *_legend(legend, height - LEGEND_HEIGHT + 6),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _inside(placed: Layout) -> Iterator[str]:
    """Boxes, then lines, then vertices, so that none covers what belongs above it."""
    for each in placed.placed:
        if isinstance(each.what, Box):
            yield from _box(each, each.what)
    for line in placed.lines:
        yield _line(line)
    for each in placed.placed:
        if isinstance(each.what, Box):
            yield from _box_title(each, each.what)
        else:
            yield from _vertex(each, each.what)


def _box(placed: Placed, box: Box) -> Iterator[str]:
    x, y, width, height = placed.x, placed.y, placed.width, placed.height
    if box.times > 1:
        yield _rect("box", x + STACK, y + STACK, width, height, 8)
    yield _rect("box", x, y, width, height, 8)


def _box_title(placed: Placed, box: Box) -> Iterator[str]:
    """The title above the lines that pass it."""
    width = texts.width(box.title, SMALL_SIZE)
    yield f"<g><title>{escape(_box_words(box))}</title>"
    yield _rect("behind", placed.x + INSET - 3, placed.y + 4, width + 6, 15, 3)
    yield _text("soft", placed.x + INSET, placed.y + 15, SMALL_SIZE, box.title)
    yield "</g>"


def _vertex(placed: Placed, vertex: Vertex) -> Iterator[str]:
    x, y, width = placed.x, placed.y, placed.width
    tied = " tied" if vertex.shared or vertex.shares else ""
    radius = placed.height / 2 if vertex.kind == "data" else 5
    yield f"<g><title>{escape(_words(vertex))}</title>"
    yield _rect(vertex.kind + tied, x, y, width, placed.height, radius)
    space = inset(vertex)
    for k, (left, right) in enumerate(lines_of(vertex)):
        base = y + 5 + LINE * k + 11
        if left:
            yield _text("name" if k == 0 else "soft", x + space, base, NAME_SIZE if k == 0 else SMALL_SIZE, left)
        if right:
            yield _text("soft", x + width - space, base, SMALL_SIZE, right, "end")
    yield "</g>"


def _line(line: Line) -> str:
    """Straight runs joined by curves that leave and arrive upright."""
    x, top, bottom = line.runs[0]
    path = [f"M{_n(x)} {_n(top)}"] + ([f"V{_n(bottom)}"] if bottom > top else [])
    for (x0, _, y0), (x1, y1, end) in zip(line.runs, line.runs[1:], strict=False):
        if abs(x1 - x0) < 1:
            path.append(f"L{_n(x1)} {_n(y1)}")
        else:
            middle = (y0 + y1) / 2
            path.append(f"C{_n(x0)} {_n(middle)} {_n(x1)} {_n(middle)} {_n(x1)} {_n(y1)}")
        path += [f"V{_n(end)}"] if end > y1 else []
    marker = ("marker-start" if line.back else "marker-end") if line.has_head else ""
    head = f' {marker}="url(#{"back" if line.back else "head"})"' if marker else ""
    return f'<path class="line{" step" if line.back else ""}" d="{"".join(path)}"{head}/>'


def _words(vertex: Vertex) -> str:
    """A vertex in words, for tooltips and screen readers."""
    parts = [f"{vertex.name}, {vertex.type}", f"gives {vertex.output}" if vertex.output else "", vertex.cost,
             "its weights are shared" if vertex.shares else "", vertex.detail]  # fmt: skip
    return "; ".join(part for part in parts if part)


def _box_words(box: Box) -> str:
    turns = f"; {box.times} alike, to {box.last}" if box.times > 1 else ""
    return f"{box.name}, {box.type}{turns}"


def _description(picture: Picture) -> str:
    """The whole drawing in words: each layer with what it reads."""
    reads: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        reads.setdefault(arrow.target, []).append(arrow.source + (" of the step before" if arrow.back else ""))
    found = []
    for vertex in picture.root.vertices():
        whence = f" reads {', '.join(reads[vertex.name])}" if vertex.name in reads else ""
        found.append(f"{vertex.name} ({vertex.type}){whence}")
    return f"{len(found)} nodes: " + "; ".join(found) + "."


def _legend_keys(placed: Layout) -> list[str]:
    vertices = [each.what for each in placed.placed if isinstance(each.what, Vertex)]
    found = [kind for kind in _FILLED if any(vertex.kind == kind for vertex in vertices)]
    return found + (["shared"] if any(vertex.shared for vertex in vertices) else [])


def _legend_width(key: str) -> float:
    return SWATCH + 6 + texts.width(LEGEND[key], SMALL_SIZE) + 14


def _legend(keys: list[str], y: float) -> Iterator[str]:
    x = MARGIN
    for key in keys:
        yield _rect("weights tied" if key == "shared" else key, x, y, SWATCH, SWATCH, 6 if key == "data" else 3)
        yield _text("soft", x + SWATCH + 6, y + 10, SMALL_SIZE, LEGEND[key])
        x = round(x + _legend_width(key), 1)


def _style() -> Iterator[str]:
    yield "<style>"
    yield "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}.name{font-weight:600}"
    yield ".line{fill:none;stroke-width:1.3}.step{stroke-dasharray:5 3}.tied{stroke-dasharray:4 2.5;stroke-width:1.6}"
    yield from _colours(_LIGHT)
    yield "@media (prefers-color-scheme:dark){"
    yield from _colours(_DARK)
    yield "}"
    yield "</style>"
    for name, turned in (("head", "auto"), ("back", "auto-start-reverse")):
        yield (
            f'<defs><marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6.5" markerHeight="6.5" '
            f'orient="{turned}"><path class="tip" d="M0 0.6L8 4L0 7.4z"/></marker></defs>'
        )


def _colours(of: dict[str, str]) -> Iterator[str]:
    yield (
        f".page{{fill:{of['page']}}}.name{{fill:{of['text']}}}.soft{{fill:{of['soft']}}}"
        f".line{{stroke:{of['line']}}}.tip{{fill:{of['line']}}}"
        f".box{{fill:{of['box']};stroke:{of['border']}}}.behind{{fill:{of['box']}}}"
    )
    for kind in _FILLED:
        fill, stroke = of[kind].split()
        yield f".{kind}{{fill:{fill};stroke:{stroke}}}"


def _rect(style: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    return (
        f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}"/>'
    )


def _text(style: str, x: float, y: float, size: float, text: str, anchor: str = "") -> str:
    where = f" text-anchor={quoteattr(anchor)}" if anchor else ""
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}" font-size="{size:g}"{where}>{escape(text)}</text>'


def _n(value: float) -> str:
    """A length with one digit behind the point, as short as it is."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.05 else "0"
