"""The status, served: the page, JSON, a feed of what changed, and a badge for each target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from sshdoctor.watch.lines import number
from sshdoctor.watch.page import DAYS, availability, page, spans
from sshdoctor.watch.server import NOT_FOUND, Page
from sshdoctor.watch.store import Store

_COLOURS = {"up": "#2a7", "down": "#c33", "suspected": "#c93", "unknown": "#999"}
_NEWEST = 100


class Status:
    """Reads the state file anew for each who asks; the watch that writes it may run meanwhile."""

    def __init__(self, file: Path, now: Callable[[], float]) -> None:
        self._file, self._now = file, now
        Store(file, watch=False).close()

    def respond(self, path: str, query: Mapping[str, str]) -> Page:
        """See server.Respond."""
        store = Store(self._file, watch=False)
        try:
            if path == "/":
                return Page(page(store, self._now()), "text/html; charset=utf-8")
            if path == "/status.json":
                return Page(_as_json(store, self._now()), "application/json")
            if path == "/feed.xml":
                return Page(_feed(store, self._now()), "application/atom+xml; charset=utf-8")
            if path == "/badge.svg":
                return _badge(store, query.get("target", ""))
            return NOT_FOUND
        finally:
            store.close()


def _as_json(store: Store, now: float) -> str:
    memories = store.memories()
    targets = []
    for name in store.targets():
        found = spans(store.changes(name), now)
        memory, causes = memories[name], store.causes(name)
        outages = [
            {
                "since": number(one.begins),
                "until": number(one.ends),
                "word": one.word,
                "cause": causes.get(one.at),
            }
            for one in found
            if one.state == "down"
        ]
        targets.append(
            {
                "target": name,
                "state": memory.state,
                "word": memory.word,
                "since": None if memory.since is None else number(memory.since),
                "up_in_90_days": availability(found, now - DAYS * 86400),
                "outages": outages[-_NEWEST:],
            }
        )
    return (
        json.dumps({"schema": "sshdoctor/status/1", "at": number(now), "targets": targets}, indent=2) + "\n"
    )


def _feed(store: Store, now: float) -> str:
    entries = [
        (change.at, target, change.state, change.word)
        for target in store.targets()
        for change in store.changes(target, now - DAYS * 86400)
        if change.state != "suspected"
    ]
    newest = sorted(entries, reverse=True)[:_NEWEST]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>Status</title><id>urn:sshdoctor:status</id><updated>{_time(now)}</updated>"
        f"<author><name>sshdoctor watch</name></author>{''.join(_entries(newest))}</feed>\n"
    )


def _entries(newest: Sequence[tuple[float, str, str, str]]) -> Iterator[str]:
    for at, target, state, word in newest:
        title = escape(f"{target}: {state} ({word})")
        yield (
            f"<entry><title>{title}</title><id>urn:sshdoctor:{escape(target, quote=True)}:{at:.3f}</id>"
            f"<updated>{_time(at)}</updated><content>{title}</content></entry>"
        )


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _badge(store: Store, target: str) -> Page:
    memory = store.memories().get(target)
    if memory is None:
        return NOT_FOUND
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20" role="img">'
        f"<title>{memory.state}</title>"
        f'<rect width="90" height="20" rx="3" fill="{_COLOURS[memory.state]}"/>'
        f'<text x="45" y="14" fill="#fff" font-family="sans-serif" font-size="11" '
        f'text-anchor="middle">{memory.state}</text></svg>\n'
    )
    return Page(svg, "image/svg+xml")
