"""Masks and boxes as PNG files, through Pillow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.prediction.findings import Box
from runtime.data.pixels import require_pillow
from runtime.errors import StateError

_LEAST_SIDE = 256
"""Pictures smaller than this are drawn larger, so that the words on them can be read."""


def palette() -> list[int]:
    """Return the colours of 256 classes, red, green and blue of each: bits of the number spread over the three.

    Source: PASCAL VOC's colour map.
    """
    found = []
    for number in range(256):
        for channel in range(3):
            bits = (number >> (3 * k + channel) & 1 for k in range(3))
            found.append(sum(bit << (7 - k) for k, bit in enumerate(bits)))
    return found


def mask_png(classes: NDArray[np.uint8]) -> bytes:
    """Return a mask, H x W class numbers, as a PNG whose pixels are those numbers."""
    image = require_pillow().fromarray(classes).convert("P")
    image.putdata(classes.reshape(-1).tolist())
    image.putpalette(palette())
    return _png(image)


def boxes_png(picture: NDArray[np.uint8], boxes: Sequence[Box]) -> bytes:
    """Return a picture, H x W x C, with boxes and what is in them."""
    from PIL import ImageDraw

    factor = max(1, -(-_LEAST_SIDE // max(picture.shape[:2])))
    large = np.repeat(np.repeat(picture, factor, 0), factor, 1)
    image = require_pillow().fromarray(large[..., 0] if large.shape[2] == 1 else large).convert("RGB")
    draw = ImageDraw.Draw(image)
    colours = palette()
    for box in reversed(boxes):
        own = colours[3 * box.found.number : 3 * box.found.number + 3]
        colour = tuple(min(255, 2 * c) for c in own)  # the first ones are dark
        x1, y1, x2, y2 = (factor * x for x in box.corners)
        corners = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        draw.rectangle(corners, outline=colour, width=2)
        text = f"{box.found} {box.score:.2f}"
        place = (max(0.0, corners[0]) + 3, max(0.0, corners[1]) + 2)
        draw.rectangle(draw.textbbox(place, text), fill=colour)
        draw.text(place, text, fill="black" if sum(colour) > 300 else "white")
    return _png(image)


def _png(image: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def write(path: Path, data: bytes) -> str:
    """Write a file, its folder too; return its path.

    Raises
    ------
    StateError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StateError(f"{path}: not written: {error.strerror} (errno {error.errno})") from error
    return str(path)
