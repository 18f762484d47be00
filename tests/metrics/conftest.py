"""Made-up races: scores of candidates that share the difficulty of their images; made-up detections and masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from objectif.metrics.boxes import packed
from objectif.metrics.masks import VOID
from objectif.metrics.masks import packed as mask_of

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


@pytest.fixture
def masked() -> Callable[..., Boxed]:
    """masked(seed, ...) -> truth (N, H, W), answers: masks of sizes that differ, with open places and class 0 around.

    numbered: objects are told apart (uint32); classes of objects and of their parts that are answered are 1 and more.
    """

    def build(
        seed: int = 0,
        *,
        images: int = 12,
        classes: int = 4,
        objects: int = 5,
        side: int = 20,
        numbered: bool = True,
        void: float = 0.1,
        errors: float = 0.4,
    ) -> Boxed:
        rng = np.random.default_rng(seed)
        kind = np.uint32 if numbered else np.uint8
        truth, answers = (np.full((images, side, side), VOID, kind) for _ in range(2))
        for n in range(images):
            high, wide = rng.integers(side // 2, side + 1, 2)
            true, found = (np.zeros((high, wide), kind) for _ in range(2))
            for number in range(1, 1 + int(rng.integers(0, objects + 1))):
                y, x = rng.integers(0, high), rng.integers(0, wide)
                tall, broad = rng.integers(1, side // 2, 2)
                of = int(rng.integers(1, classes))
                true[y : y + tall, x : x + broad] = mask_of(of, number if numbered else None)
                if rng.random() < 0.85:
                    y, x = (max(0, int(p + rng.integers(-1, 2) * (rng.random() < errors))) for p in (y, x))
                    of = of if rng.random() < 1 - errors / 4 else int(rng.integers(1, classes))
                    found[y : y + tall, x : x + broad] = mask_of(of, number + 7 if numbered else None)
            true[rng.random(true.shape) < void] = VOID
            truth[n, :high, :wide], answers[n, :high, :wide] = true, found
        return truth, answers

    return build


@pytest.fixture
def painters() -> Callable[..., tuple[np.ndarray, list[np.ndarray]]]:
    """painters(skills, ...) -> truth (N, 24, 24) of 3 classes, answers of each (1, N, 24, 24); equal skills are
    exchangeable. Each image has six objects, which a painter moves, misses or makes up the more, the harder they are.

    shared: the spread of a difficulty that all share, luck: of each one's own luck with an image, beside 1.
    """

    def build(
        skills: list[float],
        *,
        images: int = 40,
        shared: float = 1.0,
        luck: float = 0.5,
        seed: int = 0,
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        rng = np.random.default_rng(seed)
        there = rng.random((images, 6)) < 0.6
        kinds = rng.integers(1, 3, (images, 6))
        hard = shared * rng.normal(size=(images, 6))
        truth = _painted(there, kinds, np.zeros((images, 6), np.int64))
        answers = []
        for skill in skills:
            own = hard + luck * rng.normal(size=(images, 1)) + rng.normal(size=(images, 6)) - skill
            moved = np.clip(np.round(0.7 * own), 0, 4).astype(np.int64)
            seen = np.where(there, own < 2.0, own > 2.5)
            answers.append(_painted(seen, np.where(own > 1.8, 3 - kinds, kinds), moved)[None])
        return truth, answers

    return build


def _painted(shown: np.ndarray, kinds: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """(N, 24, 24) uint8: up to six objects of 6 x 6, each in a cell of 8 x 12, moved along it."""
    out = np.zeros((len(shown), 24, 24), np.uint8)
    for n, k in zip(*np.nonzero(shown), strict=True):
        y, x = 8 * (k % 3) + 1, 12 * (k // 3) + 1 + moved[n, k]
        out[n, y : y + 6, x : x + 6] = kinds[n, k]
    return out
