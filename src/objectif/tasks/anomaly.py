"""Anomalies: "this is not like the others", learned from good pictures alone.

A network tells how unusual the cells of its grid are. They are seen on a grid over the picture (metrics.maps), smoothed as
PatchCore smooths its maps, and the most unusual cell is the picture's score. The threshold keeps a wanted rate of false
alarms on good pictures that took no part, by a conformal quantile: no defect is needed to choose it, and no defect can.
Rejected: the threshold of the best F1, which is tuned to the defects that happen to be there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.answers import AnomalyMap
from objectif.data.good import is_good_row
from objectif.data.masks import read_mask
from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Fit, Placement
from objectif.metrics.base import Metric
from objectif.metrics.maps import OTHER, SIDE, UNKNOWN, cells, conformal, kinds, scores, shrunk, with_row
from objectif.tasks import anomaly_exhibits
from objectif.tasks.base import Traits
from objectif.tasks.exhibits import Exhibit
from objectif.tasks.places import interpolated
from objectif.tasks.undivided import Undivided

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset

Arrays = NDArray[Any]
OUTPUT = "anomaly"
FALSE_ALARMS = 0.05
"""The wanted share of good pictures that are called anomalous."""
BLUR = 4 / 224
"""Standard deviation of the smoothing, of the picture's side: that of PatchCore."""
MOST_BYTES = 6e9  # of all maps of a Dataset together


