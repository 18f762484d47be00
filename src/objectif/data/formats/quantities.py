"""Layout: a CSV of images with a number or an ordered stage each, dates, subjects, and what else is known of them.

    path,subject,date,value weight in g                         a number; "count pods" says the same of counts
    path,subject,date,stage U<R<V<O                             a stage, its order in the header, lowest first
    path,subject,date,event overripe                            the day of the event: days until it are the number
    path,subject,date,value,temperature,split,weight            other columns of numbers are known beside the picture

Subjects are groups. With dates and subjects, the days since a subject's first photo and what its photos so far look like
are known too (data/series.py). Dates are ISO 8601, with a time or without; a subject's rows stand in the order in which
they were taken, so that a date mistyped is met here and not in a figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from objectif.data import series
from objectif.data.dataset import Dataset, Sample
from objectif.data.formats.manifest import Table, candidates, table
from objectif.data.rows import WORDS, absence, base_of, file_at, split_word, weight_number
from objectif.errors import DataError, LayoutAmbiguous

NUMBERS = ("value", "count")
FEWEST_STAGES = 3
DAY = "day"
_MINUTE = 60.0 / 86400.0


@dataclass(frozen=True)
class Header:
    """Which column plays which role, by place. name: of the number. stages: in order, () where a number is told."""

    at: Mapping[str, int]
    name: str
    stages: tuple[str, ...]
    known: Mapping[str, int]


class Quantities:
    """The format `quantities`."""

    name = "quantities"
    richness = 30

    def sniff(self, path: Path) -> str | None:
        """Names the file where a CSV has a column of paths and one of numbers, stages or events."""
        found = [file for file in candidates(path) if _fits(file)]
        return f"{found[0].name} lists paths and {_told(found[0])}" if found else None

    def read(self, path: Path) -> Dataset:
        """All rows; DataError names the line of what is wrong."""
        files = candidates(path)
        fitting = [file for file in files if _fits(file)] or files
        if not fitting:
            raise DataError(f"{path}: no CSV file. Expected one with path and value, stage or event.")
        if len(fitting) > 1:
            listed = ", ".join(file.name for file in fitting[:5])
            raise LayoutAmbiguous(f"{path}: several CSV files tell quantities: {listed}. Name the one meant.")
        file = fitting[0]
        content = table(file)
        header = read_header(file, content)
        samples, problems, times = _samples(file, content, header)
        if not samples:
            raise DataError(_nothing(file, problems))
        classes = header.stages or (header.name,)
        made = Dataset(
            file.parent.resolve().name,
            file.parent,
            self.name,
            classes,
            samples,
            notes=(f"layout 'quantities': {file.name} tells {_said(header)}",),
            problems=problems,
            columns=tuple(header.known),
        )
        _varies(file, made)
        return series.extended(made, times)

    def example(self, folder: Path) -> Path:
        """Gray pictures of three subjects with the stage of their lightness, for `objectif check`."""
        from PIL import Image

        lines = ["path,subject,stage dark<medium<light"]
        for k in range(6):
            Image.new("L", (32, 24), 40 * k + 20).save(folder / f"{k}.png")
            lines.append(f"{k}.png,s{k % 3},{('dark', 'medium', 'light')[k // 2]}")
        (folder / "quantities.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder


def _fits(file: Path) -> bool:
    try:
        names, _ = table(file, limit=1)
    except DataError:
        return False
    roles = _roles(names)
    labelled = {name.strip().lower() for name in names} & set(WORDS["label"])
    return "path" in roles and bool({"number", "stage", "event"} & roles.keys()) and not labelled


def _told(file: Path) -> str:
    roles = _roles(table(file, limit=1)[0])
    return next(what for what in ("stage", "event", "number") if what in roles) + "s"


def _said(header: Header) -> str:
    what = f"the stages {' < '.join(header.stages)}" if header.stages else f"the number {header.name!r}"
    beside = f"; known beside the pictures: {', '.join(header.known)}" if header.known else ""
    return what + beside


def _roles(names: Sequence[str]) -> dict[str, int]:
    """Role -> place of the first column that plays it."""
    found: dict[str, int] = {}
    words = {word: role for role in ("path", "group", "split", "weight") for word in WORDS[role]}
    words |= {"date": "date", "time": "date", "taken": "date"}
    for place, name in enumerate(names):
        first = name.strip().lower().partition(" ")[0]
        role = words.get(name.strip().lower())
        if role is None and first in (*NUMBERS, "stage", "event"):
            role = "number" if first in NUMBERS else first
        if role is not None:
            found.setdefault(role, place)
    return found


def read_header(file: Path, content: Table, *, told: bool = True) -> Header:
    """What the columns are; DataError where paths, or what is to be told, are missing or told twice."""
    names, rows = content
    at = _roles(names)
    if "path" not in at:
        raise DataError(f"{file}: no column of paths among {', '.join(names)}. Expected path in the header.")
    asked = [role for role in ("number", "stage", "event") if role in at]
    if told and len(asked) != 1:
        met = " and ".join(asked) if asked else f"none among {', '.join(names)}"
        raise DataError(
            f"{file}: {met}; expected one column of value NAME, count NAME, stage A<B<C or event NAME."
        )
    if told and "event" in at and "date" not in at:
        raise DataError(f"{file}: the date of an event, but no column date. Say when each picture was taken.")
    stages = _stages(file, names[at["stage"]], rows, at["stage"]) if told and "stage" in at else ()
    known = {
        name.strip(): place
        for place, name in enumerate(names)
        if place not in at.values() and any(_number(fields[place]) is not None for _, fields in rows)
    }
    return Header(at, _name(names, at), stages, known)


def _name(names: Sequence[str], at: Mapping[str, int]) -> str:
    for role in ("number", "event"):
        if role in at:
            first, _, rest = names[at[role]].strip().partition(" ")
            return (
                f"days until {rest.strip() or 'the event'}"
                if role == "event"
                else rest.strip() or first.lower()
            )
    return ""


def _stages(file: Path, name: str, rows: list[tuple[int, list[str]]], place: int) -> tuple[str, ...]:
    """The stages in order: as the header states it, or whole numbers as they are."""
    stated = tuple(part.strip() for part in name.strip().partition(" ")[2].split("<") if part.strip())
    met = {fields[place].strip() for _, fields in rows} - {""}
    if not stated and met and all(stage.isdecimal() for stage in met):
        stated = tuple(sorted(met, key=int))
    if not stated:
        shown = " or ".join(sorted(met)[:3])
        raise DataError(
            f"{file}: the stages {shown} have no order. State it in the header, lowest first: 'stage unripe<ripe<over'."
        )
    if len(stated) < FEWEST_STAGES or len(set(stated)) < len(stated):
        raise DataError(
            f"{file}: the stages {' < '.join(stated)}; expected {FEWEST_STAGES} or more different ones "
            "(two are a question for classify: call the column label)."
        )
    return stated


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _samples(
    file: Path, content: Table, header: Header
) -> tuple[tuple[Sample, ...], dict[str, str], dict[str, float]]:
    """Usable rows by path; path -> why for the others; path -> days of its date."""
    cell = _cells(header)
    base = base_of([cell(fields, "path") for _, fields in content[1]], file.parent)
    samples: dict[str, Sample] = {}
    problems: dict[str, str] = {}
    times: dict[str, float] = {}
    last: dict[str, tuple[float, int, str]] = {}
    for line, fields in content[1]:
        where, path = f"{file}, line {line}", cell(fields, "path")
        at = file_at(base, path)
        shown = at.relative_to(file.parent).as_posix() if at.is_relative_to(file.parent) else path
        if shown in samples:
            raise DataError(f"{where}: {path!r} is there twice. Keep one row per image.")
        flaw = absence(at, f"line {line}") or _untold(header, cell, fields, line)
        if flaw is not None:
            problems[shown] = flaw
            continue
        subject = cell(fields, "group") or None
        if "date" in header.at:
            times[shown] = when = day(cell(fields, "date"), where, "date")
            _forward(where, line, subject, when, cell(fields, "date"), last)
        value = _value(header, cell, fields, where)
        samples[shown] = Sample(
            shown,
            at,
            (int(value),) if header.stages else (0,),
            group=subject,
            split=split_word(cell(fields, "split"), where),
            weight=weight_number(cell(fields, "weight"), where),
            value=value,
            known=beside(header, fields, where),
        )
    return tuple(samples[path] for path in sorted(samples)), problems, times


def _cells(header: Header) -> Callable[[list[str], str], str]:
    def cell(fields: list[str], role: str) -> str:
        return fields[header.at[role]].strip() if role in header.at else ""

    return cell


def _untold(
    header: Header, cell: Callable[[list[str], str], str], fields: list[str], line: int
) -> str | None:
    """Why a row tells nothing; an empty cell is an image that nobody has measured, or an event not seen yet."""
    role = next(role for role in ("number", "stage", "event") if role in header.at)
    empty = cell(fields, role).lower() in {"", "nan", "na", "n/a", "null", "none"}
    return f"no {role} (line {line})" if empty else None


def _value(header: Header, cell: Callable[[list[str], str], str], fields: list[str], where: str) -> float:
    """The number, the stage's index, or the days until the event."""
    if header.stages:
        stage = cell(fields, "stage")
        if stage not in header.stages:
            raise DataError(
                f"{where}: the stage {stage!r} is not in the stated order {' < '.join(header.stages)}. Correct it, "
                "or add it to the header where it belongs."
            )
        return float(header.stages.index(stage))
    if "event" in header.at:
        return day(cell(fields, "event"), where, "event") - day(cell(fields, "date"), where, "date")
    value = _number(cell(fields, "number"))
    if value is None:
        text = cell(fields, "number")
        raise DataError(
            f"{where}: {header.name} is {text!r}; expected a finite number. Correct it, or leave it empty."
        )
    return value


