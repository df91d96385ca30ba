"""Three network namespaces in a row, client - router - server, in which the kernel itself answers."""

from __future__ import annotations

import ctypes
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sshdoctor.model import Login, Reply
from sshdoctor.outside import dial
from sshdoctor.services import load

CLIENT, ROUTER, SERVER = "198.51.100.1", "198.51.100.254", "203.0.113.2"
CLIENT6, ROUTER6, SERVER6 = "fd00:5d0c:1::1", "fd00:5d0c:1::fe", "fd00:5d0c:2::2"
PORT = 22

_SETUP = f"""
ip link add c netns CLIENT type veth peer name rc netns ROUTER
ip link add s netns SERVER type veth peer name rs netns ROUTER
ip -n CLIENT addr add {CLIENT}/24 dev c
ip -n CLIENT addr add {CLIENT6}/64 dev c nodad
ip -n ROUTER addr add {ROUTER}/24 dev rc
ip -n ROUTER addr add {ROUTER6}/64 dev rc nodad
ip -n ROUTER addr add 203.0.113.254/24 dev rs
ip -n ROUTER addr add fd00:5d0c:2::fe/64 dev rs nodad
ip -n SERVER addr add {SERVER}/24 dev s
ip -n SERVER addr add {SERVER6}/64 dev s nodad
ip -n CLIENT link set lo up
ip -n CLIENT link set c up
ip -n ROUTER link set rc up
ip -n ROUTER link set rs up
ip -n SERVER link set lo up
ip -n SERVER link set s up
ip -n CLIENT route add 203.0.113.0/24 via {ROUTER}
ip -n CLIENT route add fd00:5d0c:2::/64 via {ROUTER6}
ip -n SERVER route add default via 203.0.113.254
ip -n SERVER -6 route add default via fd00:5d0c:2::fe
"""


class Network:
    """The namespaces, named after this process; ``remove`` them afterwards."""

    def __init__(self) -> None:
        self.names = {
            role: f"outside{os.getpid()}{role[0].lower()}" for role in ("CLIENT", "ROUTER", "SERVER")
        }
        for name in self.names.values():
            _run("ip", "netns", "add", name)
            # An address is usable at once, not after a second of duplicate address detection.
            _run(
                "ip", "netns", "exec", name, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"
            )
        for line in _SETUP.strip().splitlines():
            _run(*(self.names.get(word, word) for word in line.split()))
        for role in ("ROUTER", "SERVER"):
            # Without this the kernel sends six ICMP errors and then one a second.
            limits = ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit")
            for path in limits:
                self.run(role, "sh", "-c", f"echo 0 >/proc/sys/net/{path}")
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.run("ROUTER", "sh", "-c", f"echo 1 >/proc/sys/net/{path}")
        self.client = ThreadPoolExecutor(1, initializer=_enter, initargs=(self.names["CLIENT"],))

    def run(self, role: str, *command: str) -> None:
        _run("ip", "netns", "exec", self.names[role], *command)

    def rule(self, role: str, tool: str, rule: str) -> None:
        self.run(role, tool, "-A", *rule.split())

    def flush(self) -> None:
        for role in self.names:
            for tool in ("iptables", "ip6tables"):
                self.run(role, tool, "-F")

    def dial(self, address: str, timeout: float = 2, login: Login | None = None) -> Reply:
        """The one reply that a client in the first namespace gets."""
        login = login or Login(address=address, port=PORT)
        (dialled,) = self.client.submit(dial, login, load("ssh"), timeout).result()
        if dialled.socket:
            dialled.socket.close()
        return dialled.reply

    def remove(self) -> None:
        self.client.shutdown()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _enter(name: str) -> None:
    """Move this thread, and it alone, into a namespace (setns(2))."""
    with Path("/run/netns", name).open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")
