"""Writing a Dataset of boxes in another layout: the counterpart of load."""

from __future__ import annotations

from pathlib import Path

from objectif import plugins
from objectif.data.dataset import Dataset
from objectif.data.writing import BRINGS, Bring
from objectif.errors import DataError, PluginError


def writable() -> tuple[str, ...]:
    """Names of the installed formats that can write."""
    able = []
    for name in plugins.names("formats"):
        try:
            if hasattr(plugins.load("formats", name), "write"):
                able.append(name)
        except PluginError:  # a broken plug-in is met when it is asked for by name
            continue
    return tuple(able)


def save(dataset: Dataset, to: Path | str, *, format: str, images: Bring = "copy") -> list[str]:
    """Write the Dataset into the folder `to`; returns sentences about what the layout cannot hold.

    images: 'copy', 'link' or 'none' (labels alone). Raises DataError: `to` is there and not empty, the Dataset has no
    boxes, or its images are items of an array; PluginError: no such format, or one that only reads.
    """
    to = Path(to).expanduser()
    layout: plugins.Format = plugins.load("formats", format)
    write = getattr(layout, "write", None)
    if write is None:
        raise PluginError(f"format {format!r} only reads. Those that write: {', '.join(writable())}.")
    if images not in BRINGS:
        raise DataError(f"images = {images!r}; expected {', '.join(BRINGS)}.")
    if dataset.task != "detect":
        raise DataError(
            f"{dataset.root}: layout {dataset.layout!r} tells classes of whole images; expected boxes. "
            f"{format!r} holds objects with their places."
        )
    if any(sample.item is not None for sample in dataset.samples):
        raise DataError(f"{dataset.root}: images are items of an array; expected files.")
    _check_free(to)
    lost: list[str] = write(dataset, to, images=images)
    return lost


def _check_free(to: Path) -> None:
    try:
        if to.exists() and (not to.is_dir() or next(to.iterdir(), None) is not None):
            raise DataError(
                f"{to}: is there already and not empty. Nothing is overwritten; name a new folder."
            )
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{to}: cannot be made ({error.strerror or error}). Choose another folder.") from None
