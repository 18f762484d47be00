"""Latency of one image: what a limit `latency_ms` is held against."""

from __future__ import annotations

import statistics
import time

import numpy as np

from objectif.run.network import Network


def measure(
    network: Network, shape: tuple[int, int, int], *, runs: int = 31, seconds: float = 2.0, warm: int = 3
) -> float:
    """Milliseconds for one image (height, width, channels): the median of single-image runs, all outputs computed.

    The network runs as it was opened (`Network(onnx)`: every core). `seconds` bounds the whole measurement after at
    least three runs, so a slow network costs little. The median, because other programs only ever add time, and the
    minimum of a few runs is a time that no user sees.
    """
    image = np.random.default_rng(0).integers(0, 256, (1, *shape)).astype(network.dtype)
    for _ in range(warm):  # the first runs allocate and, on some machines, raise the clock
        network.outputs(image)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < runs and (len(taken) < 3 or time.perf_counter() < end):
        start = time.perf_counter()
        network.outputs(image)
        taken.append(time.perf_counter() - start)
    return 1e3 * statistics.median(taken)
