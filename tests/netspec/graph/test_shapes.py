from __future__ import annotations

from net_support import INPUTS, checked, layers


def test_shapes_follow_the_batch():
    net = layers("name: c, type: Convolution, num_output: 4, kernel_size: 3\nname: f, type: Flatten").spec.net(
        "train", 5
    )
    assert net.shapes == {"data": (5, 3, 32, 32), "label": (5,), "c": (5, 4, 30, 30), "f": (5, 3600)}


def item_of(entries: str):
    text = INPUTS + "layers:\n" + "".join(f"  - {{{line}}}\n" for line in entries.split("\n"))
    (item,) = checked(text).diagnostics
    return item


def test_a_shape_that_does_not_fit_tells_the_chain_that_led_there():
    item = item_of(
        "name: c1, type: Convolution, num_output: 4, kernel_size: 29\nname: r, type: ReLU\n"
        "name: c2, type: Convolution, num_output: 4, kernel_size: 7"
    )
    assert item.message == "`c2` (Convolution): the output would have -2 rows: (4 - 7 + 0)/1 + 1 = -2"
    assert item.notes == (
        "`r` is 1 x 4 x 4 x 4: data 1 x 3 x 32 x 32 -> c1 (Convolution) 1 x 4 x 4 x 4 -> r (ReLU) 1 x 4 x 4 x 4",
    )


def test_branches_are_told_from_where_they_part():
    item = item_of(
        "name: r0, type: ReLU\nname: r1, type: ReLU\nname: a, type: Pooling, kernel_size: 2, stride: 2\n"
        "name: b, type: Sigmoid, bottom: r1\nname: s, type: Eltwise, bottom: [a, b]"
    )
    assert item.notes == (
        "`a` is 1 x 3 x 16 x 16: r1 (ReLU) 1 x 3 x 32 x 32 -> a (Pooling) 1 x 3 x 16 x 16",
        "`b` is 1 x 3 x 32 x 32: r1 (ReLU) 1 x 3 x 32 x 32 -> b (Sigmoid) 1 x 3 x 32 x 32",
    )


def test_a_long_chain_is_cut():
    item = item_of("type: ReLU, name: r, repeat: 50\nname: c, type: Convolution, num_output: 1, kernel_size: 33")
    (note,) = item.notes
    assert note.count("->") == 6
    assert note.startswith("`r/50` is 1 x 3 x 32 x 32: data 1 x 3 x 32 x 32 -> .. -> r/46 ")


def test_one_mistake_does_not_hide_another_branch():
    text = INPUTS + (
        "layers:\n  - {name: a, type: Convolution, num_output: 1, kernel_size: 40}\n  - {name: b, type: ReLU}\n"
        "  - {name: c, type: Convolution, bottom: data, num_output: 1, kernel_size: 50}\n"
    )
    assert [d.mark.line for d in checked(text).errors] == [3, 5]


def test_losses_check_their_labels():
    item = item_of("name: c, type: Convolution, num_output: 4, kernel_size: 3\n"
                   "name: l, type: SoftmaxWithLoss, bottom: [c, label]")  # fmt: skip
    assert item.code == "E416"


def test_the_lecture_s_seven_by_seven():
    for stride, size in ((1, 5), (2, 3)):
        net = layers(f"name: c, type: Convolution, num_output: 1, kernel_size: 3, stride: {stride}",
                     head="inputs: {data: [1, 7, 7]}\n")  # fmt: skip
        assert net.shapes["c"] == (1, 1, size, size)
        assert net.spec.diagnostics.items == []
    text = (
        "inputs: {data: [1, 7, 7]}\nlayers:\n"
        "  - {name: c, type: Convolution, num_output: 1, kernel_size: 3, stride: 3%s}\n"
    )
    (item,) = checked(text % "").diagnostics
    assert (item.severity, item.hint) == ("warning", "pad 1 or stride 2 fits")
    assert "does not fit: (7 - 3 + 0)/3 + 1 = 2.33; the last 1 of 7 columns is never seen" in item.message
    assert checked(text % ", round: floor").diagnostics == []
    assert [d.severity for d in checked(text % ", round: exact").diagnostics] == ["error"]
    assert not checked(text % "", strict=True).ok
