"""What holds of every drawing: nothing overlaps, boxes hold what is theirs, lines pass around nodes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from netspec import zoo
from netspec.drawing.files import draw
from netspec.drawing.layered import Cell, Link, connect, crossings, rank, reorder, rows_with_bends
from netspec.drawing.layout import layout, size_of
from netspec.drawing.picture import Box, Vertex
from netspec.spec.load import load_spec

LANGUAGE = Path(__file__).parents[2] / "language"
NETS = [
    *((zoo.find(name), depth) for name in ("lenet", "googlenet", "resnet152", "mobilenet") for depth in (None, 0, 1)),
    *((path, None) for path in sorted(LANGUAGE.glob("*.yaml"))),
]
NEAR = 0.11  # pixels: places are rounded to a tenth


def overlap(one, other):
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > NEAR and down > NEAR


def inside(one, box):
    return (
        box.x - NEAR <= one.x
        and one.x + one.width <= box.x + box.width + NEAR
        and box.y - NEAR <= one.y
        and one.y + one.height <= box.y + box.height + NEAR
    )


@pytest.fixture(params=NETS, ids=lambda net: f"{net[0].stem}-{net[1]}")
def drawn(request):
    path, depth = request.param
    spec = load_spec(path)
    picture = draw(spec.net(spec.phases[0]), depth)
    return picture, layout(picture)


def test_a_drawing_is_in_order(drawn):
    picture, found = drawn
    vertices = [each for each in found.placed if isinstance(each.what, Vertex)]
    boxes = {each.what.name: each for each in found.placed if isinstance(each.what, Box)}
    assert {each.what.name for each in vertices} == {vertex.name for vertex in picture.root.vertices()}
    assert [(a.what.name, b.what.name) for a, b in itertools.combinations(vertices, 2) if overlap(a, b)] == []
    for around in (picture.root, *picture.root.boxes()):
        children = [boxes[child.name] for child in around.children if isinstance(child, Box)]
        mine = {vertex.name for vertex in around.vertices()}
        if around.name:
            assert all(inside(each, boxes[around.name]) for each in vertices if each.what.name in mine)
            assert all(inside(each, boxes[around.name]) for each in children)
        assert not any(overlap(a, b) for a, b in itertools.combinations(children, 2))


def test_lines_run_down_and_straight_past_nodes(drawn):
    _, found = drawn
    vertices = [each for each in found.placed if isinstance(each.what, Vertex)]
    for line in found.lines:
        ends = [y for _, top, bottom in line.runs for y in (top, bottom)]
        assert all(a <= b + NEAR for a, b in itertools.pairwise(ends))
        for x, top, bottom in line.runs:
            hit = [
                each.what.name
                for each in vertices
                if each.x + 1 < x < each.x + each.width - 1 and min(bottom, each.y + each.height) - max(top, each.y) > 1
            ]
            assert hit == []


def test_every_way_into_a_vertex_ends_with_a_head(drawn):
    picture, found = drawn
    into = {(arrow.source, arrow.target) for arrow in picture.arrows if not arrow.back}
    heads = [line for line in found.lines if line.has_head and not line.back]
    assert 0 < len(heads) <= len(into)


def test_wide_texts_make_wide_nodes():
    short = Vertex(name="a", label="a", type="ReLU", kind="plain", shapes=((1,),))
    long = Vertex(name="b", label="a_name_that_goes_on", type="Convolution", kind="weights", shapes=((1,),), params=9)
    assert size_of(long)[0] > size_of(short)[0]
    assert size_of(long)[1] == size_of(short)[1]


def diagram(edges):
    cells = {name: Cell(name, 50.0, 20.0) for pair in edges for name in pair}
    links = [Link(cells[a], cells[b]) for a, b in edges]
    connect(links)
    return cells, links


def test_ranks_are_longest_paths_and_sources_stand_near_their_readers():
    cells, _ = diagram([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("label", "d")])
    assert rank(list(cells.values()), [], []) == 4
    assert {name: cell.rank for name, cell in cells.items()} == {"a": 0, "b": 1, "c": 2, "d": 3, "label": 2}


def test_a_crowded_row_is_thinned_out():
    edges = [("x", f"i{k}") for k in range(12)] + [(f"i{k}", f"h{k}") for k in range(12)]
    edges += [(f"h{k}", f"h{k + 1}") for k in range(11)]
    cells, _ = diagram(edges)
    rank(list(cells.values()), [], [])
    assert [cells[f"i{k}"].rank for k in range(12)] == [1, *range(2, 13)]
    assert [cells[f"h{k}"].rank for k in range(12)] == list(range(2, 14))


def test_a_link_over_several_rows_bends_in_each():
    cells, links = diagram([("a", "b"), ("b", "c"), ("a", "c")])
    rows = rows_with_bends(list(cells.values()), links, rank(list(cells.values()), [], []))
    assert [len(row) for row in rows] == [1, 2, 1]
    assert [len(link.path) for link in links] == [0, 0, 1]


def test_crossings_that_need_not_be_are_taken_away():
    cells, links = diagram([("a", "y"), ("b", "x"), ("c", "z"), ("a", "z")])
    rows = rows_with_bends(list(cells.values()), links, rank(list(cells.values()), [], []))
    reorder(rows)
    assert crossings(rows) == 0