def beside(header: Header, fields: list[str], where: str) -> tuple[float, ...]:
    """What is known beside the pixels; DataError where it is no number."""
    found = []
    for name, place in header.known.items():
        value = _number(fields[place])
        if value is None:
            raise DataError(
                f"{where}: {name!r} is {fields[place].strip()!r}; expected a finite number, as in other rows. Fill it "
                "in, or take the column out."
            )
        found.append(value)
    return tuple(found)


def day(text: str, where: str, what: str) -> float:
    """Days of an ISO 8601 date or time since year 1; DataError for another form."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise DataError(
            f"{where}: {what} {text!r}; expected ISO 8601 such as 2024-05-28 or 2024-05-28T18:20."
        ) from None
    return when.toordinal() + (when.hour * 60 + when.minute + when.second / 60) * _MINUTE


def _forward(
    where: str,
    line: int,
    subject: str | None,
    when: float,
    text: str,
    last: dict[str, tuple[float, int, str]],
) -> None:
    """DataError where a subject's dates run backwards."""
    if subject is None:
        return
    before = last.get(subject)
    if before is not None and when < before[0]:
        raise DataError(
            f"{where}: the dates of {subject!r} run backwards, {text} after {before[2]} in line {before[1]}. Correct "
            "the date, or sort the rows of a subject by date."
        )
    last[subject] = when, line, text


