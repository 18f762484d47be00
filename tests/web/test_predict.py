"""Predict over REST: pictures sent and named, together, and those that must be refused."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from objectif.run.predictor import load
from objectif.web.settings import Settings

from .conftest import ODD, Client, serving


def photo(
    colour: tuple[int, int, int] = (10, 240, 10), size: tuple[int, int] = (60, 40), kind: str = "JPEG"
) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


def sent(client: Client, content: bytes, name: str = "a.jpg", solution: str = "colours") -> Any:
    return client("POST", "/api/v1/predict", files={"image": (name, content)}, data={"solution": solution})


def test_a_picture_that_is_sent_is_answered_as_on_the_command_line(
    client: Client, room: Settings, tmp_path: Path
) -> None:
    content = photo()
    told = sent(client, content).json()
    (tmp_path / "a.jpg").write_bytes(content)
    (expected,) = load(room.shelf / "solutions" / "colours.objectif").predict([tmp_path / "a.jpg"])
    assert told["answer"] == {**expected.as_dict(), "path": "a.jpg"}
    assert (told["solution"], told["task"], told["size"]) == ("colours", "classify", [40, 60])


def test_a_picture_in_a_root_is_answered_by_its_path(client: Client) -> None:
    for path in ("red.png", f"{ODD}.jpg"):
        told = client("POST", "/api/v1/predict", json={"solution": "letters", "path": path}).json()
        assert told["answer"]["label"] == ("r" if path == "red.png" else "b")
        assert told["answer"]["path"] == path


def test_a_photo_turned_by_exif_is_upright(client: Client) -> None:
    image, stream, exif = Image.new("RGB", (60, 40)), io.BytesIO(), Image.Exif()
    exif[274] = 6
    image.save(stream, "JPEG", exif=exif)
    assert sent(client, stream.getvalue()).json()["size"] == [60, 40]


def test_requests_that_come_together_are_all_answered_each_its_own(client: Client) -> None:
    colours = [
        tuple(int(v) for v in row) for row in np.random.default_rng(0).permuted([[240, 9, 30]] * 60, axis=1)
    ]
    contents = [photo(c) for c in colours]  # type: ignore[arg-type]

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(
                client.ask(
                    "POST",
                    "/api/v1/predict",
                    files={"image": (f"{k}.jpg", content)},
                    data={"solution": "colours"},
                )
                for k, content in enumerate(contents)
            )
        )

    answers = [reply.json()["answer"] for reply in client.runner.run(all_at_once())]
    assert [a["path"] for a in answers] == [f"{k}.jpg" for k in range(60)]
    assert [a["label"] for a in answers] == [("red", "green", "blue")[int(np.argmax(c))] for c in colours]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.jpg: the file is empty (0 bytes); expected an image"),
        (b"%PDF-1.4", "a.jpg: no image that can be read"),
        (photo(size=(600, 400))[:3000], "a.jpg: the picture is truncated or corrupt"),
    ],
    ids=["empty", "pdf", "cut"],
)
def test_what_is_no_image_is_refused_in_words(client: Client, content: bytes, message: str) -> None:
    reply = sent(client, content)
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert message in reply.json()["detail"]
    assert sent(client, photo()).status_code == 200  # and the next one is answered


def test_a_small_file_of_too_many_pixels_is_refused(client: Client) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 12_000, 9_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10**6)))
        + chunk(b"IEND", b"")
    )
    reply = sent(client, bomb, "bomb.png")
    assert (reply.status_code, "at most 64 megapixels" in reply.json()["detail"]) == (422, True)


def test_a_body_of_too_many_bytes_is_refused_said_or_not(room: Settings) -> None:
    small = Settings(room.roots, room.shelf, upload_bytes=5 << 20)
    with serving(small) as client:
        reply = sent(client, bytes(7 << 20))
        assert (reply.status_code, reply.json()["title"]) == (413, "Content Too Large")

        async def drip() -> Any:
            async def pieces() -> Any:
                for _ in range(8):
                    yield bytes(1 << 20)

            return await client.ask(
                "POST", "/api/v1/predict", content=pieces(), headers={"content-type": "application/json"}
            )

        assert client.runner.run(drip()).status_code == 413


def test_more_predictions_than_the_rate_are_put_off(room: Settings) -> None:
    with serving(Settings(room.roots, room.shelf, rate=2.0)) as client:
        replies = [sent(client, photo()) for _ in range(6)]
        assert [r.status_code for r in replies[:4]] == [200] * 4
        assert replies[-1].status_code == 429 and replies[-1].headers["retry-after"] == "1"
        assert client("GET", "/api/v1/health").status_code == 200


@pytest.mark.parametrize(
    "path", ["../secret.png", "/etc/passwd", "link.png", "link/secret.png", "none.png", "a\0b", "~"]
)
def test_paths_outside_the_roots_are_refused_all_alike(
    client: Client, room: Settings, tmp_path: Path, path: str
) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    (room.roots[0] / "link.png").symlink_to(tmp_path / "secret.png")
    (room.roots[0] / "link").symlink_to(tmp_path)
    for reply in (
        client("POST", "/api/v1/predict", json={"solution": "colours", "path": path}),
        client("GET", "/api/v1/thumbnail", params={"path": path}),
        client("POST", "/api/v1/runs", json={"data": path}),
    ):
        assert reply.status_code == 422
        assert "is not in a folder that this server may read" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"{", "application/json", 422, "the body is not JSON"),
        (b"[]", "application/json", 422, "expected an object with solution and path"),
        (json.dumps({"solution": "colours"}).encode(), "application/json", 422, "path: Field required"),
        (json.dumps({"solution": "nobody", "path": "red.png"}).encode(), "application/json", 404,
         "no Solution is called 'nobody'; there are colours, letters"),
        (b"x", "text/plain", 415, "Content-Type is text/plain; expected multipart/form-data"),
        (b"x", "multipart/form-data", 422, "the form cannot be read"),
        (b"--b\r\nContent-Disposition: form-data; name=\"solution\"\r\n\r\ncolours\r\n--b--\r\n",
         "multipart/form-data; boundary=b", 422, "the form has no file `image`"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_understood_is_told_why(
    client: Client, body: bytes, kind: str, status: int, message: str
) -> None:
    reply = client("POST", "/api/v1/predict", content=body, headers={"content-type": kind})
    assert reply.status_code == status
    assert message in reply.json()["detail"]


def test_a_decoder_that_dies_costs_one_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child cannot have enough memory here, so it dies or refuses; afterwards it has."""
    from objectif.web import decoders

    assert sent(client, photo()).status_code == 200
    monkeypatch.setattr(decoders.Decoders, "_answer", _cut)
    reply = sent(client, photo())
    assert (reply.status_code, "the process that decodes it died" in reply.json()["detail"]) == (422, True)
    monkeypatch.undo()
    assert sent(client, photo()).status_code == 200


async def _cut(*_: Any) -> Any:
    raise asyncio.IncompleteReadError(b"", 12)
