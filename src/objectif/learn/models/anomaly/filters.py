"""contrast_z, filters_gaussian: what one would measure by hand, and how far it is from what good pictures show.

filters_gaussian: colour, gradient, Laplacian, local spread and the eigenvalues of structure tensor and Hessian at four scales
(segment/pixels.py), under one Gaussian. contrast_z: the same measures one by one, each in robust standard deviations (median
absolute deviation, Hampel 1974) from its usual value; the most unusual one counts. Nothing is pretrained; what networks have
to beat.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from objectif.learn.models.anomaly.gaussian import Gaussian
from objectif.learn.models.anomaly.unlike import BATCH, PREPARATIONS, Measure, Unlike, view
from objectif.learn.models.base import Learner
from objectif.learn.models.segment.pixels import SCALES, Bank

CANDIDATES = 100_000  # cells from which medians are taken
NORMAL = 1.4826  # standard deviations in a median absolute deviation, of a normal distribution
CELL = 4  # pixels of the prepared image along a cell


class Measures(nn.Module):
    """(N,C,H,W) in 0..255 -> the measures of four scales; the first on a grid of CELL pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bank = Bank(channels)
        self.width = SCALES * self.bank.width

    def forward(self, image: Tensor) -> list[Tensor]:
        fine, *others = self.bank(image)
        return [nn.functional.avg_pool2d(fine, CELL // 2), *others]


class RobustZ(Measure):
    """Median and spread of each measure; the greatest deviation."""

    middle: Tensor
    spread: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(1, width, 1, 1))
        self.register_buffer("spread", torch.ones(1, width, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        return ((features - self.middle).abs() * self.spread).amax(1)

    def fit(self, features: Tensor) -> Tensor:
        """Medians of these pictures."""
        flat = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
        flat = flat[:: max(1, len(flat) // CANDIDATES)]
        middle = flat.median(0).values
        deviation = NORMAL * (flat - middle).abs().median(0).values
        deviation = torch.maximum(deviation, 0.1 * flat.std(0, correction=0)).clamp_min(1e-3)
        self.middle, self.spread = middle[None, :, None, None], (1.0 / deviation)[None, :, None, None]
        return torch.cat([self(some) for some in torch.split(features, BATCH)])


def _learner(name: str, title: str, source: str, measure: Callable[[int], Measure]) -> Learner:
    def build(channels: int, classes: int) -> Unlike:
        trunk = Measures(channels)
        return Unlike(trunk, measure(trunk.width))

    return Learner(
        name=name,
        approach="classical",
        title=title,
        source=source,
        licence="Apache-2.0 (no weights inside)",
        task="anomaly",
        sizes=(256,),
        build=build,
        view=view,
        epochs=(1, 1),
        steps=0,
        solved=True,
        preparations=PREPARATIONS,
    )


CONTRAST = _learner(
    "contrast_z",
    "Filter bank, the greatest robust deviation",
    "Hampel 1974, The influence curve and its role in robust estimation",
    RobustZ,
)
FILTERS = _learner(
    "filters_gaussian",
    "Filter bank, one Gaussian of all parts",
    "Hotelling 1947, Multivariate quality control; Ledoit & Wolf 2004",
    Gaussian,
)
