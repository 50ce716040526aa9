"""Makes the pictures of docs/scenes.md: scenes of the source ``shapes``, and what trained nets see in them.

Run it in the repository's root, for instance ``python docs/scene_pictures.py truth docs/pictures/scenes.png``;
needs Pillow.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import netspec
from netspec import zoo
from netspec.sources.shapes import Shapes
from runtime.data.open import open_stream
from runtime.data.shapes.names import VOCABULARY

Array = NDArray[Any]
SIDE, GAP, LABEL = 128, 6, 14
CLASSES = np.array(
    [(40, 40, 48), (230, 80, 70), (90, 190, 90), (80, 130, 240), (240, 210, 80), (190, 110, 220), (90, 210, 220),
     (250, 150, 60), (240, 240, 240)], np.uint8,
)  # fmt: skip
"""A colour for each class, the background first."""
EMPTY = 0
"""The class of a box that is none."""


def sheet(rows: list[tuple[str, list[Array]]]) -> Image.Image:
    """Rows of pictures H x W x 3, each with words above it."""
    width, height = max(len(cells) for _, cells in rows) * (SIDE + GAP), len(rows) * (SIDE + LABEL + GAP)
    made = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(made)
    for r, (words, cells) in enumerate(rows):
        top = r * (SIDE + LABEL + GAP)
        draw.text((2, top), words, fill="black")
        for c, cell in enumerate(cells):
            pixels = Image.fromarray(cell).resize((SIDE, SIDE), Image.Resampling.NEAREST)
            made.paste(pixels, (c * (SIDE + GAP), top + LABEL))
    return made


def coloured(pictures: Array) -> list[Array]:
    """Pictures N x 3 x H x W from -1 to 1 as bytes."""
    return list(((pictures + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1))


def boxed(pictures: Array, boxes: Array) -> list[Array]:
    """The same with a frame around each box, in its class's colour."""
    found = []
    for pixels, rows in zip(coloured(pictures), boxes, strict=True):
        cell = Image.fromarray(pixels)
        for *corners, kind in rows[rows[:, 4] > EMPTY]:
            ImageDraw.Draw(cell).rectangle(corners, outline=tuple(CLASSES[int(kind)].tolist()))
        found.append(np.asarray(cell))
    return found


def greys(depths: Array) -> list[Array]:
    """Depths N x 1 x H x W from 1, white, to 3, black."""
    levels = (255 * np.clip((3 - depths[:, 0]) / 2, 0, 1)).astype(np.uint8)
    return list(np.repeat(levels[..., np.newaxis], 3, axis=-1))


def arrows(flow: Array, longest: float = 4.0) -> list[Array]:
    """Flow N x 2 x H x W: grey is at rest, red to the right, blue down, each up to ``longest`` pixels."""
    level = 127.5 + 127.5 * np.clip(flow / longest, -1, 1)
    channels = [level[:, 0], np.full_like(level[:, 0], 127.5), level[:, 1]]
    return list(np.stack(channels, axis=-1).astype(np.uint8))


def truth() -> Image.Image:
    """Scenes, and what the source tells of them."""
    tops = ("data", "right", "gt_boxes", "mask", "depth", "flow")
    source = Shapes(tops_=tops, classes=9, objects=5, batch_size=7)
    batch = open_stream(source.recipe("test"), seed=0).next()
    return sheet(
        [
            ("data with gt_boxes", boxed(batch["data"], batch["gt_boxes"])),
            ("mask: a colour a class", list(CLASSES[batch["mask"][:, 0]])),
            ("depth", greys(batch["depth"])),
            ("right: the second picture", coloured(batch["right"])),
            ("flow: grey at rest, red to the right, blue down", arrows(batch["flow"])),
        ]
    )


def seen(name: str, weights: str, blobs: tuple[str, ...]) -> dict[str, Array]:
    """Blobs of seven test scenes of a trained net."""
    spec = zoo.find(name)
    assert spec is not None, f"the zoo has no {name}"
    with closing(netspec.compile(spec, "test", 7, keep=blobs)) as net:
        netspec.load_weights(net, weights)
        net.forward()
        return {blob: np.asarray(net.blobs[blob]) for blob in blobs}


def masks(name: str, weights: str) -> Image.Image:
    """Pictures, true classes, and those that a segmentation net sees."""
    score = "score" if name in ("unet", "segnet", "deconvnet") else "up"
    found = seen(name, weights, ("data", "mask", score))
    return sheet(
        [
            ("data", coloured(found["data"])),
            ("mask", list(CLASSES[found["mask"][:, 0].astype(int)])),
            (f"what {name} sees", list(CLASSES[found[score].argmax(1)])),
        ]
    )


def motion(name: str, weights: str) -> Image.Image:
    """Two pictures, the true flow, and the one that a net sees."""
    found = seen(name, weights, ("left", "right", "flow", "full"))
    return sheet(
        [
            ("left", coloured(found["left"])),
            ("right", coloured(found["right"])),
            ("flow", arrows(found["flow"])),
            (f"what {name} sees", arrows(found["full"])),
        ]
    )


def distance(name: str, weights: str) -> Image.Image:
    """Pictures, true depths, and those that a net sees."""
    found = seen(name, weights, ("data", "depth", "up"))
    return sheet(
        [
            ("data", coloured(found["data"])),
            ("depth", greys(found["depth"])),
            (f"what {name} sees", greys(np.exp(found["up"]))),
        ]
    )


def attention(name: str, weights: str) -> Image.Image:
    """Pictures beside the words that a net writes about them, lit where it looked for each."""
    found = seen(name, weights, ("data", "said", "saw"))
    rows = []
    for k, picture in enumerate(coloured(found["data"])[:4]):
        words = [VOCABULARY[int(n)] for n in found["said"][:, k]]
        count = words.index(VOCABULARY[0]) if VOCABULARY[0] in words else len(words)
        cells = [picture, *(lit(picture, weights) for weights in found["saw"][:count, k])]
        rows.append((" ".join(words[:count]), cells))
    return sheet(rows)


def lit(picture: Array, weights: Array) -> Array:
    """A picture H x W x 3, dark where the weights of a square grid of places are small."""
    side = round(len(weights) ** 0.5)
    level = np.kron(weights.reshape(side, side) / weights.max(), np.ones((len(picture) // side,) * 2))
    return (picture * (0.25 + 0.75 * level[..., np.newaxis])).astype(np.uint8)


MAKERS = {"masks": masks, "flow": motion, "depth": distance, "attention": attention}


def main() -> None:
    """Writes one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["truth", *MAKERS])
    parser.add_argument("output")
    parser.add_argument("--net", help="a net of the zoo")
    parser.add_argument("--weights", help="a snapshot of it")
    given = parser.parse_args()
    made = truth() if given.kind == "truth" else MAKERS[given.kind](given.net, given.weights)
    Path(given.output).parent.mkdir(parents=True, exist_ok=True)
    made.quantize(192).save(given.output, optimize=True)


if __name__ == "__main__":
    main()
