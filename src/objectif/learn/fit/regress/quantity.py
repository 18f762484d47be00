"""Quantity: a trunk, what is known beside the picture, and a linear head for a number with its interval, or for stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from objectif.errors import TrialError
from objectif.learn.fit.regress.head import Joint, log_link, solve
from objectif.learn.losses.base import Batch, Loss
from objectif.learn.losses.poisson import mean_of
from objectif.learn.losses.reading import READINGS, probabilities
from objectif.learn.models.base import Whole

FARTHEST = 8.0  # spreads from the mean beyond which a feature is not believed


class Quantity(Whole):
    """Outputs `quantity` as tasks.regress has it, `embedding`, the standardised features, and `map` where it is exact.

    The map (N,h,w,1) is of a number that is linear in the trunk's vector: its mean over places, and a constant or what is
    known beside the picture, are the number. Stages and numbers whose log is linear have none.

    trunk: prepared images to vectors (N, width), None where the picture is not looked at. stages: how many, 1 for a number.
    columns: names of all side columns of the data; taken: those that are looked at. rate: of the trunk, where it learns.
    """

    def __init__(
        self,
        trunk: nn.Module | None,
        width: int,
        stages: int,
        columns: tuple[str, ...] = (),
        taken: tuple[str, ...] = (),
        rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.trunk, self.width, self.stages, self.rate = trunk, width, stages, rate
        self.columns = taken
        self.places = [columns.index(name) for name in taken]
        total = width + len(taken)
        rows = 3 if stages == 1 else stages - 1
        self.weight = nn.Parameter(torch.zeros(total, rows))
        self.bias = nn.Parameter(torch.zeros(rows))
        self.shift: Tensor
        self.scale: Tensor
        self.block: Tensor
        self.unit: Tensor
        self.widen: Tensor
        self.mass: Tensor
        self.reading: Tensor
        self.register_buffer("shift", torch.zeros(total))
        self.register_buffer("scale", torch.ones(total))
        block = [max(1, width) ** -0.5] * width + [max(1, len(taken)) ** -0.5] * len(taken)
        self.register_buffer("block", torch.tensor(block))
        self.register_buffer("unit", torch.tensor([0.0, 1.0]))  # of the numbers: their mean, their spread
        self.register_buffer("widen", torch.zeros(()))
        self.register_buffer("mass", torch.tensor(0.9))
        self.register_buffer("reading", torch.tensor(0))  # of READINGS; 1 for a number whose log is linear
        if trunk is not None and rate == 0:
            trunk.requires_grad_(False)

    @property
    def outputs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Their names; a trained network may have more than a new one."""
        return ("quantity", "embedding", "map") if self.mapped else ("quantity", "embedding")

    @property
    def mapped(self) -> bool:
        """Whether the number is a sum over places."""
        return self.stages == 1 and not int(self.reading) and hasattr(self.trunk, "placed")

    def fixed(self, image: Tensor) -> Tensor:
        """(N, width) what the trunk sees."""
        return (
            image.new_zeros((len(image), 0), dtype=torch.float32) if self.trunk is None else self.trunk(image)
        )

    def vectors(self, image: Tensor, columns: Tensor | None) -> Tensor:
        """(N, width + K) features as they are."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.rate > 0):
            seen = self.fixed(image)
        return self.beside(seen, columns)

    def beside(self, seen: Tensor, columns: Tensor | None) -> Tensor:
        """(N, width + K) what the trunk sees and what is known."""
        blocks = [seen] if self.trunk is not None else []
        if self.columns:
            assert columns is not None
            blocks.append(columns.to(torch.float32))
        return torch.cat(blocks, 1)

    def standard(self, vectors: Tensor) -> Tensor:
        """Standardised; a feature that never moved in training is 0."""
        return ((vectors - self.shift) * self.scale).clamp(-FARTHEST, FARTHEST) * self.block

    def rows(self, features: Tensor) -> Tensor:
        """(N, 3) lower, answer, upper in spreads of the numbers, or (N, S-1) of the ordinal loss."""
        weight: Tensor = self.weight
        if self.stages > 1 and READINGS[int(self.reading)] == "cumulative":
            weight = torch.cat([weight[:, :1], torch.zeros_like(weight[:, 1:])], 1)
        return features @ weight + self.bias

    def _map(self, seen: Tensor, places: Tensor) -> Tensor:
        """(N,h,w,1) what each place adds to the number; seen (N, width), the mean of places (N,h,w,width)."""
        cut = slice(None, self.width)
        far = ((seen - self.shift[cut]) * self.scale[cut]).abs()
        believed = FARTHEST / far.clamp_min(
            FARTHEST
        )  # a feature that is cut is cut in the same share everywhere
        weight = self.scale[cut] * self.block[cut] * self.weight[cut, 1] * self.unit[1]
        return ((places - self.shift[cut]) * believed[:, None, None, :]) @ weight[:, None]

    def forward(self, image: Tensor, columns: Tensor | None = None) -> tuple[Tensor, ...]:
        maps: tuple[Tensor, ...] = ()
        if self.mapped:
            seen, places = self.trunk.placed(image)  # type: ignore[union-attr,operator]
            maps = (self._map(seen, places),)
            features = self.standard(self.beside(seen, columns))
        else:
            features = self.standard(self.vectors(image, columns))
        if self.trunk is None:  # the picture is an input that this network does not need
            features = features + 0.0 * image.to(torch.float32).mean((1, 2, 3))[:, None]
        rows = self.rows(features)
        if self.stages > 1:
            said = probabilities(rows, READINGS[int(self.reading)])
            return torch.cat([self.mass + 0.0 * rows[:, :1], said], 1), features
        middle = mean_of(rows[:, 1]) if int(self.reading) else rows[:, 1]
        low, high = torch.minimum(rows[:, 0], middle), torch.maximum(rows[:, 2], middle)
        found = torch.stack([low - self.widen, middle, high + self.widen], 1)
        return found * self.unit[1] + self.unit[0], features, *maps

    def begin(self, image: Tensor, truth: Tensor) -> None:
        """Means and spreads of numbers and features, by the first images."""
        self._scale(self.vectors(image, self._side(truth)), truth[:, 0], False)

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        """The loss of the answer, and the pinball loss of both ends of its interval."""
        joint = self._joint(losses)
        told = self._told(truth[:, 0])
        if self.stages == 1 and log_link(joint.loss):
            told = truth[:, 0] / self.unit[1]
            self.unit[0] = 0.0
        rows = self.rows(self.standard(self.vectors(image, self._side(truth))))
        return joint(rows, told[:, None], batch, self)

    @torch.no_grad()
    def solve(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> None:
        """Fit the head to all images at once; image (N, width): what the trunk sees."""
        joint = self._joint(losses)
        vectors = self.beside(image, self._side(truth))
        self._scale(vectors, truth[:, 0], log_link(joint.loss))
        features = self.standard(vectors)
        y, subjects, weight = (
            np.asarray(t.cpu(), np.float64) for t in (self._told(truth[:, 0]), truth[:, 1], batch.weight)
        )
        with torch.enable_grad():
            found = solve(
                np.asarray(features.cpu(), np.float64), y, subjects, weight, joint.loss, self.weight.shape[1]
            )
        self.weight.copy_(torch.from_numpy(found.weight))
        self.bias.copy_(torch.from_numpy(found.bias))
        self.widen.fill_(found.widen)
        self.mass.fill_(found.mass)

    def rates(self) -> list[dict[str, Any]]:
        """The head at the base rate, the trunk slower."""
        groups = [{"params": [self.weight, self.bias], "lr": 1.0, "weight_decay": 1.0}]
        if self.trunk is not None and self.rate > 0:
            moving = [p for p in self.trunk.parameters() if p.requires_grad]
            groups.append({"params": moving, "lr": self.rate, "weight_decay": 1.0})
        return groups

    def _side(self, truth: Tensor) -> Tensor | None:
        return truth[:, 2:][:, self.places] if self.columns else None

    def _told(self, numbers: Tensor) -> Tensor:
        """Numbers in spreads from their mean; stages as they are."""
        return numbers if self.stages > 1 else (numbers - self.unit[0]) / self.unit[1]

    def _joint(self, losses: tuple[Loss, ...]) -> Joint:
        """The loss, its way of reading kept for the export."""
        (loss,) = losses
        reading = READINGS.index(loss.reading) if self.stages > 1 else int(log_link(loss))  # type: ignore[attr-defined]
        self.reading.fill_(reading)
        return Joint(loss)

    def _scale(self, vectors: Tensor, numbers: Tensor, log: bool) -> None:
        if log and bool((numbers < 0).any()):
            low = float(numbers.min())
            raise TrialError(f"the Poisson loss wants numbers of 0 or more, met {low:g}; name another loss")
        spread = float(numbers.double().std(unbiased=False))
        self.unit[0] = 0.0 if log else float(numbers.double().mean())
        self.unit[1] = spread if spread > 0 else 1.0
        deviation = vectors.double().std(0, unbiased=False)
        still = deviation <= 1e-6 * (1 + vectors.double().mean(0).abs())
        scale = 1 / deviation.clamp_min(1e-12)
        self.shift.copy_(vectors.double().mean(0))
        self.scale.copy_(torch.where(still, torch.zeros_like(scale), scale))
