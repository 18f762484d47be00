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
    """Answers with names; without a gallery none. InputError where the Solution does not identify."""
    from objectif.cli._output import complain
    from objectif.errors import InputError
    from objectif.run.gallery import Gallery
    from objectif.run.identify import limit, name
    from objectif.tasks.identify import NO_GALLERY

    if predictor.solution.task != "identify":
        raise InputError(
            f"--gallery and --fpir are for Solutions that identify; this one has the task {predictor.solution.task!r}. "
            "Leave them out."
        )
    if gallery is None:
        if fpir is not None:
            raise InputError(
                f"--fpir {fpir:g}: expected --gallery FILE beside it; without one nobody is named."
            )
        complain(NO_GALLERY)
        yield from predictor.predict(inputs)
        return
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
