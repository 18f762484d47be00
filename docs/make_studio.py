"""The picture of the studio in the README: a race on digits that scikit-learn ships, in `objectif serve`, photographed by Chromium.

python docs/make_studio.py          needs objectif[train,web,dev] and a Chromium
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from objectif.learn.race.demo import write_digits

HERE, PORT = Path(__file__).resolve().parent, 8971


def main() -> None:
    """Serve, race, photograph."""
    chromium = shutil.which("chromium") or sys.exit("no chromium on the PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as place:
        for label in write_digits(Path(place, "digits")).iterdir():
            for picture in sorted(label.iterdir())[40:]:
                picture.unlink()
        command = [
            sys.executable,
            "-m",
            "objectif",
            "serve",
            "--port",
            str(PORT),
            "--root",
            place,
            "--shelf",
            f"{place}/shelf",
        ]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            ready()
            with sync_playwright() as started:
                page = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page(
                    viewport={"width": 1180, "height": 980}
                )
                photograph(page)
        finally:
            server.terminate()
            server.wait()


def ready() -> None:
    """Wait for the server."""
    for _ in range(300):
        try:
            line = http.client.HTTPConnection("localhost", PORT)
            line.request("GET", "/api/v1/health")
            line.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)


def post(where: str, **body: object) -> dict[str, str]:
    """One POST of JSON."""
    line = http.client.HTTPConnection("localhost", PORT)
    line.request("POST", f"/api/v1{where}", json.dumps(body), {"Content-Type": "application/json"})
    told: dict[str, str] = json.loads(line.getresponse().read())
    return told


def photograph(page: Page) -> None:
    """The race, once losses are compared."""
    post("/runs", data="digits", budget="5m", name="digits")
    page.goto(f"http://localhost:{PORT}/race/digits")
    page.get_by_text("Loss × model").wait_for(timeout=280_000)
    page.wait_for_function("document.querySelectorAll('.spread line').length > 6", timeout=60_000)
    keep(page, "studio.png")
    post("/runs/digits/stop")
    while page.get_by_text("Open the Solution").count() == 0:
        page.wait_for_timeout(500)


def keep(page: Page, name: str) -> None:
    """The window as a small PNG of at most 128 colours."""
    page.screenshot(path=HERE / name)
    Image.open(HERE / name).convert("RGB").quantize(128).save(HERE / name, optimize=True)


if __name__ == "__main__":
    main()
