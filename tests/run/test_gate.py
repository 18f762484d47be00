"""The input gate: it lets the wanted share of good inputs through, says plainly what is wrong with others, and changes no answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from objectif.answers import Label
from objectif.errors import SolutionError
from objectif.images.prepare import Preparation, placement, prepare
from objectif.run.gate import Measures, judged, looks, signature
from objectif.run.gate_fit import conformal, crossed_distances, fit, fit_space
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, read, write
from objectif.solution.gate import LOOKS, Gate

Make = Callable[..., Solution]
SIDE = 8


def photo(rng: np.random.Generator, side: int = 40) -> NDArray[np.uint8]:
    """A picture with light, colour and detail, each a little different."""
    base = rng.normal(rng.normal((150, 110, 70), 12), rng.uniform(35, 55), (side, side, 3))
    return np.clip(base, 0, 255).astype(np.uint8)


def gated(colours: Make, n: int = 150, **fields: Any) -> Solution:
    """The Solution of colours, with a gate fitted on such pictures."""
    plain = colours(**fields)
    rng = np.random.default_rng(1)
    preparation = plain.preparation
    pictures = [photo(rng) for _ in range(n)]
    pixels = [prepare(p, preparation) for p in pictures]
    seen = np.stack([looks(p, placement(40, 40, preparation)) for p in pixels])
    embedding = np.stack([p.reshape(-1, 3).mean(0) / 255 for p in pixels]).astype(np.float32)
    distances = crossed_distances(embedding, np.arange(n))
    gate = fit(seen, distances, fit_space(embedding), "tests")
    gate = replace(gate, distance=dict.fromkeys(plain.networks, gate.distance["fp32"]))
    return replace(plain, gate=gate.table(), known=gate.arrays())


def reason(solution: Solution, pixels: NDArray[Any]) -> str:
    [answer] = Predictor(solution, workers=1).predict([pixels])
    assert isinstance(answer, Label)
    if answer.judgement is None:
        return ""
    assert answer.judgement.act == "reject"
    return answer.judgement.reason


def test_plain_faults_are_named_with_the_number_met(colours: Make) -> None:
    solution, rng = gated(colours), np.random.default_rng(2)
    good = photo(rng)
    assert reason(solution, good) == ""
    assert reason(solution, np.zeros_like(good)).startswith("too dark: mean level 0, expected ")
    assert reason(solution, np.full_like(good, 255)).startswith("too bright: mean level 255, expected ")
    flat = np.zeros_like(good) + np.array([150, 110, 70], np.uint8)
    assert reason(solution, flat).startswith("almost one level: they deviate by 0.0, expected at least ")
    slope = np.clip(np.linspace(-20, 20, 40)[None, :, None] + flat.astype(float), 0, 255).astype(np.uint8)
    assert reason(solution, slope).startswith("blurred or empty: fine detail of ")
    assert reason(solution, good[:, :, 1:2]).startswith("gray, and it knows colour: channels differ by 0")
    assert reason(solution, good[::-1, :, ::-1]).startswith("unlike the images it was fitted on (distance ")


def test_a_picture_of_few_pixels_is_too_small(colours: Make) -> None:
    solution = gated(colours)
    assert reason(solution, cv2.resize(photo(np.random.default_rng(3)), (2, 2))).startswith(
        "too small: enlarged "
    )


def test_sixteen_bits_are_the_same_picture(colours: Make) -> None:
    """Levels are those of the prepared image, so depth alone is no reason; a dark one of 12 bits in 16 is too dark."""
    solution, good = gated(colours), photo(np.random.default_rng(4))
    assert reason(solution, good.astype(np.uint16) * 257) == ""
    assert reason(solution, good.astype(np.uint16) * 16).startswith("too dark: mean level ")


def test_gray_is_expected_where_gray_was_given(colours: Make) -> None:
    plain, rng = colours(), np.random.default_rng(5)
    pixels = [prepare(photo(rng)[:, :, :1], plain.preparation) for _ in range(80)]
    seen = np.stack([looks(p, placement(40, 40, plain.preparation)) for p in pixels])
    solution = replace(plain, gate=fit(seen, None, None, "tests").table())
    assert reason(solution, photo(rng)[:, :, :1]) == ""
    assert reason(solution, photo(rng)).startswith("coloured, and it knows gray: channels differ by ")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), passes=st.sampled_from([0.8, 0.9, 0.98]), n=st.integers(60, 300))
def test_the_wanted_share_of_fresh_inputs_passes(seed: int, passes: float, n: int) -> None:
    """Over fits the share has the conformal mean; each single one lies within what n calibration images allow."""
    rng = np.random.default_rng(seed)

    def draw(k: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        seen = np.column_stack([
            rng.normal(120, 20, k), rng.gamma(9, 5, k), rng.normal(3, 0.4, k), rng.gamma(4, 8, k), np.zeros(k), rng.normal(8, 1, k),
        ])  # fmt: skip
        return seen.astype(np.float32), (rng.normal(size=(k, 12)) * np.arange(1, 13)).astype(np.float32)

    seen, embedding = draw(n)
    gate = fit(seen, crossed_distances(embedding, np.arange(n)), fit_space(embedding), "tests", passes=passes)
    fresh, far = draw(2000)
    assert gate.space is not None
    inside = gate.space.distances(far) <= gate.distance["fp32"]
    for name, (low, high) in gate.limits.items():
        values = fresh[:, LOOKS.index(name)]
        inside &= (values >= (-np.inf if low is None else low)) & (
            values <= (np.inf if high is None else high)
        )
    wrong = (1 - passes) + 4.5 * np.sqrt(passes * (1 - passes) * (1 / n + 1 / 2000)) + 2 / n
    assert (~inside).mean() <= wrong


def test_conformal_is_the_order_statistic_and_goes_on_beyond_it() -> None:
    numbers = np.arange(1.0, 100.0)
    assert conformal(numbers, 0.98) == 98.0
    assert conformal(numbers, 0.9) == 90.0
    few = np.arange(1.0, 21.0)
    assert conformal(few, 0.98) == pytest.approx(20.0 - np.log(0.02 * 21))


def test_units_never_stand_on_both_sides() -> None:
    """Copies of one image would find each other and call themselves near."""
    rng = np.random.default_rng(0)
    single = rng.normal(size=(30, 50)).astype(np.float32)
    copies, units = np.repeat(single, 4, axis=0), np.repeat(np.arange(30), 4)
    cut = crossed_distances(copies, np.arange(120))
    whole = crossed_distances(copies, units)
    assert np.median(whole) > 1.15 * np.median(cut)


def test_the_gate_changes_no_answer_and_no_batch_changes_the_gate(colours: Make) -> None:
    solution, rng = gated(colours), np.random.default_rng(6)
    pictures = [photo(rng) for _ in range(12)] + [np.zeros((30, 30, 3), np.uint8), photo(rng)[::-1, :, ::-1]]
    plain = list(Predictor(replace(solution, gate=None, known={})).predict(list(pictures)))
    found = [
        list(Predictor(solution, workers=w, batch=b).predict(list(pictures))) for w, b in ((1, 1), (2, 5))
    ]
    order = np.random.default_rng(7).permutation(len(pictures))
    turned = list(Predictor(solution).predict([pictures[k] for k in order]))
    for k, before in enumerate(plain):
        assert isinstance(before, Label)
        for some in (found[0][k], found[1][k], turned[int(np.flatnonzero(order == k)[0])]):
            assert isinstance(some, Label)
            assert some.labels == before.labels
            np.testing.assert_array_equal(some.scores, before.scores)
            assert (some.judgement is None) == (found[0][k].judgement is None)  # type: ignore[union-attr]
    assert [a.judgement is not None for a in found[0]][-2:] == [True, True]  # type: ignore[union-attr]


def test_both_precisions_are_judged_each_by_its_limit(colours: Make) -> None:
    solution = gated(colours)
    for precision in ("fp32", "int8"):
        found = list(Predictor(solution, precision=precision).predict([photo(np.random.default_rng(8))]))
        assert found[0].judgement is None  # type: ignore[union-attr]


def test_a_file_without_a_gate_answers_as_before(colours: Make, tmp_path: Path) -> None:
    path = write(tmp_path / "old.objectif", colours())
    [answer] = Predictor(read(path)).predict([np.zeros((20, 20, 3), np.uint8)])
    assert isinstance(answer, Label)
    assert answer.judgement is None


def test_the_gate_survives_the_file(colours: Make, tmp_path: Path) -> None:
    solution = gated(colours)
    again = read(write(tmp_path / "a.objectif", solution))
    one, two = Gate.of(solution), Gate.of(again)
    assert one is not None
    assert two is not None
    assert one.table() == two.table()
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, two.arrays()[name])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"limits": {"level": [1.0, "much"]}}, "'much' instead of a number"),
        ({"limits": {"smell": [1.0, None]}}, "a limit of 'smell'"),
        ({"limits": {"level": [1.0]}}, "not enough values"),
        ({"distance": {"fp32": 1.0}}, "distances for \\['fp32'\\]"),
        ({"distance": {"fp32": float("nan"), "int8": 1.0}}, "nan instead of a number"),
        ({"more": 1}, "its keys are"),
    ],
)
def test_a_damaged_table_is_refused(colours: Make, change: dict[str, Any], said: str) -> None:
    solution = gated(colours)
    broken = replace(solution, gate={**(solution.gate or {}), **change})
    with pytest.raises(SolutionError, match=f"the input gate is damaged .*{said}.*Copy the file again"):
        Predictor(broken)


@pytest.mark.parametrize(
    "change",
    [
        {"gate_mean": np.zeros(7, np.float32)},
        {"gate_spread": np.zeros(0, np.float32)},
        {"gate_rest": np.array([-1.0, 1.0])},
        {"gate_basis": np.full((2, 3), np.nan, np.float16)},
        {"gate_mean": np.array(["a", "b", "c"])},
    ],
)
def test_damaged_arrays_are_refused(colours: Make, change: dict[str, Any]) -> None:
    solution = gated(colours)
    with pytest.raises(SolutionError, match="the input gate is damaged"):
        Predictor(replace(solution, known={**solution.known, **change}))
    with pytest.raises(SolutionError, match="the input gate is damaged"):
        Predictor(replace(solution, known={}))


def test_predict_shows_what_is_rejected(
    colours: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from objectif.cli import main

    path = write(tmp_path / "a.objectif", gated(colours))
    picture = tmp_path / "black.png"
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(picture)
    assert main(["predict", str(path), str(picture)]) == 0
    shown = capsys.readouterr().out
    assert '"act": "reject"' in shown
    assert "too dark" in shown


def test_looks_are_those_of_the_pixels() -> None:
    """Of any number of channels, and the same for bytes and for the same levels as floats."""
    rng = np.random.default_rng(0)
    for channels in (1, 3, 5):
        pixels = rng.integers(0, 256, (50, 70, channels), dtype=np.uint8)
        place = placement(25, 35, Preparation(50, 70))
        one, two = looks(pixels, place), looks(pixels.astype(np.float32), place)
        np.testing.assert_allclose(one, two, rtol=0.02, atol=0.02)
        assert one[LOOKS.index("enlarged")] == pytest.approx(2.0)
        assert one[LOOKS.index("colour")] == 0 or channels > 1


def test_a_signature_is_judged_where_it_was_fitted(colours: Make, tmp_path: Path) -> None:
    """Pictures with the light at the top, shown upside down: only where it lies is strange."""
    rng, plain = np.random.default_rng(9), colours()

    def lit() -> NDArray[np.uint8]:
        return np.clip(photo(rng) * np.linspace(1.3, 0.4, 40)[:, None, None], 0, 255).astype(np.uint8)

    pictures = [prepare(lit(), plain.preparation) for _ in range(120)]
    seen = np.stack([looks(p, placement(40, 40, plain.preparation)) for p in pictures])
    signs = np.stack([signature(p) for p in pictures])
    gate = fit(seen, None, None, "tests", (signs, np.arange(120)))
    solution = read(write(tmp_path / "a.objectif", replace(plain, gate=gate.table(), known=gate.arrays())))
    assert reason(solution, lit()) == ""
    assert reason(solution, lit()[::-1]).startswith("unlike the images it was fitted on (look at distance ")
    with pytest.raises(SolutionError, match="the input gate is damaged"):
        Predictor(replace(solution, known={}))


def test_a_picture_in_tiles_is_judged_by_its_middle_tile(
    squares: Make, rectangles: Callable[..., Any]
) -> None:
    """Tiles of a large picture look like the pictures that were learned from; the whole picture shrunk does not."""
    plain = squares(reference=(64, 64))
    learned = [rectangles(64, 64, seed)[0] for seed in range(60)]
    open_gate = {**fit(np.ones((20, 6), np.float32), None, None, "tests").table(), "limits": {}}
    pairs: list[Any] = list(Predictor(replace(plain, gate=open_gate)).measured(list(learned)))
    gate = fit(np.stack([measures.looks for _, measures in pairs]), None, None, "tests")
    predictor = Predictor(replace(plain, gate=gate.table()), workers=2)
    large = rectangles(400, 300, 7)[0]
    half = large.copy()
    half[:230] = 0
    found: list[Any] = list(predictor.measured([large, half, large // 8]))
    assert [answer.judgement is None for answer, _ in found] == [True, False, False]
    assert found[0][1].looks[LOOKS.index("size")] == pytest.approx(np.sqrt(400 * 300))
    [shrunk] = predictor.predict([large], tile="off")
    assert shrunk.judgement is not None  # type: ignore[union-attr]
    before = list(Predictor(plain).predict([large]))
    np.testing.assert_array_equal(found[0][0].boxes, before[0].boxes)  # type: ignore[union-attr]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0.2, 1.2))
def test_no_limit_lies_beyond_the_end_of_its_measure(seed: int, spread: float) -> None:
    """However wide colours, contrasts and details scatter, a picture without any is none of that kind."""
    rng = np.random.default_rng(seed)
    seen = np.ones((100, len(LOOKS)), np.float32)
    for name, middle in (("colour", 40), ("contrast", 50), ("detail", 12)):
        seen[:, LOOKS.index(name)] = middle * np.exp(rng.normal(0, spread, 100))
    seen[:, LOOKS.index("level")] = rng.beta(2, 2, 100) * 255
    gate = fit(seen, None, None, "tests")
    for name in ("colour", "contrast", "detail"):
        low = gate.limits[name][0]
        assert low is None or low > 0
        if spread < 0.6:
            assert low is not None
    low, high = gate.limits["level"]
    assert low is None or high is None or 0 < low < high < 255


def test_a_gate_of_another_network_is_refused(colours: Make) -> None:
    solution = gated(colours)
    space = fit_space(np.random.default_rng(0).uniform(size=(30, 5)).astype(np.float32))
    wrong = replace(solution, known=space.arrays("gate_"))
    with pytest.raises(SolutionError, match="embeddings of 3 numbers, the input gate knows 5"):
        list(Predictor(wrong).predict([photo(np.random.default_rng(1))]))


def test_the_number_met_is_never_the_number_expected(colours: Make) -> None:
    gate = fit(np.ones((20, 6), np.float32), None, None, "tests")
    for gap in (1e-4, 1e-3, 0.01, 0.3):
        high = gate.limits["enlarged"][1]
        assert high is not None
        said = judged(gate, Measures(np.array([1, 1, 1, 1, high + gap, 1], np.float32)))
        assert said is not None
        met, expected = re.findall(r"[0-9.]+", said)
        assert float(met) > float(expected)
