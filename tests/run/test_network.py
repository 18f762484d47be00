"""Network: the contract is checked when a graph is opened, and batches of any kind go through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from objectif.errors import SolutionError
from objectif.run.network import Network
from objectif.solution.file import Solution

Make = Callable[..., Solution]
IMAGES = np.random.default_rng(3).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_outputs_are_those_of_the_contract(colours: Make) -> None:
    found = Network(colours().networks["fp32"], threads=1).outputs(IMAGES)
    means = IMAGES.reshape(5, -1, 3).mean(1) / 255
    np.testing.assert_allclose(found["embedding"], means, rtol=1e-5)
    np.testing.assert_allclose(found["scores"], 12 * means, rtol=1e-5)
    assert found["map"].shape == (5, 4, 4, 3)


def test_bytes_and_a_file_are_the_same(colours: Make, tmp_path: Path) -> None:
    onnx = colours().networks["fp32"]
    (tmp_path / "n.onnx").write_bytes(onnx)
    np.testing.assert_array_equal(Network(onnx).scores(IMAGES), Network(tmp_path / "n.onnx").scores(IMAGES))


def test_levels_between_whole_numbers_are_rounded_for_a_network_of_bytes(colours: Make) -> None:
    network = Network(colours().networks["fp32"])
    real = IMAGES.astype(np.float32) + np.float32(0.3)
    np.testing.assert_array_equal(network.scores(real.clip(0, 255)), network.scores(IMAGES))
    np.testing.assert_array_equal(network.scores(IMAGES[:, ::-1]), network.scores(IMAGES[:, ::-1].copy()))


def test_many_threads_may_call_one_network(colours: Make) -> None:
    network, wrong = Network(colours().networks["fp32"], threads=1), []
    expected = network.scores(IMAGES)

    def call() -> None:
        wrong.extend(not np.array_equal(network.scores(IMAGES), expected) for _ in range(50))

    threads = [Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 200
    assert not any(wrong)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    for bad in (b"", b"hello", tmp_path / "missing.onnx"):
        with pytest.raises(SolutionError, match="cannot be opened"):
            Network(bad)


def test_other_inputs_and_missing_outputs_are_refused(colours: Make) -> None:
    onnx = colours().networks["fp32"]
    with pytest.raises(SolutionError, match="expected one input 'image'"):
        Network(onnx.replace(b"image", b"imagE"))
    with pytest.raises(SolutionError, match="expected scores too"):
        Network(onnx.replace(b"scores", b"scoreZ"))
    assert "scoreZ" in Network(onnx.replace(b"scores", b"scoreZ"), needs=("embedding",)).names


def test_a_batch_of_another_shape_is_refused(colours: Make) -> None:
    with pytest.raises(SolutionError, match=r"shape \(1, 9, 8, 3\)"):
        Network(colours().networks["fp32"]).scores(np.zeros((1, 9, 8, 3), np.uint8))
