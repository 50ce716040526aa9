"""Draws the two pictures of the zoo, specs/scene.png and specs/painting.png; needs Pillow.

Run it in the repository's root: ``python docs/draw_pictures.py``. Nothing but this file made them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "specs"
SIDE = 128
FINE = 8
"""Drawn so many times as large, then reduced: smooth edges."""


def scene() -> Image.Image:
    """A house at a lake, below hills and an evening sky."""
    size = SIDE * FINE
    down = np.linspace(0, 1, size)[:, None, None]
    sky = np.array([70, 110, 190]) * (1 - down) + np.array([255, 205, 150]) * down
    picture = Image.fromarray(np.broadcast_to(sky, (size, size, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(picture)

    def at(*points: float) -> list[float]:
        return [FINE * p for p in points]

    draw.ellipse(at(88, 16, 110, 38), fill=(255, 244, 200))
    along = np.arange(0, SIDE + 1)
    for level, height, colour in ((62, 16, (92, 104, 140)), (74, 11, (62, 92, 82))):
        hill = level - height * np.sin(along / 17 + level) - 0.4 * height * np.sin(along / 7)
        draw.polygon(at(*np.column_stack([along, hill]).ravel(), SIDE, SIDE, 0, SIDE), fill=colour)
    draw.rectangle(at(0, 88, SIDE, SIDE), fill=(58, 96, 138))
    for row in range(90, SIDE, 4):
        wave = np.column_stack([along, row + 0.8 * np.sin(along / 3 + row)])
        draw.line(at(*wave.ravel()), (150, 178, 200), FINE // 2)
    draw.polygon(at(0, 98, 60, 86, 72, 96, 40, SIDE, 0, SIDE), fill=(120, 140, 62))
    draw.rectangle(at(20, 66, 52, 96), fill=(226, 214, 190))
    draw.polygon(at(15, 67, 36, 48, 57, 67), fill=(168, 62, 48))
    for left in (24, 42):
        draw.rectangle(at(left, 72, left + 6, 80), fill=(62, 72, 96))
    draw.rectangle(at(32, 80, 40, 96), fill=(112, 72, 48))
    draw.rectangle(at(66, 70, 69, 94), fill=(92, 66, 44))
    draw.ellipse(at(57, 46, 79, 76), fill=(58, 112, 52))
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def painting() -> Image.Image:
    """Thick strokes along two whirls, blue and gold."""
    rng = np.random.default_rng(3)
    size = SIDE * 4
    picture = Image.new("RGB", (size, size), (28, 52, 110))
    draw = ImageDraw.Draw(picture)
    centres = np.array([[150.0, 180.0], [370.0, 330.0]])
    colours = np.array([[24, 48, 120], [52, 96, 176], [120, 164, 212], [226, 196, 96], [250, 232, 160], [36, 72, 88]])
    for _ in range(3600):
        place = rng.uniform(0, size, 2)
        away = place - centres
        near = np.linalg.norm(away, axis=1)
        glow = float(np.exp(-near.min() / 70))
        share = np.array([0.3, 0.25, 0.2, 0, 0, 0.25]) * (1 - glow) + np.array([0, 0, 0.1, 0.4, 0.5, 0]) * glow
        colour = colours[rng.choice(6, p=share)]
        points = [tuple(place)]
        for _ in range(9):
            away = place - centres
            turn = np.column_stack([-away[:, 1], away[:, 0]]) / (np.square(away).sum(1, keepdims=True) + 900)
            step = turn[0] - turn[1] + np.array([0.004, 0.001])
            place = place + 5 * step / np.linalg.norm(step)
            points.append(tuple(place))
        shade = tuple(int(c) for c in np.clip(colour + rng.normal(0, 14, 3), 0, 255))
        draw.line(points, fill=shade, width=7, joint="curve")
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    scene().save(FOLDER / "scene.png", optimize=True)
    painting().save(FOLDER / "painting.png", optimize=True)
