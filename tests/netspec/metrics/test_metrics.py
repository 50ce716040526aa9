"""The metrics alone, and figures over a whole test source that are not the mean of those of its batches."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from layer_support import run_layer
from metric_cases import plain_bleu, plain_confusion

import netspec
from netspec.cli.main import main
from netspec.layers.bleu import BLEU
from netspec.layers.confusion_matrix import ConfusionMatrix
from netspec.layers.iou import IoU
from netspec.layers.perplexity import Perplexity
from netspec.layers.psnr import PSNR
from netspec.metrics.base import METRICS, Batch, Metric
from netspec.metrics.figures import shown
from netspec.spec.layer import Layer, Measure
from netspec.spec.registry import LAYERS
from netspec.training.evaluate import evaluate

SPEC = """\
name: small
data: {source: digits, scale: 0.0625, train: {batch_size: 40}, test: {batch_size: 100}}
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label], ignore_label: 3}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], top: [accuracy, by_class], ignore_label: 3}
  - {name: iou, type: IoU, bottom: [ip, label], top: [iou, iou_by_class], include: test}
  - {name: confusion, type: ConfusionMatrix, bottom: [ip, label], include: test}
  - {name: perplexity, type: Perplexity, bottom: [ip, label], ignore_label: 3, include: test}
  - {name: p, type: Softmax, bottom: ip, include: test}
  - {name: s, type: Sigmoid, bottom: ip, include: test}
  - {name: psnr, type: PSNR, bottom: [p, s], over: pixels, include: test}
