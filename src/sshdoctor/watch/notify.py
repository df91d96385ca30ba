"""Telling by Apprise, which knows mail, ntfy, Slack and a hundred others (an extra: docs/decisions/)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from sshdoctor.errors import UsageError
from sshdoctor.model import Secret
from sshdoctor.watch.store import Outgoing
from sshdoctor.watch.words import Language, subject, text


def require() -> None:
    """Raises UsageError where Apprise is not installed."""
    try:
        import apprise  # noqa: F401  # 0.2 s, and only where somebody is to be told
    except ImportError:
        raise UsageError(
            "sshdoctor_notify needs Apprise: pip install 'sshdoctor[notify]'; or leave that variable out"
        ) from None


def check(book: Mapping[str, Secret]) -> None:
    """Raises UsageError for what Apprise does not understand; it shows no secret."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    for person, url in book.items():
        if not apprise.Apprise().add(url.reveal()):
            raise UsageError(f"sshdoctor_notify: {person} is no URL that Apprise understands")


class Teller:
    """Sends to those in ``book``; ``hosts`` and ``zones``: of each target the host, its owner's time zone."""

    def __init__(
        self,
        book: Mapping[str, Secret],
        language: Language,
        zones: Mapping[str, tzinfo],
        hosts: Mapping[str, str],
        now: Callable[[], float],
    ) -> None:
        self.book, self.language, self.zones, self.hosts, self.now = book, language, zones, hosts, now

    def send(self, person: str, batch: Sequence[Outgoing]) -> bool:
        """Whether it went; who stands in the inventory no more is told nothing. Blocks."""
        url = self.book.get(person)
        if url is None:
            return True
        import apprise

        told = apprise.Apprise()
        told.add(url.reveal())
        went = told.notify(
            title=subject(batch, self.language),
            body=text(batch, self.language, self.zones, self.now(), self.hosts),
            body_format=apprise.NotifyFormat.TEXT,
        )
        return bool(went)
