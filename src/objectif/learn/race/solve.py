"""solve: from a Problem to a finished run folder; again on the same folder, it goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from objectif.data.splits import to_json
from objectif.errors import InfeasibleError, RunError
from objectif.learn.race.board import Board
from objectif.learn.race.deliver import deliver, judge, name_of
from objectif.learn.race.executor import Executor, Job, LocalExecutor
from objectif.learn.race.ground import Ground, survey
from objectif.learn.race.race import Race
from objectif.learn.race.show import Show
from objectif.problem import Problem, write
from objectif.report.page import write as write_report
from objectif.runs.folder import ANSWERS, HEALTH, PROBLEM, REPORT, RESULT, SPLITS, RunFolder
from objectif.runs.journal import Journal
from objectif.runs.result import Result

WORK = "work"


def solve(
    problem: Problem,
    out: Path,
    *,
    command: str = "",
    show: Show | None = None,
    executor: Callable[[], Executor] = LocalExecutor,
) -> Result:
    """Run (or go on with) the race of `problem` in the folder `out`; the folder then holds the Solution and its proof.

    Raises DataError, ProblemError, LeakageError, RunError before the race; InfeasibleError after everything was
    written, where no candidate keeps the limits.
    """
    show = show or Show()
    folder = RunFolder.create(out)
    with folder.locked():
        if folder.has(RESULT):
            show.say(f"{out} is finished; delete it to race again.")
            return folder.result()
        problem.check()
        _same_problem(folder, problem)
        with show:
            result = _race(problem, folder, folder.journal(), show, executor(), command)
    if not result.feasible:
        raise InfeasibleError(_infeasible(result, folder))
    return result


def _same_problem(folder: RunFolder, problem: Problem) -> None:
    """A run folder belongs to one statement: resuming with another would mix two races."""
    content = json.dumps(problem.to_dict(), sort_keys=True)
    if folder.has("problem.json"):
        before = json.dumps(folder.read_json("problem.json"), sort_keys=True)
        if before != content:
            raise RunError(
                f"{folder.path} holds a race of another statement (see its {PROBLEM}). "
                "Remedy: repeat its options, or choose another folder with --out."
            )
        return
    folder.write_json("problem.json", problem.to_dict())


def _race(
    problem: Problem, folder: RunFolder, journal: Journal, show: Show, executor: Executor, command: str
) -> Result:
    work = folder.path / WORK
    work.mkdir(exist_ok=True)
    journal.append("start", status="resumed" if journal.events else "new")
    show.stage("reading and checking the images")
    ground = survey(problem, work)
    for note in journal.past.note, *ground.notes:
        if note:
            show.say(f"  {note}")
    _describe(folder, problem, ground)
    objective = problem.objective(ground.dataset.classes)
    board = Board(folder, journal, ground.context, objective, dict(problem.limits))
    reserve = min(60.0, max(8.0, 0.18 * problem.budget))
    race = Race(problem, ground, board, executor, show, deadline=problem.budget, reserve=reserve)
    _inspect(race, folder)
    try:
        race.run()
    except KeyboardInterrupt:
        race.interrupt()
        show.say("Stopped; delivering the best so far.")
    show.stage("delivering")
    try:
        return _finish(race, folder, command)
    finally:
        executor.stop()


def _describe(folder: RunFolder, problem: Problem, ground: Ground) -> None:
    """problem.toml and splits.json, once."""
    if not folder.has(PROBLEM):
        write(problem, folder.file(PROBLEM), ground.dataset)
    if not folder.has(SPLITS):
        folder.write_json(SPLITS, to_json(ground.plan, ground.dataset))


def _inspect(race: Race, folder: RunFolder) -> None:
    """The data check runs beside the race and is part of the report."""
    if folder.has(HEALTH) or race.problem.budget < 45:
        return
    target = race.work / HEALTH

    def handle(event: object) -> None:
        if target.exists():
            folder.write_bytes(HEALTH, target.read_bytes())

    race.push(Job("data check", "inspect_data", {"context": race.context_file, "target": target}), handle)


def _finish(race: Race, folder: RunFolder, command: str) -> Result:
    found = judge(race)
    if found.winner is None:
        reasons = "; ".join(f"{c.id}: {why}" for c, why in list(race.board.failed.items())[:3])
        raise RunError(
            f"no candidate came to an end. {reasons or 'The budget was too short.'} Remedy: a longer --budget."
        )
    race.board.journal.append("verdict", trial=found.winner, status="winner", metric=found.naive)
    delivery = deliver(race, found, command)
    folder.write_arrays(ANSWERS, delivery.answers)
    for old in folder.path.glob("*.objectif"):
        old.unlink()
    delivery.solution.save(folder.path / f"{name_of(race)}.objectif")
    folder.write_result(delivery.result)
    write_report(folder)
    race.board.journal.append("done", status="done")
    shutil.rmtree(race.work, ignore_errors=True)
    return delivery.result


def _infeasible(result: Result, folder: RunFolder) -> str:
    return (
        f"no candidate keeps the limits {dict(result.limits)}. {' '.join(result.sentences[-1:])} "
        f"The nearest one is in {folder.solution().name}, marked feasible: false; see {folder.file(REPORT)}."
    )
