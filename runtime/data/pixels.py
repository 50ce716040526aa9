"""One picture, through Pillow: opened, turned, scaled. NumPy is not needed for it.

Channels are in the order red, green, blue (Caffe, with OpenCV, has blue first); a
picture is turned as its EXIF note says.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from runtime.data.files import open_regular
from runtime.errors import DataError, UsageError

MOST_PIXELS = 1 << 27
"""A file of some kilobytes may claim to be larger than any memory."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError, RuntimeWarning)
"""What Pillow's decoders raise over damaged bytes."""


def load_pixels(path: Path, channels: int, resize: tuple[int, ...] = ()) -> memoryview:
    """Return a picture, height x width x channels, bytes 0 to 255.

    Parameters
    ----------
    path : Path
        Any file that Pillow reads.
    channels : int
        3 (red, green, blue) or 1 (grey).
    resize : tuple of int
        Nothing; the shorter side in pixels; or height and width. Bilinear, over the whole window of a pixel.

    Raises
    ------
    DataError
        Missing, broken, or larger than 2^27 pixels.
    UsageError
        Pillow is not installed.
    """
    pillow = require_pillow()
    with open_regular(path) as stream:
        try:
            with pillow.open(stream) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise DataError(f"{path}: claims {image.height} x {image.width} pixels, more than {MOST_PIXELS}")
                made = _eight_bits(_turned(image)).convert("RGB" if channels == 3 else "L")
                size = _target(made.height, made.width, resize)
                if size != (made.height, made.width):
                    made = made.resize(size[::-1], pillow.Resampling.BILINEAR)
                values = memoryview(made.tobytes())
        except pillow.DecompressionBombError as error:
            raise DataError(f"{path}: {error}") from error
        except pillow.UnidentifiedImageError as error:
            raise DataError(f"{path}: not a picture, or a broken one: of no kind that Pillow knows") from error
        except _BROKEN as error:
            raise DataError(f"{path}: not a picture, or a broken one: {error}") from error
    return values.cast("B", (*size, channels))


def require_pillow() -> ModuleType:
    """Return ``PIL.Image``, an extra: imported where pictures are opened, and nowhere else.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError("pictures need Pillow: pip install 'netspec[images]'") from error
    return Image


def _turned(image: Any) -> Any:
    """The picture as it was meant to be seen."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _eight_bits(image: Any) -> Any:
    """A grey picture of 16 bits in 0 to 255; Pillow would cut its values off instead."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        return image.convert("I").point(lambda level: level * (1 / 257)).convert("L")
    return image


def _target(height: int, width: int, resize: tuple[int, ...]) -> tuple[int, int]:
    if len(resize) == 2:
        return resize[0], resize[1]
    if not resize:
        return height, width
    side, short = resize[0], min(height, width)
    # the longer side rounded half up, in whole numbers: the same everywhere
    rows, columns = (side if n == short else (2 * n * side + short) // (2 * short) for n in (height, width))
    return rows, columns
