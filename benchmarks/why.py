"""Figures of explanations: whether the hottest place lies on the object, and what hiding, showing and forgetting do to maps.

Two races, a few minutes each, on data that say where things are and are asked for classes alone: the kinds of cells in a
blood smear (boxes), and the kind of defect of a magnetic tile (masks; groups are the numbers in the names). Maps are of the
delivered networks on test images, which took no part in the race; each class that is truly in an image is explained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
MOST = {
    "cam": 40,
    "occlusion": 20,
}  # images whose curves are drawn and weights shuffled; of occlusion all tests' images
TEST = 0.4  # share of the tiles' groups that is kept for the test
METHODS = ("cam", "occlusion")
MODELS = ["lite0", "lite0_levels", "lite2", "lite2_levels", "lite0_tuned"]
GOOD = {"format": "good", "group": r"num_(\d+)"}


def tile_lists(dataset: Any, out: Path) -> Path:
    """train.txt and test.txt by the numbers in the names, near duplicates together: groups drawn at random within each kind."""
    from objectif.data.splits import components
    from objectif.health.duplicates import clusters, near_pairs, same_pairs
    from objectif.health.looks import look

    looks = look(dataset)
    near = clusters(len(dataset), [*same_pairs(looks), *near_pairs(looks)])
    units = components(dataset.groups(), near, len(dataset))
    kinds: dict[int, set[int]] = {}
    for sample, unit in zip(dataset.samples, units.tolist(), strict=True):
        kinds.setdefault(unit, set()).add(sample.labels[0])
    rng = np.random.default_rng(0)
    tested: set[int] = set()
    for kind in range(len(dataset.classes)):
        own = sorted(unit for unit, found in kinds.items() if min(found) == kind)
        tested |= set(rng.permutation(own)[: round(TEST * len(own))].tolist())
    out.mkdir(parents=True, exist_ok=True)
    for part, inside in (("train", False), ("test", True)):
        paths = [
            s.path
            for s, unit in zip(dataset.samples, units.tolist(), strict=True)
            if (unit in tested) == inside
        ]
        (out / f"{part}.txt").write_text("\n".join(paths) + "\n")
    return out


def statement(path: Path, data: Path, reading: dict[str, str], budget: str) -> Path:
    """A problem of classes among networks that look at places."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = "".join(
        f"{key} = '{value}'\n" for key, value in {"data": data, "task": "classify", **reading}.items()
    )
    path.write_text(f'{said}[search]\nbudget = "{budget}"\nmodels = {json.dumps(MODELS)}\n')
    return path


@dataclass
class Tally:
    """What one way of explaining did on one set of images."""

    points: list[Any] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    areas: list[dict[str, tuple[float, float]]] = field(default_factory=list)
    area_groups: list[int] = field(default_factory=list)
    alike: dict[str, list[float]] = field(default_factory=dict)
    alike_groups: list[int] = field(default_factory=list)


def held_out(dataset: Any) -> Iterator[tuple[int, int]]:
    """Rows of the test images, and the group of each."""
    known = dataset.groups()
    for row in dataset.split("test"):
        yield int(row), int(row if known is None else known[row])


