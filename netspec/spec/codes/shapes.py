"""E4xx: shapes and sizes. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E403",
        "tied parameters of different shapes",
        """Parameters of one name (`params: [{name: w}]`) are one array, so they have one shape.

`w` on a layer of 20 outputs and on one of 30 cannot be the same. Names are global, inside blocks too.""",
    ),
    Code(
        "E404",
        "tied parameters with different factors",
        """Parameters of one name (`params: [{name: w}]`) are one array with one `lr_mult` and one `decay_mult`.

`{name: w, lr_mult: 2}` in one layer and `{name: w, lr_mult: 0}` in another contradict each other. Remedy: say it in
one of the layers, or the same in both.""",
    ),
    Code(
        "E410",
        "the output would be empty",
        """The window does not fit in the padded map even once.

A Convolution of 5 x 5 on a map of 3 x 3 without padding has (3 - 5 + 0)/1 + 1 = -1 rows. Take a
smaller kernel or stride, or pad; look at the sizes before it with `netspec inspect`.""",
    ),
    Code(
        "E411",
        "does not fit, and round is exact",
        """The stride does not divide N - F + 2 P, and `round: exact` asks that it does.

7 columns, kernel 3, stride 3: (7 - 3 + 0)/3 + 1 = 2.33. The hint names a pad or stride that fits.""",
    ),
    Code(
        "E412",
        "a pooling window would be empty",
        """Rounded up, the last pooling window starts behind the map.

5 rows, kernel 1, stride 3: the third window would start at row 6. Caffe answers -FLT_MAX there.
`round: floor` leaves it out.""",
    ),
    Code(
        "E413",
        "wrong number of axes",
        """The layer works on a blob with another number of axes.

Convolution, Pooling and LRN need N x C x H x W. After an InnerProduct (N x K) put
`{type: Reshape, shape: [0, 0, 1, 1]}`.""",
    ),
    Code(
        "E414",
        "groups do not divide the channels",
        """`group` splits the channels of the bottom and `num_output` in equal parts.

64 channels in `group: 3` do not work; `group: 2` or `group: 4` does.""",
    ),
    Code(
        "E415",
        "bottoms do not fit each other",
        """Two bottoms of the layer must be alike, or alike but for one axis, and are not.

Eltwise adds blobs of one shape, Concat joins blobs that differ along `axis` alone, EuclideanLoss
wants as many targets as predictions. The message has both shapes.""",
    ),
    Code(
        "E416",
        "labels do not fit the scores",
        """There must be one label for each column of scores along the class axis.

Scores 64 x 10 need 64 labels, whole numbers from 0 to 9, not one-hot rows; scores 1 x 21 x 500 x 500
need labels 1 x 500 x 500. Scores 64 x 10 x 6 x 6 against 64 labels lack an InnerProduct.""",
    ),
    Code(
        "E417",
        "no such axis",
        """The bottom has fewer axes than the field counts to.

Axes count from 0: N is 0, C is 1; -1 is the last. `axis: 2` needs a bottom with three axes.""",
    ),
    Code(
        "E418",
        "a slice does not come out",
        """`slice_point` lists where the second and later parts begin, in rising order, one less than tops.

Without it the axis is cut in equal parts: 10 channels make 2 or 5 tops, not 3.""",
    ),
    Code(
        "E419",
        "a reshape changes the number of values",
        """The new sizes must multiply to the old count.

64 x 10 does not fit in `shape: [0, 3, -1]`, because 10 is no multiple of 3. 0 copies an axis of the
bottom, one -1 takes what is left.""",
    ),
    Code(
        "E420",
        "operands of a formula do not broadcast",
        """In a formula shapes are aligned at their last axis; sizes are equal or 1.

64 x 10 and 64 do not broadcast; 64 x 10 and 64 x 1 do: put `{type: Reshape, shape: [0, 1]}` before.""",
    ),
    Code(
        "E421",
        "top_k above the number of classes",
        """With `top_k` as large as the number of classes every sample is right.

With ten classes `top_k: 5` is the usual second figure.""",
    ),
    Code(
        "E422",
        "coeff does not fit the bottoms",
        """Eltwise takes one `coeff` for each bottom.

`bottom: [a, b]` with `coeff: [1, -1]` is a - b.""",
    ),
    Code(
        "E423",
        "the filler does not fit the parameter",
        """A filler needs a parameter of another shape.

`bilinear` fills square kernels of four axes: a Deconvolution with one `kernel_size`.""",
    ),
    Code(
        "E424",
        "padding as large as the kernel",
        """With `pad` not below `kernel_size` a pooling window could see padding alone, which has no largest value.

`kernel_size: 2, pad: 2` does not work, `pad: 1` does.""",
    ),
    Code(
        "E402",
        "blob too large",
        """A blob would have more than 2^63 numbers: no computer can count them.

Is a size, a batch or a padding larger than meant?""",
    ),
)
