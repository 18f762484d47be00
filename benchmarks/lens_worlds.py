"""The threshold of a lens in worlds of known truth: how often its promise is broken, and how often one can be made.

    python benchmarks/lens_worlds.py        prints the table of docs/decisions/lens-threshold.md, in a minute

A photo's label is drawn from a posterior over six labels in two groups; the network tells that posterior, sharpened by
`boast` (1: honest). What is tested first is compared: thresholds at which half of the photos are answered, or those at which
as few are as could carry the promise at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectif.apps.lens import sure
from objectif.apps.lens.taxonomy import NOBODY, Tree

LABELS = ("a", "b", "c", "d", "e", "f")
TREE = Tree(LABELS, {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y", "f": "y"})
WORLDS = ((200, 1.0, 0.9), (200, 3.0, 0.9), (600, 2.0, 0.95), (80, 1.5, 0.85))
TRIES = 400


def world(photos: int, seed: int, boast: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Told probabilities (photos, 6) and true labels."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2.0, (photos, 6)) + np.repeat(random.normal(0, 2.0, (photos, 2)), 3, axis=1)
    posterior = np.exp(logits - logits.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    truth = (posterior.cumsum(axis=1) < random.random((photos, 1))).sum(axis=1).clip(max=5)
    told = posterior**boast
    return told / told.sum(axis=1, keepdims=True), truth


def tried(photos: int, boast: float, wanted: float) -> tuple[float, float, float]:
    """Shares of worlds with a broken promise and with the wanted one, and the share of photos answered."""
    scores, truth = world(40_000, 999, boast)
    masses, true = TREE.masses(scores), {}
    for threshold in sure.GRID.tolist():
        nodes = TREE.answered(masses, threshold)
        given = nodes != NOBODY
        true[threshold] = float(TREE.right(nodes, truth)[given].mean()) if given.any() else 1.0
    found = [sure.calibrate(TREE, *world(photos, seed, boast), wanted) for seed in range(TRIES)]
    broken = [true[one.threshold] < one.promised - 0.003 for one in found]  # the large world's own error
    answered = [one.answered / one.photos for one in found]
    return float(np.mean(broken)), float(np.mean([one.kept for one in found])), float(np.mean(answered))


def main() -> None:
    """Print the table."""
    print("| photos | boast | wanted | first tested | broken | wanted one promised | answered |")
    print("|---|---|---|---|---|---|---|")
    usual = sure._start
    starts = {"half answered": usual, "fewest that could do": lambda n, w: min(n, sure.fewest(w))}
    for photos, boast, wanted in WORLDS:
        for name, start in starts.items():
            sure._start = start
            broken, kept, answered = tried(photos, boast, wanted)
            print(
                f"| {photos} | {boast:g} | {wanted:g} | {name} | {broken:.3f} | {kept:.0%} | {answered:.0%} |",
                flush=True,
            )
    sure._start = usual


if __name__ == "__main__":
    main()
