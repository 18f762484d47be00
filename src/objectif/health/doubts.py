"""Labels that look wrong: the given class is improbable to a classifier that never saw the image.

Each image gets out-of-fold scores (health/heldout.py) from hand-made features, or from better ones if given. Every dataset
has a least plausible label, so ranking alone would always cry wolf; and probabilities that are calibrated on noisy labels
call the noise probable. So the labels are explained twice: by a softmax of the scores alone, and by a softmax after
which a share e of labels was replaced at random,

    P(label | image) = (1 - e) softmax(t s)[label] + e / (C - 1) (1 - softmax(t s)[label]),

with temperature t and e fitted by maximum likelihood. If noise explains the labels far better (likelihood ratio, relatives
counted as one), e estimates how many are wrong, and Bayes' rule gives the probability for each image. On real photos with
planted errors the estimate comes within a few percent where features are good, and poor features find nothing
rather than something. Rejected: confident learning's counts (Northcutt 2021; flags a share of any data with poor
features), training losses (need a network).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.health.heldout import logistic, one_hot, out_of_fold, softmax

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Reals = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CERTAIN = 1e-3
"""p-value of 'no wrong labels' below which they are a worry."""
_SHOWN = 24
_MOST_SHOWN = 96
_FEWEST_TRAINING = 3  # a class with fewer training images in a fold cannot be learned, so it judges nobody
_SHARES = (0.0, *np.geomspace(5e-4, 0.4, 45).tolist())
_SCALES = np.geomspace(0.5, 200.0, 70)


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
    label were wrong. accuracy: out-of-fold share right (multi-label: mean over classes); baseline: the same for always
    giving the commonest answer. source: what the features are, in words.
    """

    shown: tuple[Doubt, ...]
    wrong: float
    likely: int
    p: float
    accuracy: float
    baseline: float
    source: str

    @property
    def worrying(self) -> bool:
        """Whether some labels are wrong beyond reasonable doubt, and can be named."""
        return self.p < _CERTAIN and self.likely > 0


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
    return _of_many(scores, hot, classes, known, weight, source)


def _learnable(hot: Ints, fold: Ints) -> Mask:
    """(N, C) whether the class had enough training images when this image was held out."""
    out = np.zeros(hot.shape, bool)
    for k in np.unique(fold):
        held = fold == k
        out[held] = hot[~held].sum(0) >= _FEWEST_TRAINING
    return out


def _p_value(gain: float) -> float:
    """Of twice the log-likelihood ratio; half of a chi-square with one degree, as a share cannot be negative."""
    return 0.5 * math.erfc(math.sqrt(gain / 2.0)) if gain > 0 else 0.5


def _shown_count(wrong: Reals) -> int:
    """How many to show: some always, and more where more are likely."""
    return min(_MOST_SHOWN, max(_SHOWN, int(1.5 * (wrong > 0.5).sum())))


# --- one label ----------------------------------------------------------------------------------------------------


def _of_one(
    scores: Reals, truth: Ints, classes: tuple[str, ...], known: Mask, weight: Reals, source: str
) -> Doubts:
    rows = np.arange(len(truth))
    judged = known[rows, truth]
    chances, share, gain = _with_noise(scores, truth, weight * judged)
    given = chances[rows, truth]
    others = np.where(known, chances, 0.0)
    others[rows, truth] = 0.0
    looks, looks_p = others.argmax(1), others.max(1)
    wrong = np.where(judged, _wrong(given, share, len(classes)), 0.0)
    # Even where no noise is found the least plausible come first, for people to look at.
    margin = np.where(judged, looks_p - given, -1.0)
    order = np.lexsort((-margin, -np.round(wrong, 6)))
    found = [
        Doubt(int(r), classes[truth[r]], classes[looks[r]], float(given[r]), float(looks_p[r]), float(wrong[r]))
        for r in order[: _shown_count(wrong)]
        if margin[r] > 0
    ]
    accuracy = float((chances.argmax(1) == truth).mean())
    baseline = float(np.bincount(truth).max() / len(truth))
    likely = int((wrong > 0.5).sum())
    return Doubts(tuple(found), float(wrong.sum()), likely, _p_value(gain), accuracy, baseline, source)


