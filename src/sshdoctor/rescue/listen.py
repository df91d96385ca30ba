"""Where the script is offered, and what a person types for it."""

from __future__ import annotations

import ipaddress
import secrets
import ssl
from collections.abc import Sequence

from sshdoctor.errors import UsageError
from sshdoctor.inventory.dial import parse_dial
from sshdoctor.model import Reply

_TYPEABLE = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without what looks alike, and without what needs a shift key."""
_LETTERS = 8  # 40 bits, for ten minutes, over a network
_LONGEST_TYPED = 69


def short_token() -> str:
    """A secret that can be typed."""
    return "".join(secrets.choice(_TYPEABLE) for _ in range(_LETTERS))


def where(listen: str, replies: Sequence[Reply]) -> tuple[str, str, int | None]:
    """The name to type, the address to listen at, and the port if one is named. Raises UsageError."""
    own = next((reply.source for reply in replies if reply.source), "")
    try:
        port = parse_dial(f"x{listen}").port if listen.startswith(":") else None
        given = parse_dial(listen) if listen and not listen.startswith(":") else None
    except ValueError as error:
        raise UsageError(f"--listen {listen}: {error}") from None
    address, port = (given.address, given.port) if given else (own, port)
    shown = own if _is_any(address) else address
    if not shown:
        raise UsageError("--listen is missing: ADDRESS:PORT at which the host can reach this machine")
    return shown, address, port


def _is_any(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


def typed(url: str) -> tuple[str, ...]:
    """What can be typed; where it would be too long without ``http://``, which both programs add."""
    lines = []
    for command in ("curl -s", "wget -qO-"):
        line = f"{command} {url}|sh"
        short = f"{command} {url.removeprefix('http://')}|sh"
        lines.append(line if len(line) <= _LONGEST_TYPED else short)
    return tuple(lines)


def tls(certificate: str, key: str) -> ssl.SSLContext:
    """The server's side of TLS. Raises UsageError."""
    if not certificate:
        raise UsageError("--key needs --certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key or None, password="")  # else it would ask on the terminal
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--certificate {certificate}: no certificate and key in PEM: {reason}") from None
    return context
