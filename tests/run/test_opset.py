"""opsets(): what the onnx package says, from the bytes alone."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.errors import SolutionError
from objectif.run.opset import opsets


def test_it_agrees_with_the_onnx_package() -> None:
    onnx = pytest.importorskip("onnx")
    made = [onnx.helper.make_opsetid("", 300), onnx.helper.make_opsetid("com.microsoft", 1)]
    graph = onnx.helper.make_graph([], "g", [], [])
    model = onnx.helper.make_model(graph, opset_imports=made)
    assert opsets(model.SerializeToString()) == {"": 300, "com.microsoft": 1}


def test_bytes_of_any_kind_end_in_a_value_or_a_solution_error() -> None:
    random = np.random.default_rng(0)
    refused = 0
    for length in range(200):
        try:
            opsets(random.bytes(length))
        except SolutionError:
            refused += 1
    assert refused > 100
