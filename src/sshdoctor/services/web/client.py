"""What a client of a site brings along: no keys."""

from __future__ import annotations

from sshdoctor.model import Login


def offered_keys(login: Login) -> tuple[str, ...]:
    """See services/base.py."""
    return ()
