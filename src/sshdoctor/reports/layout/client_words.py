"""What a client's own words are for each reply word: what the person has seen before they came here.

The network's are the C library's, for the errors that Linux makes of each ICMP message (net/ipv4/icmp.c:
icmp_err_convert; net/ipv6/icmp.c: tab_unreach); those of SSH are OpenSSH's.
"""

from __future__ import annotations

from sshdoctor.model import HostReport, Reply
from sshdoctor.services import load

_REFUSED = "Connection refused"
_NO_ROUTE = "No route to host"
_NO_NETWORK = "Network is unreachable"
_DENIED = "Permission denied"

SAID = {
    "rst": _REFUSED,
    "refused": _REFUSED,
    "silence": "Connection timed out",
    "icmp-net-unreachable": _NO_NETWORK,
    "icmp-host-unreachable": _NO_ROUTE,
    "icmp-proto-unreachable": "Protocol not available",
    "icmp-port-unreachable": _REFUSED,
    "icmp-net-prohibited": _NO_NETWORK,
    "icmp-host-prohibited": _NO_ROUTE,
    "icmp-admin-prohibited": _NO_ROUTE,
    "icmp6-no-route": _NO_NETWORK,
    "icmp6-adm-prohibited": _DENIED,
    "icmp6-addr-unreachable": _NO_ROUTE,
    "icmp6-port-unreachable": _REFUSED,
    "icmp6-policy-fail": _DENIED,
    "icmp6-reject-route": _DENIED,
    "unreachable": _NO_ROUTE,
    "local-unreachable": _NO_ROUTE,
    "name-not-found": "Could not resolve hostname",
    "no-banner": "Connected, and then no greeting",
    "closed-before-banner": "Connection closed by remote host",
    "not-ssh": "Connected, but what answers is no SSH server",
    "kex-failed": "The key exchange failed",
    "host-key-unknown": "Host key verification failed: the key is not known",
    "host-key-changed": "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "auth-denied": "Permission denied",
    "session-closed": "Logged in, and the connection was closed",
    "banner": "An SSH server greets",
    "ok": "The login works",
    "intermittent": "The site answers only now and then",
    "tls-failed": "The TLS handshake failed",
    "certificate-expired": "The certificate is not valid at this time",
    "certificate-mismatch": "The certificate is for another name",
    "certificate-untrusted": "The certificate is of no authority that is trusted here",
    "not-http": "Connected, but what answers is no web server",
    "blocked": "What stands before the site refuses",
    "client": "The site refuses the request",
    "server": "The site fails",
    "redirection": "The site redirects without end",
    "content": "The site answers with something else",
    "success": "The site answers",
    "unknown": "It is not known what the site answers",
}


def client_words(word: str) -> str:
    """The client's words, with the reply word.

    >>> client_words("rst"), client_words("x")
    ('Connection refused (rst)', 'x')
    """
    said = SAID.get(word)
    return f"{said} ({word})" if said else word


def seen(report: HostReport) -> str:
    """What a client that dials all addresses has seen: each different reply once, those that fail first."""
    working = load(report.service).working
    ordered = sorted(report.outside, key=lambda reply: reply.word in working)
    words = dict.fromkeys(_at(reply) for reply in ordered)
    return "; ".join(words)


def _at(reply: Reply) -> str:
    said = client_words(reply.word) + (f" at the {reply.stage}" if reply.stage else "")
    return said + (f", asked from {reply.asked_from}" if reply.asked_from else "")
