"""The objective of a race with promises: the share of images that they leave to no human.

Limits are set on all images that are scored, at the loss that was met there and without a bound, and then held fixed while
images are resampled: a mean over images, so that thousands of replicates cost a matrix product. What the limits themselves
vary by is left out; it is alike for all candidates, and nothing is promised from these figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, SumMetric
from objectif.metrics.catalog import metric
from objectif.metrics.means import mean_of, ratio, ratio_gradient
from objectif.problem.promises import Promise, parse
from objectif.problem.values import WORK_SAVED
from objectif.promises.calibration import Calibration
from objectif.promises.ranking import work
from objectif.tasks import find
from objectif.tasks.classify import Decoding, choose

IDLE = "leaving every image to a person"


def objective(
    spec: str | Mapping[str, Any], classes: Sequence[str] | None = None, *, multilabel: bool = False
) -> Metric:
    """What metrics.catalog.metric() makes of a specification, and work_saved.

    spec: {"name": "work_saved", "promises": texts, "task": name, "costs": matrix or None}, or of metric().
    """
    if isinstance(spec, str) or spec.get("name") != WORK_SAVED:
        return metric(spec, classes)
    promises = tuple(parse(text) for text in spec["promises"])
    return work_saved(promises, str(spec["task"]), tuple(classes or ()), multilabel, spec["costs"])


def work_saved(
    promises: Sequence[Promise],
    task: str,
    classes: tuple[str, ...],
    multilabel: bool = False,
    costs: tuple[tuple[float, ...], ...] | None = None,
) -> SumMetric:
    """The metric: 1 where every image is answered under the promises, 0 where all are left to a person."""
    decoding = Decoding(costs=costs)

    def saved(truth: NDArray[Any], scores: NDArray[Any]) -> NDArray[np.float64]:
        chosen = choose(scores, decoding, multilabel) if task == "classify" else None
        data = Calibration(task, classes, multilabel, truth, scores, chosen, None, None, costs)
        return np.asarray(work(promises, data), np.float64)

    usual = metric(find(task).usual_metric(multilabel), classes)
    return SumMetric(
        name=WORK_SAVED,
        title="work saved",
        higher_is_better=True,
        single=task == "classify",
        multilabel=task == "classify",
        fraction=task in ("classify", "anomaly", "detect"),
        features=mean_of(saved),
        finish=ratio,
        gradient=ratio_gradient,
        free=0.5,
        task=task,
        axes=usual.axes,
        blind=usual.blind,
        idle=IDLE,
        per_image=True,
    )
