"""The leaderboard as one SVG file: well-formed, inside its frame, nothing from outside."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

from objectif.report.picture import WIDTH, picture
from objectif.runs.folder import RunFolder
from objectif.runs.result import Result, Standing

SVG = "{http://www.w3.org/2000/svg}"


def test_a_full_run(fake_run: Callable[..., RunFolder]) -> None:
    result = fake_run().result()
    root = ET.fromstring(picture(result))
    words = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert any("0.876" in w for w in words)
    assert words.count("winner") == 1
    assert any("91 more candidates not shown" in w for w in words)
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", 0)) + float(box.get("width", 0)) <= WIDTH
    assert not [e for e in root.iter() if "href" in "".join(e.keys())]


def test_hostile_names_and_a_winner_far_down() -> None:
    lines = [
        Standing(f"a{k}", "<b>&", "m\x00\x1b" + "x" * 200, "]]>", status="beaten", estimate=0.9 - k / 100)
        for k in range(30)
    ]
    lines[25] = replace(lines[25], status="winner")
    root = ET.fromstring(picture(Result("a25", "accuracy", tuple(lines))))
    words = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert "winner" in words
    assert max(map(len, words)) < 110


def test_nothing_compared_is_still_a_picture() -> None:
    assert ET.fromstring(picture(Result(None, "accuracy", (Standing("x", status="failed"),)))) is not None
