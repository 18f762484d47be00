"""The page: one file that needs nothing else, gives nothing away, and cannot be broken by a name."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.health.inspect import inspect
from objectif.health.page import page
from objectif.health.thumbs import data_uri

from .conftest import in_memory, scene, write

VOID = {"meta", "img", "br"}


class Balance(HTMLParser):
    """Notes tags that are not closed in order, and all attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def checked(html: str) -> Balance:
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert parser.wrong == []
    return parser


def test_the_page_is_whole_and_needs_nothing_else(clean: Dataset) -> None:
    html = page(inspect(clean), clean)
    parser = checked(html)
    assert not re.search(r"https?://|<script|<link|@import|url\(", html)
    sources = [value for name, value in parser.attributes if name == "src"]
    assert sources
    assert all(value.startswith("data:image/jpeg;base64,") for value in sources)
    assert not [name for name, _ in parser.attributes if name.startswith("on") or name == "href"]
    assert "No worries" in html
    assert "prefers-color-scheme:dark" in html


def test_names_cannot_become_code(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>&\"'"
    for name in (evil, "b`c`"):
        for i in range(20):
            write(tmp_path / name / f"{evil}\n{i}.png", scene(i + 50 * (name == evil), int(name == evil)))
    (tmp_path / evil / "twin.png").write_bytes((tmp_path / "b`c`" / f"{evil}\n0.png").read_bytes())
    dataset = load(tmp_path)
    health = inspect(dataset)
    assert health.worries  # the twins, whose names are shown
    parser = checked(page(health, dataset))
    assert not [name for name, _ in parser.attributes if name.startswith("on")]


def test_where_a_photo_was_taken_does_not_come_along(tmp_path: Path) -> None:
    picture = Image.fromarray(scene(0, side=200))
    exif = Image.Exif()
    exif[271] = "SecretCamera"
    exif.get_ifd(34853)[1] = "N"
    path = tmp_path / "a" / "0.jpg"
    path.parent.mkdir()
    picture.save(path, exif=exif)
    assert b"SecretCamera" in path.read_bytes()
    write(tmp_path / "b" / "0.jpg", scene(1))
    uri = data_uri(load(tmp_path), 0)
    assert uri is not None
    data = base64.b64decode(uri.split(",")[1])
    assert b"Exif" not in data
    assert b"SecretCamera" not in data


def test_thumbnails_keep_their_shape_and_are_not_enlarged() -> None:
    wide = np.zeros((100, 400, 3), np.uint8)
    tiny = np.zeros((20, 28, 3), np.uint8)
    for picture, shape in ((wide, (36, 144, 3)), (tiny, (20, 28, 3))):
        uri = data_uri(in_memory([picture], [0]), 0)
        assert uri is not None
        code = np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8)
        decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
        assert decoded is not None
        assert decoded.shape == shape


def test_a_picture_that_is_gone_by_now_is_said(tmp_path: Path) -> None:
    for i in range(20):
        write(tmp_path / "a" / f"{i}.jpg", scene(i))
        write(tmp_path / "b" / f"{i}.jpg", scene(100 + i, 1))
    (tmp_path / "b" / "twin.jpg").write_bytes((tmp_path / "a" / "0.jpg").read_bytes())
    dataset = load(tmp_path)
    health = inspect(dataset)
    (tmp_path / "b" / "twin.jpg").unlink()
    html = page(health, dataset)
    checked(html)
    assert "cannot be shown" in html
