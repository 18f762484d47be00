"""Labels that look wrong: the given class is improbable to a classifier that never saw the image.

Each image gets out-of-fold scores (health/heldout.py) from hand-made features, or from better ones if given. Every dataset
has a least plausible label, so ranking alone would always cry wolf; and probabilities that are calibrated on noisy labels
call the noise probable. So the labels are explained twice: by a softmax of the scores alone, and by a softmax after
which a share e of labels was replaced at random,

    P(label | image) = (1 - e) softmax(t s)[label] + e / (C - 1) (1 - softmax(t s)[label]),

with temperature t and e fitted by maximum likelihood. If noise explains the labels far better (likelihood ratio, relatives
counted as one), e estimates how many are wrong, and Bayes' rule gives the probability for each image. On real photos with
planted errors the estimate comes within a few percent where features are good, and poor features find nothing
rather than something. Where classes lie so far apart that hardly an image lies between them, the temperature can absorb the
noise and the ratio has no say: there, labels that the scores contradict outright count as wrong if they outnumber half of
the images between. Rejected: confident learning's counts (Northcutt 2021; flags a share of any data with poor
features), training losses (need a network).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.health.heldout import one_hot, out_of_fold, softmax

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Reals = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CERTAIN = 1e-4
"""p-value of 'no wrong labels' below which they are a worry."""
_LEAST_SKILL = 0.1
_SHOWN = 24
_MOST_SHOWN = 96
FEWEST_TRAINING = 3  # a class with fewer training images in a fold cannot be learned, so it judges nobody
_SHARES = (0.0, *np.geomspace(5e-4, 0.4, 45).tolist())
_SCALES = np.geomspace(0.1, 200.0, 90).tolist()
_LEAST_CHANCE = 1e-6  # a probability of 0 would be infinitely sure
_LEAST_RIGHT = 0.85  # share right from which classes can be said to lie apart


@dataclass(frozen=True)
class Doubt:
    """One label to look at again: image `row`, the given class and the one it looks like, their probabilities.

    wrong: probability that the label is wrong, as far as the features can tell. Where labels are many, `given` or
    `looks` is 'not X' for a label that looks forgotten or superfluous.
    """

    row: int
    given: str
    looks: str
    given_probability: float
    looks_probability: float
    wrong: float


@dataclass(frozen=True)
class Doubts:
    """The least plausible labels, worst first, and whether there are wrong ones among them.

    wrong: estimated number of wrong labels. likely: how many are more likely wrong than right. p: of the data if no
    label were wrong. apart: classes lie apart and labels contradict them outright. accuracy: out-of-fold share right (multi-label: mean over classes); baseline: the same for always
    giving the commonest answer. source: what the features are, in words.
    """

    shown: tuple[Doubt, ...]
    wrong: float
    likely: int
    p: float
    apart: bool
    accuracy: float
    baseline: float
    source: str

    @property
    def able(self) -> bool:
        """Whether the features tell the classes apart well enough (a tenth of the way) to doubt anything."""
        return self.accuracy - self.baseline > _LEAST_SKILL * (1.0 - self.baseline)

    @property
    def worrying(self) -> bool:
        """Whether some labels are wrong beyond reasonable doubt, and can be named."""
        return self.able and (self.apart or self.p < _CERTAIN) and self.likely > 0


def doubts(
    table: Floats, truth: Ints, classes: tuple[str, ...], fold: Ints, units: Ints, *, source: str
) -> Doubts:
    """table: (N, D) features. truth: (N,) or (N, C). fold, units: (N,) folds, and relatives that count as one."""
    hot = one_hot(truth, len(classes))
    scores = out_of_fold(table, hot, fold)
    known = _learnable(hot, fold)
    weight = 1.0 / np.bincount(units)[units]
    if truth.ndim == 1:
        return _of_one(scores, truth, classes, known, weight, source)
    return _of_many(np.stack([1.0 - scores, scores], 2), hot, classes, known, weight, source)


def doubts_of_answers(
    chances: Reals, truth: Ints, classes: tuple[str, ...], known: Mask, units: Ints, *, source: str
) -> Doubts:
    """All labels, worst first, by answers of whoever never saw the image.

    chances: (N, C) probabilities, which may be too sure or not sure enough. truth: (N,) or (N, C). known: (N, C) whether the
    class had images to learn from; labels of a class that had none are left out. units: (N,) relatives that count as one.
    """
    weight = 1.0 / np.bincount(units)[units]
    if truth.ndim == 1:
        logits = np.log(np.clip(chances, _LEAST_CHANCE, None))
        return _of_one(logits, truth, classes, known, weight, source, every=True)
    sides = np.log(np.clip(np.stack([1.0 - chances, chances], 2), _LEAST_CHANCE, None))
    return _of_many(sides, truth, classes, known, weight, source, every=True)


def _learnable(hot: Ints, fold: Ints) -> Mask:
    """(N, C) whether the class had enough training images when this image was held out."""
    out = np.zeros(hot.shape, bool)
    for k in np.unique(fold):
        held = fold == k
        out[held] = hot[~held].sum(0) >= FEWEST_TRAINING
    return out


def _p_value(gain: float) -> float:
    """Of twice the log-likelihood ratio; half of a chi-square with one degree, as a share cannot be negative."""
    return 0.5 * math.erfc(math.sqrt(gain / 2.0)) if gain > 0 else 0.5


def _shown_count(wrong: Reals) -> int:
    """How many to show: some always, and more where more are likely."""
    return min(_MOST_SHOWN, max(_SHOWN, int(1.5 * (wrong > 0.5).sum())))


# --- explaining labels twice --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Explained:
    """chances: (N, C) probabilities. wrong: (N,) probability that the label was replaced. p, apart: see Doubts."""

    chances: Reals
    wrong: Reals
    p: float
    apart: bool


def _explain(scores: Reals, truth: Ints, weight: Reals, level: float) -> _Explained:
    """Labels truth (N,) by scores (N, C), with and without noise; weight (N,) is 0 for images that are not judged."""
    rows = np.arange(len(truth))
    plain, scale, share = _fit(scores, truth, weight, (0.0,))
    noisy, noisy_scale, noisy_share = _fit(scores, truth, weight, _SHARES)
    p = _p_value(2.0 * (noisy - plain))
    apart = False
    if p < level:
        scale, share = noisy_scale, noisy_share
    else:
        against = _outright(scores, truth, weight > 0)
        apart = bool(against.any())
        if apart:  # noise hides in the temperature: fit that on the other images, then the share on all
            _, scale, _ = _fit(scores, truth, weight * ~against, (0.0,))
            _, scale, share = _fit(scores, truth, weight, _SHARES, (scale,))
    chances = softmax(scores * scale)
    wrong = np.where(weight > 0, _wrong(chances[rows, truth], share, scores.shape[1]), 0.0)
    return _Explained(chances, wrong, p, apart)


def _fit(
    scores: Reals, truth: Ints, weight: Reals, shares: Sequence[float], scales: Sequence[float] = _SCALES
) -> tuple[float, float, float]:
    """The log-likelihood, temperature scale and share that explain the labels best."""
    rows = np.arange(len(truth))
    e = np.array(shares)[:, None]
    best = (-np.inf, 1.0, 0.0)
    for scale in scales:
        given = softmax(scores * scale)[rows, truth]
        mixed = (1 - e) * given + e * (1 - given) / max(1, scores.shape[1] - 1)
        fits = np.log(mixed + 1e-300) @ weight
        k = int(np.argmax(fits))
        best = max(best, (float(fits[k]), scale, shares[k]))
    return best


def _wrong(given: Reals, share: float, classes: int) -> Reals:
    """Probability that a label was replaced, by Bayes' rule, from the probability (N,) of the given class."""
    replaced = share * (1.0 - given) / max(1, classes - 1)
    return replaced / np.maximum((1.0 - share) * given + replaced, 1e-300)


