"""Made-up races: scores of candidates that share the difficulty of their images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Race = tuple[np.ndarray, list[np.ndarray]]


@pytest.fixture
def race() -> Callable[..., Race]:
    """race(skills, ...) -> truth (N,), scores of each candidate (S, N, C); equal skills are exchangeable."""

    def build(
        skills: list[float],
        *,
        images: int = 200,
        classes: int = 3,
        seeds: int = 1,
        seed: int = 0,
        groups: np.ndarray | None = None,
    ) -> Race:
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, classes, images)
        shared = rng.normal(size=(images, classes))
        luck = np.zeros(images) if groups is None else 1.5 * rng.normal(size=int(groups.max()) + 1)[groups]
        found = []
        for skill in skills:
            logits = shared + rng.normal(size=(seeds, images, classes))
            logits[:, np.arange(images), truth] += skill + luck
            odds = np.exp(logits)
            found.append(odds / odds.sum(axis=2, keepdims=True))
        return truth, found

    return build
