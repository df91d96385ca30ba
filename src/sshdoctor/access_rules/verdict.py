"""What rules come to for one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field


class Request(Struct, frozen=True, kw_only=True):
    """One request as the server sees it; ``headers`` by names in lower case."""

    source: str
    method: str = "GET"
    scheme: str = "http"
    host: str = ""
    port: int = 80
    target: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    """The server's own address, "" where it is not known."""


class Rule(Struct, frozen=True, kw_only=True):
    """A directive where it stands."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class Verdict(Struct, frozen=True, kw_only=True):
    """``status``: what the rules themselves answer (None where the pages behind them do)."""

    verdict: Literal["accept", "reject", "depends", "unknown"]
    status: int | None = None
    rule: Rule | None = None
    why: str = ""
