"""The test images say whether doing nothing is beaten, where those held out are too few."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.learn.race.idle import against_idle
from objectif.metrics.catalog import metric
from objectif.runs import sentences
from objectif.runs.verdict import verdict

PSNR = metric("PSNR")


def answers(gain: float, n: int = 14) -> dict[str, Any]:
    """Pictures given with an error of 20, and answered with one of 20 - gain, each a little different."""
    rng = np.random.default_rng(0)
    clean = rng.uniform(0, 255, (n, 12, 12, 1))
    sign = rng.choice([-1.0, 1.0], clean.shape)
    wobble = rng.uniform(-1, 1, (n, 1, 1, 1))
    truth = np.concatenate([clean, clean + 20 * sign], axis=3)
    return {"kind": np.array("test"), "truth": truth, "scores": clean + (20 - gain + wobble) * sign}


def test_it_is_said_of_the_test_images() -> None:
    few = replace(
        verdict([], answers(5)["truth"], PSNR),
        sentences=("a", sentences.of_baseline(False, 1.0, PSNR, False)),
        baseline=1.0,
    )
    better = against_idle(few, PSNR, 4, answers(5), 0)
    assert better.beats_baseline
    assert better.sentences[0] == "a"
    assert better.sentences[1].startswith(
        "It clearly beats leaving the pictures as they are (PSNR (dB, peak 255) 22.1"
    )
    assert better.baseline == pytest.approx(20 * np.log10(255 / 20), abs=1e-3)
    assert not against_idle(few, PSNR, 4, answers(-5), 0).beats_baseline
    assert not against_idle(few, PSNR, 4, answers(5, n=6), 0).beats_baseline
    assert against_idle(few, PSNR, 10, answers(5), 0) is few
    assert against_idle(few, PSNR, 4, {**answers(5), "kind": np.array("out-of-fold")}, 0) is few
