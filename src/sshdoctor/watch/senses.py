"""By what a monitor sees and speaks."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from sshdoctor.model import Host
from sshdoctor.watch.look import Look
from sshdoctor.watch.rules import Change
from sshdoctor.watch.target import Target


class Found(Struct, frozen=True, kw_only=True):
    """Why a target is down, as a diagnosis found it, and what to type now."""

    id: str
    confidence: str
    summary: str
    next: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.summary} ({self.id}, {self.confidence})", *(f"Next: {c}" for c in self.next)]
        )


class Senses(Struct, frozen=True, kw_only=True):
    """By what it sees and speaks; all but ``emit`` may block, and run in threads."""

    look: Callable[[Host], Look]
    line: Callable[[], bool]
    emit: Callable[[Target, Change, Found | None], None]
    cause: Callable[[Target], Found | None] | None = None
    maintenance: Callable[[float], bool] = lambda now: False
