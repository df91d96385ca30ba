"""The cases: a healthy site, what breaks it, how it is asked, and the right answer (see cases.yml)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sshdoctor.documents.reader import read_yaml

FILE = Path(__file__).parent / "cases.yml"
MORE = Path(__file__).parent / "more.yml"
"""Further kinds, with the setups of the first file."""
REFUSALS = Path(__file__).parent / "refusals.yml"
"""What refuses a request by a rule, a mode or a module."""

HOPS = Path(__file__).parent / "hops.yml"
"""Two servers, one in front of the other."""
REPORTED = Path(__file__).parent / "later.yml"
"""A later round of people's reports."""
FURTHER = Path(__file__).parent / "further.yml"
"""A later one still."""

HEALTHY = Path(__file__).parent / "healthy.yml"
"""What looks ill, and is not."""
OPENINGS = Path(__file__).parent / "openings.yml"
"""What is opened for a while."""


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data that is not changed, in which an unknown key is an error."""


class Request(Struct, frozen=True, kw_only=True):
    """What the client sends."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str | int | None = None
    auth: str = ""
    timeout: float = 20
    repeat: int = 1
    source: str = ""
    follow: bool = True

    @property
    def data(self) -> bytes:
        return b"x" * self.body if isinstance(self.body, int) else (self.body or "").encode()


class Case(Struct, frozen=True, kw_only=True):
    """One site."""

    name: str
    fault: str
    server: str
    setup: list[str]
    request: Request
    healthy: str
    broken: str
    first_cause: str
    right: str
    break_: str = msgspec.field(default="", name="break")
    capabilities: list[str] = []
    front: str = ""
    break_front: str = ""
    at: list[str] = []
    setups: Mapping[str, str] = {}

    @property
    def causes(self) -> tuple[str, ...]:
        """The ids that are right; none if the site is healthy."""
        return () if self.first_cause.startswith("none") else tuple(self.first_cause.split("|"))

    def script(self, variables: Mapping[str, str]) -> str:
        """What makes the site, as one script."""
        steps = [self.setups.get(step, step) for step in self.setup]
        return filled("\n".join(steps), variables)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """With the addresses in the place of ``{client}``, ``{ip}`` and ``{front}``."""
    for name, value in variables.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def load_cases(path: Path = FILE) -> list[Case]:
    """Every case of a file. Raises msgspec.ValidationError."""
    document: Any = read_yaml(path)
    setups = {**read_yaml(FILE)["setups"], **document.get("setups", {})}
    return [msgspec.convert({**one, "setups": setups}, Case) for one in document["cases"]]
