"""What a child process does to make the winner small: int8, and what it answers for held-out images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.pixels import prepared
from objectif.learn.export.join import join
from objectif.learn.export.quantise import quantise, sample
from objectif.learn.models import find_model
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.material import (
    BATCH,
    Tell,
    extractor,
    head_of,
    logits,
    material,
    out_of_fold,
    read_context,
)
from objectif.run.network import Network as Runner
from objectif.tasks.classify import Decoding, decode


def shrink_heads(
    *,
    context: Path,
    candidate: Candidate,
    seed: int,
    features: dict[str, Path],
    target: Path,
    threads: int,
    tell: Tell,
) -> dict[str, Any]:
    """int8 of an extractor with a head solved on its int8 features -> target; and its out-of-fold answers.

    Rounding moves the features a little; a head that was solved on them where they are now loses much less than one
    that was solved on the float features.
    """
    known = read_context(context)
    entry = find_model(candidate.model)
    preparation = known.preparation(candidate.side, candidate.preparation)
    development = known.plan.development()
    calibration = prepared(known.dataset, sample(development, known.truth()), preparation)
    small = quantise(extractor(known, entry, known.work), calibration)
    runner = Runner(small, threads=threads, needs=("embedding",))
    arrays: dict[str, NDArray[np.float32]] = {v: np.load(path, mmap_mode="r") for v, path in features.items()}
    arrays["plain"] = np.array(arrays["plain"])
    for start in range(0, len(development), BATCH * 8):
        rows = development[start : start + BATCH * 8]
        images = prepared(known.dataset, rows, preparation)
        for place in range(0, len(images), BATCH):
            batch = images[place : place + BATCH]
            arrays["plain"][rows[place : place + BATCH]] = runner.outputs(batch, ("embedding",))["embedding"]
    answers = out_of_fold(known, arrays, {}, candidate, seed)
    data = material(known, arrays, development, candidate.views, entry.columns)
    head = head_of(known, data, candidate.loss, seed)
    target.write_bytes(join(small, head.weight, head.bias, columns=entry.columns))
    return {"rows": known.plan.scored(), "int8": answers}


def shrink_trained(
    *,
    context: Path,
    candidate: Candidate,
    source: Path,
    fold_network: Path,
    target: Path,
    threads: int,
    tell: Tell,
) -> dict[str, Any]:
    """int8 of a fine-tuned network -> target; and answers for the first fold by that fold's network in int8."""
    known = read_context(context)
    preparation = known.preparation(candidate.side, candidate.preparation)
    rows = sample(known.plan.development(), known.truth())
    target.write_bytes(quantise(source.read_bytes(), prepared(known.dataset, rows, preparation)))
    held = known.plan.held(0)
    images = prepared(known.dataset, held, preparation)
    inside = sample(known.plan.train(0), known.truth())
    small = quantise(fold_network.read_bytes(), prepared(known.dataset, inside, preparation))
    answers = logits(Runner(small, threads=threads), images)
    return {"rows": held, "int8": decode(answers, Decoding(), known.dataset.multilabel)}
