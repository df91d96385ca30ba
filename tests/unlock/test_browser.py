"""The whole way in a real browser: phone and desk, light and dark, two languages, scripts or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from unlock.bed import ANN, HOME, OWNER, Bed, Book, served
from unlock.browser import Browser, browser

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("browser")]
PICTURES = os.environ.get("SSHDOCTOR_PICTURES", "")
"""A folder: what was seen is kept there."""
LOOKS = [
    ("phone", 400, False, "en", False),
    ("phone-dark", 400, True, "ja", True),
    ("desk", 1280, False, "ja", False),
    ("desk-dark", 1280, True, "en", True),
]


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def seen(window: Browser, name: str, page: str, width: int) -> str:
    """The page's heading; it fits the window, and the browser has nothing against it."""
    assert window.content_width() <= width
    assert window.complaints() == []
    if PICTURES:
        window.picture(Path(PICTURES) / f"{name}-{page}.png")
    return window.text("h1")


@pytest.mark.parametrize(("name", "width", "dark", "lang", "scripts"), LOOKS, ids=[one[0] for one in LOOKS])
def test_a_person_finds_the_way(
    window: Browser, tmp_path: Path, name: str, width: int, dark: bool, lang: str, scripts: bool
) -> None:
    with served(tmp_path / "state.db", url="", hosts=Book(seconds=1.0)) as bed:
        headers = {"X-Forwarded-For": HOME, "Accept-Language": lang}
        window.look(width=width, dark=dark, scripts=scripts, headers=headers)
        window.open(f"http://127.0.0.1:{bed.port}/")
        seen(window, name, "1-ask", width)
        assert min(window.size("button")[1], window.size("#field")[1]) >= 44  # for a finger
        window.type(ANN)
        window.press()
        seen(window, name, "2-sent", width)
        url = bed.link()
        window.open(url)
        seen(window, name, "3-question", width)
        window.type("9999x")
        window.press()
        seen(window, name, "4-wrong", width)
        window.type(_read(bed, url, lang))
        window.press()
        working = seen(window, name, "5-working", width)
        bed.mail_to(OWNER)
        window.await_load()  # it looks again by itself
        assert seen(window, name, "6-done", width) != working
        window.open(url + "x")
        seen(window, name, "7-bad", width)
        assert len(bed.hosts.told) == 2


def _read(bed: Bed, url: str, lang: str) -> str:
    return bed.visitor(**{"Accept-Language": lang}).opens(url).reads()
