"""Health as one self-contained HTML file: opens offline, light or dark, pictures inside, every name escaped.

Worries come first with the pictures that show them; the evidence for everything follows. No script and no address: the
content policy forbids both, so that a file name cannot become code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from objectif.data.dataset import Dataset
from objectif.health.confounds import WORRY, Area, Confound
from objectif.health.duplicates import Ints, members
from objectif.health.inspect import Health
from objectif.health.objects import Flaw
from objectif.health.style import CSS
from objectif.health.thumbs import data_uri
from objectif.health.words import count, percent, shown

_GROUPS_SHOWN, _IN_GROUP = 8, 8
_DOUBTS_SHOWN = 48
_NAMES_SHOWN = 200
_FLAWS_SHOWN = 12


def page(health: Health, dataset: Dataset) -> str:
    """The whole file as text. dataset: the one that was inspected; pictures are read from it again."""
    pictures = _Pictures(health, dataset)
    body = [
        _head(health),
        _worries(health, pictures),
        _classes(health),
        _objects(health),
        _pixels(health),
        _flaws(health, pictures),
        _files(health),
        _doubts(health, pictures),
        _duplicates(health, pictures),
        _confounds(health),
        _unreadable(health),
        _notes(health),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_e(health.name)}: what the data say</title><style>{CSS}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _e(text: object) -> str:
    return escape(shown(str(text)))


def _code(text: str) -> str:
    """Escaped, with `commands` set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _e(text))


class _Pictures:
    """Thumbnails by row, each encoded once."""

    def __init__(self, health: Health, dataset: Dataset) -> None:
        self.health, self.dataset = health, dataset
        self.known: dict[int, str | None] = {}

    def one(self, row: int, *, caption: str | None = None) -> str:
        """A figure of one picture: its name, its label and split, or another caption (HTML)."""
        if row not in self.known:
            self.known[row] = data_uri(self.dataset, row)
        uri, path = self.known[row], self.health.paths[row]
        image = f'<img src="{uri}" alt="">' if uri else '<span class="gone">cannot be shown</span>'
        if caption is None:
            split = self.dataset.samples[row].split
            label = _e(" | ".join(self.health.labels[row]) or "no label")
            caption = f"<b>{label}</b>" + (f" <i>{_e(split)}</i>" if split else "")
        name = path.rsplit("/", 1)[-1]
        return f'<figure title="{_e(path)}">{image}<figcaption>{caption}<small>{_e(name)}</small></figcaption></figure>'

    def flawed(self, flaw: Flaw) -> str:
        """A figure of one picture with its boxes, those of the flaw marked."""
        uri, path = data_uri(self.dataset, flaw.row, side=288, marked=flaw.boxes), self.health.paths[flaw.row]
        image = f'<img src="{uri}" alt="">' if uri else '<span class="gone">cannot be shown</span>'
        name = _e(path.rsplit("/", 1)[-1])
        caption = f"{_e(flaw.words)}<small>{name}</small>"
        return f'<figure title="{_e(path)}">{image}<figcaption>{caption}</figcaption></figure>'

    def sets(self, groups: Iterable[Iterable[int]], most: int = _GROUPS_SHOWN) -> str:
        """Groups of pictures, each in a frame of its own."""
        listed = [list(g) for g in groups]
        frames = []
        for group in listed[:most]:
            figures = "".join(self.one(int(row)) for row in group[:_IN_GROUP])
            more = f"<p>and {len(group) - _IN_GROUP} more</p>" if len(group) > _IN_GROUP else ""
            frames.append(f'<div class="set">{figures}{more}</div>')
        rest = f'<p class="quiet">and {len(listed) - most:,} more</p>' if len(listed) > most else ""
        return f'<div class="sets">{"".join(frames)}</div>{rest}' if frames else ""


def _section(title: str, lead: str, content: str) -> str:
    """lead and content are HTML."""
    return f"<section><h2>{_e(title)}</h2><p>{lead}</p>{content}</section>"


def _head(health: Health) -> str:
    c = health.counts
    facts = [
        count(c.usable, "image"),
        *health.named,
        f"layout {health.layout}",
        *([count(c.groups, "group")] if c.groups is not None else []),
    ]
    n = len(health.worries)
    word = "No worries" if not n else count(n, "worry", "worries")
    return (
        f'<header><p class="kicker">what the data say</p><h1>{_e(health.name)}</h1>'
        f"<p>{_e(' · '.join(facts))}</p>"
        f'<p class="verdict {"bad" if n else "good"}">{word}</p></header>'
    )


def _worries(health: Health, pictures: _Pictures) -> str:
    if not health.worries:
        return ""
    items = []
    for worry in health.worries:
        shows = pictures.sets(worry.rows, most=6)
        items.append(
            f'<li><p>{_code(worry.sentence)}</p><p class="remedy">{_code(worry.remedy)}</p>{shows}</li>'
        )
    return f'<section class="worries"><h2>Worries, the gravest first</h2><ol>{"".join(items)}</ol></section>'


