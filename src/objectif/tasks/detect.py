"""Detection: from a network's boxes and scores to objects, and what truth, thresholds and tiles mean for them.

Truth is (N, G, 6) float64: x1 y1 x2 y2 class ignore; answers are (N, M, 6) float32: x1 y1 x2 y2 score class, the
surest first; both in pixels of the upright picture, padded with class -1. Suppression (NMS) is not in the graph:
its threshold is then tuned after training, and the same file serves for tiles, whose seams it has to close.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Boxes
from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Fit, Placement, Preparation
from objectif.images.tiles import Tile
from objectif.metrics.base import Metric
from objectif.metrics.boxes import ANSWER_CLASS, SCORE, TRUTH_CLASS, packed
from objectif.metrics.matching import match
from objectif.tasks import detect_exhibits
from objectif.tasks.base import Traits
from objectif.tasks.box_tiles import joined
from objectif.tasks.exhibits import Exhibit
from objectif.tasks.nms import fragments, suppress

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset

Arrays = NDArray[Any]

NMS = (0.3, 0.4, 0.5, 0.6, 0.7)  # thresholds that fit_decoding tries
MOST, CROWDED, MANY = 100, 50, 500  # answers an image; where a training image has more than CROWDED objects
THRESHOLD = 0.5  # at which an object is answered where nothing better is known
_LOOKED_AT = 10  # times `most` boxes, the surest, go into suppression


@dataclass(frozen=True)
class Decoding:
    """How raw boxes become answers.

    score_floor: boxes below it are forgotten, in [0, 1). nms: IoU above which the less sure of two boxes of a
    class goes, in (0, 1]. most: answers an image (a picture in tiles may get more).
    thresholds: one for each class, in (0, 1]: the score from which an object is answered to people; None: one
    half. Metrics see answers below it too: their curves run over all thresholds.
    """

    score_floor: float = 0.01
    nms: float = 0.5
    most: int = MOST
    thresholds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.score_floor) and 0.0 <= self.score_floor < 1.0):
            raise SolutionError(
                f"score_floor is {self.score_floor}; expected a number of at least 0 and below 1."
            )
        if not (math.isfinite(self.nms) and 0.0 < self.nms <= 1.0):
            raise SolutionError(f"nms is {self.nms}; expected an IoU above 0 and at most 1.")
        if isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 1:
            raise SolutionError(f"most is {self.most!r}; expected a whole number of at least 1.")
        if self.thresholds is not None and not all(0 < t <= 1 for t in self.thresholds):
            raise SolutionError(f"thresholds are {self.thresholds}; expected numbers above 0 and at most 1.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "score_floor": self.score_floor,
            "nms": self.nms,
            "most": self.most,
            "thresholds": None if self.thresholds is None else list(self.thresholds),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong types."""
        unknown = set(values) - {"score_floor", "nms", "most", "thresholds"}
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        try:
            thresholds = values.get("thresholds")
            return cls(
                float(values.get("score_floor", cls.score_floor)),
                float(values.get("nms", cls.nms)),
                values.get("most", cls.most),
                None if thresholds is None else tuple(float(t) for t in thresholds),
            )
        except (TypeError, ValueError) as error:
            raise SolutionError(
                f"decoding {dict(values)} has a value that is not a number ({error})."
            ) from error

    def check(self, classes: int) -> None:
        """SolutionError where there are more thresholds than classes (fewer are completed by one half)."""
        if classes < 1:
            raise SolutionError("a detector needs at least one class.")
        if self.thresholds is not None and len(self.thresholds) > classes:
            raise SolutionError(
                f"decoding has {len(self.thresholds)} thresholds; expected {classes}, one for each class."
            )


