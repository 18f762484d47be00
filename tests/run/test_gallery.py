"""Galleries: who is enrolled is found again, who is not gets no name, and what cannot be is refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from objectif.answers import Identity
from objectif.cli import main
from objectif.errors import ImageError, InputError
from objectif.images.prepare import Preparation
from objectif.run.gallery import Entry, Gallery
from objectif.run.identify import limit, name, teach
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, write

TODAY = date(2026, 5, 1)
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def picture(colour: tuple[int, int, int], shade: int = 0, side: int = 8) -> np.ndarray:
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[...] = np.clip(np.array(colour) + shade, 0, 255)
    return pixels


def entry(title: str, *rows: list[float], **more: Any) -> Entry:
    names = tuple(f"{title}-{k}.png" for k in range(len(rows)))
    return Entry(title, np.array(rows, np.float32), names, names, **more)


def asked(*row: float, side: int | None = None) -> Identity:
    return Identity("x.png", None, None, None, (), "", np.array(row, np.float32), side, side)


@pytest.fixture
def predictor(hues: Callable[..., Solution]) -> Predictor:
    return Predictor(hues(), workers=1)


@pytest.fixture
def known(predictor: Predictor) -> Gallery:
    empty = Gallery.new(predictor.solution)
    return teach(empty, predictor, "red", [picture(RED), picture(RED, 5), picture(RED, 10)])


def test_a_few_pictures_teach_and_strangers_get_no_name(predictor: Predictor, known: Gallery) -> None:
    known = teach(known, predictor, "green", [picture(GREEN)])
    found = list(name(predictor, known, [picture(RED, 7), picture(GREEN, 3), picture(BLUE)]))
    assert [a.name for a in found if isinstance(a, Identity)] == ["red", "green", None]
    last = found[-1]
    assert isinstance(last, Identity)
    assert "not above the threshold" in last.reason
    assert [c.score for c in last.candidates] == sorted((c.score for c in last.candidates), reverse=True)
    json.dumps(last.as_dict(), allow_nan=False)


def test_a_negative_competes_and_is_not_named(predictor: Predictor, known: Gallery) -> None:
    known = teach(known, predictor, "poster", [picture((180, 90, 0))], negative=True)
    [found] = name(predictor, known, [picture((181, 90, 1))])
    assert isinstance(found, Identity)
    assert (found.name, found.candidates[0].negative) == (None, True)
    assert "not meant" in found.reason
    with pytest.raises(InputError, match="as a negative already"):
        teach(known, predictor, "poster", [picture((170, 90, 0))])


def test_what_is_saved_comes_back(known: Gallery, tmp_path: Path) -> None:
    full = known.enrolled(
        entry("Zoë", [0, 1, 0], consent="form", expires=date(2027, 1, 2), note="n", negative=True)
    )
    back = Gallery.load(full.save(tmp_path / "a.gallery"))
    assert (back.network, back.side, len(back)) == (full.network, full.side, 2)
    for one, other in zip(back.entries, full.entries, strict=True):
        assert np.array_equal(one.embeddings, other.embeddings)
        plain = np.zeros((0, 0), np.float32)
        assert replace(one, embeddings=plain).__repr__() == replace(other, embeddings=plain).__repr__()
    empty = known.without("red")
    assert len(Gallery.load(empty.save(tmp_path / "b.gallery"))) == 0


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.95])
def test_a_damaged_file_is_refused(known: Gallery, tmp_path: Path, cut: float) -> None:
    path = known.save(tmp_path / "a.gallery")
    content = path.read_bytes()
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(InputError, match="not a whole gallery"):
        Gallery.load(path)
    changed = content.replace(known.entries[0].embeddings.tobytes(), bytes(36))
    assert changed != content
    path.write_bytes(changed)
    with pytest.raises(InputError, match="not a whole gallery"):
        Gallery.load(path)
    with pytest.raises(InputError, match="no gallery at"):
        Gallery.load(tmp_path / "none.gallery")


def test_an_empty_gallery_names_nobody(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="the gallery is empty"):
        name(predictor, Gallery.new(predictor.solution), [picture(RED)])


def test_a_gallery_of_another_network_is_refused(hues: Callable[..., Solution], known: Gallery) -> None:
    plain = hues()
    for other in (
        hues(networks={"fp32": plain.networks["int8"]}, probes={}),
        hues(preparation=Preparation(8, 8, fit="crop")),
    ):
        with pytest.raises(InputError, match="made with another network"):
            name(Predictor(other), known, [picture(RED)])
        with pytest.raises(InputError, match="made with another network"):
            teach(known, Predictor(other), "green", [picture(GREEN)])


def test_a_solution_that_does_not_identify_has_no_gallery(colours: Callable[..., Solution]) -> None:
    with pytest.raises(InputError, match="needs one of 'identify'"):
        Gallery.new(colours())


def test_two_people_under_one_name_are_refused(predictor: Predictor, known: Gallery) -> None:
    with pytest.raises(InputError, match="two people under one name"):
        teach(known, predictor, "red", [picture(GREEN)])
    with pytest.raises(InputError, match="two people under one name"):
        teach(known, predictor, "mixed", [picture(GREEN), picture(BLUE)])
    forced = teach(known, predictor, "mixed", [picture(GREEN), picture(BLUE)], force=True)
    assert len(forced) == 2


def test_one_picture_under_two_names_is_refused(predictor: Predictor, known: Gallery) -> None:
    with pytest.raises(InputError, match="is enrolled already as 'red'"):
        teach(known, predictor, "rouge", [picture(RED)])


def test_the_same_picture_twice_is_kept_once(predictor: Predictor, known: Gallery) -> None:
    assert len(teach(known, predictor, "red", [picture(RED)]).entry("red").images) == 3


def test_pictures_smaller_than_the_network_sees(predictor: Predictor, known: Gallery) -> None:
    with pytest.raises(InputError, match="as the network sees no fewer"):
        teach(known, predictor, "green", [picture(GREEN, side=3)])
    [found] = name(predictor, known, [picture(RED, side=3)])
    assert isinstance(found, Identity)
    assert found.name is None
    assert "too small to name" in found.reason


def test_no_picture_and_no_image(predictor: Predictor, known: Gallery) -> None:
    with pytest.raises(InputError, match="at least one picture"):
        teach(known, predictor, "green", [])
    with pytest.raises(ImageError, match="image 0"):
        teach(known, predictor, "green", [b"no image"])


def test_embeddings_that_are_not_finite_are_refused(known: Gallery) -> None:
    with pytest.raises(InputError, match="is not finite"):
        known.enrolled(entry("bad", [np.nan, 0, 0]))
    with pytest.raises(InputError, match="different networks"):
        known.enrolled(entry("short", [1, 0]))


def test_who_has_expired_takes_no_part(known: Gallery) -> None:
    known = known.enrolled(entry("green", [0, 1, 0], expires=TODAY))
    assert known.identify(asked(0, 1, 0), 0.5, today=TODAY).name == "green"
    after = date(2026, 5, 2)
    assert known.identify(asked(0, 1, 0), 0.5, today=after).name is None
    assert known.expired(after) == ("green",)
    with pytest.raises(InputError, match="expired on 2026-05-01"):
        known.verify(asked(0, 1, 0), "green", 0.5, today=after)
    with pytest.raises(InputError, match="all 1 entries have expired"):
        known.without("red").identify(asked(0, 1, 0), 0.5, today=after)


def test_verify_asks_one_entry(known: Gallery) -> None:
    assert known.verify(asked(1, 0.05, 0.05), "red", 0.9).name == "red"
    assert known.verify(asked(0, 1, 0), "red", 0.9).name is None
    with pytest.raises(InputError, match="Did you mean 'red'"):
        known.verify(asked(1, 0, 0), "rad", 0.9)


@given(st.integers(1, 12), st.integers(1, 12))
def test_nearest_pictures_come_in_order(pictures: int, most: int) -> None:
    rng = np.random.default_rng(pictures)
    gallery = Gallery("n", 8)
    for k in range(pictures):
        gallery = gallery.enrolled(entry(f"e{k}", rng.normal(size=5).tolist()))
    query = rng.normal(size=5).astype(np.float32)
    found = gallery.nearest(query, most)
    assert len(found) == min(pictures, most)
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)


def test_a_larger_gallery_asks_for_more(predictor: Predictor, known: Gallery) -> None:
    values = [limit(predictor, known, entries=n).value for n in (1, 10, 100, 1000)]
    assert values == sorted(values)
    assert values[0] < values[-1]
    said = limit(predictor, known, 0.01, entries=10)
    assert said.value == 0.9
    assert said.low < 0.01 < said.high
    assert "gallery of 10" in said.words
    assert "too few strangers" in limit(predictor, known, 1e-5, entries=10).words
    with pytest.raises(InputError, match="above 0 and below 1"):
        limit(predictor, known, 1.5)


def test_a_solution_without_strangers_has_no_threshold(hues: Callable[..., Solution], known: Gallery) -> None:
    blind = Predictor(hues(decoding=type(hues().decoding)()))
    with pytest.raises(InputError, match="knows no threshold"):
        name(blind, known, [picture(RED)])
    assert next(name(blind, known, [picture(RED)], threshold=0.5)).name == "red"  # type: ignore[union-attr]


def test_the_shell_enrols_names_verifies_and_forgets(
    hues: Callable[..., Solution], tmp_path: Path, capfd: Any
) -> None:
    solution, gallery = str(write(tmp_path / "a.objectif", hues())), str(tmp_path / "a.gallery")
    for title, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        (tmp_path / "data" / title).mkdir(parents=True)
        for k in range(3):
            Image.fromarray(picture(colour, 4 * k)).save(tmp_path / "data" / title / f"{k}.png")
    reds, greens = str(tmp_path / "data" / "red"), str(tmp_path / "data" / "green")
    both = ["--solution", solution]
    assert main(["gallery", "new", gallery, *both]) == 0
    assert main(["gallery", "new", gallery, *both]) == 2
    assert main(["predict", solution, reds, "--gallery", gallery]) == 2
    assert "the gallery is empty" in capfd.readouterr().err
    assert main(["gallery", "enrol", gallery, reds, *both, "--expires", "2000-01-01", "--name", "old"]) == 0
    assert main(["gallery", "remove", gallery, "--name", "old"]) == 0
    assert main(["gallery", "enrol", gallery, reds, greens, *both, "--consent", "by letter"]) == 0
    capfd.readouterr()
    assert main(["gallery", "list", gallery]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(r["name"], r["images"], r["consent"]) for r in rows] == [
        ("red", 3, "by letter"),
        ("green", 3, "by letter"),
    ]
    assert main(["predict", solution, str(tmp_path / "data"), "--gallery", gallery, "--fpir", "0.01"]) == 0
    out, err = capfd.readouterr()
    named = {Path(r["path"]).parent.name: r["name"] for r in map(json.loads, out.splitlines())}
    assert named == {"red": "red", "green": "green", "blue": None}
    assert "gallery of 2" in err
    assert main(["gallery", "verify", gallery, reds, *both, "--name", "green"]) == 0
    assert [json.loads(r)["name"] for r in capfd.readouterr().out.splitlines()] == [None] * 3
    assert main(["gallery", "search", gallery, greens, *both, "--top", "2"]) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[0])["nearest"][0]["name"] == "green"
    for wrong, says in (
        (["verify", gallery, reds, *both, "--name", "nobody"], "nobody called 'nobody'"),
        (["verify", gallery, reds, *both], "--name is missing"),
        (["enrol", gallery, reds, "--name", "a"], "--solution is missing"),
        (["enrol", gallery, reds, *both, "--name", "a", "--expires", "soon"], "expected a day"),
    ):
        assert main(["gallery", *wrong]) == 2
        assert says in capfd.readouterr().err
