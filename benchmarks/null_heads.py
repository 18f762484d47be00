"""Null races with real heads: candidates are heads of one loss on random features, which know nothing of the classes.

    python benchmarks/null_heads.py

In each race eight candidates learn three classes from 40 numbers of noise an image, each from its own, on 150 images in
five folds, by the code of a real race. All are right a third of the time by luck; whoever is called beaten is called so
falsely. (Features with a signal would be no null race: a head that noise led astray is truly worse than another.)
"""

from __future__ import annotations

import numpy as np

CANDIDATES, IMAGES, CLASSES, WIDTH, FOLDS = 8, 150, 3, 40, 5


def stratified(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,) fold of each image, each class dealt evenly: otherwise a class that is rare in training is common in the
    fold that is held out, and heads that lean on frequencies are wrong more often than by luck."""
    order = rng.permutation(len(truth))
    order = order[np.argsort(truth[order], kind="stable")]
    fold = np.empty(len(truth), int)
    fold[order] = np.arange(len(truth)) % FOLDS
    return fold


def run(races: int) -> dict[str, float]:
    """share of races with a false 'beaten', and its lower 95 % bound (Clopper-Pearson, one-sided)."""
    from objectif import plugins
    from objectif.learn.fit.heads import Rotated, fit_head
    from objectif.metrics.distributions import clopper_pearson
    from objectif.runs.entry import Entry
    from objectif.runs.verdict import verdict
    from objectif.tasks.classify import Decoding, decode

    loss = plugins.load("losses", "cross_entropy")
    false = 0
    for race in range(races):
        rng = np.random.default_rng(race)
        truth = rng.integers(0, CLASSES, IMAGES)
        fold = stratified(truth, rng)
        entries = []
        for number in range(CANDIDATES):
            table = rng.normal(size=(IMAGES, WIDTH)).astype(np.float32)
            scores = np.zeros((1, IMAGES, CLASSES), np.float32)
            for k in range(FOLDS):
                train, held = fold != k, fold == k
                head = fit_head(Rotated(table[train], truth[train], seed=race), loss, classes=CLASSES)
                scores[0, held] = decode(head.logits(table[held]), Decoding(), False)
            entries.append(
                Entry(f"candidate {number}", "frozen", f"m{number}", "cross_entropy", "plain", scores)
            )
        false += any(row.status == "beaten" for row in verdict(entries, truth, "accuracy", seed=race).rows)
    low, _ = clopper_pearson(false, races, 0.90)
    return {"races": races, "share": false / races, "low": low}


if __name__ == "__main__":
    print(run(100))
