from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netspec.prediction.findings import Classes, Named
from netspec.prediction.predicting import Asked, predict
from netspec.spec.load import load_spec
from runtime.data.npz import DIGITS, load
from runtime.data.open import open_stream
from runtime.errors import DataError, NumericError, StateError, UsageError

DIGITS_8 = load(DIGITS, "images")[:8]

MASKS = """\
name: masks
data: {source: shapes, tops: [data, mask], size: 8, classes: 3, train: {batch_size: 2}, test: {batch_size: 2}}
layers:
  - {name: score, type: Convolution, num_output: 3, kernel_size: 1}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, mask]}
"""

CLASSES = """\
name: names
data: {source: cifar10, test: {batch_size: 2}}
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
"""

BOXES = """\
name: boxes
data: {source: shapes, tops: [data, rois, label, gt_boxes], size: 16, rois: 6, classes: 3, test: {batch_size: 2}}
layers:
  - {name: roi, type: RoIPooling, bottom: [data, rois], pooled_h: 2, pooled_w: 2}
  - {name: cls, type: InnerProduct, num_output: 3}
  - {name: box, type: InnerProduct, bottom: roi, num_output: 12}
  - {name: prob, type: Softmax, bottom: cls}
  - {name: ap, type: AveragePrecision, bottom: [prob, box, rois, gt_boxes]}
"""

SIAMESE = """\
name: pairs
data: {source: digits, pairs: true, test: {batch_size: 2}}
blocks: {tower: {layers: [{name: ip, type: InnerProduct, num_output: 2}]}}
layers:
  - {block: tower, name: a, bottom: left}
  - {block: tower, name: b, bottom: right, share: a}
  - {name: loss, type: ContrastiveLoss, bottom: [a, b, same]}
"""

CAPTIONS = """\
name: captions
vars: {filler: {type: gaussian, std: 1}}
data: {source: shapes, size: 8, steps: 5, tops: [data, caption, next_word, cont], test: {batch_size: 2}}
layers:
  - {name: seen, type: InnerProduct, bottom: data, num_output: 4, weight_filler: $filler}
  - {name: embed, type: Embed, bottom: caption, input_dim: $words, num_output: 4, weight_filler: $filler}
  - {name: rnn, type: LSTM, bottom: [embed, cont, seen], num_output: 6, weight_filler: $filler}
  - {name: prob, type: InnerProduct, num_output: $words, axis: 2, weight_filler: $filler}
  - {name: loss, type: SoftmaxWithLoss, bottom: [prob, next_word], axis: 2, ignore_label: -1}
sample: {input: caption, output: prob}
"""


@pytest.fixture
def digits(tmp_path):
    path = tmp_path / "digits.npy"
    np.save(path, DIGITS_8[:, None])
    return str(path)