def _outright(scores: Reals, truth: Ints, judged: Mask) -> Mask:
    """(N,) labels that scores contradict outright, where classes lie well apart; all False where they do not."""
    rows = np.arange(len(truth))
    others = scores.copy()
    others[rows, truth] = -np.inf
    margin = scores[rows, truth] - others.max(1)
    ordered = np.sort(scores, axis=1)
    clear = ordered[:, -1] - ordered[:, -2]
    right = judged & (margin > 0)
    if right.sum() < _LEAST_RIGHT * judged.sum() or not right.any():
        return np.zeros(len(truth), bool)
    half = float(np.median(margin[right])) / 2.0
    against = judged & (margin < -half)
    between = judged & (clear < half)
    apart = against.sum() >= 3 and 2 * against.sum() > between.sum()
    return against if apart else np.zeros(len(truth), bool)


# --- one label, and many ------------------------------------------------------------------------------------------


def _of_one(
    scores: Reals,
    truth: Ints,
    classes: tuple[str, ...],
    known: Mask,
    weight: Reals,
    source: str,
    every: bool = False,
) -> Doubts:
    rows = np.arange(len(truth))
    judged = known[rows, truth]
    found = _explain(scores, truth, weight * judged, _CERTAIN)
    chances, wrong = found.chances, found.wrong
    given = chances[rows, truth]
    others = np.where(known, chances, 0.0)
    others[rows, truth] = 0.0
    looks, looks_p = others.argmax(1), others.max(1)
    order = np.argsort(given, kind="stable")  # Bayes' rule keeps this order, so it serves without noise too
    order = (
        order[judged[order]] if every else order[(judged & (looks_p > given))[order]][: _shown_count(wrong)]
    )
    shown = tuple(
        Doubt(
            int(r), classes[truth[r]], classes[looks[r]], float(given[r]), float(looks_p[r]), float(wrong[r])
        )
        for r in order
    )
    accuracy = float((chances.argmax(1) == truth).mean())
    baseline = float(np.bincount(truth).max() / len(truth))
    likely = int((wrong > 0.5).sum())
    return Doubts(shown, float(wrong.sum()), likely, found.p, found.apart, accuracy, baseline, source)


