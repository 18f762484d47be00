"""A finished run without a race.

100 candidates of every status, hostile names, pictures that carry GPS positions.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from objectif.problem.promises import Promise
from objectif.promises import Calibration, fit
from objectif.runs.folder import RunFolder
from objectif.runs.result import Result, Standing

EVIL = '<img src=x onerror="alert(1)">'
CLASSES = ("daisy", "dandelion", "rosé – sauvage", EVIL, "тюльпан", "向日葵")
LOSSES = (
    "cross_entropy",
    "label_smoothing",
    "focal",
    "class_balanced",
    "logit_adjusted",
    "ldam",
    "crammer_singer",
    "one_vs_rest_bce",
    "brier",
    "generalised_cross_entropy",
    "symmetric_cross_entropy",
    "poly1",
)
MODELS = (
    ("classical", "colour", 9_200, 2.1e6, 0.9, 0.58),
    ("classical", "hog_lbp", 41_000, 6.4e6, 1.6, 0.66),
    ("frozen", "lite0", 3_380_000, 4.0e8, 8.2, 0.86),
    ("frozen", "lite2", 4_870_000, 8.6e8, 14.9, 0.885),
    (
        "frozen",
        "onnx:/models/a very long name of somebody's own backbone, version 2, quantised.onnx",
        21_300_000,
        3.6e9,
        44.0,
        0.87,
    ),
    ("finetune", "lite0", 3_390_000, 4.0e8, 8.3, 0.895),
    ("finetune", "small_resnet", 11_200_000, 1.8e9, 22.0, 0.88),
    ("frozen", EVIL, 900_000, 6e7, 3.1, 0.72),
)


def leaderboard(rng: np.random.Generator) -> tuple[Standing, ...]:
    """96 pairs and four more; the winner is cheap and not the best."""
    lines = []
    for m, (approach, model, params, macs, latency, level) in enumerate(MODELS):
        for k, loss in enumerate(LOSSES):
            estimate = level + float(rng.normal(0, 0.008)) - 0.03 * (loss == "ldam") - 0.012 * (k % 4)
            line = Standing(
                f"{approach}/{model}/{loss}",
                approach,
                model,
                loss,
                "white_balance" if k % 5 == 4 else "",
                "beaten",
                estimate,
                estimate - 0.013,
                estimate + 0.012,
                seeds=3,
                params=params,
                macs=int(macs),
                latency_ms=latency * float(rng.uniform(0.97, 1.03)),
                size_mb=params * 4e-6,
                memory_mb=80 + params * 6e-6,
            )
            if m == 6 and k > 3:
                line = replace(
                    line,
                    status="dropped",
                    rung=1 + k % 2,
                    reason="below the best third of its rung",
                    low=None,
                    high=None,
                )
            elif m == 4 and k > 8:
                why = "out of memory: 2,150 MB, the cap is 2,000 MB"
                line = replace(line, status="failed", estimate=None, low=None, high=None, reason=why)
            elif m == 4:
                line = replace(line, status="over_limit", reason="latency 44 ms, the limit is 30 ms")
            lines.append(line)
    for k in range(4):
        lines.append(
            Standing(
                f"finetune/vit/{k}",
                "finetune",
                "vit",
                LOSSES[k],
                status="failed",
                reason="diverged: loss is NaN at step 40",
            )
        )
    return judged(lines)


def judged(lines: list[Standing]) -> tuple[Standing, ...]:
    """Statuses and differences to the best of the compared, best first; then the rest."""
    rivals = sorted((s for s in lines if s.status == "beaten"), key=lambda s: -(s.estimate or 0))
    top = rivals[0].estimate or 0.0
    done = []
    for k, line in enumerate(rivals):
        gap = (line.estimate or 0.0) - top
        status = "winner" if k == 2 else "tied" if gap > -0.017 else "beaten"
        done.append(
            replace(
                line,
                status=status,
                diff=gap,
                diff_low=gap - 0.017 if k else 0.0,
                diff_high=gap + 0.017 if k else 0.0,
            )
        )
    order = {"over_limit": 0, "dropped": 1, "failed": 2}
    done.insert(0, done.pop(2))  # the winner stands first, as in a verdict
    return (*done, *sorted((s for s in lines if s.status != "beaten"), key=lambda s: order[s.status]))


def tables(lines: tuple[Standing, ...]) -> dict[str, Any]:
    """Means by loss, model, approach, in the shape of a verdict's tables."""
    found: dict[str, Any] = {}
    for key in ("loss", "model", "approach"):
        names = list(dict.fromkeys(getattr(s, key) for s in lines if s.diff is not None))
        rows = []
        for n in names:
            mean = float(np.mean([s.estimate for s in lines if getattr(s, key) == n and s.diff is not None]))
            rows.append(
                {
                    "name": n,
                    "estimate": mean,
                    "low": mean - 0.011,
                    "high": mean + 0.011,
                    "better_than": [],
                    "blocks": 5,
                    "seeds": 3,
                    "left_out": ["vit"],
                }
            )
        rows.sort(key=lambda r: -r["estimate"])
        rows[0]["better_than"] = [r["name"] for r in rows[1:] if r["high"] < rows[0]["low"]]
        rows[0]["claim"] = (
            f"{rows[0]['name']} beats poly1 by 0.060 [0.049, 0.071], ldam by 0.072 [0.060, 0.083] on the "
            "same images, 3 seeds"
        )
        found[key] = rows
    return found


