"""Where a network has a map, the map pooled over places, and a constant, are its answer: over the registry, and for what is not in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx
from onnx import TensorProto, helper, numpy_helper

from objectif import plugins
from objectif.learn.export.join import join
from objectif.learn.export.quantise import quantise
from objectif.learn.export.scramble import scrambled
from objectif.learn.export.template import fill, template
from objectif.learn.export.whole import export_whole
from objectif.learn.fit.regress.quantity import FARTHEST, Quantity
from objectif.learn.models import find, find_model
from objectif.learn.models.base import Learner, Model, built
from objectif.learn.models.hub import Hub
from objectif.run.network import Network

MODELS = [name for name in plugins.names("models") if isinstance(find(name), Model)]
MAPPED = {"lite0", "lite0_levels", "lite0_tuned", "lite2", "lite2_levels", "mobilenet", "resnet"}


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    import os

    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def images(count: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, side // 16, side // 16, 3)).repeat(16, 1).repeat(16, 2)
    return np.clip(coarse + rng.normal(0, 20, coarse.shape), 0, 255).astype(np.uint8)


def exact(graph: bytes, batch: np.ndarray, bias: np.ndarray, name: str = "scores") -> None:
    """The mean of the map is the answer but for the bias, to a thousandth of how far answers lie apart."""
    found = Network(graph, needs=(name,)).outputs(batch)
    pooled, said = found["map"].mean((1, 2)), found[name] - bias
    assert found["map"].shape[0] == len(batch)
    np.testing.assert_allclose(pooled, said, atol=2e-3 * np.abs(said).max() + 1e-6)


def head(graph: bytes, columns: tuple[int, int | None], side: int) -> tuple[np.ndarray, np.ndarray]:
    vector = Network(graph, needs=("embedding",)).outputs(images(1, side), ("embedding",))["embedding"]
    rng = np.random.default_rng(1)
    width = vector[:, slice(*columns)].shape[1]
    return rng.normal(size=(width, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_a_map_is_exact_or_is_not_there(name: str) -> None:
    model = find_model(name)
    side = 96 if model.multiple > 1 else model.size
    graph = fill(template(model))
    weight, bias = head(graph, model.columns, side)
    joined = join(graph, weight, bias, columns=model.columns)
    assert ("map" in Network(joined).names) == (name in MAPPED)
    if name in MAPPED:
        exact(joined, images(3, side), bias)


def test_a_map_in_eight_bits_is_exact_too() -> None:
    model = find_model("lite0_levels")
    graph = fill(template(model))
    weight, bias = head(graph, model.columns, 96)
    exact(quantise(join(graph, weight, bias, columns=model.columns), images(6, 96)), images(3, 96), bias)


def test_extractors_side_by_side_have_no_map() -> None:
    model = find("lite0_levels+hog")
    assert isinstance(model, Model)
    assert model.build(3).map_width == 0


@pytest.mark.parametrize("kind", ["vit", "convolution"])
def test_networks_of_transformers_have_exact_maps(kind: str) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    if kind == "vit":
        config = transformers.ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            image_size=64,
            patch_size=16,
        )
        network = transformers.ViTModel(config, add_pooling_layer=False)
    else:
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
        )
        network = transformers.ResNetModel(config)
    features = Hub(network.eval(), [0.5] * 3, [0.2] * 3, 64).eval()
    assert features.map_width == features.width == 16
    with torch.inference_mode():
        vector, places = features(torch.from_numpy(images(2, 64)))
    assert places.shape[1] == places.shape[2] >= 4
    torch.testing.assert_close(places.mean((1, 2)), vector, rtol=1e-4, atol=1e-5)
    apart = places.std((1, 2)).mean()
    assert apart > 0, "places differ"


@pytest.mark.parametrize(("stride", "mapped"), [(8, True), (32, False)])
def test_a_foreign_network_with_a_map_of_features_has_an_exact_one(
    tmp_path: Path, stride: int, mapped: bool
) -> None:
    kernel = np.random.default_rng(0).normal(size=(5, 3, stride, stride)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "k"], ["y"], strides=[stride, stride])
    cells = 32 // stride
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5, cells, cells])],
        [numpy_helper.from_array(kernel, "k")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        tmp_path / "f.onnx",
    )
    model = find_model(f"onnx:{tmp_path / 'f.onnx'}")
    extractor = fill(template(model))
    weight, bias = head(extractor, model.columns, 32)
    joined = join(extractor, weight, bias, columns=model.columns)
    assert ("map" in Network(joined).names) == mapped, "one cell for the whole picture says nothing"
    if mapped:
        exact(joined, images(3, 32), bias)


@pytest.mark.parametrize("name", ["lite0_regress_frozen", "lite0_regress_columns", "lite0_regress_series"])
def test_the_map_of_a_number_is_the_number_but_for_what_is_known_beside_the_picture(name: str) -> None:
    learner = find(name)
    assert isinstance(learner, Learner)
    network = built(learner, 3, 1, ("day", "so_far_mean"))
    assert isinstance(network, Quantity)
    batch = images(3, 64)
    rng = np.random.default_rng(2)
    with torch.no_grad():
        seen = network.trunk(torch.from_numpy(batch))  # type: ignore[misc]
        network.shift[: network.width] = seen.mean(0)
        network.scale[: network.width] = 20.0 / seen.std(0).clamp_min(
            1e-3
        )  # many features lie beyond what is believed
        network.weight.copy_(torch.from_numpy(rng.normal(size=network.weight.shape).astype(np.float32)))
        network.unit.copy_(torch.tensor([5.0, 3.0]))
        features = network.standard(
            network.vectors(torch.from_numpy(batch), torch.zeros(3, len(network.columns)))
        )
        edge = FARTHEST * network.block[: network.width]
        assert (features[:, : network.width].abs() >= 0.999 * edge).float().mean() > 0.1
    graph = export_whole(network, (64, 64))
    runner = Network(graph, needs=("quantity", "map"))
    side = np.zeros((3, len(network.columns)), np.float32)
    found = runner.outputs(batch, columns=side if network.columns else None)
    pooled, number = found["map"].mean((1, 2))[:, 0], found["quantity"][:, 1]
    assert number.std() > 0.1
    np.testing.assert_allclose(
        pooled - pooled.mean(), number - number.mean(), atol=2e-3 * np.abs(number).max()
    )


def test_stages_and_logarithms_have_no_map() -> None:
    learner = find("lite0_regress_frozen_stages")
    assert isinstance(learner, Learner)
    assert not built(learner, 3, 4).mapped  # type: ignore[union-attr]
    number = find("lite0_regress_frozen")
    assert isinstance(number, Learner)
    network = built(number, 3, 1)
    assert network.outputs == ("quantity", "embedding", "map")
    network.reading.fill_(1)  # type: ignore[operator, union-attr]
    assert network.outputs == ("quantity", "embedding")


def test_a_scrambled_network_keeps_its_numbers_and_forgets_their_places() -> None:
    model = find_model("resnet")
    graph = fill(template(model))
    weight, bias = head(graph, model.columns, 64)
    joined = join(graph, weight, bias, columns=model.columns)
    batch = images(4, 64)
    plain = Network(joined).outputs(batch)
    for part in ("head", "network"):
        other = scrambled(joined, part, 3)  # type: ignore[arg-type]
        assert other is not None
        found = Network(other).outputs(batch)
        assert not np.allclose(found["map"], plain["map"])
        exact(other, batch, bias)
        before, after = (
            {
                t.name: np.sort(numpy_helper.to_array(t).ravel())
                for t in onnx.load_from_string(g).graph.initializer
            }
            for g in (joined, other)
        )
        assert all(np.array_equal(before[key], after[key]) for key in before)
    same = Network(scrambled(joined, "head", 3) or b"").outputs(batch)["embedding"]
    np.testing.assert_array_equal(same, plain["embedding"])
    assert scrambled(graph, "head") is None, "an extractor alone has no head"
