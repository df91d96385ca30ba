"""The words for a connect that failed: by what an ICMP message says, or else by the errno alone."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys

from msgspec import Struct

from sshdoctor.model import Family

# linux/errqueue.h; Python has no names for these.
_MSG_ERRQUEUE = 0x2000
_ORIGIN_LOCAL, _ORIGIN_ICMP, _ORIGIN_ICMP6 = 1, 2, 3
_ENTRY = struct.Struct("=IBBBxII")
_OPTIONS = {"ipv4": (socket.IPPROTO_IP, 11), "ipv6": (socket.IPPROTO_IPV6, 25)}

# RFC 792 and RFC 1812 (type 3), by code. Code 4 (fragmentation needed) is no refusal.
_ICMP = {
    0: "icmp-net-unreachable",
    1: "icmp-host-unreachable",
    2: "icmp-proto-unreachable",
    3: "icmp-port-unreachable",
    6: "icmp-net-unreachable",
    7: "icmp-host-unreachable",
    8: "icmp-host-unreachable",
    9: "icmp-net-prohibited",
    10: "icmp-host-prohibited",
    11: "icmp-net-unreachable",
    12: "icmp-host-unreachable",
    13: "icmp-admin-prohibited",
    14: "icmp-admin-prohibited",
    15: "icmp-admin-prohibited",
}
# RFC 4443 (type 1), by code.
_ICMP6 = {
    0: "icmp6-no-route",
    1: "icmp6-adm-prohibited",
    3: "icmp6-addr-unreachable",
    4: "icmp6-port-unreachable",
    5: "icmp6-policy-fail",
    6: "icmp6-reject-route",
}

_EXPIRED = ((_ORIGIN_ICMP, 11), (_ORIGIN_ICMP6, 3))
"""Time exceeded (RFC 792, RFC 4443)."""


class Refusal(Struct, frozen=True):
    """A reply word, who sent the message (None where that is not known), and more in one line.

    ``expired``: the packet's hop limit ran out at the sender, a router on the way.
    """

    word: str
    sender: str | None = None
    detail: str | None = None
    expired: bool = False


class QueueEntry(Struct, frozen=True):
    """One sock_extended_err of a socket's error queue (ip(7)), and the address of who caused it."""

    origin: int
    type: int
    code: int
    errno: int
    offender: str | None


def watch_errors(sock: socket.socket, family: Family, *, on: bool = True) -> bool:
    """Have the kernel keep ICMP messages on the socket's error queue; False where there is none."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(*_OPTIONS[family], int(on))
    except OSError:
        return False
    return True


def read_errors(sock: socket.socket, family: Family) -> list[QueueEntry]:
    """Everything on the error queue, oldest first; the queue is empty afterwards.

    Reading an ICMP entry also clears SO_ERROR (measured on Linux 6), so the queue is read first.
    """
    entries: list[QueueEntry] = []
    while True:
        try:
            _, ancillary, _, _ = sock.recvmsg(0, 512, _MSG_ERRQUEUE)
        except OSError:
            return entries
        entries += [
            parse_entry(data, family) for level, kind, data in ancillary if (level, kind) == _OPTIONS[family]
        ]


def parse_entry(data: bytes, family: Family) -> QueueEntry:
    """``struct sock_extended_err`` followed by the offender's sockaddr.

    >>> parse_entry(bytes.fromhex("6f00000002030300" + "00" * 8 + "02000000c63364020000000000000000"), "ipv4")
    QueueEntry(origin=2, type=3, code=3, errno=111, offender='198.51.100.2')
    """
    number, origin, kind, code, _, _ = _ENTRY.unpack_from(data)
    sockaddr = data[_ENTRY.size :]
    offender = None
    if family == "ipv4" and len(sockaddr) >= 8 and sockaddr[4:8] != bytes(4):
        offender = socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    elif family == "ipv6" and len(sockaddr) >= 24 and sockaddr[8:24] != bytes(16):
        offender = socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return QueueEntry(origin, kind, code, number, offender)


def judge_entry(entry: QueueEntry, *, own: bool) -> Refusal | None:
    """What an entry means for a connect; None if it refuses nothing (path MTU, time stamps).

    ``own``: the offender is this machine, though another one was dialled. The kernel speaks in its own
    name where nobody answers ARP or neighbour discovery (measured on Linux 6: after 3 s), and where its
    own rules refuse the packet on the way out.
    """
    what = os.strerror(entry.errno)
    if entry.origin == _ORIGIN_LOCAL and entry.errno != errno.EMSGSIZE:
        return Refusal("local-unreachable", None, what)
    if entry.origin == _ORIGIN_ICMP and (entry.type, entry.code) != (3, 4):
        word = _ICMP.get(entry.code, "unreachable") if entry.type == 3 else "unreachable"
    elif entry.origin == _ORIGIN_ICMP6 and entry.type != 2:
        word = _ICMP6.get(entry.code, "unreachable") if entry.type == 1 else "unreachable"
    else:
        return None
    message = "ICMP" if entry.origin == _ORIGIN_ICMP else "ICMPv6"
    detail = f"{message} type {entry.type} code {entry.code}: {what}"
    expired = (entry.origin, entry.type) in _EXPIRED
    return Refusal("local-unreachable" if own else word, entry.offender, detail, expired)


def judge_errno(number: int, *, at_once: bool, queue: bool, address: str) -> Refusal:
    """What a failed connect means by its errno, when the error queue says nothing about it.

    ``at_once``: the connect call itself failed, so no packet left. ``queue``: this platform has an
    error queue, so a refusal that is not on it was a RST, and its sender answered as ``address``.

    >>> judge_errno(errno.ECONNREFUSED, at_once=False, queue=False, address="192.0.2.1").word
    'refused'
    """
    what = os.strerror(number)
    if number == errno.ECONNREFUSED:
        return Refusal("rst", address, what) if queue else Refusal("refused", None, what)
    if number == errno.ECONNRESET:
        # Linux, tcp_reset(): a refused SYN is ECONNREFUSED; this one was accepted, then reset at once.
        return Refusal("closed-before-banner", None, "reset")
    if number == errno.ETIMEDOUT:
        return Refusal("silence", None, what)
    if at_once or number in (errno.ENETDOWN, errno.EADDRNOTAVAIL):
        return Refusal("local-unreachable", None, what)
    return Refusal("unreachable", None, what)
