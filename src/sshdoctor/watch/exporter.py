"""For Prometheus: ``/probe?target=NAME`` looks once, as multi-target exporters do; ``/metrics`` counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from sshdoctor.model import Host
from sshdoctor.watch.causes import Causes
from sshdoctor.watch.look import Look
from sshdoctor.watch.senses import Found
from sshdoctor.watch.server import NOT_FOUND, Page
from sshdoctor.watch.target import Target

_KIND = "text/plain; version=0.0.4; charset=utf-8"
AT_ONCE = 64


class Exporter:
    """It dials no other than ``targets``: who can reach it cannot make it dial what they like."""

    def __init__(
        self, targets: Sequence[Target], look: Callable[[Host], Look], causes: Causes | None = None
    ) -> None:
        self._targets = targets
        self._look, self._causes = look, causes
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._asked, self._good = 0, 0

    def respond(self, path: str, query: Mapping[str, str]) -> Page:
        """See server.Respond."""
        if path == "/metrics":
            return Page(self._own(), _KIND)
        if path == "/probe":
            return self._probe(query.get("target", ""), query.get("service", ""))
        return NOT_FOUND

    def _probe(self, name: str, service: str) -> Page:
        target = self._find(name, service)
        if target is None:
            return Page(f"{name!r} is none of the targets that are watched here.\n", status=400)
        if not self._places.acquire(timeout=5):
            return Page("too many probes at once\n", status=503)
        try:
            look = self._look(target.host)
        finally:
            self._places.release()
        good = look.word in target.working
        with self._lock:
            self._asked, self._good = self._asked + 1, self._good + good
        known = None if self._causes is None or look.lost else self._causes.seen(target, good)
        return Page(metrics(look, good, known), _KIND)

    def _find(self, name: str, service: str) -> Target | None:
        for target in self._targets:
            if name in (target.name, target.host.name) and service in ("", target.service):
                return target
        return None

    def _own(self) -> str:
        with self._lock:
            asked, good = self._asked, self._good
        return (
            "# HELP sshdoctor_probes_total Looks asked for.\n# TYPE sshdoctor_probes_total counter\n"
            f'sshdoctor_probes_total{{success="true"}} {good}\n'
            f'sshdoctor_probes_total{{success="false"}} {asked - good}\n'
        )


def metrics(look: Look, good: bool, cause: Found | None = None) -> str:
    """One look, as Prometheus reads it. A look that is lost has no ``probe_success``: it says nothing."""
    lines = []
    if not look.lost:
        lines += [
            "# HELP probe_success Whether the target was seen good.",
            "# TYPE probe_success gauge",
            f"probe_success {int(good)}",
        ]
    lines += [
        "# HELP probe_duration_seconds How long the look took.",
        "# TYPE probe_duration_seconds gauge",
        f"probe_duration_seconds {look.seconds:.6f}",
        "# HELP sshdoctor_reply What a client got, as a word.",
        "# TYPE sshdoctor_reply gauge",
        f'sshdoctor_reply{{word="{look.word}",note="{_quoted(look.note)}"}} 1',
    ]
    lines += [
        f'sshdoctor_address_reply{{address="{_quoted(one.address)}",word="{one.word}"}} 1'
        for one in look.replies
        if one.address
    ]
    statuses = [one.answer.last.status for one in look.replies if one.answer and one.answer.last]
    lines += [f"probe_http_status_code {status}" for status in statuses[:1]]
    if cause is not None:
        lines += [
            "# HELP sshdoctor_cause Why it is down, as a diagnosis found it, and what to type.",
            "# TYPE sshdoctor_cause gauge",
            f'sshdoctor_cause{{id="{cause.id}",confidence="{cause.confidence}",'
            f'summary="{_quoted(cause.summary)}",next="{_quoted(" ; ".join(cause.next[:1]))}"}} 1',
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """As a label's value has it.

    >>> _quoted('a "b"')
    'a \\\\"b\\\\"'
    """
    return text[:300].replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
