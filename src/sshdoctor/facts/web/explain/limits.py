"""What the status and the server's own page say where no log does: a certificate that is wanted, a size.

Sources: ngx_http_special_response.c; httpd's modules/ssl/ssl_engine_kernel.c.
"""

from __future__ import annotations

import re

from sshdoctor.facts.web.explain.case import Case, Found, evidence_of


def certificate_wanted(case: Case) -> Found | None:
    """nginx' own pages for 495 and 496 (ngx_http_special_response.c), which go out as 400."""
    if not re.search(r"No required SSL certificate was sent|The SSL certificate error", case.body):
        return None
    place = case.walked.setting("ssl_verify_client") if case.walked else None
    where = f" ({place.file}:{place.line}: {place.rule.text})" if place else " (ssl_verify_client)"
    return Found(
        cause="authentication-required",
        layer="request",
        text=f"The server wants a certificate of the client{where}.",
        fix="Ask with such a certificate; or ssl_verify_client optional, and a rule where it is needed",
        evidence=evidence_of(place.rule) if place else (),
    )


def spoken_plainly(case: Case) -> Found | None:
    """The pages of nginx (its 497) and of Apache for plain HTTP at a port of TLS, which go out as 400."""
    if not re.search(r"plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL", case.body):
        return None
    return Found(
        cause="tls-not-spoken",
        layer="tls",
        text=f"Port {case.site.port} speaks TLS, and was asked in plain HTTP.",
        fix=f"Ask port {case.site.port} by https:// (proxy_pass https://… in a server before it)",
    )


def size(text: str) -> int:
    """A size as nginx writes it (ngx_parse_size).

    >>> size("16m"), size("1024")
    (16777216, 1024)
    """
    unit = {"k": 2**10, "m": 2**20, "g": 2**30}.get(text[-1:].lower(), 1)
    number = text if unit == 1 else text[:-1]
    return int(number) * unit if number.isdecimal() else 0


def header(case: Case) -> Found:
    place = case.walked.setting("large_client_header_buffers") if case.walked and case.by_nginx else None
    line = case.status == 414
    apaches = "LimitRequestLine" if line else "LimitRequestFieldSize"
    what = place.rule.text if place else "large_client_header_buffers" if case.by_nginx else apaches
    part, mend = ("address", "Ask by POST") if line else ("header", "Delete the cookies of the site")
    return Found(
        cause="header-too-large",
        layer="request",
        text=f"The request's {part} is larger than {what} holds{'' if line else ' (cookies, mostly)'}.",
        fix=f"{mend}; or large_client_header_buffers 4 32k;",
        evidence=evidence_of(place.rule) if place else (),
    )


def body(case: Case) -> Found:
    place = case.walked.setting("client_max_body_size") if case.walked and case.by_nginx else None
    return Found(
        cause="body-too-large",
        layer="request",
        text="The body is larger than is taken"
        + (f" ({place.file}:{place.line}: {place.rule.text})." if place else "."),
        fix="client_max_body_size, LimitRequestBody or post_max_size: the one whose server said it",
        sure=place is not None and 0 < size(place.args[0]) < len(case.site.body),
        evidence=evidence_of(place.rule) if place else (),
    )
