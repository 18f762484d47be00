"""Predictor: a Solution at work, from files or pixels to answers, in order, in bounded memory.

Decoding runs beside the network by making every worker do both: one thread for each core takes the next inputs,
decodes and prepares them and runs the network on its own core (onnxruntime, libjpeg and OpenCV let go of the
interpreter's lock). Nothing waits for anything but the next input, so cores never idle and any mix of cheap and dear
pictures balances itself. The alternative, decoders feeding one network that uses all cores, was measured and is
slower: its threads meet at each operator of the graph while decoders hold their cores
(docs/decisions/workers-decode-and-run.md has the table).

An answer appears as soon as it is computed, even where the next input is still to come (a list that grows on stdin, a
camera): workers take what is there, up to a small batch, and never wait to fill one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.errors import ImageError, SolutionError
from objectif.images.prepare import load as load_image
from objectif.images.prepare import prepare
from objectif.run.inputs import Failure, find
from objectif.run.network import Network, cores
from objectif.run.ordered import ordered
from objectif.solution.file import Precision, Solution, read
from objectif.tasks.classify import answers, decode

Source = str | Path | bytes | NDArray[Any]


class Predictor:
    """Answers for images by a Solution.

    precision: "fp32", "int8", or "auto" (the Solution's default). workers: threads that decode and run, by default one
    for each core. batch: images that a worker runs at once; more than a few only fills memory on a CPU.
    Raises SolutionError where the Solution lacks the precision or its network breaks the contract.
    """

    def __init__(
        self,
        solution: Solution,
        *,
        precision: Precision | Literal["auto"] = "auto",
        workers: int | None = None,
        batch: int = 4,
    ) -> None:
        chosen = solution.default if precision == "auto" else precision
        if chosen not in solution.networks:
            raise SolutionError(
                f"precision {chosen!r} is not in this Solution; it has {', '.join(sorted(solution.networks))}. "
                "Use one of them, or auto."
            )
        self.solution = solution
        self.precision: Precision = chosen
        self.workers = max(1, workers or cores())
        self.batch = max(1, batch)
        self._narrow = Network(solution.networks[chosen], threads=1)
        self._wide: Network | None = None
        self._fits(self._narrow)

    def scores(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Prepared pixels (N, height, width, channels) to raw scores (N, C), all cores on one batch after another."""
        return self._checked(self._on_all_cores().scores(batch))

    def outputs(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Prepared pixels (N, height, width, channels) to all outputs of the network: scores, embedding, map."""
        return self._on_all_cores().outputs(batch)

    def probabilities(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Prepared pixels (N, height, width, channels) to probabilities (N, C)."""
        return decode(self.scores(batch), self.solution.decoding, self.solution.multilabel)

    def predict(self, inputs: str | Path | Iterable[Source | Failure]) -> Generator[Label | Failure]:
        """A Label or a Failure for each input, in order.

        inputs: one name (file, folder or glob), or an iterable, endless or not, of file names, encoded images (bytes)
        and pixels (H, W, C) uint8 or uint16, as images.photo.read gives them. It is read on a thread of its own, a
        few dozen inputs ahead of the answers taken. Failures pass through.
        """
        items: Iterable[Source | Failure] = find([inputs]) if isinstance(inputs, str | Path) else inputs
        return ordered(self._answer, items, workers=self.workers, batch=self.batch, window=32 * self.workers)

    def _on_all_cores(self) -> Network:
        """The network for callers who wait for one batch; opened when first asked for, predict() never needs it."""
        if self._wide is None:
            self._wide = Network(self.solution.networks[self.precision], threads=cores())
        return self._wide

    def _answer(self, numbered: list[tuple[int, Source | Failure]]) -> list[Label | Failure]:
        """Answers for a few inputs; runs on a worker thread."""
        ready = [self._prepared(number, item) for number, item in numbered]
        labels = iter(self._labels([r for r in ready if not isinstance(r, Failure)]))
        return [r if isinstance(r, Failure) else next(labels) for r in ready]

    def _prepared(self, number: int, item: Source | Failure) -> tuple[str, NDArray[Any]] | Failure:
        """(name, pixels for the network) of one input, or why there are none."""
        if isinstance(item, Failure):
            return item
        named = isinstance(item, str | Path)
        name = str(item) if named else f"image {number}"
        try:
            if isinstance(item, np.ndarray):
                return name, prepare(item, self.solution.preparation, name=name)
            source = item if isinstance(item, bytes) else Path(item)
            return name, load_image(source, self.solution.preparation, name=name)
        except ImageError as error:
            return Failure(name, str(error).removeprefix(f"{name}: "))
        except Exception as error:  # unforeseen by a decoder: this picture fails, the rest goes on
            return Failure(
                name, f"cannot be decoded ({type(error).__name__}: {error}); convert it or remove it"
            )

    def _labels(self, named: list[tuple[str, NDArray[Any]]]) -> Iterator[Label | Failure]:
        if not named:
            return
        solution = self.solution
        scores = self._checked(self._narrow.scores(np.stack([pixels for _, pixels in named])))
        probabilities = decode(scores, solution.decoding, solution.multilabel)
        names = [name for name, _ in named]
        labels = answers(names, solution.classes, probabilities, solution.decoding, solution.multilabel)
        for label, row in zip(labels, scores, strict=True):
            if np.isfinite(row).all():
                yield label
            else:
                yield Failure(
                    label.path, "the network gave no finite score; run `objectif check` on the Solution"
                )

    def _checked(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        classes = len(self.solution.classes)
        if scores.ndim != 2 or scores.shape[1] != classes:
            raise SolutionError(
                f"the network gives scores of shape {scores.shape}; expected (N, {classes}), one for each class. "
                "The Solution was put together from parts that do not belong together: export it again."
            )
        return scores

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


def load(
    path: str | Path, *, precision: Precision | Literal["auto"] = "auto", workers: int | None = None
) -> Predictor:
    """The Predictor of a Solution file: what `objectif.load` is in Python."""
    return Predictor(read(path), precision=precision, workers=workers)
