"""Makes the pictures of docs/pictures.md from nets of the zoo; needs Pillow.

Run it in the repository's root, for instance ``python docs/pictures.py filters docs/pictures/filters.png``.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import netspec
from netspec import zoo
from runtime.snapshot import load

Array = NDArray[np.float64]
Cell = tuple[str, Array]
LABEL = 14
"""Rows for the words below a cell."""


def sheet(rows: list[list[Cell]], side: int) -> Image.Image:
    """Cells in rows: grey (H x W) or coloured (3 x H x W) arrays from 0 to 1, with words below."""
    width, height = max(map(len, rows)) * (side + 6), len(rows) * (side + LABEL + 6)
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for r, row in enumerate(rows):
        for c, (words, array) in enumerate(row):
            pixels = (255 * np.clip(array, 0, 1)).astype(np.uint8)
            cell = Image.fromarray(pixels if pixels.ndim == 2 else pixels.transpose(1, 2, 0)).convert("RGB")
            left, top = c * (side + 6), r * (side + LABEL + 6)
            picture.paste(cell.resize((side, side), Image.Resampling.NEAREST), (left, top))
            draw.text((left + 2, top + side + 1), words, fill="black")
    return picture


def ran(name: str, keep: tuple[str, ...], overrides: dict[str, object]) -> dict[str, Array]:
    """Blobs of the first test batch of a net of the zoo."""
    with closing(netspec.compile(zoo.find(name), "test", overrides=overrides, keep=keep)) as net:
        for entry in net.resolved.spec.weights:
            names = {key.removeprefix(f"{entry.prefix}/"): key for key in net.params}
            for key, array in load(Path(entry.folder) / entry.file).tensors.items():
                if key in names:
                    net.params[names[key]] = array.reshape(net.params[names[key]].shape)
        tops = net.forward()
        return {**{key: net.blobs[key] for key in keep}, **tops}


def filters() -> Image.Image:
    """The scene, and what each fixed filter makes of it; edges around grey."""
    blobs = ran("filters", ("picture",), {})
    cells = [("picture", blobs.pop("picture")[0, 0])]
    for name, top in blobs.items():
        words = name.partition("/")[0]
        cells.append((words.replace("_", " "), top[0, 0] + (0.5 if words.startswith("edges") else 0)))
    return sheet([cells[:4], cells[4:]], 128)


def attack(weights: str) -> Image.Image:
    """Digits, what is added to them, and what LeNet takes each for."""
    keep = ("data", "attacked", "net/ip2", "fooled/ip2")
    blobs = ran("fgsm", keep, {"weights.net": weights})
    before, after = blobs["net/ip2"].argmax(1), blobs["fooled/ip2"].argmax(1)
    clean, moved = blobs["data"][:10, 0], blobs["attacked"][:10, 0]
    return sheet(
        [
            [(f"seen as {before[k]}", clean[k]) for k in range(10)],
            [("added", 0.5 + moved[k] - clean[k]) for k in range(10)],
            [(f"seen as {after[k]}", moved[k]) for k in range(10)],
        ],
        84,
    )


def saliency(weights: str) -> Image.Image:
    """Digits, and how much each of their pixels matters to the score of their class."""
    blobs = ran("saliency", ("data", "map"), {"weights.net": weights})
    maps = blobs["map"][:10, 0]
    return sheet(
        [
            [("digit", digit) for digit in blobs["data"][:10, 0]],
            [("slope", one / one.max()) for one in maps],
        ],
        84,
    )


def heat(weights: str) -> Image.Image:
    """Digits in larger pictures, and where LeNet, slid over them, sees their class."""
    blobs = ran("lenet_conv", ("data", "heat", "label"), {"weights": weights})
    labels = blobs["label"].astype(int)
    return sheet(
        [
            [("picture", picture) for picture in blobs["data"][:10, 0]],
            [(f"{labels[k]} here", blobs["heat"][k, labels[k]]) for k in range(10)],
        ],
        84,
    )


def first_layer(weights: str) -> Image.Image:
    """The kernels of a snapshot's first convolution, each from its least to its largest weight."""
    tensors = load(Path(weights)).tensors
    found = [array for name, array in tensors.items() if name.endswith(".weight") and array.ndim == 4]
    kernels = min(found, key=lambda array: array.shape[1])  # the picture has fewer channels than any map
    cells = []
    for k, kernel in enumerate(kernels.astype(np.float64)):
        shown = (kernel - kernel.min()) / (np.ptp(kernel) or 1.0)
        cells.append((str(k), shown if len(shown) == 3 else shown[0]))
    return sheet([cells[k : k + 16] for k in range(0, len(cells), 16)], 48)


def image(weights: str, mean: list[float]) -> Image.Image:
    """The learned picture of a snapshot, pixels with the means again."""
    pixels = load(Path(weights)).tensors["image.weight"][0] + np.array(mean)[:, None, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8).transpose(1, 2, 0)).resize((384, 384))


MAKERS = {"attack": attack, "saliency": saliency, "heat": heat, "first_layer": first_layer}


def main() -> None:
    """Writes one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["filters", *MAKERS, "image"])
    parser.add_argument("output")
    parser.add_argument("--weights", help="a snapshot: of lenet, or of a run whose picture is wanted")
    parser.add_argument("--mean", type=float, nargs=3, default=[123.68, 116.779, 103.939], help="what `image` adds")
    given = parser.parse_args()
    weights = str(Path(given.weights).resolve()) if given.weights else ""
    if given.kind == "filters":
        made = filters()
    else:
        made = image(weights, given.mean) if given.kind == "image" else MAKERS[given.kind](weights)
    Path(given.output).parent.mkdir(parents=True, exist_ok=True)
    made.save(given.output, optimize=True)


if __name__ == "__main__":
    main()
