"""What a monitor has to say of itself: to standard error, and never a reason to end."""

from __future__ import annotations

import sys
from contextlib import suppress


def complain(what: str) -> None:
    """One line; control characters of what others sent are left out."""
    line = "".join(char if char.isprintable() else "?" for char in what)
    with suppress(OSError, ValueError):
        print(f"sshdoctor: {line}", file=sys.stderr, flush=True)
