"""The top of the page: what was found, in plain words, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from objectif.metrics.catalog import NAMES, metric
from objectif.problem.values import WORK_SAVED
from objectif.promises.objective import IDLE
from objectif.report.html import Markup, join, name, tag
from objectif.report.material import Material
from objectif.report.numbers import Axis, capital, count, figure, latency, megabytes, tick, with_interval
from objectif.runs.entry import NO_LOSS
from objectif.runs.leaderboard import cost_words, span
from objectif.runs.result import Result, Standing
from objectif.tasks.kinds import kinds

APPROACHES = {"finetune": "fine-tuned"}
_RING = ("before the correction for having chosen", "out of fold, while choosing")


def section(material: Material) -> Markup:
    """The answer as a <section>."""
    result = material.result
    winner = result.standing(result.winner)
    return tag(
        "section",
        tag("p", _eyebrow(material), class_="eyebrow"),
        tag("h1", _headline(result, winner)),
        tag(
            "div",
            tag("div", _figure(result), strip(result), _verdict(result)),
            _facts(material, winner),
            class_="split",
        ),
        _next(material),
        class_="answer",
        id="answer",
    )


def _eyebrow(material: Material) -> Markup:
    result = material.result
    task, names = str(result.problem.get("task", "classify")), len(material.classes)
    parts = [data_name(result), task]
    if material.answers is not None:
        parts.append(count(len(material.answers), "image") + " scored")
    words = kinds(task, names)
    parts += [] if words is None else [count(names, *words)]
    parts.append(count(len(result.leaderboard), "candidate"))
    return join(*[join(" · " if k else "", name(p)) for k, p in enumerate(parts)])


def data_name(result: Result) -> str:
    """The last part of the data's path."""
    data = str(result.problem.get("data", "")).rstrip("/")
    return data.rsplit("/", 1)[-1] or "data"


def describe(line: Standing, limit: int | None = 60) -> Markup:
    """A candidate in words: its approach, model and loss, or its id where these are not known."""
    if not line.model:
        return name(line.id, limit)
    head = [name(APPROACHES.get(line.approach, line.approach), limit), " "] if line.approach else []
    tail = [" with ", name(line.loss, limit), " loss"] if line.loss not in ("", NO_LOSS) else []
    return join(head, name(line.model, limit), tail)


def _headline(result: Result, winner: Standing | None) -> Markup:
    if winner is None:
        return join("No candidate could be compared.")
    if not result.feasible:
        return join("No candidate keeps the limits. The nearest: ", describe(winner), ".")
    if not result.kept:
        return join("What was to be promised could not be proved. The best is ", describe(winner), ".")
    if not result.beats_baseline:
        return join("Nothing here is shown to be better than ", idle(result), ".")
    return join("For these images, use ", describe(winner), ".")


def idle(result: Result) -> str:
    """What is to be beaten, in words: Metric.idle."""
    if result.metric == WORK_SAVED:
        return IDLE
    plain = "answering without a look at the images"
    return metric(result.metric).idle if result.metric in NAMES and result.metric != "cost" else plain


def _verdict(result: Result) -> Markup:
    """Whether the winner is better than no model at all, and whether it keeps the limits."""
    if result.winner is None:
        return tag("p", "Every trial failed or was stopped; the leaderboard says why.", class_="verdict bad")
    base = figure(result.baseline)
    if result.beats_baseline:
        words = f"It clearly beats {idle(result)} ({base})."
    elif result.low is None:
        words = f"Too few groups of images to say whether it beats {idle(result)} ({base})."
    else:
        words = (
            f"{capital(idle(result))} gives {base}, and the gain over it is not clearly above "
            "zero. Do not use it: check the labels, or add images."
        )
    first = tag("p", words, class_="verdict" if result.beats_baseline else "verdict doubt")
    if result.feasible:
        return first
    said = result.sentences[0] if result.sentences else f"No candidate keeps {limit_words(result.limits)}."
    marked = " A Solution is written all the same, marked infeasible."
    return join(tag("p", name(said, 400), marked, class_="verdict bad"), first)


