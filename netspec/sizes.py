"""Which heights and widths of its input (or lengths, or depths) a net accepts: ``netspec check --sizes``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from netspec.graph.net import Net, Node, Shape
from netspec.graph.shapes import shapes_of
from netspec.layers.axes import times
from netspec.layers.sliding import Sliding
from netspec.spec.layer import ShapeError

if TYPE_CHECKING:
    from netspec.spec.load import Spec

LARGEST = 1024
"""Sizes are tried from 1 to this."""

Side = Literal["length", "depth", "height", "width", "square", "cube"]
SIDES: dict[int, tuple[Side, ...]] = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""By how many axes lie behind N x C."""

ALL_SIDES: dict[int, Side] = {1: "length", 2: "square", 3: "cube"}
"""What they are called where they are equal."""

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Run:
    """Sizes ``first, first + step, .. last``."""

    first: int
    last: int
    step: int = 1

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        if self.step == 1:
            return f"{self.first} to {self.last}"
        steps = [self.first + k * self.step for k in range(min(3, (self.last - self.first) // self.step + 1))]
        shown = ", ".join(map(str, steps))
        return shown if steps[-1] == self.last else f"{shown}, .. {self.last}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side may be, the other held.

    Attributes
    ----------
    accepted
        The net can be made.
    exact
        No window leaves pixels unseen.
    same_weights
        Trained weights of the given size serve; all accepted ones unless a
        layer has a weight for every pixel.
    refused
        Why the largest size below the smallest accepted one is refused.
    """

    side: Side
    accepted: tuple[int, ...]
    exact: tuple[int, ...]
    same_weights: tuple[int, ...]
    refused: str | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the nets of all phases accept.

    Attributes
    ----------
    blob, given
        The input whose size is asked for, and its (height, width) in the spec, or
        (length,), or (depth, height, width); None where no input has such a size.
    by_pixel
        Layers with a weight for every pixel.
    """

    blob: str | None
    given: tuple[int, ...] | None
    answers: tuple[Answer, ...] = ()
    by_pixel: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: for each side runs of sizes as ``{first, last, step}``."""
        sides: dict[str, Any] = {
            answer.side: {
                "accepted": [_as_dict(run) for run in runs(answer.accepted)],
                "exact": [_as_dict(run) for run in runs(answer.exact)],
                "same_weights": [_as_dict(run) for run in runs(answer.same_weights)],
                "refused": answer.refused,
            }
            for answer in self.answers
        }
        given = None if self.given is None else list(self.given)
        return {"blob": self.blob, "given": given, "largest_tried": LARGEST, **sides, "by_pixel": list(self.by_pixel)}

    def text(self) -> str:
        """Return the answer in words."""
        if self.blob is None or self.given is None:
            return "sizes: no input has a height and a width"
        lines = [f"sizes of `{self.blob}` (given {times(self.given)}, tried up to {LARGEST}):"]
        for answer in self.answers:
            lines.append(f"  {answer.side}: {sentence(answer.accepted)}")
            if answer.accepted and answer.exact != answer.accepted:
                lines.append(f"    every window fits: {sentence(answer.exact)}")
            if answer.accepted and answer.same_weights != answer.accepted:
                trained = f"weights trained at {times(self.given)}"
                lines.append(f"    with {trained}: {sentence(answer.same_weights)}")
            if answer.refused is not None:
                lines.append(f"    {answer.refused}")
        if self.by_pixel:
            names = ", ".join(f"`{name}`" for name in self.by_pixel[:_SHOWN])
            lines.append(f"  weights for every pixel: {names}; a Pooling with global_pooling before it frees the size")
        return "\n".join(lines)


def _as_dict(run: Run) -> dict[str, int]:
    return {"first": run.first, "last": run.last, "step": run.step}


def runs(sizes: Sequence[int]) -> list[Run]:
    """Return rising sizes as few runs of equal steps."""
    found: list[Run] = []
    at = 0
    while at < len(sizes):
        stop = at + 1
        if stop < len(sizes):
            step = sizes[stop] - sizes[at]
            while stop + 1 < len(sizes) and sizes[stop + 1] - sizes[stop] == step:
                stop += 1
            if stop - at >= 2 or step == 1:
                found.append(Run(sizes[at], sizes[stop], step))
                at = stop + 1
                continue
        found.append(Run(sizes[at], sizes[at]))
        at += 1
    return found


def sentence(sizes: Sequence[int]) -> str:
    """Return sizes in words: ``every one from 29``, ``32, 64, 96, .. 1024: multiples of 32``."""
    if not sizes:
        return "none"
    found = runs(sizes)
    if len(found) == 1:
        (run,) = found
        if run.step == 1 and run.last == LARGEST:
            return f"every one from {run.first}"
        rest = f" + {run.first % run.step}" if run.first % run.step else ""
        multiples = f": multiples of {run.step}{rest}" if run.step > 1 and run.last > run.first else ""
        return f"{run}{multiples}"
    period = _period(sizes)
    if period is not None:
        residues = sorted({size % period for size in sizes})
        shown = ", ".join(map(str, residues)) if len(residues) <= 8 else _listed(runs(residues))
        return f"from {sizes[0]}, those that leave {shown} when divided by {period}"
    return _listed(found)


def _listed(found: list[Run]) -> str:
    shown = ", ".join(map(str, found[:_SHOWN]))
    return shown if len(found) <= _SHOWN else f"{shown}, .. ({len(found)} runs)"


def _period(sizes: Sequence[int]) -> int | None:
    """The smallest period up to 128 with which the sizes repeat from the first one on."""
    known = set(sizes)
    for period in range(2, 129):
        span = range(sizes[0], LARGEST - period + 1)
        if len(span) > 2 * period and all((n in known) == (n + period in known) for n in span):
            return period
    return None


@dataclass(frozen=True, slots=True)
class _Fit:
    """What a layer, or a whole net, makes of a size: whether every window fits, and the shapes of the parameters."""

    exact: bool
    params: tuple[dict[str, Shape], ...]
    tops: tuple[Shape, ...] = ()


class _Trial:
    """Tries sizes on one net; shapes seen before are remembered layer by layer."""

    def __init__(self, net: Net, given: Shape) -> None:
        self.net = net
        self.given = given
        self._seen: dict[tuple[int, tuple[Shape, ...]], _Fit | str] = {}

    def fit(self, size: Shape) -> _Fit | str:
        """Return what the net makes of a size, or why it is refused."""
        shapes = {name: self._sized(entry.shape, size) for name, entry in self.net.inputs.items()}
        exact = True
        params: list[dict[str, Shape]] = []
        for n, node in enumerate(self.net.nodes):
            bottoms = tuple([shapes[i] for i in node.bottom_ids])
            key = n, bottoms
            found = self._seen.get(key)
            if found is None:
                found = self._seen[key] = _tried(node, bottoms)
            if isinstance(found, str):
                return found
            exact = exact and found.exact
            params.extend(found.params)
            shapes.update(zip(node.top_ids, found.tops, strict=True))
        return _Fit(exact, tuple(params))

    def _sized(self, shape: Shape, size: Shape) -> Shape:
        """Inputs of the picture's size follow it: further pictures, label maps."""
        count = len(size)
        return (*shape[:-count], *size) if len(shape) > count and shape[-count:] == self.given else shape


def _tried(node: Node, bottoms: tuple[Shape, ...]) -> _Fit | str:
    try:
        made = shapes_of(node, bottoms)
    except ShapeError as error:
        return f"`{node.name}` ({node.type}), bottom {', '.join(map(times, bottoms))}: {error.message}"
    exact = next(iter(node.layer.warnings(*bottoms)), None) is None
    return _Fit(exact, (node.layer.param_shapes(*bottoms),), made)


def accepted_sizes(nets: Sequence[Net]) -> Sizes:
    """Return the input sizes that every one of the nets accepts.

    Parameters
    ----------
    nets : sequence of Net
        Those of a spec's phases.
    """
    counts = _dimensions(nets)
    pictures = [(name, entry.shape) for name, entry in nets[0].inputs.items() if len(entry.shape) - 2 in counts]
    pictures = [(name, shape) for name, shape in pictures if name not in nets[0].makers]  # an Input says its own size
    if not pictures:
        return Sizes(None, None)
    name, shape = pictures[0]
    given, rank = shape[2:], len(shape)
    trials = [_Trial(net, entry[2:]) for net in nets if len(entry := net.inputs[name].shape) == rank]
    own = [trial.fit(given) for trial in trials]
    count = len(given)
    sides = (ALL_SIDES[count],) if len(set(given)) == 1 and _alike(nets) else SIDES[count]
    return Sizes(name, given, tuple(_answer(side, trials, given, own) for side in sides), _by_pixel(nets, count))


def _dimensions(nets: Sequence[Net]) -> set[int]:
    """How many axes pictures have behind N x C: two, and what windows slide along."""
    slid = {len(bottoms[0]) - 2 for node, bottoms in _read(nets) if isinstance(node.layer, Sliding)}
    return {2, *slid} & SIDES.keys()


def _read(nets: Sequence[Net]) -> Iterator[tuple[Node, list[Shape]]]:
    """Yield the layers with the shapes of their bottoms."""
    for net in nets:
        for node in net.nodes:
            yield node, [net.shapes[i] for i in node.bottom_ids]


def _alike(nets: Sequence[Net]) -> bool:
    """Whether no layer treats rows and columns (and slices) differently."""
    return not any(
        len(set(values)) > 1
        for node, bottoms in _read(nets)
        if isinstance(node.layer, Sliding)
        for values in node.layer.window(len(bottoms[0]) - 2)
    )


def _answer(side: Side, trials: list[_Trial], given: Shape, own: list[_Fit | str]) -> Answer:
    accepted: list[int] = []
    exact: list[int] = []
    same: list[int] = []
    refused: str | None = None
    for n in range(1, LARGEST + 1):
        names = SIDES[len(given)]
        size = tuple(
            n if side in (name, ALL_SIDES[len(given)]) else fixed for name, fixed in zip(names, given, strict=True)
        )
        found = [trial.fit(size) for trial in trials]
        why = next((f for f in found if isinstance(f, str)), None)
        if why is not None:
            if not accepted:
                refused = f"{n} is refused: {why}"
            continue
        accepted.append(n)
        fits = [f for f in found if isinstance(f, _Fit)]
        if all(f.exact for f in fits):
            exact.append(n)
        if [f.params for f in fits] == [f.params for f in own if isinstance(f, _Fit)]:
            same.append(n)
    return Answer(side, tuple(accepted), tuple(exact), tuple(same), refused)


def _by_pixel(nets: Sequence[Net], count: int) -> tuple[str, ...]:
    """Layers whose weights would have another shape for another size of the input."""
    names: dict[str, None] = {}
    for node, bottoms in _read(nets):
        larger = (_one_larger(shape, count) for shape in bottoms)
        if node.layer.param_shapes(*bottoms) != node.layer.param_shapes(*larger):
            names[node.name] = None
    return tuple(names)


def _one_larger(shape: Shape, count: int) -> Shape:
    """A map with one row, one column more; a single pixel stays, it has been pooled from any size."""
    if len(shape) != count + 2 or shape[2:] == (1,) * count:
        return shape
    return (*shape[:2], *(n + 1 for n in shape[2:]))


def sizes_text(spec: Spec) -> str:
    """Return what ``check --sizes`` prints for a spec without errors."""
    return accepted_sizes([spec.net(phase) for phase in spec.phases]).text()
