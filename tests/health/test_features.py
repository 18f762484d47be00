"""Features: finite, the same whatever the neighbours in the batch, with the invariances that are claimed."""

from __future__ import annotations

import numpy as np

from objectif.data.dataset import Dataset
from objectif.health.features import directions, features, fine_detail, hog, lbp, standardised
from objectif.health.looks import look


def test_an_image_has_the_same_features_in_any_company(clean: Dataset) -> None:
    looks = look(clean)
    whole = features(looks)
    assert np.isfinite(whole).all()
    rows = np.array([40, 3, 77])
    assert np.allclose(features(looks.take(rows)), whole[rows], atol=1e-6)


def test_features_tell_kinds_apart_better_than_chance(clean: Dataset) -> None:
    rows = directions(features(look(clean)))
    alike = rows @ rows.T
    np.fill_diagonal(alike, -1)
    assert (alike.argmax(1) % 3 == np.arange(90) % 3).mean() > 0.5  # chance is a third


def test_patterns_do_not_change_when_a_picture_is_turned(clean: Dataset) -> None:
    luma = look(clean).luma[:10]
    for radius in (1, 2):
        assert np.allclose(lbp(luma, radius), lbp(np.rot90(luma, axes=(1, 2)), radius), atol=1e-6)


def test_edges_hardly_change_with_brightness() -> None:
    flat = np.full((1, 64, 64), 80, np.uint8)
    flat[:, 20:40, 20:40] = 160
    brighter = np.clip(flat.astype(int) + 40, 0, 255).astype(np.uint8)
    assert np.abs(hog(flat) - hog(brighter)).max() < 0.12
    assert np.abs(hog(flat)).max() > 0.5


def test_constant_columns_are_dropped() -> None:
    table = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    table[:, 2] = 7
    kept = standardised(table)
    assert kept.shape == (50, 3)
    assert np.allclose(kept.std(0), 1, atol=1e-4)


def test_flat_pictures_do_not_match_by_their_noise() -> None:
    noise = np.random.default_rng(0).integers(99, 102, (20, 64, 64), dtype=np.uint8)
    detail = fine_detail(noise)
    assert (np.linalg.norm(detail, axis=1) < 0.5).all()
