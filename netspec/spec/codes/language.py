"""E2xx: variables, expressions, blocks, overrides. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E201",
        "expression cannot be read",
        """\
What stands in `${..}` is no expression. The grammar: `or and not`, comparisons, `+ - * / // %`, `a if c else b`,
numbers, true, false, quoted texts (== and != only), `m[key]` on mappings, and the functions
min max abs floor ceil round sqrt log2 len. It is parsed, never run; there is no `**`, no `&&`, no other function.

    width: "${base ** 2}"
Remedy: width: "${base * base}".""",
    ),
    Code(
        "E202",
        "unknown variable",
        """\
An expression reads a name that is no variable there. Variables are those of `vars`, the parameters of the block
around, the keys of `each`, `i` (the turn of a `repeat` or `each`), and what the data source declares (`classes`).

    vars: {width: 64}
    layers:
      - {name: fc, type: InnerProduct, num_output: $widht}
Remedy: num_output: $width. A text that is meant to hold a dollar sign writes `$$`.""",
    ),
    Code(
        "E203",
        "wrong kind of value in an expression",
        """\
An operator or function got a value it does not work on: arithmetic wants numbers, `and or not if` want true or
false, texts know == and != only, `m[key]` wants a mapping (lists are walked by `each`), `len` a list or mapping.

    pad: "${kernel_size}"     with  vars: {kernel_size: "3"}    and then  "${kernel_size - 1}"
Remedy: write the variable as a number, without quotes.""",
    ),
    Code(
        "E204",
        "number too large",
        """\
Numbers in expressions stay below 2^63; no size, count or rate is larger, and a product of products would otherwise
grow until the machine stops.

    num_output: "${4000000000 * 4000000000}"
Remedy: look for a factor too many.""",
    ),
    Code(
        "E205",
        "division by zero",
        """`/`, `//` or `%` by a value that is 0.

    repeat: "${(depth - 2) / n}"     with  vars: {n: 0}
Remedy: change the variable, or guard it: "${(depth - 2) / n if n > 0 else 0}".""",
    ),
    Code(
        "E206",
        "not a whole number",
        """\
A whole number is due (a count, a size, a `repeat`), and the value is another one. `/` is exact, it never rounds.

    vars: {depth: 21}
    repeat: "${(depth - 2) / 6}"     repeat: (depth - 2) / 6 = 3.167 (depth = 21) is not a whole number
Remedy: change the variable (depth: 20), or say how to round: `//`, `floor`, `ceil`, `round`.""",
    ),
    Code(
        "E207",
        "expression too long or too deep",
        """An expression has at most 1,000 characters, 32 brackets within brackets and 100 operations above one another.

Remedy: compute parts of it under `vars`.""",
    ),
    Code(
        "E208",
        "lone dollar sign",
        """A dollar sign starts a variable (`$name`) or an expression (`${..}`); this one starts neither.

    name: "net for 5 $"
Remedy: `$$` is a dollar sign.""",
    ),
    Code(
        "E209",
        "no such key",
        """`m[key]` asks a mapping for a key that it does not have.

    vars: {depth: 34, units: {50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}}
    each: {n: "${units[depth]}"}
Remedy: add the key to the mapping, or choose one of those the hint lists.""",
    ),
    Code(
        "E210",
        "unknown key at the top",
        """The top of a spec has `name`, `extends` with `remove` and `change`, `data` or `inputs`, `vars`, `defaults`,
`blocks`, `layers`, `weights`, `solver`, `sample`, `math`, `memory`.

`layer:` in place of `layers:` is such a key; the nearest name is suggested.""",
    ),
    Code(
        "E211",
        "not supported yet",
        """Caffe has it, this version does not: layers written in Python, data bases of other programs.

    - {name: own, type: Python, module: own_layers}
The help line says what to write instead, if anything does the same.""",
    ),
    Code(
        "E212",
        "wrong kind of section",
        """A section is a list where a mapping is due, or the other way round.

`layers: {conv1: ..}` should be a list: `layers:` and then `- {name: conv1, ..}`.""",
    ),
    Code(
        "E213",
        "variables need each other",
        """The values of variables lead back to themselves.

`vars: {a: $b, b: $a}`. Give one of them a value of its own.""",
    ),
    Code(
        "E214",
        "no name for a variable",
        """Variables and parameters are letters, digits and `_`, and no word of expressions.

