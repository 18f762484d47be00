"""Every extractor behind the door: traced once, filled with weights, joined to a head, it answers as torch does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from objectif import plugins
from objectif.errors import PluginError
from objectif.learn.export.cost import count
from objectif.learn.export.join import join
from objectif.learn.export.quantise import quantise, sample
from objectif.learn.export.template import fill, template, trace
from objectif.learn.models import find, find_model
from objectif.learn.models.base import Model
from objectif.run.network import Network

FIXED = [name for name in plugins.names("models") if isinstance(find(name), Model)]
MODELS = sorted({find_model(name).features: name for name in FIXED}.values())


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    import os

    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def images(count: int, side: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels)).astype(np.uint8)


@pytest.mark.parametrize("name", MODELS)
def test_the_export_answers_as_torch_does_and_so_does_the_joined_head(name: str) -> None:
    model = find_model(name)
    features = model.build(3).eval()
    batch = images(3, model.size)
    with torch.inference_mode():
        expected = features(torch.from_numpy(batch))[0].numpy()
    assert expected.shape == (3, features.width)
    graph = fill(template(model))
    found = Network(graph, needs=("embedding",)).outputs(batch)["embedding"]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
    columns = expected[:, slice(*model.columns)].shape[1]
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(columns, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    outputs = Network(join(graph, weight, bias, columns=model.columns)).outputs(batch)
    by_hand = found[:, slice(*model.columns)] @ weight + bias
    np.testing.assert_allclose(outputs["scores"], by_hand, rtol=1e-3, atol=1e-3 * np.abs(by_hand).max())
    assert ("map" in outputs) == (features.map_width > 0)
    if "map" in outputs:  # the map's mean and the bias are the scores
        part = outputs["scores"] - bias
        np.testing.assert_allclose(
            outputs["map"].mean((1, 2)), part, rtol=1e-3, atol=1e-6 + 1e-3 * np.abs(part).max()
        )


@pytest.mark.parametrize("name", [n for n in MODELS if find_model(n).multiple > 1])
def test_one_trace_serves_every_size_that_it_says(name: str) -> None:
    model = find_model(name)
    graph = fill(template(model))
    features = model.build(3).eval()
    for side in (model.multiple * 2, model.multiple * 3):
        batch = images(2, side)
        with torch.inference_mode():
            expected = features(torch.from_numpy(batch))[0].numpy()
        found = Network(graph, needs=("embedding",)).outputs(batch)["embedding"]
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


def test_other_weights_go_into_the_same_trace() -> None:
    model = find_model("resnet")
    graph = template(model)
    features = model.build(3).eval()
    with torch.no_grad():
        for parameter in features.parameters():
            parameter.mul_(1.3)
    batch = images(2, 64)
    with torch.inference_mode():
        expected = features(torch.from_numpy(batch))[0].numpy()
    found = Network(fill(graph, dict(features.state_dict())), needs=("embedding",)).outputs(batch)[
        "embedding"
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4)
    with pytest.raises(ValueError, match="no place in the graph"):
        fill(graph, {"somewhere.else": torch.zeros(3)})


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_with_other_numbers_of_bands(channels: int) -> None:
    model = find_model("lite0")
    graph = fill(template(model, channels))
    found = Network(graph, needs=("embedding",)).outputs(images(2, 64, channels))["embedding"]
    assert np.isfinite(found).all()


def test_int8_keeps_the_head_and_nearly_the_answers() -> None:
    model = find_model("lite0")
    graph = fill(template(model))
    weight = np.random.default_rng(2).normal(size=(1280, 3)).astype(np.float32)
    network = join(graph, weight, np.zeros(3, np.float32), columns=model.columns)
    batch = images(8, 96)
    small = quantise(network, batch)
    assert len(small) < 0.45 * len(network)
    exact, rough = Network(network).outputs(batch), Network(small).outputs(batch)
    assert np.corrcoef(exact["scores"].ravel(), rough["scores"].ravel())[0, 1] > 0.9
    np.testing.assert_allclose(rough["embedding"] @ weight, rough["scores"], rtol=1e-3, atol=1e-2)


def test_calibration_images_come_from_all_classes() -> None:
    truth = np.array([0] * 90 + [1] * 5 + [2] * 5)
    rows = sample(np.arange(100), truth, most=12)
    assert len(set(truth[rows])) == 3
    assert len(rows) == 12


def test_cost_counts_a_convolution_and_a_head_exactly() -> None:
    class One(torch.nn.Module):
        width, map_width = 8, 0

        def __init__(self) -> None:
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor]:
            return (self.convolution(image.float().permute(0, 3, 1, 2)).mean((2, 3)),)

    model = find_model("resnet")
    graph = fill(trace(One(), model, 3, False))  # type: ignore[arg-type]
    network = join(graph, np.zeros((8, 5), np.float32), np.zeros(5, np.float32))
    params, adds = count(network, (16, 16, 3))
    assert adds == 16 * 16 * 8 * 27 + 8 * 5
    assert params == 8 * 27 + 8 * 5 + 5


def test_a_local_onnx_file_takes_part_by_its_path(tmp_path: Path) -> None:
    class Plain(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.avg_pool2d(x, 4)

    path = tmp_path / "mine.onnx"
    torch.onnx.export(
        Plain(), (torch.zeros(1, 3, 32, 32),), str(path), dynamo=False, input_names=["x"], output_names=["y"]
    )
    model = find_model(f"onnx:{path}")
    assert model.size == 32
    batch = images(2, 32)
    found = Network(template(model), needs=("embedding",)).outputs(batch)["embedding"]
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    np.testing.assert_allclose(found, ((batch - mean) / std).mean((1, 2)), rtol=1e-3, atol=1e-4)
    assert "onnx" in model.title or model.title.startswith("mine")


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(PluginError, match=r"bad\.onnx"):
        find_model(f"onnx:{path}")
    with pytest.raises(PluginError, match="no file"):
        find_model(f"onnx:{path}.missing")


def test_a_local_checkpoint_takes_part_by_hub(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    transformers.ViTModel(config).save_pretrained(tmp_path)
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    model = find_model(f"hub:{tmp_path}")
    assert (model.licence, model.size) == ("mit", 32)
    features = model.build(3).eval()
    batch = images(2, 32)
    with torch.inference_mode():
        expected = features(torch.from_numpy(batch))[0].numpy()
    found = Network(fill(template(model)), needs=("embedding",)).outputs(batch)["embedding"]
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)
    with pytest.raises(PluginError, match="cannot be loaded"):
        find_model(f"hub:{tmp_path}/nowhere")
