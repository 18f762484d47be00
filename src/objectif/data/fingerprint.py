"""The fingerprint of a Dataset: two runs share it exactly when they saw the same labelled images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from objectif.data.dataset import Dataset, Sample
from objectif.errors import DataError
from objectif.metrics.masks import VOID


def fingerprint(dataset: Dataset) -> str:
    """Hex sha256 over classes and, sorted by path, each sample's path, labels, boxes, mask, group, split, weight and content.

    Groups, splits and weights count because they change what a race measures. Root and order do not.
    Raises DataError where a file can no longer be read.
    """
    total = hashlib.sha256()
    boxes = "detect" in dataset.tasks  # without boxes and masks, fingerprints stay what they were
    masks = "segment" in dataset.tasks or any(s.mask is not None for s in dataset.samples)
    _feed(total, f"objectif fingerprint {3 if masks else 2 if boxes else 1}", *dataset.classes)
    if masks:
        _feed(total, *_legend(dataset))
    for sample in sorted(dataset.samples, key=lambda s: (s.path, s.item or 0)):
        names = [dataset.classes[k] for k in sample.labels]
        _feed(
            total,
            sample.path,
            str(len(names)),
            *names,
            repr(sample.group),
            repr(sample.split),
            repr(sample.weight),
        )
        if boxes:
            _feed(total, *_boxes(dataset, sample))
        if masks:
            _feed(total, *_mask(dataset, sample))
        if sample.item is None:
            _feed(total, _digest(sample.file))
        else:
            item = np.ascontiguousarray(dataset.arrays[sample.file][sample.item])
            _feed(total, str(item.shape), str(item.dtype), hashlib.sha256(item.tobytes()).hexdigest())
    return total.hexdigest()


def _boxes(dataset: Dataset, sample: Sample) -> Iterator[str]:
    """How many boxes there are, and each; their order says nothing."""
    boxes = sample.boxes or ()
    yield "no boxes known" if sample.boxes is None else str(len(boxes))
    for name, ignore, *corners in sorted(
        (dataset.classes[b.label], b.ignore, b.x1, b.y1, b.x2, b.y2) for b in boxes
    ):
        yield f"{' '.join(repr(float(v)) for v in corners)} {ignore:d} {name}"


def _legend(dataset: Dataset) -> Iterator[str]:
    """How masks are read."""
    legend = dataset.legend
    yield f"instances {dataset.instances:d}"
    if dataset.turned:  # of masks as they are, fingerprints stay what they were
        yield f"turned {dataset.turned}"
    if legend is not None:
        yield legend.kind
        for key, label in sorted(legend.values.items(), key=str):
            yield f"{key} {'void' if label == VOID else dataset.classes[label]}"


def _mask(dataset: Dataset, sample: Sample) -> Iterator[str]:
    """The mask's file, or its shapes in their order, as the later lie on top."""
    if sample.mask is None:
        yield "no mask known"
    elif sample.mask.file is not None:
        yield _digest(sample.mask.file)
    else:
        yield str(len(sample.mask.shapes))
        for shape in sample.mask.shapes:
            name = "void" if shape.label == VOID else dataset.classes[shape.label]
            yield f"{shape.polygons!r} {shape.runs!r} {name}"


def _feed(total: hashlib._Hash, *texts: str) -> None:
    """Length before text, so that no two sequences of texts run together alike."""
    for text in texts:
        raw = text.encode("utf-8", "surrogateescape")
        total.update(len(raw).to_bytes(8, "big") + raw)


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{file}: cannot be read ({error.strerror}). Check the file and its permissions."
        ) from None