solver: {base_lr: 0.1, max_iter: 5, display: 5}
"""


def batch(value=0.0, samples=1, **counts):
    return Batch(np.asarray(value), samples, {name: np.asarray(x) for name, x in counts.items()})


def figure(kind, *batches, **options):
    metric = METRICS[kind](**options)
    for b in batches:
        metric.add(b)
    return metric.figure()


def test_every_metric_that_a_layer_names_is_there():
    named = {measure.kind for cls in LAYERS if (measure := _measure(cls)) is not None}
    assert named <= set(METRICS)


def _measure(cls):
    required = {name: () for name, spec in cls.specs.items() if repr(spec.default) == "required"}
    return cls(**required).metric(0) if cls.metric is not Layer.metric else None


def test_a_mean_weighs_samples_or_a_count():
    batches = [batch(1.0, 3, places=1), batch(5.0, 1, places=3)]
    assert figure("mean", *batches) == 2.0
    assert figure("mean", *batches, weight="places") == 4.0


def test_a_batch_without_weight_does_not_count_whatever_its_value():
    assert figure("mean", batch(np.nan, 4, places=0), batch(2.0, 4, places=2), weight="places") == 2.0
    assert figure("mean", batch(np.nan, 4, places=0), weight="places") == 0.0


def test_a_ratio_is_one_of_sums():
    batches = [batch(part=[1, 0], whole=[2, 0]), batch(part=[3, 0], whole=[3, 0])]
    assert figure("ratio", *batches, part="part", whole="whole") == [0.8, 0.0]


def test_counts_are_whole_numbers():
    found = figure("count", batch(n=np.float32([[1, 2]])), batch(n=np.float32([[3, 0]])), of="n")
    assert found == [[4, 2]]
    assert all(type(x) is int for x in found[0])


def test_a_class_that_is_not_there_is_left_out_of_the_mean():
    seen = batch(both=[2, 0, 0], either=[4, 2, 0])
    assert figure("iou", seen, by_class=False) == 0.25
    assert figure("iou", seen, by_class=True) == [0.5, 0.0, 0.0]
    assert figure("iou", batch(both=[0], either=[0]), by_class=False) == 0.0


def test_a_psnr_without_error_is_infinite():
    assert figure("psnr", batch(squares=0.0, values=4.0), peak=1.0) == float("inf")


class Median(Metric):
    """A figure that no sum tells, made on the host for a batch too."""

    on_host = True

    def __init__(self):
        self.seen = []

    def add(self, batch):
        self.seen.extend(batch.counts["values"])

    def figure(self):
        return float(np.median(self.seen))


def test_a_metric_on_the_host_makes_the_value_of_a_batch(monkeypatch):
    monkeypatch.setitem(METRICS, "median", Median)
    layer = SimpleNamespace(metric=lambda top: Measure("median"))
    node = SimpleNamespace(layer=layer, name="m", tops=("m",), top_ids=("m",))
    net = SimpleNamespace(nodes=[node], outputs=("m", "y"), batch=3)
    made = {"m": np.float32(0), "y": np.ones(3), "m.values": np.array([1.0, 7.0, 5.0])}
    found = shown(net, made)
    assert list(found) == ["m", "y"]
    assert found["m"] == 5.0
    assert found["m"].dtype == np.float32


@pytest.fixture(scope="module")
def spec_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("metrics") / "small.yaml"
    path.write_text(SPEC)
    return path


@pytest.mark.parametrize("size", [360, 100, 7])
def test_figures_do_not_depend_on_the_batches(spec_path, size):
    net = netspec.compile(spec_path, phase="test", batch_size=size, device="reference", dtype="float64", seed=5)
    rng = np.random.default_rng(0)
    net.params["ip.weight"] = rng.normal(size=(10, 64)) * 0.1
    whole = next(net.stream().sweep(360))
    x, label = whole["data"].reshape(360, -1), whole["label"]
    scores = x @ net.params["ip.weight"].T
    counts = plain_confusion(scores, label, 1)
    right = np.diag(counts)
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    entropy = -np.log(p[np.arange(360), label])[label != 3]
    share = np.where(np.arange(10) == 3, 0, right / counts.sum(1))
    iou = right / (counts.sum(0) + counts.sum(1) - right)
    found = evaluate(net)
    assert found.samples == 360
    assert list(found.outputs) == [
        "loss", "accuracy", "by_class", "iou", "iou_by_class", "confusion", "perplexity", "psnr",
    ]  # fmt: skip
    wanted = {
        "loss": entropy.mean(), "accuracy": (scores.argmax(1) == label)[label != 3].mean(), "by_class": share,
        "iou": iou.mean(), "iou_by_class": iou, "confusion": counts, "perplexity": np.exp(entropy.mean()),
        "psnr": -10 * np.log10(((p - 1 / (1 + np.exp(-scores))) ** 2).mean()),
    }  # fmt: skip
    for name, value in wanted.items():
        # float64 on both sides, sums of a few thousand terms
        np.testing.assert_allclose(found.outputs[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_statistics_are_no_outputs_of_forward(spec_path):
    net = netspec.compile(spec_path, phase="test", batch_size=8, device="reference")
    out = net.forward()
    assert not [name for name in out if "." in name]
    assert out["iou"].shape == ()
    assert out["confusion"].sum() == 8
    assert net.blobs["iou.either"].shape == (1, 10)
    train = netspec.compile(spec_path, batch_size=8, device="reference")
    assert set(train.plan.outputs) == {"loss", "accuracy", "by_class"}


def test_the_commands_show_numbers_lists_and_tables(spec_path, tmp_path):
    run = CliRunner().invoke(
        main, ["train", str(spec_path), "--output", str(tmp_path / "run"), "--device", "reference", "--batch", "20"]
    )
    assert run.exit_code == 0, run.output
    assert "by_class 0.0000.." in run.stderr
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    test = [event for event in events if event["event"] == "test"][-1]
    assert len(test["outputs"]["iou_by_class"]) == 10
    assert sum(map(sum, test["outputs"]["confusion"])) == 360
    shown = [event for event in events if event["event"] == "display"][-1]
    assert set(shown["outputs"]) == {"loss", "accuracy"}
    words = ["test", str(spec_path), "--weights", str(tmp_path / "run" / "snapshot_000005.safetensors")]
    words += ["--device", "reference", "--quiet"]
    text = CliRunner().invoke(main, words).stdout.splitlines()
    assert text[0] == "360 samples"
    table = text[text.index("confusion") + 1 :][:11]
    assert table[0].split() == [str(k) for k in range(10)]
    assert [row.split()[0] for row in table[1:]] == [str(k) for k in range(10)]
    document = json.loads(CliRunner().invoke(main, [*words, "--format", "json"]).stdout)
    assert document["outputs"] == test["outputs"]


def test_the_first_of_equal_scores_is_the_prediction_and_nan_is_none():
    x, label = [[1.0, 1.0, 0.0], [0.0, np.nan, 2.0]], [0, 2]
    (counts,) = run_layer(ConfusionMatrix(), x, label)
    assert counts.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    (iou,) = run_layer(IoU(), x, label, tops=("iou",))
    assert iou == 0.5


def test_iou_takes_maps_with_a_label_a_pixel():
    x = np.zeros((1, 2, 2, 2))
    x[0, 1] = [[1, 1], [-1, -1]]
    (iou,) = run_layer(IoU(ignore_label=9), x, [[[1, 0], [0, 9]]], tops=("iou",))
    assert iou == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_perplexity_of_a_uniform_model_is_the_size_of_the_vocabulary():
    (found,) = run_layer(Perplexity(ignore_label=0), np.zeros((3, 50)), [4, 0, 49])
    assert found == pytest.approx(50)


def test_psnr_of_a_known_error():
    x, t = np.zeros((2, 1, 2, 2)), np.zeros((2, 1, 2, 2))
    x[0], x[1] = 25.5, 2.55
    assert run_layer(PSNR(peak=255), x, t)[0] == pytest.approx(30)
    assert run_layer(PSNR(peak=255, over="pixels"), x, t)[0] == pytest.approx(20 - 10 * np.log10(0.505))


def sentences(*texts, words=None):
    """Tokens T x N of sentences of words, 0 behind the last."""
    known = {} if words is None else words
    rows = [[known.setdefault(word, len(known) + 1) for word in text.lower().split()] for text in texts]
    table = np.zeros((max(map(len, rows)) + 1, len(rows)))
    for k, row in enumerate(rows):
        table[: len(row), k] = row
    return table


# Papineni et al. 2002, examples 1 and 2
REFERENCES = (
    "It is a guide to action that ensures that the military will forever heed Party commands",
    "It is the guiding principle which guarantees the military forces always being under the command of the Party",
    "It is the practical guide for the army always to heed the directions of the party",
)
GOOD = "It is a guide to action which ensures that the military always obeys the commands of the party"
BAD = "It is to insure the troops forever hearing the activity guidebook that party direct"


def papineni(candidate, *references, order=1):
    words = {}
    tables = [sentences(text, words=words) for text in (candidate, *references)]
    return float(run_layer(BLEU(order=order, end_label=0), *tables)[0])


def test_bleu_counts_the_runs_of_the_papers_examples():
    # 18 words against 18 of the nearest reference: no penalty; 14 against 16
    assert papineni(GOOD, *REFERENCES) == pytest.approx(17 / 18)
    assert papineni(GOOD, *REFERENCES, order=2) == pytest.approx(np.sqrt(17 / 18 * 10 / 17))
    short = np.exp(1 - 16 / 14)
    assert papineni(BAD, *REFERENCES) == pytest.approx(short * 8 / 14)
    assert papineni(BAD, *REFERENCES, order=2) == pytest.approx(short * np.sqrt(8 / 14 * 1 / 13))


def test_bleu_counts_a_word_at_most_as_often_as_a_reference_does():
    found = papineni("the the the the the the the", "The cat is on the mat", "There is a cat on the mat")
    assert found == pytest.approx(2 / 7)


def test_bleu_of_a_corpus_is_no_mean_of_sentences():
    pairs = [("a b c d e", "a b c d e"), ("a b c x y z", "a b c d e f g")]
    words = {}
    candidates, references = (sentences(*texts, words=words) for texts in zip(*pairs, strict=True))
    (found,) = run_layer(BLEU(end_label=0), candidates, references)
    matches, totals = np.array([8, 6, 4, 2]), np.array([11, 9, 7, 5])
    assert found == pytest.approx(np.exp(1 - 12 / 11) * np.exp(np.log(matches / totals).mean()))
    plain = [[text.split() for text in texts] for texts in zip(*pairs, strict=True)]
    assert found == pytest.approx(plain_bleu(plain[0], [[text] for text in plain[1]], 4))


def test_bleu_adds_up_the_counts_of_batches():
    spec = {
        "inputs": {"words": [6], "said": [6]},
        "layers": [
            {"name": "bleu", "type": "BLEU", "bottom": ["words", "said"], "axis": 1, "order": 2, "end_label": 0}
        ],
    }
    net = netspec.compile(spec, phase="test", batch_size=4, device="reference")
    words = np.random.default_rng(1).integers(0, 4, (2, 10, 6))
    metric = METRICS["bleu"]()
    for start in (0, 4, 8):
        part = words[:, start : start + 4]
        value = net.forward(words=part[0], said=part[1])["bleu"]
        names = [name for name in net.blobs if name.startswith("bleu.")]
        metric.add(Batch(value, part.shape[1], {name[5:]: net.blobs[name] for name in names}))
    (whole,) = run_layer(BLEU(axis=1, order=2, end_label=0), *words.astype(float))
    assert metric.figure() == pytest.approx(float(whole))


def test_bleu_without_a_match_or_a_word_is_zero():
    assert papineni("a b", "c d") == 0.0
    assert float(run_layer(BLEU(order=1, end_label=0), np.zeros((3, 1)), np.ones((3, 1)))[0]) == 0.0
