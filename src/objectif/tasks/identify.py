"""Identification: which of those that were enrolled an image shows, or nobody known.

A network answers with an embedding; names come from a gallery, a file apart (run/gallery.py). What the Solution keeps is
how strangers score against a gallery of a stated size, measured on people that the network was not trained on. From that
curve comes the threshold for a wanted false-positive identification rate (FPIR), and for galleries of another size:
where entries match strangers independently, FPIR(N) = 1 - (1 - FMR)^N (ISO/IEC 19795-1), so that the rate asked of the
curve is 1 - (1 - FPIR)^(N0 / N).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Identity
from objectif.errors import DataError, InputError, SolutionError
from objectif.images.prepare import Fit, Placement
from objectif.metrics.distributions import clopper_pearson
from objectif.metrics.identity import Searches, searches
from objectif.metrics.similarity import unit
from objectif.tasks import identify_exhibits
from objectif.tasks.base import Traits
from objectif.tasks.undivided import Undivided

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.metrics.base import Metric
    from objectif.tasks.base import Outputs
    from objectif.tasks.exhibits import Exhibit

Arrays = NDArray[Any]
USUAL_FPIR = 0.01
POINTS, WIDEST = 100, 0.5
"""Points of the strangers' curve that are kept, and the largest rate of it."""
NO_GALLERY = "no gallery was given, so there is no name: make one with `objectif gallery enrol`"
TEST_BLOCK = 1000  # beyond any number of folds