def shares(made, count):
    """The softmax of what Python's forward gives for digits prepared by hand."""
    x = (DIGITS_8[:count, None].astype(np.float64) - 8) * 0.0625
    score = made.forward(batch=count, keep=("ip",), data=x, label=np.zeros(count))["ip"].astype(np.float64)
    e = np.exp(score - score.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_classes_are_those_that_python_gives_for_prepared_samples(classifier, digits):
    made = predict(classifier.spec, classifier.run(), Asked(inputs=[digits], top_k=10))
    want = shares(classifier, 8)
    assert [each.input for each in made.predictions] == [f"{digits}[{k}]" for k in range(8)]
    for each, row in zip(made.predictions, want, strict=True):
        best = each.outputs["ip"].best
        assert [found.number for found, _ in best] == np.argsort(-row, kind="stable").tolist()
        # float32 sums of 108 products
        assert [score for _, score in best] == pytest.approx(np.sort(row)[::-1].tolist(), abs=1e-5)


def test_a_last_batch_that_is_not_full_changes_nothing(classifier, digits):
    whole = predict(classifier.spec, classifier.run(), Asked(inputs=[digits], batch=8))
    parts = predict(classifier.spec, classifier.run(), Asked(inputs=[digits], batch=3))
    assert [each.input for each in whole.predictions] == [each.input for each in parts.predictions]
    for one, other in zip(whole.predictions, parts.predictions, strict=True):
        for (a, x), (b, y) in zip(one.outputs["ip"].best, other.outputs["ip"].best, strict=True):
            assert (a, x) == (b, pytest.approx(y, abs=1e-6))  # products of other sizes add in another order


def test_pictures_say_what_arrays_say(classifier, digits, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, digit in enumerate(DIGITS_8):
        Image.fromarray((digit * (255 / 16) + 0.5).astype(np.uint8)).save(folder / f"{k}.png")
    asked = Asked(inputs=[str(folder)], top_k=1)
    found = predict(classifier.spec, classifier.run(), asked)
    want = predict(classifier.spec, classifier.run(), Asked(inputs=[digits], top_k=1))
    for one, other in zip(found.predictions, want.predictions, strict=True):
        # a level of 16 is within 1/32 of the one that its byte stands for: 0.002 after the scale, a few times that here
        assert one.outputs["ip"].best[0][1] == pytest.approx(other.outputs["ip"].best[0][1], abs=0.02)
        assert one.outputs["ip"].best[0][0] == other.outputs["ip"].best[0][0]


def test_samples_are_prepared_as_the_test_source_prepares_them(make, tmp_path):
    folder = tmp_path / "data" / "a"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for k, size in enumerate([(20, 30), (25, 18), (40, 22)]):
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(folder / f"{k}.png")
    made = make("""\
name: prepared
data: {source: images, folder: data, classes: 1, resize: 16, pad: 1, crop_size: 14, mean: [1, 2, 3], scale: 0.5,
       test: {batch_size: 3}}
layers:
  - {name: same, type: Power, bottom: data, scale: 1}
  - {name: ip, type: InnerProduct, num_output: 2}
""")
    recipe = made.spec.data["test"].recipe("test")
    batch = open_stream(recipe, seed=0, dtype="float32").next()["data"]
    asked = Asked(inputs=[str(folder)], blobs=["same"], output=tmp_path / "same.npy")
    predict(made.spec, made.run(), asked)
    assert np.array_equal(np.load(tmp_path / "same.npy"), batch)


def test_arrays_as_the_net_sees_them_are_left_alone(classifier, tmp_path):
    x = ((DIGITS_8[:2, None].astype(np.float32) - 8) * 0.0625).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    found = predict(classifier.spec, classifier.run(), Asked(inputs=[str(tmp_path / "x.npy")], as_is=True, top_k=1))
    want = shares(classifier, 2).max(axis=1)
    assert [each.outputs["ip"].best[0][1] for each in found.predictions] == pytest.approx(want.tolist(), abs=1e-5)


def test_classes_have_the_names_of_the_source_or_of_a_file(make, tmp_path):
    made = make(CLASSES)
    np.save(tmp_path / "x.npy", np.zeros((3, 32, 32)))
    asked = Asked(inputs=[str(tmp_path / "x.npy")], top_k=10)
    names = {found.number: found.name for found, _ in one(made, asked)["ip"].best}
    assert (names[0], names[9]) == ("airplane", "truck")
    (tmp_path / "names.txt").write_text("\n".join(f"class {k}" for k in range(10)))
    asked = Asked(inputs=asked.inputs, top_k=1, names=str(tmp_path / "names.txt"))
    ((found, _),) = one(made, asked)["ip"].best
    assert found.name == f"class {found.number}"
    (tmp_path / "names.txt").write_text("one\ntwo\n")
    with pytest.raises(DataError, match=r"names\.txt: 2 names, the net tells 10 classes apart"):
        one(made, asked)


def one(made, asked):
    return predict(made.spec, made.run(), asked).predictions[0].outputs


def test_masks_are_pictures_of_class_numbers(make, tmp_path):
    made = make(MASKS)
    x = np.random.default_rng(1).uniform(-1, 1, (2, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    asked = Asked(inputs=[str(tmp_path / "x.npy")], output=tmp_path / "out")
    found = predict(made.spec, made.run(), asked)
    score = made.forward(batch=2, keep=("score",), data=x, mask=np.zeros((2, 1, 8, 8)))["score"]
    for k, each in enumerate(found.predictions):
        mask = each.outputs["score"]
        with Image.open(tmp_path / "out" / f"x_{k}.mask.png") as image:
            assert np.array_equal(np.asarray(image), score[k].argmax(axis=0))
        assert mask.path == str(tmp_path / "out" / f"x_{k}.mask.png")
        assert sum(count for _, count in mask.pixels) == 64
        assert {each.name for each, _ in mask.pixels} <= {"background", "circle", "square"}


def test_boxes_are_those_that_the_metric_scores(make, tmp_path):
    made = make(BOXES)
    random = np.random.default_rng(2)
    x = random.uniform(-1, 1, (2, 3, 16, 16)).astype(np.float32)
    corners = np.sort(random.integers(0, 16, (12, 2, 2)), axis=1).reshape(12, 4)
    rois = np.concatenate([np.repeat([0, 1], 6)[:, None], corners], axis=1).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "rois.npy", rois)
    asked = Asked(
        inputs=[str(tmp_path / "x.npy")],
        others={"rois": str(tmp_path / "rois.npy")},
        output=tmp_path / "out",
        threshold=0.4,
    )
    found = predict(made.spec, made.run(), asked)
    blobs = made.forward(batch=2, keep=("prob",), data=x, rois=rois, gt_boxes=np.zeros((2, 8, 5)), label=np.zeros(12))
    prob = blobs["prob"].reshape(2, 6, 3)
    for k, each in enumerate(found.predictions):
        boxes = each.outputs["ap"].boxes
        scores = [box.score for box in boxes]
        assert scores == sorted(scores, reverse=True)
        assert all(score >= 0.4 for score in scores)
        for box in boxes:
            assert np.isclose(prob[k, :, box.found.number], box.score).any()
            assert box.found.name == ("circle", "square")[box.found.number - 1]
        with Image.open(tmp_path / "out" / f"x_{k}.boxes.png") as image:
            assert image.size == (256, 256)


def test_a_net_of_two_inputs_takes_the_second_by_name(make, tmp_path):
    made = make(SIAMESE)
    for name, digit in (("left", DIGITS_8[0]), ("right", DIGITS_8[1])):
        np.save(tmp_path / f"{name}.npy", digit)
    left = Asked(inputs=[str(tmp_path / "left.npy")])
    assert list(one(made, left)) == ["a/ip"]
    both = one(made, Asked(inputs=left.inputs, others={"right": str(tmp_path / "right.npy")}))
    assert list(both) == ["a/ip", "b/ip"]
    right = Asked(inputs=[str(tmp_path / "right.npy")])
    assert both["b/ip"].values == pytest.approx(one(made, right)["a/ip"].values)


def test_captions_are_the_likeliest_words(make, tmp_path):
    made = make(CAPTIONS)
    x = np.random.default_rng(3).uniform(-1, 1, (2, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    found = predict(made.spec, made.run(), Asked(inputs=[str(tmp_path / "x.npy")]))
    words = made.spec.data["test"].vocabulary()
    for k, each in enumerate(found.predictions):
        said = [words.index("<start>")]
        for _ in range(5):
            caption = np.zeros((5, 1), int)
            caption[: len(said), 0] = said
            cont = np.ones((5, 1))
            cont[0] = 0
            score = made.forward(
                keep=("prob",), data=x[k : k + 1], caption=caption, cont=cont, next_word=np.zeros((5, 1), int)
            )["prob"]
            said.append(int(score[len(said) - 1, 0, : len(words)].argmax()))
            if said[-1] == words.index("<end>"):
                said.pop()
                break
        assert each.outputs["prob"].words == tuple(words[n] for n in said[1:])


def test_blobs_are_written_as_they_are(classifier, digits, tmp_path):
    asked = Asked(inputs=[digits], blobs=["ip", "conv"], output=tmp_path / "blobs", batch=3)
    found = predict(classifier.spec, classifier.run(), asked)
    assert found.files["conv"] == (str(tmp_path / "blobs" / "conv.npy"), (8, 3, 6, 6))
    x = (DIGITS_8[:, None].astype(np.float64) - 8) * 0.0625
    want = classifier.forward(batch=8, keep=("ip",), data=x, label=np.zeros(8))["ip"]
    assert np.allclose(np.load(tmp_path / "blobs" / "ip.npy"), want, atol=1e-5)  # float32 sums in another order
    told = predict(classifier.spec, classifier.run(), Asked(inputs=[digits], blobs=["ip"]))
    assert told.predictions[0].outputs["ip"].values == pytest.approx(want[0].tolist(), abs=1e-5)


def test_the_document_is_json(classifier, digits):
    found = predict(classifier.spec, classifier.run(), Asked(inputs=[digits], top_k=2))
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(document) == ["name", "predictions", "blobs"]
    assert list(document["predictions"][0]["outputs"]["ip"]["classes"][0]) == ["class", "name", "score"]


def test_shares_too_small_to_show_are_left_out_of_the_text():
    best = ((Named(3, "cat"), 0.9997), (Named(5), 0.0003))
    assert Classes(best, True).text() == "cat (100.0 %)"
    assert Classes(best, False).text() == "cat (0.9997), 5 (0.0003)"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 9, 9), "the array is 3 x 9 x 9, expected 1 x 8 x 8 for one sample, or N x 1 x 8 x 8"),
        ((2, 3, 8, 8), "the array is 2 x 3 x 8 x 8, expected 1 x 8 x 8"),
        ((8, 8, 1), "channels come first: np.moveaxis(x, -1, -3)"),
        ((0, 1, 8, 8), "holds no samples"),
    ],
)
def test_an_array_of_another_shape_is_refused_with_the_right_one(classifier, tmp_path, shape, message):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(shape))
    with pytest.raises(DataError) as found:
        one(classifier, Asked(inputs=[str(path)]))
    assert message in str(found.value)


