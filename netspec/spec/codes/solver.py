"""E6xx: solver and data. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E651",
        "part of the samples",
        """`part: [a, b]` takes the samples from fraction a up to fraction b, in file order.

`part: [0.8, 0.5]` is empty; `part: [0, 0.8]` and `part: [0.8, 1]` are the two sides of a cut.""",
    ),
    Code(
        "E652",
        "mean given twice",
        """`mean` (a number, or one a channel) and `mean_file` (a picture) both say what is taken off.

Keep one of them.""",
    ),
    Code(
        "E653",
        "path leaves the folder",
        """A relative path stays below the folder of the spec, or below `data.root`.

`file: ../../x.npz` is refused, so that a spec from elsewhere reads only what lies with it. Write an
absolute path if it is meant.""",
    ),
    Code(
        "E654",
        "picture transform on samples that are no pictures",
        """`pad`, `crop_size` and `mirror` work on C x H x W.

Samples of `shape: [20]` have no borders. Leave the key out.""",
    ),
    Code(
        "E655",
        "mean does not fit the channels",
        """`mean` is one number, or one a channel.

`mean: [104, 117, 123]` needs a source of three channels; `mnist` has one.""",
    ),
    Code(
        "E656",
        "crop larger than the picture",
        """`crop_size` is at most the smaller side plus twice `pad`.

`source: cifar10` with `crop_size: 40` needs `pad: 4`.""",
    ),
    Code(
        "E657",
        "imagenet without crop_size",
        """ImageNet's pictures have many sizes; the crop decides the shape of `data`.

Write `crop_size: 224`.""",
    ),
    Code(
        "E658",
        "arrays and tops do not pair up",
        """`arrays` of a source `npz` names one array of the archive for each top.

`tops: [x, y]` with `arrays: [images]` lacks the array of y.""",
    ),
    Code(
        "E620",
        "the policy needs a field",
        """An lr_policy computes the rate from fields of the solver; one of them is missing.

step: gamma, stepsize; exp: gamma; inv: gamma, power; multistep: gamma, stepvalue; poly: power,
max_iter; sigmoid: gamma, stepsize; fixed: none.""",
    ),
    Code(
        "E621",
        "stepvalue must rise",
        """`stepvalue` lists the iterations at which the rate drops, each once, in rising order.""",
    ),
    Code(
        "E601",
        "no data for a phase",
        """`data` has no entry for the phase that was asked for.

Add `train:` or `test:` to `data`.""",
    ),
    Code(
        "E610",
        "shape of an input",
        """`inputs` gives the shape of one item, without the batch.

`inputs: {data: [3, 224, 224], label: []}`.""",
    ),
    Code(
        "E613",
        "shape that only a file tells",
        """The shapes of this data are in the header of its file, and the file cannot be read.

`check` needs no data where the spec says the shape. Remedy: `shape: [3, 32, 32]` beside `file`, of one sample.""",
    ),
    Code(
        "E611",
        "data and inputs",
        """A spec reads its blobs from a data source or from the caller, not both.

Delete `inputs`, or `data`.""",
    ),
    Code(
        "E622",
        "a solver without a loss",
        """In training no top of the net is part of the loss, so there is nothing to lower.

`{name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}` is missing, is `include: test`, or has `loss_weight: 0`.
Remedy: add a loss; a net that is not to be trained needs no `solver`.""",
    ),
    Code(
        "E612",
        "net of a solver file",
        """`net:` names the spec that the solver trains, relative to the solver file.

`net: lenet.yaml` beside `base_lr`, `max_iter`, ..: the file must exist and be a net itself.""",
    ),
)
