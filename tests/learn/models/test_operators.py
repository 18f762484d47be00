"""The classical operators: the contract of models, what each must not see, and what they are worth on real images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.typing import NDArray

from objectif import plugins
from objectif.learn.fit.heads import Rotated, fit_head
from objectif.learn.losses.cross_entropy import LOSS as CROSS_ENTROPY
from objectif.learn.models.base import Model
from objectif.learn.models.operators.colour import COLOUR
from objectif.learn.models.operators.hog import BINS, CELL, HOG, HOG_CENTRE, SIDE, by_distance
from objectif.learn.models.operators.lbp import LBP
from objectif.learn.models.operators.pixels import gaussian, lab
from objectif.learn.models.operators.texture import TEXTURE
from objectif.learn.testing import check_model

OPERATORS = (COLOUR, LBP, TEXTURE, HOG, HOG_CENTRE)


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    import os

    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def vectors(model: Model, images: NDArray[np.generic]) -> NDArray[np.float32]:
    features = model.build(images.shape[-1]).eval()
    with torch.inference_mode():
        parts = [features(torch.from_numpy(images[i : i + 32]))[0].numpy() for i in range(0, len(images), 32)]
    found: NDArray[np.float32] = np.concatenate(parts)[:, slice(*model.columns)]
    return found


def apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))


def scene(side: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth random blobs, as (1,H,W,C)."""
    import cv2

    rough = np.random.default_rng(seed).integers(0, 256, (9, 9, channels)).astype(np.uint8)
    return cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC).reshape(1, side, side, channels)


@pytest.mark.parametrize(
    "name", [n for n in plugins.names("models") if plugins.load("models", n) in OPERATORS]
)
def test_keeps_the_contract(name: str) -> None:
    failed = [f"{c.name}: {c.detail}" for c in check_model(name) if not c.ok]
    assert not failed


@pytest.mark.parametrize("model", OPERATORS, ids=lambda m: m.name)
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_takes_any_number_of_channels_and_any_side(model: Model, channels: int) -> None:
    for side in (model.size, 224, 40):
        found = vectors(model, scene(side, channels))
        assert np.isfinite(found).all()
        stop = model.columns[1]
        assert found.shape[1] == (model.build(channels).width if stop is None else stop)


@pytest.mark.parametrize("model", [COLOUR, LBP, TEXTURE], ids=lambda m: m.name)
def test_does_not_see_how_the_picture_is_turned(model: Model) -> None:
    image = scene(model.size)
    one = vectors(model, image)
    for turned in (np.rot90(image, axes=(1, 2)), image[:, :, ::-1]):
        other = vectors(model, np.ascontiguousarray(turned))
        assert apart(one, other) < 0.1 * apart(one, vectors(model, scene(model.size, seed=1)))


def test_hog_sees_direction() -> None:
    ramp = np.tile(np.arange(0, 192, 4, dtype=np.uint8)[None, :, None], (48, 1, 3))[None]
    for turns, direction in (
        (0, 0),
        (1, 13),
        (2, 9),
        (3, 4),
    ):  # to the right, up, to the left, down (rows grow down)
        cells = vectors(HOG, np.ascontiguousarray(np.rot90(ramp, turns, axes=(1, 2)))).reshape(-1, BINS)
        strongest = int(cells[:, :18].sum(0).argmax())
        assert min(abs(strongest - direction), 18 - abs(strongest - direction)) <= 1


