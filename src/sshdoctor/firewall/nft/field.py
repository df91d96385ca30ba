"""One thing that nft can ask a packet for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Doubt
from sshdoctor.firewall.nft.values import Item, Seen


class Field(NamedTuple):
    """``read`` is what a packet shows; ``item`` reads what it is compared with. ``bits``: a set of flags."""

    read: Callable[[Segment], Seen]
    item: Callable[[Any], Item]
    bits: bool = False


def no_item(element: Any) -> Item:
    """For a field that is never seen, so that nothing is compared with it."""
    return 0, 0


def unknown(what: str, depends: bool = False) -> Field:
    doubt = Doubt("depends" if depends else "unknown", what)
    return Field(lambda segment: doubt, no_item)


def nothing() -> Field:
    """A header that our packets do not have."""
    return Field(lambda segment: None, no_item)
