"""The shell's door: a table of verbs; a verb's file is imported only when that verb is called.

The table repeats each verb's one line so that `objectif --help` imports no verb, no onnxruntime, no torch
and scans no plug-ins. A test keeps the lines equal to the verbs' docstrings.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

VERBS = {
    "inspect": "What the data say, and what worries us: "
    "layout, balance, duplicates, leakage, doubts, confounds.",
    "convert": "Labels from one layout into another, with a list of what was lost.",
    "init": "Write problem.toml with every choice spelled out, to edit.",
    "solve": "Run the race; write a run folder with leaderboard, report and one Solution file.",
    "report": "Write a run's report again.",
    "compare": "Compare two runs, paired where they share images.",
    "doubts": "The labels of a run most worth a second look, worst first.",
    "predict": "Answers for files, folders, globs or a list on stdin.",
    "gallery": "Who is known: enrol, remove, list, verify, search; a file apart from the Solution.",
    "evidence": "What a Solution promises, on what evidence, and what it does not say.",
    "evaluate": "Metrics with intervals of a Solution on labelled data.",
    "drift": "Do these images still look like those the Solution was judged on? No labels are needed.",
    "benchmark": "Images a second and memory of a Solution on this machine, against the bare network.",
    "lens": "A lens: what photos show, how sure that is, what to do about it; taught without training.",
    "serve": "Serve the studio and the REST API on this machine; Ctrl-C ends it, races go on.",
    "check": "Contract tests on a Solution, model, loss, format or application.",
    "list": "What is installed: models, losses, formats, metrics, apps, pages.",
    "demo": "The whole loop on data that a package ships, without a network.",
}


def usage() -> str:
    """The help text of the program."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {line}" for verb, line in VERBS.items()]
    return "\n".join(
        [
            "objectif: state an image problem; find out what solves it best; "
            "get one small file that runs anywhere.",
            "",
            "usage: objectif VERB [ARGUMENTS]      objectif VERB --help      objectif --version",
            "",
            *lines,
            "",
            "Exit codes: 0 done, 1 drift seen, 2 usage or bad input, 3 infeasible, 4 leakage refused, "
            "5 some inputs failed.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code. Errors of ours end in one line on stderr, never a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        from objectif import __version__

        print(f"objectif {__version__}")
        return 0
    if words[0] not in VERBS:
        import difflib

        close = difflib.get_close_matches(words[0], VERBS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        print(f"error: no verb {words[0]!r}.{hint} `objectif --help` lists them.", file=sys.stderr)
        return 2
    return run_verb(words[0], words[1:])


def run_verb(verb: str, arguments: list[str]) -> int:
    """Import one verb's file and run its `command` through typer."""
    import typer

    from objectif.errors import ObjectifError

    # Before numpy is imported: on matrices of our size its threads only wait for each other, tenfold on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        module = import_module(f"objectif.cli.{verb}")
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(name=verb)(module.command)
        # Without its standalone mode the parser returns the code of a typer.Exit instead of raising it.
        code = app(args=arguments, prog_name=f"objectif {verb}", standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that left can still be met in peace
    except ObjectifError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except typer.Exit as stop:
        return int(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return 130
    except (BrokenPipeError, SystemExit) as error:
        if not any(isinstance(e, BrokenPipeError) for e in (error, error.__context__)):
            raise  # the parser turns a reader that left into an exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its exit
        return 0
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "objectif":
            raise
        remedy = "not installed: pip install 'objectif[train]'"
        print(f"error: `objectif {verb}` needs {error.name}, which is {remedy}", file=sys.stderr)
        return 2
    except Exception as error:  # usage errors of the parser carry show() and an exit code
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            return int(error.exit_code)
        raise
    return code if isinstance(code, int) else 0
