from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netspec.prediction.findings import Box, Named
from netspec.prediction.output import Places, save_blobs
from netspec.prediction.pictures import boxes_png, mask_png, palette, write
from runtime.errors import StateError


def test_the_colours_are_those_of_voc():
    colours = np.array(palette()).reshape(256, 3)
    assert colours[:5].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]]
    assert colours[15].tolist() == [192, 128, 128]
    assert len({tuple(colour) for colour in colours.tolist()}) == 256


def test_a_mask_holds_its_class_numbers():
    classes = np.arange(12, dtype=np.uint8).reshape(3, 4)
    with Image.open(io.BytesIO(mask_png(classes))) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), classes)
        assert image.convert("RGB").getpixel((1, 0)) == (128, 0, 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_boxes_are_drawn_on_a_picture_that_can_be_read(channels):
    picture = np.zeros((20, 30, channels), np.uint8)
    box = Box(Named(2, "square"), 0.875, (4.0, 5.0, 20.0, 15.0))
    with Image.open(io.BytesIO(boxes_png(picture, [box]))) as image:
        assert image.size == (270, 180)  # nine times as large: 256 pixels at least
        assert image.getpixel((100, 135)) == (0, 255, 0)  # the lower border, at 15 of 20 rows
        assert image.getpixel((200, 20)) == (0, 0, 0)


def test_a_box_beyond_the_picture_is_drawn_as_far_as_it_goes():
    outside = Box(Named(1), 0.5, (-50.0, 18.0, 90.0, -3.0))
    assert boxes_png(np.zeros((20, 30, 3), np.uint8), [outside]).startswith(b"\x89PNG")


def test_files_of_one_name_do_not_overwrite_each_other():
    places = Places(Path("out"))
    names = [places.of(each, "mask") for each in ("a/x.png", "b/x.jpg", "x.npy[0]", "x.npy[1]")]
    assert [str(name) for name in names] == [
        "out/x.mask.png", "out/x.mask-2.png", "out/x_0.mask.png", "out/x_1.mask.png",
    ]  # fmt: skip
    assert Places(None).of("x.png", "mask") is None


def test_blobs_of_blocks_get_names_without_slashes(tmp_path):
    parts = [np.zeros((2, 3)), np.ones((1, 3))]
    found = save_blobs(tmp_path / "out", {"res/1/conv": parts})
    assert found == {"res/1/conv": (str(tmp_path / "out" / "res-1-conv.npy"), (3, 3))}
    assert np.load(tmp_path / "out" / "res-1-conv.npy").sum() == 3


def test_a_file_that_cannot_be_written_is_a_state_error(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(StateError, match="not written"):
        write(tmp_path / "taken" / "x.png", b"")