class Detect:
    """The task: which objects are there, and where."""

    name = "detect"
    outputs = ("boxes", "scores")
    fit: Fit = "pad"
    tiled = True
    whole = True
    traits = Traits()

    def usual_metric(self, multilabel: bool) -> str:
        """The objective where nobody names one."""
        return "mAP50"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """One for the scores of all places, one for the boxes."""
        return ("dense", "box")

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return ("mAP50", "mAP50_95", "mAP75", "AP_small", "AP_medium", "AP_large", "froc", "recall_at_1fp")

    def forth(
        self, truth: Arrays, placements: Sequence[Placement], size: tuple[int, int]
    ) -> NDArray[np.float64]:
        """Truth (n, G, 6) of pictures, in pixels of their prepared images."""
        out = np.array(truth, np.float64)
        for row, place in zip(out, placements, strict=True):
            there = row[:, TRUTH_CLASS] >= 0
            row[there, :4] = place.forth(row[there, :4])
        return out

    def turned(self, truth: Arrays, view: str, height: int, width: int) -> Arrays:
        """Truth of images of height x width seen as 'mirror' (left-right), 'flip' (up-down) or 'turn' (90 degrees).

        A turn is counter-clockwise, as np.rot90: the image is then width x height.
        """
        x1, y1, x2, y2 = (truth[..., k] for k in range(4))
        seen = {
            "mirror": (width - x2, y1, width - x1, y2),
            "flip": (x1, height - y2, x2, height - y1),
            "turn": (y1, width - x2, y2, width - x1),
        }.get(view)
        if seen is None:
            return truth
        out = truth.copy()
        out[..., :4] = np.where(truth[..., TRUTH_CLASS, None] >= 0, np.stack(seen, axis=-1), 0.0)
        return out

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> NDArray[np.float64]:
        """(N, G, 6) the boxes of a Dataset as they stand, classes numbered in the order of `classes`.

        Raises DataError where an image has no boxes at all (None), or a class is not among `classes`.
        """
        names = tuple(dataset.classes) if classes is None else tuple(classes)
        place = {name: k for k, name in enumerate(names)}
        tables = []
        for sample in dataset.samples:
            if sample.boxes is None:
                raise DataError(
                    f"{sample.path} has no boxes, only a label; expected boxes on every image, none where nothing is "
                    "on it. Give data in a layout of boxes, or solve it as task = 'classify'."
                )
            rows = []
            for box in sample.boxes:
                name = dataset.classes[box.label]
                if name not in place:
                    raise DataError(_unknown(name, names, sample.path))
                rows.append((box.x1, box.y1, box.x2, box.y2, place[name], box.ignore))
            tables.append(np.array(rows, np.float64).reshape(-1, 6))
        return packed(tables, TRUTH_CLASS)

    def empty(self, n: int, classes: int) -> NDArray[np.float32]:
        """(n, 100, 6) answers without an object."""
        return packed([np.zeros((0, 6))] * n, ANSWER_CLASS, MOST, np.float32)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """A Decoding from to_dict()'s table; the neutral one without."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """SolutionError where the decoding does not fit the classes."""
        decoding.check(classes)

    def decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> NDArray[np.float32]:
        """Outputs 'boxes' (n, A, 4) in prepared pixels and 'scores' (n, A, C) to answers (n, most, 6).

        SolutionError where an output is missing, of another shape, or not finite.
        """
        boxes, scores = _outputs(outputs, len(placements))
        found = [_objects(b, s, decoding, p) for b, s, p in zip(boxes, scores, placements, strict=True)]
        return packed(found, ANSWER_CLASS, decoding.most, np.float32)

    def tile_place(self, tile: Tile, height: int, width: int, preparation: Preparation) -> Placement:
        """Where the whole picture lies in a tile's prepared image: an object may go on beyond the tile."""
        return tile.placement(height, width, preparation)

    def tile_decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> NDArray[np.float32]:
        """As decode()."""
        return self.decode(outputs, decoding, multilabel, placements)

    def stitch(
        self, parts: Iterable[tuple[Tile, Arrays]], height: int, width: int, decoding: Decoding
    ) -> NDArray[np.float32]:
        """Answers (1, M, 6) of tiles as one (1, K, 6): what a seam cut is mended, what two tiles tell is told once."""
        tiles, rows = zip(*parts, strict=True)
        return self.merge(joined(rows, tiles, height, width), decoding)

    def merge(self, decoded: Sequence[Arrays], decoding: Decoding) -> NDArray[np.float32]:
        """Answers (1, M, 6) of tiles, in pixels of the whole image, as one (1, K, 6); K is as large as it has to be.

        Doubles across tiles are suppressed, and so are the parts of objects that were cut at a seam.
        """
        tables = [tile[0][tile[0, :, ANSWER_CLASS] >= 0] for tile in decoded]
        every = np.concatenate([np.zeros((0, 6), np.float32), *tables]).astype(np.float32)
        tile = np.repeat(np.arange(len(tables)), [len(t) for t in tables])
        boxes, scores, labels = every[:, :4], every[:, SCORE], every[:, ANSWER_CLASS]
        whole = np.flatnonzero(~fragments(boxes, scores, labels, tile))
        kept = whole[suppress(boxes[whole], scores[whole], labels[whole], decoding.nms)]
        return packed([every[kept]], ANSWER_CLASS, dtype=np.float32)

    def stacked(self, parts: Sequence[Arrays], truth: Arrays) -> Arrays:
        """(N, M, 6) of several (n, m, 6); an image in tiles may have more answers, so rows are filled up."""
        width = max(part.shape[1] for part in parts)
        found = []
        for part in parts:
            wide = np.zeros((len(part), width, 6), part.dtype)
            wide[:, :, ANSWER_CLASS] = -1
            wide[:, : part.shape[1]] = part
            found.append(wide)
        return np.concatenate(found)

    def fit_decoding(
        self,
        outputs: Mapping[str, Arrays],
        truth: Arrays,
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """The threshold of suppression, of NMS, that does best by the metric on these images; of equals the middle one.

        How many answers an image may have goes by the width of truth, that of the Dataset's most crowded image, so
        that answers of all parts of a Dataset have one shape.
        """
        plain = Decoding(most=MANY if truth.shape[1] > CROWDED else MOST)
        tried = [replace(plain, nms=nms) for nms in sorted(NMS, key=lambda t: abs(t - plain.nms))]
        values = [
            metric.sign * metric.value(truth, self.decode(outputs, d, multilabel, placements)) for d in tried
        ]
        return tried[int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))]

    def operate(self, decoding: Decoding, truth: Arrays, answers: Arrays, multilabel: bool) -> Decoding:
        """With the threshold for each class at which F1 at IoU .5 is best; one half where a class has no object."""
        found = match(truth, answers)
        count = found.objects.shape[1]
        if decoding.thresholds is not None:
            count = max(count, len(decoding.thresholds))
        limits = []
        for c in range(count):
            part = found.of(c)
            objects = int(found.objects[:, c].sum()) if c < found.objects.shape[1] else 0
            counted = found.state[0, part] >= 0
            right, scores = found.state[0, part][counted] == 1, found.score[part][counted]
            limits.append(_best_f1(right, scores, objects, decoding.score_floor))
        return replace(decoding, thresholds=tuple(limits))

    def told(self, metric: str, answers: Arrays, decoding: Decoding, multilabel: bool) -> Arrays:
        """All answers: the metrics of detection run over the thresholds themselves."""
        return answers

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: Arrays,
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> list[Boxes]:
        """One Boxes for each image: the objects at or above the threshold of their class."""
        out = []
        for path, table, place in zip(paths, decoded, placements, strict=True):
            kept = table[answered(table, decoding)]
            names = tuple(classes[int(k)] for k in kept[:, ANSWER_CLASS])
            boxes, scores = kept[:, :4].astype(np.float32), kept[:, SCORE].astype(np.float32)
            out.append(Boxes(path, classes, boxes, scores, names, place.height, place.width))
        return out

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
        """Precision and recall, classes, errors, FROC, cases."""
        chosen = answered(answers, self.decoding(decoding))
        return detect_exhibits.exhibits(paths, classes, truth, answers, chosen, seed, groups)