def _with_noise(scores: Reals, truth: Ints, weight: Reals) -> tuple[Reals, float, float]:
    """Probabilities (N, C), the share of replaced labels, and twice the log-likelihood gained by allowing for it."""
    rows = np.arange(len(truth))
    best: dict[bool, tuple[float, float, float]] = {}
    for scale in _SCALES.tolist():
        given = softmax(scores * scale)[rows, truth]
        for share in _SHARES:
            mixed = (1 - share) * given + share * (1 - given) / max(1, scores.shape[1] - 1)
            fit = float(weight @ np.log(mixed + 1e-300))
            if fit > best.get(share > 0, (-np.inf, 0.0, 0.0))[0]:
                best[share > 0] = (fit, scale, share)
    gain = 2.0 * (best[True][0] - best[False][0])
    _, scale, share = best[gain > 0]
    return softmax(scores * scale), share, gain


def _wrong(given: Reals, share: float, classes: int) -> Reals:
    """Probability that a label was replaced, by Bayes' rule, from the probability (N,) of the given class."""
    replaced = share * (1.0 - given) / max(1, classes - 1)
    return replaced / np.maximum((1.0 - share) * given + replaced, 1e-300)


# --- many labels --------------------------------------------------------------------------------------------------


def _of_many(
    scores: Reals, hot: Ints, classes: tuple[str, ...], known: Mask, weight: Reals, source: str
) -> Doubts:
    chances, wrong, gains = np.empty(scores.shape), np.zeros(scores.shape), []
    for c in range(hot.shape[1]):
        chances[:, c], wrong[:, c], gain = _flipped(scores[:, c], hot[:, c], weight * known[:, c])
        gains.append(gain)
    wrong[~known] = 0.0
    given = np.where(hot > 0, chances, 1.0 - chances)
    surprise = np.where(known, wrong + 1e-6 * (1.0 - given), -1.0).ravel()
    order = np.argsort(-surprise, kind="stable")[: _shown_count(wrong)]
    found = []
    for place in order.tolist():
        row, c = divmod(place, len(classes))
        p, name = float(given[row, c]), classes[c]
        words = (name, f"not {name}") if hot[row, c] else (f"not {name}", name)
        if known[row, c] and p < 0.5:
            found.append(Doubt(row, *words, p, 1.0 - p, float(wrong[row, c])))
    accuracy = float(((chances > 0.5) == (hot > 0)).mean())
    baseline = float(np.maximum(hot.mean(0), 1.0 - hot.mean(0)).mean())
    p_value = min(1.0, _p_value(max(gains)) * len(gains))  # the worst of C classes: Bonferroni
    likely = int((wrong > 0.5).sum())
    return Doubts(tuple(found), float(wrong.sum()), likely, p_value, accuracy, baseline, source)


def _flipped(score: Reals, label: Ints, weight: Reals) -> tuple[Reals, Reals, float]:
    """Probability (N,) of the class, of a flipped label (N,), and the gain, by expectation and maximisation."""
    target = label.astype(np.float64)
    plain = logistic(score, target, weight)
    before = float(weight @ np.log(np.where(label > 0, plain, 1 - plain) + 1e-300))
    chance, share = plain, 0.02
    wrong = np.zeros(len(score))
    total = max(float(weight.sum()), 1e-9)
    for _ in range(60):
        given = np.where(label > 0, chance, 1 - chance)
        wrong = _wrong(given, share, 2)
        share = min(0.4, max(1e-6, float(weight @ wrong) / total))
        chance = logistic(score, np.where(label > 0, 1 - wrong, wrong), weight)
    given = np.where(label > 0, chance, 1 - chance)
    gain = 2.0 * (float(weight @ np.log((1 - share) * given + share * (1 - given) + 1e-300)) - before)
    return (chance, _wrong(given, share, 2), gain) if gain > 0 else (plain, np.zeros(len(score)), 0.0)
