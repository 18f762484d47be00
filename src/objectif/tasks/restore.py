"""Restoration: the picture as it should be, of one that is noisy, blurred or too small.

Truth is (N, H, W, 2C) float32 in 0..255: the clean picture, then the given one as the network sees it, NaN beyond smaller
pictures (metrics/pictures.py says why the given one stands there; metrics/noisy_pictures.py what stands there where nobody has
clean pictures). Answers are (N, H, W, C) float32, 0 beyond. Nothing is
tuned after training, so the decoding is empty. Networks take pictures of any size and keep it: no resizing, which would
be a degradation of its own, and no seams; only what is too large for memory is answered in tiles, whose margins of an eighth
of a tile are wider than what most networks see around a pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Picture
from objectif.data.pixels import given
from objectif.data.restoration import channels, in_channels, noisy, wanted
from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Fit, Placement, Preparation, placement, prepare
from objectif.images.tiles import Tile
from objectif.metrics.base import Metric
from objectif.tasks import restore_exhibits
from objectif.tasks.base import Traits
from objectif.tasks.exhibits import Exhibit

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset

Arrays = NDArray[Any]
OUTPUT = "picture"
MOST_BYTES = 3e9  # of all pictures of a Dataset together; they are in memory at once


@dataclass(frozen=True)
class Decoding:
    """Nothing is chosen after training: the network gives the picture itself."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on any key."""
        if values:
            raise SolutionError(
                f"decoding has unknown keys {sorted(values)}; this objectif may be too old for the file."
            )
        return cls()


