"""Types that the language or Caffe has and this version has not, and what to write until then."""

from __future__ import annotations

_DATA = "a net's data comes from `data:` at the top of the spec"

_LAYERS: dict[str, str | None] = {
    **dict.fromkeys(("Data", "ImageData", "HDF5Data", "MemoryData", "WindowData", "DummyData"), _DATA),
    **dict.fromkeys(
        (
            "ArgMax AveragePrecision Axpy BatchReindex ChannelNorm Constant ContrastiveLoss Correlation Crop "
            "DetectionOutput Embed EndPointError Filter FlowWarp Gradient Gram GRU HDF5Output Im2col InfogainLoss IoU "
            "L1Loss LpqLoss LSTM LSTMCell LSTMUnit MatMul MultiBoxLoss MultinomialLogisticLoss MVN Normalize Permute "
            "PriorBox Python Recurrent Resample RNN ROIPooling SmoothL1Loss SPP Tile TotalVariation Unpooling"
        ).split()
    ),
    "Split": "leave it out: any number of layers may read one blob",
    "Silence": "leave it out: a blob that nothing reads is an output",
    "Bias": "a Scale with `bias_term: true`, or the bias of the layer before it",
}

# name -> formula of x
_FORMULAS = {
    "AbsVal": "abs(x)",
    "BNLL": "log(1 + exp(x))",
    "Clip": "clip(x, -1, 1)",
    "Exp": "exp(x)",
    "Log": "log(x)",
    "Power": "(0 + 1 * x) ** 1",
    "Swish": "x * sigmoid(x)",
    "Threshold": "where(x > 0, 1, 0)",
}

_OTHERS = {
    "filler type": ("image", "values", "diagonal"),
    "solver type": ("Adam", "AdaDelta", "AdaGrad", "L-BFGS", "Nesterov", "RMSProp", "SignSGD"),
    "data source": ("csv", "text", "images", "shapes", "hdf5", "lmdb"),
}


_FIELDS = {"solver type": ("momentum2", "delta", "rms_decay", "history")}


def fields_of_later(kind: str) -> tuple[str, ...] | None:
    """Return the fields that types of a later version add, None where they are not listed."""
    return _FIELDS.get(kind)


def _table() -> dict[str, dict[str, str | None]]:
    layers = dict(_LAYERS)
    for name, formula in _FORMULAS.items():
        layer = f'{{type: Expression, bottom: {{x: ..}}, expr: "{formula}"}}'
        layers[name] = f"{layer} with the blob it reads for `..` and its own numbers"
    tables = {"layer type": layers} | {kind: dict.fromkeys(names) for kind, names in _OTHERS.items()}
    return {kind: {name.lower(): hint for name, hint in names.items()} for kind, names in tables.items()}


_TABLE = _table()


def is_later(kind: str, name: str) -> bool:
    """Whether a type of this kind (``layer type``, ..) comes with a later version."""
    return name.lower() in _TABLE.get(kind, {})


def instead(kind: str, name: str) -> str | None:
    """Return what to write until then, None if nothing does the same."""
    return _TABLE[kind][name.lower()]
