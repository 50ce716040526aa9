"""The types of Caffe and of its forks, and what stands for those that have no class of their name here."""

from __future__ import annotations

from netspec.spec.registry import FILLERS, LAYERS, POLICIES, SOLVERS, Registry

_DATA = "the section `data:`, "
_FLOWNET_DATA = _DATA + "with the source `images` or `npz`; what it draws by chance is done beforehand"

BVLC: dict[str, tuple[str, ...]] = {
    "Data": tuple("Data ImageData HDF5Data MemoryData WindowData DummyData Input Parameter Python".split()),
    "Vision": tuple("Convolution Deconvolution Pooling SPP LRN Crop Im2col".split()),
    "Common": tuple(
        "InnerProduct Embed BatchNorm Scale Bias Dropout MVN Softmax Concat Slice Split Flatten Reshape Tile "
        "Reduction ArgMax Eltwise Filter BatchReindex Silence HDF5Output".split()
    ),
    "Neuron": tuple("ReLU PReLU ELU Sigmoid TanH Swish AbsVal BNLL Clip Power Exp Log Threshold".split()),
    "Recurrent": ("RNN", "LSTM", "LSTMUnit"),
    "Losses and metrics": tuple(
        "SoftmaxWithLoss SigmoidCrossEntropyLoss EuclideanLoss HingeLoss ContrastiveLoss MultinomialLogisticLoss "
        "InfogainLoss Accuracy".split()
    ),
}
"""The 61 registered names of BVLC/caffe @ 9b891540, by the headings of its documentation."""

FORKS: dict[str, tuple[str, ...]] = {
    "rbgirshick/caffe-fast-rcnn": ("ROIPooling", "SmoothL1Loss"),
    "NVIDIA/caffe, SSD": tuple(
        "PriorBox MultiBoxLoss DetectionOutput Permute Normalize L1Loss Axpy VideoData AnnotatedData".split()
    ),
    "lmb-freiburg/flownet2": tuple(
        "Correlation Correlation1D Resample FlowWarp L1Loss LpqLoss ChannelNorm Downsample Accum Mean NegReLU "
        "DataAugmentation FlowAugmentation GenerateAugmentationParameters CustomData ImgReader FLOReader FloatReader "
        "ImgWriter FLOWriter PFMWriter FloatWriter".split()
    ),
}
"""What R-CNN, SSD and FlowNet add."""

INSTEAD: dict[str, str] = {
    "Data": _DATA + "with the source `mnist`, `cifar10`, `images` or `npz`; LMDB and LevelDB are not read",
    "ImageData": _DATA + "with the source `images` and `list:`",
    "HDF5Data": _DATA + "with the source `hdf5`",
    "MemoryData": "`inputs:` at the top of the spec, and arrays given to `forward` and `step`",
    "WindowData": "RoIPooling over the whole picture, or windows cut out beforehand and the source `images`",
    "Python": "not wanted: no code from a spec; an Expression, or a layer class beside those in netspec/layers",
    "HDF5Output": "`forward` of a compiled net gives its outputs as arrays, and those that `keep` names",
    "LSTMUnit": "LSTMCell; Caffe has it for the inside of LSTM alone",
    "VideoData": _DATA + "with the source `images`, frame by frame",
    "AnnotatedData": _DATA + "with the source `npz`, which holds pictures and boxes",
    "Downsample": "Resample to a smaller size",
    "Accum": "Interp of each bottom to one size, then Concat",
    "Mean": "`mean` and `scale` of the section `data:`; inside a net Bias, or Power with `shift`",
    "NegReLU": "Clip, or an Expression with `min(0, x)`",
    "DataAugmentation": _DATA + "with `mirror`, `crop_size` and `pad`; other changes of a picture beforehand",
    "FlowAugmentation": "not wanted: flow fields that fit a changed picture are made beforehand",
    "GenerateAugmentationParameters": "not wanted: see DataAugmentation",
    "CustomData": _FLOWNET_DATA,
    **dict.fromkeys(("ImgReader", "FLOReader", "FloatReader"), _DATA + "with the source `images` or `npz`"),
    **dict.fromkeys(
        ("ImgWriter", "FLOWriter", "PFMWriter", "FloatWriter"),
        "`forward` of a compiled net gives its outputs as arrays",
    ),
}
"""What to write for a layer type that is spelled otherwise or not there, by its name."""

OTHERS: dict[str, tuple[Registry, tuple[str, ...]]] = {
    "Fillers": (FILLERS, tuple("constant uniform gaussian positive_unitball xavier msra bilinear diagonal".split())),
    "Solvers": (SOLVERS, ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")),
    "Rate policies": (POLICIES, ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")),
}
"""The other types of Caffe, with the registry that has them under the same names."""


def state(name: str) -> tuple[str, str | None]:
    """Return what stands for a layer type of Caffe.

    Returns
    -------
    str
        ``same``, ``alias``, or what to write.
    str or None
        The type here, None without one.
    """
    cls = LAYERS.get(name)
    if cls is None:
        return INSTEAD[name], None
    return ("same" if cls.type_name == name else "alias"), cls.type_name
