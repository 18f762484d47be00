"""Writing a Dataset of boxes or of masks in another layout: the counterpart of load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from objectif import plugins
from objectif.data.dataset import Dataset
from objectif.data.masks import for_segmentation
from objectif.data.writing import BRINGS, Bring
from objectif.errors import DataError, PluginError


def writable() -> tuple[str, ...]:
    """Names of the installed formats that can write boxes."""
    return _with("write")


def masked() -> tuple[str, ...]:
    """Names of the installed formats that can write masks."""
    return _with("write_masks")


def _with(method: str) -> tuple[str, ...]:
    able = []
    for name in plugins.names("formats"):
        try:
            if hasattr(plugins.load("formats", name), method):
                able.append(name)
        except PluginError:  # a broken plug-in is met when it is asked for by name
            continue
    return tuple(able)


def save(
    dataset: Dataset, to: Path | str, *, format: str, images: Bring = "copy", masks: str | None = None
) -> list[str]:
    """Write the Dataset into the folder `to`; returns sentences about what the layout cannot hold.

    images: 'copy', 'link' or 'none' (labels alone). masks: the form of masks, one of the format's `forms`; None: what the
    format thinks best. Where there are boxes and masks, the masks are written if a form is asked for or the format holds
    masks alone. Raises DataError: `to` is there and not empty, the Dataset has no boxes and no masks, the format does not
    hold what it has, or its images are items of an array; PluginError: no such format, or one that only reads.
    """
    to = Path(to).expanduser()
    layout: plugins.Format = plugins.load("formats", format)
    able = hasattr(layout, "write"), hasattr(layout, "write_masks")
    if not any(able):
        every = sorted({*writable(), *masked()})
        raise PluginError(f"format {format!r} only reads. Those that write: {', '.join(every)}.")
    if images not in BRINGS:
        raise DataError(f"images = {images!r}; expected {', '.join(BRINGS)}.")
    if "detect" not in dataset.tasks and "segment" not in dataset.tasks:
        raise DataError(
            f"{dataset.root}: layout {dataset.layout!r} tells classes of whole images; expected boxes or masks. "
            f"{format!r} holds objects with their places."
        )
    if any(sample.item is not None for sample in dataset.samples):
        raise DataError(f"{dataset.root}: images are items of an array; expected files.")
    write = _writer(layout, dataset, masks)
    _check_free(to)
    return write(to, images)


def _writer(
    layout: plugins.Format, dataset: Dataset, masks: str | None
) -> Callable[[Path, Bring], list[str]]:
    """What writes the boxes or the masks; DataError where the format cannot, or has no such form of masks."""
    write, write_masks = getattr(layout, "write", None), getattr(layout, "write_masks", None)
    forms: tuple[str, ...] = getattr(layout, "forms", ())
    if masks is not None and masks not in forms:
        raise DataError(
            f"masks = {masks!r}; expected {', '.join(forms) or 'none, as the format holds no masks'} (format {layout.name!r})."
        )
    if "segment" in dataset.tasks and (dataset.task == "segment" or masks is not None or write is None):
        if write_masks is None:
            raise DataError(
                f"{dataset.root}: holds masks, and {layout.name!r} holds boxes alone. Those that hold masks: "
                f"{', '.join(masked())}."
            )
        drawn = for_segmentation(dataset)
        return lambda to, images: write_masks(drawn, to, images=images, form=masks)
    if write is None or "detect" not in dataset.tasks:
        raise DataError(
            f"{dataset.root}: holds boxes, and {layout.name!r} holds masks alone. Those that hold boxes: "
            f"{', '.join(writable())}."
        )
    return lambda to, images: write(dataset, to, images=images)


def _check_free(to: Path) -> None:
    try:
        if to.exists() and (not to.is_dir() or next(to.iterdir(), None) is not None):
            raise DataError(
                f"{to}: is there already and not empty. Nothing is overwritten; name a new folder."
            )
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{to}: cannot be made ({error.strerror or error}). Choose another folder.") from None
