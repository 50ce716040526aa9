"""Places of everything in a picture: boxes from the inside out, each laid out in rows of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from netspec.drawing import columns, layered, texts
from netspec.drawing.layered import Cell, Link
from netspec.drawing.picture import Arrow, Box, Picture, Vertex

NAME_SIZE = 12.5
SMALL_SIZE = 10.5
"""Sizes of the two kinds of text, pixels."""

LINE = 15.0
INSET = 10.0
BETWEEN_TEXTS = 14.0
LEAST_WIDTH = 90.0
PADDING = 12.0
"""Around what is in a box."""

HEADER = 22.0
"""For a box's title."""

ROW_GAP = 20.0
SLANT = 0.07
"""What lines that run far to the side add to the gap between two rows, of their way."""

BESIDE = 14.0
"""How far from the middle an arrow to the next step of time stands."""

HEAD = 7.0
"""Of an arrow's head, where a line runs straight down."""


@dataclass(frozen=True)
class Line:
    """A line of straight runs down, (x, top, bottom) each, joined by curves; ``back``: drawn from its end."""

    runs: tuple[tuple[float, float, float], ...]
    has_head: bool
    back: bool = False

    def moved(self, dx: float, dy: float) -> Line:
        """Return the line somewhere else."""
        return replace(self, runs=tuple((x + dx, top + dy, bottom + dy) for x, top, bottom in self.runs))


@dataclass(frozen=True)
class Placed:
    """A vertex or a box with its left upper corner and its size, pixels."""

    what: Vertex | Box
    x: float
    y: float
    width: float
    height: float


@dataclass
class Layout:
    """The inside of a box in its own coordinates; ports are where lines cross its border, from the left."""

    width: float = 0.0
    height: float = 0.0
    placed: list[Placed] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    entries: dict[str, float] = field(default_factory=dict)
    exits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Way:
    """An arrow as it is laid out, from top to bottom: one to the next step of time runs against its direction."""

    upper: str
    lower: str
    back: bool

    @property
    def port(self) -> str:
        return ("back " if self.back else "") + self.upper


def layout(picture: Picture) -> Layout:
    """Return the places of all that is in a picture."""
    ways = [_way(arrow) for arrow in picture.arrows]
    return _Level(picture.root, list(dict.fromkeys(ways))).layout()


def _way(arrow: Arrow) -> _Way:
    return _Way(arrow.target, arrow.source, True) if arrow.back else _Way(arrow.source, arrow.target, False)


