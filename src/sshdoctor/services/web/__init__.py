"""The service of a web site: what the engine asks of it."""

from __future__ import annotations

from sshdoctor.services.base import CONNECTED, GREETED, NETWORK_LAYERS, Greeting, Service, Step

_ROUTE = tuple(layer for layer in NETWORK_LAYERS if layer not in ("client", "socket"))


def _greet(said: bytes, ended: str | None) -> Greeting | None:
    """A web server does not speak first."""
    return Greeting("intermittent") if ended else None


SERVICE = Service(
    name="web",
    server="a web server",
    client="curl",
    port=80,
    moved_to=(443, 8080),
    words={
        **dict.fromkeys(("intermittent", "tls-failed", "not-http"), CONNECTED),
        **dict.fromkeys(("certificate-expired", "certificate-mismatch", "certificate-untrusted"), GREETED),
        **dict.fromkeys(("blocked", "client", "server", "redirection", "content"), 3),
        "success": 4,
        "unknown": 0,
    },
    working=("success",),
    layers=(*_ROUTE, "server", "tls", "request", "files", "rewriting", "backend"),
    way=frozenset(("route", "firewall", "server")),
    conversation=(
        Step("client's ACK", True, None, "intermittent", "intermittent", "intermittent"),
        Step("request", True, b"HEAD / HTTP/1.1\r\n", "intermittent", "intermittent", "intermittent"),
        Step("answer", False, b"HTTP/1.1 ", "intermittent", "intermittent", "intermittent"),
    ),
    logs_in=False,
    run_folder="",
    session_client="",
    greet=_greet,
)
