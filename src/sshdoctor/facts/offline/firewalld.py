"""The rules that firewalld will load at the boot of a system on a disk, in nft's words, by its files.

Sources: firewalld.conf(5), firewalld.zone(5), firewalld.policies(5), firewalld.direct(5). The chains, their
names and the order of the rules are measured on firewalld 1.3.3 (``nft list table inet firewalld``); only
versions 1 are read, since 2 sorts its zones in another way. What decides no TCP connection to the host is
left out: forwarding, the host's own traffic, other protocols, logs, and the filter of reverse paths of IPv6,
as a disk has no routes. Whatever is not understood leaves all of it unread, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from msgspec import Struct

from sshdoctor.facts.offline.firewalld_rules import ZoneRule, address_match, zone_rules
from sshdoctor.facts.offline.firewalld_xml import MAC, NotReadError, checked, parsed
from sshdoctor.model import Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

_STOCK, _OWN = "/usr/lib/firewalld", "/etc/firewalld"
_CODE = "/usr/lib/python3*/*-packages/firewall/config/__init__.py"
_NEEDED = {"block", "drop", "trusted"}
"""Without these zones firewalld does not start."""
_ASSIGNMENTS = (
    ("/etc/sysconfig/network-scripts/ifcfg-*", r"^[ \t]*(?:export[ \t]+)?ZONE=[\"']?([^\"'\s#]+)"),
    ("/etc/sysconfig/network/ifcfg-*", r"^[ \t]*(?:export[ \t]+)?ZONE=[\"']?([^\"'\s#]+)"),
    ("/etc/NetworkManager/system-connections/*", r"^[ \t]*zone[ \t]*=[ \t]*(\S+)"),
    ("/usr/lib/NetworkManager/system-connections/*", r"^[ \t]*zone[ \t]*=[ \t]*(\S+)"),
    ("/etc/netplan/*.yaml", r"connection\.zone[\"']?\s*:\s*[\"']?([^\"'\s#]+)"),
)
"""Where whoever brings an interface up is told its zone, which then counts before firewalld's own files."""
_INTERFACE = re.compile(r"(?=.{1,16}$)[\w.:@-]+\+?", re.ASCII)
_SUFFIXES = ("pre", "log", "deny", "allow", "post")
_FRAME = """\
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		ct state invalid drop
		jump filter_INPUT_ZONES
		reject with icmpx admin-prohibited
	}
"""


class _Zone(Struct, frozen=True):
    """``interfaces`` and ``sources`` (addresses, networks) are as its file has them."""

    name: str
    root: Element
    interfaces: tuple[str, ...]
    sources: tuple[str, ...]


def table(disk: Disk) -> str | Unknown:
    """The table ``inet firewalld`` after the boot, as a file for nft; Unknown, with the reason, if unread."""
    try:
        return _table(disk)
    except NotReadError as error:
        return Unknown(f"firewalld: {error}")


def _table(disk: Disk) -> str:
    _refuse_what_is_not_read(disk)
    zones = _zones(disk)
    default = _settings(disk).get("DefaultZone", "public")
    if default not in zones or not zones.keys() >= _NEEDED:
        raise NotReadError(f"the default zone {default} has no file, or another zone that it needs has none")
    _refuse_assignments(disk, default)
    _refuse_doubles(zones)
    used = [zone for zone in zones.values() if zone.interfaces or zone.sources or zone.name == default]
    chains = "".join(_chains(zone, disk) for zone in used)
    return f"{_FRAME}{_dispatch(used, default)}{_empty('INPUT_POLICIES')}{chains}}}\n"


def _refuse_what_is_not_read(disk: Disk) -> None:
    versions = {_version(disk.text(path)) for path in disk.glob(_CODE)}
    if {version.partition(".")[0] for version in versions} != {"1"}:
        raise NotReadError(f"version {', '.join(sorted(versions)) or 'unknown'} is not read from a disk")
    if _settings(disk).get("FirewallBackend", "nftables").lower() != "nftables":
        raise NotReadError("FirewallBackend is not nftables")
    if any(not _is_of_icmp_alone(parsed(disk, path)) for path in _files(disk, "policies").values()):
        raise NotReadError("policies are not read from a disk")
    if disk.is_file(f"{_OWN}/direct.xml") and len(parsed(disk, f"{_OWN}/direct.xml")):
        raise NotReadError("direct rules are not read from a disk")
    for path in disk.glob(f"{_OWN}/services/*.xml"):
        checked(
            disk, path, "service"
        )  # one that firewalld does not take, though unused, keeps out the others
    for kind in ("ipsets", "icmptypes", "helpers"):
        for path in disk.glob(f"{_OWN}/{kind}/*.xml"):
            parsed(disk, path)


def _version(text: str) -> str:
    found = re.search(r"^VERSION = ['\"]([\d.]+)", text, re.M)
    return found[1] if found else "unknown"


def _settings(disk: Disk) -> Mapping[str, str]:
    """firewalld.conf as firewalld reads it: the first of two counts, and one without a value does not."""
    path = f"{_OWN}/firewalld.conf"
    lines = disk.text(path).splitlines() if disk.is_file(path) else []
    pairs = [[word.strip() for word in line.split("=")] for line in lines if line.strip()[:1] not in "#;"]
    return {pair[0]: pair[1] for pair in reversed(pairs) if len(pair) == 2 and pair[1]}