def measured(solution: Any, dataset: Any, method: str) -> Tally | None:
    """All tests of one method on the test images; None where the network has no map."""
    import cv2

    from objectif.data.pixels import read
    from objectif.data.regions import region
    from objectif.errors import InputError
    from objectif.learn.export.scramble import scrambled
    from objectif.run.asked import question
    from objectif.run.explain import Explainer
    from objectif.run.predictor import Predictor
    from objectif.run.sanity import curves, likeness, pointing

    def explainer(graph: bytes) -> Any:
        return Explainer(
            Predictor(replace(solution, networks={"fp32": graph}, default="fp32"), workers=1), method=method
        )

    graph = solution.networks["fp32"]
    try:
        own = explainer(graph)
    except InputError:
        return None
    forgotten = {
        part: explainer(g) for part in ("head", "network") if (g := scrambled(graph, part)) is not None
    }
    tally = Tally(alike={part: [] for part in forgotten})
    order = np.random.default_rng(0).permutation(np.array(list(held_out(dataset)), np.int64))
    for number, (row, group) in enumerate(order.tolist()):
        sample = dataset.samples[row]
        seen = own.see(read(dataset, row), name=sample.path)
        if method == "occlusion" and number >= MOST[method]:
            break
        names = [dataset.classes[label] for label in sample.labels]
        whole, *explained = own.each(seen, [None, *names])
        for label, found in zip(sample.labels, explained, strict=True):
            where = region(dataset, row, label)
            if where is not None and not where.all():
                region_there = (
                    cv2.resize(where.astype(np.uint8), found.map.shape[::-1], interpolation=cv2.INTER_NEAREST)
                    > 0
                )
                tally.points.append(pointing(found.map, region_there))
                tally.names.append(dataset.classes[label])
                tally.groups.append(group)
        if number < MOST[method]:
            asked = question(solution, seen.answer, seen.decoded, None)
            tally.areas.append(curves(own, seen, asked, whole.cells, seed=row))
            tally.area_groups.append(group)
        if number < MOST[method]:
            for part, other in forgotten.items():
                again = other.of(other.see(read(dataset, row), name=sample.path), whole.label)
                tally.alike[part].append(likeness(whole.cells, again.cells))
            tally.alike_groups.append(group)
    return tally


def cost(classes: int = 5, runs: int = 200) -> dict[str, float]:
    """model -> what its map adds to the time of an answer at 224 px on one core, in percent: median of paired runs.

    Processor time, because the machine is shared; the two take turns in going first, because the second finds a warm cache.
    """
    import time

    import onnx
    import onnxruntime as ort

    from objectif.learn.export.join import join
    from objectif.learn.export.template import fill, template
    from objectif.learn.models import find_model
    from objectif.run.network import Network

    def session(graph: bytes) -> Any:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        return ort.InferenceSession(graph, options)

    image = np.random.default_rng(0).integers(0, 255, (1, 224, 224, 3), dtype=np.uint8)
    added = {}
    for name in ("lite0", "lite0_levels"):
        model = find_model(name)
        extractor = fill(template(model))
        vector = Network(extractor, needs=("embedding",)).outputs(image, ("embedding",))["embedding"]
        width = vector[:, slice(*model.columns)].shape[1]
        weight = np.random.default_rng(0).normal(size=(width, classes)).astype(np.float32)
        proto = onnx.load_from_string(
            join(extractor, weight, np.zeros(classes, np.float32), columns=model.columns)
        )
        mapped = session(proto.SerializeToString())
        kept = [output for output in proto.graph.output if output.name != "map"]
        del proto.graph.output[:]
        proto.graph.output.extend(kept)
        both = {True: mapped, False: session(proto.SerializeToString())}
        gaps = []
        for number in range(runs):
            taken = {}
            for with_map in ((False, True), (True, False))[number % 2]:
                started = time.process_time()
                both[with_map].run(["scores"], {"image": image})
                taken[with_map] = time.process_time() - started
            gaps.append(100 * (taken[True] / taken[False] - 1))
        added[name] = float(np.median(gaps))
    return added


