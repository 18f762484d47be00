"""prepare: shape, type and meaning of the network's input, for every fit, step, depth and number of channels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from objectif.errors import ImageError, SolutionError
from objectif.images.photo import read
from objectif.images.prepare import FITS, STEPS, Preparation, load, prepare, resize


def noise(height: int, width: int, channels: int, kind: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    return (
        np.random.default_rng(seed)
        .integers(0, np.iinfo(kind).max + 1, (height, width, channels))
        .astype(kind)
    )


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from([1, 3]),
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3]),
    st.sampled_from(FITS),
    st.lists(st.sampled_from(sorted(STEPS)), max_size=2, unique=True),
)
@settings(max_examples=150, deadline=None)
def test_shape_type_and_range(
    h: int, w: int, c: int, kind: Any, height: int, width: int, channels: int, fit: Any, steps: list[str]
) -> None:
    pixels = noise(h, w, c, kind)
    before = pixels.copy()
    out = prepare(pixels, Preparation(height, width, channels, fit, tuple(steps)))
    assert out.shape == ((h, w, channels) if fit == "keep" else (height, width, channels))
    assert out.dtype == (np.uint8 if kind is np.uint8 else np.float32)
    assert 0 <= out.min() <= out.max() <= 255
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("fit", FITS)
def test_the_size_at_hand_is_left_alone(fit: Any) -> None:
    pixels = noise(20, 30, 3)
    assert np.array_equal(prepare(pixels, Preparation(20, 30, fit=fit)), pixels)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "fit", FITS[:3]
)  # kept, CLAHE sees tiles of 80 pixels, of which the bins tell another story
def test_sixteen_bits_mean_the_same_as_eight(step: str, fit: Any) -> None:
    y, x = np.mgrid[:64, :80]
    eight = np.dstack([x * 2 + 40, y * 2 + 30, x + y]).astype(np.uint8)
    preparation = Preparation(32, 32, fit=fit, steps=(step,))
    a, b = prepare(eight, preparation), prepare(eight.astype(np.uint16) * 257, preparation)
    # CLAHE and equalisation bin 16 bits finer, so they agree in substance only
    assert np.abs(a.astype(float) - b).mean() < (12 if step in {"clahe", "equalise_gray"} else 1)


def test_shrinking_averages_areas() -> None:
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None]
    assert np.abs(resize(board, 16, 16).astype(int) - 127).max() <= 1
    tall = resize(board, 16, 100)  # one side shrinks while the other grows
    assert tall.shape == (16, 100, 1)
    assert np.abs(tall.astype(int) - 127).max() <= 1


@given(st.integers(10, 90), st.integers(10, 90), st.sampled_from([1, 3, 5, 13]), st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_shrinking_equals_opencv_bit_by_bit(height: int, width: int, channels: int, size: int) -> None:
    pixels = noise(height, width, channels)
    single = [
        cv2.resize(pixels[:, :, k].copy(), (size, size), interpolation=cv2.INTER_AREA)
        for k in range(channels)
    ]
    expected = np.dstack(single)
    assert np.array_equal(resize(pixels, size, size), expected)


def test_crop_keeps_the_middle_and_pad_keeps_all() -> None:
    pixels = np.zeros((40, 120, 3), np.uint8)
    pixels[:, 40:80] = 200
    assert (prepare(pixels, Preparation(20, 20, fit="crop")) == 200).all()
    padded = prepare(pixels, Preparation(30, 30, fit="pad"))
    assert (padded[:10] == 128).all()
    assert (padded[20:] == 128).all()
    assert (padded[10:20, 11:19] == 200).all()
    assert (padded[10:20, :9] == 0).all()


def test_channels() -> None:
    gray = noise(8, 8, 1)
    assert (prepare(gray, Preparation(8, 8)) == gray).all()
    red = np.zeros((4, 4, 3), np.uint8)
    red[:, :, 0] = 255
    assert prepare(red, Preparation(4, 4, channels=1))[0, 0, 0] == 76  # 0.299 x 255: RGB, not BGR
    five = noise(8, 8, 5)
    assert prepare(five, Preparation(4, 4, channels=5)).shape == (4, 4, 5)
    with pytest.raises(ImageError, match="5 channels; expected 3"):
        prepare(five, Preparation(4, 4), name="a.tif")
    with pytest.raises(ImageError, match="expected 1 or 3"):
        prepare(five, Preparation(4, 4, channels=5, steps=("gray",)))


def test_white_balance_takes_the_cast() -> None:
    pixels = (noise(32, 32, 3) * np.array([1.0, 0.6, 0.5])).astype(np.uint8)
    means = STEPS["white_balance"](pixels).reshape(-1, 3).mean(0)
    assert np.ptp(means) < 6
    black = np.zeros((4, 4, 3), np.uint8)
    assert np.array_equal(STEPS["white_balance"](black), black)


def test_clahe_raises_contrast_and_keeps_hue() -> None:
    x = np.tile(np.linspace(100, 130, 64), (64, 1))
    dull = np.dstack([x + 20, x, x - 20]).astype(np.uint8)
    sharp = STEPS["clahe"](dull)
    assert sharp[:, :, 1].std() > 1.1 * dull[:, :, 1].std()
    means = sharp.reshape(-1, 3).mean(0)
    assert means[0] > means[1] > means[2]


def test_denoise_takes_salt_and_keeps_an_edge() -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:, 10:] = 200
    salted = pixels.copy()
    salted[5, 4] = salted[12, 16] = 255
    assert np.array_equal(STEPS["denoise"](salted), pixels)


def test_equalise_gray_undoes_gamma() -> None:
    pixels = noise(64, 64, 1)
    darker = (255 * (pixels / 255) ** 2.2).astype(np.uint8)
    a, b = STEPS["equalise_gray"](pixels), STEPS["equalise_gray"](darker)
    assert np.abs(a.astype(int) - b).mean() < 4
    flat = np.full((4, 4, 3), 90, np.uint8)
    assert STEPS["equalise_gray"](flat).shape == flat.shape


def test_load_is_read_then_prepare(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(noise(50, 70, 3)).save(file)
    preparation = Preparation(24, 24, fit="crop", steps=("clahe",))
    assert np.array_equal(load(file, preparation), prepare(read(file), preparation))
    assert np.array_equal(load(file.read_bytes(), preparation), load(file, preparation))


def test_scaled_decoding_changes_next_to_nothing() -> None:
    y, x = np.mgrid[:900, :1200]
    scene = np.dstack([128 + 100 * np.sin(x / 90), 128 + 100 * np.cos(y / 70), x * 255 // 1200]).astype(
        np.uint8
    )
    stream = io.BytesIO()
    Image.fromarray(scene).save(stream, "JPEG", quality=92)
    for fit in FITS:
        preparation = Preparation(128, 128, fit=fit)
        fast = load(stream.getvalue(), preparation)
        slow = prepare(read(stream.getvalue()), preparation)
        assert np.abs(fast.astype(int) - slow).mean() < 1.5


@pytest.mark.parametrize("fit", FITS)
def test_a_preparation_survives_json(fit: Any) -> None:
    preparation = Preparation(96, 128, 1, fit, ("gray", "clahe"))
    assert Preparation.from_dict(preparation.to_dict()) == preparation


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 3}, "'colour' is not known"),
        ({"height": 0}, "height = 0"),
        ({"width": "wide"}, "width = 'wide'"),
        ({"channels": True}, "channels = True"),
        ({"fit": "squash"}, "'squash'"),
        ({"steps": ["sharpen"]}, "'sharpen' is not known"),
        ({"steps": "clahe"}, "expected a list"),
        ({"steps": 7}, "expected a list"),
    ],
)
def test_a_wrong_preparation_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SolutionError, match=words):
        Preparation.from_dict({"height": 8, "width": 8, **change})
    with pytest.raises(SolutionError, match="'width' is missing"):
        Preparation.from_dict({"height": 8})
