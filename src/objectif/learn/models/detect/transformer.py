"""hub:NAME with boxes: detectors of the transformers library that find objects by queries; for machines with a GPU.

Families whose export agrees with the network: YOLOS (Fang et al. 2021, arXiv:2106.00666), DETR (Carion et al. 2020,
arXiv:2005.12872), Conditional DETR (Meng et al. 2021, arXiv:2108.06152), RT-DETR (Zhao et al. 2024, arXiv:2304.08069), its
second version (Lv et al. 2024, arXiv:2407.17140) and D-FINE (Peng et al. 2024, arXiv:2410.13842). Others are refused by name
until somebody has tried them.

What is learned is the network's own matching loss, not one of ours: its parts belong to the family (denoised queries,
answers of every decoder layer) and cannot be exchanged one at a time. So such a Learner composes no losses. An object to be
ignored is no target; the queries that find it are not spared, since a matching loss asks something of every query.

Never part of a race unless it is named: the weights have a licence of their own and a download behind them, and a step
takes a hundred times as long as one of the small networks.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectif.errors import PluginError, TrialError
from objectif.learn.models.base import Learner, Whole
from objectif.learn.models.detect.assign import CLASS, IGNORE
from objectif.learn.models.detect.view import view
from objectif.learn.models.hub import first_line, hushed

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

FAMILIES = ("yolos", "detr", "conditional_detr", "rt_detr", "rt_detr_v2", "d_fine")
UNSCALED = ("rt_detr", "rt_detr_v2", "d_fine")
"""Families that see pixels in 0..1 where the checkpoint does not say how its images are normalised."""
SUFFIX = "ForObjectDetection"
TRUNKS = {"backbone": 0.1, "vit": 0.25}
"""Part of a parameter's name -> factor of the rate: what was learned from many images moves slowly."""
SIDES = (320, 480, 640)


class Queries(Whole):
    """network: a transformers model for object detection, with as many labels as there are `classes`.

    shift, spread: three numbers each, of the normalisation in 0..255.
    """

    outputs = ("boxes", "scores", "embedding")
    shift: Tensor
    spread: Tensor

    def __init__(self, network: Any, classes: int, shift: list[float], spread: list[float]) -> None:
        super().__init__()
        self.network = network
        self.classes = classes
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32), persistent=False)
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float32), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        found = self.network(pixel_values=self._pixels(image))
        height, width = int(image.shape[1]), int(image.shape[2])
        centre, half = found.pred_boxes[..., :2], found.pred_boxes[..., 2:] / 2
        frame = torch.tensor([width, height] * 2, dtype=centre.dtype, device=centre.device)
        boxes = torch.cat([centre - half, centre + half], -1) * frame
        return boxes, self._scores(found.logits), _embedding(found)

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        labels = [_targets(rows, image.shape[1], image.shape[2]) for rows in truth]
        try:
            value: Tensor = self.network(pixel_values=self._pixels(image), labels=labels).loss
        except ValueError as error:  # the matching refuses boxes that are not finite
            said = f"the network's own loss cannot be computed ({first_line(error)})"
            raise TrialError(f"diverged: {said}") from error
        return value.reshape(())

    def rates(self) -> list[dict[str, Any]]:
        groups: dict[tuple[float, bool], list[Tensor]] = {}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                rate = next((TRUNKS[part] for part in name.split(".") if part in TRUNKS), 1.0)
                groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
        return [
            {"params": moving, "lr": rate, "weight_decay": float(decayed)}
            for (rate, decayed), moving in groups.items()
        ]

    def counts(self, truth: NDArray[np.floating[Any]], classes: int) -> Tensor:
        """Objects of each class, without those to be ignored."""
        rows = truth.reshape(-1, truth.shape[-1])
        labels = rows[(rows[:, CLASS] >= 0) & (rows[:, IGNORE] == 0), CLASS].astype(np.int64)
        return torch.from_numpy(np.bincount(labels, minlength=classes).astype(np.float32))

    def _pixels(self, image: Tensor) -> Tensor:
        if image.shape[3] == 1:
            image = image.expand(-1, -1, -1, 3)
        return ((image.to(torch.float32) - self.shift) / self.spread).permute(0, 3, 1, 2)

    def _scores(self, logits: Tensor) -> Tensor:
        """A family either has a place for 'no object' or asks of every class by itself."""
        if logits.shape[-1] == self.classes:
            return logits.sigmoid()
        return logits.softmax(-1)[..., : self.classes]


