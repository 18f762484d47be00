"""What the numbers and colours of masks mean: classes, a Legend, and sentences that say what was concluded and why.

With a legend file there is nothing to guess. Without one, from all masks together, the first that fits:

    colour      channels differ: each colour is a class, its hex name the class's name
    binary      0 and one other number; or a gray that is nearly all black or white, cut at the half
    instance    numbers from 1 on, each one connected region: objects
    index       each number is a class; 255 is void

All masks are counted before (mask_pictures.Tally), because one mask alone does not tell: a mask of classes 0 and 1 and
one of one object look the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from objectif.data.dataset import Legend
from objectif.data.legend_files import ANY, Entry, is_void, shown
from objectif.data.mask_pictures import Tally
from objectif.errors import DataError
from objectif.metrics.masks import MOST_CLASSES, VOID, has_background

OBJECT, GROUND = "object", "background"
MOST_UNNAMED = 64
"""More colours than this without a legend are no classes, but edges that were smoothed."""
_DARK, _LIGHT, _CLEAR = 16, 239, 0.95
_MANY = 12

Numbers = Mapping[int, int]
Packed = int
Key = int | tuple[int, int, int]


@dataclass(frozen=True)
class Reading:
    """Classes, how masks are read, whether objects are told apart, and sentences about it."""

    classes: tuple[str, ...]
    legend: Legend
    instances: bool = False
    notes: tuple[str, ...] = ()


def understood(tallies: Sequence[Tally], entries: Sequence[Entry] | None, source: str) -> Reading:
    """The reading of these masks; entries: of the legend file `source`, None where there is none.

    Raises DataError: masks that are no masks, one value only, colours without a fitting legend.
    """
    if entries is not None and isinstance(entries[0][0], tuple):
        met = _summed(t.colours for t in tallies)
        if not _are_rows(entries, tallies, met):
            return _keyed(entries, met, source, "colour")
        entries = [(None, name) for _, name in entries]
    if any(t.numbers is None for t in tallies):
        return _colours(tallies, entries, source)
    totals = _summed(t.numbers or {} for t in tallies)
    if entries is not None and entries[0][0] is not None:
        if any(key == ANY for key, _ in entries):
            return _any_other(entries)
        return _keyed(entries, totals, source, "index")
    names = None if entries is None else [name for _, name in entries]
    return _numbers(tallies, totals, names, source)


def labels_of(tally: Tally, reading: Reading) -> tuple[tuple[int, ...], list[str]]:
    """The classes that occur in a mask, and its numbers or colours that are not in the legend, to show."""
    legend = reading.legend
    if legend.kind == "binary":
        return tuple(sorted({int(v > 127) for v in tally.numbers or tally.colours})), []
    met: Iterable[Key]
    if legend.kind == "colour":
        if sum(tally.colours.values()) < tally.pixels:
            return (), ["numbers above 255"]
        met = [unpacked(c) for c in tally.colours]
    else:
        if tally.numbers is None:
            return (), ["colours"]
        met = list(tally.numbers)
    rest = 1 if legend.kind == "instance" else None
    found = {legend.values.get(key, rest) for key in met}
    unlisted = [shown(key) for key in met if legend.values.get(key, rest) is None]
    return tuple(sorted(k for k in found if k is not None and k != VOID)), unlisted


def unpacked(colour: Packed) -> tuple[int, int, int]:
    """(red, green, blue) of 0xRRGGBB."""
    return colour >> 16, colour >> 8 & 255, colour & 255


def looks_like_mask(tally: Tally) -> bool:
    """Whether a picture can be a mask by itself: few numbers or colours, black and white, or regions of one number."""
    most = max(2, min(MOST_UNNAMED, tally.pixels // 8))
    if tally.numbers is None:
        return len(tally.colours) <= most
    regions = tally.different > 0 and tally.whole >= 0.8 * tally.different
    return len(tally.numbers) <= most or _soft(tally.numbers) or regions


# --- with a legend ------------------------------------------------------------------------------------------------


def _keyed(entries: Sequence[Entry], totals: Numbers, source: str, kind: str) -> Reading:
    """Each key is said to be of a class."""
    met = {unpacked(k): n for k, n in totals.items()} if kind == "colour" else dict(totals)
    used = [(key, name) for key, name in entries if key in met]
    classes = tuple(dict.fromkeys(name for _, name in used if not is_void(name)))
    listed = tuple(dict.fromkeys(name for _, name in entries if not is_void(name)))
    if not classes:
        raise DataError(
            f"{source}: none of its classes occurs in the masks, which hold {_some(met)}. Expected numbers or colours of "
            "these masks; correct the legend."
        )
    if len(classes) < 2 or len(classes) > MOST_CLASSES:
        raise DataError(
            f"{source}: {len(classes)} class(es) in the masks ({', '.join(classes[:3])}); expected from 2 to {MOST_CLASSES}, "
            "what is void apart. Correct the legend or the masks."
        )
    ordered = _background_first(classes)
    values: dict[Key, int] = {}
    for key, name in used:
        if key is not None:
            values[key] = VOID if is_void(name) else ordered.index(name)
    notes = [f"classes from {source}"]
    if kind == "index" and VOID in met and VOID not in values:
        values[VOID] = VOID
        notes.append("255 in masks is void: not counted")
    voids = [f"{shown(k)} ({n})" for k, n in used if is_void(n)]
    if voids:
        notes.append(f"not counted: {', '.join(voids)}")
    unused = [name for name in listed if name not in classes]
    if unused:
        notes.append(
            f"classes without a pixel left out: {', '.join(unused[:12])}{', ...' * (len(unused) > 12)}"
        )
    legend = Legend("colour", values) if kind == "colour" else Legend("index", values)
    return Reading(ordered, legend, notes=tuple(notes))


def _are_rows(entries: Sequence[Entry], tallies: Sequence[Tally], colours: Numbers) -> bool:
    """Whether the numbers of the masks are rows of a legend of colours, and no grays of its."""
    if any(t.numbers is None for t in tallies):
        return False
    listed = {key for key, _ in entries}
    numbers = {v for t in tallies for v in t.numbers or {}} - {VOID}
    return max(numbers, default=0) < len(entries) and any(unpacked(c) not in listed for c in colours)


def _background_first(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Background as class 0, wherever the legend has it."""
    ground = [name for name in classes if has_background([name])]
    return (*ground, *(name for name in classes if name not in ground))