def test_grey_pictures_need_no_axis_for_their_channel(classifier, tmp_path):
    found = []
    for digits in (DIGITS_8[:3, None], DIGITS_8[:3], DIGITS_8[0], DIGITS_8[:1]):
        np.save(tmp_path / "x.npy", digits)
        found.append(predict(classifier.spec, classifier.run(), Asked(inputs=[str(tmp_path / "x.npy")])).predictions)
    assert found[0] == found[1]
    assert [len(each) for each in found] == [3, 3, 1, 1]
    assert found[2][0].outputs == found[3][0].outputs


def bad_files(folder):
    """Files that cannot be samples, by name."""
    np.save(folder / "nan.npy", np.full((1, 8, 8), np.nan))
    np.save(folder / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "good.npy", DIGITS_8[:, None])
    (folder / "cut.npy").write_bytes((folder / "good.npy").read_bytes()[:200])
    (folder / "text.npy").write_text("hello")
    (folder / "text.png").write_text("hello")
    (folder / "empty.png").touch()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)).save(folder / "large.png")
    (folder / "cut.png").write_bytes((folder / "large.png").read_bytes()[:70])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nan.npy", "holds values that are not finite"),
        ("object.npy", "not an array of plain numbers"),
        ("cut.npy", "holds 72 bytes of values, the header claims 512"),
        ("text.npy", "not a NumPy array"),
        ("text.png", "not a picture, or a broken one"),
        ("empty.png", "empty file"),
        ("large.png", "30 x 40 pixels, the net takes 8 x 8; --resize scales"),
        ("cut.png", "not a picture, or a broken one"),
    ],
)
def test_a_file_that_is_no_sample_is_a_data_error(classifier, tmp_path, name, message):
    bad_files(tmp_path)
    with pytest.raises(DataError) as found:
        one(classifier, Asked(inputs=[str(tmp_path / name)]))
    assert str(found.value).startswith(str(tmp_path / name))
    assert message in str(found.value)