def _classes(health: Health) -> str:
    if health.kinds is None:
        return ""
    c = health.counts
    totals, splits = c.totals(), c.splits
    most = max(totals.values(), default=1) or 1
    single = splits == ("all",)
    head = "".join(f"<th>{_e(s)}</th>" for s in ("images",) + (() if single else splits))
    rows = []
    for name, total in totals.items():
        parts = "" if single else "".join(f"<td>{c.by_class[name].get(s, 0):,}</td>" for s in splits)
        bar = f'<td class="bar"><span style="width:{100 * total / most:.1f}%"></span></td>'
        rows.append(f"<tr><th>{_e(name)}</th><td>{total:,}</td>{parts}{bar}</tr>")
    ratio = c.imbalance
    uneven = f"the largest has {ratio:.1f} times as many as the smallest"
    even = "all equally many" if ratio == 1 else "almost equally many" if ratio < 1.1 else uneven
    table = f'<table class="classes"><tr><th>class</th>{head}<th></th></tr>{"".join(rows)}</table>'
    whole = health.objects is None and health.masks is None
    lead = "Images in each class" if whole else "Images that show each class"
    return _section("Classes", f"{lead}; {even}.", f'<div class="wide">{table}</div>')


def _objects(health: Health) -> str:
    found = health.objects
    if found is None:
        return ""
    most = max((c.objects for c in found.by_class.values()), default=0) or 1
    heads = ("class", "objects", "median size", "of the image's side", "")
    rows = []
    for name, c in found.by_class.items():
        size = f"{c.width:.0f} × {c.height:.0f} px" if c.objects else ""
        side = percent(c.side) if c.objects else ""
        bar = f'<td class="bar"><span style="width:{100 * c.objects / most:.1f}%"></span></td>'
        rows.append(f"<tr><th>{_e(name)}</th><td>{c.objects:,}</td><td>{size}</td><td>{side}</td>{bar}</tr>")
    head = "".join(f"<th>{h}</th>" for h in heads)
    middle, fullest = found.per_image
    none = f", none in {count(len(found.negatives), 'image')}" if found.negatives else ""
    lead = (
        f"{count(found.total, 'object')}: {middle:g} in the median image, {fullest:,} in the fullest{none}. By area "
        f"{found.small:,} are small (below 32 × 32 px), {found.medium:,} medium and {found.large:,} large (from 96 × 96 px)."
    )
    table = f'<table class="classes"><tr>{head}</tr>{"".join(rows)}</table>'
    return _section("Objects", lead, f'<div class="wide">{table}</div>')


def _pixels(health: Health) -> str:
    found = health.masks
    if found is None:
        return ""
    what = "objects" if found.instances else "regions"
    heads = ("class", "pixels", "of all", what, "median side", "")
    most = max((c.share for c in found.by_class.values()), default=0) or 1
    rows = []
    for name, c in found.by_class.items():
        bar = f'<td class="bar"><span style="width:{100 * c.share / most:.1f}%"></span></td>'
        objects = f"<td>{c.objects:,}</td><td>{c.side:.0f} px</td>" if c.objects else "<td></td><td></td>"
        rows.append(
            f"<tr><th>{_e(name)}</th><td>{c.pixels:,}</td><td>{percent(c.share)}</td>{objects}{bar}</tr>"
        )
    head = "".join(f"<th>{h}</th>" for h in heads)
    middle, fullest = found.per_image
    void = f"; {percent(found.void)} are void and not counted" if found.void else ""
    lead = f"What each pixel is{void}. {what.capitalize()} in an image: {middle:g} in the median one, {fullest:,} in the "
    lead += "fullest."
    table = f'<table class="classes"><tr>{head}</tr>{"".join(rows)}</table>'
    return _section("Pixels", lead, f'<div class="wide">{table}</div>')


def _flaws(health: Health, pictures: _Pictures) -> str:
    found = health.objects
    if found is None or not any(found.flaws.values()):
        return ""
    parts = []
    for kind, flaws in found.flaws.items():
        if not flaws:
            continue
        figures = "".join(pictures.flawed(flaw) for flaw in flaws[:_FLAWS_SHOWN])
        rest = (
            f'<p class="quiet">and {len(flaws) - _FLAWS_SHOWN:,} more</p>'
            if len(flaws) > _FLAWS_SHOWN
            else ""
        )
        parts.append(f'<h3>{_e(kind)}: {len(flaws):,}</h3><div class="gallery">{figures}</div>{rest}')
    lead = "Boxes that look like slips, marked; the other boxes of the image are drawn thinly."
    return _section("Boxes to look at", lead, "".join(parts))


def _files(health: Health) -> str:
    c = health.counts
    s = c.sizes

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{_e(k)} ({v:,})" for k, v in list(counts.items())[:5])

    def size(pair: tuple[int, int]) -> str:
        return f"{pair[0]} × {pair[1]}"

    sizes = (
        size(s.median)
        if s.different == 1
        else f"{size(s.smallest)} to {size(s.largest)}, median {size(s.median)}"
    )
    rows = [
        ("sizes", f"{sizes} px; {count(s.different, 'different one', 'different ones')}"),
        ("file types", listed(c.types)),
        ("colour modes", listed(c.modes)),
        ("bits a channel", listed(c.bits)),
        ("cameras (EXIF)", listed(c.cameras) if list(c.cameras) != ["none"] else "none named"),
    ]
    body = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in rows)
    return f'<section><h2>Files</h2><table class="facts">{body}</table></section>'


