"""The verbs for Python: inspect, solve, load. What `import objectif as ob` offers, each imported on first use."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from objectif.health.inspect import Health
    from objectif.problem import Problem
    from objectif.run.predictor import Predictor
    from objectif.runs.result import Result
    from objectif.solution.file import Solution


@dataclass(frozen=True)
class Race:
    """A finished race. result: all figures. folder: its run folder, with report.html and the Solution."""

    result: Result
    folder: Path

    @property
    def best(self) -> Solution:
        """The winner, ready to `save`."""
        from objectif.runs.folder import RunFolder
        from objectif.solution.file import read

        return read(RunFolder.open(self.folder).solution())

    def __str__(self) -> str:
        from rich.console import Console

        from objectif.runs.leaderboard import table

        console = Console(width=110, color_system=None)
        with console.capture() as text:
            console.print(table(self.result))
            console.print("\n".join(self.result.sentences), highlight=False, markup=False)
        return text.get()


def inspect(data: str | Path, *, format: str | None = None, group: str | None = None) -> Health:
    """What the labelled images at `data` say, and what worries us. DataError where they cannot be read."""
    from objectif.data.load import load as load_data
    from objectif.health.inspect import inspect as look_at

    return look_at(load_data(data, format=format, group=group))


def solve(
    problem: Problem, *, budget: str | float | None = None, out: str | Path | None = None, **options: Any
) -> Race:
    """Run the race of a Problem. budget: seconds or '20 min', instead of the Problem's. out: the run folder.

    Needs objectif[train]. Raises DataError, ProblemError, LeakageError, InfeasibleError. Call it under
    `if __name__ == "__main__":` in a script, because trials run in processes of their own.
    """
    from objectif.learn.race.solve import solve as run_race
    from objectif.problem import Problem as Statement

    if budget is not None:
        problem = Statement(**{**problem.to_dict(), "budget": budget})
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="objectif-"))
    return Race(run_race(problem, folder, **options), folder)


def load(path: str | Path) -> Predictor:
    """A Solution file, ready to predict. SolutionError where it is damaged, altered or from a newer version."""
    from objectif.run.predictor import load as load_predictor

    return load_predictor(Path(path))


__all__ = ["Race", "inspect", "load", "solve"]
