"""The HTML report in a real browser: on a telephone and on a desk, light, dark and printed."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reports.cases import OK, cause, outside_only, seen_inside
from sshdoctor.model import Evidence, HostReport
from sshdoctor.reports import render
from unlock.browser import Browser, browser

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("browser")]
PICTURES = os.environ.get("SSHDOCTOR_PICTURES", "")
"""A folder: what was seen is kept there."""
LONG = "x" * 300
SICK = replace(
    seen_inside(
        replace(cause(), evidence=(Evidence(f"cat /etc/{LONG}", f"{LONG} {LONG}"),)),
        cause("sshd-not-enabled", "latent", "daemon"),
    ),
    host=f"web-{'long-' * 30}name.example.org",
    next=(f"sshdoctor remediate --host web1 --inventory /{LONG}",),
)
FLEET = [replace(seen_inside(reply=OK), host=f"web{number}") for number in range(20)]
PAGES = {"one": [SICK], "fleet": [SICK, replace(SICK, host="web99"), outside_only(), *FLEET]}
WIDTHS = (400, 800, 1600)


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def shown(window: Browser, reports: Sequence[HostReport], folder: Path) -> None:
    page = folder / "report.html"
    page.write_text(render(reports, "html"))
    window.open(page.as_uri())


def value(window: Browser, expression: str) -> Any:
    return window.do("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]


OVERFLOWING = """[...document.querySelectorAll("main *")].filter(one =>
  !one.closest(".scroll") && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML)"""
"""What stands out of the window; a wide table has a bar of its own."""
BROKEN = """[...document.querySelectorAll("thead th")].filter(one =>
  one.getBoundingClientRect().height > 40).map(one => one.innerText)"""
"""Heads of columns whose words are broken over lines."""
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", PAGES)
def test_nothing_stands_out_of_the_window(
    page: str, width: int, dark: bool, window: Browser, tmp_path: Path
) -> None:
    window.look(width=width, dark=dark, headers={})
    shown(window, PAGES[page], tmp_path)
    assert value(window, "innerWidth") == width
    assert window.content_width() <= width
    assert value(window, OVERFLOWING) == []
    assert value(window, BROKEN) == []
    assert window.complaints() == []
    assert value(window, GROUND) == ("rgb(22, 22, 22)" if dark else "rgb(255, 255, 255)")
    assert value(window, "document.title").startswith("sshdoctor: ")
    assert "2024-11-22 12:00:01 UTC" in value(window, "document.querySelector('footer').innerText")
    folded = value(window, "document.querySelector('details:not([open])').getBoundingClientRect().height")
    assert folded < 60
    if PICTURES:
        window.picture(Path(PICTURES) / f"report-{page}-{width}-{'dark' if dark else 'light'}.png")


def test_on_paper_it_is_black_on_white_whatever_the_screen_is(window: Browser, tmp_path: Path) -> None:
    window.look(width=800, dark=True, headers={})
    shown(window, PAGES["one"], tmp_path)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    window.do("Emulation.setEmulatedMedia", media="print", features=dark)
    assert value(window, GROUND) == "rgb(255, 255, 255)"
    assert value(window, "getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    printed = base64.b64decode(window.do("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")
    window.do("Emulation.setEmulatedMedia", media="", features=[])
