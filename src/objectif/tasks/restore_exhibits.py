"""What a report of restoration shows: PSNR and SSIM of each image before and after, and pictures to slide between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.noisy_pictures import in_decibels, is_noisy, sure, thirds
from objectif.metrics.pictures import extent, halves, psnr, ssim
from objectif.tasks.exhibits import BeforeAfter, Cases, Exhibit, Sheet

CASES = 3  # pictures of each kind
MOST_ROWS = 60  # images in the table

Arrays = NDArray[Any]


def exhibits(paths: Sequence[str], truth: Arrays, answers: Arrays) -> list[Exhibit]:
    """The table and the cases, of truth (N, H, W, 2C) and answers (N, H, W, C); of truth (N, H, W, 3C) see _noisy()."""
    if is_noisy(truth, answers):
        return _noisy(paths, truth, answers)
    figures = np.array([_figures(t, a) for t, a in zip(truth, answers, strict=True)])
    order = np.argsort(figures[:, 1] - figures[:, 0], kind="stable")  # by dB gained, the least first
    found: list[Exhibit] = [_table(paths, figures, order)]
    middle = len(order) // 2
    start = max(0, middle - CASES // 2)
    for title, caption, rows in (
        ("Least gained", "The pictures of which restoration improved the PSNR least.", order[:CASES]),
        ("Usual gains", "Pictures from the middle of that order.", order[start : start + CASES]),
        ("Most gained", "The other end.", order[::-1][:CASES]),
    ):
        cases = tuple(_case(paths[i], truth[i], answers[i], figures[i]) for i in rows.tolist())
        found.append(Cases(title, caption, cases))
    return found if len(order) > 2 * CASES else found[:2]


def _noisy(paths: Sequence[str], truth: Arrays, answers: Arrays) -> list[Exhibit]:
    """What can be said where no clean picture is known: estimated errors, and pictures before and after."""
    rows: list[tuple[str, float, float]] = []
    cases: list[BeforeAfter] = []
    for path, told, answer in zip(paths, truth, answers, strict=True):
        height, width = extent(told)
        told, answer = told[:height, :width], answer[:height, :width]
        _, shown, given = thirds(told)
        rows.append((path, sure(told, np.asarray(shown, np.float64)), sure(told, answer)))
        if len(cases) < 2 * CASES:
            words = f"estimated squared error {rows[-1][1]:.1f} given, {rows[-1][2]:.1f} restored"
            cases.append(BeforeAfter(path, words, _bytes(given), _bytes(answer), None))
    means = [float(np.mean([row[k] for row in rows])) for k in (1, 2)]
    alike = in_decibels(means[1])
    told_so = "" if alike is None else f" Its mean is that of a PSNR of about {alike:.1f} dB."
    return [
        Sheet(
            "Each picture",
            "The squared error to the clean picture, estimated without one (SURE, squared levels of 0..255): of the picture "
            f"with the little more noise that it was judged with, and restored.{told_so} PSNR and SSIM against clean "
            "pictures are unknown.",
            ("picture", "given", "restored"),
            (("all, mean", *means), *rows[:MOST_ROWS]),
        ),
        Cases("Before and after", "Noisy pictures as they came, and restored.", tuple(cases)),
    ]


def _figures(truth: Arrays, answer: Arrays) -> tuple[float, float, float, float]:
    """PSNR given and restored, SSIM given and restored."""
    height, width = extent(truth)
    clean, given = (half[:height, :width] for half in halves(truth))
    answer = answer[:height, :width]
    return psnr(clean, given), psnr(clean, answer), ssim(clean, given), ssim(clean, answer)


def _table(paths: Sequence[str], figures: Arrays, order: NDArray[np.int64]) -> Sheet:
    shown = order[:MOST_ROWS]
    rows: list[tuple[str | float | None, ...]] = [("all, mean", *map(float, figures.mean(axis=0)))]
    rows += [(paths[i], *map(float, figures[i])) for i in shown.tolist()]
    rest = f" The first {len(shown)} of {len(order)}." if len(shown) < len(order) else ""
    return Sheet(
        "Each picture",
        f"PSNR in dB (peak 255), SSIM (11 x 11 Gaussian of 1.5 pixels, range 255), before and after; least gained first.{rest}",
        ("picture", "PSNR given", "PSNR restored", "SSIM given", "SSIM restored"),
        tuple(rows),
    )


def _case(path: str, truth: Arrays, answer: Arrays, figures: Arrays) -> BeforeAfter:
    height, width = extent(truth)
    clean, given = (half[:height, :width] for half in halves(truth))
    words = (
        f"{figures[0]:.2f} dB given, {figures[1]:.2f} dB restored; SSIM {figures[2]:.3f} and {figures[3]:.3f}"
    )
    return BeforeAfter(path, words, _bytes(given), _bytes(answer[:height, :width]), _bytes(clean))


def _bytes(picture: Arrays) -> NDArray[np.uint8]:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
