"""Messages that both servers write, or that mean the same of both: the cause of each."""

from __future__ import annotations

import re
from collections.abc import Callable
from shlex import quote

from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.model import Evidence

Handler = Callable[[Case, Said, re.Match[str]], Found | None]


def exhausted(case: Case, one: Said) -> Found:
    """The server may not take more connections, or open more files."""
    names: tuple[str, ...] = ("worker_rlimit_nofile", "worker_connections")
    if "worker_connections" in one.text:
        names = ("worker_connections",)
    if "MaxRequestWorkers" in one.text or "AH00" in one.text:
        lines = (
            [line.rule for line in case.apache.all("maxrequestworkers", "serverlimit")] if case.apache else []
        )
        return Found(
            cause="connections-exhausted",
            layer="server",
            text="Apache serves as many requests as MaxRequestWorkers allows.",
            fix="Raise MaxRequestWorkers if memory allows; find what holds the workers",
            evidence=(*case.proof(one), *evidence_of(*lines)),
        )
    events = case.nginx.first("events") if case.nginx else None
    settings = [f for level in (case.nginx, events) if level for name in names if (f := level.first(name))]
    told = ", ".join(f"{one_.rule.text} {one_.file}:{one_.line}" for one_ in settings)
    return Found(
        cause="connections-exhausted",
        layer="server",
        text=f"nginx may not open more files or connections ({told or 'LimitNOFILE of its unit'}).",
        fix="Raise worker_rlimit_nofile and worker_connections (or LimitNOFILE of the unit), restart nginx",
        evidence=(*case.proof(one), *evidence_of(*(each.rule for each in settings))),
    )


def auth_file(case: Case, path: str, places: list[Rule], one: Said) -> Found:
    """The password file cannot be used."""
    entry = case.files.entries.get(path)
    modes = f" ({entry.mode.zfill(4)}, {entry.owner}:{entry.group})" if entry else ""
    user = case.worker_user("nginx" if case.by_nginx else "apache2")
    return Found(
        cause="auth-file-unusable",
        layer="request",
        text=f"The password file {path} cannot be read by {user}{modes}: {one.text[-80:]}",
        fix=f"chgrp {user} {quote(path)}; chmod 640 {quote(path)}",
        evidence=(*case.proof(one), *evidence_of(*places)),
    )


def waf(case: Case, one: Said, found: re.Match[str]) -> Found:
    ids = [(told, ident) for told in (*case.said, one) for ident in re.findall(r'\[id "(\d+)"\]', told.whole)]
    real = [pair for pair in ids if not pair[1].startswith(("949", "959", "980"))]
    told, ident = (real or ids or [(one, "?")])[0]
    message = re.search(r'\[msg "([^"]*)"\]', told.whole)
    file = re.search(r'\[file "([^"]*)"\] \[line "(\d+)"\]', told.whole)
    place = (Evidence(f"{file[1]}:{file[2]}", f"id {ident}"),) if file else ()
    path = case.request().target.partition("?")[0]
    answer = (
        " It looks at the answer: nothing in the request is at fault."
        if ident.startswith(("95", "97"))
        else ""
    )
    return Found(
        cause="waf-blocked",
        layer="request",
        text=f"ModSecurity's rule {ident} refuses it ({message[1] if message else ''}).{answer}",
        fix=f"For this path alone: <Location {path}> SecRuleRemoveById {ident} </Location>",
        evidence=(*case.proof(*((told, one) if told is not one else (one,))), *place),
    )
