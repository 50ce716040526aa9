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
        "E425",
        "a crop does not fit",
        """Crop cuts its first bottom to the size of the second, from `offset` on, along `axis` and all axes behind it.

24 rows from offset 5 on hold no 20: `offset: 4` or less does. `offset` is one number, or one for each axis
that is cut.""",
    ),
    Code(
        "E426",
        "more asked for than there is",
        """`top_k` cannot be larger than the number of values it chooses from.

The 5 largest of 3 scores do not exist; `top_k: 3` is all of them, in falling order.""",
    ),
    Code(
        "E427",
        "unpooled values would leave the map",
        """Without the places of its values Unpooling puts them `stride` apart, from the top left corner on.

4 x 4 values with `stride: 2` need 7 x 7 pixels at least. With the second top of the Pooling as second bottom
each value goes back to where it came from.""",
    ),
    Code(
        "E428",
        "a slope of what does not depend on it",
        """Gradient gives d loss / d x, for a loss that the layers before it make from x.

`bottom: [loss, data]` is the slope of the loss in the picture; one in a blob that the loss never sees does
not exist.""",
    ),
    Code(
        "E402",
        "blob too large",
        """A blob would have more than 2^63 numbers: no computer can count them.

Is a size, a batch or a padding larger than meant?""",
    ),
    Code(
        "E460",
        "bottoms of a recurrent layer",
        """RNN, LSTM and GRU read x, then cont, then a static input; the last two may be left out.

With `expose_hidden` the initial states follow (h0, for LSTM h0 and c0), with `lengths` the length of each sequence.""",
    ),
    Code(
        "E461",
        "no sequence",
        """A layer over time reads T x N x ..: time first, then the batch, then what there is in each step.

`inputs: {data: {shape: [50, 64], batch: 1}}` puts the batch behind the 50 steps. T x N numbers of words become
T x N x C by an Embed.""",
    ),
    Code(
        "E462",
        "does not fit beside the sequence",
        """What a recurrent layer reads beside its sequence T x N x .. has sizes that follow from it.

cont is T x N, lengths is N, static is N x .., an initial state is L x N x H with a row for each layer and direction;
the states of a cell are N x num_output.""",
    ),
    Code(
        "E463",
        "state of another shape",
        """A state has one shape, before a step and behind it, with the batch first; so have the block's outputs.

The shape is found from what the state becomes where that does not depend on the state itself. Where it does, say it:
`state: {h: {next: new, shape: [128]}}`.""",
    ),
    Code(
        "E440",
        "an axis twice",
        """`order` of a Permute names each axis of the bottom at most once; those left out follow as they are.

`order: [0, 2, 3, 1]` makes N x H x W x C of N x C x H x W; with `order: [0, 2, 2, 1]` nobody knows where axis 3 is.""",
    ),
    Code(
        "E441",
        "channels and pixels do not match",
        """A PixelShuffle makes each r x r pixels of r^2 channels, so their number is a multiple of r^2.

`factor: 2` takes 12 channels to 3, but 10 channels to nothing. With `inverse: true` rows and columns are multiples
of r.""",
    ),
    Code(
        "E442",
        "more to reflect than there is",
        """REFLECT mirrors a map at its edge without repeating it, so the border is narrower than the map.

8 rows have at most 7 to reflect: `pad: 7`. `mode: REPLICATE` repeats the edge as often as you like.""",
    ),
)
