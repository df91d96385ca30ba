"""The servers that a request passes one after the other on the same host, each as a case of its own.

Sources: ngx_http_proxy_module (proxy_pass, proxy_set_header), httpd's mod_proxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.nginx.choose import modifier_of
from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.nginx.values import Values
from sshdoctor.access_rules.unknown import UnknownValue
from sshdoctor.access_rules.verdict import Rule, Verdict
from sshdoctor.facts.web.explain.case import Case
from sshdoctor.model import Answer, Exchange

_MOST = 4
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "[::1]": "::1", "::1": "::1"}


class Hop(Struct, frozen=True, kw_only=True):
    """The next server's case, and the ``rule`` that passes the request on to it."""

    case: Case
    rule: Rule
    sure: bool = True
    """All that is passed on is known."""


class _Passed(Struct, frozen=True, kw_only=True):
    rule: Rule
    url: str
    """Of the backend, without what comes of the path asked for."""
    prefix: str = ""
    """What of the path is replaced by that of ``url``; "" if the path is passed on as it came."""
    headers: tuple[tuple[str, str], ...] = ()
    sure: bool = True


def behind(case: Case) -> Hop | None:
    """Where the one that gets the request passes it on to nginx or Apache on this host, which runs or not."""
    passed = _by_nginx(case) if case.by_nginx else _by_apache(case) if case.by_apache else None
    if passed is None:
        return None
    parts = urlsplit(passed.url)
    address = _LOOPBACK.get(parts.hostname or "", case.address if parts.hostname == case.address else "")
    if parts.scheme not in ("http", "https") or not address:
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port == case.site.port:
        return None
    shown = f"[{address}]" if ":" in address else address
    base = f"{parts.scheme}://{shown}:{port}"
    given = {name.lower() for name, _ in passed.headers}
    kept = tuple(pair for pair in case.site.headers if pair[0].lower() not in given)
    host = next(value for name, value in passed.headers if name.lower() == "host")
    site = replace(
        case.site,
        scheme=parts.scheme,
        name=host.partition(":")[0],
        port=port,
        headers=(*kept, *((name, value) for name, value in passed.headers if value)),
    )
    made = tuple(replace(one, url=base + _mapped(one, passed, parts.path)) for one in case.made)
    answer = Answer(exchanges=made) if made else None
    facts = (case.state, case.config, case.log, case.files, case.fpm)
    inner = Case(site, case.word, answer, address, address, True, *facts)
    return Hop(case=inner, rule=passed.rule, sure=passed.sure)


def chain(case: Case) -> Iterator[Case]:
    """The request at each server, from the first that gets it to the last."""
    for _ in range(_MOST):
        yield case
        hop = behind(case)
        if hop is None or not (hop.case.by_nginx or hop.case.by_apache):
            return
        case = hop.case


def alone(case: Case, made: Exchange) -> Case:
    """One request of those that were made."""
    parts = urlsplit(made.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    scheme = "https" if parts.scheme == "https" else "http"
    site = replace(case.site, scheme=scheme, name=parts.hostname or "", port=port)
    facts = (case.state, case.config, case.log, case.files, case.fpm)
    return Case(site, case.word, Answer(exchanges=(made,)), case.client, case.address, case.own, *facts)


def verdict(case: Case) -> Verdict | None:
    """What the rules of the server that gets the request come to, None where they are not known."""
    if case.by_nginx and case.walked is not None:
        return case.walked.verdict
    walked = case.apache_walked
    return walked.verdict if walked is not None else None


def _mapped(made: Exchange, passed: _Passed, path: str) -> str:
    parts = urlsplit(made.url)
    asked = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if passed.prefix and asked.startswith(passed.prefix):
        return path + asked[len(passed.prefix) :]
    return asked


def _by_nginx(case: Case) -> _Passed | None:
    walked = case.walked
    handler = walked.handler if walked is not None else None
    if walked is None or handler is None or handler.name != "proxy_pass" or case.nginx is None:
        return None
    http = case.nginx.first("http")
    assert http is not None  # noqa: S101 -- a handler stands in one
    url, sure = handler.args[0], True
    values = Values(case.request(), http)
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    address = _in_group(case, http, place)
    names = walked.chosen.server.names if walked.chosen is not None else ()
    values.special |= {
        "uri": walked.uri,
        "server_name": next(iter(names), ""),
        "proxy_host": place,
        "proxy_port": address.rpartition(":")[2] if ":" in address else "80",
        "proxy_add_x_forwarded_for": _added(values.request.headers.get("x-forwarded-for", ""), case.client),
    }
    headers = {"Host": "$proxy_host"}
    own = next((found for one in reversed(walked.levels) if (found := one.all("proxy_set_header"))), ())
    headers |= {_name(one): one.args[1] for one in own if len(one.args) > 1}
    filled = {}
    for name, value in headers.items():
        try:
            filled[name] = values.fill(value)
        except UnknownValue:
            sure = False
    prefix = ""
    if slash and walked.location is not None:
        modifier, text = modifier_of(walked.location)
        prefix = text if modifier in ("", "^~", "=") else ""
    if "$" in address or "Host" not in filled:
        return None
    url = f"{scheme}://{address}{slash}{path}"
    return _Passed(rule=handler.rule, url=url, prefix=prefix, headers=tuple(filled.items()), sure=sure)


def _name(one: Directive) -> str:
    return "Host" if one.args[0].lower() == "host" else one.args[0]


def _added(before: str, client: str) -> str:
    return f"{before}, {client}" if before else client


def _in_group(case: Case, http: Directive, place: str) -> str:
    """The server of the upstream ``place`` that somebody listens on, else the first; or ``place`` itself."""
    group = next((one for one in http.all("upstream") if one.args[:1] == (place,)), None)
    listed = [one.args[0] for one in group.all("server") if one.args] if group is not None else []
    used = (
        (one for one in listed if case.state.on_port(int(one.rpartition(":")[2] or 0)))
        if all(one.rpartition(":")[2].isdecimal() for one in listed)
        else iter(())
    )
    return next(used, next(iter(listed), place))


def _by_apache(case: Case) -> _Passed | None:
    if case.apache is None:
        return None
    path = case.request().target.partition("?")[0]
    scopes = [one for one in (case.apache_host.block, case.apache) if one is not None]
    for line in (one for scope in scopes for one in scope.all("proxypass")):
        if len(line.args) < 2 or not path.startswith(line.args[0]):
            continue
        if line.args[1] == "!":
            return None
        kept = next((one for scope in scopes for one in scope.all("proxypreservehost")), None)
        return _passed_by_apache(case, line, kept is not None and kept.args[:1] in (("On",), ("on",)))
    return None


def _passed_by_apache(case: Case, line: Line, keeps_host: bool) -> _Passed:
    """mod_proxy_http adds X-Forwarded-For, and passes the client's Host on only by ProxyPreserveHost."""
    before = case.request().headers.get("x-forwarded-for", "")
    host = case.request().host if keeps_host else urlsplit(line.args[1]).netloc
    headers = (("Host", host), ("X-Forwarded-For", _added(before, case.client)))
    return _Passed(rule=line.rule, url=line.args[1], prefix=line.args[0], headers=headers)
