"""Groups from the names of files: which images show the same patient, plant or track."""

from __future__ import annotations

import re
from dataclasses import replace

from objectif.data.dataset import Dataset
from objectif.errors import DataError


def grouped(dataset: Dataset, expression: str) -> Dataset:
    """The Dataset with groups from a regular expression searched in Sample.path.

    Its first capture group, or the whole match, is the group. An image without a match is a group of its own, which
    a note says. Raises DataError: no regular expression, no match at all.
    """
    names = _names(dataset, expression)
    hits = [name for name in names if name is not None]
    if not hits:
        example = dataset.samples[0].path
        raise DataError(f"--group {expression!r} matches no path; a path is {example!r}. Correct it.")
    notes = [*dataset.notes, f"groups by {expression!r}: {len(set(hits))} groups, such as {hits[0]!r}"]
    mixed = _mixed(dataset, names)
    if mixed:
        notes.append(
            f"{len(mixed)} groups hold images of several classes, such as {mixed[0]!r}: where numbers start anew in "
            "each folder, let the expression match the folder too ('[^/]+/[0-9]+')"
        )
    if len(hits) < len(names):
        notes.append(f"{len(names) - len(hits)} image(s) match no group: each is a group of its own")
    if any(s.group is not None for s in dataset.samples):
        notes.append("the groups of the layout itself are replaced")
    samples = tuple(replace(s, group=name) for s, name in zip(dataset.samples, names, strict=True))
    return replace(dataset, samples=samples, notes=tuple(notes))


def _names(dataset: Dataset, expression: str) -> list[str | None]:
    """The group of each sample, None where the expression matches nothing."""
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise DataError(f"--group {expression!r}: no regular expression ({error}). Correct it.") from None
    matches = [pattern.search(sample.path) for sample in dataset.samples]
    return [None if m is None else m.group(1 if pattern.groups else 0) for m in matches]


def _mixed(dataset: Dataset, names: list[str | None]) -> list[str]:
    """Groups with images of several classes, sorted; none where the problem is multi-label."""
    if dataset.multilabel:
        return []
    seen: dict[str, set[tuple[int, ...]]] = {}
    for sample, name in zip(dataset.samples, names, strict=True):
        if name is not None:
            seen.setdefault(name, set()).add(sample.labels)
    return sorted(name for name, labels in seen.items() if len(labels) > 1)
