"""What one command of the probe printed."""

from __future__ import annotations

from msgspec import Struct


class Section(Struct, frozen=True):
    """What one command printed (standard error joined in) and its exit status.

    ``status`` is None if it never ended: ``cut`` then says why ("timed out", "too long", "never ran",
    "came twice", "cut off").
    """

    output: str
    status: int | None
    cut: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 0
