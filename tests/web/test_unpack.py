"""Zips that somebody dropped: what is sound is unpacked, what leads outside or grows without end is refused whole."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectif.errors import DataError
from objectif.web.settings import Settings
from objectif.web.unpack import unpack

from .conftest import Client
from .test_predict import photo


def packed(members: dict[str, bytes], mode: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def unpacked(content: bytes, tmp_path: Path, most: int = 10**7) -> Path:
    (tmp_path / "a.zip").write_bytes(content)
    return unpack(tmp_path / "a.zip", tmp_path / "out" / "a", most)


def test_the_folder_inside_is_the_data(tmp_path: Path) -> None:
    found = unpacked(
        packed({"flowers/rose/1.jpg": b"x", "flowers/tulip/2.jpg": b"y", "__MACOSX/rose/._1.jpg": b""}),
        tmp_path,
    )
    assert found == tmp_path / "out" / "a" / "flowers"
    assert sorted(p.name for p in found.rglob("*.jpg")) == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed({"../out.jpg": b"x"}), "leads out of its folder"),
        (packed({"a/../../out.jpg": b"x"}), "leads out of its folder"),
        (packed({"/etc/out.jpg": b"x"}), "leads out of its folder"),
        (packed({"..\\out.jpg": b"x"}), "leads out of its folder"),
        (packed({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777), "is a link or a device"),
        (packed({"zeros": bytes(2 * 10**7)}), "unpacks to more than"),
        (packed({"a": b"x"})[:-30], "is no zip that can be read"),
        (b"", "is no zip that can be read"),
    ],
)
def test_what_is_not_sound_is_refused_and_leaves_nothing(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        unpacked(content, tmp_path)
    assert not list((tmp_path / "out").iterdir())


def test_a_header_that_lies_about_its_size_is_found_out(tmp_path: Path) -> None:
    content = bytearray(packed({"zeros": bytes(2 * 10**7)}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (5).to_bytes(4, "little")
    with pytest.raises(DataError):
        unpacked(bytes(content), tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5, unique=True))
def test_nothing_ever_lands_outside(tmp_path: Path, names: list[str]) -> None:
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    try:
        content = packed(dict.fromkeys(names, b"x"))
    except (ValueError, UnicodeEncodeError):
        return
    with suppress(DataError):
        unpacked(content, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} <= {"a.zip", "out"}
    assert {p.name for p in (tmp_path / "out").iterdir()} <= {"a"}


def test_a_zip_sent_to_the_server_becomes_data(client: Client, room: Settings) -> None:
    content = packed({f"set/{c}/{k}.jpg": photo() for c in ("<b>rose", "tulip") for k in range(3)})
    told = client(
        "POST",
        "/api/v1/data/zip?name=..%2fset.zip",
        content=content,
        headers={"content-type": "application/zip"},
    )
    assert told.status_code == 201
    assert told.json()["classes"] == {"<b>rose": 3, "tulip": 3}
    key = told.json()["key"]
    page = client("GET", f"/api/v1/data/{key}/samples", params={"label": "tulip", "limit": 2}).json()
    assert (page["total"], [s["number"] for s in page["samples"]]) == (3, [3, 4])
    assert (
        client("GET", f"/api/v1/data/{key}/samples/4/thumbnail?side=64").headers["content-type"]
        == "image/jpeg"
    )
    assert client("GET", f"/api/v1/data/{key}/samples/6/thumbnail").status_code == 404
    assert not list(room.shelf.glob(".received*"))
    refused = client("POST", "/api/v1/data/zip", content=b"x", headers={"content-type": "application/zip"})
    assert (refused.status_code, "is no zip" in refused.json()["detail"]) == (422, True)


def test_data_in_a_root_are_named_by_their_path(client: Client, room: Settings) -> None:
    for name in ("a/1.jpg", "b/1.jpg"):
        place = room.roots[0] / "set" / name
        place.parent.mkdir(parents=True)
        place.write_bytes(photo())
    told = client("POST", "/api/v1/data", json={"path": "set"}).json()
    assert (told["images"], told["layout"]) == (2, "folders")
    assert client("GET", f"/api/v1/data/{told['key']}").json() == told
    assert client("POST", "/api/v1/data", json={"path": "set/a/1.jpg"}).status_code == 422
    assert client("GET", "/api/v1/data/..").status_code == 404