`vars: {in-size: 3}` would read as `in - size`; write `in_size`.""",
    ),
    Code(
        "E215",
        "neither a layer nor a block",
        """An entry of `layers` has a `type` or a `block`, one of the two.

`{name: conv1, num_output: 20}` lacks `type: Convolution`.""",
    ),
    Code(
        "E216",
        "block contains itself",
        """The layers of a block lead back to the block.

`blocks: {a: {layers: [{block: a, name: x}]}}` would never end. Use `repeat` for repetition.""",
    ),
    Code(
        "E217",
        "too many layers",
        """A net has at most 50,000 layers after `repeat` and blocks.

`repeat: 1000000000` is refused before anything is made.""",
    ),
    Code(
        "E218",
        "value too large",
        """A value of an expression has more parts or characters than a spec may need.

Lists that hold lists that hold lists grow tenfold with every line.""",
    ),
    Code(
        "E219",
        "condition is not true or false",
        """`if` must come out a boolean.

`if: $stride` is a number; write `if: stride > 1`.""",
    ),
    Code(
        "E220",
        "repeat is no count",
        """`repeat` is a whole number from 0.

`repeat: -1` and `repeat: two` are refused; 0 makes the entry a wire.""",
    ),
    Code(
        "E221",
        "no name for a layer or blob",
        """Names are letters, digits, `_`, `-`, with `/` between them.

`name: conv.1` is refused because `--set layers.conv.1.pad=1` could not be told apart. Write `conv_1`.""",
    ),
    Code(
        "E222",
        "no layers",
        """A spec, and every block, has a list of `layers`.

A spec that only sets a solver names its net with `net: lenet.yaml`; any other has `layers:`.""",
    ),
    Code(
        "E223",
        "parameter has the name of a key",
        """A block's parameter may not be called like a key every entry has.

`params: {name: }` could not be told from the instance's own `name`.""",
    ),
    Code(
        "E224",
        "name is missing",
        """Layers with parameters and block instances need a name.

A `ReLU` may go unnamed (it becomes `relu1`), a `Convolution` not: its weights are found by its name.""",
    ),
    Code(
        "E225",
        "each cannot be walked",
        """`each` is a mapping of keys to lists of one length, each of which it sets on the entry.

`each: {width: [64, 128], stride: [1]}` has lists of 2 and 1. A key the entry itself has, and `repeat`
on the same entry, are refused too.""",
    ),
    Code(
        "E226",
        "unknown block",
        """`block: NAME` names an entry of `blocks`.

`{block: bottelneck, name: res2}` means `bottleneck`: the hint gives the nearest name.""",
    ),
    Code(
        "E227",
        "argument the block does not have",
        """An instance gives a block's `params` their values; this key is none of them.

`{block: unit, name: a, widht: 32}`: did you mean `width`?""",
    ),
    Code(
        "E228",
        "argument is missing",
        """A parameter without a default needs a value in every instance.

`params: {width: }` and `{block: unit, name: a}`: add `width: 32`.""",
    ),
    Code(
        "E230",
        "include and exclude",
        """An entry has one of the two.

`include` names where it is, `exclude` where it is not.""",
    ),
    Code(
        "E231",
        "not a rule",
        """`include`, `exclude` and `stages` take phases and stages.

`include: training` should be `include: train`; a stage is written `{stage: NAME}`.""",
    ),
    Code(
        "E232",
        "override fits nowhere",
        """The key of `--set` (or of a solver file's `set:`) leads to nothing in the spec.

`--set layers.conv9.num_output=3` needs a layer called `conv9`; `--set vars.depht=20` a variable.""",
    ),
    Code(
        "E270",
        "states of a block over time",
        """Each state of a Recurrent is an input of its block, and says what it becomes.

`state: {h: new}`: `h` is at the next step what `new` is at this one. The long form is
`state: {h: {next: new, shape: [128], init: 0}}`, the shape without the batch; `state: [h]` takes the block's first
`outputs`.""",
    ),
    Code(
        "E271",
        "loss inside a block over time",
        """A loss or metric inside the block of a Recurrent would be computed once a step.

Make what it reads one of the block's `outputs`; the Recurrent's top holds them for all steps, and a loss or metric
behind it (with `axis: 2`) reads them together.""",
    ),
)