def _embedding(found: Any) -> Tensor:
    """Mean of the encoder's last map, or of all tokens where there is no decoder."""
    seen = found.get("encoder_last_hidden_state")
    seen = found.last_hidden_state if seen is None else seen
    last = seen[-1] if isinstance(seen, list | tuple) else seen
    mean: Tensor = last.mean((2, 3)) if last.ndim == 4 else last.mean(1)
    return mean


def _targets(rows: Tensor, height: int, width: int) -> dict[str, Tensor]:
    """Objects (G,6) of one image as the library wants them: centre and sides in 0..1."""
    rows = rows[(rows[:, CLASS] >= 0) & (rows[:, IGNORE] == 0)]
    frame = torch.tensor([width, height] * 2, dtype=torch.float32, device=rows.device)
    corners = (rows[:, :4].float() / frame).clamp(0.0, 1.0)
    low, high = corners[:, :2], corners[:, 2:]
    there = (high > low).all(1)
    boxes = torch.cat([(low + high) / 2, high - low], 1)
    return {"class_labels": rows[there, CLASS].long(), "boxes": boxes[there]}


def finds_objects(config: Any) -> bool:
    """Whether a checkpoint's configuration is that of a detector."""
    names = getattr(config, "architectures", None) or ()
    return any(n.endswith(SUFFIX) for n in names) or (not names and config.model_type in FAMILIES)


def detector(name: str, place: str, config: Any, processor: dict[str, Any], licence: str) -> Learner:
    """The Learner of a checkpoint at `place`, a repository or a folder; PluginError where its family was not tried.

    processor: what its image processor's file says. licence: as its model card states.
    """
    if config.model_type not in FAMILIES:
        raise PluginError(
            f"{name} is of the family {config.model_type!r}, whose export was never tried; expected a checkpoint of "
            f"{', '.join(FAMILIES)}."
        )
    short = Path(place).name if Path(place).is_dir() else place

    def build(channels: int, classes: int) -> Whole:
        if channels not in (1, 3):
            raise PluginError(f"{name} takes 1 or 3 channels, the images have {channels}.")
        network = _load(name, place, classes)
        return Queries(network, classes, *_normalisation(processor, config.model_type))

    return Learner(
        name=name,
        approach="finetune",
        title=f"{config.model_type} {Path(place).name}, fine-tuned",
        source=f"transformers, {place}",
        licence=licence,
        task="detect",
        sizes=SIDES,
        build=build,
        view=view,
        epochs=(10, 80),
        rate=1e-4,
        decay=1e-4,
        available=lambda: _lacking(config),
        pretrained=place,
        note=f"started from {short} (licence as its model card states: {licence})",
    )


def _lacking(config: Any) -> str | None:
    """What has to be installed before the checkpoint can be loaded."""
    trunk = getattr(config, "backbone_config", None)
    if getattr(trunk, "model_type", "") == "timm_backbone" and importlib.util.find_spec("timm") is None:
        return "its trunk is one of timm: `pip install timm`, or name a checkpoint with a trunk of its own"
    return None


def _load(name: str, place: str, classes: int) -> Any:
    """The network with its weights, and a new last layer for `classes`."""
    from transformers import AutoConfig, AutoModelForObjectDetection

    try:
        with hushed():
            config = AutoConfig.from_pretrained(place, num_labels=classes, trust_remote_code=False)
            for fixed in ("anchor_image_size", "eval_size"):  # else it answers at one size alone
                if hasattr(config, fixed):
                    setattr(config, fixed, None)
            return AutoModelForObjectDetection.from_pretrained(
                place, config=config, ignore_mismatched_sizes=True, use_safetensors=True
            )
    except Exception as error:  # of the library, of the hub's and of its checks: they share no base
        raise PluginError(
            f"{name}: its weights cannot be loaded ({first_line(error)}). Expected a repository "
            "that can be reached, or a folder, with model.safetensors; download it first where the hub is out of reach."
        ) from error


def _normalisation(processor: dict[str, Any], family: str) -> tuple[list[float], list[float]]:
    """What is taken away from bytes in 0..255, and by what they are divided; ImageNet's where nothing is said."""
    scale = float(processor.get("rescale_factor") or 1 / 255) if processor.get("do_rescale", True) else 1.0
    mean, deviation = [0.0] * 3, [1.0] * 3
    if processor.get("do_normalize", family not in UNSCALED):
        mean = list(processor.get("image_mean") or [0.485, 0.456, 0.406])
        deviation = list(processor.get("image_std") or [0.229, 0.224, 0.225])
    return [m / scale for m in mean], [d / scale for d in deviation]
