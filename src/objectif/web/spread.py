"""Intervals of those who lead while a race runs, from their answers on the disk; for images of one class each.

Each candidate is set apart from chance, not from the others: who is beaten and who is tied is the verdict's to say, with
simultaneous intervals. They cost a few hundredths of a second each, so only the first few have one, and each once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from objectif.errors import ObjectifError
from objectif.metrics.catalog import metric as metric_of
from objectif.metrics.intervals import interval
from objectif.problem import read as read_problem
from objectif.runs.folder import PROBLEM, SPLITS, RunFolder
from objectif.web.live import Line

_FIRST, _DRAWS = 8, 400
Key = tuple[Path, str, tuple[int, ...]]
Ends = tuple[float, float]


class Spreads:
    """Intervals that were computed, by candidate and the seeds that it has. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[Key, Ends | None] = {}
        self._lock = threading.Lock()

    def leaders(self, folder: Path, lines: Sequence[Line]) -> dict[str, Ends]:
        """Candidate -> (low, high), 95 %, of the first few of `lines` (best first); those that have none are left out."""
        found: dict[str, Ends] = {}
        for line in [line for line in lines if line.values][:_FIRST]:
            key = folder, line.candidate, tuple(sorted(line.values))
            with self._lock:
                if key not in self._known:
                    self._known[key] = _of(folder, line)
                ends = self._known[key]
            if ends is not None:
                found[line.candidate] = ends
        return found


def _of(folder: Path, line: Line) -> Ends | None:
    try:
        metric = metric_of(read_problem(folder / PROBLEM).metric)
        run = RunFolder(folder)
        splits = run.read_json(SPLITS)
        scored = [k for k, fold in enumerate(splits["fold"]) if fold >= 0]
        numbers = {name: k for k, name in enumerate(splits["classes"])}
        if any(len(splits["labels"][k]) != 1 for k in scored):
            return None
        truth = np.array([numbers[splits["labels"][k][0]] for k in scored], np.int64)
        trials = [run.read_trial(f"{line.candidate}/seed{seed}") for seed in sorted(line.values)]
        scores = np.stack([np.asarray(t["scores"], np.float64) for t in trials if t is not None])
        if scores.shape[1:] != (len(truth), len(numbers)):
            return None
        made = interval(metric, truth, scores, _groups([splits["groups"][k] for k in scored]), draws=_DRAWS)
        return None if made.low is None or made.high is None else (made.low, made.high)
    except (ObjectifError, KeyError, ValueError, TypeError, IndexError):
        return None  # a sketch: the verdict says it all


def _groups(names: Sequence[str | None]) -> NDArray[np.int64] | None:
    """(N,) the unit of each image; None where each stands for itself."""
    if all(name is None for name in names):
        return None
    alone = [f"group {name}" if name is not None else f"image {k}" for k, name in enumerate(names)]
    return np.asarray(np.unique(alone, return_inverse=True)[1], np.int64)