def test_a_picture_is_scaled_when_asked_for(classifier, tmp_path):
    bad_files(tmp_path)
    found = one(classifier, Asked(inputs=[str(tmp_path / "large.png")], fit=True))
    assert len(found["ip"].best) == 5


def test_a_net_of_four_channels_takes_no_pictures(make, tmp_path):
    bad_files(tmp_path)
    made = make("inputs: {x: [4, 8, 8]}\nlayers: [{name: ip, type: InnerProduct, num_output: 2}]\n")
    with pytest.raises(DataError, match=r"`x` takes 4 channels, a picture has 1 or 3 channels; give a \.npy file"):
        one(made, Asked(inputs=[str(tmp_path / "large.png")]))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"inputs": ["nowhere.npy"]}, "nowhere.npy: no such file"),
        ({"inputs": ["no*where.png"]}, "no*where.png: fits no file"),
        ({"blobs": ["comv"]}, "--blob comv: phase test has no blob of this name; did you mean `conv`?"),
        ({"blobs": ["accuracy"]}, "--blob accuracy: the net also reads `label`; add --input label=FILE.npy"),
        ({"others": {"labl": "x.npy"}}, "--input labl: phase test has no input of this name; did you mean `label`?"),
        ({"blobs": ["ip", "conv"], "output": "one.npy"}, "-o one.npy: one file, and 2 blobs; name a folder"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_question_is_a_usage_error(classifier, digits, asked, message, tmp_path):
    if "output" in asked:
        asked = {**asked, "output": Path(asked["output"])}
    with pytest.raises(UsageError) as found:
        one(classifier, Asked(**{"inputs": [digits], **asked}))
    assert str(found.value) == message


def test_an_empty_folder_is_a_usage_error(classifier, tmp_path):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UsageError, match=r"nothing: no \.npy and no pictures in this folder"):
        one(classifier, Asked(inputs=[str(tmp_path / "nothing")]))


