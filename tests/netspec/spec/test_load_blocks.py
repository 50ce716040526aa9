"""A spec file as a block: ports, parameters, defaults, and what is left of it."""

from __future__ import annotations

import pytest

from netspec.checking import check
from netspec.spec.load import load_spec

TRUNK = """name: trunk
vars: {width: 8, twice: "${2 * width}"}
data: {source: cifar10, train: {batch_size: 7}, test: {batch_size: 5}}
defaults: {Convolution: {kernel_size: 3, num_output: $width}}
blocks:
  pair:
    params: {n: }
    layers:
      - {name: one, type: Convolution, num_output: $n}
      - {name: relu, type: ReLU}
layers:
  - {name: conv1, type: Convolution}
  - {block: pair, name: p, n: $twice}
  - {name: pool, type: Pooling, pool: AVE, global_pooling: true}
  - {name: fc, type: InnerProduct, num_output: $classes}
  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
  - {name: accuracy, type: Accuracy, bottom: [fc, label], include: test}
solver: {type: SGD, base_lr: 0.1, max_iter: 10}
weights: nowhere.safetensors
"""
HEAD = "inputs: {picture: [3, 16, 16], kind: []}\nblocks: {trunk: trunk.yaml}\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "trunk.yaml").write_text(TRUNK)
    return tmp_path / "net.yaml"


def net(path, entries, phase="train", head=HEAD, **arguments):
    path.write_text(head + "layers:\n" + "".join(f"  - {{{line.strip()}}}\n" for line in entries.strip().split("\n")))
    assert check(path, **arguments).errors == []
    return load_spec(path, **arguments).net(phase)


def test_the_data_tops_are_the_ports_and_everything_is_there(path):
    found = net(path, "block: trunk, name: x, bottom: [picture, kind]", "test")
    assert list(found.by_name) == ["x/conv1", "x/p/one", "x/p/relu", "x/pool", "x/fc", "x/loss", "x/accuracy"]
    assert found.by_name["x/loss"].bottoms == ("x/fc", "kind")
    assert found.shapes["x/p/one"] == (1, 16, 12, 12)  # its own defaults and variables
    assert found.shapes["x/fc"] == (1, 10)  # what its data declares
    assert found.spec.solver is None


def test_chaining_goes_on_from_where_the_file_ends(path):
    found = net(path, "block: trunk, name: x, bottom: [picture, kind]\nname: more, type: InnerProduct, num_output: 3")
    assert found.by_name["more"].bottoms == ("x/fc",)


def test_an_instance_sets_the_variables_of_the_file(path):
    found = net(path, "block: trunk, name: x, bottom: [picture, kind], width: 3\n"
                      "block: trunk, name: y, bottom: [picture, kind], twice: 5")  # fmt: skip
    assert [found.shapes[blob][1] for blob in ("x/conv1", "x/p/one", "y/conv1", "y/p/one")] == [3, 6, 8, 5]


def test_defaults_of_the_outer_file_stay_outside(path):
    head = HEAD + "defaults: {Convolution: {kernel_size: 5, pad: 9}}\n"
    found = net(path, "name: own, type: Convolution, num_output: 3\nblock: trunk, name: x, outputs: [pool]", head=head)
    assert [found.shapes[blob][2] for blob in ("own", "x/conv1")] == [30, 28]


def test_outputs_say_what_is_needed_and_the_rest_is_dropped(path):
    entries = "block: trunk, name: x, bottom: picture, outputs: [p/one, conv1]\nname: more, type: ReLU"
    found = net(path, entries)
    assert list(found.by_name) == ["x/conv1", "x/p/one", "more"]
    assert found.by_name["more"].bottoms == ("x/p/one",)
    assert check(path).diagnostics == []


def test_a_port_that_nothing_needed_reads_may_be_left_out(path):
    found = net(path, "block: trunk, name: x, bottom: picture, outputs: [fc]")
    assert list(found.by_name) == ["x/conv1", "x/p/one", "x/p/relu", "x/pool", "x/fc"]


def test_a_blob_named_from_outside_is_needed_too(path):
    found = net(path, "block: trunk, name: x, bottom: picture, outputs: [conv1]\nname: r, type: ReLU, bottom: x/pool")
    assert list(found.by_name) == ["x/conv1", "x/p/one", "x/p/relu", "x/pool", "r"]


