"""A lens on disk: a folder with a Solution, cards.toml, held-out answers and examples, opened to answer.

    NAME.objectif   the Solution            heldout.npz     answers to photos that were held out, for the threshold
    cards.toml      to edit                 examples.npz    embeddings of the user's photos; examples/ their thumbnails
    run/            the race                waiting.gallery, accepted.gallery, taught/   what was taught

The threshold is not stored: it depends on the groups in cards.toml, so it is found again whenever the lens is opened, in
milliseconds, and cannot be out of date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.apps.lens import cards as card_files
from objectif.apps.lens import nearest, teach
from objectif.apps.lens.arrays import AGAIN, read_arrays, write_arrays
from objectif.apps.lens.cards import Cards
from objectif.apps.lens.nearest import Example, Examples
from objectif.apps.lens.rules import Advice, Rules, confused
from objectif.apps.lens.sure import Sure, calibrate
from objectif.apps.lens.taxonomy import Tree
from objectif.apps.lens.teach import Lesson
from objectif.errors import ImageError, InputError
from objectif.images import photo as photo_file
from objectif.images.prepare import load_placed
from objectif.run.gallery import Gallery
from objectif.run.inputs import Failure
from objectif.run.predictor import Picture, Predictor
from objectif.runs.answers import Answers
from objectif.solution.file import SUFFIX, Solution
from objectif.solution.file import read as read_solution

HELDOUT = "heldout.npz"


@dataclass(frozen=True)
class Found:
    """All that is known of one photo. taught: an accepted lesson that it looks like, with the cosine; waiting: one that is
    not accepted. alike: label -> examples, the nearest first."""

    advice: Advice
    taught: tuple[Lesson, float] | None
    waiting: tuple[Lesson, float] | None
    alike: dict[str, list[Example]]

    @property
    def label(self) -> str:
        """What is shown first: what was taught, else the node, else the likeliest label."""
        return self.taught[0].name if self.taught else self.advice.node or self.advice.likeliest


@dataclass(frozen=True)
class Lens:
    """An opened lens. examples: with those of accepted lessons."""

    folder: Path
    solution: Solution = field(repr=False)
    cards: Cards = field(repr=False)
    sure: Sure = field(repr=False)
    rules: Rules = field(repr=False)
    examples: Examples = field(repr=False)
    waiting: Gallery = field(repr=False)
    accepted: Gallery = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """All that it can answer with: labels, then what was taught and accepted."""
        taught = (entry.name for entry in self.accepted.entries)
        return tuple(dict.fromkeys((*self.solution.classes, *taught)))

    def advise(self, answer: Label, embedding: NDArray[Any]) -> Found:
        """What to say of a photo from the Solution's answer and the network's embedding (D,)."""
        advice = self.rules.advise(answer)
        taught = teach.looks_like(self.accepted, self.examples, embedding)
        waiting = teach.looks_like(self.waiting, self.examples, embedding)
        first = [taught[0].name] if taught else []
        labels = dict.fromkeys([*first, self._shown(advice), *(other.label for other in advice.others)])
        alike = {label: self.examples.nearest(embedding, label) for label in labels}
        return Found(advice, taught, waiting, alike)

    def _shown(self, advice: Advice) -> str:
        """The label whose examples are shown first: the likeliest of a group is among its others already."""
        return advice.node if advice.kind == "label" and advice.node is not None else advice.likeliest

    def teach(self, name: str, taught: Sequence[tuple[bytes, NDArray[Any], bytes]]) -> Lesson:
        """Teach a name, as teach.teach() does; it waits. An opened lens does not change: open it again."""
        waiting = teach.teach(self.folder, self.waiting, name, taught)
        return teach.lesson(waiting.entry(" ".join(name.split())), self.examples)

    def accept(self, name: str) -> None:
        """What waits under that name. InputError where nothing does."""
        teach.accept(self.folder, self.waiting, self.accepted, name)

    def forget(self, name: str) -> None:
        """What was taught under that name, waiting or accepted. InputError where nothing was."""
        waits = any(entry.name == name for entry in self.waiting.entries)
        gallery, file = (self.waiting, teach.WAITING) if waits else (self.accepted, teach.ACCEPTED)
        teach.forget(self.folder, gallery, file, name)

    def lessons(self, gallery: Gallery) -> list[Lesson]:
        """What was taught, and how well each can be told."""
        return [teach.lesson(entry, self.examples) for entry in gallery.entries]


def open_lens(folder: Path | str) -> Lens:
    """Open a lens. InputError: no lens there, or one of its files is missing, damaged, of another Solution, or faulty cards."""
    folder = Path(folder)
    solution = read_solution(solution_of(folder))
    if solution.task != "classify" or solution.multilabel:
        raise InputError(
            f"{folder}: its Solution has the task {solution.task!r}; expected one label an image."
        )
    accepted = teach.opened(folder, teach.ACCEPTED, solution)
    known = {*solution.classes, *(entry.name for entry in accepted.entries)}
    cards = card_files.read(folder / card_files.FILE, known)
    heldout = _heldout(folder, solution)
    tree = Tree(solution.classes, cards.parents())
    sure = calibrate(tree, heldout.scores, heldout.truth, cards.accuracy, heldout.units, heldout.kind)
    rules = Rules(tree, sure.threshold, confused(solution.classes, heldout.scores, heldout.truth))
    examples = teach.with_lessons(nearest.load(folder, solution), accepted, folder)
    waiting = teach.opened(folder, teach.WAITING, solution)
    return Lens(folder, solution, cards, sure, rules, examples, waiting, accepted)


def solution_of(folder: Path) -> Path:
    """The one Solution in a lens's folder; InputError where there is none or several."""
    found = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    if len(found) != 1:
        raise InputError(
            f"{folder} holds {len(found)} Solutions; a lens holds exactly one. `objectif lens new DATA` makes a lens."
        )
    return found[0]


