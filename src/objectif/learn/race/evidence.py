"""Cheap evidence that a preparation step could help, so that the race spends its time only where there is some.

Statistics of the small pictures that the data check has made anyway. A step that is suggested here is no more than a
candidate: what it is worth is measured like everything else.
"""

from __future__ import annotations

import numpy as np

from objectif.health.looks import Looks


def worth_trying(looks: Looks) -> tuple[list[str], list[str]]:
    """(steps of images.prepare.STEPS, a sentence for each that says why)."""
    luma = looks.luma.astype(np.float32)
    colour = looks.colour.astype(np.float32)
    steps, why = [], []
    cast = colour[..., 1:].mean((1, 2)) - 128.0
    if cast.std(0).max() > 6.0:
        steps.append("white_balance")
        why.append(
            f"Colour casts differ between images (standard deviation {cast.std(0).max():.0f} of 255): white_balance is a candidate."
        )
    brightness, contrast = luma.mean((1, 2)), luma.std((1, 2))
    if brightness.std() > 30.0 or np.median(contrast) < 35.0:
        steps.append("clahe")
        why.append(
            f"Brightness varies (standard deviation {brightness.std():.0f}) or contrast is low "
            f"(median {np.median(contrast):.0f}): clahe is a candidate."
        )
    if _noise(luma) > 12.0:
        steps.append("denoise")
        why.append(f"Pixel noise is about {_noise(luma):.0f} of 255 even at 64 px: denoise is a candidate.")
    return steps, why


def _noise(luma: np.ndarray) -> float:
    """Median over images of the noise level by the second difference (Immerkaer 1996), at 64 px."""
    inner = (
        luma[:, :-2, :-2]
        + luma[:, :-2, 2:]
        + luma[:, 2:, :-2]
        + luma[:, 2:, 2:]
        - 2 * (luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:])
        + 4 * luma[:, 1:-1, 1:-1]
    )
    # the median absolute response, not the mean: edges are few, noise is everywhere
    return float(np.median(np.median(np.abs(inner), axis=(1, 2)) / 0.6745 / 6.0))
