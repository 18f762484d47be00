"""Two runs side by side: each one's estimate, and the difference where they answered the same images.

Pairing removes what both find hard, so a difference can be clear between intervals that overlap. The two
winners were each chosen, though, often on these very images, and that the difference inherits: it is said
with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import RunError
from objectif.metrics.base import Metric
from objectif.metrics.compare import all_pairs, mcnemar
from objectif.metrics.resample import FEWEST_GROUPS, Scorer
from objectif.runs.answers import Answers
from objectif.runs.answers import read as read_answers
from objectif.runs.folder import ANSWERS, SPLITS, RunFolder
from objectif.runs.result import Result

LEVEL = 0.95
_NOTHING_SHARED = (
    "They share no scored image, so nothing can be paired: only the two estimates stand side by side."
)


@dataclass(frozen=True)
class Side:
    """One of the two runs.

    estimate, low, high: as its result says. n: images it scored. paired: its metric on the shared images.
    """

    run: str
    winner: str | None
    estimate: float | None
    low: float | None
    high: float | None
    estimate_of: str
    n: int
    paired: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Two runs, side by side and paired.

    difference: second minus first on the `shared` images, in the metric's units; low and high its interval,
    None where there is none. mcnemar: exact p-value, accuracy on ungrouped images only. better: 'first',
    'second', or None where the difference is not clear. sentences: all of it for people.
    """

    metric: str
    title: str
    higher_is_better: bool
    first: Side
    second: Side
    shared: int = 0
    groups: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    mcnemar: float | None = None
    better: str | None = None
    sentences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True)
class _Shared:
    """The answers to n images that both runs scored, in the order of classes of the first.

    truth: (n, ...). scores: of either run, (n, ...). groups: (n,) or None. relabelled: images left out for
    other labels.
    """

    truth: NDArray[Any]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]]
    groups: NDArray[np.int64] | None
    relabelled: int


def compare(one: RunFolder, two: RunFolder, *, seed: int = 0) -> Comparison:
    """Compare two finished runs; RunError where metric, costs or classes differ, or a run is unfinished."""
    a, b = one.result(), two.result()
    metric = _same_question(one, a, two, b)
    shared = _shared(one, a, two, b)
    found = Comparison(metric.name, metric.title, metric.higher_is_better, _side(one, a), _side(two, b))
    alone = _estimates(found)
    if shared is None or not len(shared.truth):
        return replace(found, sentences=(*alone, _NOTHING_SHARED))
    try:
        scorer = Scorer(metric, shared.truth, [s[None] for s in shared.scores], shared.groups)
    except ValueError as error:
        raise RunError(
            f"the {len(shared.truth)} images that both runs scored cannot be paired: {error}"
        ) from error
    gap, low, high = _difference(scorer, seed)
    p = None
    if metric.name == "accuracy" and shared.groups is None:
        p = mcnemar(*(scores.argmax(1) == shared.truth for scores in shared.scores))
    found = replace(
        found,
        first=replace(found.first, paired=float(scorer.values[0])),
        second=replace(found.second, paired=float(scorer.values[1])),
        shared=len(shared.truth),
        groups=scorer.units,
        difference=gap,
        low=low,
        high=high,
        mcnemar=p,
        better=None if low is None or high is None or low <= 0 <= high else _who(low, metric),
    )
    return replace(found, sentences=(*alone, *_paired(found), *_warnings(one, a, two, b, shared)))


def _same_question(one: RunFolder, a: Result, two: RunFolder, b: Result) -> Metric:
    """The metric of both; RunError where they did not ask the same."""
    tasks = [str(r.problem.get("task", "classify")) for r in (a, b)]
    if tasks[0] != tasks[1]:
        raise RunError(
            f"{one.path} is of the task {tasks[0]}, {two.path} of {tasks[1]}; expected the same. Remedy: "
            "compare like with like."
        )
    if a.metric != b.metric:
        raise RunError(
            f"{one.path} was decided by {a.metric}, {two.path} by {b.metric}; expected the same metric. "
            f"Remedy: solve one of them again with --metric {a.metric}."
        )
    if set(a.classes) != set(b.classes):
        only = [sorted(set(x) - set(y))[:5] for x, y in ((a.classes, b.classes), (b.classes, a.classes))]
        said = "; ".join(
            f"only in {f.path}: {', '.join(map(repr, names))}"
            for f, names in ((one, only[0]), (two, only[1]))
            if names
        )
        raise RunError(
            f"the runs have other classes ({said}); expected the same. Remedy: compare runs on the same "
            "labels."
        )
    costs = [r.cost_matrix() for r in (a, b)]
    if costs[0] != _permuted(costs[1], b.classes, a.classes):
        raise RunError(
            f"{one.path} and {two.path} have other cost matrices; expected the same. Remedy: solve one of "
            "them again."
        )
    return a.objective()


