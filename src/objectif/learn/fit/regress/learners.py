"""The Learners of numbers and of stages: what each looks at. One list for both, under losses of their own kind.

mean_colour and columns_only are there to be beaten: what needs no network, and what is known without a look at the picture.
lite0_regress_series sees the photo, what is known of it, and what the subject's photos so far look like (data/series.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from objectif.data.series import SO_FAR
from objectif.learn.fit.regress.quantity import Quantity
from objectif.learn.fit.regress.view import view
from objectif.learn.models.base import Approach, Learner
from objectif.learn.models.lite import LICENCE, SOURCE, Lite

OWN = "Apache-2.0 (no weights inside)"


class MeanColour(nn.Module):
    """(N,H,W,C) in 0..255 -> (N,C) means in 0..1."""

    def forward(self, image: Tensor) -> Tensor:
        return image.to(torch.float32).mean((1, 2)) / 255.0


class Trunk(nn.Module):
    """(N,H,W,C) in 0..255 -> (N,D) of EfficientNet-Lite0, all levels; its norms keep ImageNet's statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.network = Lite("lite0", channels)
        self.width = self.network.width

    def train(self, mode: bool = True) -> Trunk:
        super().train(mode)
        for part in self.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        return self.network.vectors(image)

    def placed(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The vector, and (N,h,w,D) what each place adds to it: the vector is the mean over places."""
        vector, places = self.network(image)
        return vector, places


@dataclass(frozen=True)
class Looks:
    """What a network looks at. picture: 'none', 'colour', 'lite0'. known, so_far: side columns of either sort."""

    picture: str
    known: bool = False
    so_far: bool = False
    rate: float = 0.0

    def taken(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the side columns that it takes."""
        return tuple(c for c in columns if (self.so_far if c.startswith(SO_FAR) else self.known))

    def build(self, channels: int, classes: int, columns: tuple[str, ...] = (), *, staged: bool) -> Quantity:
        """The network."""
        made: Any = None
        if self.picture != "none":
            made = Trunk(channels) if self.picture == "lite0" else MeanColour()
        width = {"none": 0, "colour": channels, "lite0": getattr(made, "width", 0)}[self.picture]
        return Quantity(made, width, classes if staged else 1, columns, self.taken(columns), self.rate)

    def fits(self, classes: int, columns: tuple[str, ...], *, staged: bool) -> bool:
        """Stages or numbers, and every sort of column that it takes is there."""
        sorts = {c.startswith(SO_FAR) for c in columns}
        return (
            (classes > 1) == staged
            and (not self.known or False in sorts)
            and (not self.so_far or True in sorts)
        )


def _learner(
    name: str, approach: Approach, title: str, looks: Looks, *, staged: bool, **more: Any
) -> Learner:
    # without columns there is nothing to build where no picture is looked at; checks of its contract give it one
    columns = ("known",) if looks.picture == "none" else ()
    lite = looks.picture == "lite0"
    return Learner(
        name=name,
        approach=approach,
        title=title,
        source=SOURCE if lite else "Hoerl & Kennard 1970, Ridge Regression; Koenker & Bassett 1978",
        licence=LICENCE if lite else OWN,
        task="regress",
        sizes=(224,) if lite else (64,),
        build=partial(looks.build, columns=columns, staged=staged),
        sided=partial(looks.build, staged=staged),
        fits=partial(looks.fits, staged=staged),
        view=view,
        losses=("stage",) if staged else ("number",),
        usual=("corn",) if staged else ("huber",),
        pretrained="ImageNet" if lite else "",
        features="lite0_pooled" if lite and "solved" in more else "",
        **more,
    )


SOLVED: dict[str, Any] = {"solved": True, "epochs": (1, 1), "steps": 0}
TUNED: dict[str, Any] = {"epochs": (4, 40), "steps": 60, "rate": 1e-2, "batch": 8}


# Spelled out one by one, because `objectif list` reads what they say of themselves without importing them.
MEAN_COLOUR = _learner("mean_colour", "classical", "Mean colour", Looks("colour"), staged=False, **SOLVED)
MEAN_COLOUR_STAGES = _learner(
    "mean_colour_stages", "classical", "Mean colour, stages", Looks("colour"), staged=True, **SOLVED
)
COLUMNS_ONLY = _learner(
    "columns_only",
    "classical",
    "What is known, without the picture",
    Looks("none", known=True),
    staged=False,
    **SOLVED,
)
COLUMNS_ONLY_STAGES = _learner(
    "columns_only_stages",
    "classical",
    "What is known, without the picture, stages",
    Looks("none", known=True),
    staged=True,
    **SOLVED,
)
LITE0_REGRESS_FROZEN = _learner(
    "lite0_regress_frozen",
    "frozen",
    "EfficientNet-Lite0, trunk as it is",
    Looks("lite0"),
    staged=False,
    **SOLVED,
)
LITE0_REGRESS_FROZEN_STAGES = _learner(
    "lite0_regress_frozen_stages",
    "frozen",
    "EfficientNet-Lite0, trunk as it is, stages",
    Looks("lite0"),
    staged=True,
    **SOLVED,
)
LITE0_REGRESS_COLUMNS = _learner(
    "lite0_regress_columns",
    "frozen",
    "EfficientNet-Lite0, trunk as it is, and what is known",
    Looks("lite0", known=True),
    staged=False,
    **SOLVED,
)
LITE0_REGRESS_COLUMNS_STAGES = _learner(
    "lite0_regress_columns_stages",
    "frozen",
    "EfficientNet-Lite0, trunk as it is, and what is known, stages",
    Looks("lite0", known=True),
    staged=True,
    **SOLVED,
)
LITE0_REGRESS_SERIES = _learner(
    "lite0_regress_series",
    "frozen",
    "EfficientNet-Lite0, trunk as it is, what is known, and the photos so far",
    Looks("lite0", known=True, so_far=True),
    staged=False,
    **SOLVED,
)
LITE0_REGRESS_SERIES_STAGES = _learner(
    "lite0_regress_series_stages",
    "frozen",
    "EfficientNet-Lite0, trunk as it is, what is known, and the photos so far, stages",
    Looks("lite0", known=True, so_far=True),
    staged=True,
    **SOLVED,
)
LITE0_REGRESS = _learner(
    "lite0_regress",
    "finetune",
    "EfficientNet-Lite0, fine-tuned",
    Looks("lite0", rate=0.1),
    staged=False,
    **TUNED,
)
LITE0_REGRESS_STAGES = _learner(
    "lite0_regress_stages",
    "finetune",
    "EfficientNet-Lite0, fine-tuned, stages",
    Looks("lite0", rate=0.1),
    staged=True,
    **TUNED,
)
LITE0_REGRESS_COLUMNS_TUNED = _learner(
    "lite0_regress_columns_tuned",
    "finetune",
    "EfficientNet-Lite0 and what is known, fine-tuned",
    Looks("lite0", known=True, rate=0.1),
    staged=False,
    **TUNED,
)
LITE0_REGRESS_COLUMNS_TUNED_STAGES = _learner(
    "lite0_regress_columns_tuned_stages",
    "finetune",
    "EfficientNet-Lite0 and what is known, fine-tuned, stages",
    Looks("lite0", known=True, rate=0.1),
    staged=True,
    **TUNED,
)
