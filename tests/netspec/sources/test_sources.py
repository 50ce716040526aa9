"""Every source states tops, classes and files as LANGUAGE.md says, without a file where it can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import netspec.sources
from netspec.sources import paths
from netspec.sources.cifar10 import Cifar10
from netspec.sources.digits import Digits
from netspec.sources.hdf5 import Hdf5
from netspec.sources.imagenet import ImageNet
from netspec.sources.images import Images
from netspec.sources.mnist import FashionMnist, Mnist
from netspec.sources.npz import Npz
from netspec.sources.shapes import Shapes
from netspec.sources.synthetic import Synthetic
from netspec.sources.table import Csv
from netspec.sources.text import Text
from netspec.spec.codes import CODES
from netspec.spec.load import load_spec
from netspec.spec.marks import Mark
from netspec.spec.registry import SOURCES
from runtime.data.open import open_stream
from runtime.data.recipe import DigitsFiles
from runtime.errors import DataError, UsageError

DATA = os.environ.get("NETSPEC_DATA")


def codes(source) -> list[str]:
    found = [problem.code for problem in source.problems()]
    assert all(code in CODES for code in found)
    return found


def test_the_sources_of_the_language_are_registered():
    assert SOURCES.names() == (
        "cifar10 csv digits fashion-mnist hdf5 imagenet images mnist npz shapes synthetic text".split()
    )
    assert all(issubclass(cls, netspec.sources.Source) for cls in SOURCES)


def test_importing_the_sources_imports_no_numpy():
    code = "import netspec.sources, sys; sys.exit('numpy' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("source", "shape", "classes"),
    [
        (Digits(), (1, 8, 8), 10),
        (Mnist(), (1, 28, 28), 10),
        (FashionMnist(pad=2), (1, 32, 32), 10),
        (Cifar10(pad=4, crop_size=32), (3, 32, 32), 10),
        (ImageNet(crop_size=224), (3, 224, 224), 1000),
        (Synthetic(shape=(20,), classes=3), (20,), 3),
        (Npz(file="absent.npz", shape=(3, 9, 9), classes=7, crop_size=5), (3, 5, 5), 7),
        (Hdf5(file="absent.h5", shape=(3, 9, 9), classes=7), (3, 9, 9), 7),
        (Images(list_="absent.txt", crop_size=5, classes=7, mean=(1.0, 2.0, 3.0)), (3, 5, 5), 7),
        (Images(folder="absent", new_height=9, new_width=8, class_names=("a", "b")), (3, 9, 8), 2),
        (Images(list_="absent.txt", shape=(1, 9, 8), classes=7, pad=1), (1, 11, 10), 7),
        (Images(list_="absent.txt", is_color=False, crop_size=5, classes=7), (1, 5, 5), 7),
        (ImageNet(list_="absent.txt", crop_size=5, resize=9), (3, 5, 5), 1000),
    ],
)
def test_shapes_and_classes_are_known_without_a_file(source, shape, classes, monkeypatch):
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    assert source.tops() == {"data": shape, "label": ()}
    assert source.label_tops() == {"label"}
    assert source.variables() == {"classes": classes}
    assert codes(source) == []


def test_pairs_are_two_pictures_and_whether_they_are_alike():
    for source in (Mnist(pairs=True, pad=2), Mnist(pairs=True, pad=2, tops_=("left", "right", "same"))):
        assert source.tops() == {"left": (1, 32, 32), "right": (1, 32, 32), "same": ()}
        assert source.label_tops() == {"same"}
        assert codes(source) == []
    assert Cifar10(pairs=True).recipe("train").pairs
    assert not Cifar10().recipe("train").pairs


def test_the_keys_of_columns_are_the_tops(tmp_path):
    source = Csv(file="absent.csv", columns={"x": ("a", "b"), "one": ("c",), "y": "d"})
    assert source.tops() == {"x": (2,), "one": (1,), "y": ()}
    assert (source.label_tops(), source.variables()) == (frozenset(), {})
    named = Csv(file="absent.csv", columns={"x": ("a", "b"), "label": "c"}, class_names=("no", "yes"))
    assert (named.label_tops(), named.variables()) == ({"label"}, {"classes": 2})
    (tmp_path / "t.csv").touch()
    source.file = str(tmp_path / "t.csv")
    files = source.recipe("train").files
    assert (files.columns, files.single) == ((("a", "b"), ("c",), ("d",)), (False, False, True))


def test_a_text_has_time_first(tmp_path):
    source = Text(file="absent.txt", steps=7, classes=65)
    assert source.shapes(4) == {"data": (7, 4), "label": (7, 4), "cont": (7, 4)}
    assert source.axes() == {"data": 1, "label": 1, "cont": 1}
    assert source.label_tops() == {"data", "label"}
    assert (source.variables(), Text(file="absent.txt").variables()) == ({"classes": 65}, {})
    (tmp_path / "t.txt").touch()
    source.file = str(tmp_path / "t.txt")
    assert source.recipe("train").files.steps == 7


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tops_": ("data", "rois", "label", "box_target", "gt_boxes"), "rois": 9, "objects": 4},
         {"data": (2, 3, 64, 64), "rois": (18, 5), "label": (18,), "box_target": (18, 20), "gt_boxes": (2, 4, 5)}),
        ({"tops_": ("left", "right", "flow"), "size": 32},
         {"left": (2, 3, 32, 32), "right": (2, 3, 32, 32), "flow": (2, 2, 32, 32)}),
        ({"tops_": ("data", "caption", "next_word", "cont"), "steps": 6},
         {"data": (2, 3, 64, 64), "caption": (6, 2), "next_word": (6, 2), "cont": (6, 2)}),
        ({"tops_": ("data", "depth", "mask", "label"), "size": 16},
         {"data": (2, 3, 16, 16), "depth": (2, 1, 16, 16), "mask": (2, 1, 16, 16), "label": (2,)}),
    ],
)  # fmt: skip
def test_shapes_declares_the_blobs_that_it_is_asked_for(fields, expected):
    source = Shapes(**fields)
    assert codes(source) == []
    assert source.shapes(2) == expected
    assert list(source.tops()) == list(expected)
    assert source.variables() == {"classes": 5, "words": 1000}
    assert source.axes() == {top: int(top in ("caption", "next_word", "cont")) for top in source.tops_}
    assert source.label_tops() == {"label", "mask", "caption", "next_word"}.intersection(source.tops_)


def test_shapes_knows_its_words_its_classes_and_how_many_labels_a_blob_has():
    source = Shapes(classes=3, words=50)
    assert source.class_names == ("background", "circle", "square")
    assert [source.label_count(top) for top in ("label", "mask", "caption", "next_word")] == [3, 3, 50, 50]
    assert {"<start>", "red", "moon"} <= set(source.vocabulary())
    assert len(source.vocabulary()) <= 50


def test_shapes_has_ten_thousand_pictures_to_train_and_five_hundred_to_test():
    assert [Shapes().files(test).count for test in (False, True)] == [10_000, 500]
    assert [Shapes(count=7).files(test).count for test in (False, True)] == [7, 7]
    assert Shapes(split="train").recipe("test").files == Shapes().files(test=False)


def test_tops_take_other_names():
    assert Mnist(tops_=("x", "y")).tops() == {"x": (1, 28, 28), "y": ()}


def test_an_archive_without_shape_is_asked_for_its_header(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 3, 8, 8), np.float32), y=np.zeros((5, 2)), k=np.zeros(5, np.int16))
    source = Npz(file=str(tmp_path / "a.npz"), tops_=("data", "target", "label"), arrays=("x", "y", "k"), crop_size=6)
    assert source.tops() == {"data": (3, 6, 6), "target": (2,), "label": ()}
    assert source.label_tops() == {"label"}
    assert source.variables() == {}


def test_an_archive_that_lacks_an_array_says_what_it_holds(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((5, 2)), labels=np.zeros(5))
    with pytest.raises(DataError, match=r"no array 'data', it holds images, labels; name them with arrays"):
        Npz(file=str(tmp_path / "a.npz")).tops()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Mnist(part=(0.8, 0.5)), ["E651"]),
        (Mnist(part=(0.5,)), ["E651"]),
        (Mnist(mean=(1.0,), mean_file="m.npy"), ["E652"]),
        (Npz(file="../x.npz", shape=(3, 4, 4)), ["E653"]),
        (Npz(file="a/../../x.npz", shape=(3, 4, 4)), ["E653"]),
        (Mnist(mean_file="../m.npy"), ["E653"]),
        (Npz(file="a/../x.npz", shape=(3, 4, 4)), []),
        (Synthetic(shape=(20,), crop_size=3, mirror=True), ["E654", "E654"]),
        (Mnist(mean=(1.0, 2.0, 3.0)), ["E655"]),
        (Cifar10(mean=(1.0, 2.0, 3.0)), []),
        (Cifar10(crop_size=40), ["E656"]),
        (Cifar10(crop_size=40, pad=4), []),
        (ImageNet(), ["E657"]),
        (Npz(file="x.npz", shape=(3,), arrays=("one",)), ["E658"]),
        (Mnist(tops_=("data",)), ["E662"]),
        (Mnist(tops_=("data", "data")), ["E662"]),
        (Mnist(tops_=("data", "a.b")), ["E662"]),
        (Mnist(pairs=True, tops_=("left", "right")), ["E662"]),
        (Text(file="t.txt", tops_=("data",)), ["E662"]),
        (Text(file="t.txt", tops_=("data", "next")), []),
        (Shapes(tops_=("data", "labels")), ["E662"]),
        (Shapes(tops_=("data", "data")), ["E662"]),
        (Shapes(mean=(1.0, 2.0)), ["E655"]),
        (Images(list_="a.txt"), ["E661"]),
        (Images(list_="a.txt", new_height=4), ["E661"]),
        (Images(list_="a.txt", new_height=4, new_width=4, resize=9), ["E661"]),
        (Images(list_="a.txt", shape=(2, 4, 4)), ["E661"]),
        (Images(crop_size=4), ["E665"]),
        (Images(list_="a.txt", folder="b", crop_size=4), ["E665"]),
        (Images(folder="b", crop_size=4), ["E665"]),
        (Images(folder="b", root_folder="c", crop_size=4, classes=2), ["E663"]),
        (Images(folder="../b", crop_size=4, classes=2), ["E653"]),
        (Images(list_="a.txt", root_folder="..", crop_size=4), ["E653"]),
        (Images(list_="a.txt", crop_size=4, mean=(1.0, 2.0)), ["E655"]),
        (Images(folder="b", crop_size=4, classes=3, class_names=("x",)), ["E664"]),
        (Csv(file="a.csv", columns={}), ["E664"]),
        (Csv(file="a.csv", columns={"x": ()}), ["E664"]),
        (Csv(file="a.csv", columns={"x": "a"}, delimiter="ab"), ["E664"]),
        (Csv(file="../a.csv", columns={"x": "a"}), ["E653"]),
        (Text(file="../a.txt"), ["E653"]),
        (Hdf5(file="../a.h5", shape=(2,)), ["E653"]),
    ],
)
def test_mistakes_between_fields_have_codes(source, expected):
    assert codes(source) == expected


def test_random_transforms_and_the_shuffle_act_in_training_only():
    source = Cifar10(crop_size=24, mirror=True, mean=(1.0,), scale=0.5, batch_size=7, part=(0.0, 0.5))
    train, test = source.recipe("train"), source.recipe("test")
    assert (train.shuffle, train.transform.random, train.prefetch) == (True, True, True)
    assert (test.shuffle, test.transform.random, test.prefetch) == (False, False, False)
    assert (train.batch_size, train.part, train.transform.mean, train.transform.scale) == (7, (0.0, 0.5), (1.0,), 0.5)


def test_split_chooses_the_half_whatever_the_phase():
    assert Digits(split="train").recipe("test").files == DigitsFiles(test=False)
    assert Digits().recipe("test").files == DigitsFiles(test=True)


def test_imagenet_wants_to_know_where_its_pictures_are():
    with pytest.raises(UsageError, match="source imagenet does not know where its pictures are: add list: or folder:"):
        ImageNet(crop_size=224).recipe("train")


def named_in(source, field: str, spec: Path):
    spec.parent.mkdir(parents=True, exist_ok=True)
    spec.touch()
    source.marks[field] = Mark(str(spec), 1, 1, 2)
    return source


def test_data_root_is_stronger_than_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "env"))
    assert Mnist().recipe("train").files.folders == (tmp_path / "env" / "mnist", tmp_path / "env")
    files = Mnist(root=str(tmp_path / "set")).recipe("train").files
    assert files.folders == (tmp_path / "set" / "mnist", tmp_path / "set")


def test_a_relative_root_is_relative_to_the_file_that_names_it(tmp_path):
    source = named_in(Mnist(root="data"), "root", tmp_path / "specs" / "net.yaml")
    assert source.recipe("train").files.folders[1] == tmp_path / "specs" / "data"


def test_cifar_is_found_in_the_folder_its_archive_unpacks_to(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    folders = Cifar10().recipe("test").files.folders
    assert tmp_path / "cifar10" / "cifar-10-batches-bin" in folders
    assert tmp_path / "cifar-10-batches-bin" in folders


def test_without_a_root_the_error_says_how_to_set_one(monkeypatch):
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    with pytest.raises(DataError, match=r"no data root: set data.root in the spec, --set data.root=DIR, or NETSPEC"):
        open_stream(Mnist().recipe("train"), seed=0)


def test_missing_files_say_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    looked = f"looked in {tmp_path}/mnist, {tmp_path}; `netspec train digits` needs"
    with pytest.raises(DataError, match=rf"(?s)^MNIST is not here: .*errno 2.*{looked}"):
        open_stream(Mnist().recipe("train"), seed=0)


def test_a_root_in_the_environment_that_is_a_file_is_a_usage_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"NETSPEC_DATA=.*: not a folder"):
        Mnist().recipe("train")


def test_a_file_lies_beside_the_spec_or_below_the_data_root(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "data"))
    source = named_in(Npz(file="a.npz", shape=(2,)), "file", tmp_path / "specs" / "net.yaml")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.npz").touch()
    assert source.recipe("train").files.path == tmp_path / "data" / "a.npz"
    (tmp_path / "specs" / "a.npz").touch()
    assert source.recipe("train").files.path == tmp_path / "specs" / "a.npz"


def test_a_file_that_is_nowhere_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    source = named_in(Npz(file="a.npz", shape=(2,)), "file", tmp_path / "specs" / "net.yaml")
    with pytest.raises(DataError) as caught:
        source.recipe("train")
    assert str(caught.value) == (
        f"{tmp_path}/specs/a.npz: No such file or directory (errno 2)\n  file: a.npz was looked for in "
        f"{tmp_path}/specs; no data root is set (data.root, or NETSPEC_DATA)"
    )
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    with pytest.raises(DataError, match=rf"looked for in {tmp_path}/specs, {tmp_path}/npz, {tmp_path}$"):
        source.recipe("train")
    with pytest.raises(DataError, match=r"^/nowhere/a\.csv: No such file or directory \(errno 2\)$"):
        Csv(file="/nowhere/a.csv", columns={"x": "a"}).recipe("train")


def test_a_path_is_spelled_out_as_the_file_that_would_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "data"))
    source = named_in(Npz(file="a.npz", shape=(2,), root="deep"), "file", tmp_path / "specs" / "net.yaml")
    named_in(source, "root", tmp_path / "specs" / "net.yaml")
    assert paths.spelled_out(source, "root") == str(tmp_path / "specs" / "deep")
    assert paths.spelled_out(source, "file") == str(tmp_path / "specs" / "a.npz")
    (tmp_path / "specs" / "deep").mkdir()
    (tmp_path / "specs" / "deep" / "a.npz").touch()
    assert paths.spelled_out(source, "file") == str(tmp_path / "specs" / "deep" / "a.npz")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    source = named_in(Npz(file="a.npz", shape=(2,)), "file", tmp_path / "specs" / "net.yaml")
    (tmp_path / "secret.npz").touch()
    (tmp_path / "specs" / "a.npz").symlink_to(tmp_path / "secret.npz")
    with pytest.raises(DataError, match=r"file: a\.npz: leads out of .*specs, to .*secret\.npz"):
        source.recipe("train")
    problems = [(p.code, p.message) for p in source.problems()]
    assert problems == [("E653", f"file: 'a.npz' leaves the folder of the spec, to {tmp_path / 'secret.npz'}")]


def test_a_link_in_the_data_root_is_followed(tmp_path, monkeypatch):
    source = named_in(Npz(file="sets/a.npz", shape=(2,)), "file", tmp_path / "specs" / "net.yaml")
    (tmp_path / "disk").mkdir()
    np.savez(tmp_path / "disk" / "a.npz", data=np.zeros((3, 2)), label=np.zeros(3, int))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "sets").symlink_to(tmp_path / "disk")
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "root"))
    assert list(source.problems()) == []
    assert len(open_stream(source.recipe("train"), seed=0)) == 3


def test_a_later_change_of_the_current_folder_moves_no_file(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", data=np.zeros((3, 2)), label=np.zeros(3, int))
    (tmp_path / "net.yaml").write_text(
        "data: {source: npz, file: a.npz, shape: [2], root: here, train: {}}\n"
        "layers: [{name: ip, type: InnerProduct, num_output: 2}]\n"
    )
    monkeypatch.chdir(tmp_path)
    source = load_spec("net.yaml").data["train"]
    monkeypatch.chdir("/")
    assert len(open_stream(source.recipe("train"), seed=0)) == 3
    assert paths.data_root(source) == tmp_path / "here"


def test_a_link_from_the_folder_to_the_data_root_is_taken(tmp_path, monkeypatch):
    source = named_in(Npz(file="a.npz", shape=(2,)), "file", tmp_path / "specs" / "net.yaml")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.npz").touch()
    (tmp_path / "specs" / "a.npz").symlink_to(tmp_path / "root" / "a.npz")
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "root"))
    assert list(source.problems()) == []
    assert source.recipe("train").files.path == tmp_path / "specs" / "a.npz"


def test_a_name_too_long_for_a_file_is_a_missing_one(tmp_path):
    source = named_in(Npz(file="a" * 300, shape=(2,)), "file", tmp_path / "specs" / "net.yaml")
    with pytest.raises(DataError, match="File name too long"):
        open_stream(source.recipe("train"), seed=0)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="NETSPEC_DATA is not set")
@pytest.mark.parametrize(("source", "train", "test"), [(Mnist(), 60000, 10000), (Cifar10(), 50000, 10000)])
def test_the_real_files_have_the_known_counts(source, train, test):
    if not any(folder.is_dir() for folder in source.recipe("train").files.folders[:-1]):
        pytest.skip(f"no {source.type_name} in NETSPEC_DATA")
    streams = [open_stream(source.recipe(phase), seed=0, prefetch=False) for phase in ("train", "test")]
    assert [len(stream) for stream in streams] == [train, test]
    labels = next(streams[1].sweep(test))["label"]
    assert np.bincount(labels).sum() == test
    assert set(np.unique(labels)) == set(range(10))