def test_regions_that_the_weights_need_are_asked_for(make, tmp_path):
    made = make(BOXES)
    np.save(tmp_path / "x.npy", np.zeros((3, 16, 16)))
    with pytest.raises(UsageError) as found:
        one(made, Asked(inputs=[str(tmp_path / "x.npy")]))
    want = "`cls` cannot be computed from data: the net also reads `rois`; add --input rois=FILE.npy"
    assert str(found.value) == f"{want}, or choose with --blob"


def test_too_few_rows_of_a_further_input_are_refused(make, tmp_path):
    made = make(SIAMESE)
    np.save(tmp_path / "left.npy", DIGITS_8[:3, None])
    np.save(tmp_path / "right.npy", DIGITS_8[:1, None])
    asked = Asked(inputs=[str(tmp_path / "left.npy")], others={"right": str(tmp_path / "right.npy")})
    with pytest.raises(DataError, match="--input right: holds 1 sample, the other files hold more"):
        one(made, asked)


def test_weights_that_have_diverged_are_said(classifier, digits):
    classifier.overwrite("ip.bias", np.inf)
    with pytest.raises(NumericError, match=r"digits\.npy\[0\]: `ip` is not finite; the weights have diverged"):
        one(classifier, Asked(inputs=[digits]))


def test_weights_of_another_net_do_not_fit(classifier, digits, make, tmp_path):
    other = load_spec(classifier.path, {"layers.ip.num_output": 11})
    with pytest.raises(StateError, match="shapes do not fit"):
        predict(other, classifier.run(), Asked(inputs=[digits]))
    with pytest.raises(UsageError, match="predict needs --weights F"):
        predict(classifier.spec, classifier.run(weights=None), Asked(inputs=[digits]))


def test_a_net_that_writes_text_is_sent_to_sample(make, tmp_path):
    made = make("""\
data: {source: shapes, steps: 4, tops: [caption, next_word, cont], test: {batch_size: 2}}
layers:
  - {name: embed, type: Embed, bottom: caption, input_dim: $words, num_output: 5}
  - {name: prob, type: Softmax, axis: 2}
sample: {input: caption, output: prob}
""")
    np.save(tmp_path / "x.npy", np.zeros(4, int))
    with pytest.raises(UsageError, match="this net writes text: `netspec sample`"):
        one(made, Asked(inputs=[str(tmp_path / "x.npy")]))


def test_an_output_that_cannot_be_written_is_a_state_error(classifier, digits, tmp_path):
    (tmp_path / "taken").write_text("")
    asked = Asked(inputs=[digits], blobs=["ip"], output=tmp_path / "taken" / "in.npy")
    with pytest.raises(StateError, match=r"in\.npy: not written"):
        predict(classifier.spec, classifier.run(), asked)


@pytest.mark.parametrize("more", ["pad: 2", "pad: 2, crop_size: 7", "crop_size: 5, mean: 3", "scale: 0.5"])
def test_pads_and_crops_of_known_sizes_are_those_of_the_test_source(make, tmp_path, more):
    made = make(f"data: {{source: digits, {more}, test: {{batch_size: 5}}}}\n"
                "layers: [{name: same, type: Power, bottom: data}]\n")  # fmt: skip
    batch = open_stream(made.spec.data["test"].recipe("test"), seed=0, dtype="float32").next()["data"]
    np.save(tmp_path / "x.npy", load(DIGITS, "images")[::5][:5])
    predict(made.spec, made.run(), Asked(inputs=[str(tmp_path / "x.npy")], blobs=["same"], output=tmp_path / "y.npy"))
    assert np.array_equal(np.load(tmp_path / "y.npy"), batch)
