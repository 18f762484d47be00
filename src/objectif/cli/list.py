"""objectif list: the names that a statement may use, what each is, and which package brings it.

Nothing that is listed is imported: descriptions are read from source text, so the list is quick, works
without torch, and shows a plug-in even where the plug-in itself is broken.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

KINDS = ("models", "losses", "formats", "metrics", "apps", "pages")


def command(
    kind: Annotated[
        Literal["models", "losses", "formats", "metrics", "apps", "pages"] | None,
        typer.Argument(help="One kind."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone.")] = False,
) -> None:
    """What is installed: models, losses, formats, metrics, apps, pages."""
    kinds = KINDS if kind is None else (kind,)
    found = {one: rows(one) for one in kinds}
    if json:
        from json import dumps

        print(dumps(found, indent=2))
        return
    for one, listed in found.items():
        _show(one, listed)


def rows(kind: str) -> list[dict[str, str]]:
    """One row for each name behind a door: name, description, package and what else its source spells out."""
    from objectif import __version__, plugins
    from objectif.about import about

    found: list[dict[str, str]] = []
    if kind == "metrics":
        from objectif.metrics.catalog import NAMES, metric

        for name in NAMES:
            title = "expected cost by your own matrix" if name == "cost" else metric(name).title
            better = "lower" if name == "cost" or not metric(name).higher_is_better else "higher"
            found.append(_row(name, title, f"objectif {__version__}", better=better))
    for name in plugins.names(kind):
        known = about(kind, name)
        # A file may bring several models, of which its first line speaks as one.
        own = known.constants.get("title") if kind in {"models", "apps"} else None
        facts = {k: v for k in ("approach", "kind") if isinstance(v := known.constants.get(k), str)}
        found.append(_row(name, str(own or known.summary), known.package, **facts))
    return found


def _row(name: str, description: str, package: str, **facts: str) -> dict[str, str]:
    return {"name": name, "description": description.rstrip("."), **facts, "package": package}


def _show(kind: str, listed: list[dict[str, str]]) -> None:
    """A kind as aligned columns, the description last because it may be long."""
    print(f"{kind}: {len(listed) or 'none is installed'}")
    columns = [c for c in dict.fromkeys(key for row in listed for key in row) if c != "description"]
    widths = {c: max(len(row.get(c, "")) for row in listed) for c in columns}
    for row in listed:
        cells = [f"{row.get(c, ''):<{widths[c]}}" for c in columns]
        print("  ".join(["", *cells, row["description"]]).rstrip())
    print()