def _of_many(
    sides: Reals,
    hot: Ints,
    classes: tuple[str, ...],
    known: Mask,
    weight: Reals,
    source: str,
    every: bool = False,
) -> Doubts:
    """Each class by itself: has it not, or has it; sides (N, C, 2) are the scores of both."""
    count = hot.shape[1]
    parts = [
        _explain(
            sides[:, c],
            hot[:, c],
            weight * known[:, c],
            _CERTAIN / count,  # the worst of C classes: Bonferroni
        )
        for c in range(count)
    ]
    chances = np.column_stack([part.chances[:, 1] for part in parts])
    wrong = np.column_stack([part.wrong for part in parts])
    given = np.where(hot > 0, chances, 1.0 - chances)
    order = np.argsort(np.where(known, given - wrong, np.inf).ravel(), kind="stable")
    order = order if every else order[: _shown_count(wrong)]
    shown = []
    for place in order.tolist():
        row, c = divmod(place, count)
        p, name = float(given[row, c]), classes[c]
        words = (name, f"not {name}") if hot[row, c] else (f"not {name}", name)
        if known[row, c] and (every or p < 0.5):
            shown.append(Doubt(row, words[0], words[1], p, 1.0 - p, float(wrong[row, c])))
    accuracy = float(((chances > 0.5) == (hot > 0)).mean())
    baseline = float(np.maximum(hot.mean(0), 1.0 - hot.mean(0)).mean())
    p_value = min(1.0, min(part.p for part in parts) * count)
    likely, apart = int((wrong > 0.5).sum()), any(part.apart for part in parts)
    return Doubts(tuple(shown), float(wrong.sum()), likely, p_value, apart, accuracy, baseline, source)
