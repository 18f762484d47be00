"""Fitting the input gate: a plane of embeddings, and limits that let a wanted share of good inputs pass.

One threshold for all checks. Each measure of an image that took no part in the fit is told as how far it lies beyond the
usual, in units of its own tail: (x - u) / s with u the 80 % quantile and s the mean excess over it, which for an exponential
tail makes all measures alike, whatever their unit; measures that end at zero or at white are told on a scale that does not,
or their limits would lie beyond the end. The largest of these numbers is the image's strangeness, and the
conformal quantile of the strangeness is the threshold: of new images that are exchangeable with these, the wanted share
passes all checks together. Bonferroni over seven limits was rejected: each would ask for an order statistic that a few
hundred images do not have. With fewer images than the quantile needs (49 for 98 %) the exponential tail is continued.

Distances are honest by cross-fitting: an image's distance is that to the plane of the other folds' images, units never
cut. The delivered one is of all images, a little better, so a little more passes.

An embedding's distance is what a few principal directions of usual embeddings leave of it. Compared with it, each knowing one
of five sets of images (fruit, seedlings, traffic signs, brain slices, nuclei) and being shown the other four, at the same
share of good images that pass: Mahalanobis along and across the directions, the same with a mean for each class, and the
third nearest of the images themselves. It let the fewest through, and asks for the least in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.solution.gate import DISTANCE, LOOKS, SIGNATURE, Gate, Limits, Space, directions

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
PASSES = 0.98
LEAST = 10
"""Fewer images than this have no tail to speak of: no gate is fitted."""
RANK, SHARE, FOLDS = 16, 4, 10
"""Directions kept, at most one for so many images; folds of cross-fitting."""
USUAL = 0.8  # the quantile behind which the tail begins
_SIDES = (("level", -1), ("level", 1), ("contrast", -1), ("detail", -1), ("colour", -1), ("colour", 1), ("enlarged", 1), (DISTANCE, 1), (SIGNATURE, 1))  # fmt: skip
_FLOORS = {
    "level": 0.05,
    "contrast": 0.1,
    "detail": 0.1,
    "colour": 0.1,
    "enlarged": 0.1,
    DISTANCE: 0.02,
    SIGNATURE: 0.02,
}
"""The least that a tail is taken to measure, on the scale of its measure: of pictures that are all alike, a level more is no
surprise."""
_OFFSETS = {"contrast": 0.25, "detail": 0.25, "colour": 1.0, "enlarged": 0.0}
"""Levels added before the logarithm, so that a picture without any has a number."""
WHITE = 256.0


def fit_space(embedding: NDArray[Any], rank: int = RANK) -> Space:
    """The plane of embeddings (n, D), n >= 2, with at most `rank` directions."""
    values = np.asarray(directions(embedding), np.float64)
    mean = values.mean(0)
    centred = values - mean
    n = len(values)
    rank = max(1, min(rank, n // SHARE, values.shape[1] - 1)) if values.shape[1] > 1 else 0
    # Of a few hundred rows of a thousand columns the products of rows are the smaller matrix.
    power, vectors = np.linalg.eigh(centred @ centred.T)
    power, vectors = power[::-1][:rank], vectors[:, ::-1][:, :rank]
    total = float((centred**2).sum()) / (n - 1)
    floor = max(1e-12, 1e-9 * total)
    kept = power > floor * (n - 1)
    power, vectors = power[kept], vectors[:, kept]
    basis = (vectors.T @ centred) / np.sqrt(power)[:, None]
    spread = power / (n - 1)
    rest = max(total - float(spread.sum()), floor, 1e-3 * total)
    rounded = basis.astype(np.float16).astype(np.float32)  # as the file keeps it
    return Space(mean.astype(np.float32), rounded, spread.astype(np.float32), rest)


def crossed_distances(embedding: Floats, units: NDArray[np.int64]) -> Floats:
    """(n,) distance of each image to the plane of the images of other folds; images of one unit share a fold."""
    order = np.random.default_rng(0).permutation(int(units.max()) + 1)
    fold = order[units] % FOLDS
    found = np.full(len(embedding), np.nan, np.float32)
    for k in np.unique(fold):
        inside = fold != k
        if inside.sum() >= 2:
            found[~inside] = fit_space(embedding[inside]).distances(embedding[~inside])
    return found


def limits(
    looks: Floats, distances: Mapping[str, Floats], passes: float = PASSES
) -> tuple[dict[str, Limits], dict[str, float]]:
    """Limits of looks (n, 6), and the highest distances, that let the share `passes` of such images through all together.

    distances: name -> (n,) of the same images to a plane that was fitted without them.
    """
    columns = {name: _scaled(name, looks[:, k]) for k, name in enumerate(LOOKS)}
    columns |= {name: np.asarray(values, np.float64) for name, values in distances.items()}
    tails = {
        (name, sign): _tail(sign * columns[name], _FLOORS[name]) for name, sign in _SIDES if name in columns
    }
    strange = np.max([(sign * columns[name] - u) / s for (name, sign), (u, s) in tails.items()], axis=0)
    threshold = conformal(strange, passes)
    ends = {key: key[1] * (u + threshold * s) for key, (u, s) in tails.items()}
    found: dict[str, Limits] = {}
    for name in LOOKS:
        low, high = (_limit(name, ends.get((name, sign))) for sign in (-1, 1))
        if low is not None or high is not None:
            found[name] = low, high
    return found, {name: float(ends[name, 1]) for name in distances}


def _tail(values: Doubles, floor: float) -> tuple[float, float]:
    """(where the tail begins, its mean excess)."""
    begin = float(np.quantile(values, USUAL))
    beyond = values[values > begin] - begin
    return begin, max(floor, float(beyond.mean()) if len(beyond) else 0.0)


def conformal(strange: Doubles, passes: float) -> float:
    """The threshold that a new number, exchangeable with these, keeps with at least the probability `passes`.

    Where that needs more numbers than there are, the largest, continued by an exponential tail of mean 1.
    """
    n = len(strange)
    place = int(np.ceil((n + 1) * passes - 1e-9))
    if place <= n:
        return float(np.sort(strange)[place - 1])
    return float(strange.max() - np.log((1 - passes) * (n + 1)))


def _scaled(name: str, values: NDArray[Any]) -> Doubles:
    """A look on a scale without ends: log-odds of a level, else log2."""
    values = np.asarray(values, np.float64)
    if name == "level":
        share = (values + 0.5) / WHITE
        return np.asarray(np.log(share / (1 - share)), np.float64)
    return np.asarray(np.log2(np.maximum(values + _OFFSETS.get(name, 0.0), 1e-9)), np.float64)


def _limit(name: str, end: float | None) -> float | None:
    """The inverse of _scaled(); None where nothing can lie beyond it."""
    if end is None:
        return None
    if name == "level":
        value = WHITE / (1 + np.exp(-end)) - 0.5
        return float(round(value, 4)) if 0 < value < WHITE - 1 else None
    value = 2.0**end - _OFFSETS.get(name, 0.0)
    return float(round(value, 4)) if value > 0 else None


def fit(
    looks: Floats,
    distances: Floats | None,
    space: Space | None,
    origin: str,
    signatures: tuple[Floats, NDArray[np.int64]] | None = None,
    passes: float = PASSES,
) -> Gate:
    """The gate for fp32 from looks (n, 6) and distances (n,) of images that took no part in fitting `space`.

    distances, space: None where embeddings are not to be judged. signatures: (n, 60) of the same images and (n,) their units,
    where those are to be judged. origin: what images these are.
    """
    far: dict[str, Floats] = {}
    signed = None
    if space is not None and distances is not None:
        space, far[DISTANCE] = _in_units(space, distances)
    if signatures is not None:
        signed, far[SIGNATURE] = _in_units(fit_space(signatures[0]), crossed_distances(*signatures))
    ends, most = limits(looks, far, passes)
    judged = DISTANCE in most
    return Gate(
        ends,
        {"fp32": most[DISTANCE]} if judged else {},
        space if judged else None,
        passes,
        len(looks),
        origin,
        None if signed is None else (signed, most[SIGNATURE]),
    )


def _in_units(space: Space, distances: Floats) -> tuple[Space, Floats]:
    """Both so that the middle distance is 1."""
    unit = max(float(np.median(distances)), 1e-6)
    return replace(space, unit=space.unit * unit), distances / np.float32(unit)