class Restore:
    """The task: the picture as it should be."""

    name = "restore"
    outputs = (OUTPUT,)
    fit: Fit = "keep"
    tiled = True
    whole = True
    traits = Traits(one_precision="whole numbers of 8 bits are as coarse as what restoration takes away")

    def usual_metric(self, multilabel: bool) -> str:
        """The objective where nobody names one."""
        return "PSNR"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """One for pictures."""
        return ("picture",)

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return ("PSNR", "SSIM")

    def forth(self, truth: Arrays, placements: Sequence[Placement], size: tuple[int, int]) -> Arrays:
        """Truth as it is: pictures are kept."""
        return truth

    def turned(self, truth: Arrays, view: str, height: int, width: int) -> Arrays:
        """Truth (n, H, W, 2C) seen as 'mirror' (left-right), 'flip' (up-down) or 'turn' (90 degrees)."""
        if view == "mirror":
            return truth[:, :, ::-1]
        if view == "flip":
            return truth[:, ::-1]
        return np.rot90(truth, axes=(1, 2)) if view == "turn" else truth

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> Arrays:
        """(N, H, W, 2C) clean and given pictures of a Dataset; (N, H, W, 3C) where pictures are noisy and no clean one is known.

        Raises DataError where a picture has no clean one, or one of another size, or all are too much for memory.
        """
        rows = range(len(dataset))
        count = channels(dataset, list(rows))
        grow = 1 if dataset.degradation is None else dataset.degradation.shrink
        preparation = Preparation(1, 1, count, "keep", grow=grow)
        pairs = []
        for row in rows if not dataset.noisy else ():
            clean = in_channels(wanted(dataset, row), count)
            seen = prepare(given(dataset, row), preparation, name=dataset.samples[row].path)
            pairs.append(np.concatenate([clean, np.asarray(seen, np.float32)], axis=2))
        if dataset.noisy and count not in (1, 3):
            raise DataError(
                f"{dataset.name}: noisy pictures of {count} bands; expected gray or RGB ones where no clean ones are known."
            )
        for row in rows if dataset.noisy else ():
            target, own = noisy(dataset, row)
            parts = (in_channels(part, count) for part in (target, given(dataset, row), own))
            pairs.append(np.concatenate(list(parts), axis=2))
        return _padded(pairs, dataset.name)

    def empty(self, n: int, classes: int) -> NDArray[np.float32]:
        """(n, 1, 1, 1) black pictures."""
        return np.zeros((n, 1, 1, 1), np.float32)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """The one Decoding there is."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """Nothing can be wrong."""

    def decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> Arrays:
        """Output 'picture' (n, H, W, C) as it is."""
        if OUTPUT not in outputs:
            raise SolutionError("the network has no output 'picture' (N, H, W, C), which restoration needs.")
        picture = outputs[OUTPUT]
        if picture.ndim != 4 or len(picture) != len(placements) or not np.isfinite(picture).all():
            raise SolutionError(
                f"the network gives a picture {picture.shape} for {len(placements)} images, or numbers that are not "
                "finite; expected (N, H, W, C). Run `objectif check` on the Solution."
            )
        return np.asarray(picture, np.float32)

    def tile_place(self, tile: Tile, height: int, width: int, preparation: Preparation) -> Placement:
        """Where the tile lies in its own prepared image: all of it."""
        return placement(tile.bottom - tile.top, tile.right - tile.left, preparation)

    def tile_decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> Arrays:
        """As decode()."""
        return self.decode(outputs, decoding, multilabel, placements)

    def stitch(
        self, parts: Iterable[tuple[Tile, Arrays]], height: int, width: int, decoding: Decoding
    ) -> Arrays:
        """Answers (1, h, w, C) of the tiles of a picture of height x width as one: each tile's core."""
        whole: Arrays | None = None
        for tile, rows in parts:
            grow = rows.shape[1] // (tile.bottom - tile.top)
            if whole is None:
                whole = np.zeros((1, height * grow, width * grow, rows.shape[3]), np.float32)
            x1, y1, x2, y2 = (round(v) for v in tile.core)
            here = np.s_[:, grow * y1 : grow * y2, grow * x1 : grow * x2]
            top, left = grow * (y1 - tile.top), grow * (x1 - tile.left)
            whole[here] = rows[:, top : top + grow * (y2 - y1), left : left + grow * (x2 - x1)]
        return self.empty(1, 1) if whole is None else whole

    def stacked(self, parts: Sequence[Arrays], truth: Arrays) -> Arrays:
        """(N, H, W, C) of several (n, h, w, C), as large as truth (N, H, W, 2C), 0 beyond."""
        pictures = [picture for part in parts for picture in part]
        channels = truth.shape[3] // (3 if truth.shape[3] % 2 else 2)
        out = np.zeros((len(pictures), *truth.shape[1:3], channels), np.float32)
        for row, picture in zip(out, pictures, strict=True):
            row[: picture.shape[0], : picture.shape[1]] = in_channels(picture, out.shape[3])
        return out

    def fit_decoding(
        self,
        outputs: Mapping[str, Arrays],
        truth: Arrays,
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """The one Decoding there is."""
        return Decoding()

    def operate(self, decoding: Decoding, truth: Arrays, answers: Arrays, multilabel: bool) -> Decoding:
        """The decoding as it is."""
        return decoding

    def told(self, metric: str, answers: Arrays, decoding: Decoding, multilabel: bool) -> Arrays:
        """The answers as they are."""
        return answers

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: Arrays,
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> list[Picture]:
        """One Picture for each image, of its own size."""
        out = []
        for path, picture, place in zip(paths, decoded, placements, strict=True):
            own = picture[: round(place.height * place.scale_y), : round(place.width * place.scale_x)]
            out.append(Picture(path, np.ascontiguousarray(own)))
        return out

    def exhibits(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        truth: Arrays,
        answers: Arrays,
        decoding: Mapping[str, Any] | None = None,
        seed: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> list[Exhibit]:
        """What was gained, image by image; the worst and the usual ones before and after."""
        return restore_exhibits.exhibits(paths, truth, answers)


def _padded(pairs: Sequence[Arrays], name: str) -> Arrays:
    """(N, H, W, 2C) of pictures (h, w, 2C) at the top left, NaN beyond; DataError where it is too much."""
    high, wide = (max(pair.shape[axis] for pair in pairs) for axis in (0, 1))
    size = 4.0 * len(pairs) * high * wide * pairs[0].shape[2]
    if size > MOST_BYTES:
        raise DataError(
            f"{name}: {len(pairs)} pictures, padded to the largest ({wide} x {high} pixels), take {size / 1e9:.0f} GB of "
            f"memory; expected at most {MOST_BYTES / 1e9:.0f}. Cut the large pictures into parts, or leave some out."
        )
    out = np.full((len(pairs), high, wide, pairs[0].shape[2]), np.nan, np.float32)
    for row, pair in zip(out, pairs, strict=True):
        row[: pair.shape[0], : pair.shape[1]] = pair
    return out


TASK = Restore()
