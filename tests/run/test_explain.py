"""Explanations: exact where a network has a map, by occlusion elsewhere, and for every task that has any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import objectif
from objectif.answers import Boxes, Label
from objectif.cli import main
from objectif.errors import InputError
from objectif.images.prepare import Preparation, placement
from objectif.run.asked import evidence, likeliest
from objectif.run.explain import Explainer, explain
from objectif.run.on_picture import gathered, on_picture
from objectif.run.overlay_why import explained
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, write
from objectif.tasks.classify import Decoding

Maker = Callable[..., Solution]


def patched() -> np.ndarray:
    """(60, 100, 3) green, with a red patch on the lower right."""
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[..., 1] = 120
    pixels[30:60, 75:100] = (250, 0, 0)
    return pixels


def in_patch(point: tuple[float, float]) -> bool:
    return point[0] > 70 and point[1] > 25


@pytest.mark.parametrize("method", ["cam", "occlusion"])
def test_the_hottest_place_is_on_what_speaks_for_the_class(colours: Maker, method: str) -> None:
    predictor = Predictor(colours())
    red = explain(predictor, patched(), "red", method=method)
    assert red.method == method
    assert red.map.shape == (60, 100)
    assert red.map.dtype == np.float32
    assert in_patch(red.point)
    assert red.map[:20, :50].max() <= 0.1 * red.hot
    green = explain(predictor, patched(), method=method)
    assert green.label == "green", "without a class, the one that is answered"
    assert not in_patch(green.point)
    assert "green" in green.sentence


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 9999),
    several=st.booleans(),
    heat=st.floats(0.2, 5.0),
)
def test_the_mean_of_the_evidence_is_what_the_picture_adds_to_the_log_odds(
    seed: int, several: bool, heat: float
) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(4, 5, 3)).astype(np.float32)
    logits = cells.mean((0, 1)) / heat
    p = np.exp(logits) / np.exp(logits).sum()
    found = evidence(cells, p if several else None, 1, heat)
    others = (p[0] * logits[0] + p[2] * logits[2]) / (p[0] + p[2])
    assert np.isclose(found.mean(), logits[1] - (others if several else 0.0), atol=1e-4)
    if several:  # no probability shows a number common to all classes
        np.testing.assert_allclose(evidence(cells + 7, p, 1, heat), found, atol=1e-4)


def test_of_several_classes_the_surest_is_explained_and_of_none_the_nearest() -> None:
    scores = np.array([0.6, 0.2, 0.9], np.float32)
    names = ("a", "b", "c")
    assert likeliest(Label("x", names, scores, ("a", "c"))) == "c"
    assert likeliest(Label("x", names, scores, ("a",))) == "a"
    assert likeliest(Label("x", names, scores, ())) == "c"


def test_a_temperature_is_part_of_the_map(colours: Maker) -> None:
    plain, hot = (
        explain(Predictor(colours(decoding=Decoding(temperature=t), multilabel=True)), patched(), "red")
        for t in (1.0, 2.0)
    )
    np.testing.assert_allclose(plain.map, 2 * hot.map, rtol=1e-4)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_cells_lie_where_their_part_of_the_picture_is(fit: str) -> None:
    place = placement(40, 120, Preparation(32, 32, fit=fit))
    cells = np.zeros((8, 8), np.float32)
    cells[4, 4] = 1.0
    whole = on_picture(cells, place, (32, 32))
    row, column = np.unravel_index(whole.argmax(), whole.shape)
    x, y = (column + 0.5) * place.scale_x + place.left, (row + 0.5) * place.scale_y + place.top
    assert abs(x - 18) <= 2
    assert abs(y - 18) <= 2
    cut = fit == "crop"
    assert (on_picture(np.ones((8, 8), np.float32), place, (32, 32)).min() == 0) == cut


@pytest.mark.parametrize(
    ("method", "words"), [("cam", "no exact map"), ("gradients", "expected one of auto, cam, occlusion")]
)
def test_a_method_that_cannot_be_is_refused(brightness: Maker, method: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Explainer(Predictor(brightness()), method=method)


def test_an_unknown_class_is_refused_with_the_nearest_name(
    colours: Maker, squares: Maker, brightness: Maker
) -> None:
    with pytest.raises(InputError, match=r"'grean' is not known; .* Did you mean 'green'\?"):
        explain(Predictor(colours()), patched(), "grean")
    with pytest.raises(InputError, match="no classes to choose from"):
        explain(Predictor(brightness()), patched(), "red")
    dark = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(InputError, match="nothing was found, so there is no box to explain"):
        explain(Predictor(squares()), dark)


def test_a_restored_picture_has_no_explanation(mirror: Maker) -> None:
    with pytest.raises(InputError, match="a restored picture has no explanation"):
        Explainer(Predictor(mirror()))


def test_a_box_is_explained_by_what_is_in_it(squares: Maker) -> None:
    pixels = np.full((64, 64, 3), 40, np.uint8)
    pixels[36:52, 10:26] = (230, 40, 40)
    predictor = Predictor(squares())
    [answer] = predictor.predict([pixels])
    assert isinstance(answer, Boxes)
    found = explain(predictor, pixels)
    assert found.method == "occlusion"
    assert found.label == "red"
    x, y = found.point
    assert 4 <= x <= 32
    assert 30 <= y <= 58


def test_a_number_is_explained_by_what_raises_it(brightness: Maker) -> None:
    found = explain(Predictor(brightness()), patched())
    assert found.unit == "level"
    assert in_patch(found.point)


def test_answers_that_say_where_explain_themselves(
    regions: Maker, lights: Maker, rectangles: Callable[..., tuple]
) -> None:
    pixels = rectangles(64, 64, 1)[0]
    mask = explain(Predictor(regions()), pixels, "red")
    assert mask.method == "answer"
    assert set(np.unique(mask.map)) <= {0.0, 1.0}
    assert (pixels[..., 0][mask.map > 0] > 160).all()
    spot = explain(Predictor(lights()), np.full((30, 40, 3), 60, np.uint8))
    assert spot.method == "answer"
    assert spot.map.shape == (30, 40)


def test_likeness_is_to_oneself_or_to_another(hues: Maker) -> None:
    predictor = Predictor(hues())
    own = explain(predictor, patched())
    assert own.unit == "cosine"
    assert "whole picture" in own.told
    other = explain(predictor, patched(), like=np.array([1, 0, 0], np.float32))
    assert in_patch(other.point)
    with pytest.raises(InputError, match=r"shape \(2,\) to be likened to; expected \(3,\)"):
        explain(predictor, patched(), like=np.zeros(2, np.float32))


def test_half_of_the_evidence_is_where_it_is() -> None:
    whole = np.zeros((10, 20), np.float32)
    whole[2:4, 15:17] = 1.0
    whole[8, 0] = -5.0
    share, (x, y) = gathered(whole) or (0.0, (0.0, 0.0))
    assert share == 2 / 200
    assert 15 < x < 17
    assert 2 < y < 4
    assert gathered(-np.abs(whole)) is None


def test_the_drawing_shows_heat_and_a_legend_and_wants_the_same_picture(colours: Maker) -> None:
    found = objectif.explain(Predictor(colours()), patched(), "red")
    shown = explained(patched(), found)
    assert shown.shape[1] == 500, "small pictures are enlarged"
    assert shown.shape[0] > 300
    with pytest.raises(InputError, match="Give the picture that was explained"):
        explained(patched()[:50], found)


def test_predict_draws_explanations_into_a_folder(
    colours: Maker, mirror: Maker, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    solution = str(write(tmp_path / "colours.objectif", colours()))
    (tmp_path / "in").mkdir()
    Image.fromarray(patched()).save(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    asked = ["predict", solution, str(tmp_path / "in"), "--to", "explanations"]
    assert main([*asked, "--out", str(out)]) == 0
    assert [p.name for p in out.iterdir()] == ["a.png"]
    said = capfd.readouterr()
    assert "a.png: green 0.9" in said.err
    assert said.out == ""
    assert main(asked) == 2
    assert "expected a folder for the pictures" in capfd.readouterr().err
    other = str(write(tmp_path / "mirror.objectif", mirror()))
    assert main(["predict", other, str(tmp_path / "in"), "--to", "explanations", "--out", str(out)]) == 2
    assert "--to explanations: needs answers with" in capfd.readouterr().err
