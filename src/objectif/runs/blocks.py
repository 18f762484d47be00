"""Complete blocks: the largest set of names, each of which was run under the same conditions.

A mean over whatever survived compares different things: a loss tried only with the best network looks good.
So a table keeps names and blocks (what else is held equal) such that every name was run in every block, and
says which names it had to leave out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from objectif.runs.entry import Entry

Block = tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """A complete layout: cells[i][j] is the entry number of names[i] in blocks[j]."""

    names: tuple[str, ...]
    blocks: tuple[Block, ...]
    cells: tuple[tuple[int, ...], ...]
    left_out: tuple[str, ...]


def complete(
    entries: Sequence[Entry],
    name: Callable[[int], str],
    block: Callable[[Entry], Block],
    worth: Callable[[frozenset[str], list[Block]], float],
    enough_seeds: int,
) -> Design | None:
    """The complete layout of greatest worth, from entries with enough seeds where these suffice.

    name(i): what is compared, of entry i. block(entry): what is held equal. None where no two share one.
    """
    for fewest in (enough_seeds, 1):
        grid = _grid(entries, name, block, fewest)
        best: tuple[float, int, frozenset[str], list[Block]] | None = None
        for names in _name_sets(grid):
            kept = [b for b, cells in grid.items() if names <= cells.keys()]
            score = (worth(names, kept), len(names), names, kept)
            if kept and (best is None or score[:2] > best[:2]):
                best = score
        if best is not None:
            ordered, blocks = tuple(sorted(best[2])), best[3]
            everybody = {name(i) for i in range(len(entries))}
            cells = tuple(tuple(grid[b][n] for b in blocks) for n in ordered)
            return Design(ordered, tuple(blocks), cells, tuple(sorted(everybody - best[2])))
    return None


def _grid(
    entries: Sequence[Entry], name: Callable[[int], str], block: Callable[[Entry], Block], fewest: int
) -> dict[Block, dict[str, int]]:
    """Block -> name -> entry number. Of several entries in one cell none is kept: what sets them apart is not
    known here, so it could not be held equal (Entry.setting says it)."""
    cells: dict[tuple[Block, str], list[int]] = {}
    for i, e in enumerate(entries):
        if e.seeds >= fewest:
            cells.setdefault((block(e), name(i)), []).append(i)
    grid: dict[Block, dict[str, int]] = {}
    for (where, who), found in cells.items():
        if len(found) == 1:
            grid.setdefault(where, {})[who] = found[0]
    return grid


def _name_sets(grid: dict[Block, dict[str, int]]) -> list[frozenset[str]]:
    """Sets of two names and more that are worth trying: those of single blocks, and their intersections."""
    single = {frozenset(cells) for cells in grid.values()}
    found = set(single)
    for _ in range(3):  # intersections of up to eight blocks; more never matter in practice
        found |= {a & b for a, b in combinations(sorted(found, key=sorted)[:64], 2)}
    return sorted((s for s in found if len(s) >= 2), key=sorted)
