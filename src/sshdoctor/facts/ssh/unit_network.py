"""What the units of the service do to its network: address lists, one interface, a namespace of its own.

Sources: systemd.resource-control(5) (IPAddressDeny is carried out by a program of BPF, which wants cgroups of
version 2: else systemd says so in its log and does nothing), systemd.exec(5) PrivateNetwork,
systemd.socket(5) BindToDevice; namespaces(7). ``systemctl`` is asked only where some unit file says such a
thing. A process of another PID namespace (a container's) is none of this host's: its status has more than one
NSpid (proc(5)). Which network a process is in may not be told to everybody; what listens there is, and a
socket has one inode number in all of the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sshdoctor.facts.parsing import systemd as _systemd
from sshdoctor.facts.parsing.output import evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.unit_network import Apart, Unit, UnitNetwork
from sshdoctor.facts.parsing.words import unit_name
from sshdoctor.model import Command, Unknown

COMMANDS = {
    "settings": """
words='^[[:space:]]*(IPAddressAllow|IPAddressDeny|BindToDevice|PrivateNetwork|NetworkNamespacePath)[[:space:]]*='
if [ -d /run/systemd/system ]; then
  for folder in /usr/lib/systemd/system /lib/systemd/system /etc/systemd/system /run/systemd/system \\
    /etc/systemd/system.control /run/systemd/system.control /run/systemd/transient; do
    [ ! -L "${folder%/systemd/system}" ] || continue
    for file in "$folder"/ssh*.service "$folder"/ssh*.socket "$folder"/ssh*.d/*.conf \\
      "$folder"/service.d/*.conf "$folder"/socket.d/*.conf "$folder"/system.slice \\
      "$folder"/*.slice.d/*.conf; do
      [ ! -f "$file" ] || set -- "$@" "$file"
    done
  done
  said=; [ $# = 0 ] || said=$(grep -HsE "$words" "$@")
  if [ -n "$said" ]; then
    echo '## files'; echo "$said"
    echo '## units'
    systemctl show -p Id,LoadState,ActiveState,IPAddressAllow,IPAddressDeny,PrivateNetwork \\
      -p NetworkNamespacePath ssh.service sshd.service ssh.socket sshd.socket system.slice -- -.slice 2>&1
    ! grep -qs '^[^ ]* [^ ]* cgroup2 ' /proc/self/mounts || echo '## unified'
  fi
fi
others=''
for file in $(grep -lsxE 'sshd|dropbear|tinysshd' /proc/[0-9]*/comm); do
  pid=${file#/proc/} pid=${pid%/comm}
  # shellcheck disable=SC3013  # dash, bash and busybox have it
  [ "/proc/$pid/ns/net" -ef /proc/self/ns/net ] || others="$others $pid"
done
listening='^ *[0-9]*: [^ ]* [^ ]* 0A '
echo '## own'; [ -z "$others" ] || grep -hs "$listening" /proc/self/net/tcp /proc/self/net/tcp6
echo '## servers'
left=20
for pid in $others; do
  [ $left -gt 0 ] || break
  left=$((left - 1))
  grep -qs '^NSpid:[[:space:]]*[0-9]*$' "/proc/$pid/status" || continue
  read -r name <"/proc/$pid/comm"
  echo "process $pid $name $(readlink "/proc/$pid/ns/net" 2>/dev/null)"
  grep -hs "$listening" "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6"
done
true
"""
}


VALUE = UnitNetwork
WRITERS = {"": "root"}
OF_REFUSALS = True


def parse(sections: Mapping[str, Section]) -> UnitNetwork | Unknown:
    section = sections["settings"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "own" not in said:
        return Unknown("its command printed nothing")
    files = tuple(said.get("files", "").splitlines())
    apart = tuple(_apart(said.get("servers", ""), _inodes(said["own"])))
    units = tuple(_unit(one) for one in _systemd.units(said.get("units", "")).values() if "Id" in one)
    return UnitNetwork(
        units=units,
        enforced="unified" in said,
        files=files,
        apart_ports=tuple(port for one in apart for port in one.ports),
        apart_text=", ".join(f"{one.program} (process {one.pid})" for one in apart),
        apart_fix=Command(_apart_fix(apart, units) if apart else ""),
        evidence=evidence("grep -r IPAddress (in the unit files)", files)
        + evidence(
            "readlink /proc/PID/ns/net", [f"{it.program} (process {it.pid}): {it.namespace}" for it in apart]
        ),
    )


def _apart_fix(apart: tuple[Apart, ...], units: tuple[Unit, ...]) -> str:
    private = next((one.name for one in units if one.private), "")
    if private:
        return (
            f"systemctl edit {private}: PrivateNetwork=no (or take NetworkNamespacePath= away), "
            f"systemctl daemon-reload, systemctl restart {private}"
        )
    pids = " ".join(str(one.pid) for one in apart)
    return (
        f"Find out who started it there (ip netns identify {pids}; ps -fp {pids}), end it, and start the SSH "
        "server in the host's own network namespace."
    )


def _unit(values: Mapping[str, str]) -> Unit:
    return Unit(
        name=unit_name(values["Id"]),
        active=values.get("ActiveState") in ("active", "activating", "reloading"),
        allow=tuple(values.get("IPAddressAllow", "").split()),
        deny=tuple(values.get("IPAddressDeny", "").split()),
        private=values.get("PrivateNetwork") == "yes" or bool(values.get("NetworkNamespacePath")),
    )


def _inodes(listing: str) -> frozenset[str]:
    """The inode numbers of the sockets in lines of /proc/net/tcp."""
    return frozenset(fields[9] for line in listing.splitlines() if len(fields := line.split()) > 9)


def _apart(text: str, own: frozenset[str]) -> Iterator[Apart]:
    """Those of whose listening sockets none is one of ``own``."""
    for block in re.split(r"^(?=process )", text, flags=re.MULTILINE):
        head, _, body = block.partition("\n")
        words = head.split()
        if len(words) < 3 or words[0] != "process" or not (inodes := _inodes(body)) or inodes & own:
            continue
        ports = [int(port, 16) for port in re.findall(r"^[ \t]*\d+: \S+:([\dA-F]{4}) ", body, re.M)]
        namespace = words[3] if len(words) > 3 else "another network namespace"
        yield Apart(int(words[1]), words[2], namespace, tuple(dict.fromkeys(ports)))
