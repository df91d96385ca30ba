"""Two network namespaces joined by a veth: a client, and a host whose kernel is asked for its verdict."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sshdoctor.model import Family

T = TypeVar("T")

CLIENT: dict[Family, str] = {"ipv4": "198.51.100.1", "ipv6": "fd00:51::1"}
SERVER: dict[Family, str] = {"ipv4": "198.51.100.2", "ipv6": "fd00:51::2"}
SECOND: dict[Family, str] = {"ipv4": "198.51.100.3", "ipv6": "fd00:51::3"}
REDIRECT: dict[Family, str] = {"ipv4": SERVER["ipv4"], "ipv6": SECOND["ipv6"]}
"""The first address that each family's list has: IPv6 lists the newest first."""
PORTS = (22, 2222)
BANNER = b"SSH-2.0-oracle\r\n"

_ICMP_WORDS = {
    (2, 3, 0): "icmp-net-unreachable", (2, 3, 1): "icmp-host-unreachable",
    (2, 3, 2): "icmp-proto-unreachable",
    (2, 3, 3): "icmp-port-unreachable", (2, 3, 9): "icmp-net-prohibited", (2, 3, 10): "icmp-host-prohibited",
    (2, 3, 13): "icmp-admin-prohibited", (3, 1, 0): "icmp6-no-route", (3, 1, 1): "icmp6-adm-prohibited",
    (3, 1, 3): "icmp6-addr-unreachable", (3, 1, 4): "icmp6-port-unreachable", (3, 1, 5): "icmp6-policy-fail",
    (3, 1, 6): "icmp6-reject-route",
}  # fmt: skip


class Namespace:
    """A network namespace; ``run`` runs a function in it (in a thread that has entered it)."""

    def __init__(self, name: str) -> None:
        self.name = name
        _ip("netns", "add", name)
        self._thread = ThreadPoolExecutor(1, initializer=_enter, initargs=(name,))

    def run(self, function: Callable[[], T]) -> T:
        return self._thread.submit(function).result()

    def command(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return self.run(
            lambda: subprocess.run(words, input=text, capture_output=True, text=True, check=False)
        )

    def close(self) -> None:
        self._thread.shutdown()
        _ip("netns", "del", self.name)


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True)


def _enter(name: str) -> None:
    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)


class Pair:
    """A client and a host, with a listener on the host that speaks first, as an SSH server does."""

    def __init__(self, name: str) -> None:
        self._closing = contextlib.ExitStack()
        self.sets = ""
        self.client, self.server = (self._namespace(f"{name}-{end}") for end in "cs")
        self.client.command(
            "ip", "link", "add", "eth0", "type", "veth", "peer", "eth0", "netns", self.server.name
        )
        for end, addresses in ((self.client, (CLIENT,)), (self.server, (SERVER, SECOND))):
            for of_family in addresses:
                for address in of_family.values():
                    self._address(end, address)
            end.command("ip", "link", "set", "lo", "up")
            end.command("ip", "link", "set", "eth0", "up")
        self.server.run(_lift_limits)
        self._introduce(self.client, self.server, (*SERVER.values(), *SECOND.values()))
        self._introduce(self.server, self.client, tuple(CLIENT.values()))
        for port in PORTS:
            self._listen(port)
        while any(self.dial(family, 0.5) != "ok" for family in SERVER):
            time.sleep(0.05)

    def _namespace(self, name: str) -> Namespace:
        namespace = Namespace(name)
        self._closing.callback(namespace.close)
        return namespace

    @staticmethod
    def _address(end: Namespace, address: str) -> None:
        prefix, flags = ("/64", ("nodad",)) if ":" in address else ("/24", ())
        end.command("ip", "address", "add", address + prefix, "dev", "eth0", *flags)

    @staticmethod
    def _introduce(one: Namespace, other: Namespace, addresses: tuple[str, ...]) -> None:
        """Tell ``one`` the card of ``other``: rules that stop ICMPv6 stop neighbour discovery as well."""
        link = other.command("ip", "-br", "link", "show", "eth0").stdout.split()[2]
        for address in addresses:
            one.command("ip", "neigh", "replace", address, "lladdr", link, "dev", "eth0", "nud", "permanent")

    def _listen(self, port: int) -> None:
        def listen() -> socket.socket:
            return socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128
            )

        listener = self.server.run(listen)
        self._closing.callback(listener.close)
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()

    def load(self, tool: str, text: str) -> str:
        """Load a ruleset; what the tool complains about comes back, "" if it took it."""
        command = ("nft", "-f", "-") if tool == "nft" else (f"{tool}-restore",)
        done = self.server.command(*command, text=text)
        return done.stderr if done.returncode else ""

    def saved(self, tool: str) -> str:
        return self.server.command(f"{tool}-save").stdout

    def fill(self, text: str) -> None:
        """Load sets with ``ipset restore``; ``sets`` is what ``ipset save`` shows of them then."""
        done = self.server.command("ipset", "restore", text=text)
        assert not done.returncode, done.stderr
        self.sets = self.server.command("ipset", "save").stdout

    def empty(self, name: str) -> None:
        self.server.command("ipset", "flush", name)

    def listed(self) -> str:
        """``nft -j list ruleset``, as it is now."""
        return self.server.command("nft", "-j", "list", "ruleset").stdout

    def listed_text(self) -> str:
        """``nft list ruleset``, as it is now."""
        return self.server.command("nft", "list", "ruleset").stdout

    def dial(self, family: Family, wait: float) -> str:
        """Dial the host's port 22: the reply word, or ``ok`` if the whole conversation came through."""
        return self.client.run(lambda: dial(family, wait))

    def close(self) -> None:
        self._closing.close()


