"""The fact ``run``: what a user's own command printed."""

from __future__ import annotations

from msgspec import Struct


class Run(Struct, frozen=True):
    """What a ``run:`` printed (standard error joined in), its exit status, and the command itself."""

    output: str
    status: int
    command: str
