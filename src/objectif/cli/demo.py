"""objectif demo: the whole loop on scikit-learn's handwritten digits; no network, no download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[Path, typer.Option(help="where the images and the run go")] = Path("runs/demo"),
    budget: Annotated[str, typer.Option(help="how long the race may take")] = "90s",
) -> None:
    """The whole loop on data that a package ships, without a network."""
    from rich.console import Console

    from objectif.cli.solve import present
    from objectif.learn.race.demo import write_digits
    from objectif.learn.race.solve import solve
    from objectif.problem import Problem

    console = Console()
    data = write_digits(out / "digits")
    console.print(
        f"Which digit is it? 1,797 images of 8 x 8 pixels from scikit-learn, in {data}", highlight=False
    )
    command = f"objectif solve {data} --budget {budget} --out {out / 'run'}"
    console.print(f"$ {command}\n", highlight=False)
    result = solve(Problem(data, budget=budget), out / "run", command=command)
    present(result, out / "run", images=str(data / "7" / "0007.png"))
