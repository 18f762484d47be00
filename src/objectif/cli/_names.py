"""Names from a gallery for `predict`, and what is said of the threshold."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from objectif.answers import Answer
    from objectif.run.gallery import Gallery
    from objectif.run.inputs import Failure
    from objectif.run.predictor import Predictor


def named_by(
    predictor: Predictor, inputs: Iterable[str | Failure], gallery: Path | None, fpir: float | None
) -> Generator[Answer | Failure]:
    """Answers with names. InputError where the Solution does not identify, or there is no gallery."""
    from objectif.cli._output import complain
    from objectif.errors import InputError
    from objectif.run.gallery import Gallery
    from objectif.run.identify import limit, name

    if predictor.solution.task != "identify":
        raise InputError(
            f"--gallery and --fpir are for Solutions that identify; this one has the task {predictor.solution.task!r}. "
            "Leave them out."
        )
    if gallery is None:
        raise InputError(
            "this Solution identifies, and who is known stands in a gallery: give one with --gallery FILE, made by "
            "`objectif gallery new FILE --solution ...` and `objectif gallery enrol`."
        )
    known = Gallery.load(gallery)
    answers = name(predictor, known, inputs, fpir=fpir)
    found = limit(predictor, known, fpir)
    complain(f"threshold {found.value:.3f}: {found.words}")
    tell_expired(known)
    yield from answers


def tell_expired(known: Gallery) -> None:
    """A line on those that take no part any more."""
    from objectif.cli._output import complain

    gone = known.expired()
    if gone:
        shown = ", ".join(gone[:5]) + (", ..." if len(gone) > 5 else "")
        complain(f"{len(gone)} of {len(known)} entries have expired and take no part: {shown}")
