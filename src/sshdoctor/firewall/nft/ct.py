"""nft's ``ct``: what connection tracking knows (nft_ct.c)."""

from __future__ import annotations

from typing import Any

from sshdoctor.firewall.kernel.conntrack import ZONE, end_of, status_bits
from sshdoctor.firewall.kernel.matches import MARK, PICKED, known_port
from sshdoctor.firewall.kernel.segment import TCP, Segment
from sshdoctor.firewall.model import Doubt
from sshdoctor.firewall.nft import names as nft_names
from sshdoctor.firewall.nft.field import Field, no_item, unknown
from sshdoctor.firewall.nft.values import Seen, address_item, number_item
from sshdoctor.model import Family


def ct_field(value: dict[str, Any], family: Family) -> Field:
    key = value["key"]
    if key == "state":
        return Field(
            lambda s: ZONE if s.connection.zoned else nft_names.CT_STATES[s.state.lower()],
            number_item(nft_names.CT_STATES),
            bits=True,
        )
    if key.startswith("ip") and (key.split()[0] == "ip") is not (family == "ipv4"):
        return Field(lambda segment: None, no_item)
    if key == "label":
        return Field(_labels, lambda element: (str(element), str(element)), bits=True)
    known = _CT.get(key) or _end(key.split()[-1], value.get("dir", ""), family)
    if known is None:
        return unknown(f"ct {key}", key in ("bytes", "packets", "avgpkt", "expiration", "id", "event"))
    return Field(lambda s: known.read(s) if s.state not in ("INVALID", "UNTRACKED") else None, *known[1:])


def _end(which: str, direction: str, family: Family) -> Field | None:
    """``ct original ip saddr``, ``ct reply proto-dst``: an end of one of the two directions."""
    side, way = _SIDES.get(which), _DIRECTIONS.get(direction)
    if side is None or way is None:
        return None
    name, is_port = way + side[0], side[1]

    def read(segment: Segment) -> Seen:
        if name == "replsrc" and segment.connection.picked:
            return PICKED
        address, port = end_of(name, segment)
        if not is_port:
            return address
        return known_port(port, segment)

    return Field(read, number_item({}) if is_port else address_item(family))


_SIDES = {
    "saddr": ("src", False), "daddr": ("dst", False), "proto-src": ("src", True), "proto-dst": ("dst", True)
}  # fmt: skip
_DIRECTIONS = {"original": "orig", "reply": "repl"}


def _labels(segment: Segment) -> Seen:
    """The labels that rules have given, each a name; None if there is no connection."""
    if segment.state in ("INVALID", "UNTRACKED"):
        return None
    if None in segment.connection.labels:
        return Doubt("unknown", "which label the connection was given")
    return tuple(sorted(filter(None, segment.connection.labels)))


def _connection_mark(segment: Segment) -> Seen:
    mark = segment.connection.mark
    return MARK if mark is None else mark


_CT = {
    "direction": Field(
        lambda s: 0 if s.state != "RELATED" and s.sender == s.connection.originator else 1,
        number_item({"original": 0, "reply": 1}),
    ),
    "status": Field(status_bits, number_item(nft_names.CT_STATUS), bits=True),
    "zone": Field(lambda s: ZONE if s.connection.zoned else 0, number_item({})),
    "helper": Field(lambda s: None, no_item),
    "mark": Field(_connection_mark, number_item({})),
    "protocol": Field(lambda s: TCP, number_item(nft_names.PROTOCOLS)),
    "l3proto": Field(lambda s: 2 if s.family == "ipv4" else 10, number_item(nft_names.NF_PROTOCOLS)),
}
