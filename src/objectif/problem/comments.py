"""The text of problem.toml: every choice spelled out, with what it means and what the data say about it.

A comment states what was found when the file was written and what the key does. It never says what the race
will do in detail: that is for the run folder's plan, which is written by the room that decides it.
"""

from __future__ import annotations

import os
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from objectif.errors import DataError, ImageError
from objectif.problem import readers, toml
from objectif.problem.values import LIMITS, SECTIONS

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.problem.statement import Problem

WIDTH = 100
PROBED = 60
"""Images whose headers are read for the line on sizes."""

_OPENING = (
    "The statement of an image problem. Every choice stands here, with its reason: edit what is wrong.",
    "'auto' leaves a choice to objectif. Next: objectif solve {name}",
)
_EXAMPLES = {"latency_ms": 30, "size_mb": 20, "memory_mb": 500}
_LIMITS = {
    "latency_ms": "milliseconds for one image, batch of one",
    "size_mb": "megabytes (10^6 bytes) of the file",
    "memory_mb": "megabytes of memory while it runs",
}


def text(problem: Problem, folder: Path, dataset: Dataset | None = None) -> str:
    """The file's content; paths below `folder` are written relative to it, others absolute.

    ValueError: a path that is not valid Unicode.
    """
    why = _why(problem, dataset)
    blocks = [_comment(line.format(name="problem.toml") for line in _OPENING)]
    blocks += [_entry(key, _shown(problem, key, folder), why[key]) for key in SECTIONS[""]]
    limits = [f"{key} = {toml.figure(problem.limits[key])}" for key in LIMITS if key in problem.limits]
    unset = [f"# {key} = {_EXAMPLES[key]}  # {_LIMITS[key]}" for key in LIMITS if key not in problem.limits]
    blocks.append("\n".join([_comment(why["limits"]), "[limits]", *limits, *unset]))
    blocks.append("\n".join([_comment(why["search"]), "[search]"]))
    blocks += [_entry(key, _shown(problem, key, folder), why[key]) for key in SECTIONS["search"]]
    return "\n\n".join(blocks) + "\n"


def _entry(key: str, value: str | None, why: Sequence[str]) -> str:
    """A key with its comment; a key without a value stands there as a comment."""
    return f"{_comment(why)}\n{key} = {value}" if value is not None else _comment(why)