def write_heldout(folder: Path, answers: Answers) -> None:
    """Keep the held-out answers of a race beside the lens."""
    units = {} if answers.units is None else {"units": answers.units}
    scores = answers.scores.astype(np.float32)
    write_arrays(folder / HELDOUT, scores=scores, truth=answers.truth, kind=answers.kind, **units)


def _heldout(folder: Path, solution: Solution) -> Answers:
    path = folder / HELDOUT
    stored = read_arrays(path, "scores", "truth", "kind")
    scores, truth = stored["scores"], stored["truth"]
    if scores.shape != (len(truth), len(solution.classes)) or not np.isfinite(scores).all():
        raise InputError(
            f"{path}: scores of shape {scores.shape} for {len(solution.classes)} labels; {AGAIN}"
        )
    return Answers(("",) * len(truth), truth, scores, str(stored["kind"]), units=stored.get("units"))


def look(
    predictor: Predictor, photo: Path | bytes, name: str | None = None
) -> tuple[Label, NDArray[np.float32]]:
    """The answer and the embedding (D,) for a photo, decoded once. ImageError where it cannot be read."""
    shown = name or (str(photo) if isinstance(photo, Path) else "photo")
    pixels, place = load_placed(photo, predictor.solution.preparation, name=shown)
    answer = next(predictor.predict([Picture(shown, pixels, place)]))
    if isinstance(answer, Failure):
        raise ImageError(f"{answer.path}: {answer.reason}")
    assert isinstance(answer, Label)  # open_lens() has seen the task
    return answer, nearest.embedded(predictor, pixels[None])[0]


def taught(predictor: Predictor, photos: Sequence[Path]) -> list[tuple[bytes, NDArray[Any], bytes]]:
    """Photos as teach.teach() takes them, with thumbnails to keep. ImageError where one cannot be read."""
    found = []
    for photo in photos:
        content, name = photo_file.given(photo, None)
        small = nearest.thumbnail(photo_file.read(content, name=name, min_side=nearest.SIDE))
        found.append((content, look(predictor, photo)[1], small))
    return found