@dataclass(frozen=True)
class Threshold:
    """value: what a score must exceed. fpir: the rate it is for, in a gallery of `entries`.

    low, high: 95 % interval of that rate (Clopper & Pearson 1934) by the strangers' images it was measured on, carried
    over to `entries`. words: all of it in a sentence.
    """

    value: float
    fpir: float
    entries: int
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Decoding:
    """How strangers score, and the FPIR at which names are given where nobody says otherwise.

    fpir: wanted, in (0, 1). entries: of the galleries it was measured with. people, images: of strangers it was measured
    on, of the images each is counted once however often it was searched. rates: ascending shares of their searches;
    scores: what at most that share exceeds.
    """

    fpir: float = USUAL_FPIR
    entries: int = 0
    people: int = 0
    images: int = 0
    rates: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.fpir < 1:
            raise SolutionError(f"fpir is {self.fpir}; expected a rate above 0 and below 1, such as 0.01.")
        if len(self.rates) != len(self.scores):
            raise SolutionError(
                f"decoding has {len(self.rates)} rates and {len(self.scores)} scores; expected as many."
            )
        if not all(math.isfinite(v) for v in (*self.rates, *self.scores)):
            raise SolutionError("decoding has rates or scores that are not finite.")
        if self.rates and min(self.entries, self.people, self.images) < 1:
            raise SolutionError("decoding has a curve of strangers but counts none; expected 1 or more.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "fpir": self.fpir,
            "entries": self.entries,
            "people": self.people,
            "images": self.images,
            "rates": list(self.rates),
            "scores": list(self.scores),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong values."""
        unknown = set(values) - {"fpir", "entries", "people", "images", "rates", "scores"}
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        try:
            entries, people, images = (int(values.get(key, 0)) for key in ("entries", "people", "images"))
            rates, scores = (tuple(float(v) for v in values.get(key, ())) for key in ("rates", "scores"))
            return cls(float(values.get("fpir", USUAL_FPIR)), entries, people, images, rates, scores)
        except (TypeError, ValueError) as error:
            raise SolutionError(
                f"decoding {dict(values)} has a value that is not a number ({error})."
            ) from error

    def threshold(self, fpir: float | None = None, entries: int | None = None) -> Threshold:
        """The threshold for a wanted FPIR (None: the Solution's) in a gallery of `entries` (None: as measured).

        InputError for a rate that is none, or where no stranger was ever measured. A rate smaller than one stranger's
        image is met by a threshold above all strangers, and the words say that no more is known.
        """
        wanted = self.fpir if fpir is None else fpir
        if not 0 < wanted < 1:
            raise InputError(
                f"fpir is {wanted}; expected a rate above 0 and below 1, such as 0.01 for one search in a hundred."
            )
        if not self.rates:
            raise InputError(
                "this Solution knows no threshold: no stranger was searched when it was made. Solve with at least four "
                "identities of two images or more, or give a threshold of your own."
            )
        size = max(1, self.entries if entries is None else entries)
        asked = 1 - (1 - wanted) ** (self.entries / size)
        place = int(np.searchsorted(np.asarray(self.rates), asked * (1 + 1e-9), side="right")) - 1
        value = self.scores[max(0, place)]
        hits = round(self.images * (self.rates[place] if place >= 0 else 0.0))
        low, high = (1 - (1 - bound) ** (size / self.entries) for bound in clopper_pearson(hits, self.images))
        few = (
            ""
            if asked * self.images >= 1
            else "; too few strangers to know so small a rate: above all of them"
        )
        words = (
            f"FPIR {wanted:.2%} in a gallery of {size}, 95 % interval {low:.2%} to {high:.2%}, measured with "
            f"{self.entries} entries on {self.images} images of {self.people} strangers{few}"
        )
        return Threshold(value, wanted, size, low, high, words)


class Identify(Undivided):
    """The task 'identify': truth (N, 1, 2) identity and block (see metrics.identity), answers (N, D) embeddings."""

    name = "identify"
    outputs = ("embedding",)
    fit: Fit = "pad"
    whole = True
    traits = Traits(
        square=True,
        private=True,
        tells_views=False,
        one_precision="embeddings of two networks do not go into one gallery",
    )

    def usual_metric(self, multilabel: bool) -> str:
        """True-positive identification rate at an FPIR of one in a hundred."""
        return "tpir"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """One for embeddings."""
        return ("embedding",)

    def forth(self, truth: Arrays, placements: Sequence[Placement], size: tuple[int, int]) -> Arrays:
        """The same: an identity has no place."""
        return truth

    def turned(self, truth: Arrays, view: str, height: int, width: int) -> Arrays:
        """The same."""
        return truth

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return ("tpir", "tar", "rank1", "open_auroc")

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> NDArray[np.int64]:
        """(N, 1, 2): the number of each image's identity, and of the split it is given: 'fold3' is 3, 'test' TEST_BLOCK.

        classes is not asked: whoever the network learned from, others are searched. DataError where an image has more
        than one identity or none.
        """
        told = np.zeros((len(dataset), 1, 2), np.int64)
        for row, sample in enumerate(dataset.samples):
            if len(sample.labels) != 1:
                raise DataError(
                    f"{sample.path} has {len(sample.labels)} identities; expected one. Cut out each of them first, into a "
                    "folder of its own."
                )
            split = sample.split or ""
            fold = split.removeprefix("fold")
            block = int(fold) if fold.isdigit() else TEST_BLOCK if split == "test" else 0
            told[row, 0] = sample.labels[0], block
        return told

    def empty(self, n: int, classes: int) -> NDArray[np.float32]:
        """(n, 1) embeddings like nothing."""
        return np.zeros((n, 1), np.float32)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """A Decoding from to_dict()'s table; the neutral one without."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """SolutionError where it is multi-label."""
        if multilabel:
            raise SolutionError("an identity is one of many; expected a Solution that is not multi-label.")

    def decode(
        self, outputs: Outputs, decoding: Decoding, multilabel: bool, placements: Sequence[Placement]
    ) -> NDArray[np.float32]:
        """'embedding' (n, D) to length 1."""
        if "embedding" not in outputs or outputs["embedding"].ndim != 2:
            raise SolutionError("the network has no output 'embedding' (N, D); a network of identities does.")
        if not np.isfinite(outputs["embedding"]).all():
            raise SolutionError(
                "the network gives embeddings that are not finite; run `objectif check` on the Solution."
            )
        return unit(outputs["embedding"])

    def stacked(self, parts: Sequence[Arrays], truth: Arrays) -> Arrays:
        """(N, D) of several (n, D)."""
        return np.concatenate(list(parts))

    def fit_decoding(
        self,
        outputs: Outputs,
        truth: Arrays,
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """Nothing: embeddings are as they are, and the threshold comes from all folds together (operate())."""
        return Decoding()

    def operate(self, decoding: Decoding, truth: Arrays, answers: Arrays, multilabel: bool) -> Decoding:
        """How strangers score, by out-of-fold embeddings of people that each network was not trained on."""
        return measured(searches(truth, answers), truth, decoding.fpir)

    def told(self, metric: str, answers: Arrays, decoding: Decoding, multilabel: bool) -> Arrays:
        """The embeddings as they are."""
        return answers

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: Arrays,
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> list[Identity]:
        """Embeddings without a name: names come from a gallery (run.identify)."""
        return [
            Identity(
                path, None, None, None, (), NO_GALLERY, np.asarray(row, np.float32), place.height, place.width
            )
            for path, row, place in zip(paths, decoded, placements, strict=True)
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
        """Histograms of scores, TPIR against FPIR, each identity, errors by the names of their files; no pictures."""
        limit = self.decoding(decoding)
        return identify_exhibits.exhibits(
            paths, classes, truth, answers, limit.threshold() if limit.rates else None
        )


def measured(found: Sequence[Searches], truth: Arrays, fpir: float = USUAL_FPIR) -> Decoding:
    """The Decoding that strangers' searches give; the neutral one where there were none."""
    top = np.concatenate([s.top[~s.mated] for s in found]) if found else np.array([])
    if not len(top):
        return Decoding(fpir)
    rows = np.unique(np.concatenate([s.row[~s.mated] for s in found]))
    ranked = np.sort(top)[::-1]
    places = np.unique(np.geomspace(1, max(1, WIDEST * len(ranked)), POINTS).astype(np.int64)) - 1
    places = np.minimum(places, len(ranked) - 1)
    return Decoding(
        fpir,
        entries=round(float(np.mean([s.enrolled for s in found]))),
        people=len(np.unique(truth[rows, 0, 0])),
        images=len(rows),
        rates=tuple(float(p) / len(ranked) for p in places),
        scores=tuple(float(ranked[p]) for p in places),
    )


TASK = Identify()
