"""Noise2Void: pixels are hidden from the network, and it is judged by how well it guesses them; needs no clean picture.

    L = mean over hidden pixels of (f(y with those pixels exchanged) - y)^2

Source: A. Krull, T.-O. Buchholz, F. Jug, 2019, "Noise2Void - Learning Denoising from Single Noisy Images"; J. Batson, L. Royer, 2019,
"Noise2Self". One pixel in each cell of CELL x CELL is hidden, at the same place of each, and exchanged for one of its
neighbours. Noise that is independent from pixel to pixel and of mean 0 cannot be guessed, so the picture is what is learned.
When it helps: noisy pictures alone, of unknown noise. Noise that reaches over several pixels (JPEG, demosaicking) is learned with the
picture. Convex in the answers. Behind SURE where noise is Gaussian and known: a pixel's own value is never used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import answered, drawn, given, image_mean

AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True)
class Noise2Void:
    """It runs the network itself, on the picture with hidden pixels; without one, output is its answer."""

    name = "noise2void"
    title = "Noise2Void (blind spot)"
    kind: Kind = "picture"
    convex = True
    balanced = False
    source = "Krull, Buchholz & Jug 2019, Noise2Void; Batson & Royer 2019, Noise2Self"
    self_supervised = True
    own_pass = True
    cell: int = 4

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        image = given(truth, batch).to(output)
        chance = drawn(batch)
        row, column = torch.randint(0, self.cell, (2,), generator=chance).tolist()
        hidden = (
            ...,
            slice(min(row, image.shape[2] - 1), None, self.cell),
            slice(min(column, image.shape[3] - 1), None, self.cell),
        )
        if model is not None:
            way = int(torch.randint(0, len(AROUND), (1,), generator=chance))
            exchanged = image.clone()
            exchanged[hidden] = torch.roll(image, AROUND[way], (2, 3))[hidden]
            output = answered(model, exchanged)
        return image_mean((output[hidden] - image[hidden]).square(), batch.weight)


LOSS = Noise2Void()
