"""Making a picture smaller: turns of a repeated block drawn once, deep blocks drawn as one vertex."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from netspec.drawing.picture import Arrow, Box, Picture, Vertex

_Child = Vertex | Box


def collapse(picture: Picture, depth: int) -> Picture:
    """Return the picture with the blocks inside ``depth`` others drawn as one vertex each."""
    renamed: dict[str, str] = {}
    root = _collapsed(picture.root, depth, picture, renamed)
    return replace(picture, root=root, arrows=_renamed(picture.arrows, renamed))


def _collapsed(box: Box, depth: int, picture: Picture, renamed: dict[str, str]) -> Box:
    children: list[_Child] = []
    for child in box.children:
        if isinstance(child, Vertex):
            children.append(child)
        elif depth > 0:
            children.append(_collapsed(child, depth - 1, picture, renamed))
        else:
            children.append(_as_vertex(child, picture))
            renamed.update((vertex.name, child.name) for vertex in child.vertices())
    return replace(box, children=tuple(children))


def _as_vertex(box: Box, picture: Picture) -> Vertex:
    """A box as one vertex: what goes out of it, all of its parameters."""
    inside = {vertex.name: vertex for vertex in box.vertices()}
    makers = [a.source for a in picture.arrows if a.source in inside and a.target not in inside]
    read = {a.source for a in picture.arrows if not a.back}
    makers = makers or [name for name in inside if name not in read]
    shapes = [shape for name in dict.fromkeys(makers) for shape in inside[name].shapes[:1]]
    owners = {vertex.shared for vertex in inside.values() if vertex.params or vertex.shared}
    params = sum(vertex.params for vertex in inside.values())
    learning = [vertex for vertex in inside.values() if vertex.params]
    return Vertex(
        name=box.name,
        label=box.label,
        type=box.type,
        kind="block",
        shapes=tuple(shapes),
        params=params,
        shared="" if params or not owners else min(owners).rpartition("/")[0],
        shares=any(vertex.shares for vertex in inside.values()),
        frozen=bool(learning) and all(vertex.frozen for vertex in learning),
        detail=f"{len(inside)} layers",
    )


def fold(picture: Picture) -> Picture:
    """Return the picture with turns of a block that are alike, one behind the other, drawn once."""
    folder = _Folder(picture)
    root = folder.folded(picture.root)
    gone = folder.gone
    kept = [a for a in picture.arrows if not (a.target in gone or (a.source in gone and a.source not in folder.ends))]
    return replace(picture, root=root, arrows=_renamed(kept, folder.ends))


class _Folder:
    """Finds runs of turns.

    Attributes
    ----------
    gone
        Vertices of the turns that are left out.
    ends
        Of the last turn of each run: the vertex of the first that stands for it.
    """

    def __init__(self, picture: Picture) -> None:
        self.gone: set[str] = set()
        self.ends: dict[str, str] = {}
        self._into: dict[str, list[Arrow]] = {}
        self._out: dict[str, list[Arrow]] = {}
        for arrow in picture.arrows:
            self._into.setdefault(arrow.target, []).append(arrow)
            self._out.setdefault(arrow.source, []).append(arrow)

    def folded(self, box: Box) -> Box:
        """Return a box with the runs in it, and in the boxes inside, drawn once."""
        children: list[_Child] = []
        run: list[Box] = []
        for child in box.children:
            if run and isinstance(child, Box) and self._goes_on(run[-1], child):
                run.append(child)
                continue
            children += self._drawn(run)
            run = [child] if isinstance(child, Box) else []
            children += [child] if isinstance(child, Vertex) else []
        children += self._drawn(run)
        return replace(box, children=tuple(children))

    def _drawn(self, run: list[Box]) -> list[_Child]:
        if not run:
            return []
        first = self.folded(run[0])
        if len(run) == 1:
            return [first]
        for turn in run[1:]:
            self.gone.update(vertex.name for vertex in turn.vertices())
        pairs = zip(run[-1].vertices(), run[0].vertices(), strict=True)
        self.ends.update((last.name, here.name) for last, here in pairs)
        return [replace(first, times=len(run), last=run[-1].name)]

    def _goes_on(self, before: Box, box: Box) -> bool:
        """Whether a box is the turn behind another: alike, fed by it as it was fed, and read by nothing else."""
        if _form(before) != _form(box):
            return False
        counterpart = {b.name: a.name for a, b in zip(before.vertices(), box.vertices(), strict=True)}
        theirs, mine = set(counterpart.values()), set(counterpart)
        for name, other in counterpart.items():
            here = [self._origin(arrow, mine) for arrow in self._into.get(name, ())]
            there = [self._origin(arrow, theirs) for arrow in self._into.get(other, ())]
            if len(here) != len(there):
                return False
            for (inside, source), (was_inside, was) in zip(here, there, strict=True):
                alike = counterpart[source] == was if inside else source == was or source in theirs
                if inside != was_inside or not alike:
                    return False
        return all(arrow.target in theirs | mine for name in theirs for arrow in self._out.get(name, ()))

    def _origin(self, arrow: Arrow, inside: set[str]) -> tuple[bool, str]:
        return arrow.source in inside, arrow.source


def _form(box: Box) -> tuple[object, ...]:
    """What turns of one block have in common."""
    return box.type, *(
        _form(c) if isinstance(c, Box) else (c.label, c.type, c.shapes, c.params, bool(c.shared), c.frozen, c.detail)
        for c in box.children
    )


def _renamed(arrows: Iterable[Arrow], names: Mapping[str, str]) -> tuple[Arrow, ...]:
    """Arrows between what stands for their ends, each once; those inside one vertex are gone."""

    def stands_for(name: str) -> str:
        while name in names:  # the turn may hold a run of its own
            name = names[name]
        return name

    found: dict[tuple[str, str, bool], Arrow] = {}
    for arrow in arrows:
        source, target = stands_for(arrow.source), stands_for(arrow.target)
        if source != target:
            found.setdefault((source, target, arrow.back), replace(arrow, source=source, target=target))
    return tuple(found.values())
