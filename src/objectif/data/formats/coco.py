"""Layout: COCO JSON, lists of images, annotations and categories; boxes are x, y, width, height in pixels.

    annotations/instances_train.json  annotations/instances_val.json  images/...    splits by the file's name
    train/_annotations.coco.json  train/a.jpg                                       splits by the folder
    labels.json  a.jpg                                                              one file, no splits

Ids may skip numbers: names are what counts, in order of the ids. `iscrowd` objects are ignored: neither to be found
nor wrong to find. An annotation without a box has that of its segmentation; segmentations become masks
(data/coco_masks.py). `group` and `weight` of an image, which COCO
does not know, are read and written.
"""

from __future__ import annotations

import json
import mmap
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectif.data import coco_mask_writing, coco_masks, pixels
from objectif.data.beside import Images
from objectif.data.dataset import Dataset, Sample
from objectif.data.files import Parts, listing, split_in
from objectif.data.marks import Mark, Picture, build, finite, mark
from objectif.data.rows import weight_number
from objectif.data.writing import Bring, bring, put, reference, tree_names, unheld
from objectif.errors import DataError, LayoutAmbiguous

_KEYS = ("images", "annotations", "categories")
_FOLDERS = ("annotations", "labels")
_UNSPLIT = "_unsplit"  # images without a split beside others that have one
_HELD = {"id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore", "segmentation"}
"""Keys of an annotation that are read, or follow from its box; what stands under others is told as lost by `convert`."""
_YEAR = re.compile(r"(train|val|test)\d{4}")


@dataclass(frozen=True)
class _Part:
    """One JSON file: its lists, and the split that its name or its folder means."""

    file: Path
    split: str | None
    images: list[Any]
    annotations: list[Any]
    categories: list[Any]


class Coco:
    """The format `coco`."""

    name = "coco"
    richness = 44
    boxes = True
    masks = True
    forms = coco_mask_writing.FORMS

    def sniff(self, path: Path) -> str | None:
        """Names the JSON files that hold images, annotations and categories; they are searched, not parsed."""
        fitting = [file for file in _candidates(path) if _fits(file)]
        return (
            None
            if not fitting
            else f"{', '.join(f.name for f in fitting)} holds images, annotations and categories"
        )

    def read(self, path: Path) -> Dataset:
        """All files; DataError names the file and the number of the annotation that is wrong."""
        files = _chosen(path)
        parts = [_part(file, path) for file in files]
        root = path if path.is_dir() else _above(path.parent)
        found = listing(root)
        images = Images(found.images)
        pictures: list[Picture] = []
        problems = dict(found.problems)
        notes = [f"layout 'coco': {', '.join(sorted({f.name for f in files}))}"]
        strays: list[str] = []
        outlines: dict[str, list[coco_masks.Outline]] = {}
        for part in parts:
            by_image, drawn = _objects(part)
            for record in _records(part):
                marks = by_image.pop(_image_id(record["id"]), ())
                picture = _picture(record, part, marks, root, images, problems)
                if picture is not None:
                    pictures.append(picture)
                    outlines[picture.path] = drawn.get(_image_id(record["id"]), [])
            if by_image:
                strays.append(_strays(part, by_image))
        if strays and pictures and all(m.ignore for p in pictures for m in p.marks):
            raise DataError(
                f"{strays[0]}; so no object is of any image. Expected the id of a record in 'images' as image_id, of the "
                "same kind (7 is not '7'). Write the ids alike, or fetch the annotations of these images."
            )
        left = [f"{stray}: left out" for stray in strays]
        found_boxes = build(
            pictures,
            root=root,
            layout=self.name,
            source=path,
            names=_names(parts),
            notes=[*notes, *left],
            problems=problems,
            dropped=[*left, *_dropped(parts)],
        )
        return coco_masks.with_masks(found_boxes, outlines)

    def write(self, dataset: Dataset, to: Path, *, images: Bring = "copy") -> list[str]:
        """annotations/instances_SPLIT.json for each split, and images; masks are lost (write_masks keeps them)."""
        categories = [{"id": k, "name": name} for k, name in enumerate(dataset.classes, 1)]
        _write(dataset, to, images, categories, lambda row: _boxes(dataset.samples[row]))
        return unheld(dataset, masks=True)

    def write_masks(
        self, dataset: Dataset, to: Path, *, images: Bring = "copy", form: str | None = None
    ) -> list[str]:
        """The same of a Dataset of masks: objects with their segmentation, as runs unless `form` is 'polygons'."""
        categories = coco_mask_writing.categories(dataset)
        drawn = form or coco_mask_writing.FORMS[0]
        _write(dataset, to, images, categories, lambda row: coco_mask_writing.objects(dataset, row, drawn))
        return [*unheld(dataset), *coco_mask_writing.lost(dataset)]


