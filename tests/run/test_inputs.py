"""Inputs: names, folders, globs and lists, whatever characters are in them."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from objectif.run.inputs import Failure, find, lines

ODD = ["a b.jpg", "line\nbreak.jpg", "ümläut 图.png", "star*.jpg", "[1].jpg", "quote'\".jpg", "-.jpg"]


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    def touch(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return touch


def stream(content: bytes) -> int:
    """A file descriptor from which `content` is read."""
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return read


def short(found: list[str | Failure], base: Path) -> list[str]:
    """Relative names of what was found; failures show as !name."""
    return [
        os.path.relpath(item, base) if isinstance(item, str) else "!" + os.path.relpath(item.path, base)
        for item in found
    ]


def test_files_are_taken_as_they_are_named(files: Callable[..., Path]) -> None:
    base = files(*ODD, "no-suffix")
    names = [str(base / name) for name in [*ODD, "no-suffix", "a b.jpg"]]
    assert list(find(names)) == names


def test_a_folder_gives_its_images_sorted_and_nothing_else(files: Callable[..., Path]) -> None:
    base = files(
        "d/b.JPG", "d/a.png", "d/x.txt", "d/._a.jpg", "d/.cache/c.jpg", "d/sub/deep/e.webp", "d/A/f.jpg"
    )
    assert short(list(find([base / "d"])), base) == ["d/a.png", "d/b.JPG", "d/A/f.jpg", "d/sub/deep/e.webp"]


def test_a_name_that_exists_wins_over_its_reading_as_a_glob(files: Callable[..., Path]) -> None:
    base = files("[1].jpg", "1.jpg", "star*.jpg", "star2.jpg", "[d]/x.jpg", "d/y.jpg")
    assert short(list(find([f"{base}/[1].jpg", f"{base}/star*.jpg", f"{base}/[d]"])), base) == [
        "[1].jpg",
        "star*.jpg",
        "[d]/x.jpg",
    ]


def test_a_glob_gives_images_sorted(files: Callable[..., Path]) -> None:
    base = files("b.jpg", "a.jpg", "c.txt", "d/e.jpg")
    assert short(list(find([f"{base}/*.jpg", f"{base}/*"])), base) == ["a.jpg", "b.jpg", "a.jpg", "b.jpg"]
    assert short(list(find([f"{base}/**/*.jpg"])), base) == ["a.jpg", "b.jpg", "d/e.jpg"]
    assert short(list(find([f"{base}/d*"])), base) == ["d/e.jpg"]


def test_what_gives_nothing_fails_in_its_place(files: Callable[..., Path]) -> None:
    base = files("a.jpg", "empty/x.txt", "notes.txt")
    names = [base / n for n in ("missing.jpg", "a.jpg", "empty", "z*.jpg", "n*.txt")]
    found = list(find(names))
    assert short(found, base) == ["!missing.jpg", "a.jpg", "!empty", "!z*.jpg", "!n*.txt"]
    reasons = [item.reason for item in found if isinstance(item, Failure)]
    assert [r.split(";")[0] for r in reasons] == [
        "no such file or folder",
        "the folder holds no images",
        "no such file, and as a glob nothing matches",
        "no such file, and as a glob 1 files match, none of them with the name of an image",
    ]


def test_links_are_followed_once_and_a_dangling_one_is_shown(files: Callable[..., Path]) -> None:
    base = files("d/a.jpg", "other/b.jpg")
    (base / "d/loop").symlink_to(base / "d")
    (base / "d/side").symlink_to(base / "other")
    (base / "d/gone.jpg").symlink_to(base / "nowhere.jpg")
    assert short(list(find([base / "d"])), base) == ["d/a.jpg", "d/gone.jpg", "d/side/b.jpg"]


def test_a_pipe_with_the_name_of_an_image_is_not_waited_for(files: Callable[..., Path]) -> None:
    base = files("d/a.jpg")
    os.mkfifo(base / "d/b.jpg")
    assert short(list(find([base / "d"])), base) == ["d/a.jpg"]


def test_folders_may_nest_deeper_than_python_recurses(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"d" * 120)
    deep.mkdir(parents=True)
    (deep / "a.jpg").touch()
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(len(inspect.stack()) + 60)
        found = list(find([tmp_path]))
    finally:
        sys.setrecursionlimit(before)
    assert found == [str(deep / "a.jpg")]


def test_a_list_is_separated_by_newlines() -> None:
    assert list(lines(stream(b"a b.jpg\n\n  c.jpg\nlast"))) == ["a b.jpg", "  c.jpg", "last"]
    assert list(lines(stream(b"\xef\xbb\xbfa.jpg\r\nb.jpg\r\n"))) == ["a.jpg", "b.jpg"]
    assert list(lines(stream(b""))) == list(lines(stream(b"\n\n"))) == []


def test_a_list_is_separated_by_nul_where_it_holds_one() -> None:
    assert list(lines(stream(b"line\nbreak.jpg\0b.jpg\0"))) == ["line\nbreak.jpg", "b.jpg"]
    assert list(lines(stream("ü.jpg\0".encode() + b"\xff.jpg\0"))) == ["ü.jpg", "\udcff.jpg"]


def test_a_long_list_survives_its_pieces() -> None:
    names = [f"{'x' * 50}/{k}.jpg" for k in range(3000)]
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as target:
            target.write("\n".join(names).encode())

    writer = Thread(target=feed)
    writer.start()
    assert list(lines(read)) == names
    writer.join()


def test_lines_of_a_list_are_files_or_folders_and_never_globs(files: Callable[..., Path]) -> None:
    base = files("a.jpg", "d/b.jpg")
    content = f"{base}/a.jpg\n{base}/d\n{base}/*.jpg\n".encode()
    assert short(list(find(["-"], stdin=stream(content))), base) == ["a.jpg", "d/b.jpg", "!*.jpg"]
