"""Suppression is the greedy one; seams leave neither doubles nor fragments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.metrics.boxes import iou
from objectif.tasks import nms
from objectif.tasks.nms import fragments, suppress


def crowd(seed: int, n: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-100, 100, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 60, (n, 2))], axis=1).astype(np.float32)
    scores = rng.random(n).astype(np.float32)
    return boxes, np.round(scores, 1) if ties else scores, rng.integers(0, 3, n)


def greedy(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float) -> list[int]:
    left, kept = list(np.argsort(-scores, kind="stable")), []
    share = iou(boxes, boxes)
    while left:
        first = left.pop(0)
        kept.append(int(first))
        left = [k for k in left if labels[k] != labels[first] or share[first, k] <= threshold]
    return kept


@given(st.integers(0, 10_000), st.integers(0, 80), st.sampled_from([0.2, 0.5, 0.7, 1.0]), st.booleans())
def test_it_is_the_greedy_one(seed: int, n: int, threshold: float, ties: bool) -> None:
    boxes, scores, labels = crowd(seed, n, ties)
    assert suppress(boxes, scores, labels, threshold).tolist() == greedy(boxes, scores, labels, threshold)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, scores, labels = crowd(1, 300)
    whole = suppress(boxes, scores, labels, 0.3).tolist()
    monkeypatch.setattr(nms, "_BLOCK", block)
    assert suppress(boxes, scores, labels, 0.3).tolist() == whole


def test_what_stays_does_not_overlap_and_what_goes_does() -> None:
    boxes, scores, labels = crowd(2, 400)
    kept = suppress(boxes, scores, labels, 0.4)
    gone = np.setdiff1d(np.arange(400), kept)
    close = (iou(boxes, boxes) > 0.4 + 1e-6) & (labels[:, None] == labels[None])
    np.fill_diagonal(close, False)
    assert not close[np.ix_(kept, kept)].any()
    assert (close[np.ix_(gone, kept)] & (scores[gone][:, None] <= scores[kept][None])).any(axis=1).all()


def test_a_chain_of_overlaps_is_undone_from_its_surest_end() -> None:
    left = np.arange(50) * 4.0
    boxes = np.stack([left, np.zeros(50), left + 10, np.full(50, 10.0)], axis=1)
    kept = suppress(boxes, np.linspace(1, 0.1, 50), np.zeros(50, int), 0.3)
    assert kept.tolist() == list(range(0, 50, 2))


def test_fragments_of_another_tile_go() -> None:
    whole, part = [0, 0, 100, 100], [60, 0, 102, 100]
    boxes = np.array([whole, part], np.float32)
    label, apart = np.zeros(2, int), np.array([0, 1])
    assert fragments(boxes, np.array([0.8, 0.9]), label, apart).tolist() == [False, True]
    assert not fragments(boxes, np.array([0.8, 0.9]), label, np.zeros(2, int)).any()  # nested, seen together
    assert not fragments(boxes, np.array([0.8, 0.9]), np.array([0, 1]), apart).any()  # another class
    assert not fragments(boxes, np.array([0.1, 0.9]), label, apart).any()  # a doubtful whole
