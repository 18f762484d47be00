"""A lens from a finished race: made, asked, taught; and what is damaged or does not fit is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from objectif.answers import Judgement
from objectif.apps.lens import new, teach
from objectif.apps.lens.folder import Lens, look, open_lens, taught
from objectif.apps.lens.tell import Told, lines, tell
from objectif.errors import ImageError, InputError
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution

from .conftest import COLOURS, paint  # isort: skip


def ask(lens: Lens, photo: Path, language: str = "en") -> Told:
    return tell(lens, lens.advise(*look(Predictor(lens.solution), photo)), language)


def test_it_names_shows_and_says_how_sure(lens: Lens, tmp_path: Path) -> None:
    told = ask(lens, paint(tmp_path / "a.jpg", COLOURS["green"], 99))
    assert told.heading == "green"
    assert [name for name, _ in told.alike] == ["green", "red"]  # 2 of 40 called green were red
    first = told.alike[0][1]
    assert [one.label for one in first] == ["green"] * 3
    assert [one.likeness for one in first] == sorted((one.likeness for one in first), reverse=True)
    assert all(one.thumbnail.is_file() for _, examples in told.alike for one in examples)
    assert "At least 90 % of its answers are right" in told.promise
    assert told.safety in "\n".join(lines(told))
    assert told.rivals[0].met == "2 of 40 held-out photos called green showed red"


def test_it_speaks_the_readers_language(lens: Lens, tmp_path: Path) -> None:
    told = ask(lens, paint(tmp_path / "a.jpg", COLOURS["red"]), "fr, de-CH;q=0.8")
    assert told.language == "de"
    assert "wahrscheinlich" in told.sure
    assert "Nichts ihretwegen essen" in told.safety
    assert ask(lens, tmp_path / "a.jpg", "fr").language == "en"


def test_between_two_colours_it_asks_for_a_photo(lens: Lens, tmp_path: Path) -> None:
    cards = (lens.folder / "cards.toml").read_text()
    cards = cards.replace("[labels.red]\n", '[groups.warm]\nrank = "hue"\n[labels.red]\nparent = "warm"\n')
    cards = cards.replace("[labels.green]\n", '[labels.green]\nparent = "warm"\nsettle = "By daylight."\n')
    (lens.folder / "cards.toml").write_text(cards.replace("accuracy = 0.9 ", "accuracy = 0.99 "))
    told = ask(open_lens(lens.folder), paint(tmp_path / "a.jpg", (150, 150, 40)))
    assert told.heading == "Hue warm; which one is not certain"
    assert told.settle == "By daylight."
    assert told.facts == ()


def test_of_another_kind_it_says_nothing_else(lens: Lens, tmp_path: Path) -> None:
    answer, embedding = look(Predictor(lens.solution), paint(tmp_path / "a.jpg", COLOURS["red"]))
    judged = replace(answer, judgement=Judgement("reject", "unlike all it knows"))
    told = tell(lens, lens.advise(judged, embedding))
    assert (told.heading, told.sure) == ("Not of the kind that this lens knows", "unlike all it knows")
    assert (told.line, told.actions, told.rivals, told.settle) == ("", (), (), "")
    assert told.safety


def test_a_new_kind_waits_until_it_is_accepted(lens: Lens, tmp_path: Path) -> None:
    photos = [paint(tmp_path / f"{k}.jpg", (200, 200, 30), k) for k in range(4)]
    unseen = paint(tmp_path / "u.jpg", (205, 195, 35), 9)
    before = ask(lens, unseen)
    waiting = teach.teach(lens.folder, lens.waiting, " yellow ", taught(Predictor(lens.solution), photos))
    lesson = teach.lesson(waiting.entry("yellow"), lens.examples)
    assert (lesson.photos, lesson.known, lesson.others, lesson.passed) == (4, 4, 15, 0)
    lens = open_lens(lens.folder)
    told = ask(lens, unseen)
    assert told.heading == before.heading
    assert told.notes == (
        "yellow was taught from 4 photos and waits to be accepted. This photo looks like it.",
    )
    teach.accept(lens.folder, lens.waiting, lens.accepted, "yellow")
    lens = open_lens(lens.folder)
    assert lens.names == ("red", "green", "blue", "yellow")
    told = ask(lens, unseen)
    assert told.heading == "yellow"
    assert "has not been measured" in told.sure
    assert told.alike[0][0] == "yellow"
    assert told.alike[0][1][0].thumbnail.is_file()
    assert ask(lens, paint(tmp_path / "g.jpg", COLOURS["green"])).heading == "green"
    teach.forget(lens.folder, lens.accepted, teach.ACCEPTED, "yellow")
    assert ask(open_lens(lens.folder), unseen).heading == before.heading
    assert not list((lens.folder / teach.PICTURES).iterdir())


def test_what_was_taught_outlives_the_solution(
    run: Path, lens: Lens, tmp_path: Path, colours: Callable[..., Solution]
) -> None:
    photos = [paint(tmp_path / f"{k}.jpg", (200, 200, 30), k) for k in range(3)]
    lens.teach("yellow", taught(Predictor(lens.solution), photos))
    other = colours()
    again = shutil.copytree(run, tmp_path / "again")
    colours(networks={"fp32": other.networks["int8"]}, default="fp32").save(again / "colours.objectif")
    found = new.make(again, lens.folder, title="Colours")
    assert [entry.name for entry in found.waiting.entries] == ["yellow"]
    assert ask(found, paint(tmp_path / "u.jpg", (205, 195, 35), 9)).notes[0].startswith("yellow was taught")


def test_teaching_refuses_what_teaches_nothing(lens: Lens, tmp_path: Path) -> None:
    photos = [paint(tmp_path / f"{k}.jpg", (200, 200, 30), k) for k in range(4)]
    found = taught(Predictor(lens.solution), photos)
    with pytest.raises(InputError, match="'yellow' has 2 different photos; expected 3 to 50"):
        teach.teach(lens.folder, lens.waiting, "yellow", found[:2])
    with pytest.raises(InputError, match="has 1 different photos"):
        teach.teach(lens.folder, lens.waiting, "yellow", [found[0]] * 3)
    with pytest.raises(InputError, match="the name is ''; expected 1 to 80 letters"):
        teach.teach(lens.folder, lens.waiting, "  ", found)
    waiting = teach.teach(lens.folder, lens.waiting, "yellow", found)
    with pytest.raises(
        InputError, match="one of the photos was taught as 'yellow' already; expected photos of 'gold' alone"
    ):
        teach.teach(lens.folder, waiting, "gold", found)
    with pytest.raises(
        InputError, match="nothing waits or was accepted here as 'yelow'; did you mean 'yellow'"
    ):
        teach.accept(lens.folder, waiting, lens.accepted, "yelow")


def test_cards_that_were_edited_are_kept(run: Path, lens: Lens) -> None:
    path = lens.folder / "cards.toml"
    path.write_text(path.read_text().replace('title = { en = "Colours"', 'title = { en = "Mine"'))
    again = new.make(run, lens.folder, title="Other", languages=("fr",))
    assert again.cards.title["en"] == "Mine"


def test_what_is_no_lens_is_told(lens: Lens, tmp_path: Path, colours: Callable[..., Solution]) -> None:
    with pytest.raises(InputError, match="holds 0 Solutions; a lens holds exactly one"):
        open_lens(tmp_path / "none")
    heldout = (lens.folder / "heldout.npz").read_bytes()
    (lens.folder / "heldout.npz").write_bytes(heldout[:100])
    with pytest.raises(InputError, match=r"heldout\.npz is missing or damaged"):
        open_lens(lens.folder)
    (lens.folder / "heldout.npz").write_bytes(heldout)
    other = colours()
    networks = {"fp32": other.networks["int8"], "int8": other.networks["int8"]}
    colours(networks=networks).save(lens.folder / "colours.objectif")
    with pytest.raises(InputError, match="was built with another Solution"):
        open_lens(lens.folder)
    (lens.folder / "examples.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"examples\.npz is missing or damaged"):
        open_lens(lens.folder)


def test_photos_that_cannot_be_read_are_told(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        ask(lens, tmp_path / "a.jpg")


def test_it_needs_one_label_an_image(tmp_path: Path) -> None:
    paint(tmp_path / "only" / "a.jpg", COLOURS["red"])
    with pytest.raises(InputError, match="1 label; expected one of at least two labels"):
        new.problem(tmp_path)
    for number in range(3):
        paint(tmp_path / "other" / f"{number}.jpg", COLOURS["blue"], number)
    assert new.problem(tmp_path).metric == "balanced_accuracy"  # three to one
    assert new.problem(tmp_path, metric="accuracy").metric == "accuracy"


def test_examples_are_spread_evenly() -> None:
    from objectif.apps.lens.nearest import _evenly

    truth = np.array([0] * 1000 + [1] * 3)
    rows = _evenly(truth, 200)
    assert len(rows) == 203
    assert rows[0] == 0 and 999 in rows
