"""Layout: Pascal VOC, one XML file for each image, with corners in pixels.

    Annotations/a.xml  JPEGImages/a.jpg  ImageSets/Main/train.txt     lists of names are splits
    annotations/a.xml  images/a.jpg                                   other names of folders do as well
    a.xml  a.jpg                                                      side by side

Coordinates are taken as they stand: VOC counts pixels from 1, most tools that write its XML count from 0, and none
says which. `difficult` objects are ignored: neither to be found nor wrong to find. A DOCTYPE is refused, because
entities can make a small file fill the memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from objectif.data import pixels
from objectif.data.beside import Images, nearness, stem
from objectif.data.dataset import Box, Dataset, Sample
from objectif.data.files import Listing, Parts, listing, split_in
from objectif.data.marks import Mark, Picture, build, mark
from objectif.data.writing import Bring, bring, flat_names, plain_classes, put, renamed, unheld
from objectif.errors import DataError

Labels = dict[Parts, tuple[Parts, tuple[Mark, ...]]]
"""Image -> (its label file, its objects)."""

AS_THEY_STAND = "coordinates are taken as they stand, whether they count pixels from 0 or from 1"
_LOOKED_AT = 20
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NO = frozenset({"", "0", "false"})
_EXTRAS = {
    "truncated": ("truncated flags", _NO),
    "occluded": ("occluded flags", _NO),
    "pose": ("poses", frozenset({"", "unspecified", "unknown"})),
    "part": ("parts", frozenset({""})),
    "polygon": ("polygons", frozenset({""})),
    "segmentation": ("polygons", frozenset({""})),
}
"""Tag of what a Dataset does not hold -> what it is, and the words that say nothing."""
_NOISE = 1e-3
"""Pixels by which a corner may differ from a whole number and still be one."""


class Voc:
    """The format `voc`."""

    name = "voc"
    richness = 42
    boxes = True

    def sniff(self, path: Path) -> str | None:
        """How many XML files there are; None where the first ones are no annotations."""
        root, found = _found(path)
        if not any(_is_annotation(root.joinpath(*parts)) for parts in found.texts[:_LOOKED_AT]):
            return None
        where = "/".join(found.texts[0][:-1])
        return f"{len(found.texts)} XML file{'s' * (len(found.texts) != 1)}{where and f' in {where}'}"

    def read(self, path: Path) -> Dataset:
        """All annotations; DataError names the file and the number of the object that is wrong."""
        root, found = _found(path)
        if not found.texts:
            raise DataError(f"{path}: no XML file. Expected one for each image: a.xml for a.jpg.")
        problems = dict(found.problems)
        extras: Counter[str] = Counter()
        labels = _labels(root, found, problems, extras)
        sets = _sets(root, found.lists) if path.is_dir() else {}
        shown = found.images if path.is_dir() else list(labels)
        pictures = list(_pictures(root, shown, labels, sets))
        for split, (file, missing) in _unmet(sets, pictures).items():
            for name in missing:
                problems.setdefault(name, f"no such image ({file.name} names it for {split})")
        notes = [f"layout 'voc': {len(labels)} annotated images", AS_THEY_STAND]
        used = sorted({p.split for p in pictures if p.split is not None})
        if used:
            notes.append(f"splits from ImageSets: {', '.join(used)}")
        return build(
            pictures,
            root=root,
            layout=self.name,
            source=path,
            notes=notes,
            problems=problems,
            dropped=[f"{what}: of {count} object(s)" for what, count in sorted(extras.items())],
        )

    def write(self, dataset: Dataset, to: Path, *, images: Bring = "copy") -> list[str]:
        """Annotations, JPEGImages and, where there are splits, ImageSets/Main; returns what VOC cannot hold."""
        names = flat_names(dataset)
        classes, odd = plain_classes(dataset, _legal)
        rounded = 0
        lists: dict[str, list[str]] = {}
        for row, (sample, name) in enumerate(zip(dataset.samples, names, strict=True)):
            own = Path(name).stem
            put(to / "Annotations" / f"{own}.xml", _xml(dataset, row, name, classes))
            rounded += sum(map(_is_rounded, sample.boxes or ()))
            if sample.split is not None:
                lists.setdefault(sample.split, []).append(own)
        for split, stems in lists.items():
            put(to / "ImageSets" / "Main" / f"{split}.txt", "".join(f"{s}\n" for s in stems))
        bring(dataset, to / "JPEGImages", names, images)
        lost = [*renamed(dataset, names), *unheld(dataset, groups=True, weights=True, masks=True), *odd]
        return [*lost, f"fractions of a pixel: {rounded} box(es) rounded"] if rounded else lost


class _Found(Listing):
    """texts: XML files. lists: the files of ImageSets/Main."""

    lists: list[Parts]


def _found(path: Path) -> tuple[Path, _Found]:
    """The folder that paths are relative to, and what lies in it; of a file, that file alone as text."""
    root = path if path.is_dir() else path.parent
    if not path.is_dir() and root.name.lower() == "annotations":
        root = root.parent
    if not path.is_dir() and path.suffix.lower() != ".xml":
        return root, _only(Listing(), [])
    found = listing(root)
    texts = [parts for parts in found.texts if parts[-1].lower().endswith(".xml")]
    if not path.is_dir():
        texts = [path.relative_to(root).parts]
    return root, _only(found, texts)


def _only(found: Listing, texts: list[Parts]) -> _Found:
    kept = _Found(found.images, texts, found.folders, found.others, found.problems)
    kept.lists = [p for p in found.texts if tuple(f.lower() for f in p[-3:-1]) == ("imagesets", "main")]
    return kept


def _is_annotation(file: Path) -> bool:
    """Whether the beginning of a file looks like it."""
    try:
        with file.open("rb") as stream:
            return b"<annotation" in stream.read(4096)
    except OSError:
        return False


# --- one file -----------------------------------------------------------------------------------------------------


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError("it has a DOCTYPE, which annotations need not; remove it")


def _parsed(file: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(file.read_bytes(), ElementTree.XMLParser(target=_Builder()))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{file}: not readable as XML ({error}). Correct the file or remove it.") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from None


def _labels(root: Path, found: _Found, problems: dict[str, str], extras: Counter[str]) -> Labels:
    """Every annotation with its image; those whose image is missing go to `problems`.

    extras: what else is said of how many objects, counted here.
    """
    images = Images(found.images)
    labels: Labels = {}
    for parts in found.texts:
        file = root.joinpath(*parts)
        element = _parsed(file)
        if element.tag != "annotation":
            continue
        named = element.findtext("filename") or ""
        image = images.of(parts, named)
        if image is None:
            problems[named or stem(parts)] = f"no such image ({'/'.join(parts)} is of it)"
            continue
        marks = tuple(_marks(element, file))
        extras.update(_extras(element))
        before = labels.get(image)
        if before is not None and before[1] != marks and nearness(image, before[0]) == nearness(image, parts):
            raise DataError(
                f"{file}: {'/'.join(before[0])} is of the image {'/'.join(image)} too and differs; expected one "
                "annotation for each image. Remove one."
            )
        if before is None or nearness(image, parts) > nearness(image, before[0]):
            labels[image] = parts, marks
    return labels


def _marks(element: ElementTree.Element, file: Path) -> Iterator[Mark]:
    for number, item in enumerate(element.findall("object"), 1):
        where = f"{file}, object {number}"
        box = item.find("bndbox")
        if box is None:
            raise DataError(f"{where}: no <bndbox>; expected one with xmin, ymin, xmax and ymax. Add it.")
        corners = [(box.findtext(key) or "").strip() for key in _CORNERS]
        ignore = (item.findtext("difficult") or "0").strip() not in {"0", "", "false", "False"}
        yield mark(corners, item.findtext("name") or "", where, ignore=ignore)


def _extras(element: ElementTree.Element) -> Iterator[str]:
    """What else is said of objects, once for each of them."""
    for item in element.findall("object"):
        for tag, (what, nothing) in _EXTRAS.items():
            if any((e.text or "").strip().lower() not in nothing or len(e) for e in item.findall(tag)):
                yield what


# --- all files ----------------------------------------------------------------------------------------------------


def _pictures(
    root: Path, shown: list[Parts], labels: Labels, sets: Mapping[tuple[Parts, str], tuple[str, Path]]
) -> Iterator[Picture]:
    """Annotated images, and those beside them that no annotation is of."""
    folders = {image[:-1] for image in labels}
    for image in shown:
        if image in labels or image[:-1] in folders:
            split = next((sets[key][0] for key in _keys(image) if key in sets), None)
            marks = labels[image][1] if image in labels else ()
            path = "/".join(image)
            yield Picture(path, root.joinpath(*image), marks, split=split, labelled=image in labels)


def _keys(image: Parts) -> Iterator[tuple[Parts, str]]:
    """What a list may call an image: its stem, below any folder that holds it."""
    return ((image[:depth], stem(image)) for depth in range(len(image)))


def _sets(root: Path, lists: list[Parts]) -> dict[tuple[Parts, str], tuple[str, Path]]:
    """(folder of ImageSets, stem) -> (split, list). Where there is no train list, trainval is it."""
    given: dict[tuple[Parts, str], tuple[str, Path]] = {}
    known = {(parts[:-3], stem(parts).lower()) for parts in lists}
    for parts in lists:
        base, word = parts[:-3], stem(parts).lower()
        split = split_in(word)
        if word == "trainval" and not {(base, "train"), (base, "val")} & known:
            split = "train"
        if split is None:
            continue
        file = root.joinpath(*parts)
        for number, line in enumerate(_lines(file), 1):
            before = given.setdefault((base, line), (split, file))
            if before[0] != split:
                raise DataError(
                    f"{file}, line {number}: {line!r} is already in {before[1].name}. An image belongs to one list; "
                    "remove it from the other."
                )
    return given


def _lines(file: Path) -> Iterator[str]:
    """Names without suffix, as the lists of VOC have them; 'a.jpg' and 'images/a.jpg' are understood."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as UTF-8 text ({error}). Save it again.") from None
    for line in filter(None, map(str.strip, text.split("\n"))):
        last = line.replace("\\", "/").rpartition("/")[2]
        name, dot, kind = last.rpartition(".")
        yield name if dot and kind.lower() in {"jpg", "jpeg", "png", "bmp", "tif", "tiff", "xml"} else last


