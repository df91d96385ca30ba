"""The JSON report, as docs/report.schema.json has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import to_builtins

from sshdoctor.model import History, HostReport, Repair, Reply, TaskResult

SCHEMA = "sshdoctor/report/1"


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    document = {"schema": SCHEMA, "hosts": [host_entry(report) for report in reports]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def host_entry(report: HostReport) -> dict[str, Any]:
    """One host, as plain data."""
    return {
        "host": report.host,
        "service": report.service,
        "url": report.url,
        "address": report.login.address,
        "port": report.login.port,
        "user": report.login.user,
        "verdict": report.verdict,
        "outside": [_reply(reply) for reply in report.outside],
        "access": to_builtins(report.access, enc_hook=str),
        "prediction": to_builtins(report.prediction, enc_hook=str) if report.prediction else None,
        "causes": [to_builtins(cause, enc_hook=str) for cause in (*report.causes, *report.possible)],
        "checks": [to_builtins(check, enc_hook=str) for check in report.checks],
        "notes": list(report.notes),
        **({"history": _history(report.history)} if report.history else {}),
        "next": list(report.next),
        "when": None if report.when is None else _moment(report.when),
        **(_repair(report.repair) if report.repair else {}),
    }


def _history(history: History) -> dict[str, Any]:
    changes = [{"when": _moment(one.when), "what": one.what} for one in history.changes]
    return {
        "since": _moment(history.since),
        "user": history.user,
        "changes": changes,
        "unseen": list(history.unseen),
    }


def _moment(when: float) -> str:
    """As RFC 3339 has it."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _reply(reply: Reply) -> dict[str, Any]:
    return {
        "address": reply.address,
        "family": reply.family,
        "port": reply.port,
        "reply": reply.word,
        "sender": reply.sender,
        "elapsed_ms": None if reply.elapsed_ms is None else round(reply.elapsed_ms, 2),
        "banner": reply.banner,
        "detail": reply.detail,
        **({"stage": reply.stage} if reply.stage else {}),
        **({"from": reply.asked_from} if reply.asked_from else {}),
        **({"status": reply.answer.last.status} if reply.answer and reply.answer.last else {}),
        **_around(reply),
    }


def _around(reply: Reply) -> dict[str, Any]:
    """What a closer look from outside found, where somebody looked."""
    found: dict[str, Any] = {}
    if reply.neighbours is not None:
        found["neighbours"] = [to_builtins(one, enc_hook=str) for one in reply.neighbours]
    if reply.path is not None:
        found["path"] = [{"hop": one.number, "sender": one.sender, "reply": one.reply} for one in reply.path]
    return found


def _repair(repair: Repair) -> dict[str, Any]:
    replies = {
        "before": [_reply(reply) for reply in repair.replies_before],
        "after": [_reply(reply) for reply in repair.replies_after],
    }
    playbooks = dict.fromkeys(
        [*(step.playbook for step in repair.planned), *(t.playbook for t in repair.tasks)]
    )
    return {
        "remedies": [
            {
                "playbook": playbook,
                "mends": [cause for s in repair.planned if s.playbook == playbook for cause in s.mends],
                "tasks": [_task(task) for task in repair.tasks if task.playbook == playbook],
                **replies,
            }
            for playbook in playbooks
        ],
        "repair": {
            "outcome": repair.outcome,
            "detail": repair.detail,
            "forecast": repair.forecast,
            "run": repair.run,
            "journal": list(repair.journal),
        },
    }


def _task(task: TaskResult) -> dict[str, Any]:
    return {"name": task.name, "status": task.status, "message": task.message, "diff": task.diff}
