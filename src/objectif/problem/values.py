"""Each field of a Problem: which values it may have, and which values cannot stand together.

One table says it for both doors, so that problem.toml and Python accept the same and complain in the same
words. All faults are collected before any is raised: a person who edits a file mends it in one go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from objectif.data.dataset import TURNS
from objectif.errors import DataError, ProblemError
from objectif.problem import readers as rd
from objectif.problem import toml
from objectif.problem.promises import parse
from objectif.tasks import NAMES

APPROACHES = ("classical", "frozen", "finetune")
TASKS = ("auto", *NAMES)
LIMITS = ("latency_ms", "size_mb", "memory_mb")
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "": (
        *("data", "format", "group", "splits", "images", "masks", "legend", "turn_masks", "degrade", "good"),
        *("mirror", "allow_leakage", "task", "metric", "cost", "false_alarms"),
        *("promises", "promises_hold", "calibration"),
    ),
    "limits": LIMITS,
    "search": (
        *("budget", "approaches", "models", "losses", "preparations"),
        *("folds", "seeds", "margin", "seed"),
    ),
}
"""Section of problem.toml -> its keys, in the order in which they are written; '' is the top of the file."""

MINIMUM_BUDGET = 10.0
"""Seconds: less does not export and score one candidate."""

WORK_SAVED = "work_saved"
"""The objective where promises are stated and no other is: the share of images that they leave to no human."""

_IN_DATA = ("images", "masks", "legend")

Cost = tuple[tuple[float, ...], ...] | Mapping[str, Mapping[str, float]]


class Fault(NamedTuple):
    """One thing wrong with a statement: the key at which it stands, and value, expectation, remedy."""

    key: toml.Key
    text: str


def refuse(faults: Sequence[Fault]) -> None:
    """ProblemError with a line for each fault; nothing where there is none."""
    if faults:
        raise ProblemError("\n".join(fault.text for fault in faults))


def place(name: str) -> toml.Key:
    """Where a field stands in the file: ('metric',) or ('search', 'budget')."""
    section = next((s for s, keys in SECTIONS.items() if name in keys), "")
    return (section, name) if section else (name,)


def fault(name: str, value: object, what: object) -> Fault:
    """A fault of one field's value."""
    stop = "" if str(what)[-1:] in {".", "?"} else "."
    return Fault(place(name), f"{name} = {shown(value)}: {what}{stop}")


