"""What OpenSSL says when nginx meets its backend: each reason is a cause of its own, or none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sites.test_hops import case, nginx
from sshdoctor.facts.web.explain.answer import explain
from sshdoctor.facts.web.web_log import WebLog
from sshdoctor.model import Answer, Exchange

FILE = "/var/log/nginx/error.log"
LINE = (
    "2026/11/18 11:06:40 [error] 383#383: *5 {text} while SSL handshaking to upstream, client: 192.0.2.7, "
    'server: site.test, request: "GET /app/x?y=1 HTTP/1.1", upstream: "https://127.0.0.1:8081/", '
    'host: "site.test"'
)
ALERT = "SSL_do_handshake() failed (SSL: error:0A000{}:SSL routines::{}:SSL alert number {})"
VERIFY = "upstream SSL certificate verify error: ({}:{})"
REASONS = {
    "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)": "tls-not-spoken",
    ALERT.format("458", "tlsv1 unrecognized name", 112): "sni-missing",
    ALERT.format("410", "sslv3 alert handshake failure", 40): "sni-missing",
    VERIFY.format(10, "certificate has expired"): "certificate-expired",
    VERIFY.format(20, "unable to get local issuer certificate"): "certificate-untrusted",
    'upstream SSL certificate does not match "127.0.0.1"': "certificate-mismatch",
}


def cause(text: str, more: str = "") -> str | None:
    made = case(nginx(f"location / {{ proxy_pass https://127.0.0.1:8081; {more} }}"))
    made.word = "server"
    asked = Exchange(method="GET", url="http://site.test/app/x?y=1", status=502)
    made.answer = Answer(exchanges=(asked,))
    made.log = replace(made.log, errors={FILE: (LINE.format(text=text),)})
    assert isinstance(made.log, WebLog)
    found = explain(made)
    return found.cause if found else None


@pytest.mark.parametrize("text", REASONS)
def test_a_reason_is_its_own_cause(text: str) -> None:
    assert cause(text) == REASONS[text]


def test_a_backend_that_is_told_the_name_does_not_lack_it() -> None:
    told = "proxy_ssl_server_name on;"
    assert cause(ALERT.format("410", "sslv3 alert handshake failure", 40), told) != "sni-missing"
