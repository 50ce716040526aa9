"""The example of each layer's page is checked, compiled and run."""

from __future__ import annotations

import jsonschema
import numpy as np
import pytest
import yaml

import netspec
import netspec.layers  # (registers them)
from netspec.labels import label_ranges
from netspec.spec.example import BATCH, example_spec
from netspec.spec.registry import LAYERS
from netspec.spec.schema import spec_schema

WITH_EXAMPLE = [cls for cls in LAYERS if example_spec(cls) is not None]
each = pytest.mark.parametrize("cls", WITH_EXAMPLE, ids=lambda cls: cls.type_name)


def written(cls, folder):
    path = folder / "example.yaml"
    path.write_text(example_spec(cls), encoding="utf-8")
    return path


def feeds(net):
    """A batch of numbers in (0, 1), and of labels where labels are read."""
    random = np.random.default_rng(0)
    classes = {label.name: label.classes for label in label_ranges(net.resolved)}
    return {
        name: random.integers(0, classes[name], view.shape) if name in classes else random.uniform(0, 1, view.shape)
        for name, view in net.plan.inputs.items()
    }


@each
def test_examples_check_clean(cls, tmp_path):
    assert [str(d) for d in netspec.check(written(cls, tmp_path)).diagnostics] == []


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(spec_schema())


@each
def test_examples_fit_the_schema_that_editors_use(cls, validator):
    document = yaml.safe_load(example_spec(cls))
    assert [error.message for error in validator.iter_errors(document)] == []


@each
@pytest.mark.parametrize("phase", ["train", "test"])
def test_examples_compute_finite_numbers(cls, phase, tmp_path):
    net = netspec.compile(written(cls, tmp_path), phase, BATCH, device="reference")
    tops = net.forward(**feeds(net))
    assert [name for name, top in tops.items() if not np.isfinite(top).all()] == []
    assert cls.type_name in {node.type for node in net.resolved.nodes}


@each
def test_examples_have_finite_gradients(cls, tmp_path):
    path = written(cls, tmp_path)
    last = netspec.compile(path, "train", BATCH, device="reference").resolved.nodes[-1]
    if not any(last.loss_weights or ()) and last.tops:
        entry = f"  - {{name: sum_of_all, type: Reduction, bottom: {last.tops[0]}, loss_weight: 1}}\n"
        path.write_text(example_spec(cls) + entry, encoding="utf-8")
    net = netspec.compile(path, "train", BATCH, device="reference", keep="all")
    net.forward(**feeds(net))
    net.backward()
    found = {**net.blob_grads, **net.param_grads}
    assert [name for name, gradient in found.items() if not np.isfinite(gradient).all()] == []
    differentiable = not cls.is_metric and "None" not in section(cls, "Gradient")
    assert differentiable <= bool(found), f"{cls.type_name} passes no gradient on"


def section(cls, name):
    """The lines of a section of a docstring."""
    _, _, behind = (cls.__doc__ or "").partition(f"\n    {name}\n")
    return behind.split("\n    S", 1)[0]


def test_every_layer_has_an_example():
    without = [cls.type_name for cls in LAYERS if cls not in WITH_EXAMPLE]
    assert without == []
