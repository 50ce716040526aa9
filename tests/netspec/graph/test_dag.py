from __future__ import annotations

import networkx
from net_support import INPUTS, checked, found, layers

LOSS = "name: fc, type: InnerProduct, num_output: 10\nname: loss, type: SoftmaxWithLoss, bottom: [fc, label]"


def test_the_dag_holds_layers_and_the_blobs_between_them():
    net = layers("name: a, type: ReLU\nname: s, type: Slice, top: [x, y, z]\nname: e, type: Eltwise, bottom: [x, y]")
    assert isinstance(net.dag, networkx.DiGraph)
    assert list(net.dag.edges(data="blobs")) == [("a", "s", ["a"]), ("s", "e", ["x", "y"])]
    assert net.dag.nodes["e"]["node"] is net.by_name["e"]
    assert net.makers["y"].name == "s"


def test_outputs_are_the_tops_that_nothing_reads():
    net = layers(LOSS + "\nname: prob, type: Softmax, bottom: fc\nname: s, type: Slice, bottom: data, top: [x, y, z]")
    assert net.outputs == ("loss", "prob", "x", "y", "z")


def test_a_blob_remade_in_place_is_one_output():
    net = layers("name: a, type: ReLU\nname: b, type: ReLU, bottom: a, top: a")
    assert net.outputs == ("a#2",)


def test_a_cycle_is_told_with_its_path_and_a_second_one_too():
    text = INPUTS + "layers:\n" + "".join(
        f"  - {{name: {n}, type: Eltwise, bottom: [data, {b}]}}\n" for n, b in ("ac", "ba", "cb", "de", "ed")
    )  # fmt: skip
    assert found(text) == [
        "3 E303 the layers a -> b -> c -> a need each other",
        "6 E303 the layers d -> e -> d need each other",
    ]


def test_a_long_cycle_is_cut():
    text = INPUTS + "layers:\n" + "".join(
        f"  - {{name: a{n}, type: Eltwise, bottom: [data, a{(n - 1) % 20}]}}\n" for n in range(20)
    )  # fmt: skip
    (item,) = checked(text).diagnostics
    assert item.message == "the layers a0 -> a1 -> a2 -> a3 -> .. -> a17 -> a18 -> a19 -> a0 need each other"
    assert len(item.related) == 6


def dead(entries: str) -> list[str]:
    text = INPUTS + "layers:\n" + "".join(f"  - {{{line}}}\n" for line in entries.split("\n"))
    return [f"{d.layer}: {d.message}" for d in checked(text).diagnostics]


def test_a_layer_that_leads_to_no_loss_is_a_warning():
    assert dead(
        "name: a, type: ReLU\nname: b, type: ReLU\nname: c, type: ReLU\n" + LOSS.replace("fc,", "fc, bottom: data,", 1)
    ) == [
        "c: `c` leads to no loss in training (nor do the 2 layers that lead only to it): "
        "computed for nothing, and nothing in it learns"
    ]


def test_what_a_test_needs_what_is_reported_and_nets_without_a_loss_are_not_dead():
    assert dead(LOSS + "\nname: prob, type: Softmax, bottom: fc, include: test") == []
    assert (
        dead(LOSS + "\nname: acc, type: Accuracy, bottom: [fc, label]\nname: norm, type: Reduction, bottom: data") == []
    )
    assert dead("name: a, type: ReLU\nname: b, type: ReLU, bottom: data") == []


def test_a_loss_that_is_only_reported_keeps_its_layers_alive():
    assert dead(LOSS + "\nname: e, type: EuclideanLoss, bottom: [fc, fc], loss_weight: 0") == []
