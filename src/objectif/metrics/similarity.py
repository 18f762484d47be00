"""How alike two images, and an image and an entry of a gallery, are: cosines of embeddings.

An entry of several images is scored by the mean of its embeddings, the template: it averages out what pose and light add
to each. Rejected: the nearest of its images, which grows with their number, so that who was enrolled with ten images
would be taken for others more easily than who was enrolled with one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[Any]
_TINY = 1e-12


def unit(embeddings: Embeddings) -> NDArray[np.float32]:
    """(N, D) rows of length 1; a row of zeros stays one, and is like nothing."""
    rows = np.asarray(embeddings, np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, _TINY), np.float32)


def templates(embeddings: Embeddings, entry: NDArray[np.int64], entries: int) -> NDArray[np.float32]:
    """(E, D) of length 1: the mean of the rows (N, D) of each entry; entry (N,) numbers 0..E-1."""
    sums = np.zeros((entries, embeddings.shape[1]))
    np.add.at(sums, entry, unit(embeddings))
    return unit(sums)


def cosines(probes: Embeddings, others: Embeddings) -> NDArray[np.float32]:
    """(N, M) cosines of rows (N, D) and (M, D)."""
    return np.asarray(unit(probes) @ unit(others).T, np.float32)
