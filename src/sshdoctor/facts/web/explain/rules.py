"""Which rule refuses this request, by the models of nginx and Apache."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue, expression
from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.servers import not_loaded
from sshdoctor.model import Evidence

_TESTS = re.compile(r"if \(!?-[fde]")


def by_nginx(case: Case, said: Said | None = None) -> Found | None:
    """The directive of nginx that gives this status, None if the model finds none."""
    walked = case.walked
    if walked is None or walked.verdict.verdict != "reject" or walked.verdict.status != _expected(case):
        return None
    rule, status = walked.verdict.rule, walked.verdict.status
    if rule is None:
        return None
    evidence = (*case.proof(*((said,) if said else ())), *evidence_of(rule, *walked.because, *_places(case)))
    if walked.chosen is not None and not walked.chosen.by_name and rule in _own_rules(case):
        from sshdoctor.facts.web.explain.servers import nobodys_name

        if (found := nobodys_name(case)) is not None:
            return found
    cause, layer = _cause(case, rule, status or 0)
    if cause == "files-missing":
        from sshdoctor.facts.web.explain.paths import missing

        return missing(case, walked.file, "nginx")
    for_whom = _for_whom(case)
    text = f"{rule.file}:{rule.line} refuses this request: {rule.text}{for_whom}"
    if cause == "maintenance-mode":
        condition = next(one for one in walked.because if _TESTS.match(one.text))
        text = f"{rule.file}:{rule.line} answers {status} as long as a file exists ({condition.text})."
        return Found(
            cause=cause,
            layer=layer,
            text=text,
            fix=f"Take away the file of {condition.text}",
            evidence=evidence,
        )
    if cause == "rewrite-wrong":
        text = f"{rule.file}:{rule.line}: {rule.text} Only the last argument is a fallback; the ones before it are files."
        return Found(
            cause=cause,
            layer=layer,
            text=text,
            fix="Drop =404 behind the front controller",
            evidence=evidence,
        )
    fix = f"Change {rule.file}:{rule.line}; nginx -t && systemctl reload nginx"
    return Found(cause=cause, layer=layer, text=text, fix=fix, evidence=evidence)


def _expected(case: Case) -> int:
    return case.status or 444


def _own_rules(case: Case) -> set[Rule]:
    """The rules of the server block itself."""
    walked = case.walked
    assert walked is not None and walked.chosen is not None  # noqa: S101 -- asked where one was chosen
    found: set[Rule] = set()

    def collect(block: object) -> None:
        for one in getattr(block, "block", None) or ():
            found.add(one.rule)
            collect(one)

    collect(walked.chosen.server.block)
    return found


def _places(case: Case) -> Iterator[Rule]:
    """The location that was chosen, and the lines about the client's real address."""
    walked = case.walked
    if walked is None:
        return
    if walked.location is not None:
        yield walked.location.rule
    rule = walked.verdict.rule
    if rule is not None and rule.text.startswith("deny"):
        for level in walked.levels:
            yield from (one.rule for one in level.all("allow", "set_real_ip_from", "real_ip_header"))


def _cause(case: Case, rule: Rule, status: int) -> tuple[str, str]:
    walked = case.walked
    path = case.request().target.partition("?")[0]
    if status == 401:
        return "authentication-required", "request"
    if walked is not None and walked.method_alone:
        return "method-refused", "request"
    if walked is not None and any(_TESTS.match(one.text) for one in walked.because) and status >= 500:
        return "maintenance-mode", "rewriting"
    if rule.text.startswith("try_files"):
        words = rule.text.rstrip(";").split()[1:-1]
        if any("." in word.replace("$uri", "") for word in words):
            return "rewrite-wrong", "rewriting"
        return "files-missing", "files"
    if status == 500:
        return "rewrite-loop", "rewriting"
    if path.endswith("/xmlrpc.php"):
        return "xmlrpc-closed", "request"
    return "access-denied-by-rule", "request"


