"""Whether answers that save work go with the truth at all: a rule that always says the same is no rule.

Whoever always answers "normal" has the NPV of the prevalence, and saves all work. Such an answer goes with the truth no
more than chance makes it (Fisher's exact test; with groups, Student's test on their sums, which is not exact: it guards
against a rule without use, and no bound rests on it).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.distributions import student_tail
from objectif.promises.bounds import told_apart
from objectif.promises.calibration import Bools, Reals


def apart(
    answer: NDArray[np.int64], truth: NDArray[np.int64], saved: Bools, code: NDArray[np.int64] | None
) -> float:
    """The p-value that the answers (N,) that save work go with the truth (N,) no more than chance makes them.

    Of several answers the one that is given most is asked, because it is the one that a constant rule would give. code (N,):
    groups, or None. 1 where nothing is saved.
    """
    if not saved.any():
        return 1.0
    usual = np.bincount(answer[saved]).argmax()
    given, true = saved & (answer == usual), truth == usual
    if code is None:
        return told_apart(given, true)
    return _apart_by_groups(given.astype(np.float64), true.astype(np.float64), code)


def _apart_by_groups(saved: Reals, true: Reals, code: NDArray[np.int64]) -> float:
    """Student's test that saved and true (N,) vary together, on sums of groups."""
    products = np.bincount(code, (saved - saved.mean()) * (true - true.mean()))
    units, spread = len(products), float(np.sqrt((products**2).sum()))
    if spread == 0.0:
        return 1.0
    t = float(products.sum()) / spread * math.sqrt((units - 1) / units)
    return student_tail(t, units - 1) if t > 0 else 1.0
