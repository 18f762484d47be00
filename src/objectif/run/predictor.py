"""Predictor: a Solution at work, from files or pixels to answers, in order, in bounded memory.

Decoding runs beside the network by making every worker do both: one thread for each core takes the next inputs,
decodes and prepares them and runs the network on its own core (onnxruntime, libjpeg and OpenCV let go of the
interpreter's lock). Nothing waits for anything but the next input, so cores never idle and any mix of cheap and dear
pictures balances itself. The alternative, decoders feeding one network that uses all cores, was measured and is
slower: its threads meet at each operator of the graph while decoders hold their cores
(docs/decisions/workers-decode-and-run.md has the table).

A picture far larger than those the network was fitted on is answered in tiles (images/tiles.py), one such picture at a
time, its tiles spread over as many threads: two of them decoded at once would be half a gigabyte more. Windows
(images/windows.py) are so large that the network sees one at a time, on all cores, while threads prepare and decode others.

An answer appears as soon as it is computed, even where the next input is still to come (a list that grows on stdin, a
camera): workers take what is there, up to a small batch, and never wait to fill one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Answer, Judgement
from objectif.errors import ImageError, InputError, SolutionError
from objectif.images import photo
from objectif.images.prepare import Placement, placement, prepare
from objectif.images.prepare import load as load_image
from objectif.images.tiles import Tile, TileRule, grid, tile_size
from objectif.images.windows import steps, windows
from objectif.run.gate import Measures, judged, measured, together
from objectif.run.inputs import Failure, find
from objectif.run.judging import Judge
from objectif.run.network import EMBEDDING, SCORES, Network, cores, lacks, usual_batch
from objectif.run.ordered import ordered
from objectif.run.shapes import flaws
from objectif.solution.file import Precision, Solution, read
from objectif.solution.gate import Gate
from objectif.tasks import find as find_task

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Picture:
    """An input that is ready for the network: pixels as images.prepare gives them, and where the picture lies in them."""

    name: str
    pixels: NDArray[Any]
    placement: Placement


Source = str | Path | bytes | NDArray[Any] | Picture


@dataclass(frozen=True)
class _Large:
    """An input that is to be answered in tiles: what to read (of a file only its name), its height and width."""

    name: str
    source: Path | bytes | NDArray[Any]
    size: tuple[int, int]
    tiles: list[Tile]

    def pixels(self) -> NDArray[Any]:
        """What to cut."""
        return self.source if isinstance(self.source, np.ndarray) else photo.read(self.source, name=self.name)


@dataclass(frozen=True)
class _Decoded:
    """An input's answers (1, ...) as the task has them, and what the input gate goes by, where there is one."""

    name: str
    rows: NDArray[Any]
    placement: Placement
    measures: Measures | None = None


@dataclass(frozen=True)
class _Row:
    """The answers (1, ...) of one prepared image, and what the input gate goes by, where there is one."""

    rows: NDArray[Any]
    measures: Measures | None


@dataclass(frozen=True)
class _Job:
    """What one call of predict() asked for, and the sign that nobody wants it any more."""

    rule: TileRule
    progress: Progress
    ended: Event = field(default_factory=Event)


class _NoAnswer(Exception):
    """Why an image in tiles has no answer."""


