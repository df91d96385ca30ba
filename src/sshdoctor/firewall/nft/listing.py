"""What ``nft -a list ruleset`` tells beside nft's JSON: the text of every rule, and the devices of chains.

nft 1.0.6 has no devices in its JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

Place = tuple[str, str, str, int]
"""Family, table, chain, and the rule's handle."""

_BLOCK = re.compile(r"\s*(table|chain) (.*?) \{")
_RULE = re.compile(r"\s*+(.*?) # handle (\d+)$")
_HOOK = re.compile(r"\s*type \w+ hook \w+ devices? (?:= \{([^}]*)\}|(\S+)) ")


class Listing(NamedTuple):
    texts: Mapping[Place, str]
    devices: Mapping[tuple[str, str, str], tuple[str, ...]]

    def text(self, entry: dict[str, Any]) -> str:
        """A rule's text, "" if it is not listed."""
        return self.texts.get(_place(entry), "")

    def devices_of(self, entry: dict[str, Any]) -> tuple[str, ...]:
        """The interfaces that a base chain is for; empty if that is not said."""
        said = entry.get("dev")
        if isinstance(said, str):
            return (said,)
        if isinstance(said, list) and said:
            return tuple(map(str, said))
        return self.devices.get(
            (str(entry.get("family")), str(entry.get("table")), str(entry.get("name"))), ()
        )


def read_listing(text: str) -> Listing:
    texts: dict[Place, str] = {}
    devices: dict[tuple[str, str, str], tuple[str, ...]] = {}
    family = table = chain = ""
    for line in text.splitlines():
        block = _BLOCK.match(line)
        if block and block[1] == "table":
            family, _, table = block[2].partition(" ")
        elif block:
            chain = block[2]
        elif rule := _RULE.match(line):
            texts[family, table, chain, int(rule[2])] = rule[1]
        elif hook := _HOOK.match(line):
            named = (hook[1] or hook[2]).split(",")
            devices[family, table, chain] = tuple(name.strip(' "') for name in named)
    return Listing(texts, devices)


def _place(entry: dict[str, Any]) -> Place:
    handle = entry.get("handle")
    family, table, chain = (str(entry.get(key)) for key in ("family", "table", "chain"))
    return family, table, chain, handle if isinstance(handle, int) else -1
