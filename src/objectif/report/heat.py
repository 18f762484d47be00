"""The map of loss x model: the best figure of every pair, or what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from objectif.report.html import Markup, name, tag
from objectif.report.material import Material
from objectif.report.numbers import Axis, figure, interval, tick
from objectif.runs.leaderboard import on_axis
from objectif.runs.result import Result, Standing

SIDE = 40  # rows and columns of the map at most
_VOID = {"over_limit": "over limit"}
_SAID = (
    "Each cell is the best preparation of that pair; both sides are sorted by how well they do. A "
    "neighbour a shade lighter is often only luck: what may be claimed stands in the tables."
)
_SUMS = " Losses joined by a plus are minimised together, each for its part of the answer."


def section(material: Material) -> Markup | None:
    """The map as a <section>; None where there are not two of one of them."""
    result = material.result
    lines = [s for s in result.leaderboard if s.loss and s.model]
    losses = list(dict.fromkeys(s.loss for s in lines))
    models = list(dict.fromkeys((s.approach, s.model) for s in lines))
    cells: dict[tuple[str, tuple[str, str]], list[Standing]] = {}
    for line in lines:
        cells.setdefault((line.loss, (line.approach, line.model)), []).append(line)
    best = {pair: _best(found, result) for pair, found in cells.items()}
    values = {pair: s.estimate for pair, s in best.items() if on_axis(s) and s.estimate is not None}
    if len(values) < 2:
        return None
    scale, clipped = _scale(list(values.values()), result)
    losses.sort(key=lambda loss: _rank([v for pair, v in values.items() if pair[0] == loss], result))
    models.sort(key=lambda model: _rank([v for pair, v in values.items() if pair[1] == model], result))
    shown = models[:SIDE]
    rows = []
    for loss in losses[:SIDE]:
        row = [_cell(best.get((loss, model)), scale, result) for model in shown]
        rows.append(tag("tr", tag("th", name(loss, 28), scope="row"), row))
    heads = [tag("th", name(m, 26), tag("span", name(a, 20), class_="sub"), scope="col") for a, m in shown]
    sheet = tag("table", tag("thead", tag("tr", tag("th"), heads)), tag("tbody", rows), class_="heat")
    return tag(
        "section",
        tag("h2", "Every loss on every model"),
        tag("p", _SAID, _SUMS if any("+" in loss for loss in losses) else None, class_="soft"),
        tag("div", sheet, class_="scroll"),
        _legend(scale, result, clipped=clipped),
        id="map",
    )


def _legend(scale: Axis, result: Result, *, clipped: bool) -> Markup:
    """What the depth of colour means."""
    better = result.higher_is_better
    worst, top = (scale.low, scale.high) if better else (scale.high, scale.low)
    edge = ("≤ " if better else "≥ ") if clipped else ""
    words = f"{result.title}: {edge}{tick(round(worst, 3))}"
    return tag(
        "p", words, tag("span", class_="ramp"), f"{tick(round(top, 3))}. The winner is framed.", class_="note"
    )


def _scale(values: Sequence[float], result: Result) -> tuple[Axis, bool]:
    """Value -> depth of colour, and whether the worst are clipped.

    The scale reaches twice as far from the best as the median does, so that one hopeless row does not take
    all the colour from the differences that matter.
    """
    ranked = sorted(values, reverse=result.higher_is_better)
    best, worst, middle = ranked[0], ranked[-1], ranked[len(ranked) // 2]
    reach = max(2 * abs(best - middle), 1e-6)
    clipped = abs(best - worst) > reach
    end = best + (reach if best < worst else -reach) if clipped else worst
    return (Axis(end, best, 0.06, 0.95) if result.higher_is_better else Axis(best, end, 0.95, 0.06)), clipped


def _best(lines: Sequence[Standing], result: Result) -> Standing:
    """The best compared candidate of a pair, the winner before all; otherwise what became of it."""
    sign = -1.0 if result.higher_is_better else 1.0
    return min(lines, key=lambda s: (s.id != result.winner, not on_axis(s), sign * (s.estimate or 0.0)))


def _rank(values: Sequence[float], result: Result) -> tuple[int, float]:
    """Rows and columns in the order of their mean; those with nothing compared last."""
    if not values:
        return 1, 0.0
    mean = sum(values) / len(values)
    return 0, -mean if result.higher_is_better else mean


def _cell(line: Standing | None, scale: Axis, result: Result) -> Markup:
    """A pair's figure on its colour, or what became of it in words."""
    if line is None:
        return tag("td", "", class_="void", title="not tried")
    if not on_axis(line) or line.estimate is None:
        return tag("td", _VOID.get(line.status, line.status), class_="void", title=line.reason[:120] or None)
    depth = scale.at(line.estimate)
    classes = " ".join(w for w, yes in (("hot", depth > 0.8), ("best", line.id == result.winner)) if yes)
    note = tag("small", "over limit") if line.status == "over_limit" else None
    return tag(
        "td",
        figure(line.estimate),
        note,
        class_=classes or None,
        style=f"--a:{depth:.2f}",
        title=interval(line.low, line.high) or None,
    )
