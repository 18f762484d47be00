"""objectif convert: labels in another layout, with a list of what that layout cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Folder or file of labelled images.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="New folder; nothing is overwritten.")],
    to: Annotated[str, typer.Option(help="Layout to write: boxes_csv, coco, masks, voc or yolo.")],
    from_: Annotated[str | None, typer.Option("--from", help="Layout of FROM, if it is not clear.")] = None,
    images: Annotated[
        str, typer.Option(help="copy, link, or none: labels alone, to be put beside the images.")
    ] = "copy",
    masks: Annotated[
        str | None, typer.Option(help="Form of masks: rle or polygons (coco), index or instance (masks).")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="Folder of lists that replace the splits of FROM.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Regular expression on the path: the group.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone.")] = False,
) -> None:
    """Labels from one layout into another, with a list of what was lost."""
    from objectif.data.load import load
    from objectif.data.save import save

    dataset = load(source, format=from_, group=group, splits=splits)
    lost = save(dataset, target, format=to, images=images, masks=masks)  # type: ignore[arg-type]  # save() checks the word
    left = [f"unusable: {path}: {why}" for path, why in dataset.problems.items()]
    told: dict[str, Any] = {
        "from": dataset.layout,
        "to": to,
        "images": len(dataset),
        "objects": sum(len(sample.boxes or ()) for sample in dataset.samples),
        "classes": list(dataset.classes),
        "notes": list(dataset.notes),
        "lost": [*dataset.dropped, *lost, *left],
    }
    _json(told) if json else _print(told, target)


def _json(told: dict[str, Any]) -> None:
    from json import dumps

    print(dumps(told, indent=1))


def _print(told: dict[str, Any], target: Path) -> None:
    """What was read, what was written, what was lost."""
    from objectif.health.words import count, shown

    for note in told["notes"]:
        print(f"- {shown(note)}")
    parts = (
        count(told["images"], "image"),
        *([count(told["objects"], "object")] if told["objects"] else []),
        count(len(told["classes"]), "class", "classes"),
    )
    print(f"{told['from']} -> {told['to']}: {', '.join(parts)} in {shown(str(target))}")
    if not told["lost"]:
        print("nothing was lost")
        return
    print("lost:")
    for line in told["lost"]:
        print(f"  {shown(line)}")
