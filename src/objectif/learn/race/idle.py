"""Whether the winner beats doing nothing, asked of the test images where those held out to choose by are too few to say.

With a given test split one part in four of the rest is held out, which may be five images: no spread between so few is
known. The test images took no part in anything, so one question more may be put to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric
from objectif.metrics.compare import gain_over
from objectif.metrics.resample import FEWEST_GROUPS, Scorer
from objectif.runs import sentences
from objectif.runs.outcome import Verdict


def against_idle(
    found: Verdict, metric: Metric, held_out: int, answers: Mapping[str, NDArray[Any]], seed: int
) -> Verdict:
    """The verdict with its baseline and the sentence about it from the test images.

    As it is where held_out units are enough to say, or there are no test images. answers: as a run folder keeps them.
    """
    if held_out >= FEWEST_GROUPS or str(answers["kind"]) != "test":
        return found
    truth, scores = answers["truth"], answers["scores"]
    blind = metric.blind(truth, metric.classes(truth, scores))
    scorer = Scorer(metric, truth, [scores[None], blind[None]], answers.get("units"))
    known = scorer.units >= FEWEST_GROUPS
    beats = known and bool(gain_over(scorer, np.array([0]), 1, seed=seed)[0] > 0)
    baseline = float(scorer.values[1])
    before = sentences.of_baseline(found.beats_baseline, found.baseline, metric, known=False)
    now = sentences.of_baseline(beats, baseline, metric, known) + " That is of the test images."
    told = tuple(now if sentence == before else sentence for sentence in found.sentences)
    return replace(found, beats_baseline=beats, baseline=baseline, sentences=told)
