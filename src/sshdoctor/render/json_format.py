"""The JSON report, as docs/report.schema.json has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sshdoctor.model import HostReport, Reply

SCHEMA = "sshdoctor/report/1"


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    document = {"schema": SCHEMA, "hosts": [_host(report) for report in reports]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _host(report: HostReport) -> dict[str, Any]:
    return {
        "host": report.host,
        "address": report.login.address,
        "port": report.login.port,
        "user": report.login.user,
        "verdict": report.verdict,
        "outside": [_reply(reply) for reply in report.outside],
        "access": asdict(report.access),
        "prediction": asdict(report.prediction) if report.prediction else None,
        "causes": [asdict(cause) for cause in report.causes],
        "checks": [asdict(check) for check in report.checks],
        "notes": list(report.notes),
    }


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
    }
