"""Every exception that objectif raises on purpose, with the exit code of each.

    ObjectifError                 1   (never raised itself)
    ├── InputError                2   what was given cannot be used
    │   ├── DataError                 a folder, manifest or archive of labelled images
    │   │   ├── LayoutUnknown         no reading of the folder fits
    │   │   └── LayoutAmbiguous       several readings fit and disagree
    │   ├── ImageError                one picture cannot be read
    │   ├── ProblemError              the statement (problem.toml, --options)
    │   ├── SolutionError             a .objectif file: truncated, altered, too new
    │   ├── PluginError               a model, loss, format or metric that is not there or breaks its contract
    │   └── RunError                  a run folder that is unusable, full or read-only
    ├── InfeasibleError           3   no candidate keeps the limits (a Solution is still written)
    ├── LeakageError              4   the same picture on both sides of a split
    ├── PartialError              5   some inputs failed; the rest was done
    └── TrialError                    one trial of a race failed; the race goes on

A message carries the value that was met, what was expected, and the remedy.
"""


class ObjectifError(Exception):
    """Root of the tree. `exit_code` is what the shell sees."""

    exit_code = 1


class InputError(ObjectifError):
    """What was given cannot be used."""

    exit_code = 2


class DataError(InputError):
    """A folder, manifest or archive of labelled images cannot be used."""


class LayoutUnknown(DataError):
    """No reading of the folder fits."""


class LayoutAmbiguous(DataError):
    """Several readings of the folder fit and give different answers."""


class ImageError(InputError):
    """One picture cannot be read."""


class ProblemError(InputError):
    """The statement of the problem has an unknown key, an impossible value or a contradiction."""


class SolutionError(InputError):
    """A .objectif file is truncated, altered or from a newer version."""


class PluginError(InputError):
    """A model, loss, format or metric is not installed, or breaks its contract."""


class RunError(InputError):
    """A run folder cannot be written, resumed or read."""


class InfeasibleError(ObjectifError):
    """No candidate keeps the limits or promises."""

    exit_code = 3


class LeakageError(ObjectifError):
    """The same picture stands on both sides of a split."""

    exit_code = 4


class PartialError(ObjectifError):
    """Some inputs failed; everything else was done."""

    exit_code = 5


class TrialError(ObjectifError):
    """One trial of a race failed; the race goes on without it."""
