"""Made-up images with scores of known quality."""

from __future__ import annotations

import numpy as np

from objectif.promises import Calibration

CLASSES = ("normal", "pneumonia")


def two(n, *, prevalence=0.3, apart=2.5, seed=0, group=1, told=True):
    """n images of two classes, `apart` standard deviations from each other; `group` of them a patient.

    told: whether the scores know the truth; else they vary and say nothing.
    """
    rng = np.random.default_rng(seed)
    patients = -(-n // group)
    code = np.arange(n) // group
    truth = (rng.random(patients) < prevalence)[code].astype(np.int64)
    noise = (
        rng.normal(size=n) if group == 1 else 0.7 * rng.normal(size=patients)[code] + 0.7 * rng.normal(size=n)
    )
    seen = truth if told else rng.random(n) < prevalence
    odds = apart * (noise + apart * seen) - apart**2 / 2 + np.log(prevalence / (1 - prevalence))
    p = 1 / (1 + np.exp(-odds))
    answers = np.stack([1 - p, p], 1).astype(np.float32)
    chosen = np.zeros((n, 2), np.bool_)
    chosen[np.arange(n), answers.argmax(1)] = True
    groups = code if group > 1 else None
    return Calibration("classify", CLASSES, False, truth, answers, chosen, groups)


def several(n, classes=4, apart=3.0, seed=0):
    """n images of several classes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + apart * np.eye(classes)[truth]
    p = np.exp(apart * logits)
    answers = (p / p.sum(1, keepdims=True)).astype(np.float32)
    chosen = answers == answers.max(1, keepdims=True)
    names = tuple("abcdefgh"[:classes])
    return Calibration("classify", names, False, truth, answers, chosen)
