"""solve: from a Problem to a finished run folder; again on the same folder, it goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from objectif.data.splits import to_json
from objectif.errors import InfeasibleError, RunError, TrialError
from objectif.learn.race.board import Board
from objectif.learn.race.deliver import Delivery, deliver, judge
from objectif.learn.race.executor import Executor, Job, LocalExecutor
from objectif.learn.race.ground import Ground, survey
from objectif.learn.race.race import Race
from objectif.learn.race.record import name_of
from objectif.learn.race.show import Show
from objectif.learn.race.why import look
from objectif.problem import Problem, write
from objectif.report.page import write as write_report
from objectif.runs.folder import ANSWERS, HEALTH, PROBLEM, REPORT, RESULT, SPLITS, WHY, RunFolder
from objectif.runs.journal import Journal
from objectif.runs.result import Result

WORK, STATEMENT = "work", "problem.json"


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
        _same_problem(folder, problem)
        if folder.has(RESULT):
            show.say(f"{out} is finished; delete it to race again.")
            result = folder.result()
            _tidy(folder)
        else:
            problem.check()
            with show:
                result = _race(problem, folder, folder.journal(), show, executor(), command)
    if not result.feasible:
        raise InfeasibleError(_infeasible(result, folder))
    if not result.kept:
        raise InfeasibleError(_broken(result, folder))
    return result


def _same_problem(folder: RunFolder, problem: Problem) -> None:
    """A run folder belongs to one statement: resuming with another would mix two races."""
    if folder.has(STATEMENT) and folder.read_json(STATEMENT) != json.loads(json.dumps(problem.to_dict())):
        raise RunError(
            f"{folder.path} holds a race of another statement (see its {PROBLEM}). "
            "Remedy: repeat its options, or choose another folder with --out."
        )


def _same_data(folder: RunFolder, splits: dict[str, Any]) -> None:
    """Features and scores belong to rows: an image or a label more or less would shift them."""
    before = folder.read_json(SPLITS)
    if any(before.get(key) != splits[key] for key in ("paths", "labels", "fold", "test")):
        raise RunError(
            f"the images or labels have changed since the race in {folder.path} began. "
            "Remedy: choose another folder with --out."
        )


def _tidy(folder: RunFolder) -> None:
    """What a kill in the last moment left undone."""
    if not folder.has(REPORT):
        write_report(folder)
    shutil.rmtree(folder.path / WORK, ignore_errors=True)


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
    board = Board(folder, journal, ground.context, ground.context.metric, dict(problem.limits))
    reserve = min(60.0, max(8.0, 0.18 * problem.budget))
    race = Race(ground.problem, ground, board, executor, show, deadline=problem.budget, reserve=reserve)
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
    """problem.toml and splits.json, once the images have proved to be fit; later, that they are still the same."""
    splits = json.loads(json.dumps(to_json(ground.plan, ground.dataset)))
    if folder.has(SPLITS):
        _same_data(folder, splits)
    folder.write_json(STATEMENT, problem.to_dict())
    if not folder.has(PROBLEM):
        write(ground.problem, folder.file(PROBLEM), ground.dataset)
    folder.write_json(SPLITS, splits)


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
    delivery = _deliver_best(race, command)
    folder.write_arrays(ANSWERS, delivery.answers)
    for old in folder.path.glob("*.objectif"):
        old.unlink()
    delivery.solution.save(folder.path / f"{name_of(race)}.objectif")
    folder.write_result(delivery.result)
    began = race.now()
    looked = look(race, delivery)
    race.board.journal.append("explained", status="done", seconds=round(race.now() - began, 3))
    if looked is not None:
        folder.write_json(WHY, looked)
    write_report(folder)
    race.board.journal.append("done", status="done")
    shutil.rmtree(race.work, ignore_errors=True)
    return delivery.result


def _deliver_best(race: Race, command: str) -> Delivery:
    """The winner's delivery; a winner that cannot be built or fails its gate makes room for the next."""
    while True:
        found = judge(race)
        if found.winner is None:
            failed = [f"{c.id}: {why}" for c, why in list(race.board.failed.items())[:3]]
            reasons = "; ".join([*failed, *race.notes])
            raise RunError(
                f"no candidate came to an end. {reasons or 'The budget was too short.'} Remedy: a longer --budget, "
                "in another folder."
            )
        race.board.journal.append("verdict", trial=found.winner, status="winner", metric=found.naive)
        try:
            return deliver(race, found, command)
        except TrialError as error:
            winner = next(c for c in race.board.order if c.id == found.winner)
            del race.board.scores[winner]
            race.board.fail(winner, None, str(error))
            race.show.say(f"{winner.id} failed at the last step: {error}")


def _broken(result: Result, folder: RunFolder) -> str:
    records = (result.promises or {}).get("records", ())
    said = [str(record["sentence"]) for record in records if not record["kept"]]
    return (
        f"{chr(10).join(said)}\nThe best Solution is in {folder.solution().name}, which leaves every image to a person; see "
        f"{folder.file(REPORT)}."
    )


def _infeasible(result: Result, folder: RunFolder) -> str:
    return (
        f"no candidate keeps the limits {dict(result.limits)}. {' '.join(result.sentences[-1:])} "
        f"The nearest one is in {folder.solution().name}, marked feasible: false; see {folder.file(REPORT)}."
    )