def _unmet(
    sets: Mapping[tuple[Parts, str], tuple[str, Path]], pictures: list[Picture]
) -> dict[str, tuple[Path, list[str]]]:
    """Split -> (list, its names that no image has)."""
    met = {key for p in pictures for key in _keys(tuple(p.path.split("/")))}
    missing: dict[str, tuple[Path, list[str]]] = {}
    for key, (split, file) in sets.items():
        if key not in met:
            missing.setdefault(split, (file, []))[1].append(key[1])
    return missing


# --- writing ------------------------------------------------------------------------------------------------------


def _xml(dataset: Dataset, row: int, name: str, classes: list[str]) -> str:
    sample: Sample = dataset.samples[row]
    height, width = pixels.size(dataset, row)
    top = ElementTree.Element("annotation")
    _add(top, "folder", "JPEGImages")
    _add(top, "filename", _legal(name))
    size = _add(top, "size")
    for key, value in (("width", width), ("height", height), ("depth", 3)):
        _add(size, key, value)
    for box in sample.boxes or ():
        item = _add(top, "object")
        _add(item, "name", classes[box.label])
        _add(item, "difficult", int(box.ignore))
        place = _add(item, "bndbox")
        for key, value in zip(_CORNERS, _corners(box), strict=True):
            _add(place, key, value)
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, tag: str, text: object = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag)
    child.text = None if text is None else str(text)
    return child


def _corners(box: Box) -> tuple[int, int, int, int]:
    """Whole pixels; a box that has an area keeps one."""
    x1, y1, x2, y2 = round(box.x1), round(box.y1), round(box.x2), round(box.y2)
    return x1, y1, x2 + (x1 == x2 and box.x1 < box.x2), y2 + (y1 == y2 and box.y1 < box.y2)


def _is_rounded(box: Box) -> bool:
    """Whether whole pixels say something else; fractions written with nine digits come back as 12.00000004."""
    told = (box.x1, box.y1, box.x2, box.y2)
    return any(abs(a - b) > _NOISE for a, b in zip(_corners(box), told, strict=True))


def _legal(text: str) -> str:
    """What XML can hold and a reader that strips spaces gives back."""
    kept = (c if c.isprintable() and c not in "\ufffe\uffff" else "_" for c in text.strip())
    return "".join(kept)


FORMAT = Voc()
