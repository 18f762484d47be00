"""Metrics by name: the built-in ones, and others through the door `objectif.metrics`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from objectif import plugins
from objectif.errors import PluginError, ProblemError
from objectif.metrics.anomaly import METRICS as OF_ANOMALY
from objectif.metrics.base import Metric
from objectif.metrics.confusion import BALANCED_ACCURACY, COHEN_KAPPA, MACRO_F1, QUADRATIC_KAPPA
from objectif.metrics.detection import METRICS as OF_DETECTION
from objectif.metrics.identity import METRICS as OF_IDENTITY
from objectif.metrics.masks import has_background
from objectif.metrics.means import ACCURACY, BRIER, HAMMING, LOG_LOSS, cost
from objectif.metrics.noisy_pictures import SURE
from objectif.metrics.pictures import METRICS as OF_PICTURES
from objectif.metrics.ranking import AUROC, AVERAGE_PRECISION
from objectif.metrics.regression import METRICS as OF_REGRESSION
from objectif.metrics.segmentation import METRICS as OF_SEGMENTATION
from objectif.metrics.segmentation import MaskMetric

_PLAIN: dict[str, Metric] = {
    m.name: m
    for m in (
        ACCURACY,
        BALANCED_ACCURACY,
        MACRO_F1,
        AUROC,
        AVERAGE_PRECISION,
        LOG_LOSS,
        BRIER,
        COHEN_KAPPA,
        QUADRATIC_KAPPA,
        HAMMING,
    )
}

_BOXES: dict[str, Metric] = {m.name: m for m in OF_DETECTION}
_MASKS: dict[str, Metric] = {m.name: m for m in OF_SEGMENTATION}
_MAPS: dict[str, Metric] = {m.name: m for m in OF_ANOMALY}
_PICTURES: dict[str, Metric] = {m.name: m for m in (*OF_PICTURES, SURE)}
_IDENTITIES: dict[str, Metric] = {m.name: m for m in OF_IDENTITY}
_NUMBERS: dict[str, Metric] = {m.name: m for m in OF_REGRESSION}
_BUILT_IN = _PLAIN | _BOXES | _MASKS | _NUMBERS | _PICTURES | _IDENTITIES | _MAPS
_BY_TASK: dict[str, tuple[str, ...]] = {
    "classify": (*_PLAIN, "cost"),
    "detect": tuple(_BOXES),
    "segment": tuple(_MASKS),
    "anomaly": tuple(_MAPS),
    "restore": tuple(_PICTURES),
    "identify": tuple(_IDENTITIES),
    "regress": tuple(_NUMBERS),
}

NAMES: tuple[str, ...] = tuple(name for names in _BY_TASK.values() for name in names)


def metric(spec: str | Mapping[str, Any] | Metric, classes: Sequence[str] | None = None) -> Metric:
    """The metric of a name, of {"name": "cost", "matrix": [[...]]}, or of a Metric (returned as it is, but for what the classes say).

    classes: names in the order of the scores; a cost matrix is checked against them, and a metric of masks is told
    whether the first of them is background.
    ProblemError for an impossible specification, PluginError for a name that nobody brings.
    """
    if isinstance(spec, Metric):
        return _of(spec, classes)
    if isinstance(spec, str):
        return _of(_by_name(spec), classes)
    options = dict(spec)
    name = options.pop("name", None)
    if name == "cost":
        matrix = options.pop("matrix", None)
        if matrix is None:
            raise _no_matrix()
        _refuse(options, "cost")
        try:
            return cost(matrix, classes)
        except ValueError as error:
            raise ProblemError(str(error)) from error
    if not isinstance(name, str):
        raise ProblemError(f"a metric needs a name, met {dict(spec)!r}; one of: {', '.join(available())}")
    _refuse(options, name)
    return _of(_by_name(name), classes)


def available(task: str | None = None) -> tuple[str, ...]:
    """Built-in names, then those of plug-ins; of one task, or of all.

    No plug-in is imported to ask for its task, so those of all tasks are among them.
    """
    own = NAMES if task is None else _BY_TASK.get(task, ())
    return (*own, *(n for n in plugins.names("metrics") if n not in NAMES))


def _of(chosen: Metric, classes: Sequence[str] | None) -> Metric:
    """The metric as these classes want it."""
    if classes is None or not isinstance(chosen, MaskMetric):
        return chosen
    return replace(chosen, background=has_background(classes))


def _by_name(name: str) -> Metric:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    if name == "cost":
        raise _no_matrix()
    if name not in plugins.names("metrics"):
        close = difflib.get_close_matches(name, available(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise PluginError(f"no metric called {name!r}.{hint} There are: {', '.join(available())}.")
    found = plugins.load("metrics", name)
    if not isinstance(found, Metric):
        raise PluginError(
            f"metric {name!r} is {type(found).__name__}; expected an objectif.metrics.base.Metric, "
            "for example a FunctionMetric around your function"
        )
    return found


def _no_matrix() -> ProblemError:
    return ProblemError(
        "metric 'cost' needs a matrix: a row for each true class, a column for each answer, "
        "for example matrix = [[0, 1], [10, 0]] where missing the second class costs 10"
    )


def _refuse(options: Mapping[str, Any], name: str) -> None:
    if options:
        raise ProblemError(f"metric {name!r} has no option {', '.join(map(repr, options))}; remove it")
