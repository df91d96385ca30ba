"""One message of the host's about this dial that names a cause, as checks show it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Said(Struct, frozen=True, kw_only=True):
    """One message about this dial that names a cause.

    ``text`` is the message as it stands; ``parts`` what its named parts hold. ``trusted``: nobody but the
    server could have written it, and it can be read in one way only.
    """

    cause: str
    of: str
    """"dial", or "start": the last start of a service that does not run."""
    text: str
    parts: Mapping[str, str]
    trusted: bool
