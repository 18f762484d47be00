"""Layout: folders of pictures as they are and as they should be, paired by their stems.

    noisy/a.png   clean/a.png        also degraded, blurred, blurry, input, lq and sharp, target, gt, hq
    train/noisy/a.png  train/clean/a.png   splits in the names of folders above

What has no partner, or one of another size, is left out and said.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np

from objectif.data.dataset import Dataset, Sample
from objectif.data.files import Parts, listing, split_in
from objectif.data.restoration import CLASS, other_size
from objectif.errors import DataError, ImageError
from objectif.images import photo

GIVEN = frozenset(["noisy", "degraded", "blurred", "blurry", "input", "inputs", "lq"])
CLEAN = frozenset(["clean", "sharp", "target", "targets", "gt", "groundtruth", "hq"])


class Pairs:
    """The format `pairs`."""

    name = "pairs"
    richness = 47
    pictures = True

    def sniff(self, path: Path) -> str | None:
        """How many pairs; None where no folder has such a name."""
        if not path.is_dir():
            return None
        given, right = _sides(listing(path).images)
        both = given.keys() & right.keys()
        return f"{len(both)} pairs of given and clean pictures" if both else None

    def read(self, path: Path) -> Dataset:
        """All pairs. DataError: no folders of these names, or no two pictures that fit."""
        found = listing(path)
        given, right = _sides(found.images)
        if not given or not right:
            raise DataError(
                f"{path}: no pairs; expected a folder such as noisy/ ({', '.join(sorted(GIVEN))}) beside one such as "
                f"clean/ ({', '.join(sorted(CLEAN))}). Rename the folders."
            )
        problems = dict(found.problems)
        problems |= {_shown(p): "no clean picture of this name" for k, p in given.items() if k not in right}
        problems |= {
            _shown(p): "clean, and nothing of this name to restore"
            for k, p in right.items()
            if k not in given
        }
        samples = []
        for key in sorted(given.keys() & right.keys()):
            file, clean = path.joinpath(*given[key]), path.joinpath(*right[key])
            why = _unlike(file, clean)
            if why is None:
                split = next((s for s in map(split_in, given[key][:-1]) if s), None)
                samples.append(Sample(_shown(given[key]), file, (0,), split=split, clean=clean))
            else:
                problems[_shown(given[key])] = why
        if not samples:
            name, why = next(iter(problems.items()), ("", "nothing is there"))
            raise DataError(f"{path}: no two pictures are a pair. The first, {name!r}: {why}")
        said = Counter(why.split(";")[0] for why in problems.values())
        notes = [f"layout 'pairs': {len(samples)} pairs of given and clean pictures"]
        notes += [f"{count} picture(s) left out: {why}" for why, count in said.items()]
        return Dataset(
            path.resolve().name, path, self.name, (CLASS,), tuple(samples), True, tuple(notes), problems
        )

    def example(self, folder: Path) -> Path:
        """A few pairs, for `objectif check`."""
        from PIL import Image

        rng = np.random.default_rng(0)
        for part in ("noisy", "clean"):
            (folder / part).mkdir()
        for k in range(6):
            clean = np.full((24, 32), 40 + 30 * k, np.uint8)
            clean[6:18, 8 : 12 + k] = 200 - 20 * k
            noisy = np.clip(clean + rng.normal(0, 10, clean.shape), 0, 255).astype(np.uint8)
            Image.fromarray(clean).save(folder / "clean" / f"{k}.png")
            Image.fromarray(noisy).save(folder / "noisy" / f"{k}.png")
        return folder


def _sides(images: list[Parts]) -> tuple[dict[Parts, Parts], dict[Parts, Parts]]:
    """Pictures to restore and clean ones, each by the path that they share: folders without the word, and the stem."""
    given: dict[Parts, Parts] = {}
    right: dict[Parts, Parts] = {}
    for parts in images:
        for place, word in enumerate(parts[:-1]):
            side = given if word.lower() in GIVEN else right if word.lower() in CLEAN else None
            if side is not None:
                key = (*parts[:place], *parts[place + 1 : -1], PurePosixPath(parts[-1]).stem)
                side.setdefault(key, parts)
                break
    return given, right


def _unlike(file: Path, clean: Path) -> str | None:
    """Why two files are no pair; None where they are."""
    try:
        one, other = (photo.probe(f, name=f.name) for f in (file, clean))
    except ImageError as error:
        return str(error)
    if (one.height, one.width) != (other.height, other.width):
        return other_size((other.height, other.width), (one.height, one.width), clean)
    return None


def _shown(parts: Parts) -> str:
    return "/".join(parts)


FORMAT = Pairs()
