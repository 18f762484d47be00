"""Figures of `objectif serve`, over loopback, as a visitor meets them: a server of its own process, a browser, many clients.

    python benchmarks/run.py web_first_page web_gallery web_readers web_predict

Client and server share the machine. Rates of predict are taken in turn with those of the bare network, round after round.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLIENTS, ROUNDS, SECONDS = 8, 3, 6.0
READERS, READING = 20, 1.0  # visitors, and seconds that each looks at a page


@contextmanager
def server(root: Path, shelf: Path) -> Iterator[tuple[int, float]]:
    """(port, seconds until the first page was answered) of a server that ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-P",
        "-m",
        "objectif",
        "serve",
        "--port",
        port,
        "--root",
        root,
        "--shelf",
        shelf,
    ]
    start = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            if child.poll() is not None or time.perf_counter() - start > 60:
                raise SystemExit("the server did not start")
            time.sleep(0.02)
        yield port, time.perf_counter() - start
    finally:
        child.terminate()
        child.wait(20)


def _answers(port: int) -> bool:
    try:
        return get(port, "/")[0] == 200
    except OSError:
        return False


def get(port: int, path: str) -> tuple[int, bytes]:
    """(status, body) of one GET on a connection of its own."""
    line = http.client.HTTPConnection("localhost", port, timeout=30)
    try:
        line.request("GET", path)
        reply = line.getresponse()
        return reply.status, reply.read()
    finally:
        line.close()


def first_page() -> dict[str, Any]:
    """From the command to the first page, an empty shelf; the slowest of three, after one to warm the disk."""
    times = []
    for _ in range(4):
        with (
            tempfile.TemporaryDirectory() as place,
            server(Path(place), Path(place, "shelf")) as (_, seconds),
        ):
            times.append(seconds)
    slowest = max(times[1:])
    return _row("`objectif serve`: from the command to the first page, slowest of three", "within 4 s", f"{slowest:.1f} s",
                slowest <= 4, f"load average {os.getloadavg()[0]:.1f}", "web_first_page")  # fmt: skip


