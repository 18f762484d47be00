"""The loop: repeats itself, draws by weight, stops in time, goes on from weights, refuses what teaches nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn

from objectif.errors import TrialError
from objectif.learn.fit.train import Lesson, _epoch, _rate, seconds_per_image, train
from objectif.learn.models.base import Learner, Whole


class Brightness(Whole):
    """Learns the mean of its pictures: a task that no other file knows."""

    outputs = ("level", "embedding")

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.zeros(1))
        self.factor = factor

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        mean = image.to(torch.float32).mean((1, 2, 3), keepdim=False)[:, None]
        return self.level + 0 * mean, mean

    def objective(self, image: Tensor, truth: Tensor, losses: Any, batch: Any) -> Tensor:
        return self.factor * (self.level - truth).square().mean()


def learner(**fields: Any) -> Learner:
    plain: dict[str, Any] = {
        "name": "brightness",
        "approach": "finetune",
        "title": "Brightness",
        "source": "a test",
        "licence": "Apache-2.0",
        "task": "regress",
        "sizes": (8,),
        "build": lambda channels, classes: Brightness(),
        "view": lambda images, truth, size, generator, progress, symmetries: (images, truth),
        "rate": 0.1,
        "decay": 0.0,
    }
    return Learner(**{**plain, **fields})


def lesson(**fields: Any) -> Lesson:
    images = np.zeros((16, 8, 8, 1), np.uint8)
    truth = np.repeat([1.0, 3.0], 8)
    return replace(Lesson(images, truth, np.ones(16), 1, (8, 8), epochs=60, batch=8), **fields)


def test_any_whole_is_trained_and_repeats_itself() -> None:
    told: list[tuple[int, int]] = []
    one = train(learner(), lesson(), channels=1, tell=lambda epoch, of, value: told.append((epoch, of)))
    other = train(learner(), lesson(), channels=1)
    assert float(one.level.detach()) == pytest.approx(2.0, abs=0.1)
    assert torch.equal(one.level, other.level)
    assert not one.training
    assert told == [(e + 1, 60) for e in range(60)]
    assert 0 < seconds_per_image(learner(), lesson(), channels=1) < 1


def test_an_image_of_more_weight_is_drawn_more_often() -> None:
    weight = np.repeat([3.0, 1.0], 8)
    generator = np.random.default_rng(0)
    drawn = np.concatenate(
        [np.concatenate(list(_epoch(learner(), lesson(weight=weight), generator))) for _ in range(9)]
    )
    assert (drawn < 8).mean() == pytest.approx(0.75, abs=0.05)
    for rows in (np.concatenate(list(_epoch(learner(), lesson(), generator))) for _ in range(5)):
        assert sorted(rows) == list(range(16))
    assert float(train(learner(), lesson(weight=weight), channels=1).level.detach()) == pytest.approx(
        1.5, abs=0.15
    )


def test_stops_in_time_and_at_nothing_to_learn() -> None:
    with pytest.raises(TrialError, match="out of time"):
        train(learner(), lesson(), channels=1, deadline=time.monotonic() - 1)
    with pytest.raises(TrialError, match="weights are 0"):
        train(learner(), lesson(weight=np.zeros(16)), channels=1)
    with pytest.raises(TrialError, match="diverged"):
        train(learner(build=lambda c, n: Brightness(float("inf"))), lesson(), channels=1)


def test_goes_on_from_weights() -> None:
    start = {"level": torch.tensor([2.0])}
    met = train(learner(), lesson(epochs=1, start=start), channels=1)
    assert float(met.level.detach()) == pytest.approx(2.0, abs=0.1)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [_rate(step, 400) for step in range(400)]
    top = int(np.argmax(rates))
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1.0)
    assert top <= 20
    assert all(a >= b for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert rates[-1] < 0.02


def test_a_slow_machine_draws_the_schedule_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from objectif.learn.fit import train as module

    clock_now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock_now[0])

    def run(planned: int, seconds: float, least: float, deadline: float) -> int:
        clock_now[0] = 0.0
        clock = module._Clock(planned, least, deadline)
        totals = []
        while not clock.over():
            totals.append(clock.total())
            clock_now[0] += seconds
            clock.step += 1
        assert totals == sorted(totals, reverse=True)
        return clock.step

    assert run(200, 1.0, 0.6, 300.0) == 200
    assert 145 <= run(200, 1.0, 0.6, 150.0) <= 151
    with pytest.raises(TrialError, match="out of time"):
        run(200, 1.0, 0.6, 100.0)
    with pytest.raises(TrialError, match="out of time"):
        run(200, 1.0, 1.0, 150.0)
