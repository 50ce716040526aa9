"""Whatever a file holds, `check` answers with diagnostics: mutants of a spec that uses the whole language."""

from __future__ import annotations

import random
import re

import pytest
from net_support import INPUTS, checked, spec_of

from netspec.spec.render import render

SPEC = """vars: {n: 4, k: 3, deep: true, list: [4, 8]}
inputs: {data: [3, 16, 16], label: []}
defaults: {Convolution: {kernel_size: $k, pad: 1}}
blocks:
  unit:
    params: {w: , s: 1, act: true}
    layers:
      - {name: conv, type: Convolution, num_output: $w, stride: $s}
      - {name: relu, type: ReLU, if: act}
      - {name: skip, type: Convolution, bottom: in, num_output: $w, stride: $s, kernel_size: 1, pad: 0}
      - {name: sum, type: Eltwise, bottom: [relu, skip]}
  head:
    inputs: [x, label]
    outputs: []
    layers:
      - {name: fc, type: InnerProduct, num_output: 10}
      - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label], loss_weight: 0.3}
layers:
  - {name: conv1, type: Convolution, num_output: $n}
  - {type: ReLU, top: conv1, bottom: conv1}
  - {block: unit, name: res, repeat: 2, w: $n, s: "${2 if i == 1 else 1}"}
  - {block: unit, name: "s${i}", each: {w: $list, s: [1, 2]}, if: deep}
  - {block: head, name: aux, bottom: [res, label], include: train}
  - {name: drop, type: Dropout, include: train}
  - {name: e, type: Expression, bottom: {a: res, b: res}, expr: "a * $n + b", include: test, if: false}
  - {name: pool, type: Pooling, global_pooling: true}
  - {name: fc, type: InnerProduct, num_output: 10, params: [{name: w}, {lr_mult: 2}]}
  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
  - {name: acc, type: Accuracy, bottom: [fc, label], include: test, top: [a, b]}
solver: {type: SGD, base_lr: 0.1, max_iter: 10}
"""
TOKEN = re.compile(r"[A-Za-z_0-9.$/]+|\s+|.")
POOL = (
    "0 -1 1000000 $n ${i} ${1/3} if repeat each block type name bottom top outputs inputs null [] {} true data label "
    "relu1 conv1 [a,b] {a:1} 1.5 .. in loss_weight params include test exclude share ~ ReLU Eltwise Slice Expression"
).split()


def mutant(rng: random.Random) -> str:
    """The spec with one or two of its words replaced, dropped, copied or swapped."""
    words = TOKEN.findall(SPEC)
    for _ in range(rng.randint(1, 2)):
        at, other = rng.randrange(len(words)), rng.randrange(len(words))
        match rng.randrange(4):
            case 0:
                words[at] = rng.choice(POOL)
            case 1:
                del words[at]
            case 2:
                words[at], words[other] = words[other], words[at]
            case _:
                words.insert(at, words[other])
    return "".join(words)


def test_the_spec_itself_is_right():
    assert checked(SPEC).diagnostics == []


@pytest.mark.parametrize("seed", range(10))
def test_a_mutant_is_answered_with_diagnostics_or_expands_to_itself(seed):
    rng = random.Random(seed)
    for _ in range(25):
        result = checked(mutant(rng))
        assert render(result.diagnostics, result.sources) or result.ok
        if result.ok:
            assert result.spec is not None
            flat = result.spec.resolved()
            assert spec_of(flat).resolved() == flat


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ("  - {block: {a: 1}, name: x}\n", "E226"),
        ("  - {block: [a], name: x}\n", "E226"),
        ("  - {block: , name: x}\n", "E226"),
        ("  - {type: {a: 1}, name: x}\n", "E503"),
        ("  - {type: ReLU, name: {a: 1}}\n", "E221"),
        ("  - {type: ReLU, name: [x]}\n", "E221"),
        ("  - {type: ReLU, name: x, bottom: {a: {b: c}}}\n", "E221"),
        ("  - {type: ReLU, name: x, bottom: [[data]]}\n", "E221"),
        ("  - {type: ReLU, name: x, top: }\n", "E221"),
        ("  - {type: ReLU, name: x, repeat: [3]}\n", "E220"),
        ("  - {type: ReLU, name: x, repeat: true}\n", "E220"),
        ("  - {type: ReLU, name: x, if: [true]}\n", "E219"),
        ("  - {type: ReLU, name: x, if: }\n", "E219"),
        ("  - {type: Recurrent, block: b, name: x}\n", "E226"),
        ("  - {type: Recurrent, name: x}\n", "E215"),
        ("  - 3\n", "E212"),
        ("  - [a]\n", "E212"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_diagnostic(layers, code):
    codes = [d.code for d in checked(INPUTS + "layers:\n" + layers).diagnostics]
    assert code in codes


def test_lists_that_grow_through_arguments_are_refused():
    inner = "".join(
        f"  b{n}: {{params: {{x: }}, layers: [{{block: b{n + 1}, name: y, x: [$x, $x, $x, $x]}}]}}\n" for n in range(20)
    )
    text = (
        INPUTS
        + "blocks:\n"
        + inner
        + "  b20: {params: {x: }, layers: [{name: r, type: ReLU, if: len(x) > 0}]}\n"
        + ("layers:\n  - {block: b0, name: z, x: 1}\n")
    )
    assert [d.code for d in checked(text).diagnostics] == ["E218"]


def test_code_in_every_place_is_text_or_a_diagnostic(tmp_path):
    evil = "__import__('os').system('touch " + str(tmp_path / "evil") + "')"
    text = (
        f'name: "{evil}"\nvars: {{a: "{evil}", b: "${{{evil}}}"}}\n'
        + INPUTS
        + (
            f'layers:\n  - {{name: r, type: ReLU, if: "{evil}"}}\n'
            f'  - {{name: e, type: Expression, bottom: data, expr: "{evil}"}}\n'
        )
    )
    assert {d.code for d in checked(text).errors} == {"E201", "E520"}
    assert list(tmp_path.iterdir()) == []
