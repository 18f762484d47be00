"""What a task has in place of tiles where its answer is about a picture as a whole: nothing to cut, nothing to stitch.

The one thing that tasks inherit: four of them would otherwise spell out the same three refusals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

from objectif.images.prepare import Placement, Preparation
from objectif.images.tiles import Tile
from objectif.tasks.base import Outputs

WHY = "this task answers for a picture as a whole"


class Undivided:
    """`tiled` is false, and whoever asks for a tile's answer has not looked."""

    tiled = False

    def tile_place(self, tile: Tile, height: int, width: int, preparation: Preparation) -> Placement:
        """Not for this task."""
        raise NotImplementedError(WHY)

    def tile_decode(
        self, outputs: Outputs, decoding: Any, multilabel: bool, placements: Sequence[Placement]
    ) -> NDArray[Any]:
        """Not for this task."""
        raise NotImplementedError(WHY)

    def stitch(
        self, parts: Iterable[tuple[Tile, NDArray[Any]]], height: int, width: int, decoding: Any
    ) -> NDArray[Any]:
        """Not for this task."""
        raise NotImplementedError(WHY)
