"""objectif solve: the race, from labelled images to one Solution file with its proof."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

QUICK_SECONDS = 30.0


def command(
    data: Annotated[Path, typer.Argument(help="a folder or file of labelled images, or problem.toml")],
    task: Annotated[
        str | None,
        typer.Option(
            help="what to tell from the images: classify, detect, segment, regress, restore, identify or anomaly; default "
            "what the labels say"
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="the objective: accuracy, auroc, log_loss, mAP50, ...")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="how long it may take: 60s, 5m, 1h; default 5m")] = None,
    out: Annotated[
        Path | None, typer.Option(help="the run folder; an existing one goes on; default runs/NAME")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of all randomness")] = None,
    format: Annotated[str | None, typer.Option(help="the layout, where it is not clear")] = None,
    group: Annotated[
        str | None, typer.Option(help="regular expression on the path; its first group must not be cut")
    ] = None,
    splits: Annotated[Path | None, typer.Option(help="folder of train/val/test.txt or fold*.txt")] = None,
    images: Annotated[Path | None, typer.Option(help="folder of the pictures, beside --masks")] = None,
    masks: Annotated[
        Path | None, typer.Option(help="folder of masks: what each pixel of a picture is")
    ] = None,
    legend: Annotated[
        Path | None, typer.Option(help="text file that names the numbers or colours of masks")
    ] = None,
    false_alarms: Annotated[
        float | None,
        typer.Option(
            help="Of anomalies: the share of good pictures that may be called anomalous; default 0.05.",
            show_default=False,
        ),
    ] = None,
    turn_masks: Annotated[
        int | None,
        typer.Option(help="degrees by which masks are turned, counter-clockwise: 90, 180 or 270"),
    ] = None,
    degrade: Annotated[
        str | None,
        typer.Option(
            help="what clean pictures go through before they are restored: 'noise 25'; 'given': all are noisy"
        ),
    ] = None,
    good: Annotated[
        str | None,
        typer.Option(
            help="Of anomalies: the class of good pictures, where its name does not say so.",
            show_default=False,
        ),
    ] = None,
    promise: Annotated[
        list[str] | None,
        typer.Option(
            help="What must hold of the answers, again for each: 'recall[pneumonia] >= 0.95', 'precision[weed] >= 0.9 with 99% "
            "confidence', 'coverage >= 0.9'.",
            show_default=False,
        ),
    ] = None,
    promises_hold: Annotated[
        str | None, typer.Option(help="jointly (default) or each", show_default=False)
    ] = None,
    calibration: Annotated[
        float | None,
        typer.Option(
            help="share of the images kept apart to prove promises by; default 0.3", show_default=False
        ),
    ] = None,
    allow_leakage: Annotated[
        bool, typer.Option("--allow-leakage", help="go on where pictures stand in two splits")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="a first Solution within 30 s")] = False,
) -> None:
    """Run the race; write a run folder with leaderboard, report and one Solution file."""
    from objectif.learn.race.solve import solve
    from objectif.problem import Problem, read

    given: dict[str, Any] = {
        "task": task,
        "metric": metric,
        "budget": QUICK_SECONDS if quick else budget,
        "seed": seed,
        "format": format,
        "group": group,
        "splits": splits,
        "images": images,
        "masks": masks,
        "legend": legend,
        "turn_masks": turn_masks,
        "false_alarms": false_alarms,
        "degrade": degrade,
        "good": good,
        "promises": promise or None,
        "promises_hold": promises_hold,
        "calibration": calibration,
        "allow_leakage": allow_leakage or None,
    }
    given = {key: value for key, value in given.items() if value is not None}
    problem = read(data) if data.suffix == ".toml" else Problem(data)
    if given:
        problem = Problem(**{**problem.to_dict(), **given})
    out = out or Path("runs") / (problem.data.stem or "run")
    result = solve(problem, out, command=shlex.join(["objectif", *sys.argv[1:]]))
    present(result, out)


def present(result: Any, out: Path, images: str = "IMAGES...") -> None:
    """The leaderboard, what it says in words, and the commands to go on with."""
    from rich.console import Console

    from objectif.runs.folder import RunFolder
    from objectif.runs.leaderboard import table

    console = Console()
    console.print(table(result))
    for sentence in (*result.sentences, *result.notes):
        console.print(sentence, highlight=False, markup=False)
    solution = RunFolder.open(out).solution()
    console.print(
        f"\nReport:   {out / 'report.html'}\nSolution: {solution}\n"
        f"Next:     objectif predict {shlex.quote(str(solution))} {images}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
