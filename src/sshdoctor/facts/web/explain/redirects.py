"""Redirects that lead nowhere: round in a circle, or to a port on which nobody listens."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from sshdoctor.access_rules.nginx.walk import walk
from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain import hops
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.model import Evidence, Exchange


def loop(case: Case) -> Found:
    """The two that send each other the client."""
    sent = [one for one in case.made if 300 <= one.status < 400]
    steps = [f"{one.url} -> {one.header('location')}" for one in sent]
    senders: list[Rule] = []
    for one in sent:
        if (rule := _sender(case, one)) is not None:
            senders.append(rule)
    settings = [
        Evidence(f"{path}:{line.partition(':')[0]}", line.partition(":")[2].strip())
        for path, (_, text) in case.files.application.items()
        if path.endswith("wp-config.php")
        for line in text.split("\n")
        if re.search(r"WP_HOME|WP_SITEURL|HTTPS|FORWARDED", line)
    ]
    who = [f"{rule.file}:{rule.line}: {rule.text}" for rule in dict.fromkeys(senders)]
    who += [f"{one.source}: {one.text}" for one in settings]
    round_ = len({one.url for one in sent}) < len(sent) or any(
        one.header("location").rstrip("/") == other.url.rstrip("/") for one in sent for other in sent
    )
    fronts = [] if case.own else [f"It goes through {case.address}, which asks the host by another scheme."]
    return Found(
        cause="redirect-loop",
        layer="rewriting",
        text=(
            "The site sends its clients round in a circle. "
            if round_
            else "Too many redirects, one after the other. "
        )
        + "; ".join((*who, *fronts)),
        fix="Let them agree on one address and scheme (siteurl and the front's https; X-Forwarded-Proto heeded)",
        sure=bool(who) and round_,
        evidence=(Evidence("redirects", "\n".join(steps[:5])), *evidence_of(*senders), *settings),
    )


def led_away(case: Case) -> Found | None:
    """A redirect to another port of this site, on which nobody listens."""
    sent = case.made[-1] if case.made else None
    if case.word != "intermittent" or sent is None or not (300 <= sent.status < 400 and case.own):
        return None
    target = urlsplit(urljoin(sent.url, sent.header("location")))
    port = target.port or (443 if target.scheme == "https" else 80)
    if target.hostname != case.site.name or case.state.on_port(port):
        return None
    rule = _sender(case, sent)
    where = f" ({rule.file}:{rule.line}: {rule.text})" if rule else ""
    return Found(
        cause="listens-elsewhere",
        layer="server",
        text=f"The site sends its clients to port {port}{where}, and nothing listens there.",
        fix=f"A server block with listen {port}{' ssl' if port == 443 else ''}, or the redirect away; then reload",
        evidence=(
            Evidence("redirect", f"{sent.url} -> {sent.header('location')}"),
            *evidence_of(*filter(None, [rule])),
        ),
    )


def _sender(case: Case, made: Exchange) -> Rule | None:
    """The redirect of the first server on the way that has one for this request.

    Where another machine is in front, nginx may be asked by plain HTTP.
    """
    if not case.own:
        return _sender_behind_another(case, made.url)
    for one in hops.chain(hops.alone(case, made)):
        verdict = hops.verdict(one)
        if verdict is not None and verdict.status and 300 <= verdict.status < 400:
            return verdict.rule
    return None


def _sender_behind_another(case: Case, url: str) -> Rule | None:
    if case.nginx is None:
        return None
    for one in (url, url.replace("https://", "http://", 1)):
        verdict = walk(case.nginx, replace(case.request(one), address=""), case.exists).verdict
        if verdict.status and 300 <= verdict.status < 400:
            return verdict.rule
    return None
