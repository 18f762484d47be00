"""Health in a terminal: worries first, then what there is, in words and small tables."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from objectif.health.inspect import Health
from objectif.health.words import count, percent, shown

_CLASSES, _DOUBTS, _NAMES, _BOXES = 30, 6, 20, 10


def render(health: Health) -> Group:
    """The parts in the order in which they are read."""
    parts: list[RenderableType] = [Text(), _title(health), Text(), _worries(health)]
    for heading, body in (
        (
            "Classes" if health.objects is None and health.masks is None else "Images with each class",
            _classes(health),
        ),
        ("Objects", _objects(health)),
        ("Pixels", _pixels(health)),
        ("Boxes to look at", _flaws(health)),
        ("Files", _files(health)),
        ("Labels worth a second look", _doubts(health)),
        ("What gives the class away", _confounds(health)),
        ("Cannot be used", _unreadable(health)),
        ("Notes", _notes(health)),
    ):
        if body is not None:
            parts += [Text(heading, style="bold"), Padding(body, (0, 0, 1, 2))]
    return Group(*parts)


def _title(health: Health) -> Text:
    c = health.counts
    facts = [
        count(c.usable, "image"),
        *health.named,
        f"layout {health.layout}",
    ]
    if c.groups is not None:
        facts.append(count(c.groups, "group"))
    return Text.assemble((shown(health.name), "bold"), "  ", (", ".join(facts), "dim"))


def _worries(health: Health) -> RenderableType:
    if not health.worries:
        return Group(Text("No worries.", style="green"), Text())
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right", style="bold yellow")
    table.add_column()
    for number, worry in enumerate(health.worries, 1):
        table.add_row(f"{number}.", Text(shown(worry.sentence)))
        table.add_row("", Text.assemble(("-> ", "green"), (shown(worry.remedy), "green")))
        table.add_row("", "")
    title = f"{count(len(health.worries), 'worry', 'worries')}, the gravest first"
    return Group(Text(title, style="bold yellow"), Text(), table)


def _classes(health: Health) -> RenderableType | None:
    if health.kinds is None:
        return None
    c = health.counts
    totals, splits = c.totals(), c.splits
    most = max(totals.values(), default=1) or 1
    named = () if splits == ("all",) else splits
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=bool(named), header_style="dim")
    table.add_column("")
    table.add_column("all" if named else "", justify="right")
    for split in named:
        table.add_column(shown(split), justify="right")
    table.add_column("", no_wrap=True, overflow="crop")
    width = max(8, 24 - 5 * len(named))
    for name, total in list(totals.items())[:_CLASSES]:
        parts = [f"{c.by_class[name].get(s, 0):,}" for s in named]
        bar = Text("█" * max(1, round(width * total / most)) if total else "", style="blue")
        table.add_row(Text(shown(name)), f"{total:,}", *parts, bar)
    if len(totals) <= _CLASSES:
        return table
    return Group(table, Text(f"and {len(totals) - _CLASSES} more classes", style="dim"))


def _objects(health: Health) -> RenderableType | None:
    found = health.objects
    if found is None:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for heading in ("objects", "median width x height", "of the image's side"):
        table.add_column(heading, justify="right")
    for name, c in list(found.by_class.items())[:_CLASSES]:
        size = f"{c.width:.0f} x {c.height:.0f} px" if c.objects else ""
        table.add_row(Text(shown(name)), f"{c.objects:,}", size, percent(c.side) if c.objects else "")
    middle, most = found.per_image
    density = f"{middle:g} objects in the median image, {most:,} in the fullest"
    return Group(table, Text(density, style="dim"))


def _pixels(health: Health) -> RenderableType | None:
    found = health.masks
    if found is None:
        return None
    what = "objects" if found.instances else "regions"
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for heading in ("of the pixels", what, "median side"):
        table.add_column(heading, justify="right")
    for name, c in list(found.by_class.items())[:_CLASSES]:
        objects = (f"{c.objects:,}", f"{c.side:.0f} px") if c.objects else ("", "")
        table.add_row(Text(shown(name)), percent(c.share), *objects)
    middle, most = found.per_image
    density = f"{what} in an image: {middle:g} in the median one, {most:,} in the fullest"
    return Group(table, Text(density, style="dim"))


def _flaws(health: Health) -> RenderableType | None:
    found = health.objects
    lines = [(kind, f) for kind, flaws in found.flaws.items() for f in flaws] if found is not None else []
    if not lines:
        return None
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    table.add_column()
    for kind, flaw in lines[:_BOXES]:
        table.add_row(kind, Text(shown(health.paths[flaw.row])), Text(shown(flaw.words)))
    rest = len(lines) - _BOXES
    more = [Text(f"{rest:,} more in the JSON and the page.", style="dim")] if rest > 0 else []
    return Group(table, *more)


def _files(health: Health) -> RenderableType:
    c = health.counts
    s = c.sizes

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(
            f"{shown(k)} ({v:,})" if len(counts) > 1 else shown(k) for k, v in list(counts.items())[:5]
        )

    median = f"{s.median[0]} x {s.median[1]} px"
    ends = (
        f", from {s.smallest[0]} x {s.smallest[1]} to {s.largest[0]} x {s.largest[1]}"
        if s.different > 1
        else ""
    )
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("sizes", Text(f"median {median}{ends}" if ends else f"all {median}"))
    table.add_row("types", Text(f"{listed(c.types)}; {listed(c.modes)}; {listed(c.bits)} bits a channel"))
    if list(c.cameras) != ["none"]:
        table.add_row("cameras", Text(listed(c.cameras)))
    return table


def _doubts(health: Health) -> RenderableType | None:
    found = health.doubts
    if found is None or not found.able or not found.shown:
        return None
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column()
    table.add_column()
    for d in found.shown[:_DOUBTS]:
        looks = f"{shown(d.given)}, looks like {shown(d.looks)} ({percent(d.looks_probability)})"
        odds = f"wrong: {percent(d.wrong)}" if found.worrying else ""
        table.add_row(Text(shown(health.paths[d.row])), Text(looks), Text(odds, style="yellow"))
    rest = len(found.shown) - _DOUBTS
    said = "" if found.worrying else "Nothing proves that any is wrong."
    more = f"{rest} more in the JSON and the page." if rest > 0 else ""
    return Group(table, Text(" ".join(filter(None, (said, more))), style="dim"))


def _confounds(health: Health) -> RenderableType | None:
    rows = [(c, c.worst()) for c in health.confounds if c.name.startswith("the ")]
    told = [(c, w) for c, w in rows if w is not None]
    if not told:
        return None
    table = Table.grid(padding=(0, 2, 0, 0))
    for found, (label, area) in told:
        # the interval is wide on purpose: it covers all that was tried
        words = f"AUROC {area.estimate:.2f} ({area.low:.2f} to {area.high:.2f})"
        table.add_row(found.name, Text(shown(label)), words, "may be content" if found.kind == "tone" else "")
    return Group(table, Text("The class told best by each; 0.50 is chance.", style="dim"))


def _unreadable(health: Health) -> RenderableType | None:
    items = list(health.unreadable.items())
    if not items:
        return None
    lines = [Text(f"{shown(p)}: {shown(why.removeprefix(f'{p}: '))}") for p, why in items[:_NAMES]]
    if len(items) > _NAMES:
        lines.append(Text(f"and {len(items) - _NAMES} more in the JSON", style="dim"))
    return Group(*lines)


def _notes(health: Health) -> RenderableType | None:
    if not health.notes:
        return None
    table = Table.grid(padding=(0, 1, 0, 0))
    for note in health.notes:
        table.add_row("-", Text(shown(note)))
    return table
