"""Segmenters: where masks go in a view, how deep pixels lie, what the objective asks, and that far pixels have no say.

Their contract is tried with that of all learners, in test_detect.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from objectif.learn.losses.base import Batch
from objectif.learn.models import find_learner
from objectif.learn.models.segment.depths import depths
from objectif.learn.models.segment.pixelwise import FULL, Pixelwise, depth_loss
from objectif.learn.models.segment.view import Settings, view
from objectif.metrics.masks import VOID, classes_of, objects_of, packed

STILL = Settings(light=0.0)


class Given:
    """A loss that keeps what it was given, and has the value of cross-entropy."""

    kind = "mask"

    def __call__(self, output, truth, batch, model):  # type: ignore[no-untyped-def]
        self.output, self.truth = output, truth
        return torch.nn.functional.cross_entropy(output, truth, ignore_index=VOID)


# --- views ---------------------------------------------------------------------------------------------------------


def marked(n: int = 6, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Dark pictures with two lighter rectangles, and their masks: class 1, objects 7 and 40,000."""
    rng = np.random.default_rng(0)
    images = np.full((n, 96, 128, channels), 20, np.uint8)
    truth = np.zeros((n, 96, 128), np.uint32)
    for row in range(n):
        for left, number, value in ((4, 7, 200), (66, 40_000, 250)):
            x, y = left + rng.integers(0, 20), rng.integers(4, 40)
            images[row, y : y + 40, x : x + 30] = value
            truth[row, y : y + 40, x : x + 30] = 1 + 256 * number
    return images, truth


@pytest.mark.parametrize("progress", [0.0, 0.9])
@pytest.mark.parametrize("channels", [1, 3, 6])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_masks_stay_on_what_they_mean(progress: float, channels: int, kind: type) -> None:
    images, truth = marked(channels=channels)
    symmetries = ("mirror", "flip", "turn")
    for size in ((96, 128), (128, 64)):
        seen, told = view(
            images.astype(kind), truth, size, np.random.default_rng(2), progress, symmetries, STILL
        )
        assert seen.dtype == kind and told.dtype == np.float32
        masks = told.astype(np.uint32)
        assert np.array_equal(masks, told)
        expected = {0: 20, 1 + 256 * 7: 200, 1 + 256 * 40_000: 250, VOID: 128}
        assert set(np.unique(masks)) <= set(expected)
        assert len(np.unique(masks)) >= 3
        for value, light in expected.items():
            shown = seen[masks == value]  # at borders a pixel is a mixture of both sides
            assert shown.size == 0 or (np.abs(shown.astype(float) - light) <= 2).mean() > 0.85


def upright(mask: np.ndarray) -> bool:
    """Whether a rectangle is still parallel to the sides."""
    inside = mask == 1 + 256 * 7
    return int(inside.sum()) == int(inside.any(1).sum()) * int(inside.any(0).sum())


def test_views_are_tilted_only_where_quarter_turns_keep_the_truth_and_not_at_the_end() -> None:
    images, truth = marked()
    for symmetries, progress, tilted in (
        (("turn",), 0.0, True),
        (("turn",), 1.0, False),
        (("mirror", "flip"), 0.0, False),
    ):
        _, told = view(images, truth, (96, 128), np.random.default_rng(3), progress, symmetries, STILL)
        assert all(map(upright, told)) != tilted


def test_views_at_the_end_show_the_picture_about_as_it_fits() -> None:
    images, truth = marked()
    _, told = view(images, truth, (192, 256), np.random.default_rng(0), 1.0, (), STILL)
    for number in (7, 40_000):
        areas = (told == 1 + 256 * number).sum((1, 2)) / (1200 * 4)
        assert 0.85 < areas.min() <= areas.max() < 1.15


