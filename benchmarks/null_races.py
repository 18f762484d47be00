"""Null races: how often is a candidate called beaten when all candidates are equal?

    python benchmarks/null_races.py --races 2000

Candidates are exchangeable: each is right about an image with the same probability, so whoever is called
"beaten" is called so falsely. Images share a difficulty among candidates (which makes races correlated, as
on real images); groups share one too, and each candidate has luck of its own with each group (which is why
groups and not images must be resampled). Groups are of unequal size. Mean accuracy is .85.

The check passes if the lower 95 % bound (Clopper-Pearson) of the share of races with a false "beaten" is at
most 5 %. The table goes to stderr, JSON to stdout; `run` returns the same as a dictionary.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.catalog import metric
from objectif.metrics.compare import all_pairs
from objectif.metrics.distributions import clopper_pearson
from objectif.metrics.resample import Scorer

ACCURACY = 0.85
ALLOWED = 0.05


@dataclass(frozen=True)
class Setting:
    """One kind of race.

    group: mean images in a group, 1 for none. Beside a noise of 1, shared is the standard deviation of the
    difficulty that all candidates share, luck that of each one's own luck with a group.
    """

    images: int
    group: int
    candidates: int
    shared: float
    luck: float


GRID = [
    Setting(n, group, k, shared, luck if group > 1 else 0.0)
    for n, group, k, (shared, luck) in product(
        (100, 200, 600), (1, 8), (5, 20, 40), ((0.0, 0.4), (1.0, 0.4), (3.0, 0.2))
    )
]


def right(setting: Setting, rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(N, K) who is right about what, and (N,) groups."""
    n, k = setting.images, setting.candidates
    group = np.arange(n)
    if setting.group > 1:
        units = n // setting.group
        sizes = rng.dirichlet(np.full(units, 3.0))
        group = np.concatenate([np.arange(units), rng.choice(units, n - units, p=sizes)])
    units = int(group.max()) + 1
    half = np.sqrt(0.5) if setting.group > 1 else 1.0  # grouped: half of the difficulty is the group's
    difficulty = half * rng.normal(size=n) + (
        half * rng.normal(size=units)[group] if setting.group > 1 else 0.0
    )
    latent = setting.shared * difficulty[:, None] + setting.luck * rng.normal(size=(units, k))[group]
    spread = np.sqrt(1.0 + setting.shared**2 + setting.luck**2)
    threshold = NormalDist().inv_cdf(ACCURACY) * spread
    return rng.normal(size=(n, k)) + latent < threshold, group


def falsely_beaten(setting: Setting, rng: np.random.Generator, draws: int) -> bool:
    """Run one race through the verdict's own comparison."""
    answers, group = right(setting, rng)
    scores = [np.stack([a, 1.0 - a], axis=1)[None] for a in answers.T.astype(np.float64)]
    truth = np.zeros(setting.images, np.int64)
    scorer = Scorer(metric("accuracy"), truth, scores, group, draws)
    seed = int(rng.integers(2**31))
    return bool(all_pairs(scorer, draws=draws, seed=seed).beaten.any())


def run(races: int = 2000, draws: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Spread the races over GRID; shares with bounds overall and by each property of a setting."""
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    settings = [GRID[i % len(GRID)] for i in range(races)]
    found = np.array([falsely_beaten(s, rng, draws) for s in settings])
    whole = share(found)
    return {
        "races": races,
        "accuracy": ACCURACY,
        "allowed": ALLOWED,
        "passed": whole["low"] <= ALLOWED,
        **whole,
        "by": [
            {"what": name, "value": value, **share(found[[getattr(s, name) == value for s in settings]])}
            for name, value in values(settings)
        ],
        "grid": [asdict(s) for s in GRID],
        "elapsed_s": round(time.perf_counter() - start, 1),
    }


def values(settings: list[Setting]) -> Iterator[tuple[str, float]]:
    """Each property with each of its values."""
    for name in ("images", "group", "candidates", "shared"):
        for value in sorted({getattr(s, name) for s in settings}):
            yield name, value


def share(found: NDArray[np.bool_]) -> dict[str, Any]:
    """Share of races with a false "beaten", with one-sided 95 % bounds either way."""
    beaten, n = int(found.sum()), len(found)
    low, high = clopper_pearson(beaten, n, 0.90)
    return {"n": n, "false": beaten, "share": beaten / n, "low": low, "high": high}


def table(result: dict[str, Any]) -> str:
    """For people."""
    names = {
        "images": "images",
        "group": "images a group",
        "candidates": "candidates",
        "shared": "difficulty",
    }
    lines = [f"{'races with a false beaten':28} {'n':>6} {'share':>7}  95 % bounds"]
    rows = [("all", result), *((f"{names[r['what']]} = {r['value']:g}", r) for r in result["by"])]
    for label, r in rows:
        lines.append(f"{label:28} {r['n']:6d} {r['share']:7.3f}  {r['low']:.3f} .. {r['high']:.3f}")
    word = "passed" if result["passed"] else "FAILED"
    lines.append(f"{word}: lower bound {result['low']:.3f}, allowed {ALLOWED:g}; {result['elapsed_s']} s")
    return "\n".join(lines)


def main() -> int:
    """Command line; exit code 1 where the check fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--races", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=2000, help="bootstrap draws in each race")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    result = run(options.races, options.draws, options.seed)
    print(table(result), file=sys.stderr)
    print(json.dumps(result, indent=1))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
