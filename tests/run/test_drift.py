"""Drift: it speaks up about a shift, and seldom where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from objectif.answers import Label
from objectif.errors import InputError, SolutionError
from objectif.run.drift import columns_of, compare, drift, holm, kept, numbers, p_value, smallest_gap
from objectif.run.gate import Measures
from objectif.run.gate_fit import fit_space
from objectif.solution.file import Solution
from objectif.solution.gate import Space

Make = Callable[..., Solution]


def world(n: int, rng: np.random.Generator, shift: float = 0.0) -> list[tuple[Label, Measures]]:
    """Answers and measures of n images of one kind; shift: of the level, in deviations."""
    found = []
    for k in range(n):
        seen = [
            rng.normal(120 + 20 * shift, 20),
            rng.gamma(9, 5),
            rng.normal(3, 0.4),
            rng.gamma(4, 8),
            0.0,
            8.0,
        ]
        first = float(rng.beta(2, 2))
        label = Label(f"{k}.png", ("red", "green"), np.array([first, 1 - first], np.float32), ("red",))
        found.append(
            (label, Measures(np.array(seen, np.float32), 1.0, rng.normal(size=12).astype(np.float32)))
        )
    return found


def knowing(colours: Make, rng: np.random.Generator, n: int = 200) -> Solution:
    """A Solution that keeps what drift needs of n images of that kind."""
    space: Space = fit_space(rng.normal(size=(200, 12)).astype(np.float32), 8)
    rows = [numbers(answer, measures, space) for answer, measures in world(n, rng)]
    return replace(colours(), known=kept(rows, space))


def images(solution: Solution, some: list[tuple[Label, Measures]]) -> dict[str, dict[str, float]]:
    """What drift() takes of them."""
    space = columns_of(solution)[1]
    return {answer.path: numbers(answer, measures, space) for answer, measures in some}


def test_false_alarms_keep_to_the_stated_rate() -> None:
    """Columns that are one and the same, opposite, tied or independent: the correction holds for all of them together."""
    rng = np.random.default_rng(0)
    alarms, worlds = 0, 400
    for _ in range(worlds):
        old, new = rng.normal(size=(100, 6)), rng.normal(size=(60, 6))
        for some in (old, new):
            some[:, 1], some[:, 2], some[:, 3] = some[:, 0], -some[:, 0], np.round(some[:, 3])
        found = holm([(str(k), *compare(old[:, k], new[:, k])) for k in range(6)])
        alarms += found[0].adjusted <= 0.1
    # 0.1 of 400 is 40; a binomial exceeds 59 once in 1,000 such runs, and the seed is fixed
    assert alarms <= 59


def test_the_same_kind_of_images_raises_few_alarms(colours: Make) -> None:
    rng = np.random.default_rng(10)
    solution, alarms = knowing(colours, rng, 250), 0
    for _ in range(20):
        some = world(40, rng)
        alarms += drift(solution, images(solution, some)).differs
    assert alarms <= 4  # 0.05 of 20 is 1; a binomial exceeds 4 three times in 1,000


def test_a_shift_is_seen_and_named_with_the_images_that_moved(colours: Make) -> None:
    rng = np.random.default_rng(1)
    solution = knowing(colours, rng)
    some = world(60, rng) + world(1, rng, shift=9)
    some[-1] = (replace(some[-1][0], path="strange.png"), some[-1][1])
    quiet = drift(solution, images(solution, some))
    assert not quiet.differs
    assert quiet.verdict.startswith("No difference is seen between these 61 images")
    some = world(60, rng, shift=1.5) + some[-1:]
    found = drift(solution, images(solution, some))
    assert found.differs
    assert found.moved[0].name == "level"
    assert found.verdict.startswith("These 61 images look different: mean level higher, p < 0.0001")
    assert found.unlike[0][0] == "strange.png"
    assert found.to_dict()["differs"] is True


def test_the_order_of_images_says_nothing(colours: Make) -> None:
    rng = np.random.default_rng(2)
    solution, some = knowing(colours, rng), world(40, rng)
    turned = some[::-1]
    one, two = drift(solution, images(solution, some)), drift(solution, images(solution, turned))
    assert one.moved == two.moved


def test_too_few_images(colours: Make) -> None:
    rng = np.random.default_rng(3)
    solution, some = knowing(colours, rng), world(19, rng)
    with pytest.raises(InputError, match="19 images to compare; expected at least 20"):
        drift(solution, images(solution, some))


@pytest.mark.parametrize("alarm", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_is_a_share(colours: Make, alarm: float) -> None:
    rng = np.random.default_rng(4)
    solution, some = knowing(colours, rng), world(20, rng)
    with pytest.raises(
        InputError, match=r"the rate of false alarms is .*expected a number above 0 and below 1"
    ):
        drift(solution, images(solution, some), alarm=alarm)


def test_an_older_file_keeps_nothing(colours: Make) -> None:
    some = world(30, np.random.default_rng(5))
    with pytest.raises(SolutionError, match=r"keeps nothing of the images .*Solve again"):
        drift(colours(), {a.path: numbers(a, m, None) for a, m in some})


@pytest.mark.parametrize(
    "change",
    [
        {"drift_column_level": np.full(50, np.nan, np.float32)},
        {"drift_column_level": np.zeros((2, 30), np.float32)},
        {"drift_spread": np.zeros(3, np.float32)},
    ],
)
def test_damaged_columns_are_refused(colours: Make, change: dict[str, Any]) -> None:
    rng = np.random.default_rng(6)
    solution, some = knowing(colours, rng), world(30, rng)
    broken = replace(solution, known={**solution.known, **change})
    with pytest.raises(SolutionError, match="is damaged; copy it again"):
        drift(broken, images(solution, some))


def test_no_row_of_what_is_kept_is_an_image(colours: Make) -> None:
    rng = np.random.default_rng(7)
    solution = knowing(colours, rng)
    columns = [v for name, v in solution.known.items() if name.startswith("drift_column_")]
    assert all((np.diff(column) >= 0).all() for column in columns)


def test_p_values_are_uniform_at_most() -> None:
    rng = np.random.default_rng(8)
    values = np.array([compare(rng.normal(size=80), rng.normal(size=50))[1] for _ in range(600)])
    for level in (0.01, 0.05, 0.2):
        assert (values <= level).mean() <= level + 3 * np.sqrt(level / 600)
    tied = np.array([compare(rng.integers(0, 3, 80), rng.integers(0, 3, 50))[1] for _ in range(300)])
    assert (tied <= 0.05).mean() <= 0.05


def test_the_smallest_gap_is_where_p_meets_the_rate() -> None:
    gap = smallest_gap(100, 200, 0.01)
    assert p_value(gap * 1.001, 100, 200) <= 0.01 <= p_value(gap * 0.97, 100, 200)


def test_corrected_p_values_never_fall() -> None:
    found = holm([(str(k), 0.1, p, 0.0, 0.0, 0.5) for k, p in enumerate([0.04, 0.001, 0.03, 0.9])])
    assert [one.name for one in found] == ["1", "2", "0", "3"]
    assert [one.adjusted for one in found] == pytest.approx([0.004, 0.09, 0.09, 0.9])