def test_a_mask_of_bytes_is_seen_as_one_with_objects() -> None:
    images, truth = marked()
    arguments = ((96, 128), np.random.default_rng(5), 0.0, ("turn",), STILL)
    whole = view(images, truth, *arguments)[1].astype(np.uint32)
    arguments = ((96, 128), np.random.default_rng(5), 0.0, ("turn",), STILL)
    classes = view(images, classes_of(truth), *arguments)[1]
    assert np.array_equal(classes, classes_of(whole))


# --- depths --------------------------------------------------------------------------------------------------------


@st.composite
def object_masks(draw: st.DrawFn) -> np.ndarray:
    """Rectangles that may touch and cover each other, with open pixels."""
    high, wide = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    mask = np.zeros((high, wide), np.uint32)
    for number in draw(st.lists(st.integers(1, 65_000), max_size=5, unique=True)):
        y, x = draw(st.integers(0, high - 1)), draw(st.integers(0, wide - 1))
        mask[y : y + draw(st.integers(1, 12)), x : x + draw(st.integers(1, 12))] = 1 + 256 * number
    if draw(st.booleans()):
        mask[:, draw(st.integers(0, wide - 1))] = VOID
    return mask


@settings(max_examples=60, deadline=None)
@given(mask=object_masks())
def test_every_object_has_a_middle_and_nothing_else_is_deep(mask: np.ndarray) -> None:
    deep, objects = depths(mask), objects_of(mask)
    assert deep.dtype == np.float32 and deep.shape == mask.shape
    assert deep.min() >= 0 and deep.max() <= 1
    assert (deep[objects == 0] == 0).all()
    for number in np.unique(objects[objects > 0]):
        assert deep[objects == number].max() == 1
    other = packed(classes_of(mask), np.where(objects > 0, 65_001 - objects, 0))
    assert np.array_equal(depths(other), deep)


def test_touching_objects_have_a_valley_between_and_size_does_not_matter() -> None:
    classes, objects = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint32)
    classes[10:30, 10:50] = 1
    objects[10:30, 10:30], objects[10:30, 30:50] = 1, 2
    deep = depths(packed(classes, objects))
    assert deep[20, 29:31].max() < 0.25
    assert deep[20, 18:22].max() == deep[20, 38:42].max() == 1
    large = depths(packed(classes.repeat(2, 0).repeat(2, 1), objects.repeat(2, 0).repeat(2, 1)))
    assert np.abs(large.reshape(40, 2, 60, 2).mean((1, 3)) - deep).max() < 0.2
    assert not depths(classes).any()


def test_the_side_of_the_picture_is_no_border() -> None:
    mask = np.zeros((20, 40), np.uint32)
    mask[:, :20] = 257
    deep = depths(mask)
    assert np.array_equal(deep[0], deep[10])
    assert deep[0, 0] == 1


# --- objective -----------------------------------------------------------------------------------------------------


def network(classes: int, name: str = "pixels") -> Pixelwise:
    torch.manual_seed(0)
    built = find_learner(name).build(3, classes)
    assert isinstance(built, Pixelwise)
    return built.eval()


def test_few_classes_are_asked_at_the_size_of_the_truth_and_many_at_the_networks() -> None:
    image = torch.randint(0, 256, (4, 32, 64, 3), dtype=torch.uint8)
    truth = torch.zeros(4, 32, 64)
    truth[:, ::2, ::2], truth[:, ::2, 1::2], truth[:, 1::2, ::2] = 0, 1, 2
    truth[:, 1::2, 1::2] = VOID
    for classes, size in ((FULL, (32, 64)), (FULL + 1, (16, 32))):
        loss = Given()
        network(classes).objective(image, truth, (loss,), Batch(torch.ones(4), torch.ones(classes)))
        assert loss.output.shape == (4, classes, *size)
        assert loss.truth.shape == (4, *size) and loss.truth.dtype == torch.int64
        assert set(loss.truth.flatten().tolist()) == {0, 1, 2, VOID}  # no place of a cell is left out


