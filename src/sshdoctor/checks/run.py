"""The fact ``run``: what a user's own command printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """What a ``run:`` printed (standard error joined in), its exit status, and the command itself."""

    output: str
    status: int
    command: str