def lines(tally: Tally) -> list[tuple[str, str]]:
    """(what, figures) of a tally, as the table has them."""
    from objectif.run.sanity import estimate, game

    out = []
    for name in ("all", *dict.fromkeys(sorted(tally.names))):
        inside = [k for k, one in enumerate(tally.names) if name in ("all", one)]
        told = game([tally.points[k] for k in inside], np.array([tally.groups[k] for k in inside], np.int64))
        out.append(
            (
                f"pointing, {name} ({len(inside)})",
                f"hit {told['hit']}; centre {told['centre']}; by chance {told['chance'].mean:.3f}; hit less centre {told['gain']}",
            )
        )
    groups = np.array(tally.area_groups, np.int64)
    for place, name, sign in ((0, "deletion (less is better)", -1), (1, "insertion (more is better)", 1)):
        values = {
            order: np.array([area[order][place] for area in tally.areas])
            for order in ("map", "random", "centre")
        }
        told = "; ".join(f"{order} {estimate(v, groups)}" for order, v in values.items())
        gains = {
            other: estimate(sign * (values["map"] - values[other]), groups) for other in ("random", "centre")
        }
        out.append(
            (name, f"{told}; better than random by {gains['random']}, than centre by {gains['centre']}")
        )
    for part, values_ in tally.alike.items():
        told = estimate(values_, np.array(tally.alike_groups, np.int64))
        out.append((f"{part} shuffled: rank correlation of maps", str(told)))
    return out


def told(tally: Tally | None) -> dict[str, Any] | None:
    """What is kept of a tally: the table's lines, the game in words, and whether it is won beside the centre."""
    from objectif.run.sanity import game

    if tally is None:
        return None
    found = game(tally.points, np.array(tally.groups, np.int64))
    gain = found["gain"]
    above = gain is not None and gain.low is not None and gain.low > 0
    return {"lines": lines(tally), "hit": str(found["hit"]), "centre": str(found["centre"]), "above": above}


def row(solve: Callable[..., Row], runs: Path, data: Path, splits: Path) -> Row:
    """The row for the table of figures; the table of all tests goes into benchmarks/why.md."""
    from objectif.data.load import load
    from objectif.solution.file import read as read_solution

    tiles = load(data / "magnetic_tiles", task="classify", **GOOD)
    lists = tile_lists(tiles, runs / "why_tiles_lists")
    parts = {"why_cells": splits / "blood_cells", "why_tiles": lists}
    asked = {
        "blood_cells, kinds of cells": ("why_cells", data / "blood_cells", {}, "3m"),
        "magnetic_tiles, kind of defect": ("why_tiles", data / "magnetic_tiles", GOOD, "3m"),
    }
    page, said, level, notes = [], [], [], []
    for title, (name, place, reading, budget) in asked.items():
        reading = {**reading, "splits": str(parts[name])}
        result = solve(name, statement(runs / f"{name}.toml", place, reading, budget))
        solution = read_solution(next((runs / name).glob("*.objectif")))
        dataset = load(place, task="classify", **reading)
        page += [f"## {title}", "", f"`{result['winner']}`, {result['metric']} {result['estimate']:.3f} on test images.", "", "| method | test | figures |", "|---|---|---|"]  # fmt: skip
        for method in METHODS:
            kept = runs / f"{name}_{method}.json"
            if not kept.exists():
                kept.write_text(json.dumps(told(measured(solution, dataset, method))))
            found = json.loads(kept.read_text())
            if found is None:
                page.append(f"| {method} | - | this network has no exact map |")
                continue
            page += [f"| {method} | {what} | {figures} |" for what, figures in found["lines"]]
            said.append(f"{title}, {method}: {found['hit']}, centre {found['centre']}")
            if not found["above"]:
                level.append(f"{name} by {method}")
        notes.append(f"{name}: {result['winner']}")
        page.append("")
    if level:
        notes.append(f"not told apart from the centre: {', '.join(level)}")
    added = cost()
    notes.append(
        "a map adds "
        + ", ".join(f"{percent:.1f} % ({name})" for name, percent in added.items())
        + " to an answer's time"
    )
    text = "# Where networks look: tests of maps\n\nTest images alone; 95 % intervals over groups. Made by `python benchmarks/run.py why`.\n\n"
    (Path(__file__).parent / "why.md").write_text(text + "\n".join(page))
    return {
        "what": "pointing game: the hottest place of a class's map lies on an object of that class",
        "asked": "beside the picture's centre",
        "measured": "; ".join(said),
        "reached": None,
        "notes": "; ".join(notes) + "; all tests and each class: [table](why.md)",
        "command": "python benchmarks/run.py why",
    }
