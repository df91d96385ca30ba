"""A headless Chromium, told what to do over its DevTools protocol by a pipe: no library, no port."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 30.0


def program() -> str | None:
    """Where a Chromium is on this machine."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One window."""

    def __init__(self, to: int, come: int) -> None:
        self._to, self._come, self._rest, self._number, self._session = to, come, b"", 0, ""
        self._events: list[dict[str, Any]] = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for room in ("Page", "Log", "Network", "DOM"):
            self.do(f"{room}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers. Raises AssertionError for an error of its."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while (said := self._next()).get("id") != self._number:
            self._events.append(said)
        assert "error" not in said, (method, said)
        result: dict[str, Any] = said["result"]
        return result

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._come], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser says nothing"
            self._rest += os.read(self._come, 1 << 20)
        line, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(line)
        return said

    def look(
        self, *, width: int, dark: bool = False, scripts: bool = True, headers: Mapping[str, str]
    ) -> None:
        """How the pages after this are seen."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=2 if width < 600 else 1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        self.do("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.do("Network.setExtraHTTPHeaders", headers=headers)

    def open(self, url: str) -> None:
        """A page, until it is there."""
        self._arrives(lambda: self.do("Page.navigate", url=url))

    def _arrives(self, what: Callable[[], object]) -> None:
        self._events.clear()
        what()
        self._await()

    def await_load(self) -> None:
        """Until the next page is there."""
        self._events.clear()
        self._await()

    def _await(self) -> None:
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    def type(self, text: str) -> None:
        """Into the one field, as by a keyboard."""
        node = self._found("#field")
        self.do("DOM.focus", nodeId=node)
        self.do("Input.insertText", text=text)

    def press(self) -> None:
        """The one button, where it is seen, as by a mouse or finger; until the next page is there."""
        x, y = self.middle("button")

        def click() -> None:
            for kind in ("mousePressed", "mouseReleased"):
                self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

        self._arrives(click)

    def middle(self, selector: str) -> tuple[float, float]:
        """Where it is on the page."""
        quad = self.do("DOM.getBoxModel", nodeId=self._found(selector))["model"]["border"]
        return sum(quad[0::2]) / 4, sum(quad[1::2]) / 4

    def size(self, selector: str) -> tuple[int, int]:
        model = self.do("DOM.getBoxModel", nodeId=self._found(selector))["model"]
        return model["width"], model["height"]

    def text(self, selector: str) -> str:
        """The page's own text there."""
        html = self.do("DOM.getOuterHTML", nodeId=self._found(selector))["outerHTML"]
        return str(html)

    def _found(self, selector: str) -> int:
        root = self.do("DOM.getDocument")["root"]["nodeId"]
        node = self.do("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, f"there is no {selector}"
        return int(node)

    def content_width(self) -> int:
        """How wide the page is; more than the window is a page that must be pushed to and fro."""
        return int(self.do("Page.getLayoutMetrics")["cssContentSize"]["width"])

    def complaints(self) -> list[str]:
        """What the browser has against the page: a policy that was broken, a fault. Not its status."""
        logged = [
            event["params"]["entry"] for event in self._events if event.get("method") == "Log.entryAdded"
        ]
        return [str(entry["text"]) for entry in logged if entry["source"] != "network"]

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A fresh one, without a past."""
    found = program()
    assert found, "this needs a browser: sh bin/setup browser"
    read_by_it, to = os.pipe()
    come, written_by_it = os.pipe()
    with TemporaryDirectory() as folder:
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-dev-shm-usage",
        ]
        flags += ["--ignore-certificate-errors", "--remote-debugging-pipe", "--disable-background-networking"]
        flags += [f"--user-data-dir={folder}", "--disable-component-update", "--no-proxy-server"]

        def as_three_and_four() -> None:
            kept = os.dup(read_by_it), os.dup(written_by_it)
            os.dup2(kept[0], 3)
            os.dup2(kept[1], 4)

        with subprocess.Popen(
            [found, *flags], stderr=subprocess.DEVNULL, pass_fds=(3, 4, read_by_it, written_by_it),
            preexec_fn=as_three_and_four,  # noqa: PLW1509 -- it calls dup alone
        ) as process:  # fmt: skip
            os.close(read_by_it)
            os.close(written_by_it)
            try:
                yield Browser(to, come)
            finally:
                process.terminate()
                process.wait(20)
                os.close(to)
                os.close(come)
