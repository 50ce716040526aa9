"""W1xx: what is allowed but probably not meant. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "W120",
        "does not fit",
        """The window stops before the map ends: the last pixels are never seen.

7 columns, kernel 3, stride 3: (7 - 3 + 0)/3 + 1 = 2.33, floored to 2; the last column is lost. Usually a
`pad` is missing: the hint names one. Meant so: write `round: floor`. Not to be allowed: `round: exact`,
or `check --strict`.""",
    ),
    Code(
        "W121",
        "read and ignored",
        """A field of Caffe that has no meaning here; the message says what does it instead.

`snapshot_prefix: snapshots/lenet` becomes `--output runs/lenet`.""",
    ),
    Code(
        "W122",
        "the policy does not use a field",
        """A field of another lr_policy stands beside this one.

`lr_policy: fixed` with `gamma: 0.1` never changes the rate; `lr_policy: step` was probably meant.""",
    ),
    Code(
        "W123",
        "weights start at 0",
        """With all weights 0 every output is the same and passes no gradient on: the net is dead.

This is Caffe's default, and the commonest reason for a loss that does not move. `weight_filler: xavier`
or `msra`; leave the field out and one is chosen.""",
    ),
    Code(
        "W124",
        "no iterations",
        """The solver has no `max_iter`: `train` would make no step unless `--max-iter` is given.""",
    ),
    Code(
        "W125",
        "a filler without its parameter",
        """`bias_filler` beside `bias_term: false` fills nothing.

Delete the filler, or write `bias_term: true`.""",
    ),
    Code(
        "W101",
        "unused variable",
        """Nothing reads a variable of `vars`. Is its name misspelt where it is due?

Delete it, or read it: `$name`.""",
    ),
    Code(
        "W102",
        "unused parameter",
        """No layer of the block reads the parameter, so its value changes nothing.

Delete it, or read it in the block: `num_output: $width`.""",
    ),
    Code(
        "W103",
        "unused block",
        """No entry of `layers` leads to the block.

Delete it, or use it: `{block: NAME, name: res1}`.""",
    ),
    Code(
        "W104",
        "leads to no loss",
        """In training, nothing that is reported or learned depends on the layer.

Often the next layer reads another blob by mistake. If only a test needs it: `include: test`.""",
    ),
    Code(
        "W126",
        "round has no effect",
        """`round` (`round_mode`) decides the size of a Convolution or Pooling whose stride does not divide it.

Other layers have nothing to round: a Deconvolution's size is S (N - 1) + F - 2 P.""",
    ),
    Code(
        "W127",
        "larger than memory",
        """A blob or a parameter takes more than a terabyte: the net can be checked, but no machine runs it.

`num_output: 1000000000000` is usually a slip. `train` and `time` end with exit code 6 before anything is allocated.
Remedy: a smaller `num_output`, `batch_size` or input.""",
    ),
    Code(
        "W128",
        "softmax twice",
        """SoftmaxWithLoss takes the softmax itself: of probabilities it makes nearly equal ones, and learns slowly.

`bottom: [sm, label]` behind `{name: sm, type: Softmax}` reads the wrong blob. Remedy: `bottom: [fc, label]`, with the
scores; keep the Softmax beside it, `include: test`, if its probabilities are wanted.""",
    ),
    Code(
        "W129",
        "as many scores as classes",
        """A classifier has another number of scores than the data has classes.

With `num_output: 5` on ten classes the first label of 5 or above ends the training; with 20 half of the scores are
never right. Remedy: `num_output: $classes`.""",
    ),
    Code(
        "W105",
        "stage that no rule names",
        """`--stage NAME` (or `stages:` of a solver file) sets a stage that no `include` or `exclude` asks for.

`stages: [agument]` changes nothing where the layers say `include: {stage: augment}`.""",
    ),
    Code(
        "W130",
        "no effect on a CPU",
        """A value of `math` that GPUs use.

`math: tf32` and `math: bf16` let a GPU round the factors of products, which its tensor cores then multiply several
times faster. On a CPU the net runs as with `math: fast`. With `--device cuda` there is no such warning.""",
    ),
    Code(
        "W131",
        "Adam without momentum",
        """Adam and AdamW keep a mean of the gradient; how much of it is kept is `momentum`, and Caffe's default is 0.

Nearly everybody means `momentum: 0.9`. A written `momentum: 0` keeps none without this warning.""",
    ),
    Code(
        "W132",
        "samples where time is due",
        """A recurrent layer runs over the first axis of its bottom, T x N x ..; here that axis counts the samples.

Every sample would be a step of one long sequence. Turn the axes with `{type: Permute, order: [1, 0]}`, or let the
input have its batch behind the time: `inputs: {x: {shape: [50, 8], batch: 1}}`.""",
    ),
)
