"""The lens as a phone sees it: a server of its own, asked by HTTP and by a headless Chromium of 390 px."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="the web application is not installed: pip install 'objectif[web]'")
httpx = pytest.importorskip("httpx", reason="tests of the web application need: pip install 'objectif[dev]'")

from objectif.apps.lens import new
from objectif.apps.lens.cards import FILE

from .conftest import COLOURS, paint

ODD = "<img src=x onerror=alert(1)>"
CARDS = f"""
languages = ["en", "de"]
accuracy = 0.9
title = {{ en = "Colours {ODD}", de = "Farben" }}
[safety]
text = {{ en = "A photo never makes paint edible.", de = "Ein Foto macht keine Farbe essbar." }}
[labels.red]
name = {{ en = "Red {ODD}", de = "Rot" }}
line = {{ en = "Like a rose.", de = "Wie eine Rose." }}
actions = [{{ link = "https://a.example/?a=1&b=\\"", text = "More" }}, {{ call = "tel:+49-30-1", text = "Call" }}]
apart.blue = {{ en = "Red is warm.", de = "Rot ist warm." }}
[labels.green]
name = {{ en = "Green", de = "Grün" }}
""".replace('\\"', "%22")


@dataclass(frozen=True)
class Server:
    address: str
    lens: Path
    photos: Path

    def post(self, way: str, photo: Path | None = None, **more: Any) -> Any:
        files = {} if photo is None else {"files": {"photo": (photo.name, photo.read_bytes())}}
        return httpx.post(f"{self.address}/api/v1/lens/colours/{way}", timeout=60, **files, **more)


@pytest.fixture(scope="module")
def server(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`objectif serve` with one lens below its root."""
    root = tmp_path_factory.mktemp("root")
    lens = new.make(run, root / "colours.lens", title="Colours").folder
    (lens / FILE).write_text(CARDS, encoding="utf-8")
    raced = shutil.copytree(run, root / "runs" / "raced")
    (raced / "result.json").write_text("{}")
    for number in range(5):
        paint(root / "photos" / f"{number}.jpg", (200, 200, 30), number)
    for name, colour in COLOURS.items():
        paint(root / "photos" / f"{name}.jpg", colour, 50)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "objectif",
        "serve",
        "--port",
        str(port),
        "--root",
        str(root),
        "--shelf",
        str(root / "shelf"),
    ]
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, "NICEGUI_STORAGE_PATH": str(root / "shelf")}
    )
    try:
        yield Server(_up(f"http://localhost:{port}", child), lens, root / "photos")
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(20)