def _comment(sentences: Iterable[str]) -> str:
    """Each sentence from a line of its own, wrapped, whatever characters a file or class name brings."""
    wrapped: list[str] = []
    for sentence in sentences:
        wrapped += textwrap.wrap(
            toml.visible(sentence), WIDTH - 2, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(f"# {line}" for line in wrapped)


def _shown(problem: Problem, key: str, folder: Path) -> str | None:
    """The value of a key as TOML; None for a key that is left out."""
    value = getattr(problem, key)
    if key == "budget":
        return toml.toml(readers.span(value))
    if key == "folds" and problem.splits is not None and value == 5:
        return None
    if key == "cost":
        return None if value is None else _cost(value)
    if key == "models" and value != "auto":
        value = [_model(m, folder) for m in value]
    if isinstance(value, Path):
        value = _relative(value, folder)
    return toml.toml("auto" if value is None else value)


def _model(name: str, folder: Path) -> str:
    """A model's name, its path as it is written."""
    prefix, _, place = name.partition(":")
    if prefix in ("onnx", "yolox_nano") or (prefix == "hub" and Path(place).is_absolute()):
        return f"{prefix}:{_relative(Path(place), folder)}"
    return name


def _cost(value: Sequence[Sequence[float]] | Mapping[str, Mapping[str, float]]) -> str:
    """A matrix with a row on each line; a table on one line, as TOML wants it."""
    if isinstance(value, Mapping):
        return toml.toml(value)
    return "\n".join(["[", *(f"  {toml.toml(row)}," for row in value), "]"])


def _relative(path: Path, folder: Path) -> str:
    """A path as it is written: relative where it lies below the file's folder, so that both can move."""
    if not path.is_relative_to(os.path.abspath(folder)):
        return str(path)
    below = path.relative_to(os.path.abspath(folder))
    special = below.parts[:1] == ("~",) or str(below) == "auto"  # words that mean something else
    return f"./{below}" if special else str(below)


# --- what to say ------------------------------------------------------------


def _why(problem: Problem, dataset: Dataset | None) -> dict[str, list[str]]:
    """Key -> its sentences: what was found first, then what the key does."""
    found = _found(problem, dataset) if dataset is not None else {}
    return {key: [*found.get(key, []), *says] for key, says in _MEANING.items()}


_MEANING: dict[str, list[str]] = {
    "data": ["The labelled images. A relative path starts at this file's folder."],
    "format": ["How they lie on disk: 'auto', or a name from `objectif list formats`."],
    "group": [
        "What no split may cut, such as a patient, a plant or a film: 'auto' takes what the data name; a "
        "regular expression on the path makes its first group the name, as in '^([^/]+/\\d+)_'."
    ],
    "splits": [
        "'auto' keeps train, val and test as the data give them; "
        "else a folder of lists (test.txt, fold0.txt)."
    ],
    "images": ["Folder of the pictures, where 'auto' does not find them beside their masks."],
    "masks": ["Folder of their masks, where 'auto' finds none or several kinds."],
    "legend": [
        "What the numbers or colours of masks mean: a text file with a name, a number and a name, or red, green, blue and "
        "a name on each line; 'void' is not counted. 'auto' looks beside the masks for classes.txt and the like."
    ],
    "turn_masks": [
        "Degrees by which each mask file is turned, counter-clockwise, before it lies on its picture: 0, 90, 180 or 270. "
        "`objectif inspect` says where masks do not lie on their pictures as they are."
    ],
    "degrade": [
        "For task = 'restore' with clean pictures alone: what they go through before they are to be restored, such as "
        "'noise 25', 'blur 1.6', 'shrink 2' or 'gray, blur 1, noise 5'. 'given', or 'given, noise 10' where its strength is "
        "known: the pictures are noisy as they are, and there are no clean ones. 'auto': pairs, or another task."
    ],
    "good": [
        "Of anomalies alone: the class of good pictures, where 'auto' does not know it by its name (good, ok, normal ...)."
    ],
    "mirror": [
        "Whether a mirrored image keeps its class: true for a flower, false for a traffic sign or a letter."
    ],
    "allow_leakage": ["true goes on where the same picture stands on both sides of a given split."],
    "task": [
        "What an answer is: 'classify' names the class of the whole image, 'detect' finds objects and their boxes, "
        "'segment' tells what each pixel is, 'restore' makes a picture clear, 'anomaly' tells what is unlike good pictures."
    ],
    "false_alarms": ["Of anomalies alone: the share of good pictures that may be called anomalous."],
    "promises": [
        "What must hold of the answers, each with a confidence: 'recall[tumour] >= 0.95', 'precision[weed] >= 0.9 with 99% "
        "confidence', 'coverage >= 0.9'. What cannot be answered under them is left to a human; candidates are ranked by how "
        "little that is."
    ],
    "promises_hold": ["'jointly': all promises hold together with that confidence; 'each': each by itself."],
    "calibration": [
        "The share of the images that trains and chooses nothing and proves the promises; 'auto' is 0.3 where there are "
        "promises."
    ],
    "metric": ["What decides. A loss only trains, it never ranks. See `objectif list metrics`."],
    "cost": [
        "For metric = 'cost', what each answer costs: rows are truth, columns the answer, in the order of "
        "the classes; or by names, where what is not named costs 0 if right and 1 if wrong. "
        "Missing a tumour costs 10:",
        "cost = { tumour = { normal = 10 } }",
    ],
    "limits": ["What the shipped file may take, measured on this machine. A key left out is no limit."],
    "search": ["How to look for the best candidate: approach x model x loss x preparation."],
    "budget": ["Time for everything: '60s', '5m', '1h'. It is never exceeded by more than a tenth."],
    "approaches": [
        "classical: operators made by hand, and a head; frozen: a pretrained network as it is, and a head; "
        "finetune: the network is trained too."
    ],
    "models": [
        "'auto', or names from `objectif list models`; also 'onnx:PATH', 'yolox_nano:PATH' and 'hub:NAME' (features of a "
        "network of transformers, or a detector of it where there is a GPU; NAME may be a folder)."
    ],
    "losses": ["'auto' tries those that fit, or names from `objectif list losses`."],
    "preparations": [
        "Image processing before the network: 'auto' tries what cheap evidence favours; or 'plain' (none), "
        "'white_balance', 'clahe', 'denoise', 'gray', 'equalise_gray'."
    ],
    "folds": ["Parts that take turns in being held out, where the data give no val split."],
    "seeds": ["Repetitions behind a claim about a loss or a model; fewer than 3 allow no such claim."],
    "margin": [
        "A shortfall that does not matter, in the metric's unit: of those within it the cheapest wins."
    ],
    "seed": ["Of all that is drawn at random; the same seed gives the same folds."],
}


def _found(problem: Problem, dataset: Dataset) -> dict[str, list[str]]:
    """Key -> what the data say about it."""
    counts = _counts(dataset)
    notes: dict[str, list[str]] = {"format": [], "group": [], "splits": []}
    for note in _sentences(dataset.notes):  # each under the key that it explains, as far as its words tell
        word = note.lower()
        notes["splits" if word.startswith("split") else "group" if "group" in word else "format"].append(note)
    return {
        "data": [_inventory(dataset, counts), *_sizes(dataset), *_unusable(dataset)],
        "format": notes["format"] or [f"Found: {dataset.layout}."],
        "group": [_groups(dataset), *notes["group"]],
        "splits": [*notes["splits"], *_splits(problem, dataset)],
        "metric": _balance(dataset, counts),
        "cost": [f"The order of the classes: {', '.join(dataset.classes)}."]
        if problem.metric == "cost"
        else [],
    }


def _counts(dataset: Dataset) -> dict[str, int]:
    """Class -> images, the smallest first."""
    seen = Counter(label for sample in dataset.samples for label in sample.labels)
    named = {name: seen[k] for k, name in enumerate(dataset.classes)}
    return dict(sorted(named.items(), key=lambda item: item[1]))


def _inventory(dataset: Dataset, counts: Mapping[str, int]) -> str:
    """'200 images in 5 classes: ...' with the smallest and the largest class."""
    kind = "with any number of the" if dataset.multilabel else "in"
    start = f"{_many(len(dataset), 'image')} {kind} {_many(len(counts), 'class')}"
    if not counts:
        return f"{start}."
    if len(counts) <= 8:
        return f"{start}: {', '.join(f'{name} {n}' for name, n in counts.items())}."
    names = list(counts)
    return (
        f"{start}; smallest {names[0]} with {counts[names[0]]}, largest {names[-1]} with {counts[names[-1]]}."
    )


def _sizes(dataset: Dataset) -> list[str]:
    """Width x height of the images, from the headers of some of them."""
    from objectif.images.photo import probe

    shapes: list[tuple[int, int]] = []
    step = max(1, len(dataset) // PROBED)
    for sample in dataset.samples[::step]:
        if sample.item is None:
            try:
                info = probe(sample.file)
            except ImageError:
                continue
            shapes.append((info.width, info.height))
        elif sample.file in dataset.arrays:
            shapes.append((dataset.arrays[sample.file].shape[2], dataset.arrays[sample.file].shape[1]))
    if not shapes:
        return []
    among = "" if step == 1 else f" (of {len(shapes)} looked at)"
    low, high = min(shapes, key=_area), max(shapes, key=_area)
    if low == high:
        return [f"Size{among}: {low[0]} x {low[1]} pixels."]
    return [f"Sizes{among}: from {low[0]} x {low[1]} to {high[0]} x {high[1]} pixels (width x height)."]


def _area(shape: tuple[int, int]) -> int:
    return shape[0] * shape[1]


def _unusable(dataset: Dataset) -> list[str]:
    if not dataset.problems:
        return []
    path, why = next(iter(dataset.problems.items()))
    rest = len(dataset.problems) - 1
    more = f", and {_many(rest, 'other')}" if rest else ""
    return [f"Left out: {path} ({why}){more}."]


def _groups(dataset: Dataset) -> str:
    groups = dataset.groups()
    if groups is None:
        return (
            "No groups are known, so each image counts as independent. If several show one thing, say which."
        )
    sizes = Counter(groups.tolist())
    return f"{_many(len(sizes), 'group')}; the largest has {_many(max(sizes.values()), 'image')}."


def _splits(problem: Problem, dataset: Dataset) -> list[str]:
    """What is given, and the plan that follows from it."""
    from objectif.data.splits import plan

    given = Counter(sample.split for sample in dataset.samples if sample.split is not None)
    listed = ", ".join(f"{name} {n}" for name, n in sorted(given.items()))
    says = [f"Given: {listed}."] if given and problem.splits is None else []  # lists have told it in a note
    try:
        planned = plan(dataset, folds=problem.folds, seed=problem.seed)
    except DataError as error:
        return [*says, f"These data cannot be split: {error}"]
    return [*says, f"Plan: {planned.origin}.", *_sentences(planned.notes)]


def _balance(dataset: Dataset, counts: Mapping[str, int]) -> list[str]:
    """What a constant answer would reach, and when that makes accuracy a poor judge."""
    if dataset.multilabel or not counts or not len(dataset):
        return []
    name, largest = list(counts.items())[-1]
    says = f"Always answering {name!r} has an accuracy of {largest / len(dataset):.2f}."
    if largest >= 3 * max(1, min(counts.values())):
        return [says, "Classes are uneven: 'balanced_accuracy' or 'macro_f1' would count each class alike."]
    return [says]


def _sentences(notes: Iterable[str]) -> list[str]:
    """Notes as sentences of their own."""
    return [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes if note]


def _many(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
