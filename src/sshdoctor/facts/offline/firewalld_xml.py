"""firewalld's XML files on a disk, with only those elements, attributes and values that firewalld takes.

Sources: firewalld.zone(5), firewalld.service(5), firewalld.richlanguage(5); core/io/zone.py and service.py
of firewalld 1.3.3. One file that it does not take makes it start with its stock files alone, so that whatever
is not understood here leaves all of it unread. A disk may be a stranger's: document types and entities, which
can make a parser swell, are refused before one sees them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, fromstring

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

LIMIT = 2**20
"""The most bytes of one file."""

MAC = re.compile(r"[\da-fA-F]{2}(:[\da-fA-F]{2}){5}")


class NotReadError(Exception):
    """Why firewalld's rules stay unknown."""


MATCHES = (
    *("service", "port", "protocol", "icmp-block", "icmp-type", "masquerade", "forward-port"),
    *("source-port", "tcp-mss-clamp"),
)
ACTIONS = ("accept", "reject", "drop", "mark")
_LIMITED = (*ACTIONS, "log", "nflog", "audit")
_ABOUT = ("short", "description")
_PARTS: Mapping[str, tuple[str, ...]] = {
    "zone": (*_ABOUT, *MATCHES[:4], "icmp-block-inversion", "masquerade", "forward", "forward-port",
             "source-port", "interface", "source", "rule"),
    "rule": ("source", "destination", *MATCHES, *_LIMITED),
    "service": (*_ABOUT, "port", "protocol", "source-port", "module", "helper", "destination", "include"),
    **dict.fromkeys(_LIMITED, ("limit",)),
}  # fmt: skip
"""What may stand in an element; nothing in those that are not named."""

_ATTRIBUTES: Mapping[str, str] = {
    "zone": "name immutable target version",
    "port": "port! protocol!",
    "source-port": "port! protocol!",
    "forward-port": "port! protocol! to-port to-addr",
    "protocol": "value!",
    "icmp-block": "name!",
    "icmp-type": "name!",
    "interface": "name!",
    "masquerade": "enabled",
    "rule": "family priority",
    "source": "address mac invert family ipset",
    "destination": "address invert ipset",
    "log": "prefix level",
    "nflog": "group prefix queue-size",
    "reject": "type",
    "mark": "set!",
    "limit": "value!",
    "tcp-mss-clamp": "value",
    "module": "name!",
    "helper": "name!",
    "include": "service!",
}
_SERVICE = "name version"
"""Of a service's own file; where a zone or rule names a service, it must have just its name."""


def parsed(disk: Disk, path: str) -> Element:
    """The root of a well-formed file; NotReadError for any other."""
    data = disk.read(path, most=LIMIT + 1)
    if len(data) > LIMIT:
        raise NotReadError(f"{path} is too large")
    try:
        text = data.decode()  # as text, so that no encoding that the file names can hide what is refused
    except ValueError as error:
        raise NotReadError(f"{path} is not UTF-8") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotReadError(f"{path} has a document type")
    try:
        return fromstring(text)  # noqa: S314 -- it can have no entities
    except ParseError as error:
        raise NotReadError(f"{path} is no valid XML") from error


def checked(disk: Disk, path: str, kind: str) -> Element:
    """The root of a file of a "zone" or "service" that firewalld takes."""
    root = parsed(disk, path)
    if root.tag != kind:
        raise NotReadError(f"{path} has no {kind}")
    for part in (root, *_below(root, path, is_root=True)):
        allowed = _allowed(part, root)
        needed = {word.rstrip("!") for word in allowed if word.endswith("!")}
        names = {word.rstrip("!") for word in allowed}
        if not needed <= set(part.attrib) <= names or not _is_valid(part, root):
            raise NotReadError(f"{path}: <{part.tag}> is not understood")
    return root


def _below(part: Element, path: str, *, is_root: bool = False) -> list[Element]:
    """All elements in ``part``, which is no deeper than the grammar is; a service that is named has none."""
    allowed = _PARTS.get(part.tag, ()) if is_root or part.tag != "service" else ()
    found = []
    for child in part:
        if child.tag not in allowed:
            raise NotReadError(f"{path}: <{child.tag}> in <{part.tag}> is not understood")
        found += [child, *_below(child, path)]
    return found


def _allowed(part: Element, root: Element) -> list[str]:
    if part.tag == "service":
        return (_SERVICE if part is root else "name!").split()
    if part.tag == "destination" and root.tag == "service":
        return ["ipv4", "ipv6"]
    return _ATTRIBUTES.get(part.tag, "").split()


def _is_valid(part: Element, root: Element) -> bool:
    """Whether the values are such as firewalld takes; ``<port port="" protocol="ah"/>`` is an old way to name
    a protocol in a service."""
    of_old = root.tag == "service" and part.get("port") == ""
    return all(
        _VALUES[name](value)
        for name, value in part.attrib.items()
        if name in _VALUES and not (of_old and name in ("port", "protocol"))
    )


def _is_port(text: str) -> bool:
    """A number, or two with the lower one first. A name is left to the services(5) of that system."""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text, re.ASCII)
    low, high = (found[1], found[2]) if found else ("65536", None)
    return int(low) < int(high) <= 65535 if high else int(low) <= 65535


def _is_address(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return MAC.fullmatch(text) is not None
    return "%" not in text


def _is_priority(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,5}", text, re.ASCII) is not None and -32768 <= int(text) <= 32767


_VALUES: Mapping[str, Callable[[str], bool]] = {
    "port": _is_port,
    "to-port": lambda text: text == "" or _is_port(text),
    "protocol": ("tcp", "udp", "sctp", "dccp").__contains__,
    "address": _is_address,
    "ipv4": _is_address,
    "ipv6": _is_address,
    "family": ("ipv4", "ipv6").__contains__,
    "priority": _is_priority,
    "target": ("ACCEPT", "DROP", "%%REJECT%%", "default", "{chain}_{zone}").__contains__,
}
