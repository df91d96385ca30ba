"""Real hosts to break: containers on a network of their own, each used by one test and then thrown away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from itertools import count
from pathlib import Path

from hosts import engine

SUBNETS = tuple(
    subnet
    for prefix in ("198.51.100.0/24", "203.0.113.128/25")
    for subnet in IPv4Network(prefix).subnets(new_prefix=27)
)
"""In the documentation prefixes (RFC 5737): the first that is free here is the test network's."""
SUBNETS6 = tuple(IPv6Network(f"fd00:5d0c:{number:x}::/64") for number in range(len(SUBNETS)))

READY = """
until (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null; do sleep 0.05; done
for home in /root /home/deploy; do
  install -d -m 700 -o "$(stat -c %U $home)" $home/.ssh
  echo "$KEY" | install -m 600 -o "$(stat -c %U $home)" /dev/stdin $home/.ssh/authorized_keys
done
cat /etc/ssh/ssh_host_*_key.pub
"""

NO_USER_MANAGER = "[ ! -d /run/systemd/system ] || systemctl --quiet mask user@.service"
"""A container's systemd on cgroups v1 is not told that a user's processes are gone: a login that comes while
his user manager is being stopped waits for 90 s."""


@dataclass(frozen=True, slots=True)
class Network:
    """The test network; this machine is the client, and sits at the gateway's addresses."""

    name: str
    ipv4: IPv4Network
    ipv6: IPv6Network

    @property
    def variables(self) -> dict[str, str]:
        """The client's addresses, and addresses that no host is ever given, as shell variables."""
        return {
            "CLIENT4": str(self.ipv4[1]),
            "CLIENT6": str(self.ipv6[1]),
            "NOBODY4": str(self.ipv4[-2]),
            "NOBODY6": str(self.ipv6[-2]),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TestHost:
    """A running container whose root and ``deploy`` accept the run's key."""

    __test__ = False  # a class for tests, not of tests

    container: str
    enter: tuple[str, str]
    """See ``engine.execute``."""
    network: Network
    address4: str
    address6: str
    host_keys: str
    """Its public host keys, one a line."""

    @property
    def variables(self) -> dict[str, str]:
        return {**self.network.variables, "ADDRESS4": self.address4, "ADDRESS6": self.address6}

    def run(self, script: str, variables: Mapping[str, str] | None = None) -> str:
        """What a shell script prints that root runs in the container; EngineError if it fails.

        It knows ``variables``, or else those of the network and the host's addresses.
        """
        return engine.execute(self.enter, script, self.variables if variables is None else variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Testbed:
    """The network and the keys that the hosts of one test run share."""

    __test__ = False

    label: str
    images: Mapping[str, str]
    """The engine's name for each image."""
    network: Network
    key: Path
    other_key: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def host(
        self,
        image: str = "debian12",
        place: int | None = None,
        without: str | None = None,
        more: str | None = None,
    ) -> Iterator[TestHost]:
        """A fresh host with a running sshd, removed afterwards (it is up in about half a second).

        One with a ``place`` (0 to 13, no two at a time) keeps its addresses when it is restarted.
        ``without``: a capability that it does not have; ``more``: one that it has besides.
        """
        name = f"sshdoctor-{self.label}-{next(self._numbers)}"
        added = [f"--cap-add={more}"] if more else []
        engine.podman(*_run_arguments(name, self, place, without), *added, self.images[image])
        try:
            yield self._ready(name, image)
        finally:
            engine.podman("rm", "--force", "--time", "0", name)

    def _ready(self, name: str, image: str) -> TestHost:
        template = "{{.OCIRuntime}} {{.Id}}"
        template += "{{range .NetworkSettings.Networks}} {{.IPAddress}} {{.GlobalIPv6Address}}{{end}}"
        runtime, container, address4, address6 = engine.podman("inspect", "--format", template, name).split()
        for address in (address4, address6):  # of an earlier host, whose link address this machine may know
            subprocess.run(["ip", "neigh", "flush", "to", address], check=True)
        key = self.key.with_suffix(".pub").read_text()
        host_keys = engine.execute((runtime, container), READY, {"KEY": key})
        return TestHost(
            container=name,
            enter=(runtime, container),
            network=self.network,
            address4=address4,
            address6=address6,
            host_keys=host_keys,
        )


@contextmanager
def open_testbed(directory: Path, images: Sequence[str] = engine.IMAGES) -> Iterator[Testbed]:
    """The test bed of this process: network and keys (in ``directory``), removed afterwards."""
    with engine.one_at_a_time():
        built = engine.prepare_images(images)
        engine.remove_dead_runs()
    label = engine.run_label()
    key, other_key = create_key(directory / "key"), create_key(directory / "other_key")
    try:
        network = _create_network(label)
        testbed = Testbed(label=label, images=built, network=network, key=key, other_key=other_key)
        _hold_network(testbed)
        yield testbed
    finally:
        engine.remove_run(label)


def create_key(path: Path) -> Path:
    """A new ed25519 key pair at ``path``."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path], check=True)
    return path


def known_hosts_lines(public_keys: str, name: str, port: int = 22) -> str:
    """known_hosts lines for one address or name, as it is dialled.

    >>> known_hosts_lines("ssh-ed25519 AAAA root@web1", "web1", 2222)
    '[web1]:2222 ssh-ed25519 AAAA\\n'
    """
    where = name if port == 22 else f"[{name}]:{port}"
    keys = (line.split()[:2] for line in public_keys.splitlines())
    return "".join(f"{where} {kind} {key}\n" for kind, key in keys)


def _create_network(label: str) -> Network:
    name, complaints = f"sshdoctor-{label}", []
    for ipv4, ipv6 in zip(SUBNETS, SUBNETS6, strict=True):
        given_out = next(ipv4.subnets())
        subnets = [f"--subnet={ipv4}", f"--ip-range={given_out}", "--ipv6", f"--subnet={ipv6}"]
        arguments = ["--disable-dns", f"--label={engine.RUN_LABEL}={label}", *subnets, name]
        try:
            engine.podman("network", "create", *arguments)
        except engine.EngineError as error:
            complaints.append(str(error))
        else:
            return Network(name, ipv4, ipv6)
    raise engine.EngineError("no test network could be made:\n" + "\n".join(complaints))


def _hold_network(testbed: Testbed) -> None:
    """Keep the bridge up: it goes with the last container, and packets would take the default route."""
    arguments = _run_arguments(f"sshdoctor-{testbed.label}-anchor", testbed)
    engine.podman(*arguments, next(iter(testbed.images.values())), "sleep", "infinity")


def _run_arguments(
    name: str, testbed: Testbed, place: int | None = None, without: str | None = None
) -> list[str]:
    network = testbed.network
    capabilities = [it for it in engine.CAPABILITIES.split(",") if it != without]
    less = [] if without is None else [f"--cap-drop={without}"]
    fixed = "" if place is None else _fixed(network, place)
    return [
        "run",
        "--detach",
        "--systemd=always",
        f"--cap-add={','.join(capabilities)}",
        *less,
        "--sysctl=net.ipv6.conf.default.accept_dad=0",  # else an address is unusable for its first seconds
        "--hostname=web1",
        f"--name={name}",
        f"--label={engine.RUN_LABEL}={testbed.label}",
        f"--network={network.name}{fixed}",
    ]


def _fixed(network: Network, place: int) -> str:
    """Addresses above those that are given out (see _create_network); one of the link, for caches of them."""
    number = network.ipv4.num_addresses // 2 + place
    return f":ip={network.ipv4[number]},ip6={network.ipv6[number]},mac=02:5d:0c:00:00:{number:02x}"
