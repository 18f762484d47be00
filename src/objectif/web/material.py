"""Data that somebody named or dropped: what is known of them, by a key that stays the same; `inspect` as a child.

Reading a layout costs a moment and is kept in memory; looking at every picture costs minutes and is a child process, as
all work is that may take long or use torch. What it finds lies in the server's folder, so that it is looked at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.errors import DataError, InputError
from objectif.problem import Problem, read
from objectif.problem import write as write_problem
from objectif.runs.storage import write_whole
from objectif.web.paths import key_of
from objectif.web.problems import Missing

_KEPT = 4  # Datasets in memory
PAGE, RECORD, STATEMENT = "inspect.html", "inspect.json", "problem.toml"
Look = Literal["none", "running", "done", "failed"]


@dataclass(frozen=True)
class Material:
    """Data that the server knows. key: their name in URLs. path: where they are. folder: what the server keeps of them."""

    key: str
    path: Path
    folder: Path


class Materials:
    """All data that the server knows. Safe to use from several threads; `look` belongs to the event loop."""

    def __init__(self, folder: Path, roots: tuple[Path, ...]) -> None:
        self.folder, self.roots = folder / "looks", roots
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._read: OrderedDict[str, Dataset] = OrderedDict()
        self._looking: dict[str, Process] = {}
        self._failed: dict[str, str] = {}

    def add(self, path: Path) -> Material:
        """Know the data at `path` (resolved, allowed); DataError where no layout fits or files lie outside of the roots."""
        found = Material(key_of(path), path, self.folder / key_of(path))
        within(self._load(found), self.roots)
        write_whole(found.folder / "data.json", json.dumps({"path": str(path)}).encode())
        return found

    def all(self) -> list[Material]:
        """The data known, the last one named first."""
        notes = sorted(self.folder.glob("*/data.json"), key=lambda p: -p.stat().st_mtime)
        return [found for note in notes if (found := self._of(note)) is not None]

    def one(self, key: str) -> Material:
        """The data of that key; Missing where there are none."""
        note = self.folder / key / "data.json"
        found = self._of(note) if key == note.parent.name else None
        if found is None:
            raise Missing(f"no data are called {key!r}; name a folder on the page Data.")
        return found

    def dataset(self, material: Material) -> Dataset:
        """The data as they were read last."""
        with self._lock:
            if material.key in self._read:
                self._read.move_to_end(material.key)
                return self._read[material.key]
        return self._load(material)

    def statement(self, material: Material) -> Path:
        """The problem.toml of these data, written with every choice spelled out where there is none yet."""
        place = material.folder / STATEMENT
        if not place.exists():
            dataset = self.dataset(material)
            write_problem(Problem(material.path, format=dataset.layout).settled(dataset), place, dataset)
        return place

    def looked(self, material: Material) -> tuple[Look, str]:
        """How far `inspect` has got, and why it failed."""
        child = self._looking.get(material.key)
        if child is not None and child.returncode is None:
            return "running", ""
        if (material.folder / PAGE).is_file():
            return "done", ""
        return ("failed", self._failed[material.key]) if material.key in self._failed else ("none", "")

    async def look(self, material: Material) -> None:
        """Run `objectif inspect` on the data, once at a time; returns when it has ended."""
        if self.looked(material)[0] in {"running", "done"}:
            return
        self._failed.pop(material.key, None)
        command = [
            sys.executable,
            "-P",
            "-m",
            "objectif",
            "inspect",
            str(material.path),
            "--out",
            str(material.folder),
        ]
        child = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True, preexec_fn=_last
        )
        self._looking[material.key] = child
        _, told = await child.communicate()
        if child.returncode:
            lines = told.decode("utf-8", "replace").strip().splitlines()
            self._failed[material.key] = lines[-1] if lines else f"it ended with {child.returncode}"

    async def close(self) -> None:
        """End what looks at pictures; it is done again when it is asked for again."""
        for child in self._looking.values():
            if child.returncode is None:
                child.terminate()
                await child.wait()

    def _load(self, material: Material) -> Dataset:
        dataset = load(material.path)
        with self._lock:
            self._read[material.key] = dataset
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        return dataset

    def _of(self, note: Path) -> Material | None:
        try:
            path = Path(json.loads(note.read_text(encoding="utf-8"))["path"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Material(note.parent.name, path, note.parent)


def counted(dataset: Dataset) -> dict[int, int]:
    """Class -> how many images have it."""
    counts = dict.fromkeys(range(len(dataset.classes)), 0)
    for sample in dataset.samples:
        for label in sample.labels:
            counts[label] += 1
    return counts


def within(dataset: Dataset, roots: tuple[Path, ...]) -> None:
    """DataError where data name a file, by a list or a link, that lies outside of the allowed roots.

    A table that somebody sent may name any path; a race would read it and its report would show it.
    """
    for sample in dataset.samples:
        for file in (sample.file, sample.clean, None if sample.mask is None else sample.mask.file):
            if file is None:
                continue
            place = file.resolve()
            if not any(place.is_relative_to(root) for root in roots):
                raise DataError(
                    f"{sample.path} lies at {place}, outside of the folders that this server may read. Start it with "
                    "--root FOLDER to add one, or take the file out of the data."
                )


def stated_within(problem: Problem, roots: tuple[Path, ...]) -> None:
    """DataError where a statement names data or anything else outside of the allowed roots."""
    named = [problem.data, problem.splits, problem.images, problem.masks, problem.legend]
    models = () if problem.models == "auto" else problem.models
    named += [Path(part) for model in models for part in re.split(r"[?&=:]", model) if part.startswith("/")]
    for path in named:
        if path is not None and not any(path.resolve().is_relative_to(root) for root in roots):
            raise DataError(
                f"{path} is not in a folder that this server may read. Start it with --root FOLDER to add one."
            )
    within(load(problem.data, **problem.reading()), roots)


def _last() -> None:
    """Whoever waits for a page or an answer goes first."""
    os.nice(5)


def stated(path: Path, text: str) -> Problem:
    """The Problem that a text states, as the file `path`; ProblemError with a line for each fault. Writes the file then."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.toml")
    try:
        beside.write_text(text, encoding="utf-8")
        try:
            found = read(beside)
        except InputError as error:
            raise type(error)(str(error).replace(f"{beside}:", "line ")) from None
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return found