def test_outputs_empty_keep_nothing(path):
    found = net(path, "block: trunk, name: x, bottom: picture, outputs: []\nname: r, type: ReLU, bottom: picture")
    assert list(found.by_name) == ["r"]


def test_layers_in_place_are_kept_as_a_whole(path):
    (path.parent / "trunk.yaml").write_text(
        "inputs: {data: [3, 8, 8]}\nlayers:\n  - {name: conv, type: Convolution, num_output: 2, kernel_size: 3}\n"
        "  - {name: relu, type: ReLU, top: conv}\n  - {name: pool, type: Pooling, kernel_size: 2, bottom: conv}\n"
    )
    found = net(path, "block: trunk, name: x, outputs: [conv]")
    assert [node.top_ids for node in found.nodes] == [("x/conv",), ("x/conv#2",)]


def test_a_block_of_the_file_may_say_what_is_needed_as_well(path):
    head = HEAD.replace("blocks: {trunk: trunk.yaml}", "blocks: {two: {layers: [{name: a, type: ReLU}, {name: b, "
                        "type: TanH}, {name: c, type: Sigmoid, bottom: a}]}}")  # fmt: skip
    found = net(path, "block: two, name: x, outputs: [c, a]", head=head)
    assert list(found.by_name) == ["x/a", "x/c"]


def test_files_may_use_files_and_drop_from_them(path):
    middle = "inputs: {in: [3, 16, 16]}\nblocks: {trunk: trunk.yaml}\nlayers:\n"
    middle += "  - {block: trunk, name: t, outputs: [fc, p]}\n  - {name: top, type: ReLU}\n"
    middle += "  - {name: side, type: ReLU, bottom: t/p}\n"
    (path.parent / "middle.yaml").write_text(middle)
    found = net(path, "block: middle, name: m, outputs: [side]", head=HEAD.replace("trunk: trunk", "middle: middle"))
    assert list(found.by_name) == ["m/t/conv1", "m/t/p/one", "m/t/p/relu", "m/side"]


def test_a_file_may_be_repeated_and_switched_off(path):
    (path.parent / "trunk.yaml").write_text(
        "inputs: {data: [3, 8, 8]}\nvars: {width: 8}\nlayers:\n"
        "  - {name: conv, type: Convolution, num_output: $width, kernel_size: 3}\n"
    )
    found = net(path, 'block: trunk, name: x, repeat: 3, width: "${2 * i}"\nblock: trunk, name: y, if: false')
    assert [found.shapes[f"x/{i}/conv"][1:] for i in (1, 2, 3)] == [(2, 14, 14), (4, 12, 12), (6, 10, 10)]
    assert found.outputs == ("x/3/conv",)


def test_factors_multiply_what_is_inside(path):
    found = net(path, "block: trunk, name: x, bottom: [picture, kind], lr_mult: 0, loss_weight: -1")
    assert (found.by_name["x/fc"].lr_mult, found.by_name["x/loss"].loss_weights) == (0, (-1,))


def test_the_name_of_a_net_of_the_zoo_is_enough(path):
    found = net(path, "block: trunk, name: x, bottom: picture, outputs: [conv3_1]",
                head=HEAD.replace("trunk.yaml", "vgg19"))  # fmt: skip
    assert len(found.nodes) == 11  # up to the third stage's first convolution, without its ReLU
    assert found.shapes["x/conv3_1"] == (1, 256, 4, 4)


def test_variables_and_blocks_of_the_outer_file_are_not_seen_inside(path):
    (path.parent / "trunk.yaml").write_text(TRUNK.replace("$classes", "$outer"))
    path.write_text(HEAD + "vars: {outer: 3}\nlayers:\n  - {block: trunk, name: x, bottom: [picture, kind]}\n")
    assert {(d.code, d.mark.file) for d in check(path).diagnostics} == {
        ("E202", str(path.parent / "trunk.yaml")),
        # E202 hides the warning that nothing uses `outer`: the name may have been meant there
    }


def test_too_many_bottoms_are_too_many(path):
    path.write_text(HEAD + "layers:\n  - {block: trunk, name: x, bottom: [picture, kind, kind]}\n")
    assert [d.code for d in check(path).errors] == ["E308"]