def gallery(photos: Path, browser: str) -> dict[str, Any]:
    """10,000 files in class folders, no thumbnail made before: until the screen is full, and again after a jump."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "many")
        _many(photos, root)
        with server(Path(place), Path(place, "shelf")) as (port, _):
            body = json.dumps({"path": str(root)}).encode()
            key = json.loads(post(port, "/api/v1/data", body, "application/json")[1])["key"]
            opened, jumped = _browsed(f"http://localhost:{port}/data/{key}", browser)
    said = f"opens in {opened:.2f} s; after a jump to the middle full in {jumped:.2f} s"
    return _row("a gallery of 10,000 photos of 320 px in Chromium: from the address to a full screen of thumbnails, none of them "
                "made before", "within 1 s; no blank seconds", said, opened <= 1 and jumped <= 1,
                f"load average {os.getloadavg()[0]:.1f}", "web_gallery")  # fmt: skip


def _many(photos: Path, root: Path, number: int = 10_000) -> None:
    """Links to the photos under many names, so that each is a file of its own to the server."""
    files = sorted(photos.glob("*/*.jpg"))
    for k in range(number):
        source = files[k % len(files)]
        target = root / source.parent.name / f"{k:05d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


_FULL = """() => {
  const box = document.querySelector('object-gallery')?.getBoundingClientRect();
  const shown = [...document.querySelectorAll('object-gallery img')].filter(i => {
    const r = i.getBoundingClientRect(); return r.bottom > box.top && r.top < Math.min(box.bottom, innerHeight) });
  return shown.length > 10 && shown.every(i => i.complete && i.naturalWidth > 0);
}"""


def _browsed(address: str, browser: str) -> tuple[float, float]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address.rsplit("/data", 1)[0])  # the browser itself is warm, and has the scripts
        start = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_function(_FULL, polling=20)
        opened = time.perf_counter() - start
        start = time.perf_counter()
        page.evaluate(
            "() => { const g = document.querySelector('object-gallery'); g.scrollTop = g.scrollHeight / 2 }"
        )
        page.wait_for_function(_FULL, polling=20)
        jumped = time.perf_counter() - start
        chromium.close()
    return opened, jumped


def readers(photos: Path, solution: Path) -> dict[str, Any]:
    """Pages asked for by 20 visitors at once while a race runs on both cores."""
    with tempfile.TemporaryDirectory() as place:
        shelf = Path(place, "shelf")
        (shelf / "solutions").mkdir(parents=True)
        shutil.copyfile(solution, shelf / "solutions" / "lite0.objectif")
        with server(photos, shelf) as (port, _):
            body = json.dumps({"data": str(photos), "budget": "3m", "name": "flowers"}).encode()
            post(port, "/api/v1/runs", body, "application/json")
            time.sleep(12)  # until it trains
            before = _own(port)
            times = _read(port, ["/", "/race/flowers", "/shelf", "/solution/lite0"], 20.0)
            computing = (_own(port) - before) / len(times)
            state = json.loads(get(port, "/api/v1/runs/flowers")[1])["state"]
            if state == "running":
                post(port, "/api/v1/runs/flowers/stop", b"", "application/json")
            while json.loads(get(port, "/api/v1/runs/flowers")[1])["state"] == "running":
                time.sleep(0.5)
    p95 = statistics.quantiles(times, n=20)[-1]
    notes = (
        f"{len(times)} pages, median {statistics.median(times) * 1000:.0f} ms, {computing * 1000:.1f} ms of computing each; the "
        f"race was {state}; load average {os.getloadavg()[0]:.1f}"
    )
    return _row(f"pages of {READERS} concurrent readers, each looking {READING:g} s at a page, while a race runs: 95th percentile",
                "under 300 ms", f"{p95 * 1000:.0f} ms", p95 < 0.3 and state == "running", notes, "web_readers")  # fmt: skip


def _read(port: int, paths: list[str], seconds: float) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds

    def visitor(seed: int) -> None:
        chance = random.Random(seed)
        time.sleep(chance.uniform(0, READING))
        while time.perf_counter() < until:
            path = chance.choice(paths)
            start = time.perf_counter()
            status, _ = get(port, path)
            times.append(time.perf_counter() - start if status == 200 else 60.0)
            time.sleep(chance.uniform(0.5, 1.5) * READING)

    threads = [threading.Thread(target=visitor, args=(k,)) for k in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def predict(photos: Path, solution: Path) -> dict[str, Any]:
    """Concurrent clients against the bare network in the same run."""
    import numpy as np

    from objectif.images.prepare import load
    from objectif.run.benchmark import quickest, ways
    from objectif.run.network import cores
    from objectif.solution.file import read

    found = read(solution)
    files = sorted(photos.glob("*/*.jpg"))[:64]
    pixels = np.stack([load(f, found.preparation) for f in files[:32]])
    bare = next(iter(quickest(ways(found.networks["fp32"], pixels), keep=1).values()))
    with tempfile.TemporaryDirectory() as place:
        shelf = Path(place, "shelf")
        (shelf / "solutions").mkdir(parents=True)
        _fp32(found).save(shelf / "solutions" / "lite0.objectif")
        with server(photos, shelf) as (port, _):
            ask(port, files, 2.0)
            rounds = [_round(bare, port, files) for _ in range(ROUNDS)]
    rate, share, alone, computing, network = (statistics.median(r[k] for r in rounds) for k in range(5))
    side = f"{found.preparation.height} x {found.preparation.width}"
    notes = (
        f"{CLIENTS} clients on the same {cores()} cores, multipart JPEGs of 320 px, network input {side}; seconds of computing, "
        f"which a busy machine disturbs less: {computing * 1000:.1f} ms an answer, clients included, of which the network alone is "
        f"{network * 1000:.1f} ms ({network / computing:.2f}); load average {os.getloadavg()[0]:.1f}"
    )
    return _row("predict over REST with Lite0 fp32: answers a second, share of the bare network's rate", "60 a second; 0.35",
                f"{rate:.0f} a second; {share:.2f} (bare {alone:.0f})", rate >= 60 and share >= 0.35, notes, "web_predict")  # fmt: skip


def _round(bare: Any, port: int, files: list[Path]) -> tuple[float, float, float, float, float]:
    """(answers a second, share of the bare rate, bare rate, seconds of computing an answer, the same of the bare network)."""
    start, computing = time.perf_counter(), time.process_time()
    bare(300)
    alone, network = 300 / (time.perf_counter() - start), (time.process_time() - computing) / 300
    before = _computing(port)
    rate, answers = clients(port, files, SECONDS)
    return rate, rate / alone, alone, (_computing(port) - before) / answers, network


def _own(port: int) -> float:
    """Seconds of computing so far of the server on a port, without its children."""
    import psutil

    return sum(sum(p.cpu_times()[:2]) for p in psutil.Process().children() if str(port) in p.cmdline())


def _computing(port: int) -> float:
    """Seconds of computing so far of the server on a port and its children, and of our children that have ended."""
    import psutil

    tree = [p for p in psutil.Process().children() if str(port) in p.cmdline()]
    times = [p.cpu_times() for parent in tree for p in (parent, *parent.children(recursive=True))]
    ended = os.times()
    return sum(t.user + t.system for t in times) + ended.children_user + ended.children_system


def _fp32(found: Any) -> Any:
    """The Solution with its full network alone."""
    from dataclasses import replace

    return replace(found, networks={"fp32": found.networks["fp32"]}, default="fp32", probes={})


def clients(port: int, files: list[Path], seconds: float) -> tuple[float, int]:
    """(answers a second, answers) that clients in a process of their own get."""
    command = [sys.executable, __file__, str(port), str(seconds), *map(str, files)]
    rate, answers = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(rate), int(answers)


def ask(port: int, files: list[Path], seconds: float) -> tuple[float, int]:
    """(answers a second, answers) that CLIENTS threads get, each on a connection that it keeps."""
    bodies = [form(f) for f in files]
    until, counts = time.perf_counter() + seconds, [0] * CLIENTS

    def client(k: int) -> None:
        line = http.client.HTTPConnection("localhost", port, timeout=30)
        while time.perf_counter() < until:
            line.request("POST", "/api/v1/predict", bodies[(k + counts[k] * CLIENTS) % len(bodies)],
                         {"Content-Type": "multipart/form-data; boundary=b0undary"})  # fmt: skip
            reply = line.getresponse()
            told = reply.read()
            if reply.status != 200:
                raise SystemExit(told.decode())
            counts[k] += 1
        line.close()

    start = time.perf_counter()
    threads = [threading.Thread(target=client, args=(k,)) for k in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start), sum(counts)


def form(file: Path) -> bytes:
    """A multipart body with the picture and the Solution's name."""
    field = b'--b0undary\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    name = b'; filename="%s"' % file.name.encode()
    return (
        field % (b"image", name, file.read_bytes())
        + field % (b"solution", b"", b"lite0")
        + b"--b0undary--\r\n"
    )


def post(port: int, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
    """(status, body) of one POST; ends the program where it is refused."""
    line = http.client.HTTPConnection("localhost", port, timeout=60)
    line.request("POST", path, body, {"Content-Type": kind})
    reply = line.getresponse()
    status, told = reply.status, reply.read()
    line.close()
    if status >= 300:
        raise SystemExit(told.decode())
    return status, told


def _row(what: str, asked: str, measured: str, reached: bool, notes: str, name: str) -> dict[str, Any]:
    return {"what": what, "asked": asked, "measured": measured, "reached": reached, "notes": notes,
            "command": f"python benchmarks/run.py {name}"}  # fmt: skip


if __name__ == "__main__":  # the clients' process
    print(*ask(int(sys.argv[1]), [Path(f) for f in sys.argv[3:]], float(sys.argv[2])))
