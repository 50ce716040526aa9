"""E3xx: wiring, bottoms and tops. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E301",
        "unknown blob",
        """A `bottom` names nothing that can be read there.

`bottom: conv` where the layer is called `conv1`. Inside a block only its inputs and its own layers are
visible; an inner blob goes by its full name (`res2/1/conv1`).""",
    ),
    Code(
        "E302",
        "blob made twice",
        """Two layers make a blob of one name.

Give one `top` another name. In place (`top` equal to `bottom`) is allowed.""",
    ),
    Code(
        "E303",
        "cycle",
        """Layers that need each other, so that none can be computed first.

The path is shown: `a -> b -> a`.""",
    ),
    Code(
        "E304",
        "blob of the other phase",
        """The blob exists, but not in this phase.

`{name: prob, include: test}` cannot be read by a layer that is there in training too.""",
    ),
    Code(
        "E305",
        "wrong number of bottoms",
        """A layer takes more or fewer bottoms than it got.

`{name: loss, type: SoftmaxWithLoss}` gets one from chaining and needs two: `bottom: [ip2, label]`.""",
    ),
    Code(
        "E306",
        "wrong number of tops",
        """`top` names more or fewer blobs than the layer makes.

`{type: Slice, bottom: data, top: [a, b]}` makes two; most layers make one, and `top` may then be left out.""",
    ),
    Code(
        "E307",
        "nothing to chain from",
        """A layer without `bottom` takes the first top of the entry before it; there is none.

Write its `bottom`, or add `data` or `inputs`.""",
    ),
    Code(
        "E308",
        "wrong number of a block's inputs",
        """An instance binds its bottoms to the block's `inputs`, in order.

A block with `inputs: [x, label]` needs `bottom: [ip1, label]`.""",
    ),
    Code(
        "E309",
        "layer name twice",
        """Two layers of one phase have the same name.

One name may serve two phases: `include: train` on one and `include: test` on the other.""",
    ),
    Code(
        "E310",
        "named like an input",
        """A layer's top has the name of a blob that comes from outside.

Give it another name, or let it work in place (`top` equal to `bottom`).""",
    ),
    Code(
        "E311",
        "phases begin differently",
        """The first layer has no `bottom`, and the first top of the data is another in training than in test.

Write its `bottom`.""",
    ),
    Code(
        "E312",
        "blob that is off",
        """The layer that would make the blob is switched off by `if` and stands for nothing.

A loss, a metric or a block without outputs that is off is simply gone; a layer that reads it needs the
same `if`. A block that is off is a wire: its name means its first bottom, and there are no blobs inside.""",
    ),
    Code(
        "E313",
        "block without output",
        """The block has `outputs: []`, so its name is no blob.

Read an inner blob by its full name, or list it in `outputs`.""",
    ),
)
