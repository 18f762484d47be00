"""Images a second of a Solution on this machine: from files, from memory, and of the bare network.

The bare network (prepared pixels, no decoding, whatever threads suit it best) is the bound; what matters to a user is
the share of it that is left when real files are answered for. Machines are busy and clocks move, so the three are
measured in turn, round after round, and their ratio is taken within each round. Every image is answered as a whole:
one in tiles would be many runs of the network.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import InputError
from objectif.images.photo import probe
from objectif.images.prepare import Placement
from objectif.images.prepare import load as load_image
from objectif.run import memory
from objectif.run.gate import judged, measured
from objectif.run.inputs import Failure
from objectif.run.measure import measure
from objectif.run.network import EMBEDDING, SCORES, Network, cores
from objectif.run.predictor import Predictor
from objectif.solution.file import PRECISIONS, Precision, Solution, read
from objectif.tasks import find

_POOL = 32  # prepared images that the bare network is fed with, again and again
_BATCHES = (1, 4, 16)
Runner = Callable[[int], None]


@dataclass(frozen=True)
class Speed:
    """What one precision does with one set of images.

    files, encoded, bare: images a second, medians over rounds: from files, from encoded images in memory, and of the
    network alone on prepared pixels. ratio: files / bare, the median of the rounds' ratios. cpu_ratio: the same in
    seconds of computing, which other programs disturb less. setting: how the bare network was quickest.
    latency_ms: one prepared image, all cores. gate_ms: what the input gate takes of it, on one core; 0 without one. memory_mb: peak of a process that answers for these files.
    """

    images: str
    precision: Precision
    files: float
    encoded: float
    bare: float
    ratio: float
    cpu_ratio: float
    setting: str
    latency_ms: float
    memory_mb: float
    gate_ms: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def benchmark(
    path: Path,
    sets: dict[str, Sequence[str]],
    *,
    precisions: Sequence[Precision] | None = None,
    count: int | None = None,
    seconds: float = 1.0,
    rounds: int = 5,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Speed]:
    """Speeds of the Solution at `path` for each set (title -> image files) and each precision it has.

    count: images in each measurement; None is as many as take about `seconds`. Raises SolutionError, InputError where
    a set has no image that can be read, RunError where a child process fails.
    """
    solution = read(path)
    chosen = precisions or [p for p in PRECISIONS if p in solution.networks]
    found = []
    for title, files in sets.items():
        good = _readable(solution, files)
        for precision in chosen:
            progress(f"{title}, {precision}")
            found.append(_speed(path, solution, title, good, precision, count, seconds, rounds))
    return found


def _readable(solution: Solution, files: Sequence[str]) -> list[str]:
    """The files that can be answered for: a broken one would count as a very quick image."""
    answers = Predictor(solution).suppose().predict(iter(files), tile="off")
    good = [answer.path for answer in answers if not isinstance(answer, Failure)]
    if not good:
        raise InputError(f"none of {len(files)} files can be read as an image; expected at least one.")
    return good


def _speed(
    path: Path,
    solution: Solution,
    title: str,
    files: list[str],
    precision: Precision,
    count: int | None,
    seconds: float,
    rounds: int,
) -> Speed:
    if solution.preparation.fit == "keep":
        files = _of_one_size(files)
    predictor = Predictor(solution, precision=precision).suppose()
    pixels = np.stack(
        [load_image(Path(f), solution.preparation) for f in itertools.islice(itertools.cycle(files), _POOL)]
    )
    encoded = [Path(f).read_bytes() for f in files[:_POOL]]
    needed = find(solution.task).outputs
    bare = quickest(ways(solution.networks[precision], pixels, needed), seconds=seconds)
    runners: dict[str, Runner] = {
        "files": lambda n: _drain(predictor, itertools.islice(itertools.cycle(files), n)),
        "encoded": lambda n: _drain(predictor, itertools.islice(itertools.cycle(encoded), n)),
        **bare,
    }
    taken = in_turn(runners, count, seconds, rounds)
    wall = {name: [n / t for n, t, _ in runs] for name, runs in taken.items()}
    cpu = {name: [n / max(c, 1e-9) for n, _, c in runs] for name, runs in taken.items()}
    setting = max(bare, key=lambda name: statistics.median(wall[name]))
    height, width, channels = (int(side) for side in pixels.shape[1:])
    return Speed(
        images=title,
        precision=precision,
        files=statistics.median(wall["files"]),
        encoded=statistics.median(wall["encoded"]),
        bare=statistics.median(wall[setting]),
        ratio=statistics.median(f / b for f, b in zip(wall["files"], wall[setting], strict=True)),
        cpu_ratio=statistics.median(f / b for f, b in zip(cpu["files"], cpu[setting], strict=True)),
        setting=setting,
        latency_ms=measure(Network(solution.networks[precision], needs=needed), (height, width, channels)),
        memory_mb=memory.of_solution(path, files[: 2 * _POOL], precision=precision),
        gate_ms=judging(predictor, pixels),
    )


def judging(predictor: Predictor, pixels: NDArray[Any]) -> float:
    """Milliseconds that the input gate takes for one of these prepared images (m,H,W,C), the median; 0 without a gate."""
    gate, place = predictor.gate, Placement(*pixels.shape[1:3])
    if gate is None:
        return 0.0
    taken = []
    for one in pixels:
        embedding = predictor.outputs(one[None])[EMBEDDING] if gate.space is not None else None
        start = time.perf_counter()
        judged(gate, measured(gate, [one], [place], embedding)[0], predictor.precision)
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def _of_one_size(files: list[str]) -> list[str]:
    """The files of the commonest size: pictures that are kept as they are make no batch with others."""
    sizes = [(info.height, info.width) for info in (probe(Path(f)) for f in files)]
    usual = max(dict.fromkeys(sizes), key=sizes.count)
    return [file for file, size in zip(files, sizes, strict=True) if size == usual]


def in_turn(
    runners: dict[str, Runner], count: int | None, seconds: float, rounds: int
) -> dict[str, list[tuple[int, float, float]]]:
    """(images, seconds, seconds of computing) of each runner in each round; one unmeasured turn comes first."""
    taken: dict[str, list[tuple[int, float, float]]] = {name: [] for name in runners}
    counts: dict[str, int] = {}
    for name, run in runners.items():
        run(cores())
        start = time.perf_counter()
        run(8)
        counts[name] = count or max(8, round(8 * seconds / (time.perf_counter() - start)))
    for _ in range(rounds):
        for name, run in runners.items():
            start, computing = time.perf_counter(), time.process_time()
            run(counts[name])
            taken[name].append((counts[name], time.perf_counter() - start, time.process_time() - computing))
    return taken


def ways(onnx: bytes, pixels: NDArray[Any], outputs: tuple[str, ...] = (SCORES,)) -> dict[str, Runner]:
    """Name -> function that runs n prepared images (of the pool (m,H,W,C)) through a network, in every way worth trying.

    outputs: what is computed. One caller with all cores, its idle threads asleep or spinning, and one caller for each core; batches of 1, 4, 16.
    """
    found: dict[str, Runner] = {}
    for callers, threads, spin in dict.fromkeys(
        [(1, cores(), False), (1, cores(), True), (cores(), 1, False)]
    ):
        network = Network(onnx, threads=threads, spin=spin, needs=outputs)
        for batch in _BATCHES:
            name = f"{callers} caller(s) x {threads} thread(s), batch {batch}{', spinning' if spin else ''}"
            found[name] = _bare(network, pixels, callers, batch, outputs)
    return found


def quickest(runners: dict[str, Runner], *, seconds: float = 1.0, keep: int = 2) -> dict[str, Runner]:
    """The best few by a short trial of each, three times over, the best time counting: others only ever add time."""
    rates = dict.fromkeys(runners, 0.0)
    for _ in range(3):
        for name, run in runners.items():
            start, done = time.perf_counter(), 0
            while done == 0 or time.perf_counter() - start < 0.15 * seconds:
                run(_POOL // 2)
                done += _POOL // 2
            rates[name] = max(rates[name], done / (time.perf_counter() - start))
    best = sorted(runners, key=lambda name: -rates[name])[:keep]
    return {name: runners[name] for name in best}


def _bare(
    network: Network, pixels: NDArray[Any], callers: int, batch: int, outputs: tuple[str, ...] = (SCORES,)
) -> Runner:
    """A function that runs n prepared images, split over the callers."""

    def some(count: int) -> None:
        places = itertools.cycle(range(0, len(pixels) - batch + 1, batch))
        while count > 0:
            place = next(places)
            network.outputs(pixels[place : place + min(batch, count)], outputs)
            count -= batch

    def run(count: int) -> None:
        shares = [(count + k) // callers for k in range(callers)]
        threads = [Thread(target=some, args=(share,)) for share in shares[1:]]
        for thread in threads:
            thread.start()
        some(shares[0])
        for thread in threads:
            thread.join()

    return run


def _drain(predictor: Predictor, items: Any) -> None:
    for _ in predictor.predict(items, tile="off"):
        pass
