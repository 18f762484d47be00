"""Metrics agree with scikit-learn, and their replicates and influences agree with their values."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.errors import PluginError, ProblemError
from objectif.metrics.base import FunctionMetric, Metric
from objectif.metrics.catalog import NAMES, available, metric

COST = {"name": "cost", "matrix": [[0, 1, 5, 1], [2, 0, 1, 1], [10, 1, 0, 3], [1, 1, 1, 0]]}
CLASSES = [
    metric(COST) if name == "cost" else metric(name) for name in available("classify") if name in NAMES
]
SINGLE = [m for m in CLASSES if m.single]
MULTI = [m for m in CLASSES if m.multilabel]
by_name = pytest.mark.parametrize("chosen", SINGLE, ids=lambda m: m.name)


def photos(
    n: int = 180, classes: int = 4, seed: int = 0, ties: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, np.round(scores, 1) + 1e-3 if ties else scores


def tags(n: int = 150, classes: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, classes)) < 0.3).astype(np.int64)
    return truth, 1 / (1 + np.exp(-rng.normal(size=truth.shape) - 2 * truth + 1))


@pytest.mark.parametrize("ties", [False, True])
def test_single_label_values_are_scikit_learns(ties: bool) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    truth, scores = photos(ties=ties)
    scores /= scores.sum(axis=1, keepdims=True)
    weight = np.random.default_rng(5).integers(0, 4, len(truth)).astype(float)
    answers, hot = scores.argmax(axis=1), np.eye(4)[truth]
    matrix = np.array(COST["matrix"], float)
    for w in (None, weight):
        expected = {
            "accuracy": sk.accuracy_score(truth, answers, sample_weight=w),
            "balanced_accuracy": sk.balanced_accuracy_score(truth, answers, sample_weight=w),
            "macro_f1": sk.f1_score(truth, answers, average="macro", sample_weight=w),
            "auroc": np.mean([sk.roc_auc_score(hot[:, c], scores[:, c], sample_weight=w) for c in range(4)]),
            "average_precision": sk.average_precision_score(hot, scores, sample_weight=w),
            "log_loss": sk.log_loss(truth, scores, sample_weight=w),
            "brier": np.average(((scores - hot) ** 2).sum(axis=1), weights=w),
            "cohen_kappa": sk.cohen_kappa_score(truth, answers, sample_weight=w),
            "quadratic_kappa": sk.cohen_kappa_score(truth, answers, weights="quadratic", sample_weight=w),
            "cost": np.average(matrix[truth, (scores @ matrix).argmin(axis=1)], weights=w),
        }
        for chosen in SINGLE:
            assert chosen.value(truth, scores, w) == pytest.approx(expected[chosen.name], abs=1e-9), (
                chosen.name
            )
    ovr = sk.roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert metric("auroc").value(truth, scores) == pytest.approx(ovr, abs=1e-9)


def test_multi_label_values_are_scikit_learns() -> None:
    sk = pytest.importorskip("sklearn.metrics")
    truth, scores = tags()
    answers = scores >= 0.5
    expected = {
        "macro_f1": sk.f1_score(truth, answers, average="macro"),
        "auroc": sk.roc_auc_score(truth, scores, average="macro"),
        "average_precision": sk.average_precision_score(truth, scores, average="macro"),
        "hamming_accuracy": 1 - sk.hamming_loss(truth, answers),
    }
    assert {m.name for m in MULTI} == set(expected)
    for chosen in MULTI:
        assert chosen.value(truth, scores) == pytest.approx(expected[chosen.name], abs=1e-9), chosen.name


def test_binary_auroc_ranks_one_column() -> None:
    sk = pytest.importorskip("sklearn.metrics")
    truth, scores = photos(classes=2)
    assert metric("auroc").value(truth, scores) == pytest.approx(
        sk.roc_auc_score(truth, scores[:, 1]), abs=1e-9
    )


@by_name
def test_a_replicate_is_the_value_of_the_images_drawn(chosen: Metric) -> None:
    truth, scores = photos(ties=True)
    counts = np.random.default_rng(1).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), 3)
    drawn = [np.repeat(np.arange(len(truth)), row) for row in counts]
    expected = [chosen.value(truth[rows], scores[rows]) for rows in drawn]
    assert chosen.replicates(truth, scores, counts.astype(float)) == pytest.approx(expected, abs=1e-9)


@by_name
def test_influence_is_the_derivative_by_weight(chosen: Metric) -> None:
    truth, scores = photos(ties=True)
    influence = chosen.influence(truth, scores)
    assert influence.sum() == pytest.approx(0.0, abs=1e-9)
    for i in (0, 17, 94):
        weight = np.ones(len(truth))
        weight[i] += 1e-4
        up = chosen.value(truth, scores, weight)
        weight[i] -= 2e-4
        down = chosen.value(truth, scores, weight)
        assert (up - down) / 2e-4 == pytest.approx(influence[i], abs=1e-5)


@by_name
def test_better_answers_are_better(chosen: Metric) -> None:
    truth, scores = photos()
    perfect = 0.97 * np.eye(4)[truth] + 0.01
    assert chosen.sign * chosen.value(truth, perfect) > chosen.sign * chosen.value(truth, scores)


def test_a_class_that_nobody_shows_is_left_out() -> None:
    truth, scores = photos()
    kept = truth != 3
    for chosen in SINGLE:
        assert np.isfinite(chosen.value(truth[kept], scores[kept])), chosen.name


def test_cost_answers_by_least_expected_cost() -> None:
    chosen = metric({"name": "cost", "matrix": [[0, 1], [10, 0]]}, ["healthy", "tumour"])
    scores = np.array([[0.8, 0.2]])  # a tumour at one in five is called, for missing it costs ten
    assert chosen.value(np.array([0]), scores) == 1.0
    assert chosen.value(np.array([1]), scores) == 0.0


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        ([[0, 1]], "shape (1, 2)"),
        ([[0, 1], [2]], "table of numbers"),
        ([[0, -1], [1, 0]], "negative"),
        ([[0, 0], [0, 0]], "zeros"),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], "2 classes"),
        (None, "needs a matrix"),
    ],
)
def test_impossible_cost_matrices_are_refused(matrix: object, says: str) -> None:
    with pytest.raises(ProblemError) as caught:
        metric({"name": "cost", "matrix": matrix}, ["a", "b"])
    assert says in str(caught.value)


def test_each_metric_belongs_to_one_task() -> None:
    tasks = "classify", "detect", "segment", "regress"
    assert set().union(*map(available, tasks)) == set(available())
    assert len(NAMES) == len(set(NAMES))
    for task in tasks[1:]:
        assert all(metric(name).task == task for name in available(task) if name in NAMES)
        assert not set(available(task)) & {m.name for m in CLASSES}
    assert "mAP50" not in available("classify")
    with pytest.raises(PluginError, match="'mAP50_95'"):
        metric("mAP50-95")


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(PluginError, match="'accuracy'"):
        metric("acuracy")
    with pytest.raises(ProblemError, match="no option 'matrx'"):
        metric({"name": "cost", "matrix": [[0, 1], [1, 0]], "matrx": 1})


def test_truth_that_does_not_fit_is_refused() -> None:
    truth, scores = photos()
    with pytest.raises(ValueError, match="multi-label"):
        metric("accuracy").value(np.eye(4, dtype=np.int64)[truth], scores)
    with pytest.raises(ValueError, match=r"classes 0\.\.3"):
        metric("accuracy").value(truth, scores[:, :2])
    with pytest.raises(ValueError, match="shape"):
        metric("accuracy").value(truth[:5], scores)


def test_a_plug_in_function_is_a_whole_metric() -> None:
    def share(truth: np.ndarray, scores: np.ndarray, weight: np.ndarray) -> float:
        return float(np.average(scores.argmax(axis=1) == truth, weights=weight))

    mine, theirs = FunctionMetric("share", "share", True, True, False, True, share), metric("accuracy")
    truth, scores = photos(60)
    counts = np.random.default_rng(2).integers(0, 3, (4, 60)).astype(float)
    assert mine.value(truth, scores) == theirs.value(truth, scores)
    assert mine.replicates(truth, scores, counts) == pytest.approx(theirs.replicates(truth, scores, counts))
    assert mine.influence(truth, scores) == pytest.approx(theirs.influence(truth, scores), rel=0.05)
