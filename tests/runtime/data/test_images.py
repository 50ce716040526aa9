"""Pictures in files: lists, folders, sizes, and every way in which one can be broken."""

from __future__ import annotations

import os

import numpy as np
import pytest

from runtime.data import images
from runtime.data.images import read_images
from runtime.data.open import open_stream
from runtime.data.pixels import load_pixels
from runtime.data.recipe import ImageFiles, Recipe, Transform
from runtime.errors import DataError, UsageError

Image = pytest.importorskip("PIL.Image")


def colours(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path, pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def listed(folder, lines: str | bytes, **fields) -> ImageFiles:
    path = folder / "list.txt"
    path.write_bytes(lines.encode() if isinstance(lines, str) else lines)
    return ImageFiles(**{"path": path, "base": folder, "is_folder": False, **fields})


def stream(files, **fields):
    transform = fields.pop("transform", Transform())
    recipe = Recipe(name="images", files=files, tops=("data", "label"), batch_size=2, transform=transform, **fields)
    return open_stream(recipe, seed=0)


def test_pixels_arrive_as_red_green_blue(tmp_path):
    pixels = colours(5, 7)
    save(tmp_path / "my pictures" / "a.png", pixels)
    batch = stream(listed(tmp_path, "my pictures/a.png 3\nmy pictures/a.png\t4\n", size=(5, 7))).next()
    np.testing.assert_array_equal(batch["data"][0], np.moveaxis(pixels, 2, 0))
    assert batch["label"].tolist() == [3, 4]


def test_grey_pictures_have_one_channel_and_colours_three(tmp_path):
    save(tmp_path / "grey.png", colours(4, 4)[..., 0])
    save(tmp_path / "colour.png", colours(4, 4))
    lines = "grey.png 0\ncolour.png 0\n"
    assert stream(listed(tmp_path, lines, size=(4, 4), channels=1)).next()["data"].shape == (2, 1, 4, 4)
    data = stream(listed(tmp_path, lines, size=(4, 4))).next()["data"]
    assert data.shape == (2, 3, 4, 4)
    np.testing.assert_array_equal(data[0, 0], data[0, 2])


def test_pictures_are_scaled_to_a_size_or_by_their_shorter_side(tmp_path):
    save(tmp_path / "a.png", colours(30, 45))
    assert load_pixels(tmp_path / "a.png", 3, (8, 9)).shape == (8, 9, 3)
    assert load_pixels(tmp_path / "a.png", 3, (20,)).shape == (20, 30, 3)
    assert load_pixels(tmp_path / "a.png", 1).shape == (30, 45, 1)
    save(tmp_path / "b.png", colours(45, 31))
    assert load_pixels(tmp_path / "b.png", 3, (20,)).shape == (29, 20, 3)


def test_a_picture_is_turned_as_its_note_says(tmp_path):
    image = Image.fromarray(colours(4, 6))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned by a quarter
    image.save(tmp_path / "a.jpg", exif=exif)
    assert load_pixels(tmp_path / "a.jpg", 3).shape == (6, 4, 3)


def test_each_picture_is_cropped_out_of_its_own_size(tmp_path):
    sizes = [(9, 12), (8, 8), (20, 9), (11, 30)]
    for k, size in enumerate(sizes):
        save(tmp_path / f"{k}.png", colours(*size, seed=k))
    lines = "".join(f"{k}.png {k}\n" for k in range(4))
    files = listed(tmp_path, lines, least=8)
    centre = next(stream(files, transform=Transform(crop=8)).sweep(4))["data"]
    for k, (height, width) in enumerate(sizes):
        top, left = (height - 8) // 2, (width - 8) // 2
        window = colours(height, width, seed=k)[top : top + 8, left : left + 8]
        np.testing.assert_array_equal(centre[k], np.moveaxis(window, 2, 0))
    drawn = stream(files, transform=Transform(crop=8, mirror=True, random=True), shuffle=True)
    first = [drawn.next()["data"] for _ in range(6)]
    again = stream(files, transform=Transform(crop=8, mirror=True, random=True), shuffle=True, prefetch=True)
    assert all(np.array_equal(a, again.next()["data"]) for a in first)
    assert not np.array_equal(first[0], first[2])
    again.close()


def test_a_folder_has_a_subfolder_a_class_and_they_take_turns(tmp_path):
    for name, count in (("cat", 4), ("ant", 2)):
        for k in range(count):
            save(tmp_path / "train" / name / f"{k}.png", colours(4, 4, seed=k))
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "train" / ".cache").mkdir()
    folder = tmp_path / "train"
    items = read_images(ImageFiles(path=folder, base=folder, is_folder=True, size=(4, 4)))
    assert items.arrays[1][np.arange(6)].tolist() == [1, 0, 1, 1, 0, 1]
    named = ImageFiles(path=folder, base=folder, is_folder=True, size=(4, 4), class_names=("cat", "ant", "bee"))
    assert sorted(read_images(named).arrays[1][np.arange(6)].tolist()) == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classes": 3}, r"train: 2 subfolders, the spec says classes: 3"),
        ({"class_names": ("cat",)}, r"train: the subfolder ant is none of the class_names cat"),
        ({"path": "absent"}, r"absent: No such file or directory \(errno 2\)"),
        ({"path": "train/cat"}, r"train/cat: no subfolders; each class has one, named after it"),
    ],
)
def test_a_folder_that_is_not_as_declared_says_so(tmp_path, fields, message):
    for name in ("cat", "ant"):
        save(tmp_path / "train" / name / "0.png", colours(4, 4))
    path = tmp_path / fields.pop("path", "train")
    with pytest.raises(DataError, match=message):
        read_images(ImageFiles(path=path, base=path, is_folder=True, size=(4, 4), **fields))