def test_depth_is_learned_where_there_are_objects_alone() -> None:
    image = torch.randint(0, 256, (2, 32, 64, 3), dtype=torch.uint8)
    classes = torch.zeros(2, 32, 64)
    classes[:, 8:24, 8:40] = 1
    for name, numbered, learned in (
        ("pixels", 256.0, True),
        ("pixels", 0.0, False),
        ("threshold", 256.0, False),
    ):
        model = network(2, name)
        truth = classes + numbered * classes
        batch = Batch(torch.ones(2), torch.ones(2))
        torch.autograd.backward(model.objective(image, truth, (Given(),), batch))
        slope = model.head.weight.grad
        assert slope is not None and bool(slope[:2].abs().sum() > 0)
        assert bool(slope[2:].abs().sum() > 0) == learned


def test_the_least_of_the_depth_loss_is_the_depth_and_open_pixels_do_not_matter() -> None:
    mask = np.zeros((1, 32, 32), np.uint32)
    mask[0, 4:20, 4:28] = 257
    right = torch.logit(torch.from_numpy(depths(mask[0]))[None].clamp(1e-6, 1 - 1e-6))
    weight = torch.ones(1)
    truth = torch.from_numpy(mask.astype(np.int64))
    least = float(depth_loss(right, truth, weight))
    assert abs(least) < 1e-3
    assert float(depth_loss(right + 0.5, truth, weight)) > least + 0.01
    assert float(depth_loss(-right, truth, weight)) > 1
    truth[0, 24:] = VOID
    wild = right.clone()
    wild[0, 24:] = 1e4
    assert float(depth_loss(wild, truth, weight)) == pytest.approx(least, abs=1e-3)
    extreme = torch.full((1, 32, 32), -1e4, requires_grad=True)
    value = depth_loss(extreme, truth, weight)
    torch.autograd.backward(value)
    assert bool(torch.isfinite(value)) and bool(torch.isfinite(extreme.grad).all())
    nothing = torch.full((1, 32, 32), VOID)
    assert float(depth_loss(right, nothing, weight)) == 0


@pytest.mark.parametrize("kind", [np.uint8, np.uint32, np.float32])
def test_counts_are_shares_of_what_is_known_times_images(kind: type) -> None:
    truth = np.full((3, 4, 4), VOID, kind)
    truth[0] = 0
    truth[1, :2] = 1
    counts = network(3).counts(truth, 3)
    assert counts.tolist() == pytest.approx([2.0, 1.0, 0.0])
    assert network(3).counts(np.full((2, 4, 4), VOID, kind), 3).tolist() == [0, 0, 0]


# --- tiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["threshold", "pixels", "unet", "lite0_unet"])
def test_what_is_far_away_has_no_say(name: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 64, 2048, 3), dtype=np.uint8)
    other = image.copy()
    other[:, :, :64] = 255 - other[:, :, :64] // 4
    model = network(2, name)
    with torch.inference_mode():
        scores, changed = (model(torch.from_numpy(x))[0][0] for x in (image, other))
    half = scores.shape[1] // 2
    assert float((scores - changed)[:, :16].abs().max()) > 1e-3
    assert float((scores - changed)[:, half:].abs().max()) < 1e-5


@pytest.mark.parametrize("name", ["pixels", "unet", "lite0_unet"])
def test_the_exported_network_takes_pictures_of_any_size(name: str) -> None:
    from objectif.learn.export.whole import export_whole
    from objectif.run.network import Network

    torch.manual_seed(0)
    try:
        network = find_learner(name).build(3, 3).eval()
    except Exception as error:  # weights that are not there
        pytest.skip(str(error))
    runner = Network(export_whole(network, (64, 64)), threads=1, needs=network.outputs)
    assert runner.any_size
    image = np.random.default_rng(0).integers(0, 256, (1, 96, 160, 3), dtype=np.uint8)
    met = runner.outputs(image)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image))
    for key, value in zip(network.outputs, expected, strict=True):
        assert np.allclose(met[key], value.numpy(), atol=1e-2), key
