from __future__ import annotations

import pytest
from net_support import layers, spec_of

from netspec.sizes import LARGEST, Run, accepted_sizes, runs, sentence, sizes_text


def answer(entries: str, size: int = 32, side: int = 0):
    net = layers(entries, head=f"inputs: {{data: [3, {size}, {size}], label: []}}\n")
    return accepted_sizes([net]).answers[side]


def test_a_net_without_products_accepts_every_size_from_the_smallest_window():
    got = answer(
        "name: c, type: Convolution, num_output: 4, kernel_size: 7\nname: p, type: Pooling, global_pooling: true"
    )
    assert got.accepted == tuple(range(7, LARGEST + 1))
    assert (got.exact, got.same_weights) == (got.accepted, got.accepted)
    assert got.refused == (
        "6 is refused: `c` (Convolution), bottom 1 x 3 x 6 x 6: the output would have 0 rows: (6 - 7 + 0)/1 + 1 = 0"
    )


def test_round_exact_leaves_the_sizes_that_the_strides_divide():
    exact = "type: Convolution, num_output: 4, kernel_size: 2, stride: 2, round: exact"
    got = answer("\n".join(f"name: c{n}, {exact}" for n in range(5)))
    assert got.accepted == tuple(range(32, LARGEST + 1, 32))
    assert sentence(got.accepted) == "32, 64, 96, .. 1024: multiples of 32"


def test_sizes_that_fit_without_a_remainder_are_told_apart():
    got = answer("name: c, type: Convolution, num_output: 4, kernel_size: 3, stride: 3", size=30)
    assert got.accepted == tuple(range(3, LARGEST + 1))
    assert got.exact == tuple(range(3, LARGEST + 1, 3))


def test_a_product_ties_trained_weights_to_a_size():
    entries = "name: p, type: Pooling, kernel_size: 4, stride: 4\nname: f, type: InnerProduct, num_output: 10"
    net = layers(entries)
    got = accepted_sizes([net])
    assert got.answers[0].same_weights == (29, 30, 31, 32)
    assert got.by_pixel == ("f",)
    assert "with weights trained at 32 x 32: 29 to 32" in got.text()


def test_skips_that_meet_again_accept_what_both_ways_make_alike():
    got = answer("name: d, type: Pooling, kernel_size: 2, stride: 2\n"
                 "name: u, type: Deconvolution, num_output: 3, kernel_size: 2, stride: 2\n"
                 "name: s, type: Eltwise, bottom: [u, data]")  # fmt: skip
    assert got.accepted == tuple(range(2, LARGEST + 1, 2))


def test_height_and_width_are_asked_apart_where_a_layer_treats_them_differently():
    net = layers("name: c, type: Convolution, num_output: 4, kernel_h: 9, kernel_w: 3")
    tall, wide = accepted_sizes([net]).answers
    assert (tall.side, tall.accepted[0], wide.side, wide.accepted[0]) == ("height", 9, "width", 3)


def test_a_label_map_follows_the_picture():
    entries = (
        "name: c, type: Convolution, num_output: 4, kernel_size: 3, pad: 1\n"
        "name: l, type: SoftmaxWithLoss, bottom: [c, map]"
    )
    net = layers(entries, head="inputs: {data: [3, 8, 8], map: [8, 8]}\n")
    assert accepted_sizes([net]).answers[0].accepted[0] == 1


def test_both_phases_must_accept():
    spec = spec_of("inputs: {data: [3, 32, 32]}\nlayers:\n"
                   "  - {name: c, type: Convolution, num_output: 4, kernel_size: 9, include: train}\n"
                   "  - {name: d, type: Convolution, bottom: data, num_output: 4, kernel_size: 5}\n")  # fmt: skip
    assert "square: every one from 9" in sizes_text(spec)


def test_the_length_of_a_series_is_asked_for():
    entry = "name: c, type: Convolution, num_output: 4, kernel_size: 5, stride: 2"
    net = layers(entry, head="inputs: {data: [3, 9]}\n")
    got = accepted_sizes([net])
    assert (got.given, [a.side for a in got.answers]) == ((9,), ["length"])
    assert got.answers[0].accepted == tuple(range(5, LARGEST + 1))
    assert got.answers[0].exact == tuple(range(5, LARGEST + 1, 2))
    assert got.text().startswith("sizes of `data` (given 9, tried up to 1024):\n  length: every one from 5\n")


def test_a_volume_is_asked_for_its_three_sides_or_as_a_cube():
    entries = "name: c, type: Convolution, num_output: 4, kernel_size: {}\nname: f, type: InnerProduct, num_output: 2"
    flat = accepted_sizes([layers(entries.format("[2, 5, 3]"), head="inputs: {data: [1, 8, 8, 8]}\n")])
    assert [(a.side, a.accepted[0]) for a in flat.answers] == [("depth", 2), ("height", 5), ("width", 3)]
    cube = accepted_sizes([layers(entries.format("3"), head="inputs: {data: [1, 8, 8, 8]}\n")])
    assert [(a.side, a.accepted[0], a.same_weights) for a in cube.answers] == [("cube", 3, (8,))]
    assert cube.by_pixel == ("f",)


def test_inputs_without_a_height_have_no_sizes():
    spec = spec_of("inputs: {data: [3]}\nlayers:\n  - {name: r, type: ReLU}\n")
    assert sizes_text(spec) == "sizes: no input has a height and a width"


def test_the_answer_as_data():
    net = layers("name: c, type: Convolution, num_output: 4, kernel_size: 2, stride: 2, round: exact")
    document = accepted_sizes([net]).to_dict()
    assert document["square"]["accepted"] == [{"first": 2, "last": 1024, "step": 2}]
    assert (document["blob"], document["given"], document["by_pixel"]) == ("data", [32, 32], [])


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([5], [Run(5, 5)]),
        ([5, 6], [Run(5, 6)]),
        ([5, 7], [Run(5, 5), Run(7, 7)]),
        ([5, 7, 9, 10, 11], [Run(5, 9, 2), Run(10, 11)]),
        ([1, 2, 3, 8, 16, 24], [Run(1, 3), Run(8, 24, 8)]),
    ],
)
def test_runs_of_equal_steps(sizes, expected):
    assert runs(sizes) == expected


def test_sizes_that_repeat_are_told_by_what_they_leave():
    sizes = [n for n in range(5, LARGEST + 1) if n % 8 in (0, 5, 6)]
    assert sentence(sizes) == "from 5, those that leave 0, 5, 6 when divided by 8"


def test_sizes_in_words():
    assert sentence([]) == "none"
    assert sentence([224]) == "224"
    assert sentence(range(35, LARGEST + 1, 32)) == "35, 67, 99, .. 995: multiples of 32 + 3"
