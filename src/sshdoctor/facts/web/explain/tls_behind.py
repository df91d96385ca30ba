"""TLS between nginx and what it passes a request on to.

Sources: ngx_http_upstream_ssl_handshake of nginx's ngx_http_upstream.c, its SSL_do_handshake of
ngx_event_openssl.c; OpenSSL's reasons (sslerr.h) and codes of verification (x509_vfy.h).
"""

from __future__ import annotations

import re

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said

_PLAIN = re.compile(
    r"wrong version number|unknown protocol|http request|packet length too long", re.IGNORECASE
)
_UNNAMED = re.compile(r"unrecognized name", re.IGNORECASE)
_ALERT = re.compile(r"alert (?:handshake failure|internal error|access denied)", re.IGNORECASE)
_VERIFY = re.compile(r"upstream SSL certificate verify error: \((?P<code>\d+):(?P<why>[^()]{0,200})\)")
_MISMATCH = re.compile(r'upstream SSL certificate does not match "(?P<name>[^"]*)"')
_DATES = (9, 10)


def explain(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    """Why the handshake of nginx with its backend failed, by the reason that OpenSSL gives."""
    if " to upstream" not in one.text and "upstream" not in one.fields:
        return None
    if (verified := _VERIFY.search(one.text)) is not None:
        return _unverified(case, one, verified)
    if (other := _MISMATCH.search(one.text)) is not None:
        return _named(case, one, other["name"])
    if _PLAIN.search(one.text):
        return _plain(case, one)
    unnamed = _UNNAMED.search(one.text) is not None
    if (unnamed or _ALERT.search(one.text)) and _setting(case, "proxy_ssl_server_name") is None:
        return _found(
            case,
            one,
            "sni-missing",
            "nginx sends no name in TLS to the backend, which needs one.",
            "proxy_ssl_server_name on; proxy_ssl_name $host;",
            sure=unnamed,
        )
    return None


def _setting(case: Case, name: str) -> Directive | None:
    return case.walked.setting(name) if case.walked else None


def _found(case: Case, one: Said, cause: str, text: str, fix: str, *names: str, sure: bool = True) -> Found:
    handler = case.walked.handler if case.walked else None
    places = [handler, *(_setting(case, name) for name in names)]
    rules = [place.rule for place in places if place is not None]
    evidence = (*case.proof(one), *evidence_of(*rules))
    return Found(cause=cause, layer="tls", text=text, fix=fix, sure=sure, evidence=evidence)


def _plain(case: Case, one: Said) -> Found:
    handler = case.walked.handler if case.walked else None
    where = f" ({handler.file}:{handler.line}: {handler.rule.text})" if handler else ""
    backend = one.fields.get("upstream", "").partition("://")[2].partition("/")[0] or "The backend"
    return _found(
        case,
        one,
        "tls-not-spoken",
        f"{backend} speaks plain HTTP, and nginx asks it by TLS{where}.",
        "proxy_pass http:// there, or turn TLS on behind it",
    )


def _unverified(case: Case, one: Said, verified: re.Match[str]) -> Found:
    code, why = int(verified["code"]), verified["why"]
    text = f"nginx verifies the certificate of its backend, and refuses it: {why}."
    if code in _DATES:
        return _found(case, one, "certificate-expired", text, "Renew it there", "proxy_ssl_verify")
    return _found(
        case,
        one,
        "certificate-untrusted",
        text,
        "Its authority (and the whole chain) into the file of proxy_ssl_trusted_certificate",
        "proxy_ssl_verify",
        "proxy_ssl_trusted_certificate",
    )


def _named(case: Case, one: Said, name: str) -> Found:
    return _found(
        case,
        one,
        "certificate-mismatch",
        f"The certificate of the backend is not for {name}, as which nginx verifies it.",
        "proxy_ssl_name with the name that it is for",
        "proxy_ssl_verify",
        "proxy_ssl_name",
    )