def limit_words(limits: Mapping[str, float]) -> str:
    """'at most 30 ms an image, at most 10 MB as a file'."""
    units = {"latency_ms": "ms an image", "size_mb": "MB as a file", "memory_mb": "MB of memory"}
    return ", ".join(f"at most {value:g} {units.get(key, key)}" for key, value in limits.items())


def _facts(material: Material, winner: Standing | None) -> Markup | None:
    """The small print that decides how far to trust the figure."""
    result = material.result
    if winner is None:
        return None
    facts: list[tuple[str, object]] = [("The figure is", estimate_words(material))]
    tied = [s for s in result.leaderboard if s.status == "tied"]
    facts.append(("Not told apart", _tied_words(tied, result)))
    cost = [
        f"{cost_words(winner.params)} parameters" if winner.params is not None else "",
        f"{cost_words(winner.macs)} multiply-adds" if winner.macs is not None else "",
        f"{latency(winner.latency_ms)} an image here" if winner.latency_ms is not None else "",
        megabytes(winner.size_mb),
    ]
    facts.append(("Its cost", ", ".join(c for c in cost if c) or "not measured"))
    if result.limits and result.feasible:
        facts.append(("Limits kept", limit_words(result.limits)))
    if winner.preparation:
        facts.append(("Preparation", name(winner.preparation)))
    facts += [("Starts from", words) for words in _origins(result.card)]
    return tag("dl", [[tag("dt", head), tag("dd", body)] for head, body in facts], class_="facts")


def _origins(card: Mapping[str, Any]) -> list[Markup]:
    """Pretrained weights that the winner holds: name, licence, and what has to be known about them."""
    weights = card.get("weights")
    found = []
    for entry in weights if isinstance(weights, (list, tuple)) else ():
        if isinstance(entry, Mapping) and entry.get("name"):
            licence = join(" (", name(entry["licence"], 40), ")") if entry.get("licence") else None
            note = tag("small", name(entry["note"], 400)) if entry.get("note") else None
            found.append(join("weights of ", name(entry["name"], 80), licence, note))
    return found


def estimate_words(material: Material) -> str:
    """What the estimate is an estimate of."""
    result, answers = material.result, material.answers
    n = "" if answers is None else count(len(answers), "image") + " "
    if result.estimate_of == "network":
        return f"measured on {n}that took no part in training or choosing: it is about this very network."
    return (
        f"from {n}each scored by a network that had not seen it, and corrected for having chosen among the "
        "candidates: it is about the procedure. The file holds a refit on all images"
        + ("." if result.promises is None else " but those kept apart for the promises.")
    )


def _tied_words(tied: list[Standing], result: Result) -> Markup:
    if not tied:
        return join("no other candidate: all that were compared to the end are clearly worse.")
    shown = [describe(s, 30) for s in tied[:3]]
    more = f" and {len(tied) - 3} more" if len(tied) > 3 else ""
    named = join(*[join(", " if k else "", s) for k, s in enumerate(shown)])
    return join(
        f"{count(len(tied), 'candidate')}: ",
        named,
        more,
        ". The winner is the cheapest that is not worse than the best by more than the margin",
        f" ({result.problem.get('margin', 0.01)})." if "margin" in result.problem else ".",
    )


def _figure(result: Result) -> Markup | None:
    """The number itself."""
    if result.estimate is None:
        return None
    doubt = "" if result.beats_baseline and result.feasible and result.kept else " doubt"
    said = "no interval: too few groups of images"
    if result.low is not None and result.high is not None:
        said = f"{result.level:.0%} interval {figure(result.low)} to {figure(result.high)}"
    lower = "" if result.higher_is_better else ", lower is better"
    return join(
        tag("p", f"{capital(result.title)}{lower}", class_="eyebrow plain"),
        tag("div", figure(result.estimate), class_=f"big{doubt}"),
        tag("div", said, class_="soft"),
    )