@cache
def picture(colour: int) -> bytes:
    """A soft blob as JPEG, with an owner and a GPS position in its EXIF."""
    rng = np.random.default_rng(colour)
    y, x = np.mgrid[0:180, 0:240] / 120.0
    glow = np.exp(-4 * ((x - rng.uniform(0.6, 1.4)) ** 2 + (y - rng.uniform(0.4, 1.1)) ** 2))
    tint = np.eye(3)[colour % 3] * 0.6 + rng.uniform(0, 0.4, 3)
    image = Image.fromarray((255 * (0.15 + 0.85 * glow[..., None] * tint)).clip(0, 255).astype(np.uint8))
    exif = image.getexif()
    exif[0x010F], exif[0x013B] = "SECRETCAM", "Jane Owner"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    stream = io.BytesIO()
    image.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def simulated(rng: np.random.Generator, n: int, c: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Truth and over-confident probabilities with an accuracy of about 0.87."""
    truth = rng.integers(0, c, n)
    logits = rng.normal(0, 1, (n, c))
    logits[np.arange(n), truth] += rng.normal(2.9, 1.1, n)
    p = np.exp(1.5 * logits)
    return truth.astype(np.int64), (p / p.sum(1, keepdims=True)).astype(np.float32)


HEALTH = {
    "worries": [
        {
            "title": "12 pictures occur twice",
            "text": f"The first: {EVIL}/a.jpg and daisy/b.jpg.",
            "remedy": "They share a fold here. Delete one of each.",
        },
        "The class can be told from the border alone with accuracy 0.61; the prior is 0.24.",
    ]
}


def promised(truth: Any, scores: Any) -> dict[str, Any]:
    """What a Solution would promise of the first class."""
    proved = fit([Promise("recall", CLASSES[0], 0.8)], Calibration("classify", CLASSES, False, truth, scores))
    counts = {name: int((truth == k).sum()) for k, name in enumerate(CLASSES)}
    data = {"name": "photos", "images": len(truth), "groups": None, "classes": counts, "date": "2026-05-03"}
    return {**proved.to_dict(), "hold": "jointly", "data": data}


@pytest.fixture
def fake_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """fake_run(n=..., **changes of Result) -> a finished RunFolder; its pictures are in tmp_path/'photos'."""

    def make(name: str = "run", n: int = 700, seed: int = 0, **changes: Any) -> RunFolder:
        rng = np.random.default_rng(seed)
        data, folder = tmp_path / "photos", RunFolder.create(tmp_path / name)
        lines = leaderboard(rng)
        truth, scores = simulated(np.random.default_rng(7), n, len(CLASSES))
        paths = [f"class {t}/{i:04d}.jpg" for i, t in enumerate(truth)]
        wrong = np.flatnonzero(scores.argmax(1) != truth)
        for i in wrong[np.argsort(-scores[wrong].max(1))][:40]:
            place = data / paths[i]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(picture(int(truth[i])))
        winner = next(s for s in lines if s.status == "winner")
        result = Result(
            winner.id,
            "accuracy",
            lines,
            {"data": str(data), "task": "classify", "margin": 0.01},
            0.876,
            0.852,
            0.897,
            0.21,
            True,
            True,
            297.4,
            (0, 1, 2),
            {"objectif": "0.1.0", "numpy": "2.2.1", "torch": "2.13.0"},
            "9f" * 32,
            naive=0.889,
            classes=CLASSES,
            tables=tables(lines),
            limits={"latency_ms": 30.0},
            split={"origin": "5 stratified folds", "folds": 5, "seed": 0},
            notes=("Layout: folder per class.",),
            card={"intended_use": "telling flowers apart", "weights_licence": "Apache-2.0"},
            command=f"objectif solve {data} --budget 5m --seed 0",
            promises=promised(truth, scores),
        )
        folder.write_result(replace(result, **changes))
        folder.write_arrays(
            "answers.npz",
            {"paths": np.array(paths), "truth": truth, "scores": scores, "kind": np.array("out-of-fold")},
        )
        folder.write_json("health.json", HEALTH)
        folder.write_bytes("photos.objectif", b"")
        return folder

    return make


DETECTABLE = ("cell", EVIL)


@pytest.fixture
def fake_detection(fake_run: Callable[..., RunFolder], tmp_path: Path) -> Callable[..., RunFolder]:
    """fake_detection(n=..., skill=..., **changes of Result) -> a finished run that answers with boxes."""

    def make(
        name: str = "boxes", n: int = 40, skill: float = 0.8, seed: int = 0, **changes: Any
    ) -> RunFolder:
        truth, scores = boxes(n, skill, seed)
        paths = [f"{i:04d}.jpg" for i in range(n)]
        problem = {"data": str(tmp_path / "photos"), "task": "detect", "margin": 0.01}
        fields = {"metric": "mAP50", "metric_title": "mAP50", "problem": problem, "classes": DETECTABLE}
        folder = fake_run(name, n=20, **{**fields, **changes})
        for i, path in enumerate(paths):
            (tmp_path / "photos" / path).write_bytes(picture(i % 3))
        stored = {"paths": np.array(paths), "truth": truth, "scores": scores, "kind": np.array("test")}
        table = {"task": np.array("detect"), "decoding": np.array("null")}
        folder.write_arrays("answers.npz", {**stored, **table})
        return folder

    return make


def boxes(n: int, skill: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Truth (n, 5, 6), 1 to 5 boxes on 240 x 180 pixels, and answers (n, 8, 6): some found, some invented."""
    fixed, rng = np.random.default_rng(11), np.random.default_rng(seed)
    truth, scores = np.zeros((n, 5, 6)), np.zeros((n, 8, 6), np.float32)
    truth[:, :, 4], scores[:, :, 5] = -1, -1
    for i in range(n):
        for k in range(int(fixed.integers(1, 6))):
            x, y, w, h = fixed.uniform((0, 0, 20, 20), (180, 120, 60, 60))
            truth[i, k] = x, y, x + w, y + h, fixed.integers(2), 0
        found = [
            (*(t[:4] + rng.normal(0, 1.5, 4)), rng.uniform(0.3, 1), t[4])
            for t in truth[i]
            if t[4] >= 0 and rng.random() < skill
        ]
        if rng.random() < 0.5:
            found.append((5.0, 5.0, 30.0, 40.0, rng.uniform(0, 0.9), 0.0))
        for k, row in enumerate(sorted(found, key=lambda r: -r[4])):
            scores[i, k] = row
    return truth, scores
