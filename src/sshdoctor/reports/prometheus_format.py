"""Prometheus' text, for the textfile collector of node_exporter (its "Exposition formats")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sshdoctor.model import HostReport, Reply
from sshdoctor.reports.layout.printable import printable
from sshdoctor.services import progress, works

_HELP = {
    "up": "Whether a client gets in: 1, 0; no sample where that is not decided.",
    "undecided": "Whether too little could be seen to say.",
    "cause": "A cause that was found, 1 for each; role and confidence as in the report.",
    "reply_stage": "How far a client came at an address: 0 no connection, 1 connected ... 6 logged in.",
    "reply_seconds": "How long the answer of an address took.",
    "checks": "How many checks have this status.",
    "last_look_seconds": "When the host was dialled, in seconds since 1970.",
}

_Sample = tuple[str, Mapping[str, str], float]


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    samples = [sample for report in reports for sample in _samples(report)]
    return "".join(line + "\n" for line in _lines(samples))


def _lines(samples: Sequence[_Sample]) -> Iterator[str]:
    for name, text in _HELP.items():
        of_name = dict.fromkeys(
            f"sshdoctor_{name}{{{_labels(labels)}}} {value:.10g}"
            for found, labels, value in samples
            if found == name
        )
        if of_name:
            yield f"# HELP sshdoctor_{name} {text}"
            yield f"# TYPE sshdoctor_{name} gauge"
            yield from of_name


def _samples(report: HostReport) -> Iterator[_Sample]:
    host = {"host": report.host, "service": report.service}
    if report.verdict != "undecided":
        yield "up", host, float(report.verdict == "healthy")
    yield "undecided", host, float(report.verdict == "undecided")
    for cause in report.causes:
        yield "cause", {**host, "cause": cause.id, "role": cause.role, "confidence": cause.confidence}, 1
    for reply in report.outside:
        yield from _of_reply(host, reply)
    words = [check.status for check in report.checks]
    for status in dict.fromkeys(sorted(words)):
        yield "checks", {**host, "status": status}, words.count(status)
    if report.when is not None:
        yield "last_look_seconds", host, report.when


def _of_reply(host: Mapping[str, str], reply: Reply) -> Iterator[_Sample]:
    where = {**host, "address": reply.address or "", "port": str(reply.port)}
    where |= {"from": reply.asked_from} if reply.asked_from else {}
    far = progress(reply.word)
    yield "reply_stage", {**where, "reply": reply.word, "works": str(works(reply.word)).lower()}, far
    if reply.elapsed_ms is not None:
        yield "reply_seconds", where, reply.elapsed_ms / 1000


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace('"', '\\"')
