"""Transforms of a batch of the first top: pad, crop, mirror, mean, scale.

Pictures come and go as N H W C; one pass of NumPy over the whole batch takes
the mean off and scales, only a crop or a mirror walks the samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from runtime.data.counter import CROP_X, CROP_Y, MIRROR, below, draw
from runtime.data.items import AnyArray
from runtime.data.npz import load_npy
from runtime.data.recipe import Transform
from runtime.errors import DataError

Index = NDArray[np.int64]


class Transformer:
    """A transform made ready for items of one shape (H W C, or anything when there is no picture).

    Pictures of many sizes, 0 x 0 x C, need a crop: each is cut out of its own.
    """

    def __init__(
        self, transform: Transform, item: tuple[int, ...], pictures: bool, seed: int, dtype: DTypeLike
    ) -> None:
        """Check that the transform fits the items.

        Raises
        ------
        DataError
            The crop is larger than the picture, or a mean of another shape.
        """
        self._transform, self._item, self._pictures, self._seed = transform, item, pictures, seed
        self._dtype = np.dtype(dtype)
        self._out = self._output_shape()
        self._mean = self._row_mean()
        self._mean_picture = self._load_mean()

    def __call__(self, raw: AnyArray, epochs: Index, samples: Index) -> AnyArray:
        """Return the transformed batch.

        Parameters
        ----------
        raw : ndarray
            Shape (N, item..), any real type.
        epochs, samples : ndarray of int64
            Shape (N,): what the draws are functions of.

        Returns
        -------
        ndarray
            Shape (N, item after pad and crop..), the net's dtype, C-contiguous.
        """
        out = np.empty((len(raw), *self._out), self._dtype)
        mean: AnyArray | None = self._mean
        if self._moves():
            places = self._places(epochs, samples, raw)
            raw = self._cut(raw, places)
            if self._mean_picture is not None:
                shared = np.broadcast_to(self._mean_picture, (len(raw), *self._item))
                mean = self._cut(shared, places)
        elif self._mean_picture is not None:
            mean = self._mean_picture
        if mean is None:
            np.copyto(out, raw, casting="unsafe")
        elif mean is self._mean and self._pictures:
            # A mean a channel: one long row per line of pixels, or the inner loop would be as short as C.
            lines = (len(raw), self._out[0], -1)
            np.subtract(raw.reshape(lines), mean, out=out.reshape(lines), dtype=self._dtype, casting="unsafe")
        else:
            np.subtract(raw, mean, out=out, dtype=self._dtype, casting="unsafe")
        if self._transform.scale != 1.0:
            out *= np.asarray(self._transform.scale, self._dtype)
        return out

    def _moves(self) -> bool:
        """Whether pixels change places: a pad, a crop smaller than the picture, or a mirror that is drawn."""
        mirrored = self._transform.mirror and self._transform.random
        return self._pictures and bool(self._transform.pad or self._out != self._item or mirrored)

    def _output_shape(self) -> tuple[int, ...]:
        t, item = self._transform, self._item
        if not self._pictures:
            if t.pad or t.crop or t.mirror:
                raise DataError(f"pad, crop_size and mirror need pictures, the samples are {list(item)}")
            return item
        if not item[0]:
            if not t.crop or t.mean_file is not None:
                raise DataError("pictures of many sizes need crop_size, and one mean for all their places")
            return (t.crop, t.crop, item[2])
        height, width = item[0] + 2 * t.pad, item[1] + 2 * t.pad
        if t.crop > min(height, width):
            raise DataError(f"crop_size {t.crop} is larger than the pictures, {height} x {width} with their pads")
        return (t.crop or height, t.crop or width, item[2])

    def _row_mean(self) -> AnyArray | None:
        mean = np.asarray(self._transform.mean, self._dtype)
        if not mean.size:
            return None
        if not self._pictures:
            channels = self._item[0] if self._item else 1
            if mean.size not in (1, channels):
                raise DataError(f"mean has {mean.size} values, the samples are {list(self._item)}")
            return mean.reshape(-1, *(1,) * (len(self._item) - 1)) if mean.size > 1 else mean.reshape(())
        channels = self._item[2]
        if mean.size not in (1, channels):
            raise DataError(f"mean has {mean.size} values, the pictures have {channels} channels")
        return np.tile(np.broadcast_to(mean, (channels,)), self._out[1])

    def _load_mean(self) -> AnyArray | None:
        path = self._transform.mean_file
        if path is None:
            return None
        mean = load_npy(path)
        if self._pictures and mean.ndim == 3:
            mean = np.moveaxis(mean, 0, 2)
        if mean.shape != self._item:
            got = list(np.moveaxis(mean, 2, 0).shape) if self._pictures and mean.ndim == 3 else list(mean.shape)
            c_first = [self._item[2], *self._item[:2]] if self._pictures else list(self._item)
            raise DataError(f"{path}: the mean is {got}, the samples before pad and crop are {c_first}")
        return np.ascontiguousarray(mean, self._dtype)

    def _places(self, epochs: Index, samples: Index, raw: AnyArray) -> tuple[Index, Index, NDArray[np.bool_]]:
        """Return top, left (in the padded picture) and mirrored for each sample."""
        t = self._transform
        sizes = np.array([picture.shape[:2] for picture in raw], np.int64).reshape(-1, 2)
        spare_y = sizes[:, 0] + 2 * t.pad - self._out[0]
        spare_x = sizes[:, 1] + 2 * t.pad - self._out[1]
        if not t.random:
            return spare_y // 2, spare_x // 2, np.zeros(len(samples), np.bool_)
        top = below(draw(self._seed, CROP_Y, epochs, samples), spare_y + 1)
        left = below(draw(self._seed, CROP_X, epochs, samples), spare_x + 1)
        flip = below(draw(self._seed, MIRROR, epochs, samples), 2).astype(np.bool_) & t.mirror
        return top, left, flip

    def _cut(self, raw: AnyArray, places: tuple[Index, Index, NDArray[np.bool_]]) -> AnyArray:
        """Return each sample's window of its padded picture, mirrored where drawn; pads are zeros."""
        height, width = self._out[:2]
        pad = self._transform.pad
        dtype = raw.dtype if raw.dtype != object else np.dtype(np.uint8)
        out = (np.zeros if pad else np.empty)((len(raw), *self._out), dtype)
        for picture, window, top, left, flip in zip(raw, out, *(p.tolist() for p in places), strict=True):
            y, x = top - pad, left - pad
            y0, y1 = max(y, 0), min(y + height, picture.shape[0])
            x0, x1 = max(x, 0), min(x + width, picture.shape[1])
            target = window[:, ::-1] if flip else window
            target[y0 - y : y1 - y, x0 - x : x1 - x] = picture[y0:y1, x0:x1]
        return out
