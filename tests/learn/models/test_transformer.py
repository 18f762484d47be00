"""Detectors of the transformers library: tiny checkpoints with random weights keep a Learner's contract and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from objectif.errors import PluginError, TrialError
from objectif.learn.export.whole import export_whole
from objectif.learn.losses.base import Batch
from objectif.learn.models import find, find_learner, find_model
from objectif.learn.models.detect.transformer import FAMILIES, Queries, _normalisation, _targets
from objectif.learn.testing_learner import learner_steps
from objectif.run.network import Network

TRUNK = {"embedding_size": 8, "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1], "layer_type": "basic"}
ATTENTION = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "num_queries": 12,
}
HYBRID = {
    **ATTENTION,
    "encoder_hidden_dim": 16,
    "encoder_in_channels": [16, 16, 16],
    "decoder_in_channels": [16, 16, 16],
    "num_denoising": 4,
    "anchor_image_size": [64, 64],
}
STAGES = ["stage2", "stage3", "stage4"]


def config(family: str) -> Any:
    if family == "yolos":
        sizes = {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "image_size": [64, 64],
            "num_detection_tokens": 12,
        }
        return transformers.YolosConfig(**sizes)
    if family in ("detr", "conditional_detr"):
        kind = {"detr": transformers.DetrConfig, "conditional_detr": transformers.ConditionalDetrConfig}[
            family
        ]
        trunk = transformers.ResNetConfig(**TRUNK, out_features=["stage4"])
        return kind(use_timm_backbone=False, backbone=None, backbone_config=trunk, **ATTENTION)
    if family == "d_fine":
        trunk = transformers.HGNetV2Config(
            stem_channels=[3, 8, 8],
            hidden_sizes=[8, 16, 16, 16],
            stage_in_channels=[8, 8, 16, 16],
            stage_mid_channels=[8, 8, 8, 8],
            stage_out_channels=[8, 16, 16, 16],
            stage_num_blocks=[1, 1, 1, 1],
            stage_numb_of_layers=[1, 1, 1, 1],
            out_features=STAGES,
        )
        return transformers.DFineConfig(
            backbone_config=trunk, depth_mult=0.34, hidden_expansion=0.5, **HYBRID
        )
    trunk = transformers.RTDetrResNetConfig(**TRUNK, out_features=STAGES)
    kind = {"rt_detr": transformers.RTDetrConfig, "rt_detr_v2": transformers.RTDetrV2Config}[family]
    return kind(backbone_config=trunk, **HYBRID)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Family -> name of a checkpoint of three classes, whose layers pass on what they get."""
    found = {}
    for family in FAMILIES:
        folder = tmp_path_factory.mktemp(family)
        torch.manual_seed(0)
        network = transformers.AutoModelForObjectDetection.from_config(config(family))
        for parameter in network.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=1.5 / np.sqrt(parameter[0].numel()))
        network.save_pretrained(folder)
        (folder / "README.md").write_text("---\nlicense: mit\n---\n")
        found[family] = f"hub:{folder}"
    return found


@pytest.mark.parametrize("family", ["yolos", "rt_detr"])
def test_a_local_checkpoint_keeps_the_contract(family: str, checkpoints: dict[str, str]) -> None:
    learner = find_learner(checkpoints[family])
    assert (learner.licence, learner.losses) == ("mit", ())
    assert "mit" in learner.note
    for name, work, _ in learner_steps(learner, checkpoints[family]):
        try:
            work()
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error


@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("yolos", "rt_detr")])
def test_every_family_learns_from_odd_batches_and_exports(family: str, checkpoints: dict[str, str]) -> None:
    torch.manual_seed(0)
    network = find_learner(checkpoints[family]).build(3, 2)
    image = torch.randint(0, 256, (3, 64, 96, 3), dtype=torch.uint8)
    truth = torch.zeros(3, 2, 6)
    truth[..., 4] = -1
    truth[0, 0] = torch.tensor([4.0, 8, 40, 60, 1, 0])
    for rows in (slice(0, 3), slice(1, 2)):
        value = network.train().objective(image[rows], truth[rows], (), Batch(torch.ones(3), torch.ones(2)))
        assert value.ndim == 0 and bool(torch.isfinite(value))
        value.backward()
    runner = Network(export_whole(network, (64, 96)), threads=1, needs=network.outputs)
    with torch.inference_mode():
        expected = network.eval()(image)
    for count in (1, 3):
        met = runner.outputs(image[:count].numpy())
        for name, value in zip(network.outputs, expected, strict=True):
            np.testing.assert_allclose(met[name], value[:count].numpy(), rtol=1e-3, atol=1e-3)
    assert met["boxes"].shape == (3, 12, 4) and met["scores"].shape == (3, 12, 2)