def _lift_limits() -> None:
    """The kernel's own limits on ICMP errors are none of the rules'."""
    for name, value in (("ipv4/icmp_ratelimit", "0"), ("ipv6/icmp/ratelimit", "0")):
        Path("/proc/sys/net", name).write_text(value)


@contextlib.contextmanager
def pairs(name: str, count: int) -> Iterator[list[Pair]]:
    with contextlib.ExitStack() as stack:
        made = []
        for index in range(count):
            pair = Pair(f"{name}{index}")
            stack.callback(pair.close)
            made.append(pair)
        yield made


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(2)
        connection.sendall(BANNER)
        if connection.recv(100):
            connection.sendall(b"ok")


def dial(family: Family, wait: float) -> str:
    """One conversation, watched through the socket's error queue (ip(7), IP_RECVERR)."""
    four = family == "ipv4"
    with socket.socket(socket.AF_INET if four else socket.AF_INET6) as s:
        s.setblocking(False)
        s.setsockopt(socket.SOL_IP if four else 41, 11 if four else 25, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.connect_ex((SERVER[family], 22))
        if not _ready(s, select.POLLOUT, wait):
            return "silence"
        refusal = _error_queue(s)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not _connected(s):
            return refusal or {errno.ECONNREFUSED: "rst", errno.ECONNRESET: "closed-before-banner"}.get(
                error, f"errno {error}"
            )
        try:
            if _receive(s, wait) != BANNER:
                return "no-banner"
        except OSError:
            return "closed-before-banner"
        try:
            s.send(b"SSH-2.0-client\r\n")
            return "ok" if _receive(s, wait) == b"ok" else "kex-failed"
        except OSError:
            return "kex-failed"


def _receive(s: socket.socket, wait: float) -> bytes:
    """What comes within ``wait``; ICMP errors on an established connection are passed over."""
    while _ready(s, select.POLLIN, wait):
        if _error_queue(s):
            s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            continue
        return s.recv(100)
    return b""


def _ready(s: socket.socket, what: int, wait: float) -> bool:
    poll = select.poll()
    poll.register(s, what)
    return bool(poll.poll(wait * 1000))


def _connected(s: socket.socket) -> bool:
    try:
        s.getpeername()
    except OSError:
        return False
    return True


def _error_queue(s: socket.socket) -> str:
    """The ICMP error in the queue as a reply word, or ""."""
    try:
        _, ancillary, _, _ = s.recvmsg(0, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return ""
    for _, _, data in ancillary:
        _, origin, kind, code = struct.unpack_from("=IBBB", data)
        return _ICMP_WORDS.get((origin, kind, code), f"icmp {origin} {kind}/{code}")
    return ""
