"""What a table tells of each type of answer: its columns after the path, and the rows of one answer.

A sheet for each type, found by the type: a new answer is one entry more. All answers have one row, boxes and masks one for
each object, and a single empty one where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from objectif.answers import AnomalyMap, Answer, Boxes, Identity, Label, Masks, Picture, Quantity
from objectif.run.regions import Region, Size, Spacing, regions

Cells = tuple[str, ...]
_SIZES = ("area", "perimeter", "feret_min", "feret_max")


@dataclass(frozen=True)
class Sheet:
    """columns(classes, channels, unit): all names, the path's first. rows(answer, pixels, channels, spacing): cells after it.

    Only masks use the last arguments. pixels: the picture (H, W, C). channels: how many means there are room for; of a
    gray picture each is the same, and where a picture has fewer, cells stay empty. unit: of the spacing, None without one.
    """

    columns: Callable[[Sequence[str], int, str | None], Cells]
    rows: Callable[[Any, NDArray[Any] | None, int, Spacing | None], list[Cells]]


def _fixed(*names: str) -> Callable[[Sequence[str], int, str | None], Cells]:
    """Columns that do not depend on the classes."""
    return lambda classes, channels, unit: ("path", *names)


def _one(
    cells: Callable[[Any], Cells],
) -> Callable[[Any, NDArray[Any] | None, int, Spacing | None], list[Cells]]:
    """One row for each answer."""
    return lambda answer, pixels, channels, spacing: [cells(answer)]


def _scores(classes: Sequence[str]) -> list[str]:
    return [f"score:{name}" for name in classes]


def _label_columns(classes: Sequence[str], channels: int, unit: str | None) -> Cells:
    return ("path", "label", *_scores(classes))


def _label(answer: Label) -> Cells:
    return (answer.label, *(f"{score:.6f}" for score in answer.scores))


def _quantity_columns(classes: Sequence[str], channels: int, unit: str | None) -> Cells:
    return ("path", "answer", "low", "high", *(_scores(classes) if len(classes) > 1 else ()))


def _quantity(answer: Quantity) -> Cells:
    scores = () if answer.scores is None else answer.scores
    return (*answer.cells(), *(f"{score:.6f}" for score in scores))


def _anomaly(answer: AnomalyMap) -> Cells:
    place = (f"{v:.1f}" for v in answer.place)
    return (answer.label, f"{answer.score:.6f}", f"{answer.threshold:.6f}", *place)


def _picture(answer: Picture) -> Cells:
    return (*map(str, answer.pixels.shape), f"{answer.pixels.mean():.3f}", f"{answer.pixels.std():.3f}")


def _identity(answer: Identity) -> Cells:
    """The name, '' where nobody known; its score and what it had to exceed; who was nearest; why."""
    numbers = ("" if v is None else f"{v:.6f}" for v in (answer.score, answer.threshold))
    nearest = answer.candidates[0].name if answer.candidates else ""
    return (answer.label, *numbers, nearest, answer.reason)


def _boxes(answer: Boxes, pixels: NDArray[Any] | None, channels: int, spacing: Spacing | None) -> list[Cells]:
    rows = [
        (*(f"{side:.2f}" for side in box), label, f"{score:.6f}")
        for box, label, score in zip(answer.boxes, answer.labels, answer.scores, strict=True)
    ]
    return rows or [("",) * 6]


def _mask_columns(classes: Sequence[str], channels: int, unit: str | None) -> Cells:
    means = (
        ("mean_red", "mean_green", "mean_blue")
        if channels == 3
        else [f"mean_{k + 1}" for k in range(channels)]
    )
    squared = {"area": "2"}
    scaled = () if unit is None else tuple(f"{size}_{unit}{squared.get(size, '')}" for size in _SIZES)
    sizes = (*(f"{size}_px" for size in _SIZES), *scaled, "circularity")
    return ("path", "object", "label", *sizes, "x", "y", "x1", "y1", "x2", "y2", *means)


def _masks(answer: Masks, pixels: NDArray[Any] | None, channels: int, spacing: Spacing | None) -> list[Cells]:
    """The objects of a mask, measured as regions() says; lengths in pixels, and in the unit of a spacing."""
    rows = [_region(region, channels, spacing) for region in regions(answer, pixels, spacing)]
    return rows or [("",) * (len(_mask_columns((), channels, None if spacing is None else "")) - 1)]


def _region(region: Region, channels: int, spacing: Spacing | None) -> Cells:
    means = region.means * channels if len(region.means) == 1 else region.means[:channels]
    return (
        str(region.number),
        region.label,
        f"{region.size.area:.0f}",
        *_lengths(region.size)[1:],
        *(() if region.scaled is None else _lengths(region.scaled)),
        f"{region.circularity:.4f}",
        *(f"{v:.2f}" for v in region.centroid),
        *map(str, region.box),
        *(f"{v:.2f}" for v in means),
        *[""] * (channels - len(means)),
    )


def _lengths(size: Size) -> list[str]:
    """Six digits, whatever the unit."""
    return [f"{v:.6g}" for v in (size.area, size.perimeter, size.feret_min, size.feret_max)]


SHEETS: Mapping[type[Answer], Sheet] = {
    Label: Sheet(_label_columns, _one(_label)),
    Boxes: Sheet(_fixed("x1", "y1", "x2", "y2", "label", "score"), _boxes),
    Masks: Sheet(_mask_columns, _masks),
    Quantity: Sheet(_quantity_columns, _one(_quantity)),
    Picture: Sheet(_fixed("height", "width", "channels", "mean", "deviation"), _one(_picture)),
    Identity: Sheet(_fixed("name", "score", "threshold", "nearest", "reason"), _one(_identity)),
    AnomalyMap: Sheet(_fixed("label", "score", "threshold", "x", "y"), _one(_anomaly)),
}
