"""E24x, E25x: specs that name other specs, and shared weights. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E240",
        "no such spec file",
        """`extends`, and a block that is a file, name a spec: relative to the file that names it, or a net of the zoo.

    extends: caffenet.yml
Remedy: the path of a spec with `layers`, written out (`caffenet.yaml`): files are read before variables are known.""",
    ),
    Code(
        "E241",
        "files that need each other",
        """The files that a spec extends, or uses as blocks, lead back to one of them.

`a.yaml` with `extends: b.yaml` and `b.yaml` with `extends: a.yaml` have no first one. Remedy: put what both need into a
third file.""",
    ),
    Code(
        "E242",
        "too many spec files",
        """A spec reads at most 100 other spec files, and they name each other at most 32 deep.

Remedy: put what they share into one base.""",
    ),
    Code(
        "E243",
        "edits what is not there",
        """`remove` and `change` name layers of the base that `extends` names, as its list of `layers` does; `*` stands
for any letters. A name that fits no layer is refused: it would change nothing.

    extends: caffenet.yaml
    change: {"cnv*": {lr_mult: 0}}
Remedy: "conv*". What is inside a block is reached by the block's arguments, or by `blocks:`, which merges too.""",
    ),
    Code(
        "E244",
        "a spec file whose inputs are not known",
        """A spec file used as a block has its `inputs`, or the tops of its `data`, as ports; they could not be read.

Remedy: `netspec check FILE` on that file tells what is wrong with it.""",
    ),
    Code(
        "E250",
        "shares with nothing",
        """`share: a` on a layer or block instance means: the same weights as the layer or instance `a`.

    - {block: tower, name: b, bottom: right, share: tower}
Remedy: share: a, the name of the other instance. Inside a block only its own entries can be named.""",
    ),
    Code(
        "E251",
        "shares with itself",
        """The layers that share weights lead back to the first: none of them has weights of its own.

`{name: a, share: b}` and `{name: b, share: a}`. Remedy: one of them has to do without `share`.""",
    ),
    Code(
        "E252",
        "shares with something else",
        """`share` takes the weights by their names inside: both sides have layers of the same names and types.

    - {name: fc, type: InnerProduct, num_output: 10, share: conv1}
Remedy: share with a layer of the same type, or with an instance of the same block.""",
    ),
    Code(
        "E253",
        "shared weights of other sizes",
        """The two layers that share weights would have them in different sizes: another `num_output` or `kernel_size`,
or bottoms with another number of channels.

    - {name: a, type: InnerProduct, num_output: 500}
    - {name: b, type: InnerProduct, num_output: 10, share: a}
Remedy: give both the same sizes, or let each have its own weights.""",
    ),
    Code(
        "E254",
        "factors of shared weights",
        """A parameter has one rate and one decay: those of the layer or instance that owns it.

    - {block: tower, name: b, bottom: right, share: a, lr_mult: 0}
Remedy: write `lr_mult` at `a`; it then holds for both.""",
    ),
    Code(
        "E630",
        "where weights come from",
        """`weights` is a file, a file without some layers, or a file for each block instance.

    weights: caffenet.safetensors
    weights: {file: caffenet.safetensors, except: [fc8]}
    weights: {x: vgg19.safetensors}
The last one is for the block instance `x`: the file's `conv1_1.weight` becomes `x/conv1_1.weight`.""",
    ),
    Code(
        "E631",
        "weights for what is not there",
        """A key of `weights` is a block instance that has weights of its own, and `except` names layers, instances or
single parameters. This name is none.

    weights: {file: caffenet.safetensors, except: [fc9]}      the layer is `fc8`
Remedy: the name as `netspec inspect` shows it.""",
    ),
    Code(
        "E623",
        "no such test source",
        """`test_iter` is a number of batches, or a mapping from the keys of `data` that are tests to such numbers.

    data: {source: mnist, test_seen: {batch_size: 100, split: train}}
    solver: {test_iter: {test_sen: 10}, base_lr: 0.1, max_iter: 100}
Remedy: test_seen.""",
    ),
)
