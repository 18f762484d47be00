"""Each loss of masks is the formula that its file says, by identities with others and with what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from objectif.learn.losses.base import Batch, Loss
from objectif.learn.losses.cross_entropy import LOSS as CROSS_ENTROPY
from objectif.learn.losses.dice import LOSS as DICE
from objectif.learn.losses.dice_ce import LOSS as DICE_CE
from objectif.learn.losses.focal import LOSS as FOCAL
from objectif.learn.losses.focal_tversky import LOSS as FOCAL_TVERSKY
from objectif.learn.losses.lovasz import LEVELS
from objectif.learn.losses.lovasz import LOSS as LOVASZ
from objectif.learn.losses.pixel_cross_entropy import LOSS as PIXEL_CE
from objectif.learn.losses.pixel_focal import LOSS as PIXEL_FOCAL
from objectif.learn.losses.tversky import LOSS as TVERSKY
from objectif.metrics.masks import VOID

CLASSES = 4
SURE = 60.0


def value(loss: Loss, output: Tensor, truth: Tensor, weight: Tensor | None = None) -> float:
    weight = torch.ones(len(truth), dtype=torch.float64) if weight is None else weight
    counts = torch.full((output.shape[1],), 5.0, dtype=torch.float64)
    return float(loss(output, truth, Batch(weight, counts), None))


def pictures(seed: int, open_share: float = 0.2, scale: float = 2.0) -> tuple[Tensor, Tensor]:
    """Three pictures of 9 x 11, in which class 3 is rare."""
    generator = torch.Generator().manual_seed(seed)
    output = scale * torch.randn(3, CLASSES, 9, 11, generator=generator, dtype=torch.float64)
    truth = torch.randint(0, CLASSES - 1, (3, 9, 11), generator=generator)
    truth[0, 0, :3] = 3
    gaps = torch.rand(truth.shape, generator=generator) < open_share
    gaps[:, 0, 0] = False
    return output, truth.masked_fill(gaps, VOID)


def hard(answer: Tensor) -> Tensor:
    """Logits that are sure of (N, H, W) classes."""
    return SURE * functional.one_hot(answer, CLASSES).movedim(3, 1).double()


def ratios(
    output: Tensor, truth: Tensor, weight: Tensor, ratio: Callable[[float, float, float], float]
) -> float:
    """Mean of ratio(TP, FP, FN) over the classes of truth, class by class and image by image."""
    p, found = torch.softmax(output, 1), []
    for c in range(output.shape[1]):
        tp = fp = fn = 0.0
        for own, mask, w in zip(p[:, c], truth, weight.tolist(), strict=True):
            tp += w * float(own[mask == c].sum())
            fp += w * float(own[(mask != c) & (mask != VOID)].sum())
            fn += w * float((1 - own[mask == c]).sum())
        if tp + fn > 0:
            found.append(ratio(tp, fp, fn))
    return sum(found) / len(found)


def exact_lovasz(output: Tensor, truth: Tensor) -> Tensor:
    """By sorting, as the source does."""
    known = truth.flatten() != VOID
    p, y = torch.softmax(output, 1).movedim(1, 0).flatten(1)[:, known], truth.flatten()[known]
    found = []
    for c in y.unique().tolist():
        there = (y == c).to(p)
        error, order = (there - p[c]).abs().sort(descending=True)
        there = there[order]
        jaccard = 1 - (there.sum() - there.cumsum(0)) / (there.sum() + (1 - there).cumsum(0))
        found.append((error * jaccard.diff(prepend=jaccard.new_zeros(1))).sum())
    return torch.stack(found).mean()


@given(st.integers(0, 10**6))
def test_overlap_losses_are_ratios_of_sums_over_the_batch(seed: int) -> None:
    output, truth = pictures(seed)
    weight = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)
    dice = ratios(output, truth, weight, lambda tp, fp, fn: 1 - 2 * tp / (2 * tp + fp + fn))
    assert value(DICE, output, truth, weight) == pytest.approx(dice)
    lost = ratios(output, truth, weight, lambda tp, fp, fn: 1 - tp / (tp + 0.3 * fp + 0.7 * fn))
    assert value(TVERSKY, output, truth, weight) == pytest.approx(lost)
    focal = ratios(output, truth, weight, lambda tp, fp, fn: (1 - tp / (tp + 0.3 * fp + 0.7 * fn)) ** 0.75)
    assert value(FOCAL_TVERSKY, output, truth, weight) == pytest.approx(focal, abs=1e-3)


@given(st.integers(0, 10**6))
def test_what_is_special_is_a_case_of_what_is_general(seed: int) -> None:
    output, truth = pictures(seed)
    even = replace(TVERSKY, alpha=0.5, beta=0.5)
    assert value(even, output, truth) == pytest.approx(value(DICE, output, truth))
    plain = replace(FOCAL_TVERSKY, gamma=1.0)
    assert value(plain, output, truth) == pytest.approx(value(TVERSKY, output, truth))
    both = value(DICE, output, truth) + value(PIXEL_CE, output, truth)
    assert value(DICE_CE, output, truth) == pytest.approx(both)
    assert value(replace(DICE_CE, cross_entropy=0.0), output, truth) == pytest.approx(
        value(DICE, output, truth)
    )
    unfocused = replace(PIXEL_FOCAL, gamma=0.0)
    assert value(unfocused, output, truth) == pytest.approx(value(PIXEL_CE, output, truth))
    assert value(PIXEL_FOCAL, output, truth) < value(PIXEL_CE, output, truth)


@pytest.mark.parametrize(("mask", "single"), [(PIXEL_CE, CROSS_ENTROPY), (PIXEL_FOCAL, FOCAL)])
def test_of_an_image_each_known_pixel_is_a_row(mask: Loss, single: Loss) -> None:
    output, truth = pictures(0)
    weight = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)
    means = []
    for scores, classes in zip(output, truth, strict=True):
        known = classes != VOID
        means.append(value(single, scores[:, known].T, classes[known]))
    expected = sum(w * m for w, m in zip(weight.tolist(), means, strict=True)) / float(weight.sum())
    assert value(mask, output, truth, weight) == pytest.approx(expected)


def test_a_small_picture_counts_as_much_as_a_large_one_in_cross_entropy() -> None:
    output, truth = pictures(1, open_share=0.0)
    truth[1, 1:] = VOID
    alone = [value(PIXEL_CE, output[i : i + 1], truth[i : i + 1]) for i in range(3)]
    assert value(PIXEL_CE, output, truth) == pytest.approx(sum(alone) / 3)


@given(st.integers(0, 10**6))
def test_lovasz_of_an_answer_that_is_sure_is_one_minus_iou(seed: int) -> None:
    output, truth = pictures(seed)
    weight = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)
    sure = hard(output.argmax(1))
    expected = ratios(sure, truth, weight, lambda tp, fp, fn: 1 - tp / (tp + fp + fn))
    assert value(LOVASZ, sure, truth, weight) == pytest.approx(expected, abs=1e-9)
    jaccard = replace(TVERSKY, alpha=1.0, beta=1.0)
    assert value(LOVASZ, sure, truth) == pytest.approx(value(jaccard, sure, truth), abs=1e-9)


@given(st.integers(0, 10**6), st.sampled_from((0.1, 1.0, 5.0)))
def test_lovasz_by_counting_is_lovasz_by_sorting(seed: int, scale: float) -> None:
    output, truth = pictures(seed, scale=scale)
    output = output.requires_grad_(True)
    exact = exact_lovasz(output, truth)
    batch = Batch(torch.ones(3, dtype=torch.float64), torch.ones(CLASSES, dtype=torch.float64))
    counted = LOVASZ(output, truth, batch, None)
    assert abs(float(exact.detach()) - float(counted.detach())) < 1 / LEVELS
    # of two errors within a level either may come first, and the slope jumps where they pass each other: where one of them
    # is the first of a rare class, much of the slope is theirs
    (expected,), (slope,) = torch.autograd.grad(exact, output), torch.autograd.grad(counted, output)
    assert float(functional.cosine_similarity(expected.flatten(), slope.flatten(), dim=0)) > 0.8


@pytest.mark.parametrize("loss", [DICE, TVERSKY, FOCAL_TVERSKY, LOVASZ], ids=lambda loss: loss.name)
def test_a_rare_class_that_is_lost_costs_overlap_as_much_as_a_common_one(loss: Loss) -> None:
    truth = torch.zeros(1, 20, 20, dtype=torch.int64)
    truth[0, 0, 0] = 1
    lost = hard(torch.zeros_like(truth))
    assert value(loss, lost, truth) == pytest.approx(0.5, abs=0.03)
    assert value(PIXEL_CE, lost, truth) == pytest.approx(SURE / 400)


def test_tversky_prices_a_missed_pixel_above_a_false_one() -> None:
    truth = torch.zeros(1, 20, 20, dtype=torch.int64)
    truth[0, 5:15, 5:15] = 1
    missing, much = truth.clone(), truth.clone()
    missing[0, 5:7, 5:15] = 0
    much[0, 3:5, 5:15] = 1
    assert value(TVERSKY, hard(missing), truth) > value(TVERSKY, hard(much), truth)


def test_focal_tversky_pulls_harder_than_tversky_where_it_is_nearly_right() -> None:
    truth = pictures(2, open_share=0.0)[1]
    batch = Batch(torch.ones(3, dtype=torch.float64), torch.ones(CLASSES, dtype=torch.float64))

    def pull(loss: Loss) -> float:
        output = (hard(truth) / SURE * 7).requires_grad_(True)
        (slope,) = torch.autograd.grad(loss(output, truth, batch, None), output)
        return float(slope.norm())

    assert pull(FOCAL_TVERSKY) > 2 * pull(TVERSKY)
