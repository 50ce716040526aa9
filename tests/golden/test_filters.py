"""The zoo's `filters`: fixed kernels as convolutions give what SciPy gives."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from scipy.ndimage import convolve

import netspec
from netspec import zoo

pytest.importorskip("PIL")

KERNELS = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "edges_diagonal": [[1, 0, -1], [0, 0, 0], [-1, 0, 1]],
    "edges_four": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "edges_eight": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "box_blur": np.ones((3, 3)) / 9,
    "gaussian_blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
}


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_filters_give_what_scipy_gives(device):
    with closing(netspec.compile(zoo.find("filters"), "test", device=device, keep=("picture",))) as net:
        tops = net.forward()
        picture = net.blobs["picture"][0, 0].astype(np.float64)
    assert 0 <= picture.min() < picture.max() <= 1
    found = {name.partition("/")[0]: top[0, 0] for name, top in tops.items()}
    assert found.keys() == KERNELS.keys()
    for name, kernel in KERNELS.items():
        # these kernels are their own mirror images, so convolution and correlation are one
        expected = convolve(picture, np.array(kernel, float), mode="constant")
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-6, err_msg=name)