def test_hog_does_not_see_how_strong_the_light_is() -> None:
    image = scene(SIDE)
    assert apart(vectors(HOG, image), vectors(HOG, image // 2)) < 0.1


def test_the_middle_of_hog_does_not_see_the_border() -> None:
    image = scene(SIDE)
    other = image.copy()
    other[:, :CELL] = other[:, -CELL:] = 0
    other[:, :, :CELL] = other[:, :, -CELL:] = 255
    assert apart(vectors(HOG_CENTRE, image), vectors(HOG_CENTRE, other)) < 1e-6
    assert apart(vectors(HOG, image), vectors(HOG, other)) > 0.1
    order, within = by_distance()
    assert sorted(order.tolist()) == list(range((SIDE // CELL) ** 2))
    assert vectors(HOG_CENTRE, image).shape[1] == within * BINS


def test_lbp_does_not_see_a_change_of_brightness() -> None:
    image = np.clip(scene(LBP.size, channels=1), 20, 200)
    assert apart(vectors(LBP, image), vectors(LBP, image + np.uint8(30))) < 0.01


def test_lab_is_that_of_the_standard() -> None:
    """White, black, gray and the primaries, D65; figures from the definition of CIE 1976."""
    known = {
        (255, 255, 255): (100.0, 0.0, 0.0),
        (255, 0, 0): (53.2, 80.1, 67.2),
        (0, 255, 0): (87.7, -86.2, 83.2),
        (0, 0, 255): (32.3, 79.2, -107.9),
        (119, 119, 119): (50.0, 0.0, 0.0),
    }
    for rgb, expected in known.items():
        met = lab(torch.tensor(rgb).view(1, 3, 1, 1) / 255.0).flatten() * 100
        assert met.tolist() == pytest.approx(expected, abs=6.0)


def test_derivatives_measure_ramps_and_curves_alike_at_every_scale() -> None:
    for sigma in (1.0, 2.0, 4.0):
        first, second = gaussian(sigma, 1), gaussian(sigma, 2)
        x = torch.arange(len(first)) - len(first) // 2
        assert float((first * -x).sum()) == pytest.approx(
            sigma, rel=0.05
        )  # a ramp of slope 1, in units of sigma
        assert float((second * x**2).sum()) == pytest.approx(2 * sigma**2, rel=0.15)
        assert float(second.sum()) == pytest.approx(0.0, abs=1e-6)


def read(root: Path, side: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    import cv2

    paths = sorted(p for p in root.rglob("*") if p.suffix in {".png", ".jpg", ".jpeg"})
    names = sorted({p.parent.name for p in paths})
    images = [
        cv2.resize(cv2.imread(str(p))[..., ::-1], (side, side), interpolation=cv2.INTER_AREA) for p in paths
    ]
    truth = np.array([names.index(p.parent.name) for p in paths])
    return np.stack(images), truth, [p.relative_to(root.parent).as_posix() for p in paths]


def right(
    features: NDArray[np.float32],
    truth: NDArray[np.int64],
    fold: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> float:
    hits = []
    for k in np.unique(fold):
        train, held = fold != k, fold == k
        data = Rotated(features[train], truth[train], groups=groups[train])
        head = fit_head(data, CROSS_ENTROPY, classes=int(truth.max()) + 1)
        hits.append(head.logits(features[held]).argmax(1) == truth[held])
    return float(np.concatenate(hits).mean())


def test_hog_of_the_middle_reads_traffic_signs(shared: Callable[..., Path]) -> None:
    """Held-out tracks, the lists on which HOG with logistic regression by hand had .713."""
    images, truth, paths = read(shared("traffic_signs"), HOG_CENTRE.size)
    fold = np.full(len(paths), -1)
    for k, listed in enumerate(sorted(shared("traffic_signs", room="splits").glob("fold*.txt"))):
        fold[[paths.index(line) for line in listed.read_text().split()]] = k
    tracks = np.unique([p.rsplit("_", 1)[0] for p in paths], return_inverse=True)[1]
    assert right(vectors(HOG_CENTRE, images), truth, fold, tracks) > 0.85


def test_colour_and_texture_read_fruit(shared: Callable[..., Path]) -> None:
    """Nine classes of 65; one in nine is right by chance."""
    images, truth, _ = read(shared("fruit_quality"), TEXTURE.size)
    images, truth = images[::2], truth[::2]
    features = np.concatenate([vectors(COLOUR, images), vectors(TEXTURE, images)], 1)
    fold = np.random.default_rng(0).permutation(len(truth)) % 3
    assert right(features, truth, fold, np.arange(len(truth))) > 0.7
