"""Made-up races: scores of candidates that share the difficulty of their images; made-up detections."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from objectif.metrics.boxes import packed

Race = tuple[np.ndarray, list[np.ndarray]]
Boxed = tuple[np.ndarray, np.ndarray]


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


@pytest.fixture
def scene() -> Callable[..., Boxed]:
    """scene(seed, ...) -> truth (N, G, 6), answers (N, M, 6): doubles, wrong classes, boxes on nothing."""

    def build(
        seed: int = 0,
        *,
        images: int = 15,
        objects: int = 6,
        classes: int = 3,
        crowd: float = 0.1,
        ties: bool = False,
        most: int = 20,
        spread: float = 0.1,
    ) -> Boxed:
        rng = np.random.default_rng(seed)
        truth, answers = [], []
        for _ in range(images):
            shown = _somewhere(rng, int(rng.integers(0, objects + 1)))
            kinds = rng.integers(0, classes, len(shown)).astype(float)
            truth.append(np.column_stack([shown, kinds, rng.random(len(shown)) < crowd]))
            source = np.repeat(np.arange(len(shown)), rng.integers(0, 4, len(shown)))
            side = np.tile(shown[source, 2:] - shown[source, :2], 2)
            near = shown[source] + spread * side * rng.normal(size=(len(source), 4))
            near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
            other = np.where(
                rng.random(len(source)) < 0.85, kinds[source], rng.integers(0, classes, len(source))
            )
            blind = _somewhere(rng, int(rng.integers(0, 5)))
            score = np.concatenate([rng.beta(3, 2, len(near)), rng.beta(2, 3, len(blind))])
            label = np.concatenate([other, rng.integers(0, classes, len(blind))])
            score = np.round(score, 1) if ties else score
            found = np.column_stack([np.concatenate([near, blind]), score, label])
            answers.append(found[np.argsort(-score, kind="stable")][:most])
        return packed(truth, 4), packed(answers, 5, most, np.float32)

    return build


def _somewhere(rng: np.random.Generator, n: int) -> np.ndarray:
    corner = rng.uniform(0, 320, (n, 2))
    return np.concatenate([corner, corner + np.exp(rng.uniform(np.log(8), np.log(200), (n, 2)))], axis=1)


@pytest.fixture
def detectors() -> Callable[..., tuple[np.ndarray, list[np.ndarray]]]:
    """detectors(skills, ...) -> truth (N, G, 6), answers of each (1, N, M, 6); equal skills are exchangeable.

    shared: the spread of a difficulty that all share, luck: of each one's own luck with an image, beside 1.
    """

    def build(
        skills: list[float],
        *,
        images: int = 60,
        classes: int = 2,
        shared: float = 1.0,
        luck: float = 0.5,
        seed: int = 0,
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        rng = np.random.default_rng(seed)
        image = np.repeat(np.arange(images), rng.poisson(5, images))
        place = np.arange(len(image)) - np.searchsorted(image, image)
        corner = np.column_stack([100.0 * place, np.zeros(len(image))])
        kinds = rng.integers(0, classes, len(image))
        objects = np.column_stack([corner, corner + 50, kinds, np.zeros(len(image))])
        difficulty = shared * rng.normal(size=len(image))
        found = []
        for skill in skills:
            hard = difficulty + luck * rng.normal(size=images)[image] + rng.normal(size=len(image))
            hit = hard < 1.5 + skill
            moved = corner[hit] + 5 * rng.normal(size=(int(hit.sum()), 2))
            good = np.column_stack([moved, moved + 50, _sure(1 - 0.7 * hard[hit], 0.7, rng), kinds[hit]])
            where = np.repeat(np.arange(images), rng.poisson(2 * np.exp(0.5 * rng.normal(size=images))))
            off = np.column_stack([rng.uniform(0, 600, len(where)), np.full(len(where), 200.0)])
            label = rng.integers(0, classes, len(where))
            bad = np.column_stack([off, off + 50, _sure(np.full(len(where), -1.0 - skill), 1.2, rng), label])
            table, home = np.concatenate([good, bad]), np.concatenate([image[hit], where])
            order = np.argsort(-table[:, 4])
            table, home = table[order], home[order]
            rows = [table[home == n] for n in range(images)]
            found.append(packed(rows, 5, 20, np.float32)[None])
        return packed([objects[image == n] for n in range(images)], 4), found

    return build


def _sure(mean: np.ndarray, spread: float, rng: np.random.Generator) -> np.ndarray:
    return 1 / (1 + np.exp(-mean - spread * rng.normal(size=len(mean))))