def _up(address: str, child: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert child.poll() is None, "the server ended before it began"
        try:
            httpx.get(f"{address}/api/v1/health", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return address
    raise AssertionError("the server did not come up within a minute")


def test_a_photo_is_answered_in_the_language_of_the_reader(server: Server) -> None:
    answer = server.post("ask", server.photos / "red.jpg", headers={"Accept-Language": "fr;q=0.3, de-CH"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-language"] == "de"
    told = answer.json()
    assert (told["heading"], told["line"]) == ("Rot", "Wie eine Rose.")
    assert told["safety"] == "Ein Foto macht keine Farbe essbar."
    assert (told["alike"][0]["name"], told["alike"][0]["label"]) == ("Rot", "red")
    picture = httpx.get(server.address + told["alike"][0]["picture"], timeout=60)
    assert picture.headers["content-type"] == "image/jpeg"


def test_the_card_is_escaped(server: Server) -> None:
    card = server.post("card", server.photos / "red.jpg")
    assert ODD not in card.text
    assert "&lt;img src=x" in card.text
    assert 'href="https://a.example/?a=1&amp;b=%22"' in card.text
    assert 'href="tel:+49-30-1"' in card.text
    assert "A photo never makes paint edible." in card.text


def test_what_cannot_be_answered_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{ODD}.jpg").write_bytes(b"not an image")
    bad = server.post("ask", tmp_path / f"{ODD}.jpg")
    assert bad.status_code == 422
    assert bad.headers["content-type"].startswith("application/problem+json")
    assert "no image that can be read" in bad.json()["detail"]
    gone = httpx.post(f"{server.address}/api/v1/lens/nothing/ask", files={"photo": b"x"}, timeout=60)
    assert gone.status_code in {404, 422}
    assert "there is no lens 'nothing'" in gone.json()["detail"]
    few = server.post(
        "teach", data={"name": "yellow"}, files=[("photos", (server.photos / "0.jpg").read_bytes())]
    )
    assert few.status_code == 422
    assert "'yellow' has 1 different photos; expected 3 to 50" in few.json()["detail"]
    assert server.post("accept", data={"name": "yellow"}).status_code == 422


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by playwright."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright to drive a browser with: pip install 'objectif[dev]'"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium to look at pages with: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def phone(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """phone() is the lens's page on a phone; faults of its scripts and dialogs fail the test."""
    faults: list[str] = []
    contexts = []

    def opened(**options: Any) -> Any:
        size = {"width": 390, "height": 844}
        context = browser.new_context(viewport=size, is_mobile=True, has_touch=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.goto(f"{server.address}/lens/at/colours")
        page.locator("objectif-lens h1").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults


def take(page: Any, photo: Path) -> Any:
    """Give a photo as the camera would; the heading of its card."""
    page.locator("[data-photo][capture]").set_input_files(photo)
    page.wait_for_function("!document.querySelector('#answer-place').hasAttribute('aria-busy')")
    return page.locator("#answer")


def test_a_phone_takes_a_photo_and_reads_its_card(phone: Callable[..., Any], server: Server) -> None:
    page = phone(locale="en-GB")
    assert page.get_by_text("A photo never makes paint edible.").is_visible()  # before any photo
    heading = take(page, server.photos / "red.jpg")
    assert heading.inner_text() == f"Red {ODD}"
    assert page.evaluate("document.activeElement.id") == "answer"  # a screen reader goes on there
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_text("A photo never makes paint edible.").count() >= 1
    assert page.locator("figure img").evaluate("image => image.naturalWidth") == 64
    page.wait_for_function(
        "[...document.querySelectorAll('.alike img')].every(i => i.complete && i.naturalWidth)"
    )
    assert page.locator(".alike").first.locator("img").count() == 4  # the photo and three of the user's own
    assert all(image.get_attribute("alt") for image in page.locator("objectif-lens img").all())


def test_in_german_and_in_the_dark(phone: Callable[..., Any], server: Server) -> None:
    page = phone(locale="de-AT", color_scheme="dark")
    assert page.locator("label", has_text="Foto aufnehmen").is_visible()
    assert take(page, server.photos / "green.jpg").inner_text() == "Grün"
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(c) for c in colour.strip("rgba()").split(",")[:3]) < 150
    assert page.locator("article").get_attribute("lang") == "de"


def test_a_new_kind_is_taught_with_the_keyboard(phone: Callable[..., Any], server: Server) -> None:
    page = phone(locale="en-GB")
    take(page, server.photos / "0.jpg")
    page.locator("#teach").locator("xpath=..").locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("yellow")
    page.locator("#teach input[type=file]").set_input_files([server.photos / f"{k}.jpg" for k in (1, 2, 3)])
    page.locator("#teach button").focus()
    page.keyboard.press("Enter")
    page.locator("#lessons li").wait_for()
    assert (
        "yellow: 4 of its 4 photos are recognised by the others; 0 of 15 examples"
        in page.locator("#lessons").inner_text()
    )
    assert take(page, server.photos / "4.jpg").inner_text() != "yellow"  # it waits
    assert page.get_by_text("waits to be accepted. This photo looks like it").is_visible()
    page.get_by_role("button", name="Accept: yellow").press("Enter")
    page.get_by_text("Taught and accepted").wait_for()
    assert take(page, server.photos / "4.jpg").inner_text() == "yellow"
    assert page.get_by_text("has not been measured").is_visible()
    page.get_by_role("button", name="Forget: yellow").press("Enter")
    page.wait_for_function("document.querySelector('#lessons').textContent === ''")


def test_a_race_that_is_done_becomes_a_lens(browser: Any, server: Server) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{server.address}/lens")
    page.get_by_text("A lens from a race that is done").click()
    page.get_by_role("link", name="raced").click()
    page.get_by_role("link", name="Open the lens").click()
    page.wait_for_url("**/lens/at/raced")
    assert take(page, server.photos / "blue.jpg").inner_text() == "blue"
    page.close()


def test_a_dropped_folder_is_told_before_it_is_raced(browser: Any, server: Server, run: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    dropped(page, server, run.parent / "data")
    assert page.get_by_text("15 photos of 3 kinds: blue, green, red.").is_visible()
    assert page.get_by_role("button", name="Make a lens").is_enabled()
    page.goto(f"{server.address}/lens/new?data={server.photos}")
    assert "no layout fits" in page.get_by_role("alert").inner_text()
    page.close()


def test_from_a_dropped_folder_of_flowers_to_a_lens_in_two_clicks(
    browser: Any, server: Server, shared: Callable[..., Path]
) -> None:
    flowers = shared("flowers")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    dropped(page, server, flowers)
    page.get_by_text("1 minute").click()  # a shorter race than usual, so that this test is short
    page.get_by_role("button", name="Make a lens").click()  # one
    page.get_by_role("link", name="Open the lens").click(timeout=300_000)  # two
    photo = sorted((flowers / "sunflowers").glob("*.jpg"))[0]
    kinds = {folder.name for folder in flowers.iterdir() if folder.is_dir()}
    said = take(page, photo).inner_text()
    assert said in {*kinds, "Not sure what this is"}  # a minute on a busy machine may not tell flowers apart
    page.close()


def dropped(page: Any, server: Server, folder: Path) -> None:
    """Drop a folder on the list of lenses."""
    page.goto(f"{server.address}/lens")
    page.locator("object-drop input").first.set_input_files(folder)
    page.wait_for_url("**/lens/new?data=*")
    page.get_by_role("button", name="Make a lens").wait_for()
