"""Make a lens from a folder of labelled photos: the race as a child process, then cards, examples, held-out answers.

A child, because a lens never loads torch: whoever only answers needs the base install. What was made before is kept: the
race goes on where it stopped, cards that somebody edited stay as they are.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from objectif.apps.lens import cards, nearest, skeleton, teach
from objectif.apps.lens.folder import Lens, open_lens, write_heldout
from objectif.apps.lens.problem import problem
from objectif.apps.lens.rules import confused
from objectif.apps.lens.texts import CODE
from objectif.data.load import load
from objectif.errors import InputError, RunError
from objectif.problem import read as read_problem
from objectif.problem import write as write_problem
from objectif.run.predictor import Predictor
from objectif.runs.answers import read as read_answers
from objectif.runs.folder import PROBLEM, RunFolder
from objectif.solution.file import SUFFIX
from objectif.solution.file import read as read_solution

RUN = "run"
SUFFIX_OF_LENS = ".lens"


def usual_folder(data: Path) -> Path:
    """Where the lens of a folder of photos goes unless told otherwise."""
    return Path(f"{data.absolute().stem or 'photos'}{SUFFIX_OF_LENS}")


def checked(languages: Sequence[str], accuracy: float) -> tuple[str, ...]:
    """Codes of languages without blanks. InputError, before any wait, for what cards.toml would refuse."""
    codes = tuple(dict.fromkeys(code.strip() for code in languages))
    wrong = [code for code in codes if not CODE.fullmatch(code)]
    if wrong:
        raise InputError(f"--languages: {wrong[0]!r} is no code of a language; expected some such as en,de.")
    if not 0.5 < accuracy < 1:
        raise InputError(f"--accuracy {accuracy:g}: expected a share between 0.5 and 1, such as 0.9.")
    return codes


def solve(data: Path, folder: Path, *, budget: str | None = None) -> None:
    """Run the race of a lens in a child process, its progress on this terminal.

    InputError where the folder is the lens of other data, RunError where the race fails.
    """
    stated, statement = problem(data), folder / PROBLEM
    if statement.exists() and (other := read_problem(statement).data) != stated.data:
        raise InputError(f"{folder} is the lens of {other}; expected another --out for {stated.data}.")
    if not statement.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_problem(stated, statement)
    command = [sys.executable, "-m", "objectif", "solve", str(statement), "--out", str(folder / RUN)]
    code = _waited(subprocess.Popen([*command, *([] if budget is None else ["--budget", budget])]))
    if code:
        raise RunError(
            f"`objectif solve` ended with exit code {code}; what it said stands above. Mend it and run again."
        )


def _waited(child: subprocess.Popen[bytes]) -> int:
    """Its exit code. Ctrl-C reaches the child too, which then delivers the best so far: it is waited for all the same."""
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def make(
    run: Path,
    folder: Path,
    *,
    title: str,
    languages: Sequence[str] = ("en",),
    accuracy: float = 0.9,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Lens:
    """The lens of a finished race, opened. InputError where the race was of something else than labels."""
    raced = RunFolder.open(run)
    answers, solution = read_answers(raced), read_solution(raced.solution())
    if solution.task != "classify" or solution.multilabel:
        raise InputError(
            f"{run}: a race of {solution.task!r}; a lens needs one label an image (--task classify)."
        )
    stated = read_problem(raced.file(PROBLEM))
    dataset = load(stated.data, **stated.reading())
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*{SUFFIX}"):
        old.unlink()
    shutil.copyfile(raced.solution(), folder / raced.solution().name)
    write_heldout(folder, answers)
    nearest.build(dataset, solution, folder, progress)
    teach.again(folder, Predictor(solution))
    if not (folder / cards.FILE).exists():
        skeleton.write(
            folder / cards.FILE,
            solution.classes,
            title=title,
            languages=languages,
            accuracy=accuracy,
            confused=confused(solution.classes, answers.scores, answers.truth),
        )
    return open_lens(folder)
