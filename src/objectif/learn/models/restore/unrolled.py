"""unrolled: proximal gradient steps in which the prior is a small network and the blur is learned, STEPS of them.

    x <- x - step * K^T (K x - y),   then   x <- x - network(x)

Source: Venkatakrishnan, Bouman, Wohlberg 2013, "Plug-and-play priors for model based reconstruction"; the steps unrolled and
learned from end to end as Gregor & LeCun 2010, "Learning fast approximations of sparse coding", and Zhang & Ghanem 2018, ISTA-Net.
All steps share one network, so that it is a prior and not a chain; K is a kernel that starts at doing nothing, each step has
its length. A fixed number of steps exports like any chain of layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner, Whole
from objectif.learn.models.restore.networks import FOLD, Chain
from objectif.learn.models.restore.restorer import RANGE, Restorer, divisible, like
from objectif.learn.models.restore.view import view

STEPS = 3
KERNEL = 9  # pixels along a side of the learned blur
WIDTH, BLOCKS = 32, 2


class Unrolled(Restorer):
    """kernel (1,1,KERNEL,KERNEL): K, the same for each channel. lengths (STEPS,)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        start = torch.zeros(1, 1, KERNEL, KERNEL)
        start[0, 0, KERNEL // 2, KERNEL // 2] = 1.0
        self.kernel = nn.Parameter(start)
        self.lengths = nn.Parameter(torch.full((STEPS,), 0.1))
        self.prior = Chain(channels * FOLD**2, WIDTH, BLOCKS)

    def restored(self, given: Tensor) -> Tensor:
        y = divisible(given, FOLD) / RANGE - 0.5
        x = y
        for step in range(STEPS):
            x = x - self.lengths[step] * self._across(
                self._across(x, self.kernel) - y, self.kernel.flip(2, 3)
            )
            x = x - functional.pixel_shuffle(self.prior(functional.pixel_unshuffle(x, FOLD)), FOLD)
        return like((x + 0.5) * RANGE, given)

    def _across(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Each channel of x (N,C,H,W) convolved with one kernel."""
        half = KERNEL // 2
        wide = functional.pad(x, (half, half, half, half), mode="replicate")
        planes = [functional.conv2d(wide[:, k : k + 1], kernel) for k in range(x.shape[1])]
        return torch.cat(planes, 1)


def _build(channels: int, classes: int) -> Whole:
    return Unrolled(channels)


UNROLLED = Learner(
    name="unrolled",
    approach="finetune",
    title="Proximal gradient steps with a learned prior",
    source="Venkatakrishnan et al. 2013; Gregor & LeCun 2010; Zhang & Ghanem 2018",
    licence="Apache-2.0 (no weights inside)",
    task="restore",
    sizes=(64,),
    build=_build,
    view=view,
    losses=("picture",),
    usual=("charbonnier",),
    epochs=(2, 4000),
    steps=150,
    batch=8,
    rate=4e-3,
    decay=1e-4,
)
