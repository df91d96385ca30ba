"""How often, and for how long."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """All times are seconds."""

    life: float = 900
    """A link is good for so long."""
    form: float = 3600
    """A page with a form may stay open for so long."""
    shown: float = 7200
    """What came of a link that was used is shown for so long, to the address that used it."""
    allowed: float = 86400
    """An address stays on the allow-list for so long."""
    per_network: int = 5
    """So many requests of one network in ``life``."""
    per_person: int = 10
    """So many mails to one address in an hour."""
    overall: int = 200
    """So many requests of all in a minute."""
    tries: int = 5
    """So many wrong answers end a link."""
    kept: float = 86400
    """Who asked is forgotten after so long."""
