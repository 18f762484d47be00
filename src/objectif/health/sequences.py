"""Lists that split a film by frame number: neighbours look alike, so they must not be drawn at random.

The last third of each run of numbers is the test, as in use the future is what is met; the rest is cut into blocks of
neighbours, one for each fold; pictures that are the same, or nearly, share a part. Rejected: leaving frames out between
the parts (throws data away, and says nothing where the camera stands still).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from objectif.data.dataset import Dataset
from objectif.health.duplicates import Ints, members
from objectif.health.groups import Series

FOLDS = 5
_TEST = 1 / 3


def by_number(series: Sequence[Series], n: int) -> list[str]:
    """The split of each of n images, 'fold0' ... or 'test'; those outside all series go to the folds in turn."""
    given: list[str | None] = [None] * n
    for run in (run for s in series for run in s.runs):
        kept = len(run) - max(1, round(len(run) * _TEST))
        for place, row in enumerate(run):
            given[row] = "test" if place >= kept else f"fold{place * FOLDS // max(1, kept)}"
    loose = iter(range(n))
    return [split if split is not None else f"fold{next(loose) % FOLDS}" for split in given]


def together(splits: list[str], same: Ints, near: Ints) -> list[str]:
    """The splits with relatives in one part: the test where one of them is there, else that of the first.

    same, near: (N,) cluster ids. A cluster of near duplicates that is a tenth of the film is a camera at rest: it stays.
    """
    out = list(splits)
    small = [rows for rows in members(near) if len(rows) <= max(2, len(out) // 10)]
    for rows in [*members(same), *small]:
        met = [out[int(row)] for row in rows]
        for row in rows:
            out[int(row)] = "test" if "test" in met else met[0]
    return out


def lists(dataset: Dataset, series: Sequence[Series], same: Ints, near: Ints) -> dict[str, str]:
    """File name -> text of lists for --splits."""
    parts: dict[str, list[str]] = {}
    splits = together(by_number(series, len(dataset)), same, near)
    for sample, split in zip(dataset.samples, splits, strict=True):
        parts.setdefault(split, []).append(sample.path)
    return {f"{split}.txt": "".join(f"{path}\n" for path in paths) for split, paths in sorted(parts.items())}


def torn(series: Sequence[Series], splits: Sequence[str | None]) -> tuple[int, int]:
    """Of the neighbours in all runs, how many pairs stand in different given splits, and how many pairs there are."""
    pairs = [(a, b) for s in series for run in s.runs for a, b in pairwise(run)]
    return sum(splits[a] != splits[b] for a, b in pairs), len(pairs)


def scattered(series: Sequence[Series], splits: Sequence[str | None]) -> bool:
    """Whether given splits cut the series more often than blocks of neighbours would; at random, half is cut or more."""
    parts = len({splits[row] for s in series for run in s.runs for row in run})
    apart, pairs = torn(series, splits)
    return apart > max(0.2 * pairs, (parts + 1) * sum(len(s.runs) for s in series))


def in_blocks(series: Sequence[Series], splits: Sequence[str | None]) -> bool:
    """Whether given splits cut all series into blocks of neighbours, and nothing is left to be drawn at random.

    Without a val split or given folds, the images of train are dealt into folds at random.
    """
    met = {splits[row] for s in series for run in s.runs for row in run}
    drawn = None in met or len(met) < 2 or ("train" in met and "val" not in met)
    return not drawn and not scattered(series, splits)