def _any_other(entries: Sequence[Entry]) -> Reading:
    """Objects: `* nucleus`, with 0 and others named or not."""
    name = next(n for key, n in entries if key == ANY)
    values: dict[Key, int] = {0: 0}
    ground = GROUND
    for key, own in entries:
        if key == 0:
            ground = own
        elif isinstance(key, int) and key != ANY:
            values[key] = VOID if is_void(own) else 0 if own == ground else 1
    return Reading((ground, name), Legend("instance", values), True, (f"each number is one {name}",))


# --- without, or with names alone ---------------------------------------------------------------------------------


def _colours(tallies: Sequence[Tally], entries: Sequence[Entry] | None, source: str) -> Reading:
    """Hex names; a legend of names or numbers cannot be theirs."""
    if entries is not None:
        raise DataError(
            f"{source}: names classes by their number, but the masks are coloured; expected red, green and blue beside "
            "each name, as in '128 64 64 road'. Add them."
        )
    totals = _summed(t.colours for t in tallies)
    if len(totals) > MOST_UNNAMED:
        raise DataError(
            f"the masks hold {len(totals):,} colours, such as {_some([unpacked(k) for k in totals])}; expected at most "
            f"{MOST_UNNAMED} without a legend. Name the colours that count (--legend), or save the masks as PNG without "
            "smoothed edges."
        )
    ordered = sorted(totals)
    names = [shown(unpacked(colour)) for colour in ordered]
    notes = ["masks are coloured and no legend was found: each colour is a class, named by its hex value"]
    if ordered[0] == 0 and totals[0] == max(totals.values()):
        names[0] = GROUND
        notes.append("black is the commonest colour: it is called 'background'")
    values: dict[Key, int] = {unpacked(colour): k for k, colour in enumerate(ordered)}
    return Reading(tuple(names), Legend("colour", values), notes=tuple(notes))


