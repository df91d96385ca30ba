"""Whether this machine's own line is up: some reference answers, or at least the gateway is there."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sshdoctor.errors import AccessError
from sshdoctor.model import Host
from sshdoctor.outside.connect import ConnectAttempt
from sshdoctor.outside.dial import Call, call_all
from sshdoctor.outside.resolve import resolve

REFERENCES = 2
_ANSWERS = ("rst", "refused")
_ROUTES, _NEIGHBOURS = Path("/proc/net/route"), Path("/proc/net/arp")
_COMPLETE = 0x2


def line_is_up(references: Sequence[Host], timeout: float = 4.0) -> bool:
    """Any answer of a reference will do; without references the gateway decides, if it is known."""
    known = [reference for reference in references if not reference.login.jumps]
    if known:
        return any(_answers(reference, timeout) for reference in known[:REFERENCES])
    gateway = default_gateway(_text(_ROUTES))
    return gateway is None or _is_there(gateway)


def _answers(reference: Host, timeout: float) -> bool:
    try:
        targets = resolve(reference.login.address, reference.login.port, timeout=timeout)
    except AccessError:
        return False
    calls = [Call(ConnectAttempt(target), None, timeout) for target in targets]
    call_all(calls)
    for call in calls:
        call.knock.close()
    return any(
        call.knock.connected or (call.knock.refusal is not None and call.knock.refusal.word in _ANSWERS)
        for call in calls
    )


def default_gateway(routes: str) -> str | None:
    """The gateway of the default route in /proc/net/route; None if there is none.

    >>> default_gateway("Iface Destination Gateway\\neth0 00000000 0101A8C0 0003 0 0 0 00000000")
    '192.168.1.1'
    """
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == fields[7] == "00000000" and fields[2] != "00000000":
            return socket.inet_ntoa(struct.pack("<I", int(fields[2], 16)))
    return None


def _is_there(gateway: str, seconds: float = 3.0) -> bool:
    """Whether it answers for its address on its network: asked by a datagram that it need not answer."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"", (gateway, 9))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for line in _text(_NEIGHBOURS).splitlines()[1:]:
            fields = line.split()
            if fields[:1] == [gateway] and int(fields[2], 16) & _COMPLETE:
                return True
        time.sleep(0.2)
    return not _text(_NEIGHBOURS)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
