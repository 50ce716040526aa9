"""The runs of docs/results.md: which net, with what, and the figure it must reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A run and its goal.

    Parameters
    ----------
    net
        Of the zoo.
    group
        Heading of the table it stands in.
    figure
        A test output: its last value is the result.
    goal
        What it must reach.
    low
        Whether less is better.
    sets
        For ``--set``.
    after
        A row whose last snapshot the run starts from: by ``--weights`` in training, in a test as ``weights.net``.
    test
        Only ``netspec test``, of those weights: there is nothing to learn.
    data
        What is needed below NETSPEC_DATA; empty if the data come with netspec.
    times
        The figure is shown so many times as large: 100 for per cent.
    """

    net: str
    group: str
    figure: str
    goal: float | None = None
    low: bool = False
    sets: tuple[str, ...] = ()
    after: str = ""
    test: bool = False
    data: str = ""
    times: float = 1.0

    def met(self, value: float) -> bool | None:
        """Whether a value reaches the goal; None where there is none."""
        if self.goal is None:
            return None
        return value <= self.goal if self.low else value >= self.goal


def _percent(net: str, group: str, goal: float | None, data: str, figure: str = "accuracy") -> Row:
    return Row(net, group, figure, goal, data=data, times=100.0)


LINEAR, SMALL, CIFAR = "Linear models", "Small nets", "CIFAR-10"
PIXELS, BOXES, MOTION = "Segmentation", "Detection", "Flow and depth"
GRADIENT, SEQUENCES = "Transfer, and pictures by gradient", "Sequences"

ROWS: tuple[Row, ...] = (
    Row("linear_regression", LINEAR, "loss", low=True),
    _percent("softmax_regression", LINEAR, None, ""),
    _percent("linear_svm", LINEAR, None, ""),
    _percent("kernel_svm", LINEAR, None, ""),
    Row("deep_linear", LINEAR, "loss", low=True),
    _percent("digits", SMALL, None, ""),
    _percent("mlp", SMALL, None, "mnist"),
    _percent("mlp2", SMALL, None, "mnist"),
    _percent("maxout", SMALL, None, "mnist"),
    _percent("locally_connected", SMALL, None, "mnist"),
    _percent("lenet", SMALL, 0.9918, "mnist"),
    _percent("lenet5", SMALL, None, "mnist"),
    Row("autoencoder", SMALL, "error", low=True, data="mnist"),
    Row("siamese", SMALL, "loss", low=True, data="mnist"),
    _percent("cifar10_quick", CIFAR, 0.73, "cifar-10-batches-bin"),
    Row(
        "resnet20",
        CIFAR,
        "accuracy",
        0.87,
        data="cifar-10-batches-bin",
        times=100.0,
        sets=("solver.max_iter=5000", "solver.stepsize=1250"),
    ),
    Row("finetune", GRADIENT, "accuracy", after="lenet", data="mnist", times=100.0),
    Row("fgsm", GRADIENT, "after", 0.5, low=True, after="lenet", test=True, data="mnist", times=100.0),
    Row("saliency", GRADIENT, "share", after="lenet", test=True, data="mnist"),
    *(Row(net, PIXELS, "iou", 0.9) for net in ("fcn32s", "fcn16s", "fcn8s", "unet", "segnet", "deconvnet", "dilated")),
    *(Row(net, BOXES, "ap", 0.8) for net in ("rcnn", "fast_rcnn", "faster_rcnn")),
    *(Row(net, MOTION, "epe", 1.0, low=True) for net in ("flownet_s", "flownet_c")),
    Row("depth", MOTION, "relative", 0.1, low=True),
    Row("char_rnn", SEQUENCES, "loss", low=True, data="tinyshakespeare"),
    Row("char_gru", SEQUENCES, "loss", low=True, data="tinyshakespeare"),
    Row("char_lstm", SEQUENCES, "loss", 1.6, low=True, data="tinyshakespeare"),
    Row("lstm_lm", SEQUENCES, "perplexity", low=True, data="tinyshakespeare"),
    Row("human_dynamics", SEQUENCES, "ahead", low=True),
    Row("captioning", SEQUENCES, "bleu"),
    Row("show_attend_tell", SEQUENCES, "bleu"),
)


def by_net() -> dict[str, Row]:
    """The rows by their net."""
    return {row.net: row for row in ROWS}
