"""Milliseconds from a 12-megapixel photo, turned by EXIF, to the answer of a lens: through REST, and without a server.

The lens is that of the flowers race. The photo is one of the flowers, enlarged to 4000 x 3000 pixels with noise, so that it
decodes like a camera's; it is stored on its side and marked to be turned, as phones do. Client and server share the machine.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROUNDS = 20


def row(runs: Path) -> dict[str, Any]:
    """The row for the table of figures."""
    import run as bench

    from objectif.apps.lens import new

    bench.solve("flowers", bench.DATA / "flowers", "--budget", "5m")
    folder = runs / "flowers.lens"
    new.make(runs / "flowers", folder, title="Flowers")
    photo = large(next((bench.DATA / "flowers" / "roses").glob("*.jpg")))
    alone, rest = without_server(folder, photo), through_rest(bench.BIN, folder, photo)
    middle, late = (float(np.quantile(rest, q)) for q in (0.5, 0.95))
    return {
        "what": "a 12-megapixel photo, turned by EXIF, answered by a lens",
        "asked": "under 500 ms on two cores",
        "measured": f"{middle:.0f} ms through REST (95th percentile {late:.0f}), {float(np.median(alone)):.0f} ms without a server",
        "reached": late < 500,
        "notes": f"{len(photo) / 1e6:.1f} MB; {ROUNDS} photos one after the other; {next(folder.glob('*.objectif')).stat().st_size / 1e6:.0f} MB Solution",
        "command": "python benchmarks/run.py lens",
    }


def promise(runs: Path, wanted: float = 0.9, tries: int = 300) -> dict[str, Any]:
    """A threshold from one half of the held-out photos of the flowers race, tried on the other half, many times."""
    import run as bench

    from objectif.apps.lens.sure import calibrate
    from objectif.apps.lens.taxonomy import NOBODY, Tree
    from objectif.runs.answers import read
    from objectif.runs.folder import RunFolder

    result = bench.solve("flowers", bench.DATA / "flowers", "--budget", "5m")
    answers, tree = read(RunFolder.open(runs / "flowers")), Tree(tuple(result["classes"]))
    right, share, kept = [], [], 0
    for seed in range(tries):
        one, other = np.array_split(np.random.default_rng(seed).permutation(len(answers)), 2)
        found = calibrate(tree, answers.scores[one], answers.truth[one], wanted)
        nodes = tree.answered(tree.masses(answers.scores[other]), found.threshold)
        given = nodes != NOBODY
        right.append(float(tree.right(nodes, answers.truth[other])[given].mean()))
        share.append(float(given.mean()))
        kept += found.kept
    return {
        "what": f"flowers, a lens of wanted accuracy {wanted}: accuracy of its answers on photos that did not set its threshold",
        "asked": f"at least {wanted}",
        "measured": f"{np.mean(right):.3f}, with {np.mean(share):.0%} answered",
        "reached": bool(np.mean(right) >= wanted),
        "notes": f"mean of {tries} halves of {len(answers)} photos; {kept / tries:.0%} of the halves could promise it",
        "command": "python benchmarks/run.py lens_promise",
    }


def large(path: Path) -> bytes:
    """A JPEG of 4000 x 3000 pixels when it is upright, stored on its side."""
    with Image.open(path) as small:
        pixels = np.asarray(small.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC), np.int16)
    noisy = np.clip(pixels + np.random.default_rng(0).normal(0, 6, pixels.shape).round(), 0, 255)
    exif = Image.Exif()
    exif[274] = 6  # turn it a quarter clockwise
    stored = Image.fromarray(np.rot90(noisy.astype(np.uint8)).copy())
    stream = io.BytesIO()
    stored.save(stream, "JPEG", quality=88, exif=exif)
    return stream.getvalue()


def without_server(folder: Path, photo: bytes) -> list[float]:
    """Milliseconds of each answer in this process."""
    from objectif.apps.lens.folder import look, open_lens
    from objectif.apps.lens.tell import tell
    from objectif.run.predictor import Predictor

    lens = open_lens(folder)
    predictor = Predictor(lens.solution)
    taken = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        tell(lens, lens.advise(*look(predictor, photo)))
        taken.append(1000 * (time.perf_counter() - start))
    return taken[1:]


def through_rest(program: Path, folder: Path, photo: bytes) -> list[float]:
    """Milliseconds of each answer of a server on this machine, the sending of the photo included."""
    with serving(program, folder) as address:
        boundary = "photo-photo-photo"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
        asked = urllib.request.Request(
            f"{address}/api/v1/lens/{folder.stem}/ask",
            body,
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        taken = []
        for _ in range(ROUNDS + 3):
            start = time.perf_counter()
            with urllib.request.urlopen(asked, timeout=60) as answer:
                answer.read()
            taken.append(1000 * (time.perf_counter() - start))
    return taken[3:]


@contextlib.contextmanager
def serving(program: Path, folder: Path) -> Iterator[str]:
    """`objectif serve` that may read the lens's folder, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shelf = folder.parent / "lens-shelf"
    command = [program, "serve", "--port", str(port), "--root", folder.parent, "--shelf", shelf]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(240):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/v1/health", timeout=5):
                break
            time.sleep(0.25)
        else:
            sys.exit("the server did not come up within a minute")
        yield address
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(20)
