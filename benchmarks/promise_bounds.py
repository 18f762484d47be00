"""Three bounds of the mean loss of groups, compared: how often is a true loss of half of what is allowed proved to be allowed?

    python benchmarks/promise_bounds.py

Groups have one to seven images that are lost alike by a correlation; each group counts the same. The last column is the
share proved where the true loss is just what is allowed: at most 0.05 may be.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from objectif.promises.bounds import Losses, bets, binomial_tail, p_value

ALLOWED, LEVEL, WORLDS = 0.05, 0.05, 400
Reals = NDArray[np.float64]


def hoeffding_bentkus(losses: Reals) -> float:
    """p-value of a mean of at least ALLOWED (Bates et al. 2021)."""
    n, mean = len(losses), float(losses.mean())
    if mean >= ALLOWED:
        return 1.0
    entropy = (mean * math.log(mean / ALLOWED) if mean > 0 else 0.0) + (1 - mean) * math.log(
        (1 - mean) / (1 - ALLOWED)
    )
    return min(math.exp(-n * entropy), math.e * binomial_tail(math.ceil(n * mean - 1e-9), n, ALLOWED))


def drawn(groups: int, alike: float, mean: float, rng: np.random.Generator) -> Reals:
    """(groups,) mean losses."""
    spread = (1 - alike) / alike
    share = (
        rng.beta(mean * spread, (1 - mean) * spread, groups)
        if alike < 1
        else (rng.random(groups) < mean).astype(float)
    )
    sizes = rng.integers(1, 8, groups)
    return rng.binomial(sizes, share) / sizes


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print("| groups | alike | true loss | Hoeffding-Bentkus | bets | lots |\n|---|---|---|---|---|---|")
    for groups in (60, 150, 400):
        for alike in (0.2, 0.5, 1.0):
            for part in (0.5, 1.0):
                proved = np.zeros(3)
                for _ in range(WORLDS):
                    means = drawn(groups, alike, ALLOWED * part, rng)
                    lots = Losses(means, rng.random(groups) < means)
                    proved += [
                        hoeffding_bentkus(means) <= LEVEL,
                        bets(means, ALLOWED, LEVEL) <= LEVEL,
                        p_value(lots, ALLOWED) <= LEVEL,
                    ]
                cells = " | ".join(f"{share:.2f}" for share in proved / WORLDS)
                print(f"| {groups} | {alike:g} | {ALLOWED * part:g} | {cells} |")


if __name__ == "__main__":
    main()