def _varies(file: Path, dataset: Dataset) -> None:
    """DataError where there is nothing to learn: all answers are one."""
    values = {sample.value for sample in dataset.samples}
    if len(values) < 2:
        met = (
            dataset.classes[int(next(iter(values)) or 0)] if len(dataset.classes) > 1 else next(iter(values))
        )
        raise DataError(
            f"{file}: all {len(dataset)} images tell {met}; expected answers that differ. Add images of other ones."
        )


def _nothing(file: Path, problems: Mapping[str, str]) -> str:
    if not problems:
        return f"{file}: no rows below the header. Expected one row per image."
    path, why = next(iter(problems.items()))
    return f"{file}: none of its {len(problems)} images can be used ({path!r}: {why}). Correct the paths and numbers."


def known_of(file: Path) -> dict[str, dict[str, float]]:
    """File -> what a CSV says of it beside the pixels: numbers, days and photos so far; for pictures to be answered.

    The columns of a manifest; what is to be told may be missing, and is not looked at. DataError as read().
    """
    content = table(file)
    header = read_header(file, content, told=False)
    cell = _cells(header)
    base = base_of([cell(fields, "path") for _, fields in content[1]], file.parent)
    samples, times, last = [], {}, {}  # type: ignore[var-annotated]
    for line, fields in content[1]:
        where, path, subject = f"{file}, line {line}", cell(fields, "path"), cell(fields, "group") or None
        at = file_at(base, path)
        if absence(at, where) is not None:
            raise DataError(f"{where}: {path!r}: no such file. Paths are looked up from {base}.")
        samples.append(Sample(str(at), at, (0,), group=subject, known=beside(header, fields, where)))
        if "date" in header.at:
            times[str(at)] = when = day(cell(fields, "date"), where, "date")
            _forward(where, line, subject, when, cell(fields, "date"), last)
    plain = Dataset(file.stem, base, "quantities", ("",), tuple(samples), columns=tuple(header.known))
    full = series.extended(plain, times)
    return {str(s.file): dict(zip(full.columns, s.known, strict=True)) for s in full.samples}


FORMAT = Quantities()
