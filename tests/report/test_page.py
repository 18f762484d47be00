"""report.html: one file, nothing escapes, nothing leaks, bounded, and whole whatever is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectif.errors import RunError
from objectif.report.page import SECTIONS, write
from objectif.runs.folder import RunFolder
from objectif.runs.result import Standing

from .reading import Page

Make = Callable[..., RunFolder]


def page(folder: RunFolder) -> Page:
    return Page(write(folder).read_text("utf-8"))


def test_a_full_run_has_every_section_and_closes_every_element(fake_run: Make) -> None:
    found = page(fake_run())
    assert found.sections() == {key for key, _, _ in SECTIONS} - {"details", "cases", "why"}
    links = {a["href"][1:] for t, a in found.tags if t == "a"}
    assert links == found.sections()
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_hostile_names_are_text(fake_run: Make) -> None:
    found = page(fake_run())
    assert not [a for _, a in found.tags if any(k.startswith("on") for k in a)]
    assert all(a["src"].startswith("data:image/") for t, a in found.tags if t == "img")
    assert '<img src=x onerror="alert(1)">' in found.text
    assert "向日葵" in found.text


def test_nothing_is_fetched_from_anywhere(fake_run: Make) -> None:
    text = write(fake_run()).read_text("utf-8")
    found = Page(text)
    assert not {t for t, _ in found.tags} & {"link", "iframe", "object", "embed", "base", "form"}
    assert all("src" not in a for t, a in found.tags if t == "script")
    assert "url(" not in text
    assert "@import" not in text
    policy = next(a["content"] for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")


def test_the_policy_names_the_script_that_is_there(fake_run: Make) -> None:
    import base64
    import hashlib

    text = write(fake_run()).read_text("utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in text


def test_pictures_carry_no_metadata_and_the_page_is_bounded(fake_run: Make) -> None:
    import base64
    import io

    from PIL import Image

    folder = fake_run()
    source = next((folder.path.parent / "photos").rglob("*.jpg"))
    assert b"SECRETCAM" in source.read_bytes()  # the test would prove nothing otherwise
    path = write(folder)
    pictures = [a["src"] for t, a in page(folder).tags if t == "img"]
    assert 10 <= len(pictures) <= 24
    for picture in pictures:
        content = base64.b64decode(picture.split(",", 1)[1])
        image = Image.open(io.BytesIO(content))
        assert max(image.size) <= 160
        assert not image.getexif()
        assert b"SECRETCAM" not in content
    assert path.stat().st_size < 600_000


def test_every_status_is_said_in_words(fake_run: Make) -> None:
    text = page(fake_run()).text
    for words in ("winner", "tied", "beaten", "dropped at rung 1 (not compared)", "failed", "over limit"):
        assert words in text
    assert "out of memory: 2,150 MB" in text
    assert "limit is 30 ms" in text


def test_a_dropped_candidate_shows_no_figure(fake_run: Make) -> None:
    lines = (
        Standing("w", status="winner", estimate=0.8, low=0.7, high=0.9, diff=0.0),
        Standing("late", status="dropped", rung=1, estimate=0.987, low=0.98, high=0.99),
    )
    assert "0.987" not in write(fake_run(winner="w", leaderboard=lines)).read_text()


@pytest.mark.parametrize("kind", ["network", "procedure"])
def test_it_says_what_the_estimate_is_of(fake_run: Make, kind: str) -> None:
    text = page(fake_run(estimate_of=kind)).text
    assert ("took no part" in text) == (kind == "network")
    assert ("about the procedure" in text) == (kind == "procedure")


def test_a_winner_that_does_not_beat_the_baseline_is_not_recommended(fake_run: Make) -> None:
    text = page(fake_run(beats_baseline=False)).text
    assert "Do not use it" in text
    assert "For these images, use" not in text
    assert "objectif predict" not in text
    assert "objectif inspect" in text


def test_infeasible_shows_the_nearest_statement(fake_run: Make) -> None:
    said = "No candidate keeps latency_ms = 5. The nearest feasible statement: latency_ms = 7."
    assert said in page(fake_run(feasible=False, sentences=(said,))).text


def test_without_an_interval_it_says_why(fake_run: Make) -> None:
    text = page(fake_run(low=None, high=None, beats_baseline=False)).text
    assert "too few groups" in text


def test_commands_are_verbs_of_ours(fake_run: Make) -> None:
    from objectif.cli import VERBS

    folder = fake_run("run with ' spaces")
    verbs = re.findall(r"<pre>objectif (\w+)", write(folder).read_text("utf-8"))
    assert len(verbs) >= 4
    assert set(verbs) <= set(VERBS)
    import shlex

    found = page(folder)
    assert f"objectif check {shlex.quote(str(folder.path / 'photos.objectif'))}" in "".join(found.words)


@pytest.mark.parametrize("missing", ["answers.npz", "health.json", "photos.objectif", "photos"])
def test_what_is_missing_is_left_out(fake_run: Make, tmp_path: Path, missing: str) -> None:
    folder = fake_run()
    if missing == "photos":
        (tmp_path / "photos").rename(tmp_path / "elsewhere")
    else:
        folder.file(missing).unlink()
    found = page(folder)
    assert {"answer", "leaderboard", "reproduce"} <= found.sections()
    assert not [t for t, _ in found.tags if t == "img"] or missing in ("health.json", "photos.objectif")


def test_no_winner_no_tables_nothing_compared(fake_run: Make) -> None:
    lines = (Standing("a", status="failed", reason="out of memory"), Standing("b", status="dropped", rung=1))
    nothing: dict[str, Any] = {"estimate": None, "low": None, "high": None, "naive": None, "tables": {}}
    folder = fake_run(winner=None, leaderboard=lines, feasible=False, beats_baseline=False, **nothing)
    folder.file("answers.npz").unlink()
    found = page(folder)
    assert "No candidate could be compared" in found.text
    assert "out of memory" in found.text


def test_one_candidate_is_enough(fake_run: Make) -> None:
    line = Standing("only", status="winner", estimate=0.8)
    assert "only" in page(fake_run(winner="only", leaderboard=(line,), tables={}, low=None, high=None)).text


def test_lower_is_better_is_said_and_sorted(fake_run: Make) -> None:
    text = page(fake_run(metric="log_loss", metric_title="log loss", higher_is_better=False)).text
    assert "lower is better" in text.lower()


def test_a_picture_outside_the_data_is_not_read(fake_run: Make, tmp_path: Path) -> None:
    folder = fake_run()
    inside = next((tmp_path / "photos").rglob("*.jpg"))
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(inside.read_bytes())
    answers = folder.read_arrays("answers.npz")
    for path in ("../secret.jpg", str(secret)):
        answers["paths"] = np.array([path] * len(answers["truth"]))
        folder.write_arrays("answers.npz", answers)
        found = page(folder)
        assert not [t for t, _ in found.tags if t == "img"]
        assert "leads out of the data" in found.text


def test_many_classes_long_names_many_candidates_stay_bounded(fake_run: Make) -> None:
    rng = np.random.default_rng(0)
    n, c = 600, 90
    truth = rng.integers(0, c, n)
    scores = rng.random((n, c)).astype(np.float32)
    base = Standing("", "frozen", status="beaten", low=0.1, high=0.9, diff=-0.1, reason="r" * 500)
    lines = tuple(
        replace(base, id=f"{k}" + "x" * 300, model="m" * 300 + str(k % 90), loss=f"l{k // 90}" + "y" * 300,
                estimate=float(rng.random()), latency_ms=1.0 + k)
        for k in range(900)
    )  # fmt: skip
    folder = fake_run(
        leaderboard=lines, winner=lines[0].id, classes=tuple("z" * 200 + str(k) for k in range(c))
    )
    paths = np.array([f"{k}.jpg" for k in range(n)])
    folder.write_arrays(
        "answers.npz", {"paths": paths, "truth": truth, "scores": scores, "kind": np.array("test")}
    )
    path = write(folder)
    assert path.stat().st_size < 2_500_000
    assert "500 more candidates in leaderboard.csv" in page(folder).text


def test_multi_label(fake_run: Make) -> None:
    folder = fake_run()
    truth = np.zeros((50, 6), np.int64)
    truth[:20, 0] = 1  # classes 1 to 5 have no positive: no recall, no division by zero
    scores = np.full((50, 6), 0.1, np.float32)
    scores[5:25, 0] = 0.9
    paths = np.array([f"{k}.jpg" for k in range(50)])
    folder.write_arrays(
        "answers.npz", {"paths": paths, "truth": truth, "scores": scores, "kind": np.array("test")}
    )
    found = page(folder)
    assert "0.750" in found.text  # 15 of 20 found
    assert "missed" in found.text
    assert "is not there" in found.text


def test_answers_that_do_not_fit_together_are_an_error(fake_run: Make) -> None:
    folder = fake_run()
    answers = folder.read_arrays("answers.npz")
    folder.write_arrays("answers.npz", {**answers, "truth": answers["truth"][:-1]})
    with pytest.raises(RunError, match=r"answers\.npz"):
        write(folder)


@pytest.mark.parametrize(
    "health",
    [
        {
            "worries": [
                {"kind": "leakage", "sentence": "Twelve twice.", "remedy": "Remove.", "images": [["a", "b"]]}
            ]
        },
        {"worries": ["Twelve twice."]},
        {"worries": [{"title": "Twelve twice."}, {"odd": 1}, 3, None]},
        ["Twelve twice."],
    ],
)
def test_worries_in_any_shape(fake_run: Make, health: object) -> None:
    folder = fake_run()
    folder.write_json("health.json", health)
    assert "Twelve twice." in page(folder).text


@pytest.mark.parametrize("health", [{}, {"worries": None}, "words", 3, {"worries": {"a": 1}, "notes": 7}])
def test_a_strange_health_file_breaks_nothing(fake_run: Make, health: object) -> None:
    folder = fake_run()
    folder.write_json("health.json", health)
    assert "data" in page(folder).sections()


def test_writing_it_again_gives_the_same_page(fake_run: Make) -> None:
    folder = fake_run()
    assert write(folder).read_bytes() == write(folder).read_bytes()


def test_all_right_is_said(fake_run: Make) -> None:
    folder = fake_run()
    answers = folder.read_arrays("answers.npz")
    answers["truth"] = answers["scores"].argmax(1)
    folder.write_arrays("answers.npz", answers)
    found = page(folder)
    assert "No errors." in found.text
    assert "pictures" not in found.sections()


def test_claims_and_what_was_left_out(fake_run: Make) -> None:
    folder = fake_run()
    result = folder.result()
    silent = {
        k: [{**row, "better_than": [], "claim": ""} for row in rows] for k, rows in result.tables.items()
    }
    assert "beats poly1 by 0.060" in page(folder).text
    folder.write_result(replace(result, tables=silent))
    text = page(folder).text
    assert "No loss is clearly better than another here." in text
    assert "left out: vit" in text