def _permuted(
    matrix: tuple[tuple[float, ...], ...] | None, names: tuple[str, ...], order: tuple[str, ...]
) -> tuple[tuple[float, ...], ...] | None:
    """A cost matrix in another order of the classes."""
    if matrix is None:
        return None
    place = [names.index(n) for n in order]
    return tuple(tuple(matrix[i][j] for j in place) for i in place)


def _shared(one: RunFolder, a: Result, two: RunFolder, b: Result) -> _Shared | None:
    """The images answered by both under one truth, in the order of the first.

    None where a run kept no answers.
    """
    if not (one.has(ANSWERS) and two.has(ANSWERS)):
        return None
    x, y = read_answers(one), read_answers(two)
    _alike(one, x, two, y)
    place = {path: k for k, path in enumerate(y.paths)}
    rows = np.array([(k, place[path]) for k, path in enumerate(x.paths) if path in place], np.int64).reshape(
        -1, 2
    )
    other = _ordered(y, a.classes, b.classes, two)
    truth, also = _as_wide(x.truth, other.truth)
    same = _equal(truth[rows[:, 0]], also[rows[:, 1]])
    rows = rows[same]
    paths = [x.paths[int(k)] for k in rows[:, 0]]
    scores = x.scores[rows[:, 0]], other.scores[rows[:, 1]]
    return _Shared(truth[rows[:, 0]], scores, _groups(one, two, paths), int((~same).sum()))


def _alike(one: RunFolder, x: Answers, two: RunFolder, y: Answers) -> None:
    """RunError where the two answered questions of different kinds."""
    if x.multilabel != y.multilabel or x.truth.ndim != y.truth.ndim:
        raise RunError(
            f"one of {one.path} and {two.path} is multi-label; expected both or none. Remedy: compare like "
            "with like."
        )


def _ordered(answers: Answers, wanted: tuple[str, ...], given: tuple[str, ...], run: RunFolder) -> Answers:
    """Answers with the classes in the `wanted` order: column k becomes the old column of that name.

    RunError where another order would have to be undone inside answers that are not columns of classes.
    """
    if wanted == given:
        return answers
    if not answers.labelled:
        raise RunError(
            f"{run.path} numbers its classes in the order {', '.join(given[:8])}; expected "
            f"{', '.join(wanted[:8])} as in the other run. Remedy: solve one of them again on the "
            "data in the layout of the other."
        )
    order = [given.index(c) for c in wanted]
    scores = answers.scores[:, order]
    if answers.multilabel:
        return replace(answers, truth=answers.truth[:, order], scores=scores)
    new = np.argsort(order)  # old number of a class -> its new one
    return replace(answers, truth=new[answers.truth], scores=scores)


