"""The Solution file: all of it comes back, and whatever is wrong with a file ends in one SolutionError."""

from __future__ import annotations

import errno
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectif.errors import SolutionError
from objectif.images.prepare import Preparation
from objectif.solution import file
from objectif.solution.file import Solution, read, write
from objectif.solution.migrate import VERSION
from objectif.tasks.classify import Decoding

Make = Callable[..., Solution]


def same(one: Solution, other: Solution) -> bool:
    """Equal in all that matters for an answer, and in card and probes."""
    plain = ("task", "classes", "multilabel", "preparation", "decoding", "networks", "default", "card")
    plain += ("reference",)
    return all(getattr(one, name) == getattr(other, name) for name in plain) and (
        one.probes.keys() == other.probes.keys()
        and all(np.array_equal(one.probes[name], other.probes[name]) for name in one.probes)
    )


def repacked(source: Path, target: Path, change: Callable[[dict[str, bytes]], Any], **options: Any) -> Path:
    """The members of a Solution, changed, in a new zip."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def manifest_with(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["solution.json"] = json.dumps({**json.loads(members["solution.json"]), **changes}).encode()

    return change


@pytest.fixture
def path(colours: Make, tmp_path: Path) -> Path:
    return write(tmp_path / "colours.objectif", colours())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reference": (480, 640)},
        {"default": "int8", "decoding": Decoding(0.5, (0.2, 0.3, 0.9))},
        {"decoding": Decoding(costs=((0, 1, 1), (10, 0, 1), (1, 1, 0)))},
        {"multilabel": True, "classes": ("rosé ü", "line\nbreak", "\udcff not Unicode")},
        {"preparation": Preparation(8, 8, 3, "pad", ("clahe",)), "card": {"n": [1, None, {"x": "é"}]}},
    ],
)
def test_what_is_written_comes_back(colours: Make, tmp_path: Path, fields: dict[str, Any]) -> None:
    solution = colours(**fields)
    solution.save(tmp_path / "a.objectif")
    assert same(read(tmp_path / "a.objectif"), solution)


def test_equal_solutions_give_equal_bytes(colours: Make, tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, colours()).read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(SolutionError, match=r"Copy it again|Solution"):
            read(path)


def test_a_changed_byte_is_refused_or_changes_nothing(path: Path, colours: Make) -> None:
    whole, refused = path.read_bytes(), 0
    for place in np.random.default_rng(1).integers(0, len(whole), 300):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert same(read(path), colours())  # for example the date of a member
        except SolutionError:
            refused += 1
    assert refused > 240


def test_an_altered_network_does_not_match_its_sum(path: Path, tmp_path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["network.fp32.onnx"] += b"\0"

    with pytest.raises(SolutionError, match=r"network\.fp32\.onnx does not match its sum"):
        read(repacked(path, tmp_path / "b", change))


def test_a_newer_version_asks_for_an_upgrade(path: Path, tmp_path: Path) -> None:
    newer = repacked(path, tmp_path / "b", manifest_with(version=VERSION + 1, anything_new=True))
    with pytest.raises(SolutionError, match=rf"format version {VERSION + 1}.*1 to {VERSION}.*pip install -U"):
        read(newer)


def test_a_file_of_the_first_version_is_read(path: Path, tmp_path: Path, colours: Make) -> None:
    def older(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["solution.json"])
        del manifest["reference"]
        members["solution.json"] = json.dumps({**manifest, "version": 1}).encode()

    found = read(repacked(path, tmp_path / "b", older))
    assert same(found, colours())
    assert found.reference is None


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:evil", "\\\\host\\evil"]
)
def test_a_member_that_climbs_out_is_refused(path: Path, tmp_path: Path, name: str) -> None:
    bad = repacked(path, tmp_path / "b", lambda members: members.update({name: b"x"}))
    with pytest.raises(SolutionError, match="climbs out"):
        read(bad)


def test_members_that_the_manifest_does_not_list_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(SolutionError, match="not those that its manifest lists"):
        read(repacked(path, tmp_path / "b", lambda members: members.update({"readme.txt": b"x"})))
    with pytest.raises(SolutionError, match="not those that its manifest lists"):
        read(repacked(path, tmp_path / "c", lambda members: members.pop("card.json")))


def test_a_decompression_bomb_is_refused_unread(path: Path, tmp_path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["probes.npz"] = b"\0" * 50_000_000

    bomb = repacked(path, tmp_path / "b", change, compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(SolutionError, match="compressed; expected stored"):
        read(bomb)


def test_probes_that_hold_code_or_lie_about_their_size_are_refused(path: Path, tmp_path: Path) -> None:
    import hashlib

    def npz(array: Any) -> bytes:
        stream = io.BytesIO()
        np.savez(stream, inputs=array)
        return stream.getvalue()

    honest = npz(np.zeros((2, 2), np.float32))
    lying = honest.replace(b"(2, 2), ", b"(2,9**9)")
    for content in (npz(np.array([print], object)), lying, b"no archive"):

        def change(members: dict[str, bytes], content: bytes = content) -> None:
            members["probes.npz"] = content
            sums = json.loads(members["solution.json"])["sums"]
            manifest_with(sums={**sums, "probes.npz": hashlib.sha256(content).hexdigest()})(members)

        with pytest.raises(SolutionError, match="probes"):
            read(repacked(path, tmp_path / "b", change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "divine"}, "task is 'divine'"),
        ({"task": 7}, "task is '7'"),
        ({"classes": []}, "expected different names"),
        ({"classes": ["a"], "decoding": {}}, "two or more"),
        ({"reference": [480]}, r"reference is \(480,\)"),
        ({"reference": [480, 0]}, "reference is"),
        ({"reference": [480.5, 640]}, "reference is"),
        ({"reference": 480}, "wrong or missing value"),
        ({"classes": ["a", "a", "b"]}, "different names"),
        ({"default": "int4"}, "default precision"),
        ({"precisions": ["int8"]}, "expected 'fp32'"),
        ({"precisions": ["fp64"]}, "wrong or missing value"),
        ({"decoding": {"temperature": 0}}, "temperature is 0"),
        ({"decoding": {"temperature": "hot"}}, "not a number"),
        ({"decoding": {"thresholds": [0.5]}}, "1 thresholds; expected 3"),
        ({"preparation": {"height": 8}}, "width"),
        ({"preparation": None}, "wrong or missing value"),
        ({"surprise": 1}, "keys differ"),
        ({"version": "one"}, "version 'one'"),
        ({"sums": []}, "manifest lists"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    path: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SolutionError, match=message):
        read(repacked(path, tmp_path / "b", manifest_with(**changes)))


def test_what_is_no_solution_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    for name, message in {
        "missing": "no Solution at",
        "text": "not a whole Solution",
        "zip": "no solution.json",
        ".": "cannot read",
    }.items():
        with pytest.raises(SolutionError, match=message):
            read(tmp_path / name)


def test_a_full_disk_keeps_what_was_there(path: Path, colours: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file.os, "fsync", full)
    with pytest.raises(SolutionError, match=r"No space left.*Nothing was changed"):
        write(path, colours(default="int8"))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_that_cannot_be_written_is_said(colours: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(SolutionError, match=r"cannot write.*choose another place"):
            write(folder / "a.objectif", colours())


def test_a_card_that_is_not_json_is_refused_before_anything_is_written(colours: Make, tmp_path: Path) -> None:
    for card in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(SolutionError, match="card"):
            write(tmp_path / "a.objectif", colours(card=card))
    assert os.listdir(tmp_path) == []