def _doubts(health: Health, pictures: _Pictures) -> str:
    found = health.doubts
    if found is None or not found.able or not found.shown:
        return ""
    figures = []
    for d in found.shown[:_DOUBTS_SHOWN]:
        odds = f"<em>wrong: {percent(d.wrong)}</em>" if found.worrying else ""
        caption = f"labelled <b>{_e(d.given)}</b>, looks like <b>{_e(d.looks)}</b> ({percent(d.looks_probability)}){odds}"
        figures.append(pictures.one(d.row, caption=caption))
    skill = (
        f"Judged by {_e(found.source)}, which name {percent(found.accuracy)} of the classes rightly on images they never "
        f"saw (always the commonest answer: {percent(found.baseline)})."
    )
    if found.worrying:
        lead = f"About {round(found.wrong):,} look wrong. The probability that each is wrong stands below it. {skill}"
    else:
        lead = f"The least plausible labels. Nothing proves that any is wrong; the judge may be. {skill}"
    return _section("Labels worth a second look", lead, f'<div class="gallery">{"".join(figures)}</div>')


def _duplicates(health: Health, pictures: _Pictures) -> str:
    same, near = members(health.same), [g for g in members(health.near) if _several(g, health.same)]
    if not same and not near:
        return _section("Duplicates", "No picture is there twice, and none nearly.", "")
    parts = []
    if same:
        parts.append(f"<h3>{count(len(same), 'picture is', 'pictures are')} there more than once</h3>")
        parts.append(pictures.sets(same))
    if near:
        parts.append(f"<h3>{count(len(near), 'set')} of near duplicates</h3>")
        parts.append(pictures.sets(near))
    lead = (
        "The same pixels at 64 × 64 px, whatever the file; and the same shot with small changes (a crop, brightness, "
        "a neighbouring frame, a mirror image). All of a set share a fold."
    )
    return _section("Duplicates", lead, "".join(parts))


def _several(group: Ints, same: Ints) -> bool:
    """Whether a set of near duplicates holds more than repeats of one picture."""
    return len(set(same[group].tolist())) > 1


def _confounds(health: Health) -> str:
    if not health.confounds:
        return ""
    rows = []
    for found in health.confounds:
        worst = found.worst()
        if worst is not None:
            rows.append(_confound_row(found, *worst))
    if not rows:
        return ""
    lead = (
        "How well each class is told from the others by what is not content (AUROC out of fold: ½ is chance, 1 is always). "
        "The class that is told best is shown, with its interval, corrected for all that was tried. File and borders "
        "should say nothing; tone may be content."
    )
    head = "<tr><th>known of the image</th><th>class told best</th><th>AUROC</th><th></th></tr>"
    table = f'<table class="areas">{head}{"".join(rows)}</table>'
    return _section("What gives the class away", lead, f'<div class="wide">{table}</div>')


def _confound_row(found: Confound, label: str, area: Area) -> str:
    together = found.name.startswith("the ")
    bad = together and area.low > WORRY.get(found.kind, 1.0)
    name = f"{_e(found.name)} <small>together</small>" if together else _e(found.name)
    words = f"{area.estimate:.2f} <small>{area.low:.2f} to {area.high:.2f}</small>"
    left, width = 100 * area.low, 100 * max(0.005, area.high - area.low)
    plot = (
        f'<span class="track"><span class="span" style="left:{left:.1f}%;width:{width:.1f}%"></span>'
        f'<span class="dot" style="left:{min(98.5, max(1.5, 100 * area.estimate)):.1f}%"></span></span>'
    )
    kind = f"{'together ' if together else ''}{'bad' if bad else ''}".strip()
    return f'<tr class="{kind}"><th>{name}</th><td>{_e(label)}</td><td>{words}</td><td class="plot">{plot}</td></tr>'


def _unreadable(health: Health) -> str:
    if not health.unreadable:
        return ""
    items = list(health.unreadable.items())
    rows = "".join(
        f"<tr><th>{_e(p)}</th><td>{_e(_reason(p, why))}</td></tr>" for p, why in items[:_NAMES_SHOWN]
    )
    rest = f'<p class="quiet">and {len(items) - _NAMES_SHOWN:,} more</p>' if len(items) > _NAMES_SHOWN else ""
    lead = f"{count(len(items), 'image')} cannot be used."
    return _section("Unreadable", lead, f'<div class="wide"><table class="facts">{rows}</table></div>{rest}')


def _reason(path: str, why: str) -> str:
    return why.removeprefix(f"{path}: ")


def _notes(health: Health) -> str:
    notes = "".join(f"<li>{_e(n)}</li>" for n in health.notes)
    foot = f'<p class="quiet">Inspected in {health.seconds:.1f} s with objectif.</p>'
    return f"<section><h2>Notes</h2><ul>{notes}</ul>{foot}</section>"