def test_a_folder_without_pictures_says_so(tmp_path):
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="no pictures in cat"):
        read_images(ImageFiles(path=tmp_path, base=tmp_path, is_folder=True))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a.png 0\nb.png 1\nc.png 2\n", r"list.txt:2: .*/b.png: no such file; 2 of 3 pictures are missing"),
        ("a.png\n", r"list.txt:1: expected a path, a blank and a class number from 0, got 'a.png'"),
        ("a.png 0\na.png -1\n", r"list.txt:2: expected a path"),
        ("a.png cat\n", r"list.txt:1: expected a path"),
        ("a.png 1.5\n", r"list.txt:1: expected a path"),
        ("a.png \u0661\n", r"list.txt:1: expected a path"),
        ("a.png 99999999999999999999\n", r"list.txt:1: expected a path"),
        ("../a.png 0\n", r"list.txt:1: ../a.png leads out of "),
        ("x/../../a.png 0\n", r"list.txt:1: x/../../a.png leads out of "),
        ("\n\n", r"list.txt: lists no pictures"),
        ("", r"list.txt: empty file"),
        (b"a.png 0\n\xff\xfe 1\n", r"list.txt:2: not UTF-8"),
        ("a\0.png 0\n", r"list.txt:1: a NUL is in no path"),
        ("x" * 10_000_000, r"list.txt:1: a line of more than 65536 bytes is no path"),
    ],
)
def test_a_list_that_is_wrong_says_where(tmp_path, lines, message):
    save(tmp_path / "a.png", colours(4, 4))
    with pytest.raises(DataError, match=message):
        read_images(listed(tmp_path, lines))


def broken(tmp_path, name: str, data: bytes) -> str:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        stream(listed(tmp_path, f"{name} 0\n", size=(40, 40))).next()
    message = str(caught.value)
    assert str(tmp_path / name) in message
    return message


def test_a_broken_picture_is_named(tmp_path):
    save(tmp_path / "good.png", colours(40, 40))
    save(tmp_path / "good.jpg", colours(40, 40))
    whole = (tmp_path / "good.png").read_bytes()
    assert "not a picture, or a broken one" in broken(tmp_path, "text.png", b"hello")
    assert "empty file" in broken(tmp_path, "empty.png", b"")
    assert "broken" in broken(tmp_path, "cut.png", whole[: len(whole) // 2])
    assert "broken" in broken(tmp_path, "cut.jpg", (tmp_path / "good.jpg").read_bytes()[:300])
    assert "broken" in broken(tmp_path, "turned.png", whole[:60] + bytes(b ^ 0xFF for b in whole[60:90]) + whole[90:])


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_unpacked(tmp_path):
    save(tmp_path / "a.png", colours(4, 4))
    whole = bytearray((tmp_path / "a.png").read_bytes())
    whole[16:24] = (60000).to_bytes(4, "big") * 2
    message = broken(tmp_path, "huge.png", bytes(whole))
    assert "pixels" in message or "broken" in message


def test_a_picture_of_another_size_than_declared_is_named_with_both(tmp_path):
    save(tmp_path / "a.png", colours(4, 6))
    with pytest.raises(DataError, match=r"a.png: 4 x 6 pixels, the spec says 4 x 4; new_height and new_width scale"):
        stream(listed(tmp_path, "a.png 0\n", size=(4, 4))).next()
    with pytest.raises(DataError, match=r"a.png: 4 x 6 pixels, the crop needs 5; resize scales first"):
        stream(listed(tmp_path, "a.png 0\n", least=5), transform=Transform(crop=5)).next()


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    save(tmp_path / "secret.png", colours(4, 4))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").symlink_to(tmp_path / "secret.png")
    files = listed(tmp_path / "in", "a.png 0\n", size=(4, 4))
    with pytest.raises(DataError, match=r"in/a.png: leads out of "):
        stream(files).next()
    absolute = listed(tmp_path / "in", f"{tmp_path}/secret.png 0\n", size=(4, 4))
    assert stream(absolute).next()["data"].shape == (2, 3, 4, 4)


def test_a_fifo_among_the_pictures_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a.png: is a FIFO, expected a plain file"):
        stream(listed(tmp_path, "a.png 0\n", size=(4, 4))).next()


def test_a_class_beyond_those_declared_names_the_sample(tmp_path):
    save(tmp_path / "a.png", colours(4, 4))
    with pytest.raises(DataError, match="images: sample 1 has label 2, expected 0 to 1"):
        stream(listed(tmp_path, "a.png 1\na.png 2\n", size=(4, 4)), classes=2, labels=("label",))


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(UsageError, match=r"pictures need Pillow: pip install 'netspec\[images\]'"):
        images.read_images(listed(tmp_path, "a.png 0\n"))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_sixteen_bits_is_scaled_and_not_cut_off(tmp_path, channels):
    save(tmp_path / "deep.png", np.array([[0, 257, 40000, 65535]], np.uint16))
    pixels = np.asarray(load_pixels(tmp_path / "deep.png", channels))
    assert pixels.shape == (1, 4, channels)
    np.testing.assert_allclose(pixels[0, :, 0], [0, 1, 155.6, 255], atol=1)  # whole numbers, rounded or cut