@dataclass(frozen=True)
class Decoding:
    """How cells become an answer.

    threshold: a picture with a greater score is anomalous. false_alarms: the share of good pictures for which that is
    allowed to happen. good: pictures by which the threshold was chosen. kept: whether they were enough for that share.
    """

    threshold: float = 1.0
    false_alarms: float = FALSE_ALARMS
    good: int = 0
    kept: bool = False

    def __post_init__(self) -> None:
        if not _number(self.threshold):
            raise SolutionError(f"threshold is {self.threshold!r}; expected a finite number.")
        if not _number(self.false_alarms) or not 0 < self.false_alarms < 1:
            raise SolutionError(f"false_alarms is {self.false_alarms!r}; expected a share between 0 and 1.")
        if isinstance(self.good, bool) or not isinstance(self.good, int) or self.good < 0:
            raise SolutionError(f"good is {self.good!r}; expected a whole number of pictures.")
        if not isinstance(self.kept, bool):
            raise SolutionError(f"kept is {self.kept!r}; expected true or false.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "good": self.good,
            "kept": self.kept,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong types."""
        unknown = set(values) - {"threshold", "false_alarms", "good", "kept"}
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        return cls(**values)

    def at(self, good: NDArray[np.floating[Any]]) -> Decoding:
        """The same with the threshold that scores (n,) of held-out good pictures ask for; unchanged where there is none."""
        if not len(good):
            return self
        threshold, kept = conformal(good, self.false_alarms)
        return replace(self, threshold=threshold, good=len(good), kept=kept)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Anomaly(Undivided):
    """The task: whether a picture is like the good ones, and where it is not.

    false_alarms: the share of good pictures that may be called anomalous, by which thresholds are chosen.
    """

    name = "anomaly"
    outputs = (OUTPUT,)
    fit: Fit = "stretch"
    whole = False
    traits = Traits()

    def __init__(self, false_alarms: float = FALSE_ALARMS) -> None:
        self.false_alarms = false_alarms

    def usual_metric(self, multilabel: bool) -> str:
        """The objective where nobody names one."""
        return "image_auroc"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """None: what is good is remembered, or its distribution is estimated."""
        return ()

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return (
            "image_auroc",
            "image_ap",
            "pixel_auroc",
            "aupro",
            "anomaly_f1",
            "detection_rate",
            "false_alarm_rate",
        )

    def forth(self, truth: Arrays, placements: Sequence[Placement], size: tuple[int, int]) -> Arrays:
        """The same: cells are of the picture, and training asks which pictures are good."""
        return truth

    def turned(self, truth: Arrays, view: str, height: int, width: int) -> Arrays:
        """Truth of pictures seen as 'mirror' (left-right), 'flip' (up-down) or 'turn' (90 degrees)."""
        whole = cells(truth)
        if view == "mirror":
            whole = whole[:, :, ::-1]
        elif view == "flip":
            whole = whole[:, ::-1]
        elif view == "turn":
            whole = np.rot90(whole, axes=(1, 2))
        return np.concatenate([whole, truth[:, -1:]], axis=1)

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> Arrays:
        """(N, SIDE + 1, SIDE) uint8: see metrics.maps; kinds numbered in the order of `classes`, good ones 0.

        A kind that is not among `classes` is a defect like any other. Raises DataError where nobody has said which class
        is good, a mask cannot be read, or has another size than its picture.
        """
        if dataset.good is None:
            raise DataError(
                f"{dataset.root}: it is not said which pictures are good; expected a class 'good'. Read the data with "
                "--task anomaly."
            )
        size = len(dataset) * (SIDE + 1) * SIDE * 5
        if size > MOST_BYTES:
            raise DataError(
                f"{dataset.name}: the maps of {len(dataset)} pictures take {size / 1e9:.0f} GB of memory; expected at most "
                f"{MOST_BYTES / 1e9:.0f}. Take fewer pictures."
            )
        names = list(dataset.classes if classes is None else classes)
        maps = np.zeros((len(dataset), SIDE, SIDE), np.uint8)
        kind = np.zeros(len(dataset), np.int64)
        for row, (sample, good) in enumerate(zip(dataset.samples, is_good_row(dataset), strict=True)):
            if good:
                continue
            name = dataset.classes[sample.labels[0]]
            known = name in names and names.index(name) > 0
            kind[row] = min(names.index(name), OTHER) if known else OTHER
            maps[row] = UNKNOWN if sample.mask is None else shrunk(read_mask(dataset, row) > 0)
        return with_row(maps, kind)

    def empty(self, n: int, classes: int) -> Arrays:
        """(n, SIDE + 1, SIDE) answers that nothing is unusual."""
        return with_row(np.zeros((n, SIDE, SIDE), np.float32), 1.0)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """A Decoding from to_dict()'s table; the neutral one without."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """SolutionError where there is no class of good pictures."""
        if classes < 1 or multilabel:
            raise SolutionError(
                f"{classes} classes; expected the class of good pictures, one for each picture."
            )

    def decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> Arrays:
        """Output 'anomaly' (n, h, w) to (n, SIDE + 1, SIDE): what bars beside a picture show counts nowhere."""
        grid = _checked(outputs, len(placements))
        maps = np.empty((len(grid), SIDE, SIDE), np.float32)
        for row, (values, place) in enumerate(zip(grid, placements, strict=True)):
            square = Placement(
                SIDE,
                SIDE,
                place.scale_x * place.width / SIDE,
                place.scale_y * place.height / SIDE,
                place.left,
                place.top,
            )
            found = interpolated(values, square)
            maps[row] = cv2.GaussianBlur(found, (0, 0), BLUR * SIDE, borderType=cv2.BORDER_REFLECT)
        return with_row(maps, decoding.threshold)

    def stacked(self, parts: Sequence[Arrays], truth: Arrays) -> Arrays:
        """(N, SIDE + 1, SIDE) of several."""
        return np.concatenate(list(parts))

    def fit_decoding(
        self,
        outputs: Mapping[str, Arrays],
        truth: Arrays,
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """The threshold that these good pictures ask for; of defects nothing is used."""
        answers = self.decode(outputs, Decoding(), multilabel, placements)
        return Decoding(false_alarms=self.false_alarms).at(scores(answers)[kinds(truth) == 0])

    def operate(self, decoding: Decoding, truth: Arrays, answers: Arrays, multilabel: bool) -> Decoding:
        """The threshold from all good pictures, each answered by a network that had not seen it."""
        return decoding.at(scores(answers)[kinds(truth) == 0])

    def told(self, metric: str, answers: Arrays, decoding: Decoding, multilabel: bool) -> Arrays:
        """The answers as they are: the threshold is among them."""
        return answers

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: Arrays,
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> list[AnomalyMap]:
        """One AnomalyMap for each image."""
        score = scores(decoded)
        return [
            AnomalyMap(path, float(s), float(decoding.threshold), whole, place.height, place.width)
            for path, s, whole, place in zip(paths, score, cells(decoded), placements, strict=True)
        ]

    def exhibits(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        truth: Arrays,
        answers: Arrays,
        decoding: Mapping[str, Any] | None = None,
        seed: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> list[Exhibit]:
        """Scores with the threshold, alarms by kind, the curve, heat maps."""
        return anomaly_exhibits.exhibits(
            paths, classes, truth, answers, self.decoding(decoding), groups, seed
        )


def _checked(outputs: Mapping[str, Arrays], n: int) -> Arrays:
    if OUTPUT not in outputs:
        raise SolutionError(
            f"the network has no output {OUTPUT!r} (N, h, w); expected how unusual each cell is."
        )
    grid = outputs[OUTPUT]
    if grid.ndim != 3 or len(grid) != n:
        raise SolutionError(f"the network gives {OUTPUT} {grid.shape} for {n} images; expected ({n}, h, w).")
    if not np.isfinite(grid).all():
        raise SolutionError(
            "the network gives numbers that are not finite; run `objectif check` on the Solution."
        )
    return np.asarray(grid, np.float32)


TASK = Anomaly()
