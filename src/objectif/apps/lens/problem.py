"""The Problem of a lens: which label an image has, every network the data allow, torch-free.

The objective is balanced accuracy where labels are unevenly frequent in the folder: people photograph what is common, and
ask about what is rare.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from objectif.data.load import load
from objectif.errors import InputError
from objectif.problem import Problem

UNEVEN = 2.0
"""Largest class over smallest from which each label counts alike."""


def problem(data: Path | str, **options: Any) -> Problem:
    """The statement for a folder of labelled photos; options: as Problem takes them.

    InputError where an image has several labels, or there is nothing to tell apart.
    """
    stated = Problem(data, "classify", **options)
    dataset = load(stated.data, **stated.reading())
    if dataset.multilabel or len(dataset.classes) < 2:
        met = "several labels an image" if dataset.multilabel else f"{len(dataset.classes)} label"
        raise InputError(
            f"{data}: {met}; expected one of at least two labels for each photo, such as a folder for each."
        )
    counts = np.bincount(dataset.truth(), minlength=len(dataset.classes))
    if "metric" in options or counts.max() < UNEVEN * max(1, counts.min()):
        return stated
    return Problem(data, "classify", **{**options, "metric": "balanced_accuracy"})