def _write(
    dataset: Dataset,
    to: Path,
    images: Bring,
    categories: list[dict[str, Any]],
    objects_of: Callable[[int], Iterable[dict[str, Any]]],
) -> None:
    """The files; objects_of: row -> its annotations without ids."""
    names = [f"images/{name}" for name in tree_names(dataset)]
    bring(dataset, to, names, images)
    number = 0
    splits = sorted({s.split for s in dataset.samples}, key=str)
    for split in splits:
        records: list[dict[str, Any]] = []
        objects: list[dict[str, Any]] = []
        for row, (sample, name) in enumerate(zip(dataset.samples, names, strict=True)):
            if sample.split != split:
                continue
            records.append(_record(dataset, row, reference(sample.file, to / "annotations", name, images)))
            for item in objects_of(row):
                number += 1
                objects.append({"id": number, "image_id": row + 1, **item})
        content = {"images": records, "annotations": objects, "categories": categories}
        ending = f"_{split}" if split else _UNSPLIT if len(splits) > 1 else ""
        put(to / "annotations" / f"instances{ending}.json", json.dumps(content) + "\n")


def _boxes(sample: Sample) -> Iterator[dict[str, Any]]:
    for box in sample.boxes or ():
        width, height = box.x2 - box.x1, box.y2 - box.y1
        place = [box.x1, box.y1, width, height]
        yield {
            "category_id": box.label + 1,
            "bbox": place,
            "area": width * height,
            "iscrowd": int(box.ignore),
        }


def _record(dataset: Dataset, row: int, shown: str) -> dict[str, Any]:
    sample = dataset.samples[row]
    height, width = pixels.size(dataset, row)
    record: dict[str, Any] = {"id": row + 1, "file_name": shown, "width": width, "height": height}
    if sample.group is not None:
        record["group"] = sample.group
    if sample.weight != 1.0:
        record["weight"] = sample.weight
    return record


# --- which files --------------------------------------------------------------------------------------------------


def _candidates(path: Path) -> list[Path]:
    """The JSON file that is meant, or those in a folder, in its annotations and in the folders of its splits."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    inner = [
        p for p in sorted(path.iterdir()) if p.is_dir() and (p.name.lower() in _FOLDERS or _split(p.name))
    ]
    return sorted(
        f for p in (path, *inner) for f in p.iterdir() if f.suffix.lower() == ".json" and f.is_file()
    )


def _fits(file: Path) -> bool:
    """Whether the three keys occur in the file."""
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(f'"{key}"'.encode()) >= 0 for key in _KEYS)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def _split(word: str) -> str | None:
    """The split that a word means; 'train2017' too."""
    year = _YEAR.fullmatch(word.lower())
    return split_in(year[1] if year else word)


def _split_of(file: Path, path: Path) -> str | None:
    """The split that a file's name means, or else its folder below `path`."""
    own = [_split(word) for word in re.split(r"[._\- ]+", file.stem)]
    named = next((split for split in reversed(own) if split), None)
    return named or (_split(file.parent.name) if file.parent != path and file != path else None)


def _chosen(path: Path) -> list[Path]:
    """The files to read: one, or one for each split; `instances_...` before others, as keypoints repeat them."""
    files = [file for file in _candidates(path) if _fits(file)] or _candidates(path)[:1]
    if not files:
        raise DataError(f"{path}: no JSON file. Expected one with {', '.join(_KEYS)}.")
    files = [f for f in files if f.name.startswith("instances")] or files
    splits = [_split_of(file, path) for file in files]
    unclear = any(s is None and not f.stem.endswith(_UNSPLIT) for f, s in zip(files, splits, strict=True))
    if len(files) > 1 and (unclear or len(set(splits)) < len(splits)):
        raise LayoutAmbiguous(
            f"{path}: several COCO files: {', '.join(f.name for f in files[:5])}{', ...' if len(files) > 5 else ''}. "
            "Expected one for each of train, val and test; give the one that is meant instead of the folder."
        )
    return files