def _as_wide(one: NDArray[Any], two: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two truths with as many rows an image: axis 1 of the shorter is padded as the longer one is.

    Images with few objects end with rows of padding, so the row that ends most images of the longer is
    padding; where no row ends two of them, NaN is, which equals nothing.
    """
    if one.ndim < 3 or one.shape[1] == two.shape[1] or not (len(one) and len(two)):
        return one, two
    if one.shape[1] > two.shape[1]:
        return _as_wide(two, one)[::-1]
    ends, often = np.unique(two[:, -1], axis=0, return_counts=True)
    padding = ends[often.argmax()] if often.max() > 1 else np.full(two.shape[2:], np.nan)
    wide = np.broadcast_to(padding, (len(one), *two.shape[1:])).copy()
    wide[:, : one.shape[1]] = one
    return wide, two


def _equal(one: NDArray[Any], two: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) whether the truth of an image is the same in both; none is where they have other shapes."""
    if one.shape != two.shape:
        return np.zeros(len(one), np.bool_)
    return np.asarray((one == two).all(axis=tuple(range(1, one.ndim))), np.bool_)


def _groups(one: RunFolder, two: RunFolder, paths: list[str]) -> NDArray[np.int64] | None:
    """Group numbers of the images from the splits of the first run that knows groups.

    None where none does.
    """
    for folder in (one, two):
        splits = folder.read_json(SPLITS) if folder.has(SPLITS) else {}
        names = splits.get("groups") if isinstance(splits, Mapping) else None
        if not names or all(g is None for g in names):
            continue
        known = dict(zip(splits.get("paths", ()), names, strict=False))
        labels = [f"group {g}" if (g := known.get(p)) is not None else f"image {p}" for p in paths]
        return np.unique(np.array(labels), return_inverse=True)[1].astype(np.int64)
    return None


def _difference(scorer: Scorer, seed: int) -> tuple[float, float | None, float | None]:
    """Second minus first with its interval over groups, in the metric's units.

    None for both ends where groups are too few for an interval.
    """
    sign = scorer.metric.sign
    gap = float(scorer.values[1] - scorer.values[0])
    if scorer.units < FEWEST_GROUPS:
        return gap, None, None
    pairs = all_pairs(scorer, seed=seed, level=LEVEL)
    low, high = sorted(sign * float(ends[1, 0]) for ends in (pairs.low, pairs.high))
    if not pairs.testable[1, 0] or not np.isfinite([low, high]).all():
        return gap, None, None
    return gap, low, high


def _who(low: float, metric: Metric) -> str:
    """Which run is better when the interval of second minus first excludes zero."""
    return "second" if (low > 0) == metric.higher_is_better else "first"


def _side(folder: RunFolder, r: Result) -> Side:
    n = len(read_answers(folder)) if folder.has(ANSWERS) else 0
    return Side(str(folder.path), r.winner, r.estimate, r.low, r.high, r.estimate_of, n)


def _estimates(found: Comparison) -> list[str]:
    """What each run found by itself."""
    words = []
    for side in (found.first, found.second):
        value = "no estimate" if side.estimate is None else f"{side.estimate:.3f}"
        span = f" [{side.low:.3f}, {side.high:.3f}]" if side.low is not None and side.high is not None else ""
        head = f"{side.run}: {side.winner or 'no winner'}, {found.title} {value}{span}"
        words.append(f"{head}, an estimate of the {side.estimate_of}.")
    return words


def _paired(found: Comparison) -> list[str]:
    """The difference in words."""
    n, low, high = found.shared, found.low, found.high
    where = f"the {n} images that both scored" + (f" ({found.groups} groups)" if found.groups != n else "")
    span = f" [{low:+.3f}, {high:+.3f}]" if low is not None and high is not None else ""
    lower = "" if found.higher_is_better else " (lower is better)"
    first = f"On {where}, second minus first in {found.title}{lower} is {found.difference:+.3f}{span}."
    if found.better is not None:
        return [first, f"The {found.better} run is clearly better on these images."]
    if low is None:
        few = (
            f"there are fewer than {FEWEST_GROUPS} groups"
            if found.groups < FEWEST_GROUPS
            else "too few differ"
        )
        return [first, f"They cannot be told apart: {few}."]
    return [first, "The interval includes zero: these images do not tell the two apart."]


def _warnings(one: RunFolder, a: Result, two: RunFolder, b: Result, shared: _Shared) -> list[str]:
    """What makes the comparison weaker than it looks."""
    kinds = {read_answers(f).kind for f in (one, two)}
    words = []
    if kinds != {"test"}:
        words.append(
            "Both winners were chosen with the help of these images, so a small difference may be luck of "
            "the choice."
        )
    if len(kinds) > 1:
        words.append(
            "One run scored test images once, the other scored out of fold: the second may be flattered by "
            "having chosen."
        )
    if shared.relabelled:
        words.append(f"{shared.relabelled} images have another label in the second run and are left out.")
    if a.data_fingerprint != b.data_fingerprint:
        words.append("The data changed between the runs; images are matched by their path.")
    return words