def _is_of_icmp_alone(policy: Element) -> bool:
    """Such as the stock policy allow-host-ipv6, which decides nothing about TCP."""
    plain = ("short", "description", "ingress-zone", "egress-zone")
    return policy.get("target") == "CONTINUE" and all(
        part.tag in plain or (part.tag == "rule" and part.find("icmp-type") is not None) for part in policy
    )


def _files(disk: Disk, kind: str) -> dict[str, str]:
    """The path of each zone, policy or service, by name; the host's own file stands in for a stock one."""
    found = {}
    for folder in (_STOCK, _OWN):
        for path in disk.glob(f"{folder}/{kind}/*.xml"):
            found[path.rpartition("/")[2].removesuffix(".xml")] = path
    return dict(sorted(found.items()))


def _zones(disk: Disk) -> dict[str, _Zone]:
    if any(disk.is_directory(path) for path in disk.glob(f"{_OWN}/zones/*")):
        raise NotReadError("zones of several files are not read from a disk")
    return {name: _zone(name, checked(disk, path, "zone")) for name, path in _files(disk, "zones").items()}


def _zone(name: str, root: Element) -> _Zone:
    interfaces = tuple(dict.fromkeys(part.get("name", "") for part in root.findall("interface")))
    sources = root.findall("source")
    if any(set(part.attrib) != {"address"} or MAC.fullmatch(part.get("address", "")) for part in sources):
        raise NotReadError("zones of sets and hardware addresses are not read from a disk")
    if not (re.fullmatch(r"[\w-]{1,17}", name, re.ASCII) and all(map(_INTERFACE.fullmatch, interfaces))):
        raise NotReadError("the name of a zone or interface is not understood")
    return _Zone(name, root, interfaces, tuple(dict.fromkeys(part.get("address", "") for part in sources)))


def _refuse_doubles(zones: Mapping[str, _Zone]) -> None:
    """firewalld takes none of the host's own files where two zones have the same interface or source."""
    bound = [each for zone in zones.values() for each in (*zone.interfaces, *zone.sources)]
    if len(set(bound)) < len(bound):
        raise NotReadError("two zones have the same interface or source")


def _refuse_assignments(disk: Disk, default: str) -> None:
    for pattern, zone in _ASSIGNMENTS:
        for path in disk.glob(pattern):
            given = re.findall(zone, disk.text(path), re.M) if disk.is_file(path) else []
            if set(given) - {default}:
                raise NotReadError(f"{path} gives an interface its zone, which is not read from a disk")


def _dispatch(zones: list[_Zone], default: str) -> str:
    """Sources come first, by the names of their zones; each interface goes before those already there."""
    sources = [
        f"{address_match('saddr', address)} goto filter_IN_{zone.name}"
        for zone in zones for address in zone.sources
    ]  # fmt: skip
    interfaces = [
        f'iifname "{re.sub(r"[+]$", "*", name)}" goto filter_IN_{zone.name}'
        for zone in zones for name in zone.interfaces
    ]  # fmt: skip
    return _chain("INPUT_ZONES", [*sources, *reversed(interfaces), f"goto filter_IN_{default}"])


def _chains(zone: _Zone, disk: Disk) -> str:
    files = _files(disk, "services")

    def service(name: str) -> Element:
        if name not in files:
            raise NotReadError("a zone has a service without a file")
        return checked(disk, files[name], "service")

    rules = sorted(zone_rules(zone.root, service), key=lambda rule: rule.priority)
    own = f"IN_{zone.name}"
    jumps = [f"jump filter_{own}_{suffix}" for suffix in _SUFFIXES]
    body = ["jump filter_INPUT_POLICIES_pre", *jumps, "jump filter_INPUT_POLICIES_post", *_ending(zone.root)]
    return _chain(own, body) + "".join(_chain(f"{own}_{suffix}", _of(suffix, rules)) for suffix in _SUFFIXES)


def _of(suffix: str, rules: list[ZoneRule]) -> list[str]:
    """A rule that is there already is not put in again."""
    return list(dict.fromkeys(rule.text for rule in rules if rule.suffix == suffix))


def _ending(zone: Element) -> Iterator[str]:
    """Measured: ``target="default"``, spelled out, ends the chain with nothing; filter_INPUT then rejects."""
    target, inverted = zone.get("target", ""), zone.find("icmp-block-inversion") is not None
    if target not in ("DROP", "%%REJECT%%") and (target != "ACCEPT" or inverted):
        yield f"meta l4proto {{ icmp, ipv6-icmp }} {_REJECT if inverted else 'accept'}"
    if target != "default":
        yield {"ACCEPT": "accept", "DROP": "drop"}.get(target, _REJECT)


_REJECT = "reject with icmpx admin-prohibited"


def _empty(name: str) -> str:
    """The chains that dispatch policies, without those that decide no TCP."""
    return _chain(f"{name}_pre", []) + _chain(f"{name}_post", [])


def _chain(name: str, rules: list[str]) -> str:
    lines = "".join(f"\t\t{rule}\n" for rule in rules)
    return f"\tchain filter_{name} {{\n{lines}\t}}\n"