def _above(folder: Path) -> Path:
    """The folder around `annotations`."""
    return folder.parent if folder.name.lower() in _FOLDERS else folder


def _part(file: Path, path: Path) -> _Part:
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not readable as JSON ({error}). Fetch it again or correct it.") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from None
    lists = [content.get(key) if isinstance(content, dict) else None for key in _KEYS]
    for key, value in zip(_KEYS, lists, strict=True):
        if not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            raise DataError(
                f"{file}: {key!r} is no list of objects; expected COCO's images, annotations, categories."
            )
    images, annotations, categories = (value or [] for value in lists)
    return _Part(file, _split_of(file, path) if path.is_dir() else None, images, annotations, categories)


# --- what is in them ----------------------------------------------------------------------------------------------


def _names(parts: list[_Part]) -> list[str]:
    """Classes in order of their ids, those of the first file first."""
    return list(dict.fromkeys(name for part in parts for _, name in sorted(_categories(part).items())))


def _categories(part: _Part) -> dict[int, str]:
    """Id -> name of the categories; DataError where two that have objects share a name."""
    used = {k for annotation in part.annotations if type(k := annotation.get("category_id")) is int}
    names: dict[int, str] = {}
    owner: dict[str, int] = {}
    for item in part.categories:
        number, name = item.get("id"), item.get("name")
        if type(number) is not int or not isinstance(name, str) or not name.strip():
            raise DataError(
                f"{part.file}: category {item!r:.80}; expected a whole number as id and a text as name."
            )
        if names.get(number, name) != name:
            raise DataError(
                f"{part.file}: category id {number} is {names[number]!r} and {name!r}; expected one name. Remove one."
            )
        names[number] = name = name.strip()
        before = owner.setdefault(name, number)
        if before != number and {before, number} <= used:
            raise DataError(
                f"{part.file}: the category {name!r} has the ids {before} and {number}, both with objects; expected "
                "one id for each name. Rename one, or give both the same id."
            )
    return names


def _image_id(value: object) -> object:
    """The id as a key: 7.0 is 7, '7' is not; its words, which no image has as id, where it can be no id."""
    if type(value) in {int, str}:
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else (repr(value),)


def _strays(part: _Part, by_image: Mapping[Any, list[Mark]]) -> str:
    """The objects that are of no image of the list, with some of their ids and some that are listed."""
    met = [key[0] if isinstance(key, tuple) else repr(key) for key in by_image]
    there = [repr(record.get("id")) for record in part.images]
    return (
        f"{part.file}: {sum(map(len, by_image.values()))} object(s) of images that it does not list (image_id "
        f"{_some(met)}; the ids of its images are {_some(there)})"
    )


def _some(words: list[str]) -> str:
    return ", ".join(f"{word:.40}" for word in words[:5]) + (", ..." if len(words) > 5 else "") or "none"


def _dropped(parts: list[_Part]) -> list[str]:
    """What annotations tell beside their boxes."""
    told = Counter(key for part in parts for item in part.annotations for key, value in item.items() if value)
    return [f"{key}: of {told[key]} object(s)" for key in sorted(told.keys() - _HELD)]


def _objects(part: _Part) -> tuple[dict[Any, list[Mark]], dict[Any, list[coco_masks.Outline]]]:
    """Image id -> objects, and image id -> their outlines."""
    names = _categories(part)
    by_image: dict[Any, list[Mark]] = {}
    drawn: dict[Any, list[coco_masks.Outline]] = {}
    for number, item in enumerate(part.annotations, 1):
        where = f"{part.file}, annotation {number} (id {item.get('id', 'none')})"
        label = item.get("category_id")
        if type(label) is not int or label not in names:
            raise DataError(
                f"{where}: category_id is {label!r:.40}; expected one of {', '.join(map(str, sorted(names)[:20])) or 'none'}"
                f"{', ...' if len(names) > 20 else ''}. Add the category or correct the id."
            )
        image = _image_id(item.get("image_id"))
        ignore = bool(item.get("iscrowd")) or bool(item.get("ignore"))
        found = mark(_corners(item, where), names[label], where, ignore=ignore)
        by_image.setdefault(image, []).append(found)
        drawn.setdefault(image, []).append(coco_masks.outline(item, found, where))
    return by_image, drawn