def _for_whom(case: Case) -> str:
    """For whom else it holds."""
    walked = case.walked
    if walked is None:
        return ""
    conditions = [one.text for one in walked.because if one.text.startswith("if ")]
    if conditions:
        return f" It holds for requests with {' and '.join(conditions)}."
    rule = walked.verdict.rule
    if rule is not None and rule.text.startswith("deny"):
        return f" The client is {case.client} to nginx; it holds for all whom no allow before it lets in."
    return " It holds for everybody who asks for this path."


def stale(case: Case) -> Found | None:
    """The files would not refuse: the server that runs has an older configuration."""
    program = (
        "nginx"
        if case.by_nginx
        else next(iter({one.program for one in case.state.masters("apache2", "httpd")}), "")
    )
    newer = not_loaded(case, program) if program else None
    unclear = case.by_nginx and case.walked is not None and case.walked.verdict.verdict == "unknown"
    if newer is None or unclear:
        return None
    path, seconds = newer
    lost = program == "nginx" and "/run/nginx.pid" not in case.state.pid_files
    why = (
        "its pid file /run/nginx.pid is gone, so that a reload does not reach it"
        if lost
        else "it was not reloaded"
    )
    fix = f"systemctl reload {program}"
    if lost:
        pid = case.state.masters("nginx")[0].pid
        fix = f"kill -QUIT {pid}; systemctl start nginx"
    return Found(
        cause="config-not-loaded",
        layer="server",
        text=f"{path} has changed {seconds:.0f} s after {program}'s workers started, and has no rule that gives this answer:"
        f" {program} runs with an older configuration; {why}.",
        fix=fix,
        evidence=(Evidence(f"stat {path}", f"{seconds:.1f} s newer than the workers"), *case.state.evidence),
    )


def by_apache(case: Case, said: Said, file: str) -> Found:
    """The lines of Apache that rule over a file which it denied."""
    try:
        require, compat = case.governed(file).admission() if case.apache is not None else ([], [])
    except UnknownValue as error:
        return _by_unknown(case, said, file, error)
    ruling = compat if "AH01797" in said.text else [*require, *(one for one in compat if _later(case, file))]
    rules = [one.rule for one in ruling]
    if any("ip" in one.args or "host" in one.args for one in require):
        rules += _remote_ip(case)
    path = case.request().target.partition("?")[0]
    cause = "xmlrpc-closed" if path.endswith("/xmlrpc.php") else "access-denied-by-rule"
    if any(one.name in ("limit", "limitexcept") for one in ruling):
        cause = "method-refused"
    where = f"{rules[0].file}:{rules[0].line}: {rules[0].text}" if rules else "a rule that was not found"
    return Found(
        cause=cause,
        layer="request",
        text=f"Apache denies {file} by {where}.",
        fix=f"Change {rules[0].file}:{rules[0].line} (Require all granted for whom it is meant);"
        " apachectl -t && systemctl reload apache2"
        if rules
        else "Require all granted for this folder",
        evidence=(*case.proof(said), *evidence_of(*rules)),
    )


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
                    return _refused(case, line, conditions)
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
                    return _refused(case, line, [])
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


def _refused(case: Case, line: Line, conditions: list[Line]) -> Found:
    path = case.request().target.partition("?")[0]
    cause = "xmlrpc-closed" if path.endswith("/xmlrpc.php") else "access-denied-by-rule"
    methods = [one for one in conditions if "REQUEST_METHOD" in one.text]
    if methods and len(methods) == len(conditions):
        cause = "method-refused"
    return Found(
        cause=cause,
        layer="request",
        text=f"{line.file}:{line.line} refuses this path: {line.text}",
        fix=f"Change {line.file}:{line.line}, or the switch of the plugin that wrote it",
        sure=all(any(f"%{{{name}}}" in one.text for name in _JUDGED) for one in conditions),
        evidence=evidence_of(*(one.rule for one in conditions), line.rule),
    )


def apache_password(case: Case, said: Said | None) -> Found:
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
