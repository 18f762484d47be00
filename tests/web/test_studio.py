"""The studio as a person uses it: Chromium, real photos, a real server; data in, race, Solution out; hostile names."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="the web application is not installed: pip install 'objectif[web]'")
api = pytest.importorskip(
    "playwright.sync_api", reason="tests in a browser need playwright: pip install 'objectif[dev]'"
)

from PIL import Image

from .conftest import ODD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WITHOUT = "no Chromium: tests in a browser are skipped; get one with `apt-get install chromium`"
SLOW = 150_000  # milliseconds; a race on a busy machine


class Server:
    """`objectif serve` as a process of its own, which can be ended and started again on the same port."""

    def __init__(self, place: Path) -> None:
        self.place = place
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://localhost:{free.getsockname()[1]}"
        self.start()

    def start(self) -> None:
        port = self.address.rsplit(":", 1)[1]
        command = [sys.executable, "-P", "-m", "objectif", "serve", "--port", port, "--root", self.place / "photos",
                   "--shelf", self.place / "shelf"]  # fmt: skip
        self.child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.address}/api/v1/health", timeout=5).close()
                return
            except OSError:
                assert self.child.poll() is None, "the server ended"
                time.sleep(0.1)

    def stop(self) -> None:
        self.child.send_signal(signal.SIGINT)
        self.child.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose root has a folder of pictures with names that are not to be trusted."""
    place = tmp_path_factory.mktemp("studio")
    for label in (f"rose {ODD}", "{{7*7}}${7*7}"):
        folder = place / "photos" / "odd <b>set" / label
        folder.mkdir(parents=True)
        for k in range(4):
            Image.new("RGB", (40, 30), (40 * k, 90, 60)).save(folder / f"{k}{ODD}.jpg")
    found = Server(place)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's Chromium."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    with api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """visit(path, width=..., dark=...) opens a page; at the end no script has failed, and no dialog was opened."""
    faults: list[str] = []
    contexts = []

    def go(path: str, *, width: int = 1280, dark: bool = False) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 860}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on(
            "console",
            lambda m: (
                faults.append(m.text)
                if m.type == "error" and "ERR_CONNECTION_REFUSED" not in m.text
                else None
            ),
        )
        page.goto(server.address + path)
        page.wait_for_selector("main h1")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture(scope="module")