def _corners(item: Mapping[str, Any], where: str) -> tuple[object, object, object, object]:
    """x1, y1, x2, y2 of `bbox`, or of the polygons where there is none."""
    box = item.get("bbox")
    if not box:
        return _around(item.get("segmentation"), where)
    if not isinstance(box, list) or len(box) != 4:
        raise DataError(f"{where}: bbox is {box!r:.60}; expected [x, y, width, height] in pixels.")
    odd = [v for v in box if type(v) not in {int, float}]
    if odd:
        raise DataError(
            f"{where}: a corner of the box is {odd[0]!r:.40}; expected a finite number of pixels. Correct it."
        )
    x, y, width, height = (finite(v, where) for v in box)
    return x, y, x + width, y + height


def _around(polygons: object, where: str) -> tuple[object, object, object, object]:
    """The box around polygons [[x, y, x, y, ...], ...], or around runs."""
    if isinstance(polygons, Mapping):
        return coco_masks.corners_of_runs(polygons, where)
    rings = polygons if isinstance(polygons, list) else []
    numbers = [ring for ring in rings if isinstance(ring, list) and len(ring) >= 6]
    if not numbers or not all(type(v) in {int, float} for ring in numbers for v in ring):
        raise DataError(f"{where}: no bbox and no polygons; expected bbox [x, y, width, height]. Add it.")
    points = [[finite(v, where) for v in ring] for ring in numbers]
    xs, ys = [v for ring in points for v in ring[::2]], [v for ring in points for v in ring[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def _records(part: _Part) -> Iterator[dict[str, Any]]:
    """The images, each id once."""
    seen: set[Any] = set()
    for number, item in enumerate(part.images, 1):
        where = f"{part.file}, image {number}"
        own = _image_id(item.get("id"))
        if isinstance(own, tuple) or not isinstance(item.get("file_name"), str):
            raise DataError(f"{where}: {item!r:.80}; expected an id and a file_name. Add them.")
        if own in seen:
            raise DataError(
                f"{where}: the id {item['id']!r} is there twice; expected each once. Renumber them."
            )
        seen.add(own)
        yield item


def _picture(
    record: Mapping[str, Any],
    part: _Part,
    marks: object,
    root: Path,
    images: Images,
    problems: dict[str, str],
) -> Picture | None:
    """The image of a record; None, with a problem, where it is not there or could be several."""
    name = record["file_name"].replace("\\", "/")
    found = _image(name, part, root, images)
    if len(found) != 1:
        fits = f"fits {len(found)} images" if found else "no such image"
        problems[record["file_name"]] = f"{fits} ({part.file.name} lists it)"
        return None
    file = Path(os.path.normpath(found[0]))
    shown = file.relative_to(root).as_posix() if file.is_relative_to(root) else name
    group, weight = record.get("group"), record.get("weight")
    return Picture(
        shown,
        file,
        tuple(marks) if isinstance(marks, list) else (),
        part.split,
        None if group is None else str(group),
        weight_number("" if weight is None else str(weight), f"{part.file}, image {name!r}"),
    )


def _image(name: str, part: _Part, root: Path, images: Images) -> list[Path]:
    """Where an image may be: beside the file, in `images` there or above, or wherever its name is found."""
    base = part.file.parent
    places = [base, base / "images", _above(base), _above(base) / "images"]
    try:
        direct = next((place / name for place in dict.fromkeys(places) if (place / name).is_file()), None)
    except (OSError, ValueError):  # a name that can be none
        return []
    if direct is not None:
        return [direct]
    found: list[Parts] = images.named(name, part.split)
    return [root.joinpath(*parts) for parts in found]


FORMAT = Coco()