def answered(table: Arrays, decoding: Decoding) -> NDArray[np.bool_]:
    """(...) which of answers (..., 6) are at or above the threshold of their class."""
    label = table[..., ANSWER_CLASS].astype(np.int64)
    limits = np.full(max(1, int(label.max(initial=0)) + 1), THRESHOLD, np.float32)
    if decoding.thresholds is not None:
        limits[: len(decoding.thresholds)] = np.asarray(decoding.thresholds, np.float32)[: len(limits)]
    return np.asarray((label >= 0) & (table[..., SCORE] >= limits[np.maximum(label, 0)]), np.bool_)


def _best_f1(right: NDArray[np.bool_], scores: NDArray[np.float64], objects: int, floor: float) -> float:
    """The threshold with the best F1, midway to the next answer below; scores fall."""
    if not objects or not right.any():
        return THRESHOLD
    last = np.append(scores[1:] < scores[:-1], True)  # equal scores stand or fall together
    f1 = np.where(last, 2.0 * np.cumsum(right) / (np.arange(1, len(right) + 1) + objects), -1.0)
    k = int(f1.argmax())
    below = float(scores[k + 1]) if k + 1 < len(scores) else floor
    return float(min(1.0, max((float(scores[k]) + below) / 2.0, 1e-6)))


def _outputs(outputs: Mapping[str, Arrays], n: int) -> tuple[Arrays, Arrays]:
    missing = [name for name in Detect.outputs if name not in outputs]
    if missing:
        raise SolutionError(
            f"the network has no output {missing[0]!r}; a detector gives 'boxes' (N, A, 4) and 'scores' (N, A, C)."
        )
    boxes, scores = outputs["boxes"], outputs["scores"]
    fits = boxes.ndim == scores.ndim == 3 and boxes.shape[2] == 4 and boxes.shape[:2] == scores.shape[:2]
    if not fits or len(boxes) != n:
        raise SolutionError(
            f"the network gives boxes of shape {boxes.shape} and scores {scores.shape} for {n} images; "
            "expected (N, A, 4) and (N, A, C)."
        )
    for name, values in (("boxes", boxes), ("scores", scores)):
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise SolutionError(
                f"the network gives {bad} {name} that are NaN or infinite; it is damaged or was trained astray: "
                "check it with `objectif check`, or solve again."
            )
    return boxes, scores


def _objects(boxes: Arrays, scores: Arrays, decoding: Decoding, placement: Placement) -> NDArray[np.float32]:
    """(k, 6) answers of one image."""
    place, label = np.nonzero(scores >= np.float32(decoding.score_floor))
    sure = scores[place, label]
    limit = _LOOKED_AT * decoding.most
    if len(sure) > limit:
        top = np.sort(np.argsort(-sure, kind="stable")[:limit])
        place, label, sure = place[top], label[top], sure[top]
    kept = suppress(boxes[place], sure, label, decoding.nms)
    there = placement.back(boxes[place[kept]])
    table = np.column_stack([there, sure[kept], label[kept]]).astype(np.float32)
    real = (table[:, 2] > table[:, 0]) & (table[:, 3] > table[:, 1])
    return table[real][: decoding.most]


def _unknown(name: str, known: tuple[str, ...], path: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" ({name!r} may be {close[0]!r})" if close else ""
    return (
        f"{path} shows a {name!r}, a class that is not known here{hint}; expected one of "
        f"{', '.join(map(repr, known[:20]))}. Rename it in the data, or leave those boxes out."
    )


TASK = Detect()