def flowers(shared: Callable[..., Path]) -> bytes:
    """A zip of 36 real photos in three class folders."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for label in ("daisy", "sunflowers", "tulips"):
            for photo in sorted(shared("flowers", label).glob("*.jpg"))[:12]:
                archive.write(photo, f"flowers/{label}/{photo.name}")
    return stream.getvalue()


def test_from_a_zip_to_a_solution_that_answers(
    visit: Callable[..., Any], server: Server, flowers: bytes, shared: Callable[..., Path]
) -> None:
    page = visit("/")
    page.locator("input[type=file]").nth(1).set_input_files(
        {"name": "flowers.zip", "mimeType": "application/zip", "buffer": flowers}
    )
    page.wait_for_url("**/data/flowers-*")
    page.wait_for_function(
        "[...document.querySelectorAll('object-gallery img')].some(i => i.naturalWidth > 0)"
    )
    assert page.get_by_text("36 images · 3 classes").is_visible()

    page.get_by_role("link", name="State the problem").click()
    text = page.get_by_label("problem.toml")
    text.wait_for()
    stated = text.input_value()
    text.fill(stated.replace("metric =", "metrik ="))
    page.get_by_text("did you mean 'metric'?").wait_for()
    assert page.get_by_role("button", name="Start the race").is_disabled()
    quick = re.sub(
        r'budget = "[^"]*"', 'budget = "15s"', re.sub(r'models = "auto"', 'models = ["colour"]', stated)
    )
    text.fill(re.sub(r'losses = "auto"', 'losses = ["cross_entropy", "brier"]', quick))
    page.wait_for_function("!document.querySelector('button.button').disabled")
    page.get_by_label("seed").fill("7")
    page.wait_for_function("document.querySelector('textarea').value.includes('seed = 7')")
    page.get_by_role("button", name="Start the race").click()
    page.wait_for_url("**/race/flowers")

    server.stop()  # neither a restart of the server ...
    server.start()
    second = visit("/race/flowers", width=390, dark=True)  # ... nor a second browser loses anything
    second.get_by_role("link", name="Open the Solution").click(timeout=SLOW)
    second.wait_for_url("**/solution/flowers")
    photo = sorted(shared("flowers", "tulips").glob("*.jpg"))[20]
    second.get_by_label("your own image").set_input_files(photo)
    second.locator("object-try h3").wait_for()
    assert second.locator("object-try h3").inner_text() in {"daisy", "sunflowers", "tulips"}
    with second.expect_download() as got:
        second.get_by_role("link", name="Download the file").click()
    assert got.value.suggested_filename == "flowers.objectif"
    assert second.frame_locator("iframe.report").locator("h1").inner_text().startswith("For these images")
    page.reload()
    page.get_by_role("link", name="Open the Solution").wait_for(timeout=SLOW)


def test_names_are_shown_and_never_obeyed(visit: Callable[..., Any], server: Server) -> None:
    page = visit("/data")
    page.get_by_label("or the path").fill("odd <b>set")
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_url("**/data/odd-*")
    page.wait_for_selector("object-gallery img")
    shown = page.locator("object-gallery .cell span").all_inner_texts()
    assert f"0{ODD}.jpg" in shown and f"rose {ODD}" in shown and "{{7*7}}${7*7}" in shown
    page.get_by_role("link", name=re.compile("^rose <img")).click()
    page.wait_for_function("document.querySelectorAll('object-gallery .cell').length === 4")
    page.goto(page.url.replace("/data/", "/problem/").partition("?")[0])
    page.get_by_label("problem.toml").wait_for()
    assert "odd <b>set" in page.locator("main").inner_text()
    shelf = server.place / "shelf" / "solutions"
    made = next((server.place / "shelf" / "runs").glob("*/*.objectif"), None)
    if made is not None:  # the test before ran
        shutil.copyfile(made, shelf / "copy.objectif")
        page = visit("/solution/copy")
        page.get_by_label("name it").fill(f"</script>{ODD}'\"")
        page.get_by_role("button", name="Rename").click()
        page.wait_for_function("document.querySelector('h1').innerText.includes('onerror')")
        for path in ("/", "/shelf", "/solution/copy", "/race"):
            page = visit(path)
            assert path == "/race" or f"</script>{ODD}'\"" in page.locator("main").inner_text()
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_every_page_fits_its_window(
    visit: Callable[..., Any], server: Server, width: int, dark: bool
) -> None:
    page = visit("/", width=width, dark=dark)
    for path in ("/", "/data", "/shelf", "/race/nobody"):
        page.goto(server.address + path)
        page.wait_for_selector("main h1")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        paper, ink = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        light, letters = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (paper, ink))
        assert (light < letters) == dark and abs(light - letters) > 450, path


def test_a_folder_is_packed_in_the_browser(visit: Callable[..., Any], server: Server, tmp_path: Path) -> None:
    for label, colour in (("ä red", (200, 0, 0)), ("blue", (0, 0, 200))):
        (tmp_path / "mine" / label).mkdir(parents=True)
        for k in range(3):
            Image.new("RGB", (30, 30 + k), colour).save(tmp_path / "mine" / label / f"{k}.png")
    page = visit("/")
    page.locator("input[type=file]").nth(0).set_input_files(tmp_path / "mine")
    page.wait_for_url("**/data/mine-*")
    page.get_by_text("6 images · 2 classes").wait_for()
    page.get_by_role("link", name="ä red 3").wait_for()


def test_pages_of_runs_are_shut_in(server: Server) -> None:
    """What is served from a run may not act on this site, whatever stands in it."""
    folder = server.place / "shelf" / "runs" / "made-up"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.jsonl").write_text("")
    (folder / "report.html").write_text("<script>fetch('/api/v1/runs')</script>")
    with urllib.request.urlopen(f"{server.address}/run-file/made-up/report.html") as reply:
        policy = reply.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts;") and "default-src 'none'" in policy
    for path in (
        "/run-file/made-up/journal.jsonl",
        "/run-file/made-up/..%2f..%2ftitles.json",
        "/studio/frame.py",
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.address + path)


def test_the_server_answers_at_its_own_addresses_with_an_empty_shelf(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    server = Server(tmp_path)
    try:
        for path in ("/", "/openapi.json", "/api/v1/health"):
            with urllib.request.urlopen(server.address + path) as reply:
                assert reply.status == 200
        assert not os.path.exists(tmp_path / ".nicegui")
    finally:
        server.stop()
    assert server.child.returncode in {0, -signal.SIGINT, 130}
