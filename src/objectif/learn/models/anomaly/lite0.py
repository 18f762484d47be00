"""lite0_memory, lite0_gaussian, lite0_places: features of EfficientNet-Lite0 as it is, and three measures of distance.

Maps of the middle of the trunk: the first are edges, which every picture has, the last are names of objects, which no
defect has (Roth et al. 2022; Defard et al. 2021 take the same middle).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.anomaly.gaussian import Gaussian
from objectif.learn.models.anomaly.memory import Memory
from objectif.learn.models.anomaly.unlike import PREPARATIONS, Measure, Unlike, view
from objectif.learn.models.base import Learner
from objectif.learn.models.lite import LICENCE, SOURCE, Lite

TAPS = (4, 10)  # blocks after which the maps at strides 8 and 16 are complete


class Middle(nn.Module):
    """(N,C,H,W) in 0..255 -> maps after the blocks `taps`."""

    def __init__(self, channels: int, taps: tuple[int, ...] = TAPS) -> None:
        super().__init__()
        lite = Lite("lite0", channels)
        self.taps = taps
        self.stem, self.norm = lite.stem, lite.stem_norm
        self.blocks = lite.blocks[: max(taps) + 1]
        self.width = sum(int(self.blocks[i]._project_conv.out_channels) for i in taps)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = functional.relu6(self.norm(self.stem((image - 127.0) / 128.0)))
        maps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                maps.append(x)
        return maps


def _build(channels: int, measure: Callable[[int], Measure]) -> Unlike:
    trunk = Middle(channels)
    return Unlike(trunk, measure(trunk.width))


def _learner(name: str, title: str, source: str, measure: Callable[[int], Measure]) -> Learner:
    return Learner(
        name=name,
        approach="frozen",
        title=title,
        source=f"{SOURCE}; {source}",
        licence=LICENCE,
        task="anomaly",
        sizes=(256, 320),
        build=lambda channels, classes: _build(channels, measure),
        view=view,
        epochs=(1, 1),
        steps=0,
        pretrained="ImageNet",
        solved=True,
        preparations=PREPARATIONS,
    )


MEMORY = _learner(
    "lite0_memory",
    "EfficientNet-Lite0, distance to remembered parts",
    "memory Roth et al. 2022, arXiv:2106.08265",
    Memory,
)
GAUSSIAN = _learner(
    "lite0_gaussian",
    "EfficientNet-Lite0, one Gaussian of all parts",
    "Gaussian Defard et al. 2021, arXiv:2011.08785",
    Gaussian,
)
PLACES = _learner(
    "lite0_places",
    "EfficientNet-Lite0, a Gaussian mean at each place",
    "Gaussian Defard et al. 2021, arXiv:2011.08785",
    lambda width: Gaussian(width, places=True),
)