def shown(value: object) -> str:
    """A value in an error, as the file would show it, kept short."""
    try:
        text = toml.toml(value)
    except (ValueError, OverflowError):
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read(given: Mapping[str, Any], base: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Each field's value in its one form, and what is wrong; relative paths start at `base`."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in given.items():
        try:
            if name == "limits":
                values[name], more = _limits(value)
                faults += more
            else:
                values[name] = READERS[name](value)
        except ValueError as error:
            faults.append(fault(name, value, error))
    for name in ("data", "splits", *_IN_DATA):
        if values.get(name) is not None:
            values[name] = _absolute(values[name], base)
    for name in _IN_DATA:
        if values.get(name) is not None and values.get("data") is not None:
            values[name] = _in_data(values[name], values["data"], base)
    if isinstance(values.get("models"), tuple):
        values["models"] = tuple(_anchored(model, base) for model in values["models"])
    return values, faults


def contradictions(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Values that are possible one by one but not together."""
    metric, cost = values.get("metric"), values.get("cost")
    if metric == "cost" and cost is None:
        what = (
            "needs the costs: cost = [[0, 1], [10, 0]] (rows truth, columns answer) or a table by class names"
        )
        yield fault("metric", metric, what)
    if metric == WORK_SAVED and not values.get("promises"):
        yield fault(
            "metric", metric, "needs promises: promises = ['recall[tumour] >= 0.95'], or another metric"
        )
    if cost is not None and metric not in {"cost", "auto", WORK_SAVED} and not values.get("promises"):
        yield fault("metric", metric, "does not use the costs that are given; expected 'cost', or no costs")
    if cost is not None:
        yield from _odd_costs(cost)


def _odd_costs(cost: Cost) -> Iterator[Fault]:
    """Costs by which a wrong answer would be better than the right one, or nothing matters."""
    if isinstance(cost, Mapping):
        rows = [(t, row.get(t, 0.0), [c for a, c in row.items() if a != t]) for t, row in cost.items()]
    else:
        rows = [(str(k), row[k], [c for j, c in enumerate(row) if j != k]) for k, row in enumerate(cost)]
        if not any(c > 0 for _, _, wrong in rows for c in wrong):
            yield fault("cost", cost, "no mistake costs anything; expected at least one cost above 0")
    for truth, right, wrong in rows:
        if any(c < right for c in wrong):
            what = f"for truth {truth!r} the right answer costs {toml.figure(right)} and a wrong one less"
            yield fault("cost", cost, f"{what}; rows are truth, columns answers")


# --- one reader a field -----------------------------------------------------


def _path(value: object) -> str:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError("expected the path of a folder or file")
    return text


def _absolute(text: str, base: Path) -> Path:
    return Path(os.path.abspath(base / (os.path.expanduser(text) if text.startswith("~/") else text)))


def _in_data(path: Path, data: Path, base: Path) -> Path:
    """A path that is not there, below the data where it is there: masks = "masks" means what it looks like."""
    below = data / path.relative_to(base) if path.is_relative_to(base) else path
    return below if not path.exists() and below.exists() else path


def _anchored(model: str, base: Path) -> str:
    """A model's name with the path of 'onnx:PATH' and 'yolox_nano:PATH' made absolute; of 'hub:NAME' where it is a folder."""
    prefix, colon, place = model.partition(":")
    if not place or prefix not in ("onnx", "yolox_nano", "hub"):
        return model
    path = _absolute(place, base)
    return model if prefix == "hub" and not path.is_dir() else f"{prefix}{colon}{path}"


def _limits(value: object) -> tuple[dict[str, float], list[Fault]]:
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"expected a table of {', '.join(LIMITS)}")
    limits: dict[str, float] = {}
    faults: list[Fault] = []
    for key, limit in (value or {}).items():
        try:
            if key not in LIMITS:
                raise ValueError(f"no such limit; known are {', '.join(LIMITS)}{rd.close_to(key, LIMITS)}")
            limits[key] = _above_zero(limit)
        except ValueError as error:
            faults.append(Fault(("limits", str(key)), fault(str(key), limit, error).text))
    return limits, faults


def _cost(value: object) -> Cost | None:
    """A square matrix, or a table truth -> answer -> cost."""
    expected = "expected a square list of rows (truth) of numbers >= 0 (answer), or a table by class names"
    one = rd.number(expected, lambda x: x >= 0)
    if value is None:
        return None
    if isinstance(value, Mapping):
        if not value or not all(isinstance(row, Mapping) and row for row in value.values()):
            raise ValueError(f"{expected} such as {{ truth = {{ answer = 10 }} }}")
        return {str(truth): {str(a): one(c) for a, c in row.items()} for truth, row in value.items()}
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise ValueError(expected)
    rows = [
        list(row) if isinstance(row, Iterable) and not isinstance(row, str | bytes) else [] for row in value
    ]
    if len(rows) < 2 or any(len(row) != len(rows) for row in rows):
        raise ValueError(expected)
    return tuple(tuple(one(c) for c in row) for row in rows)


def _group(value: object) -> str:
    pattern: str = rd.word("a regular expression on the path of an image")(value)
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression on the path; this is none ({error})") from None
    return pattern


def _degrade(value: object) -> str:
    from objectif.images.degrade import degradation  # brings OpenCV, which listing does without

    try:
        return str(degradation(rd.word("words such as 'noise 25'")(value)))
    except DataError as error:
        raise ValueError(str(error)) from None


def _budget(value: object) -> float:
    length = rd.seconds(value)
    if not MINIMUM_BUDGET <= length <= 30 * 86400:
        raise ValueError("expected from 10 seconds, less than which no candidate can be run, to 30 days")
    return length


def _mirror(value: object) -> object:
    if value == "auto" or isinstance(value, bool):
        return value
    raise ValueError("expected 'auto', true or false")


def _promises(value: object) -> tuple[str, ...]:
    """Each promise in its one form."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
        raise ValueError("expected a list of texts such as 'recall[tumour] >= 0.95'")
    try:
        return tuple(str(parse(one)) for one in given)
    except ProblemError as error:
        raise ValueError(str(error)) from None


def _calibration(value: object) -> object:
    if value == "auto":
        return value
    return rd.number("'auto', or a share of the images from 0.05 to 0.9", lambda x: 0.05 <= x <= 0.9)(value)


_above_zero = rd.number("a number above 0; leave the key out for no limit", lambda x: x > 0)

READERS: Mapping[str, rd.Reader] = {
    "data": _path,
    "format": rd.or_word("auto", rd.word("the name of a format"), None),
    "group": rd.or_word("auto", _group, None),
    "splits": rd.or_word("auto", _path, None),
    "images": rd.or_word("auto", _path, None),
    "masks": rd.or_word("auto", _path, None),
    "legend": rd.or_word("auto", _path, None),
    "turn_masks": rd.one_of(*TURNS, what="degrees by which masks are turned, counter-clockwise"),
    "degrade": rd.or_word("auto", _degrade, None),
    "good": rd.or_word("auto", rd.word("the class of good pictures"), None),
    "mirror": _mirror,
    "allow_leakage": rd.yes_or_no,
    "task": rd.choice(*TASKS),
    "metric": rd.word("'auto', or the name of a metric, such as 'accuracy'"),
    "cost": _cost,
    "false_alarms": rd.number(
        "a share of good pictures between 0 and 1: 0.05 is one in twenty", lambda x: 0 < x < 1
    ),
    "promises": _promises,
    "promises_hold": rd.choice("jointly", "each"),
    "calibration": _calibration,
    "budget": _budget,
    "approaches": rd.or_word("auto", rd.names("approaches", APPROACHES), APPROACHES),
    "models": rd.or_word("auto", rd.names("names of models"), "auto"),
    "losses": rd.or_word("auto", rd.names("names of losses"), "auto"),
    "preparations": rd.or_word("auto", rd.names("names of preparations"), "auto"),
    "folds": rd.whole(2, 100),
    "seeds": rd.whole(1, 100),
    "margin": rd.number("a number of at least 0, in the metric's unit: 0.01 is one point", lambda x: x >= 0),
    "seed": rd.whole(0, 2**32 - 1),
}
"""Field -> reader. Format, group, splits, images, masks, legend, degrade and good become None for 'auto': the data are to speak."""
