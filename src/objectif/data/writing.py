"""What all writers of layouts share: where images go, under which names, and what a layout cannot hold.

Images are copied or linked, never encoded again. A writer says in words what was lost; nothing is lost without a word.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from objectif.data.dataset import Dataset
from objectif.errors import DataError

Bring = Literal["copy", "link", "none"]
BRINGS: tuple[Bring, ...] = ("copy", "link", "none")


def flat_names(dataset: Dataset) -> list[str]:
    """A file name for each sample, all with different stems: its own, or with its folders where two would be alike."""
    taken: set[str] = set()
    names = []
    for sample in dataset.samples:
        path = PurePosixPath(sample.path)
        stem, suffix = path.stem, path.suffix
        folders = [part for part in path.parts[:-1] if part not in {"/", ".", ".."}]
        while _key(stem) in taken:
            stem = f"{folders.pop()}__{stem}" if folders else f"{stem}_{suffix[1:] or 'again'}"
        taken.add(_key(stem))
        names.append(stem + suffix)
    return names


def _key(stem: str) -> str:
    return stem.casefold()  # some file systems do not tell A from a


def tree_names(dataset: Dataset) -> list[str]:
    """A path for each sample: its own, or a flat name for all where one leads out of the data."""
    paths = [sample.path for sample in dataset.samples]
    inside = all(not PurePosixPath(p).is_absolute() and ".." not in p.split("/") for p in paths)
    return paths if inside else flat_names(dataset)


def bring(dataset: Dataset, to: Path, names: Sequence[str], images: Bring) -> None:
    """Put each image at `to`/name as a copy or a link; nothing where images is 'none'. DataError: it cannot be done."""
    if images == "none":
        return
    for sample, name in zip(dataset.samples, names, strict=True):
        target = to / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if images == "link":
                target.symlink_to(sample.file.resolve())
            else:
                shutil.copyfile(sample.file, target)
        except OSError as error:
            raise DataError(
                f"{sample.file}: cannot be {'linked' if images == 'link' else 'copied'} to {target} "
                f"({error.strerror or error}). Free room or choose another folder, or ask for --images none."
            ) from None


def reference(sample_file: Path, to: Path, name: str, images: Bring) -> str:
    """How a file in `to` names an image: the copy or link, or the way to the original."""
    if images != "none":
        return name
    return Path(os.path.relpath(sample_file.resolve(), to.resolve())).as_posix()


def put(file: Path, text: str) -> None:
    """Write UTF-8 text into a new file, with its folders; DataError where it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except OSError as error:
        raise DataError(
            f"{file}: cannot be written ({error.strerror or error}). Choose another folder."
        ) from None


def renamed(dataset: Dataset, names: Sequence[str]) -> list[str]:
    """A sentence where images lose their folders."""
    folders = {PurePosixPath(sample.path).parent for sample in dataset.samples}
    count = len(dataset) if len(folders) > 1 else 0
    changed = sum(
        PurePosixPath(s.path).name != PurePosixPath(n).name
        for s, n in zip(dataset.samples, names, strict=True)
    )
    said = [f"folders: {count} image(s) of {len(folders)} folders lie side by side now"] if count else []
    return said + ([f"names: {changed} image(s) renamed, as two had one name"] if changed else [])


def unheld(
    dataset: Dataset,
    *,
    groups: bool = False,
    weights: bool = False,
    ignored: bool = False,
    masks: bool = False,
) -> list[str]:
    """Sentences about what the samples have and a layout cannot hold; each flag says that it cannot."""
    samples = dataset.samples
    said = []
    if groups and any(s.group is not None for s in samples):
        said.append(f"groups: of {sum(s.group is not None for s in samples)} image(s)")
    if weights and any(s.weight != 1.0 for s in samples):
        said.append(f"weights: of {sum(s.weight != 1.0 for s in samples)} image(s)")
    if masks and any(s.mask is not None for s in samples):
        said.append(f"masks: of {sum(s.mask is not None for s in samples)} image(s)")
    if ignored:
        count = sum(box.ignore for s in samples for box in s.boxes or ())
        if count:
            said.append(f"ignore flags: {count} object(s) marked difficult or crowd left out")
    return said


def plain_classes(dataset: Dataset, clean: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """Names of classes as a layout can hold them, all different, and a sentence about those that changed."""
    names: list[str] = []
    for name in dataset.classes:
        plain = clean(name) or "_"
        while plain in names:
            plain += "_"
        names.append(plain)
    odd = [f"{a!r} is {b!r}" for a, b in zip(dataset.classes, names, strict=True) if a != b]
    return names, ([f"class names with odd characters: {', '.join(odd[:5])}"] if odd else [])
