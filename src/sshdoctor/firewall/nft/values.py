"""What stands on the right of an nft match: numbers, networks, names, sets; and whether a value is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.kernel.matches import Ports, port_within
from sshdoctor.firewall.kernel.spans import Span, span_within
from sshdoctor.firewall.model import Doubt, Truth
from sshdoctor.model import Family

Seen = int | str | tuple[Any, ...] | Span | Ports | Doubt | None
"""What a packet shows of a field; None if it has none: then the rule does not match, not even with ``!=``."""

EVERYTHING = "*"
"""The element of a set or map that stands for all that no other has."""

Item = Any
"""A (low, high) pair of numbers, a name, or a tuple of these for each part of a concatenation."""


class Sets(NamedTuple):
    """The named sets and maps of a table, as nft's JSON lists them; ``changing`` are those that rules add
    to or take from, perhaps on this very packet."""

    elements: Mapping[str, list[Any]]
    changing: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    """Those with as many elements as they may have."""

    def doubt_of(self, right: Any) -> Doubt | None:
        """What the elements on the right depend on."""
        name = right[1:] if isinstance(right, str) and right.startswith("@") else None
        if name not in self.changing:
            return None
        return Doubt("depends", f"what the rules themselves have put into the set {name}")

    def of(self, right: Any) -> Iterator[Any]:
        """The elements of what stands on the right: a set, a named set, or a single value."""
        if isinstance(right, dict) and "set" in right:
            right = right["set"]
            yield from (_bare(element) for element in (right if isinstance(right, list) else [right]))
        elif isinstance(right, str) and right.startswith("@"):
            yield from (_bare(element) for element in self.elements[right[1:]])
        else:
            yield _bare(right)


def _bare(element: Any) -> Any:
    """An element without its timeout, counter and comment."""
    if isinstance(element, dict) and "elem" in element:
        return element["elem"]["val"]
    return element


class Device(NamedTuple):
    """That there is a device, and its name, None if that is not known: what ``fib`` looks up."""

    name: str | None

    def is_one(self, item: Item) -> Truth:
        if not isinstance(item, str):
            return bool(item[0] <= 1 <= item[1])
        return _DEVICE if self.name is None else self.name == item


_DEVICE = Doubt("unknown", "the device by which the address is reached (fib)")


def address_item(family: Family) -> Callable[[Any], Item]:
    """Reads addresses, prefixes and ranges."""

    def read(element: Any) -> Item:
        if isinstance(element, dict) and "prefix" in element:
            prefix = element["prefix"]
            low, mask = values.network(f"{prefix['addr']}/{int(prefix['len'])}", family)
            whole = (1 << (32 if family == "ipv4" else 128)) - 1
            return low, low | (whole & ~mask)
        if isinstance(element, dict) and "range" in element:
            low, high = (values.address(end, family) for end in element["range"])
            return low, high
        number = values.address(element, family)
        return number, number

    return read


def number_item(names: Mapping[str, int]) -> Callable[[Any], Item]:
    """Reads numbers, ranges, and symbolic ``names``."""

    def one(element: Any) -> int:
        if isinstance(element, int):
            return int(element)
        if isinstance(element, list):
            return _together(map(one, element))
        if isinstance(element, dict) and "|" in element:
            return _together(map(one, element["|"]))
        if isinstance(element, str):
            return names[element] if element in names else values.number(element, 2**64)
        raise ValueError(str(element))

    def read(element: Any) -> Item:
        if isinstance(element, dict) and "range" in element:
            low, high = element["range"]
            return one(low), one(high)
        if isinstance(element, dict) and "prefix" in element:
            low, length = one(element["prefix"]["addr"]), int(element["prefix"]["len"])
            return low, low | ((1 << (32 - length)) - 1)
        number = one(element)
        return number, number

    return read


def port_item(element: Any) -> Item:
    """Reads ports, their names by services(5) included."""
    if isinstance(element, str) and not element[:1].isdigit():
        return values.ports(element)[0]
    if isinstance(element, dict) and "range" in element:
        low, high = (port_item(end)[0] for end in element["range"])
        return low, high
    return number_item({})(element)


def _together(bits: Iterable[int]) -> int:
    joined = 0
    for bit in bits:
        joined |= bit
    return joined


def name_item(element: Any) -> Item:
    if not isinstance(element, str):
        raise ValueError(str(element))
    return element


def is_in(seen: Seen, items: Iterable[Item]) -> Truth:
    """Whether one of ``items`` is what was seen; a Doubt where that cannot be told. ``*`` is every other."""
    if isinstance(seen, Ports):
        every = tuple(items)
        return True if EVERYTHING in every else port_within(every, seen)
    doubt: Doubt | None = None
    for item in items:
        truth = _is(seen, item)
        if truth is True:
            return True
        if isinstance(truth, Doubt):
            doubt = truth
    return doubt or False


def _is(seen: Seen, item: Item) -> Truth:
    if item == EVERYTHING:
        return True
    if isinstance(seen, Span):
        return span_within([item], seen)
    if isinstance(seen, Doubt):
        return seen
    if isinstance(seen, Ports):
        return port_within((item,), seen)
    if isinstance(seen, Device):
        return seen.is_one(item)
    if isinstance(seen, tuple):
        return _all_are(seen, item)
    if isinstance(seen, str):
        return seen == item if not str(item).endswith("*") else seen.startswith(str(item)[:-1])
    if isinstance(item, str):
        return False
    low, high = item
    return seen is not None and bool(low <= seen <= high)


def _all_are(seen: tuple[Any, ...], item: Item) -> Truth:
    """A concatenation: every part is what the element says."""
    doubt: Doubt | None = None
    for part, wanted in zip(seen, item, strict=True):
        truth = _is(part, wanted)
        if truth is False:
            return False
        if isinstance(truth, Doubt):
            doubt = truth
    return doubt or True
