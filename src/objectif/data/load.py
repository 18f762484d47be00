"""Loading labelled images: finds the layout, says which and why, applies groups and given split lists.

Every installed format is asked whether it fits. Those that do are read in full and compared: readings that agree
are no ambiguity, and the one that knows more is taken; readings that disagree stop with a list, as a guess here
would be a wrong answer everywhere after. Boxes and masks outrank folders: where a layout of them fits, those that tell
classes only are not asked, because images/ and masks/ are no classes. Boxes outrank masks, unless masks are asked for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from objectif import plugins
from objectif.data import lists
from objectif.data.agree import agree, knowledge
from objectif.data.dataset import TURNS, Dataset
from objectif.data.formats import good as good_folders
from objectif.data.formats import masks as mask_folders
from objectif.data.good import for_anomaly
from objectif.data.grouping import grouped
from objectif.data.masks import for_segmentation
from objectif.data.restoration import clean_pictures, numbered
from objectif.errors import DataError, LayoutAmbiguous, LayoutUnknown, PluginError


def load(
    path: Path | str,
    *,
    format: str | None = None,
    group: str | None = None,
    splits: Path | str | None = None,
    images: Path | str | None = None,
    masks: Path | str | None = None,
    legend: Path | str | None = None,
    turn_masks: int = 0,
    degrade: str | None = None,
    good: str | None = None,
    task: str = "auto",
) -> Dataset:
    """The labelled images at `path`, a folder or a file; Dataset.notes say how they were read.

    format: name of an installed format, instead of asking all. group: regular expression searched in Sample.path;
    its first capture group, or the whole match, is the image's group. splits: folder with train.txt, val.txt,
    test.txt or fold*.txt. images, masks: folders of pictures and of their masks, where those are not found or two
    readings are possible; legend: text file that names the numbers or colours of masks; turn_masks: degrees by which
    mask files are turned, counter-clockwise (TURNS). degrade: what the pictures, which are clean, go through before they
    are to be restored (images.degrade). task: 'segment' reads masks where there are boxes too, 'anomaly' good pictures and
    others; good: the class of good pictures, where its name does not say so (then the task is 'anomaly'). Raises DataError (LayoutUnknown, LayoutAmbiguous), PluginError for an unknown format.
    """
    path = Path(path).expanduser()
    _check_there(path)
    named = [None if p is None else _inside(path, Path(p).expanduser()) for p in (images, masks, legend)]
    if turn_masks not in TURNS:
        turns = ", ".join(map(str, TURNS))
        raise DataError(f"--turn-masks {turn_masks}: expected one of {turns}, degrees counter-clockwise.")
    if good is not None:
        if task not in {"auto", "anomaly"}:
            raise DataError(
                f"--good {good!r}: expected the task 'anomaly' beside it, not {task!r}. Leave out one of them."
            )
        task = "anomaly"
    if degrade is not None:
        dataset = clean_pictures(path, degrade)
    elif turn_masks or any(p is not None for p in named):
        dataset = _of_masks(path, format, *named, turned=turn_masks)
    elif good is not None and path.is_dir() and format in {None, good_folders.FORMAT.name}:
        dataset = good_folders.FORMAT.read(path, good)
    elif format is not None:
        dataset = _forced(path, format)
    elif task == "anomaly" and path.is_dir():
        dataset = good_folders.FORMAT.read(path)
    elif task == "restore":
        dataset = _format("pairs").read(path)
    else:
        dataset = _detected(path, masks=task == "segment")
    if task == "segment":
        dataset = for_segmentation(dataset)
    if task == "anomaly":
        dataset = for_anomaly(dataset, good)
    if not dataset.samples:
        raise LayoutUnknown(f"{path}: no labelled images. {EXPECTED}")
    if splits is not None:
        dataset = lists.apply(dataset, Path(splits).expanduser())
    dataset = numbered(dataset)
    return dataset if group is None else grouped(dataset, group)


BY_SUFFIX = {
    ".csv": "manifest",
    ".tsv": "manifest",
    ".npz": "npz",
    ".json": "coco",
    ".xml": "voc",
    ".yaml": "yolo",
    ".yml": "yolo",
}
"""What a file with this suffix is meant to be: where it does not fit, that format says why."""

EXPECTED = (
    "Expected a folder per class (roses/a.jpg), a manifest (CSV or JSON lines with path and label), IDX files or a .npz; "
    "boxes: COCO JSON, Pascal VOC XML, YOLO text files or a CSV with corners; or masks: a folder masks/ beside the pictures."
)


def _check_there(path: Path) -> None:
    """DataError where nothing can be at `path`."""
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder. Check the path.")
        if path.is_dir():
            next(path.iterdir(), None)
    except PermissionError:
        raise DataError(f"{path}: may not be read. Give read permission.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path!s:.200}: cannot be opened ({error}). Check the path.") from None


def _format(name: str) -> plugins.Format:
    found: plugins.Format = plugins.load("formats", name)
    return found


def _forced(path: Path, name: str) -> Dataset:
    dataset = _format(name).read(path)
    return replace(dataset, notes=(*dataset.notes, f"the format {name!r} was asked for"))


def _inside(path: Path, given: Path) -> Path:
    """A folder or file as it was given, or else below the data."""
    return path / given if not given.exists() and (path / given).exists() else given


def _of_masks(
    path: Path,
    format: str | None,
    images: Path | None,
    masks: Path | None,
    legend: Path | None,
    *,
    turned: int,
) -> Dataset:
    """Pictures and masks where, or as, the user says that they are."""
    if format not in {None, mask_folders.FORMAT.name}:
        raise DataError(
            f"--format {format}: images, masks, legend and turned masks are of the format 'masks'. Leave out the "
            "format or them."
        )
    return mask_folders.FORMAT.read(path, images=images, masks=masks, legend=legend, turned=turned)


def _detected(path: Path, *, masks: bool = False) -> Dataset:
    """The one reading, or the richest of equal ones; of those with masks alone where `masks` are asked for."""
    fitting, notes = _fitting(path, masks=masks)
    readings = {name: _attempt(path, name) for name in fitting}
    if masks:
        drawn = [n for n, r in readings.items() if isinstance(r, Dataset) and "segment" in r.tasks]
        readings = {name: readings[name] for name in drawn or readings}
    good = {name: r for name, r in readings.items() if isinstance(r, Dataset)}
    if len(readings) == 1:
        only = next(iter(readings.values()))
        if isinstance(only, DataError):
            raise only
        return replace(only, notes=(*only.notes, *notes))
    if not readings:
        meant = BY_SUFFIX.get(path.suffix.lower())
        if meant in plugins.names("formats") and path.is_file():
            _format(meant).read(path)  # for its error: it names the column or the line
        raise LayoutUnknown(_unknown(path))
    able = {name: r for name, r in good.items() if len(r.classes) > 1 or r.multilabel}
    if len(able) == 1 and len(good) == len(readings):
        name, taken = next(iter(able.items()))
        others = ", ".join(repr(other) for other in good if other != name)
        notes.append(f"{name!r} is taken; {others} would find one class only")
    elif len(good) == len(readings) and agree(list(good.values())):
        name = max(good, key=lambda n: (knowledge(good[n]), _format(n).richness))
        taken = good[name]
        others = ", ".join(repr(other) for other in good if other != name)
        notes.append(f"{name!r} is taken; {others} would read the same labels and know less")
    else:
        raise LayoutAmbiguous(_ambiguous(path, readings))
    return replace(taken, notes=(*taken.notes, *notes))


def _fitting(path: Path, *, masks: bool) -> tuple[list[str], list[str]]:
    """Names of the formats that fit, those of boxes alone where one does, or else those of masks; and sentences."""
    notes: list[str] = []
    fitting = []
    for name in plugins.names("formats"):
        try:
            if _format(name).sniff(path) is not None:
                fitting.append(name)
        except PluginError as error:  # one broken plug-in must not hide the data from all others
            notes.append(f"format {name!r} was not asked: {error}")
    boxes = [name for name in fitting if getattr(_format(name), "boxes", False)]
    drawn = [name for name in fitting if getattr(_format(name), "masks", False)]
    strange = [name for name in fitting if getattr(_format(name), "anomalies", False)]
    if strange and not masks:
        return strange, notes
    paired = [name for name in fitting if getattr(_format(name), "pictures", False)]
    best = (drawn or boxes) if masks else (boxes or drawn or paired)
    what = "masks" if best and best == drawn else "boxes" if best == boxes else "pairs of pictures"
    if boxes and not masks and set(drawn) - set(boxes):
        notes.append("boxes are read; there are masks too: --task segment, or --masks DIR, reads those")
    others = [name for name in fitting if name not in {*best, *drawn, *boxes, *paired}]
    if best and others:
        notes.append(f"{', '.join(map(repr, others))} would tell classes only; {what} were found")
    return best or fitting, notes


def _attempt(path: Path, name: str) -> Dataset | DataError:
    try:
        return _format(name).read(path)
    except DataError as error:
        return error


def _ambiguous(path: Path, readings: dict[str, Dataset | DataError]) -> str:
    lines = [f"{path}: several layouts fit and disagree:"]
    for name, reading in readings.items():
        if isinstance(reading, DataError):
            lines.append(f"  --format {name}: {reading}")
        else:
            first = reading.classes[0] if reading.classes else "none"
            lines.append(
                f"  --format {name}: {len(reading)} images, {len(reading.classes)} classes (the first is {first!r})"
            )
    able = [name for name, reading in readings.items() if isinstance(reading, Dataset)] or list(readings)
    return "\n".join([*lines, f"Pick one: --format {able[0]}"])


def _unknown(path: Path) -> str:
    """What is there, and what was expected."""
    if path.is_file():
        return f"{path}: no layout fits this file ({path.suffix or 'no suffix'}). {EXPECTED}"
    names = sorted(p.name + "/" * p.is_dir() for p in path.iterdir())
    if not names:
        return f"{path}: the folder is empty. {EXPECTED}"
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{path}: no layout fits ({shown}). {EXPECTED}"
