"""Networks in which the client is not on the host's own: namespaces on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from hosts import engine
from hosts.testbed import TestHost
from score.case import Struct

CLIENT, GATEWAY, SUBNET = "203.0.113.9", "203.0.113.1", "203.0.113.0/25"
CLIENT6, GATEWAY6, SUBNET6 = "2001:db8:9::9", "2001:db8:9::1", "2001:db8:9::/64"


class Place(Struct, frozen=True, kw_only=True):
    """Where the client is."""

    variables: dict[str, str]
    prefix: tuple[str, ...] = ()
    """Goes before a command that is to run there."""


def bridge(host: TestHost) -> str:
    """The interface of this machine on the host's network."""
    return engine.podman("network", "inspect", "--format", "{{.NetworkInterface}}", host.network.name)


def near(host: TestHost) -> Place:
    """This machine, on the host's network."""
    return Place(variables={"BRIDGE": bridge(host)})


@contextmanager
def behind_a_router(host: TestHost, label: str) -> Iterator[Place]:
    """A client in a namespace of its own; the host knows the way back. Gone afterwards.

    The router's interfaces are ``toclient`` and ``tohost``.
    """
    router, client, router4 = f"{label}-r", f"{label}-c", str(host.network.ipv4[-3])
    router6, prefix6 = str(host.network.ipv6[-3]), host.network.ipv6.prefixlen
    variables = {
        "BRIDGE": bridge(host),
        "ROUTER4": router4,
        "ROUTERNS": f"/run/netns/{router}",
        "CLIENTNS": f"/run/netns/{client}",
        "CLIENT4": CLIENT,
        "SUBNET": SUBNET,
    }
    prefix = host.network.ipv4.prefixlen
    script = f"""
    ip netns add {router}
    ip netns add {client}
    ip link add toclient netns {router} type veth peer name eth0 netns {client}
    ip link add tohost netns {router} type veth peer name {_short(label)}
    ip link set {_short(label)} master $BRIDGE up
    nsenter --net=$ROUTERNS sh -ec '
      ip link set lo up; ip link set toclient up; ip link set tohost up
      ip addr add {GATEWAY}/25 dev toclient; ip addr add {router4}/{prefix} dev tohost
      ip addr add {GATEWAY6}/64 dev toclient nodad; ip addr add {router6}/{prefix6} dev tohost nodad
      echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    nsenter --net=$CLIENTNS sh -ec '
      ip link set lo up; ip link set eth0 up
      ip addr add {CLIENT}/25 dev eth0; ip route add default via {GATEWAY}
      ip addr add {CLIENT6}/64 dev eth0 nodad; ip route add default via {GATEWAY6}'
    """
    try:
        shell(script, variables)
        host.run(f"ip route add {SUBNET} via {router4}; ip route add {SUBNET6} via {router6}")
        yield Place(variables=variables, prefix=("nsenter", f"--net=/run/netns/{client}"))
    finally:
        for name in (router, client):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def shell(script: str, variables: dict[str, str], prefix: tuple[str, ...] = ()) -> str:
    """What a shell script prints that runs on this machine. Raises EngineError with its words."""
    settings = [f"{name}={value}" for name, value in variables.items()]
    command = [*prefix, "env", *settings, "timeout", "90", "bash", "-ec", script]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise engine.EngineError(f"exit {done.returncode} of\n{script}\n{done.stdout}{done.stderr}")
    return done.stdout


def _short(label: str) -> str:
    """The name of an interface, which has 15 letters at most."""
    return "v" + label.replace("-", "")[-14:]
