"""From findings to sentences: what is wrong, how sure we are, and what to do about it; the gravest first.

A worry is something that makes figures wrong or a race unfair, and always carries a remedy. All else is a note.
Thresholds stand with the checks; here is only the wording and the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from objectif.health.confounds import Worrying
from objectif.health.counts import Counts
from objectif.health.doubts import Doubts
from objectif.health.duplicates import Ints, members
from objectif.health.groups import Grouping, Series
from objectif.health.leakage import Leakage
from objectif.health.sequences import in_blocks, scattered, torn
from objectif.health.shift import Shift
from objectif.health.words import count, percent, shown, some
from objectif.tasks.kinds import CLASSES, Kinds

IMBALANCE = 10.0
FEW = 10
REPEATED = 0.01
"""Share of images that are repeats from which repeats are a worry and no note."""
NEAR_SHARE = 0.005
"""Share of judging images with a near duplicate elsewhere from which it is a worry: fewer move no figure."""


@dataclass(frozen=True)
class Worry:
    """kind: a word for machines. weight: the graver the higher. rows: pictures that show it, in pairs or groups."""

    kind: str
    weight: int
    sentence: str
    remedy: str
    rows: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"


def of_leakage(found: Leakage) -> Iterator[Worry]:
    """Same and similar pictures, and groups, across given splits."""
    if found.same:
        yield Worry(
            "leakage",
            100,
            f"{found.sentence}. The test would measure memory.",
            "Remove them from one side, or let `solve --allow-leakage` quote figures with and without them.",
            found.same,
        )
    if found.groups:
        yield Worry(
            "group leakage",
            95,
            f"{count(len(found.groups), 'group')} ({some(found.groups)}) have images in more than one given split.",
            "Move each group to one side, or leave the splits out and let objectif make grouped ones.",
        )
    if _many_near(found):
        yield Worry(
            "near leakage",
            90,
            f"{near_sentence(found)} (crops, re-sized or neighbouring frames).",
            "Look at the pairs; remove those that show the same scene from one side.",
            found.near,
        )


def _many_near(found: Leakage) -> bool:
    return len(found.near) > 0 and len(found.near) >= NEAR_SHARE * found.judges


def near_sentence(found: Leakage) -> str:
    """'7 images of test are nearly pictures of another split, e.g. a.jpg ~ b.jpg'."""
    a, b = found.near[0]
    verb = "is nearly a picture" if len(found.near) == 1 else "are nearly pictures"
    example = f"{shown(found.paths[a])} ~ {shown(found.paths[b])}"
    return f"{found.judging(found.near)} {verb} of another split, e.g. {example}"


def of_duplicates(
    same: Ints, near: Ints, labels: Sequence[tuple[str, ...]], paths: Sequence[str]
) -> Iterator[Worry]:
    """Equal pictures under different labels, and repeats where they are many."""
    for kind, ids, weight, sign, words in (
        ("contradiction", same, 85, " = ", "the same picture stands under different labels"),
        ("near contradiction", near, 45, " ~ ", "nearly the same picture stands under different labels"),
    ):
        groups = [tuple(int(r) for r in g) for g in members(ids)]
        told = [g for g in groups if len({labels[r] for r in g}) > 1]
        if kind == "near contradiction":
            told = [g for g in told if len({labels[r] for r in _one_of_each(g, same)}) > 1]
        if told:
            first = told[0]
            pair = (first[0], next(r for r in first if labels[r] != labels[first[0]]))
            example = sign.join(f"{shown(paths[r])} ({shown('|'.join(labels[r]))})" for r in pair)
            yield Worry(
                kind,
                weight,
                f"{count(len(told), 'time')} {words}, e.g. {example}.",
                "Decide which label is right and delete the other copy: nothing can learn both.",
                tuple(told),
            )
    repeats = len(same) - len(set(same.tolist()))
    if repeats and repeats >= REPEATED * len(same):
        yield Worry(
            "duplicates",
            40,
            f"{count(repeats, 'image')} of {len(same):,} ({percent(repeats / len(same))}) "
            f"{'repeats' if repeats == 1 else 'repeat'} another picture.",
            "Delete the repeats: they count double in training and in every figure. They always share a fold here.",
        )


def _one_of_each(group: tuple[int, ...], same: Ints) -> list[int]:
    """One row for each different picture of a group, so that exact repeats are not told twice."""
    return list({int(same[r]): r for r in group}.values())


def of_groups(
    proposed: Grouping | None, series: tuple[Series, ...], splits: Sequence[str | None]
) -> Iterator[Worry]:
    """A grouping that names suggest, unless given folds keep to it, and numbered series."""
    if proposed is not None and not kept_by_folds(proposed, splits):
        e = proposed.evidence
        anew = " Numbers begin anew in each folder, so the folder is part of the group."
        torn = len(cut(proposed, splits))
        sides = f" The given splits cut {count(torn, 'group')} in two." if torn else ""
        yield Worry(
            "groups",
            80,
            f"Images whose names share a part look alike, as frames of one track or pictures of one patient do: in "
            f"{percent(e.hits)} of {e.n:,} images the most similar one of the class has the same part "
            f"({percent(e.chance)} by chance).{anew if proposed.folder else ''}{sides} Random folds would put relatives "
            "on both sides.",
            f"Say that they belong together: `--group '{proposed.regex}'` ({proposed.count:,} groups).",
            proposed.examples,
        )
    if series and not in_blocks(series, splits):
        hits = sum(s.evidence.hits * s.evidence.n for s in series) / sum(s.evidence.n for s in series)
        chance = sum(s.evidence.chance * s.evidence.n for s in series) / sum(s.evidence.n for s in series)
        where = some([s.folder or "the main folder" for s in series])
        yield Worry(
            "series",
            70,
            f"Neighbouring numbers look alike in {where}, as slices of a scan or frames of a film do: the most similar "
            f"image is the next number in {percent(hits)} ({percent(chance)} by chance). {_both_sides(series, splits)}",
            "Give a manifest with a group column (patient, film, walk); the names do not say where a series ends. If it is "
            "one film, split it by number, the last third as test: `inspect --out DIR` writes such lists into DIR/splits, "
            "for `--splits`.",
            tuple(pair for s in series[:3] for pair in s.examples[:2]),
        )


def _both_sides(series: tuple[Series, ...], splits: Sequence[str | None]) -> str:
    """Who puts neighbours on both sides, and how many."""
    apart, pairs = torn(series, splits)
    if scattered(series, splits):
        return f"The given splits put {apart:,} of {pairs:,} pairs of neighbours on both sides: the test measures memory."
    return "Random folds would put neighbours on both sides."


def cut(proposed: Grouping, splits: Sequence[str | None]) -> list[int]:
    """Numbers of the groups that have images in more than one given split."""
    sides: dict[int, set[str]] = {}
    for group, split in zip(proposed.ids.tolist(), splits, strict=True):
        if split is not None:
            sides.setdefault(group, set()).add(split)
    return [group for group, found in sides.items() if len(found) > 1]


def kept_by_folds(proposed: Grouping, splits: Sequence[str | None]) -> bool:
    """Whether every image has a given fold and no group is cut: then nothing is drawn at random."""
    return all(s is not None and s.startswith("fold") for s in splits) and not cut(proposed, splits)


def of_confounds(found: Sequence[Worrying], classes: int) -> Iterator[Worry]:
    """Classes that files or borders give away: one worry for each kind."""
    for kind, weight, words, remedy in (
        (
            "file",
            75,
            "the file alone, without looking at what it shows",
            "Take all classes from the same source, or crop, scale and re-encode all images alike; then test on images "
            "where the shortcut cannot help. A high score may mean the source, not the content.",
        ),
        (
            "border",
            65,
            "the outermost 3 % of the picture",
            "Look whether frames, backgrounds or markers differ by class; crop them away and inspect again.",
        ),
    ):
        told = [w for w in found if w.kind == kind]
        if not told:
            continue
        lead = told[0]
        a = lead.area
        more = (
            f" (and {count(len(told) - 1, 'other class', 'other classes')} of {classes})"
            if len(told) > 1
            else ""
        )
        yield Worry(
            f"confound: {kind}",
            weight,
            f"Class {shown(lead.label)!r} can be told from {words}: AUROC {a.estimate:.2f} ({a.low:.2f} to "
            f"{a.high:.2f}; chance 0.50){more}. Most by {lead.fact}: {lead.inside} in {shown(lead.label)}, "
            f"{lead.outside} in the others.",
            remedy,
        )


def of_shift(found: tuple[Shift, ...]) -> Iterator[Worry]:
    """A given split whose images are of another kind than those it is trained on."""
    for shift in found:
        if shift.worrying:
            a = shift.area
            name, worst = max(shift.by.items(), key=lambda item: item[1].low)
            most = f", most in {shown(name)} ({worst.estimate:.2f})" if len(shift.by) > 1 else ""
            yield Worry(
                "shift",
                60,
                f"The given {shift.judge} split is shifted: size, borders and tone tell its images from those of train "
                f"within a class with AUROC {a.estimate:.2f} ({a.low:.2f} to {a.high:.2f}; chance 0.50){most}.",
                f"Expect lower figures on {shift.judge} than in folds; both are true, of different questions. If no "
                "shift was meant, draw the split anew.",
            )


def of_doubts(found: Doubts | None) -> Iterator[Worry]:
    """Labels that noise explains better than the classes do."""
    if found is not None and found.worrying:
        yield Worry(
            "doubts",
            50,
            f"About {count(round(found.wrong), 'label')} {'looks' if round(found.wrong) == 1 else 'look'} wrong; "
            f"{found.likely} can be named, more likely wrong than right by out-of-fold evidence.",
            "Look at the pictures listed under the doubts and correct the labels that are wrong.",
        )


def of_counts(found: Counts, *, boxes: bool = False, words: Kinds | None = CLASSES) -> Iterator[Worry]:
    """Classes too small or too uneven; where there are boxes, unevenness is told by objects, elsewhere.

    words: what classes are called; None where there are none, and so no worry.
    """
    if words is None:
        return
    one, several = words
    totals = found.totals()
    few = sorted((n for n, k in totals.items() if k < FEW), key=lambda n: totals[n])
    if few:
        listed = some([f"{n} ({totals[n]})" for n in few])
        yield Worry(
            "small classes",
            55,
            f"{count(len(few), f'{one} has', f'{several} have')} fewer than {FEW} images: {listed}. Nothing can be said "
            "about them with any confidence.",
            f"Add images, or merge or drop these {several}.",
        )
    if found.imbalance >= IMBALANCE and not boxes:
        big, small = (
            max(totals, key=lambda n: totals[n]),
            min((n for n in totals if totals[n]), key=lambda n: totals[n]),
        )
        yield Worry(
            "imbalance",
            30,
            f"{several.capitalize()} are uneven: {shown(big)} has {found.imbalance:.0f} times as many images as {shown(small)} "
            f"({totals[big]:,} against {totals[small]:,}). Accuracy would hide the small ones.",
            "Judge by `--metric balanced_accuracy` or `macro_f1`, or by a cost matrix.",
        )


def of_unreadable(found: Mapping[str, str]) -> Iterator[Worry]:
    """Files that are there, or named, and cannot be used."""
    if found:
        yield Worry(
            "unreadable",
            57,
            f"{count(len(found), 'image')} cannot be used: {some(list(found))}.",
            "Fetch them again or remove them; the reasons are listed. The rest is inspected without them.",
        )


def notes(
    tally: Counts,
    same: Ints,
    near: Ints,
    leaks: Leakage,
    proposed: Grouping | None,
    doubted: Doubts | None,
) -> list[str]:
    """What is worth saying and no worry."""
    said = []
    repeats = len(same) - len(set(same.tolist()))
    if 0 < repeats < REPEATED * len(same):
        said.append(
            f"{count(repeats, 'image repeats', 'images repeat')} another picture; repeats always share a fold."
        )
    alike = [g for g in members(near) if len(set(same[g].tolist())) > 1]
    if alike:
        number = count(len(alike), "set")
        said.append(f"{number} of near duplicates (crops, neighbouring frames); they always share a fold.")
    if leaks.near and not _many_near(leaks):
        said.append(f"{near_sentence(leaks)}.")
    if proposed is not None and kept_by_folds(proposed, leaks.splits):
        said.append(
            f"Names suggest groups (`--group '{proposed.regex}'`); the given folds keep them together."
        )
    if tally.blank:
        said.append(f"{count(len(tally.blank), 'picture is', 'pictures are')} blank: {some(tally.blank)}.")
    if tally.rotated:
        said.append(f"{count(tally.rotated, 'image is', 'images are')} turned upright as EXIF asks.")
    if tally.animated:
        said.append(
            f"{count(tally.animated, 'file has', 'files have')} several frames; the first one counts."
        )
    if doubted is not None:
        weak = "" if doubted.able else " That is too little to doubt a label."
        said.append(
            f"Labels were checked with {doubted.source}, which name {percent(doubted.accuracy)} of the classes rightly "
            f"out of fold (always the commonest answer: {percent(doubted.baseline)}).{weak}"
        )
    return said
