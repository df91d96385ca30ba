"""What every way in is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Output:
    """What a script wrote, as raw bytes, and its exit status; None if it was cut off (time, a lost link)."""

    stdout: bytes
    status: int | None
    error: str = ""
    """Why it was cut off, or what the transport itself said; one line."""


class Access(Protocol):
    """An open way in. ``run`` may be called several times; ``close`` is idempotent."""

    via: str
    detail: str

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20) -> Output:
        """Run ``script`` with ``sh`` on the host, as root where the way in says so.

        ``timeout`` in seconds for the whole script; ``limit`` in bytes of output kept (more is
        thrown away and the script ended, so that a flood cannot fill this machine's memory).
        Raises AccessError if the script could not be started at all.
        On a timeout, and on KeyboardInterrupt (which passes on), nothing is left running on the host.
        """
        ...

    def close(self) -> None: ...