def _numbers(tallies: Sequence[Tally], totals: Numbers, names: list[str] | None, source: str) -> Reading:
    """Binary, instance or index; names: of 0, 1, 2 ..., or of the objects alone."""
    few = names is None or len(names) <= 2
    told = () if names is None else (f"classes from {source}",)
    pair = _pair(names)
    if (
        few
        and len(totals) == 2
        and min(totals) == 0
        and not (names and max(totals) == VOID and len(names) > 2)
    ):
        other = max(totals)
        legend = Legend("index", {0: 0, other: 1})
        return Reading(
            pair, legend, notes=(f"masks are binary: 0 is {pair[0]!r}, {other} is {pair[1]!r}", *told)
        )
    if few and _soft(totals):
        note = (
            f"masks are gray and nearly all black or white: above half is {pair[1]!r}, the rest {pair[0]!r}"
        )
        return Reading(pair, Legend("binary"), notes=(note, *told))
    if few and _are_objects(tallies):
        note = f"each number in a mask is one connected region: objects of the class {pair[1]!r}"
        return Reading(pair, Legend("instance", {0: 0}), True, (note, *told))
    counted = sorted(v for v in totals if v != VOID)
    if len(counted) > MOST_CLASSES:
        raise DataError(
            f"the masks hold {len(totals):,} different numbers, up to {max(totals):,}; expected at most {MOST_CLASSES} "
            "classes, or objects that are one connected region each. Check that these are masks; a legend (--legend) "
            "with the line '* NAME' makes each number an object."
        )
    return _by_number(counted, totals, names, source) if names else _unnamed(counted, totals)


def _by_number(counted: Sequence[int], totals: Numbers, names: list[str], source: str) -> Reading:
    """Names in a row are those of 0, 1, 2 ...; of 1, 2 ... where there is one number more than names."""
    notes: tuple[str, ...] = ()
    if counted and counted[-1] == len(names) and 0 in totals and not has_background(names):
        names = [GROUND, *names]
        notes = (f"the names of {source} begin at number 1; 0 is called 'background'",)
    found = _keyed(list(enumerate(names)), totals, source, "index")
    return Reading(found.classes, found.legend, notes=(*found.notes, *notes))


def _unnamed(counted: Sequence[int], totals: Numbers) -> Reading:
    if len(counted) < 2:
        held = f"the number {counted[0]}" if counted else "void (255)"
        raise DataError(
            f"the masks hold {held} alone; expected at least two classes, or objects on a background. Check that these are "
            "the masks, and that they hold something."
        )
    names = [f"class {value}" for value in counted]
    notes = [
        "no legend was found: classes are called by their number (--legend names a file with their names)"
    ]
    if counted[0] == 0 and totals[0] == max(totals[v] for v in counted):
        names[0] = GROUND
        notes.append("0 is the commonest number: it is called 'background'")
    values: dict[Key, int] = {value: k for k, value in enumerate(counted)}
    if VOID in totals:
        values[VOID] = VOID
        notes.append("255 in masks is void: not counted")
    return Reading(tuple(names), Legend("index", values), notes=tuple(notes))


def _pair(names: list[str] | None) -> tuple[str, str]:
    """Background and object, by the names of a legend of one or two."""
    if not names:
        return GROUND, OBJECT
    return (GROUND, names[0]) if len(names) == 1 else (names[0], names[1])


def _soft(totals: Numbers) -> bool:
    """Black and white with the traces of smoothing or of JPEG: both ends, numbers between, little there."""
    whole = sum(totals.values())
    dark = sum(n for v, n in totals.items() if v <= _DARK)
    light = sum(n for v, n in totals.items() if _LIGHT <= v <= 255)
    between = sum(_DARK < v < VOID for v in totals)
    return (
        max(totals, default=0) <= 255 and light > 0 < dark and between >= 4 and dark + light > _CLEAR * whole
    )


def _are_objects(tallies: Sequence[Tally]) -> bool:
    """Numbers that are regions, and many of them, or another number of them in each image, always from 1 on."""
    some = [t for t in tallies if t.different]
    if not some or sum(t.whole for t in some) < 0.9 * sum(t.different for t in some):
        return False
    most = [max(t.numbers or {0: 0}) for t in some]
    dense = [t.different >= 0.95 * top for t, top in zip(some, most, strict=True)]
    if max(t.different for t in some) >= _MANY and sum(dense) >= 0.5 * len(some):
        return True
    return len(set(most)) >= 3 and sum(dense) >= 0.95 * len(some)


# --- small things -------------------------------------------------------------------------------------------------


def _summed(many: Iterable[Mapping[int, int]]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for one in many:
        total.update(one)
    return dict(total)


def _some(keys: Iterable[Key]) -> str:
    listed = [shown(key) for key in keys]
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
