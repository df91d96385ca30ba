"""Which line of Apache's refuses this request, by what it logged and by the model of its rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue, expression
from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said


def denied(case: Case, said: Said, file: str) -> Found:
    """The lines that rule over a file which Apache says that it denied."""
    walked = case.apache_walked
    decisive = (
        walked is not None and walked.verdict.verdict == "reject" and walked.verdict.status == case.status
    )
    decided = walked.verdict.rule if walked is not None and decisive else None
    try:
        ruling = _ruling(case, said, file)
    except UnknownValue as error:
        return _by_unknown(case, said, file, error)
    rules = list(dict.fromkeys([*((decided,) if decided else ()), *(one.rule for one in ruling)]))
    passed_on = ""
    if any("ip" in one.args or "host" in one.args for one in ruling):
        rules += (named := _remote_ip(case))
        if not (case.by_apache or named):
            passed_on = " The client is the server before it to Apache: RemoteIPHeader is missing."
    path = case.request().target.partition("?")[0]
    cause = "xmlrpc-closed" if path.endswith("/xmlrpc.php") else "access-denied-by-rule"
    if walked.method_alone if walked is not None and decided else _for_methods(ruling):
        cause = "method-refused"
    where = f"{rules[0].file}:{rules[0].line}: {rules[0].text}" if rules else "a rule that was not found"
    doubt = "" if decided or walked is None else f" But by the model of its rules: {walked.verdict.why}."
    return Found(
        cause=cause,
        layer="request",
        text=f"Apache denies {file} by {where}.{passed_on}{doubt}",
        fix=f"Change {rules[0].file}:{rules[0].line} (Require all granted for whom it is meant);"
        " apachectl -t && systemctl reload apache2"
        if rules
        else "Require all granted for this folder",
        sure=not doubt,
        evidence=(*case.proof(said), *evidence_of(*rules)),
    )


def _ruling(case: Case, said: Said, file: str) -> list[Line]:
    """The lines of the strongest section that has any. Raises UnknownValue."""
    require, compat = case.governed(file).admission() if case.apache is not None else ([], [])
    if "AH01797" in said.text:
        return compat
    return [*require, *(one for one in compat if _later(case, file))]


def _for_methods(lines: list[Line]) -> bool:
    return any(one.name in ("limit", "limitexcept") for one in lines)


def _by_unknown(case: Case, said: Said, file: str, why: UnknownValue) -> Found:
    """Apache itself says that it denies it; which line does, is not known."""
    return Found(
        cause="access-denied-by-rule",
        layer="request",
        text=f"Apache denies {file}. Which line does cannot be told here: {why} cannot be judged.",
        fix="Look for Require, Deny and Order in the sections around that expression",
        sure=False,
        evidence=case.proof(said),
    )


def _later(case: Case, file: str) -> bool:
    """Whether Order, Allow and Deny stand in a section that comes after that of Require."""
    order = [
        name
        for _, block in case.governed(file).sections()
        for name in ("require", "order")
        if any(line.name == name for line in block)
    ]
    return order[-1:] == ["order"]


def _remote_ip(case: Case) -> list[Rule]:
    scopes = [one for one in (case.apache, case.apache_host.block) if one is not None]
    return [line.rule for scope in scopes for line in scope.block or () if line.name.startswith("remoteip")]


def unlogged(case: Case) -> Found | None:
    """What refuses by the model of Apache's rules: RewriteRule [F] and Redirect are logged nowhere.

    Where the model does not know, what is likely. Raises UnknownValue for an expression that cannot be judged.
    """
    walked = case.apache_walked
    if walked is None:
        return forbidding_rewrite(case)
    verdict = walked.verdict
    if verdict.verdict == "unknown":
        likely = forbidding_rewrite(case)
        return replace(likely, sure=False) if likely else None
    if verdict.verdict != "reject" or verdict.status != case.status or verdict.rule is None:
        return None
    if verdict.status in (401, 500) or verdict.rule.text.lower().startswith("options"):
        return None
    return _refused(case, verdict.rule, walked.because, walked.method_alone)


def forbidding_rewrite(case: Case) -> Found | None:
    """A RewriteRule with [F], [G] or [R=4xx], or a Redirect, that takes this path; Apache logs none of them.

    Raises UnknownValue for an expression that cannot be judged.
    """
    if case.apache is None:
        return None
    file = case.apache_file
    path = case.request().target.partition("?")[0]
    for scope, lines in _rewriting(case, file):
        conditions: list[Line] = []
        for line in lines:
            if line.name == "rewritecond":
                conditions.append(line)
                continue
            if line.name == "rewriterule" and _forbids(line, case.status):
                subject = path
                if scope:
                    subject = file.removeprefix(scope.rpartition("/")[0]).lstrip("/")
                if _takes(line, subject) and _all_hold(conditions, case):
                    return _likely(case, line, conditions)
            if line.name in ("redirect", "redirectmatch") and line.args[:1] in (
                ("403",),
                ("gone",),
                ("404",),
            ):
                pattern = line.args[1] if len(line.args) > 1 else ""
                hit = (
                    expression(pattern).search(path)
                    if line.name == "redirectmatch"
                    else path.startswith(pattern)
                )
                if hit:
                    return _likely(case, line, [])
            if line.name == "rewriterule":
                conditions = []
    return None


def _rewriting(case: Case, file: str) -> Iterator[tuple[str, list[Line]]]:
    names = ("rewriterule", "rewritecond", "redirect", "redirectmatch")
    for scope in (case.apache_host.block, case.apache):
        if scope is not None:
            yield "", list(scope.all(*names))
    for heading, block in case.governed(file).sections():
        lines = [one for one in block if one.name in names]
        if lines:
            yield (heading if heading.startswith("/") else "", lines)


def _forbids(line: Line, status: int) -> bool:
    flags = _flags(line)
    if "f" in flags or "forbidden" in flags:
        return status == 403
    if "g" in flags or "gone" in flags:
        return status == 410
    return f"r={status}" in flags


def _flags(line: Line) -> list[str]:
    return [one.lower() for one in line.args[2].strip("[]").split(",")] if len(line.args) > 2 else []


def _takes(line: Line, subject: str) -> bool:
    pattern = line.args[0]
    negated, pattern = pattern.startswith("!"), pattern.removeprefix("!")
    flags = _flags(line)
    found = expression(pattern, "nc" in flags or "nocase" in flags).search(subject)
    return (found is not None) != negated


_JUDGED = (
    "HTTP_USER_AGENT",
    "HTTP_REFERER",
    "HTTP_HOST",
    "HTTP_COOKIE",
    "REQUEST_METHOD",
    "REMOTE_ADDR",
    "QUERY_STRING",
    "REQUEST_URI",
    "THE_REQUEST",
    "HTTPS",
)
"""The variables of a RewriteCond that are judged here; any other is taken to hold, and makes the cause likely."""


def _all_hold(conditions: list[Line], case: Case) -> bool:
    """The conditions over the request; those over anything else are taken to hold."""
    request = case.request()
    known = {
        "HTTP_USER_AGENT": request.headers.get("user-agent", ""),
        "HTTP_REFERER": request.headers.get("referer", ""),
        "HTTP_HOST": request.host,
        "HTTP_COOKIE": request.headers.get("cookie", ""),
        "REQUEST_METHOD": request.method,
        "REMOTE_ADDR": request.source,
        "QUERY_STRING": request.target.partition("?")[2],
        "REQUEST_URI": request.target.partition("?")[0],
        "THE_REQUEST": f"{request.method} {request.target} HTTP/1.1",
        "HTTPS": "on" if request.scheme == "https" else "off",
    }
    held: list[bool] = []
    either = False
    for line in conditions:
        found = re.fullmatch(r"%\{(\w+)\}", line.args[0]) if line.args else None
        holds = True
        if (
            found
            and found[1] in known
            and len(line.args) > 1
            and not line.args[1].lstrip("!").startswith("-")
        ):
            pattern = line.args[1]
            ignore = len(line.args) > 2 and "NC" in line.args[2].upper()
            matched = expression(pattern.lstrip("!"), ignore).search(known[found[1]]) is not None
            holds = matched != pattern.startswith("!")
        held = [*held[:-1], held[-1] or holds] if either else [*held, holds]
        either = len(line.args) > 2 and "OR" in line.args[2].upper().strip("[]").split(",")
    return all(held)


def _likely(case: Case, line: Line, conditions: list[Line]) -> Found:
    methods = [one for one in conditions if "REQUEST_METHOD" in one.text]
    alone = bool(methods) and len(methods) == len(conditions)
    found = _refused(case, line.rule, tuple(one.rule for one in conditions), alone)
    return replace(found, sure=all(any(f"%{{{name}}}" in one.text for name in _JUDGED) for one in conditions))


def _refused(case: Case, rule: Rule, because: tuple[Rule, ...], method_alone: bool) -> Found:
    path = case.request().target.partition("?")[0]
    cause = "xmlrpc-closed" if path.endswith("/xmlrpc.php") else "access-denied-by-rule"
    return Found(
        cause="method-refused" if method_alone else cause,
        layer="request",
        text=f"{rule.file}:{rule.line} refuses this path: {rule.text}",
        fix=f"Change {rule.file}:{rule.line}, or the switch of the plugin that wrote it",
        evidence=evidence_of(*because, rule),
    )


def password(case: Case, said: Said | None) -> Found:
    """What asks for a password."""
    lines: list[Line] = []
    if case.apache is not None:
        governed = case.governed(case.apache_file)
        lines = [*governed.last("require", "requireall", "requireany"), *governed.last("authtype")]
    rules = [one.rule for one in lines]
    where = f"{rules[0].file}:{rules[0].line}: {rules[0].text}" if rules else "its configuration"
    alone = (
        " (also for OPTIONS, which a browser sends without a password)" if case.method == "OPTIONS" else ""
    )
    return Found(
        cause="authentication-required",
        layer="request",
        text=f"A password is asked for by {where}{alone}.",
        fix="Send a name and password; or except this method or path there (<LimitExcept OPTIONS>)",
        evidence=(*case.proof(*((said,) if said else ())), *evidence_of(*rules)),
    )
