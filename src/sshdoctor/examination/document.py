"""Findings as plain data, as the contract has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sshdoctor.examination.findings import Culprit, Examination, Heap, Incident

_NOT_YET = "not yet"


def host_entry(name: str, found: Examination) -> dict[str, Any]:
    """One host of the report; beside what the contract has stand ``incidents`` and ``doubts``."""
    return {
        "host": name,
        "kind": found.kind,
        "processes": [_process(one) for one in found.culprits],
        "persistence": [{"file": one.file, "line": one.line, "text": one.text} for one in found.persistence],
        "mail": None if found.mail is None else _mail(found),
        "entry": None
        if found.entry is None
        else {"log": found.entry.log, "line": found.entry.line, "first_use": found.entry.first_use},
        "stop": [{"what": one.what, "how": one.how, "proved_by": _NOT_YET} for one in found.stop],
        "provider_did": list(found.provider_did),
        "innocent": [{"what": one.what, "why": one.why} for one in found.innocent],
        "incidents": [_incident(one) for one in found.incidents],
        "doubts": list(found.doubts),
    }


def _process(one: Culprit) -> dict[str, Any]:
    process = one.process
    return {
        "pid": process.pid,
        "user": one.user,
        "exe": process.exe,
        "argv": list(process.words),
        "title_is_a_lie": one.title_is_a_lie,
        "started_by": one.origin.started_by,
        "file": one.origin.file,
        "from": one.program,
        "since": moment(process.since),
        "cpu_s": round(process.cpu, 1),
        "evidence": [*one.why, f"cgroup {'/'.join(process.units)}"],
    }


def _mail(found: Examination) -> dict[str, Any]:
    assert found.mail is not None  # noqa: S101 -- asked by host_entry
    return {
        "queued": found.mail.queued,
        "sampled": found.mail.sampled,
        "by": [_heap(heap) for heap in found.mail.heaps],
    }


def _heap(heap: Heap) -> dict[str, Any]:
    more = {"uid": heap.uid, "from": heap.client, "shown_in": heap.shown_in, "why": heap.why}
    innocent = not (heap.guilty or heap.abused or heap.open)
    return {
        heap.by: heap.name,
        "count": heap.count,
        "innocent": innocent,
        **{k: v for k, v in more.items() if v},
    }


def _incident(one: Incident) -> dict[str, Any]:
    return {
        "what": one.what,
        "first": moment(one.first),
        "last": moment(one.last),
        "log": one.log,
        "ended": one.ended,
    }


def moment(when: float) -> str:
    """As RFC 3339 has it."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"
