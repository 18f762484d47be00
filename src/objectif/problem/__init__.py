"""The statement of a problem: data, task, objective, limits and search, as a value and as problem.toml.

    data      labelled images: path, format, group, splits, whether mirrored images keep their class
    task      what a truth and an answer mean
    metric    what decides; with metric 'cost' a matrix says what each mistake costs
    limits    what the shipped file may take: latency_ms, size_mb, memory_mb
    search    budget, approaches, models, losses, preparations, folds, seeds, margin, seed

Models, losses, metrics and formats are names here, not objects: stating a problem never imports torch.
A statement is checked in three steps, each as early as it can be: values and contradictions when a Problem
is made, names against what is installed by `Problem.check` (which `read` calls), objective and losses against
the classes by `Problem.validate_classes`, once the images were listed.

Why a file that people edit: a choice that nobody wrote down cannot be questioned. Why one flat class: the
rooms ask for one setting at a time; the file's sections are for people.

Here: statement (the value), values (what fields may be), installed (names against what is there), file
(reading and writing), comments (why each choice), readers and toml (grammar).
"""

from objectif.problem.file import read, write
from objectif.problem.statement import Problem
from objectif.problem.values import APPROACHES, LIMITS, MINIMUM_BUDGET, TASKS

__all__ = ["APPROACHES", "LIMITS", "MINIMUM_BUDGET", "TASKS", "Problem", "read", "write"]
