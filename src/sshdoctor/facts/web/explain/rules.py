"""Which rule refuses this request, by the models of nginx and Apache."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.servers import not_loaded
from sshdoctor.model import Evidence

_TESTS = re.compile(r"if \(!?-[fde]")


def by_nginx(case: Case, said: Said | None = None) -> Found | None:
    """The directive of nginx that gives this status, None if the model finds none."""
    walked = case.walked
    if walked is None or walked.verdict.verdict != "reject":
        return None
    rule, status = walked.verdict.rule, walked.verdict.status
    changed = _changed(case, status or 0) if status != _expected(case) else None
    if rule is None or (status != _expected(case) and changed is None):
        return None
    rules = (rule, *walked.because, *((changed,) if changed else ()), *_places(case))
    evidence = (*case.proof(*((said,) if said else ())), *evidence_of(*rules))
    if walked.chosen is not None and not walked.chosen.by_name and rule in _own_rules(case):
        from sshdoctor.facts.web.explain.servers import nobodys_name

        if (found := nobodys_name(case)) is not None:
            return found
    cause, layer = _cause(case, rule, status or 0)
    if cause == "files-missing":
        from sshdoctor.facts.web.explain.paths import missing

        found = missing(case, walked.file, "nginx")
        how = f" {changed.file}:{changed.line} makes {case.status} of {status}." if changed else ""
        return replace(found, text=found.text + how, evidence=(*found.evidence, *evidence))
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


def _changed(case: Case, status: int) -> Rule | None:
    """The error_page by which ``status`` goes out as the one that was seen."""
    walked = case.walked
    levels = walked.levels if walked else ()
    lines = next((found for one in reversed(levels) if (found := one.all("error_page"))), ())
    for one in lines:
        if str(status) in one.args and f"={case.status}" in one.args:
            return one.rule
    return None


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
        return f" The client is {case.client} to nginx; it holds for {_denied(rule.text)}."
    return " It holds for everybody who asks for this path."


def _denied(text: str) -> str:
    """
    >>> _denied("deny all;")
    'all whom no allow before it lets in'
    >>> _denied("deny 192.0.2.0/24;")
    '192.0.2.0/24 (unless an allow before it lets in)'
    """
    whom = text.rstrip("; ").partition(" ")[2].strip()
    return (
        "all whom no allow before it lets in"
        if whom in ("all", "")
        else f"{whom} (unless an allow before it lets in)"
    )


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
