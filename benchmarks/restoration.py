"""Figures of restoration: noise taken away with and without clean pictures, twice the size, and the time for a picture.

Races name one model and one loss, so that the time goes into one training; which is best is for a race without them to say.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Solve = Callable[..., dict[str, Any]]

SIDE, ALLOWED_MS = 256, 150.0
BLUR = "gray, blur 1.6, noise 2"

CHILD = """
import sys
from objectif.run.measure import measure
from objectif.run.network import Network
from objectif.solution.file import read
solution = read(sys.argv[1])
print(measure(Network(solution.networks["fp32"], needs=("picture",)), (256, 256, 1), seconds=5.0))
"""


def lists(folder: Path, **splits: list[str]) -> Path:
    """A folder of split lists."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in splits.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


def statement(file: Path, data: Path, splits: Path, degrade: str, model: str, loss: str, budget: str) -> Path:
    """A problem.toml whose race has one candidate."""
    values = {"data": str(data), "splits": str(splits), "degrade": degrade, "task": "restore"}
    search = {"budget": budget, "models": [model], "losses": [loss]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    lines += ["[search]", *(f"{key} = {json.dumps(value)}" for key, value in search.items())]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return file


def noise(
    solve: Solve,
    runs: Path,
    shared: Path,
    name: str,
    model: str,
    loss: str,
    budget: str,
    degrade: str = "gray, noise 25",
) -> dict[str, Any]:
    """The result of one race on degraded gray pictures, judged on the 40 pictures of the list."""
    given = shared / "splits" / "restoration"
    splits = lists(
        runs / "restoration-lists",
        train=(given / "train_set5_set14.txt").read_text().split(),
        test=(given / "test_bsd40.txt").read_text().split(),
    )
    data = shared / "data" / "restoration"
    return solve(name, statement(runs / f"{name}.toml", data, splits, degrade, model, loss, budget))


def denoised(solve: Solve, runs: Path, shared: Path) -> Row:
    """Noise of 25 on 40 pictures."""
    found = noise(solve, runs, shared, "denoise", "dncnn", "charbonnier", "18m")
    return {
        "what": "gray noise 25, 40 BSD pictures, learned on Set14 and Set5, 18 of 30 min: PSNR, mean (dB, peak 255)",
        "asked": "28.5",
        "measured": f"{found['estimate']:.2f} [{found['low']:.2f}, {found['high']:.2f}]",
        "reached": found["estimate"] >= 28.5,
        "notes": f"{found['winner']}; {found['elapsed_s'] / 60:.1f} min; as given {found['baseline']:.2f}",
        "command": "python benchmarks/run.py denoise",
    }


def priors(solve: Solve, runs: Path, shared: Path) -> Row:
    """The classical candidates, each by itself, on the same pictures."""
    values = {}
    for model in ("wavelet", "tv", "nlm"):
        values[model] = noise(solve, runs, shared, f"denoise-{model}", model, "picture_l2", "5m")["estimate"]
    return {
        "what": "the same by classical priors, strengths chosen on Set14 and Set5",
        "asked": "wavelet 26.33, tv 27.36, nlm 27.60 (other programs)",
        "measured": ", ".join(f"{name} {value:.2f}" for name, value in values.items()),
        "reached": None,
        "notes": "undecimated wavelets; 80 steps of Chambolle-Pock; patches of 5 x 5, 13 x 13 places",
        "command": "python benchmarks/run.py denoise_priors",
    }


def without_clean(solve: Solve, runs: Path, shared: Path) -> Row:
    """SURE on one noisy copy of each training picture."""
    return _beside_clean(
        solve, runs, shared, "sure", "(SURE), and with them in the same time (4 min)", "denoise_without_clean"
    )


def blind_spot(solve: Solve, runs: Path, shared: Path) -> Row:
    """Noise2Void on one noisy copy of each training picture."""
    words = "and without the noise's strength (Noise2Void), and with them in the same time (4 min)"
    return _beside_clean(solve, runs, shared, "noise2void", words, "denoise_blind_spot")


def _beside_clean(solve: Solve, runs: Path, shared: Path, loss: str, words: str, name: str) -> Row:
    """A loss that needs no clean pictures beside one that does, each for the same time."""
    with_clean = noise(solve, runs, shared, "denoise-short", "dncnn", "charbonnier", "4m")["estimate"]
    found = noise(solve, runs, shared, f"denoise-{loss}", "dncnn", loss, "4m")
    return {
        "what": f"the same learned without clean pictures {words}",
        "asked": "within 1 dB",
        "measured": f"{found['estimate']:.2f} against {with_clean:.2f}",
        "reached": with_clean - found["estimate"] <= 1.0,
        "notes": f"one noisy copy of each picture; which network is delivered was judged with clean held-out pictures; {found['winner']}",
        "command": f"python benchmarks/run.py {name}",
    }


def deblurred(solve: Solve, runs: Path, shared: Path) -> Row:
    """A Gaussian blur with little noise, by a network and by a prior."""
    found = noise(solve, runs, shared, "deblur", "dncnn", "charbonnier", "4m", BLUR)
    prior = noise(solve, runs, shared, "deblur-tv", "tv", "picture_l2", "4m", BLUR)
    return {
        "what": f"'{BLUR}', 40 BSD pictures, learned on Set14 and Set5, 4 min: PSNR, mean (dB, peak 255)",
        "asked": "above the classical prior",
        "measured": f"{found['estimate']:.2f} [{found['low']:.2f}, {found['high']:.2f}] against {prior['estimate']:.2f}",
        "reached": found["low"] > prior["estimate"],
        "notes": f"total variation takes away noise and leaves the blur; as given {found['baseline']:.2f}; {found['winner']}",
        "command": "python benchmarks/run.py deblur",
    }


def twice(solve: Solve, runs: Path, shared: Path) -> Row:
    """Super-resolution by 2, luma, learned without Set5 and judged on it."""
    data = shared / "data" / "restoration"
    names = {
        part: [f"{part}/{file.name}" for file in sorted((data / part).glob("*.png"))]
        for part in ("Set14", "Set5")
    }
    splits = lists(runs / "twice-lists", train=names["Set14"], test=names["Set5"])
    file = statement(runs / "twice.toml", data, splits, "gray, shrink 2", "dncnn", "charbonnier", "4m")
    found = solve("twice", file)
    gain = found["estimate"] - found["baseline"]
    return {
        "what": "twice the size, Set5, luma of BT.601 in 0..255, no border cut, learned on Set14, 4 min: PSNR over bicubic",
        "asked": "+0.8",
        "measured": f"{gain:+.2f} ({found['estimate']:.2f} against {found['baseline']:.2f})",
        "reached": gain >= 0.8,
        "notes": f"bicubic: Keys' kernel, a = -1/2, antialiased when shrinking; 5 pictures, no interval; {found['winner']}",
        "command": "python benchmarks/run.py twice",
    }


def speed(runs: Path) -> Row:
    """The delivered network on one picture of 256 x 256, all cores, in a process of its own."""
    solution = next((runs / "denoise").glob("*.objectif"))
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(solution)], capture_output=True, text=True, check=True
    )
    taken = float(child.stdout)
    return {
        "what": f"the same network on one gray picture of {SIDE} x {SIDE}, all cores",
        "asked": f"under {ALLOWED_MS:.0f} ms",
        "measured": f"{taken:.0f} ms",
        "reached": taken < ALLOWED_MS,
        "notes": "onnxruntime, fp32, prepared pixels",
        "command": "python benchmarks/run.py denoise_speed",
    }