class _Level:
    """The inside of one box while it is laid out."""

    def __init__(self, box: Box, ways: Sequence[_Way]) -> None:
        self.box = box
        self.homes = {v.name: c.name for c in box.children for v in (c.vertices() if isinstance(c, Box) else (c,))}
        self.ways = [way for way in ways if way.upper in self.homes or way.lower in self.homes]
        self.children = {child.name: child for child in box.children}
        self.inner = {c.name: _Level(c, self.ways).layout() for c in box.children if isinstance(c, Box)}
        self.cells = {name: self._cell(name) for name in self.children}
        self.entries: dict[str, Cell] = {}
        self.exits: dict[str, Cell] = {}
        self.links: dict[tuple[Cell, Cell, str], tuple[Link, _Way]] = {}

    def _cell(self, name: str) -> Cell:
        child = self.children[name]
        if isinstance(child, Vertex):
            return Cell(name, *size_of(child))
        inner = self.inner[name]
        return Cell(name, inner.width, inner.height)

    def layout(self) -> Layout:
        """Return the places inside."""
        for way in self.ways:
            self._add(way)
        cells = [*self.entries.values(), *self.cells.values(), *self.exits.values()]
        links = [link for link, _ in self.links.values()]
        layered.connect(links)
        count = layered.rank(cells, list(self.entries.values()), list(self.exits.values()))
        if not self.box.name:
            cells += self._copies()
        rows = layered.rows_with_bends(cells, links, count)
        layered.reorder(rows)
        columns.place(rows)
        return self._assemble(rows)

    def _add(self, way: _Way) -> None:
        """A link for a way, or for the part of it that lies in this box; ways through the same ports are one."""
        here, there = self.homes.get(way.upper), self.homes.get(way.lower)
        if here == there:
            return  # deeper inside
        if here is None:
            source = self.entries.setdefault(way.port, Cell(f"> {way.port}"))
        else:
            source = self.cells[here]
        if there is None:
            target = self.exits.setdefault(way.port, Cell(f"{way.port} >"))
        else:
            target = self.cells[there]
        if (source, target, way.port) not in self.links:
            ends = self._offset(here, way, False), self._offset(there, way, True)
            link = Link(source, target, *ends)
            self.links[source, target, way.port] = link, way

    def _offset(self, name: str | None, way: _Way, enters: bool) -> float:
        """Where a way meets the border of what is there, from its middle: beside it if it goes to the next step."""
        inner = self.inner.get(name or "")
        if inner is None:
            return BESIDE if way.back and name is not None else 0.0
        return (inner.entries if enters else inner.exits)[way.port] - inner.width / 2

    def _copies(self) -> list[Cell]:
        """Cells for blobs from outside whose readers are far apart: they are drawn again, near those."""
        made = []
        for name, cell in self.cells.items():
            child = self.children[name]
            if not isinstance(child, Vertex) or child.kind != "data" or cell.above:
                continue
            current = cell
            for link in sorted(cell.below, key=lambda link: link.target.rank):
                if link.target.rank - current.rank > layered.FAR + 1:
                    current = Cell(name, cell.width, cell.height, link.target.rank - 1)
                    made.append(current)
                link.source = current
        return made

    def _assemble(self, rows: list[list[Cell]]) -> Layout:
        wide = [cell for row in rows for cell in row]
        left = min((cell.x - cell.width / 2 for cell in wide), default=0.0)
        right = max((cell.x + cell.width / 2 for cell in wide), default=0.0)
        inside = bool(self.box.name)
        title = texts.width(self.box.title, SMALL_SIZE) + 2 * INSET if inside else 0.0
        width = max(right - left + 2 * PADDING, title)
        shift = (width - (right - left)) / 2 - left
        for cell in wide:
            cell.x = round(cell.x + shift, 1)
        tops, bottoms, height = self._heights(rows, inside)
        made = Layout(round(width, 1), height)
        for cell in wide:
            self._put(made, cell, tops, bottoms)
        for link, way in self.links.values():
            made.lines.append(self._line(link, way, tops, bottoms))
        made.entries = {port: cell.x for port, cell in self.entries.items()}
        made.exits = {port: cell.x for port, cell in self.exits.items()}
        return made

    def _heights(self, rows: list[list[Cell]], inside: bool) -> tuple[list[float], list[float], float]:
        """Tops and bottoms of the rows, and the height of all."""
        tops, bottoms = [], []
        y = 0.0 if self.entries else HEADER + 4 if inside else PADDING
        for k, row in enumerate(rows):
            tops.append(round(y, 1))
            header = HEADER - 4 if k == 0 and self.entries else 0.0  # lines run straight past the title
            bottoms.append(round(y + max(header, *(cell.height for cell in row), 0.0), 1))
            y = bottoms[-1] + self._gap(rows, k)
        last = bottoms[-1] if bottoms else y
        return tops, bottoms, last if self.exits else last + PADDING

    def _gap(self, rows: list[list[Cell]], k: int) -> float:
        """The space below a row: more where lines run far to the side, or where a title stands."""
        runs = [abs(link.start - link.end) for cell in rows[k] for link in cell.below]
        gap = ROW_GAP + HEAD + min(60.0, SLANT * max(runs, default=0.0))
        last = bool(self.exits) and k == len(rows) - 2
        return gap - HEAD if last else gap

    def _put(self, made: Layout, cell: Cell, tops: list[float], bottoms: list[float]) -> None:
        if cell.key not in self.children:
            return
        y = _top(cell, tops, bottoms)
        x = cell.x - cell.width / 2
        child = self.children[cell.key]
        made.placed.append(Placed(child, x, y, cell.width, cell.height))
        if isinstance(child, Box):
            inner = self.inner[cell.key]
            made.placed += [replace(p, x=p.x + x, y=p.y + y) for p in inner.placed]
            made.lines += [line.moved(x, y) for line in inner.lines]

    def _line(self, link: Link, way: _Way, tops: list[float], bottoms: list[float]) -> Line:
        first, last = link.source.rank, link.target.rank
        runs = [(link.start, _top(link.source, tops, bottoms) + link.source.height, bottoms[first])]
        runs += [(bend.x, tops[bend.rank], bottoms[bend.rank]) for bend in link.path]
        end = _top(link.target, tops, bottoms)
        has_head = isinstance(self.children.get(link.target.key), Vertex)
        if way.back:
            has_head = isinstance(self.children.get(link.source.key), Vertex)
        runs.append((link.end, tops[last] - (HEAD if has_head and not way.back else 0), end))
        return Line(tuple(runs), has_head, way.back)


def _top(cell: Cell, tops: list[float], bottoms: list[float]) -> float:
    """The top of a cell: in the middle of its row, or as near as can be to all that it is linked with."""
    spare = bottoms[cell.rank] - tops[cell.rank] - cell.height
    if cell.is_port:
        return tops[cell.rank]
    part = 0.5 if bool(cell.above) == bool(cell.below) else 0.0 if cell.above else 1.0
    return round(tops[cell.rank] + part * spare, 1)


def size_of(vertex: Vertex) -> tuple[float, float]:
    """Width and height of a vertex with its texts, pixels."""
    lines = [
        _two(texts.width(vertex.label, NAME_SIZE, bold=True), texts.width(vertex.type, SMALL_SIZE)),
        _two(texts.width(vertex.output, SMALL_SIZE), texts.width(vertex.cost, SMALL_SIZE)),
    ]
    return round(max(LEAST_WIDTH, max(lines) + 2 * inset(vertex))), len(lines_of(vertex)) * LINE + 10.0


def inset(vertex: Vertex) -> float:
    """Pixels between a vertex' border and its texts: more where its ends are round."""
    return INSET + 4 if vertex.kind == "data" else INSET


def _two(left: float, right: float) -> float:
    return left + right + (BETWEEN_TEXTS if left and right else 0.0)


def lines_of(vertex: Vertex) -> list[tuple[str, str]]:
    """The lines of a vertex: what stands left and right in each."""
    found = [(vertex.label, vertex.type), (vertex.output, vertex.cost)]
    return found if any(found[1]) else found[:1]


def kinds(placed: Iterable[Placed]) -> list[str]:
    """The kinds of vertices that there are, in the order they are met."""
    return list(dict.fromkeys(p.what.kind for p in placed if isinstance(p.what, Vertex)))