class Predictor:
    """Answers for images by a Solution.

    precision: "fp32", "int8", or "auto" (the Solution's default). workers: threads that decode and run, by default one
    for each core. batch: images that a worker runs at once, by default four small ones or one that is larger.
    known: file -> what is known of it beside its pixels, where the Solution takes that (data.series.known_of).
    Raises SolutionError where the Solution lacks the precision or its network breaks the contract.
    """

    def __init__(
        self,
        solution: Solution,
        *,
        precision: Precision | Literal["auto"] = "auto",
        workers: int | None = None,
        batch: int | None = None,
        known: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        chosen = solution.default if precision == "auto" else precision
        if chosen not in solution.networks:
            raise SolutionError(
                f"precision {chosen!r} is not in this Solution; it has {', '.join(sorted(solution.networks))}. "
                "Use one of them, or auto."
            )
        self.solution = solution
        self.task = find_task(solution.task)
        self.gate = Gate.of(solution)
        self.precision: Precision = chosen
        self._judge = Judge(solution, chosen)
        self.workers = max(1, workers or cores())
        alone = solution.preparation.fit == "keep"  # pictures of several sizes are no batch
        self.batch = 1 if alone else max(1, batch or usual_batch(solution.preparation, chosen))
        far = self.gate is not None and self.gate.space is not None and EMBEDDING not in self.task.outputs
        self._wanted = (*self.task.outputs, *([EMBEDDING] if far else []))
        self._narrow = self._opened(1)
        self.known = _resolved(known or {})
        self._supposed: dict[str, float] = {}
        self._wide: Network | None = None
        self._for_windows: Network | None = None
        self._one_large, self._one_window = Lock(), Lock()
        self._fits(self._narrow)

    def know(self, known: Mapping[str, Mapping[str, float]]) -> None:
        """What is known of more files beside their pixels."""
        self.known |= _resolved(known)

    def suppose(self) -> Predictor:
        """Zeros for all that is not known: good enough to measure time and memory by."""
        self._supposed = dict.fromkeys(self._narrow.columns, 0.0)
        return self

    def _known(self, name: str) -> Mapping[str, float]:
        """What is known of a file beside its pixels."""
        return {**self._supposed, **self.known.get(_whole(name), {})} if self._narrow.columns else {}

    def outputs(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Prepared pixels (N, height, width, channels) to all outputs of the network, all cores on one batch."""
        return self._on_all_cores().outputs(batch)

    def scores(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Prepared pixels (N, height, width, channels) to raw scores (N, ..., C), all cores on one batch."""
        return self._checked(self._on_all_cores().outputs(batch, (SCORES,)))[SCORES]

    def probabilities(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Prepared pixels (N, height, width, channels) to the task's answers (N, ...): of classes, probabilities (N, C).

        Boxes are in pixels of the prepared images.
        """
        outputs = self._checked(self._on_all_cores().outputs(batch, self.task.outputs))
        return self._decode(outputs, [Placement(*batch.shape[1:3])] * len(batch))

    def predict(
        self,
        inputs: str | Path | Iterable[Source | Failure],
        *,
        tile: TileRule = "auto",
        progress: Progress = lambda *_: None,
    ) -> Generator[Answer | Failure]:
        """An answer or a Failure for each input, in order.

        inputs: one name (file, folder or glob), or an iterable, endless or not, of file names, encoded images (bytes),
        pixels (H, W, C) uint8 or uint16, as images.photo.read gives them, and Pictures that are prepared already. It is read on a thread of its own, a
        few dozen inputs ahead of the answers taken. Failures pass through.
        tile: which images are answered in tiles, and how large those are: "auto" (see images.tiles.tile_size), "off",
        or pixels of the image along a tile's long side; only for tasks whose answers have places.
        progress is called with (name, tiles done, tiles) during an image in tiles, on threads of the Predictor.
        """
        return self._each(inputs, self._job(tile, progress), self._told)

    def measured(
        self, inputs: str | Path | Iterable[Source | Failure], *, tile: TileRule = "auto"
    ) -> Generator[tuple[Answer, Measures] | Failure]:
        """As predict(), each answer with what the input gate goes by. SolutionError where the Solution has no gate."""
        if self.gate is None:
            raise SolutionError(
                "this Solution has no input gate, because an older objectif made it. Solve again to have one."
            )
        job = self._job(tile, lambda *_: None)

        def finish(found: list[_Decoded]) -> list[tuple[Answer, Measures]]:
            measures = [one.measures for one in found if one.measures is not None]
            return list(zip(self._told(found), measures, strict=True))

        return self._each(inputs, job, finish)

    def decoded(
        self, inputs: str | Path | Iterable[Source | Failure], *, tile: TileRule = "auto"
    ) -> Generator[NDArray[Any] | Failure]:
        """As predict(), but answers as the task's metrics take them: (1, ...) for each image."""
        job = self._job(tile, lambda *_: None)
        return self._each(inputs, job, lambda found: [one.rows for one in found])

    def _job(self, rule: TileRule, progress: Progress) -> _Job:
        """Refuses a rule that makes no sense, or tiles for a task whose answers have no place, before anything is read."""
        tile_size(1, 1, self.solution.preparation, self.solution.reference, rule)
        if isinstance(rule, int) and not self.task.tiled:
            raise InputError(
                f"tile is {rule}; expected auto or off, because this Solution has the task {self.task.name!r}, "
                "which answers for an image as a whole."
            )
        if self._narrow.columns and not self.known and not self._supposed:
            raise InputError(f"{lacks(self._narrow.columns[0])}.")
        return _Job(rule, progress)

    def _each(
        self,
        inputs: str | Path | Iterable[Source | Failure],
        job: _Job,
        finish: Callable[[list[_Decoded]], list[Result]],
    ) -> Generator[Result | Failure]:
        items: Iterable[Source | Failure] = find([inputs]) if isinstance(inputs, str | Path) else inputs

        def work(numbered: list[tuple[int, Source | Failure]]) -> list[Result | Failure]:
            found = self._answered(numbered, job)
            finished = iter(finish([one for one in found if not isinstance(one, Failure)]))
            return [one if isinstance(one, Failure) else next(finished) for one in found]

        return ordered(
            work,
            items,
            workers=self.workers,
            batch=self.batch,
            window=32 * self.workers,
            stop=job.ended.set,
        )

    def _ready(self, number: int, item: Source | Failure, rule: TileRule) -> Picture | _Large | Failure:
        """One input prepared for the network, unless it is large; or why there is none."""
        if isinstance(item, Failure | Picture):
            return item
        name = str(item) if isinstance(item, str | Path) else f"image {number}"
        preparation = self.solution.preparation
        try:
            if isinstance(item, np.ndarray):
                size = int(item.shape[0]), int(item.shape[1])
                source: bytes | NDArray[Any] = item
            else:
                source, _ = photo.given(item if isinstance(item, bytes) else Path(item), name)
                info = photo.probe(source, name=name)
                size = info.height, info.width
            tiles = self._tiles(*size, rule)
            if tiles:
                return _Large(name, Path(item) if isinstance(item, str | Path) else source, size, tiles)
            place = replace(placement(*size, preparation), known=self._known(name))
            lacking = [column for column in self._narrow.columns if column not in place.known]
            if lacking:
                return Failure(name, lacks(lacking[0]))
            if isinstance(source, bytes):
                return Picture(name, load_image(source, preparation, name=name), place)
            return Picture(name, prepare(source, preparation, name=name), place)
        except ImageError as error:
            return Failure(name, str(error).removeprefix(f"{name}: "))
        except Exception as error:
            return _unforeseen(name, error)

    def _answered(self, numbered: list[tuple[int, Source | Failure]], job: _Job) -> list[_Decoded | Failure]:
        """Answers for a few inputs, as one batch; for one alone, or for those before it, where one is large."""
        ready: list[Picture | Failure] = []
        for number, item in numbered:
            one = self._ready(number, item, job.rule)
            if isinstance(one, _Large):
                if not ready:
                    return [self._in_tiles(one, job)]
                break
            ready.append(one)
        pictures = [one for one in ready if isinstance(one, Picture)]
        rows = iter(self._rows([p.pixels for p in pictures], [p.placement for p in pictures]))
        found: list[_Decoded | Failure] = []
        for one in ready:
            if isinstance(one, Failure):
                found.append(one)
                continue
            row = next(rows)
            found.append(
                Failure(one.name, row)
                if isinstance(row, str)
                else _Decoded(one.name, row.rows, one.placement, row.measures)
            )
        return found

    def _rows(
        self,
        pixels: list[NDArray[Any]],
        placements: list[Placement],
        decode: Callable[..., NDArray[Any]] | None = None,
    ) -> list[_Row | str]:
        """The answers of each of a few prepared images, or why there are none; decode: the task's, if not that of whole
        images."""
        if not pixels:
            return []
        outputs = self._checked(self._run(np.stack(pixels), placements))
        measures: Iterable[Measures | None] = [None] * len(pixels)
        if self.gate is not None:
            measures = measured(self.gate, pixels, placements, outputs.get(EMBEDDING))
            outputs = {name: outputs[name] for name in self.task.outputs}
        flawed: dict[int, str] = {
            int(k): name
            for name, values in outputs.items()
            for k in np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        }
        good = [k for k in range(len(pixels)) if k not in flawed]
        if flawed:
            outputs = {name: values[good] for name, values in outputs.items()}
        chosen = [placements[k] for k in good]
        decoded = iter(self._decode(outputs, chosen, decode) if good else [])
        return [
            f"the network gave no finite {flawed[k]}; run `objectif check` on the Solution"
            if k in flawed
            else _Row(next(decoded)[None], of_gate)
            for k, of_gate in enumerate(measures)
        ]

    def _run(self, batch: NDArray[Any], placements: list[Placement]) -> dict[str, NDArray[np.float32]]:
        """The outputs for prepared images: on the calling thread, or, of a size of their own, on all cores in turn."""
        usual = self.solution.preparation
        if usual.fit == "keep" or batch.shape[1:3] == (usual.height, usual.width):
            side = self._narrow.side(placements)
            return self._narrow.outputs(batch, self._wanted, *(() if side is None else (side,)))
        with self._one_window:
            self._for_windows = self._for_windows or self._opened(self.workers)
            return self._for_windows.outputs(batch, self._wanted)

    def _opened(self, threads: int) -> Network:
        """The network at hand, on so many threads."""
        return Network(self.solution.networks[self.precision], threads=threads, needs=self._wanted)

    def _tiles(self, height: int, width: int, rule: TileRule) -> list[Tile]:
        """The tiles in which an image is answered; none where it is answered as a whole."""
        preparation = self.solution.preparation
        size = tile_size(height, width, preparation, self.solution.reference, rule)
        if size is None or not self.task.tiled:
            return []
        known = placement(*size, preparation)
        if self._narrow.any_size and preparation.fit != "keep":
            return windows(height, width, known)
        return grid(height, width, size, unit=steps(known))

    def _in_tiles(self, large: _Large, job: _Job) -> _Decoded | Failure:
        """The stitched answers of a large image; one image at a time, its tiles on all workers."""
        name, seen = large.name, list[Measures]()
        with self._one_large:
            if job.ended.is_set():
                return Failure(name, "stopped")
            try:
                rows = self.task.stitch(self._parts(large, job, seen), *large.size, self.solution.decoding)
            except (_NoAnswer, ImageError) as error:
                return Failure(name, str(error).removeprefix(f"{name}: "))
            except Exception as error:
                return _unforeseen(name, error)
        return _Decoded(name, rows, Placement(*large.size), together(seen, *large.size) if seen else None)

    def _parts(self, large: _Large, job: _Job, seen: list[Measures]) -> Generator[tuple[Tile, NDArray[Any]]]:
        """Each tile with its answers, in order, as they come: whoever stitches need not hold them all.

        seen: to which what the input gate goes by is added.
        """
        batch, ahead = (1, 1) if self._narrow.any_size else (self.batch, 8 * self.batch)
        work = partial(self._tile_rows, large.pixels(), large.name)
        parts = ordered(work, large.tiles, workers=self.workers, batch=batch, window=ahead * self.workers)
        with closing(parts):
            for number, (tile, row) in enumerate(zip(large.tiles, parts, strict=True)):
                if isinstance(row, str) or job.ended.is_set():
                    raise _NoAnswer(row if isinstance(row, str) else "stopped")
                if row.measures is not None:
                    seen.append(row.measures)
                yield tile, row.rows
                job.progress(large.name, number + 1, len(large.tiles))
        self._for_windows = None  # it keeps half a gigabyte, which whoever stitches may need

    def _tile_rows(
        self, pixels: NDArray[Any], name: str, numbered: list[tuple[int, Tile]]
    ) -> list[_Row | str]:
        """The answers of a few tiles."""
        preparation, (height, width) = self.solution.preparation, pixels.shape[:2]
        tiles = [tile for _, tile in numbered]
        return self._rows(
            [prepare(tile.cut(pixels), tile.part(preparation), name=name) for tile in tiles],
            [self.task.tile_place(tile, height, width, preparation) for tile in tiles],
            self.task.tile_decode,
        )

    def _told(self, found: list[_Decoded]) -> list[Answer]:
        """Answers for people."""
        known = self.solution
        return [
            self._judged(answer, one)
            for one in found
            for answer in self.task.answers(
                [one.name], known.classes, one.rows, known.decoding, known.multilabel, [one.placement]
            )
        ]

    def _judged(self, answer: Answer, found: _Decoded) -> Answer:
        """The answer with what may be done with it: nothing with an input of another kind, else as promises say."""
        reason = None
        if self.gate is not None and found.measures is not None:
            reason = judged(self.gate, found.measures, self.precision)
        judgement = self._judge(answer, found.rows) if reason is None else Judgement("reject", reason)
        return answer if judgement is None else replace(answer, judgement=judgement)

    def _decode(
        self,
        outputs: dict[str, NDArray[np.float32]],
        placements: list[Placement],
        decode: Callable[..., NDArray[Any]] | None = None,
    ) -> NDArray[Any]:
        asked = self.task.decode if decode is None else decode
        return asked(outputs, self.solution.decoding, self.solution.multilabel, placements)

    def _on_all_cores(self) -> Network:
        """The network for callers who wait for one batch; opened when first asked for, predict() never needs it."""
        if self._wide is None:
            self._wide = self._opened(cores())
        return self._wide

    def _checked(self, outputs: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        wrong = flaws(outputs, self.task.outputs, len(self.solution.classes))
        if wrong:
            raise SolutionError(
                f"the network gives {wrong[0]}. The Solution was put together from parts that do not belong "
                "together: export it again."
            )
        return outputs

    def _fits(self, network: Network) -> None:
        preparation = self.solution.preparation
        for made, taken in zip(
            (preparation.height, preparation.width, preparation.channels), network.shape[1:], strict=True
        ):
            if taken is not None and taken != made:
                raise SolutionError(
                    f"the network takes images of {network.shape[1:]}, the preparation makes "
                    f"{(preparation.height, preparation.width, preparation.channels)}; expected the same. "
                    "Export the Solution again."
                )


def _whole(name: str) -> str:
    """A file's name by which it is known, however it was given."""
    return os.path.realpath(name)


def _resolved(known: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    return {_whole(name): values for name, values in known.items()}


def _unforeseen(name: str, error: Exception) -> Failure:
    """Where a decoder fails as nobody thought of: this picture fails, the rest goes on."""
    return Failure(name, f"cannot be decoded ({type(error).__name__}: {error}); convert it or remove it")


def load(
    path: str | Path, *, precision: Precision | Literal["auto"] = "auto", workers: int | None = None
) -> Predictor:
    """The Predictor of a Solution file: what `objectif.load` is in Python."""
    return Predictor(read(path), precision=precision, workers=workers)