def test_the_trunk_moves_slower_than_the_rest(checkpoints: dict[str, str]) -> None:
    for family, slow in (("rt_detr", 0.1), ("yolos", 0.25)):
        network = find_learner(checkpoints[family]).build(3, 2)
        assert {group["lr"] for group in network.rates()} == {slow, 1.0}


# --- what is asked for, and how images are seen --------------------------------------------------------------------


def test_targets_are_parts_of_the_image_without_what_is_to_be_ignored() -> None:
    rows = torch.tensor(
        [[10.0, 20, 30, 60, 1, 0], [0, 0, 50, 50, 0, 1], [0, 0, 0, 0, -1, 0], [90, 0, 120, 80, 0, 0]]
    )
    told = _targets(rows, 80, 100)
    assert told["class_labels"].tolist() == [1, 0]
    np.testing.assert_allclose(told["boxes"], [[0.2, 0.5, 0.2, 0.5], [0.95, 0.5, 0.1, 1.0]], rtol=1e-6)


class Echo(torch.nn.Module):
    """Answers one centred box half as large as the image, and gives its pixels away."""

    def __init__(self, logits: int) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, pixel_values: Any, labels: Any = None) -> Any:
        if labels is not None:
            raise ValueError("boxes1 must be in corner format")
        n = len(pixel_values)
        box, logits = torch.tensor([0.5, 0.5, 0.5, 0.5]), torch.arange(float(self.logits))
        made = {"pred_boxes": box.expand(n, 1, 4), "logits": logits.expand(n, 1, self.logits)}
        return transformers.utils.ModelOutput(**made, last_hidden_state=pixel_values)


@pytest.mark.parametrize(("logits", "scores"), [(2, [0.5, 0.7311]), (3, [0.0900, 0.2447])])
def test_scores_are_without_a_place_for_nothing_and_boxes_in_pixels(logits: int, scores: list[float]) -> None:
    shift, spread = _normalisation({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}, "yolos")
    network = Queries(Echo(logits), 2, shift, spread)
    boxes, met, embedding = network(torch.full((2, 40, 80, 3), 255, dtype=torch.uint8))
    assert boxes[0].tolist() == [[20, 10, 60, 30]]
    np.testing.assert_allclose(met[0, 0], scores, atol=1e-3)
    np.testing.assert_allclose(embedding, np.full((2, 3), 2.0), rtol=1e-5)  # (1 - .5) / .25
    with pytest.raises(TrialError, match="diverged"):
        network.objective(
            torch.zeros(1, 8, 8, 3), torch.zeros(1, 1, 6), (), Batch(torch.ones(1), torch.ones(2))
        )


def test_images_are_normalised_as_the_checkpoint_says(checkpoints: dict[str, str], tmp_path: Path) -> None:
    plain = find_learner(checkpoints["rt_detr"]).build(3, 2)
    assert plain.shift.tolist() == [0, 0, 0] and plain.spread.tolist() == pytest.approx([255] * 3)
    imagenet = find_learner(checkpoints["yolos"]).build(3, 2)
    assert imagenet.shift.tolist() == pytest.approx([123.675, 116.28, 103.53])
    said = {"do_rescale": False, "do_normalize": True, "image_mean": [1.0] * 3, "image_std": [2.0] * 3}
    assert _normalisation(said, "rt_detr") == ([1.0] * 3, [2.0] * 3)
    folder = Path(checkpoints["yolos"].removeprefix("hub:"))
    try:
        (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": False}))
        assert find_learner(checkpoints["yolos"]).build(3, 2).shift.tolist() == [0, 0, 0]
    finally:
        (folder / "preprocessor_config.json").unlink()


# --- what cannot be used -------------------------------------------------------------------------------------------


def test_a_checkpoint_that_cannot_be_used_is_refused(checkpoints: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="cannot be loaded"):
        find(f"hub:{tmp_path / 'nowhere'}")
    with pytest.raises(PluginError, match="1 or 3 channels"):
        find_learner(checkpoints["yolos"]).build(4, 2)
    with pytest.raises(PluginError, match="trained as a whole"):
        find_model(checkpoints["yolos"])
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "deformable_detr", "architectures": ["DeformableDetrForObjectDetection"]})
    )
    with pytest.raises(PluginError, match="'deformable_detr', whose export was never tried"):
        find(f"hub:{tmp_path}")
    config("yolos").save_pretrained(tmp_path)
    with pytest.raises(PluginError, match="weights cannot be loaded"):
        find_learner(f"hub:{tmp_path}").build(3, 2)


def test_a_trunk_of_a_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    if transformers.utils.is_timm_available():
        pytest.skip("timm is installed")
    text = {"model_type": "detr", "architectures": ["DetrForObjectDetection"], "backbone": "resnet50"}
    (tmp_path / "config.json").write_text(json.dumps({**text, "use_timm_backbone": True}))
    assert "pip install timm" in str(find_learner(f"hub:{tmp_path}").available())