def strip(result: Result) -> Markup | None:
    """Estimate, interval and baseline on one line."""
    if result.estimate is None:
        return None
    low, high = span([], result.low, result.high, result.estimate, result.baseline, result.naive)
    if low >= 0 and high <= 1 and high - low > 0.25:
        low, high = max(0.0, low), min(1.0, high)
    axis = Axis(low, high, 3, 97)
    words = f"{result.title} {with_interval(result.estimate, result.low, result.high)}"
    said = f"{words}; baseline {figure(result.baseline)}"
    ring = _ring(result, axis)
    parts = [_ruler(axis, result), _mark(result, axis), ring]
    drawing = tag("svg", parts, class_="strip", role="img", aria_label=said)
    return join(
        drawing, tag("div", f"○ {_RING[result.estimate_of == 'network']}", class_="note") if ring else None
    )


def _ruler(axis: Axis, result: Result) -> list[Markup]:
    """The line with its ticks, and the baseline on it."""
    parts = [tag("line", x1="0%", x2="100%", y1=52, y2=52, class_="axis")]
    for value in axis.ticks(5):
        parts.append(tag("line", x1=axis.share(value), x2=axis.share(value), y1=49, y2=55, class_="axis"))
        parts.append(tag("text", tick(value), x=axis.share(value), y=70, text_anchor="middle"))
    if result.baseline is not None:
        x, place = axis.share(result.baseline), axis.at(result.baseline)
        anchor = "start" if place < 15 else "end" if place > 85 else "middle"
        parts.append(tag("line", x1=x, x2=x, y1=22, y2=52, class_="base"))
        parts.append(tag("text", f"baseline {figure(result.baseline)}", x=x, y=15, text_anchor=anchor))
    return parts


def _mark(result: Result, axis: Axis) -> Markup:
    """Interval and estimate."""
    box = None
    if result.low is not None and result.high is not None:
        width = f"{axis.at(result.high) - axis.at(result.low):.2f}%"
        left = axis.share(result.low)
        box = tag("rect", x=left, width=width, y=34, height=10, rx=5, class_="fill", opacity=0.35)
    dot = tag("circle", cx=axis.share(result.estimate or 0.0), cy=39, r=6, class_="fill")
    return tag("g", box, dot, class_="winner" if result.beats_baseline and result.feasible else "over_limit")


def _ring(result: Result, axis: Axis) -> Markup | None:
    """The winner's own figure, where the correction has moved it visibly."""
    if result.naive is None or abs(axis.at(result.naive) - axis.at(result.estimate or 0.0)) <= 1:
        return None
    title = tag("title", f"{_RING[result.estimate_of == 'network']}: {figure(result.naive)}")
    ring = tag("circle", title, cx=axis.share(result.naive), cy=39, r=4, class_="ring")
    return tag("g", ring, class_="soft")


def _next(material: Material) -> Markup:
    """What to do now, with the commands as they are to be typed."""
    steps = [tag("li", tag("span", words), tag("pre", command)) for words, command in next_steps(material)]
    return tag("div", tag("h3", "What to do next"), tag("ol", steps), class_="next")


def next_steps(material: Material) -> list[tuple[str, str]]:
    """(why, command) pairs, most useful first."""
    result = material.result
    data = shlex.quote(str(result.problem.get("data", "DATA")))
    here = shlex.quote(str(material.folder.path))
    steps = []
    if result.winner is None or not result.beats_baseline:
        steps.append(
            ("See what worries the data check: duplicates, doubtful labels, confounds.", f"inspect {data}")
        )
    if not result.feasible:
        steps.append(("Write the statement, loosen its limits, and solve again.", f"init {data}"))
    if material.solution is not None:
        file = shlex.quote(str(material.folder.path / material.solution))
        if result.beats_baseline:
            steps.append(("Answer new images: one JSON line each.", f"predict {file} PHOTOS/"))
        steps.append(
            ("Test it on labelled images of another day, camera or place.", f"evaluate {file} OTHER_DATA")
        )
        steps.append(
            ("Prove on the target machine that the file gives the answers it gave here.", f"check {file}")
        )
    if result.feasible and any(s.status == "dropped" for s in result.leaderboard):
        why = "Give the dropped candidates more time in another run, then compare."
        steps.append((why, f"compare {here} OTHER_RUN"))
    return [(why, f"objectif {command}") for why, command in steps]
