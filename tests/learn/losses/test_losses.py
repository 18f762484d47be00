"""Every loss behind the door keeps its contract; and each is the formula that its file says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor
from torch.nn import functional

from objectif import plugins
from objectif.learn.losses.asymmetric import LOSS as ASYMMETRIC
from objectif.learn.losses.base import Batch, Loss
from objectif.learn.losses.bce import LOSS as BCE
from objectif.learn.losses.brier import LOSS as BRIER
from objectif.learn.losses.class_balanced import LOSS as CLASS_BALANCED
from objectif.learn.losses.class_balanced import class_weights
from objectif.learn.losses.crammer_singer import LOSS as CRAMMER_SINGER
from objectif.learn.losses.cross_entropy import LOSS as CROSS_ENTROPY
from objectif.learn.losses.focal import LOSS as FOCAL
from objectif.learn.losses.generalised_cross_entropy import LOSS as GENERALISED
from objectif.learn.losses.label_smoothing import LOSS as LABEL_SMOOTHING
from objectif.learn.losses.ldam import LOSS as LDAM
from objectif.learn.losses.logit_adjusted import LOSS as LOGIT_ADJUSTED
from objectif.learn.losses.multilabel_focal import LOSS as MULTILABEL_FOCAL
from objectif.learn.losses.one_vs_rest_bce import LOSS as ONE_VS_REST
from objectif.learn.losses.poly1 import LOSS as POLY1
from objectif.learn.losses.symmetric_cross_entropy import LOSS as SYMMETRIC
from objectif.learn.testing import check_loss, random_segment_violates

LENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)


def batch(rows: int, classes: int, counts: Tensor | None = None, progress: float = 1.0) -> Batch:
    counts = torch.full((classes,), 10.0, dtype=torch.float64) if counts is None else counts
    return Batch(torch.ones(rows, dtype=torch.float64), counts, progress)


@pytest.fixture
def case() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(9, 5, generator=generator, dtype=torch.float64) * 3, torch.arange(9) % 5


@pytest.fixture
def several() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    output = torch.randn(9, 5, generator=generator, dtype=torch.float64) * 3
    return output, (torch.rand(9, 5, generator=generator) < 0.4).double()


@pytest.mark.parametrize("name", plugins.names("losses"))
def test_keeps_the_contract(name: str) -> None:
    failed = [f"{c.name}: {c.detail}" for c in check_loss(name) if not c.ok]
    assert not failed


@pytest.mark.parametrize("name", plugins.names("losses"))
def test_what_is_not_called_convex_is_not(name: str) -> None:
    loss = plugins.load("losses", name)
    bends = any(random_segment_violates(loss, length, seed) for seed, length in enumerate(LENGTHS))
    assert bends != loss.convex


def test_the_door_has_twelve_for_one_label_three_for_several_and_seven_for_masks() -> None:
    kinds = [plugins.load("losses", name).kind for name in plugins.names("losses")]
    assert kinds.count("single") >= 12
    assert kinds.count("multi") >= 3
    assert kinds.count("mask") >= 7
    assert kinds.count("picture") >= 8


@pytest.mark.parametrize(
    "loss",
    [
        replace(LABEL_SMOOTHING, smoothing=0.0),
        replace(FOCAL, gamma=0.0),
        replace(POLY1, epsilon=0.0),
        replace(GENERALISED, q=1e-7),
        replace(SYMMETRIC, alpha=1.0, beta=0.0),
        replace(LDAM, margin=0.0),
        CLASS_BALANCED,
        LOGIT_ADJUSTED,
    ],
    ids=lambda loss: loss.name,
)
def test_is_cross_entropy_at_its_neutral_setting_and_equal_counts(
    loss: Loss, case: tuple[Tensor, Tensor]
) -> None:
    expected = functional.cross_entropy(*case)
    assert float(loss(*case, batch(9, 5), None)) == pytest.approx(float(expected), rel=1e-5)
    assert float(CROSS_ENTROPY(*case, batch(9, 5), None)) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    "loss",
    [
        replace(MULTILABEL_FOCAL, gamma=0.0),
        replace(ASYMMETRIC, gamma_present=0.0, gamma_absent=0.0, clip=0.0),
    ],
    ids=lambda loss: loss.name,
)
def test_is_bce_at_its_neutral_setting(loss: Loss, several: tuple[Tensor, Tensor]) -> None:
    expected = functional.binary_cross_entropy_with_logits(*several, reduction="none").sum(1).mean()
    assert float(loss(*several, batch(9, 5), None)) == pytest.approx(float(expected), rel=1e-6)
    assert float(BCE(*several, batch(9, 5), None)) == pytest.approx(float(expected))


def test_one_against_the_rest_is_bce_of_the_one_hot_truth(case: tuple[Tensor, Tensor]) -> None:
    output, truth = case
    hot = functional.one_hot(truth, 5).double()
    assert float(ONE_VS_REST(output, truth, batch(9, 5), None)) == float(BCE(output, hot, batch(9, 5), None))


def test_the_rounded_hinge_lies_above_the_exact_one_and_within_its_bound(case: tuple[Tensor, Tensor]) -> None:
    output, truth = case
    margins = 1 + output - output.gather(1, truth[:, None])
    exact = float(margins.scatter(1, truth[:, None], 0.0).amax(1).mean())
    for smoothing in (1.0, 0.1, 0.001):
        value = float(replace(CRAMMER_SINGER, smoothing=smoothing)(output, truth, batch(9, 5), None))
        assert exact <= value <= exact + smoothing * math.log(5) + 1e-12


def test_known_values() -> None:
    """Two classes, p_y = 3/4, by hand."""
    output, truth = torch.tensor([[math.log(3.0), 0.0]], dtype=torch.float64), torch.tensor([0])
    p, one = 0.75, batch(1, 2)
    known = {
        FOCAL: -(0.25**2) * math.log(p),
        BRIER: 2 * 0.25**2,
        POLY1: -math.log(p) + 0.25,
        GENERALISED: (1 - p**0.7) / 0.7,
        SYMMETRIC: -0.1 * math.log(p) + 0.25 * math.log(1e4),
        LABEL_SMOOTHING: -0.95 * math.log(p) - 0.05 * math.log(0.25),
    }
    for loss, expected in known.items():
        assert float(loss(output, truth, one, None)) == pytest.approx(expected, rel=1e-9), loss.name


def test_class_weights_have_mean_one_over_the_images_and_favour_the_rare() -> None:
    counts = torch.tensor([1000.0, 100.0, 10.0], dtype=torch.float64)
    weights = class_weights(counts, 0.999, counts)
    assert float((weights * counts).sum() / counts.sum()) == pytest.approx(1.0)
    effective = (1 - 0.999**counts) / (1 - 0.999)
    assert torch.allclose(weights * effective, (weights * effective)[0].expand(3))


def test_ldam_asks_the_rarest_class_for_the_widest_margin_and_weighs_late() -> None:
    counts = torch.tensor([160.0, 10.0], dtype=torch.float64)
    output = torch.zeros(1, 2, dtype=torch.float64)
    for truth, margin in ((0, 2.0), (1, 4.0)):  # (10 / 160)^(1/4) = 1/2
        met = float(LDAM(output, torch.tensor([truth]), batch(1, 2, counts, progress=0.0), None))
        assert met == pytest.approx(math.log(1 + math.exp(margin)))
    rare = torch.tensor([1])
    early = float(LDAM(output, rare, batch(1, 2, counts, progress=0.79), None))
    late = float(LDAM(output, rare, batch(1, 2, counts, progress=0.81), None))
    assert late > 2 * early


@pytest.mark.parametrize("loss", [LOGIT_ADJUSTED, CLASS_BALANCED], ids=lambda loss: loss.name)
def test_without_evidence_a_balanced_loss_answers_evenly_and_cross_entropy_by_frequency(loss: Loss) -> None:
    counts = torch.tensor([90.0, 10.0], dtype=torch.float64)
    truth = torch.tensor([0] * 90 + [1] * 10)

    def answer(of: Loss) -> float:
        logit = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        solver = torch.optim.LBFGS([logit], max_iter=200, line_search_fn="strong_wolfe")

        def value() -> Tensor:
            solver.zero_grad()
            now = of(logit.expand(100, 2), truth, batch(100, 2, counts), None)
            now.backward()
            return now

        solver.step(value)
        return float(torch.softmax(logit.detach(), 0)[1])

    assert answer(CROSS_ENTROPY) == pytest.approx(0.1, abs=1e-3)
    assert answer(loss) == pytest.approx(0.5, abs=0.02)


def test_poly1_is_convex_exactly_up_to_one() -> None:
    for epsilon, convex in ((-1.0, True), (1.0, True), (1.5, False), (-1.5, False)):
        loss = replace(POLY1, epsilon=epsilon)
        bends = any(random_segment_violates(loss, length, seed) for seed, length in enumerate(LENGTHS))
        assert loss.convex is convex
        assert bends is not convex
