"""Which element of a set holds a client: its own address, or a network or range with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from sshdoctor.facts.host.firewall import Firewall


def element_with(name: str, table: str, source: str, firewall: Firewall) -> str:
    """The element of the set ``name`` that holds ``source``, in its tool's words; "" if none is seen to.

    ``table`` is nft's with its family, "" for a set of ipset.
    """
    listed = _of_nft(name, table, firewall) if table else _of_ipset(name, firewall)
    return next((element for element in listed if _holds(element, source)), "")


def _of_ipset(name: str, firewall: Firewall) -> Iterator[str]:
    yield from re.findall(rf"^add {re.escape(name)} ([^\s,]+)", firewall.ipset or "", re.M)


def _of_nft(name: str, table: str, firewall: Firewall) -> Iterator[str]:
    family, _, own = table.partition(" ")
    try:
        listed = json.loads(firewall.nft_json or "{}").get("nftables", [])
    except (ValueError, RecursionError):
        return
    for entry in (each["set"] for each in listed if isinstance(each, dict) and "set" in each):
        if (entry.get("family"), entry.get("table"), entry.get("name")) == (family, own, name):
            elements = entry.get("elem", [])
            yield from map(_written, elements if isinstance(elements, list) else [elements])


def _written(element: Any) -> str:
    """
    >>> _written({"elem": {"val": {"prefix": {"addr": "192.0.2.0", "len": 24}}, "timeout": 60}})
    '192.0.2.0/24'
    """
    if isinstance(element, dict) and "elem" in element:
        return _written(element["elem"].get("val"))
    if isinstance(element, dict) and "prefix" in element:
        return f"{element['prefix'].get('addr')}/{element['prefix'].get('len')}"
    if isinstance(element, dict) and "range" in element:
        return "-".join(map(str, element["range"]))
    return str(element)


def _holds(element: str, source: str) -> bool:
    first, dash, last = element.partition("-")
    try:
        if dash:
            return int(ip_address(first)) <= int(ip_address(source)) <= int(ip_address(last))
        return ip_address(source) in ip_network(element, strict=False)
    except ValueError:
        return False
