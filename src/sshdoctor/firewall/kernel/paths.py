"""The ways that a segment may take, and how ways that meet again become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Doubt, Rule, Truth

_MOST_PATHS = 16
_MOST_DOUBTS = 4

Doubts = tuple[tuple[Doubt, Rule | None], ...]


class ChainPath(NamedTuple):
    """A segment that is still on its way, the doubts it is subject to, and the rule that let it pass.

    ``redirected_by`` is the rule that sent it to another address or port.
    """

    segment: Segment
    doubts: Doubts = ()
    rule: Rule | None = None
    way: tuple[str, ...] = ()
    redirected_by: Rule | None = None


class Stop(NamedTuple):
    """The end of a segment. ``word`` is "drop", a reply word for REJECT, or "" if that cannot be said.

    ``sure`` means that the matches of the rule itself hold.
    """

    word: str
    segment: Segment
    rule: Rule | None
    doubts: Doubts
    sure: bool
    way: tuple[str, ...] = ()


class Result(Struct):
    """What can come of a walk: ends, segments that a rule accepted, and those that came to the end."""

    stops: list[Stop] = field(default_factory=list)
    accepted: list[ChainPath] = field(default_factory=list)
    returned: list[ChainPath] = field(default_factory=list)


def with_doubt(path: ChainPath, doubt: Truth, rule: Rule | None) -> ChainPath:
    if isinstance(doubt, bool):
        return path
    return path._replace(doubts=join(path.doubts, ((doubt, rule),)))


def join(left: Doubts, right: Doubts) -> Doubts:
    """Both, the first few of them; an unknown is never the one that is left out."""
    joined = left
    for entry in right:
        full = len(joined) >= _MOST_DOUBTS
        if entry in joined or (full and (entry[0].kind == "depends" or _any_unknown(joined))):
            continue
        joined = (*joined, entry)
    return joined


def _any_unknown(doubts: Doubts) -> bool:
    return any(doubt.kind == "unknown" for doubt, _ in doubts)


def add_stop(result: Result, stop: Stop) -> None:
    """Keep one end for each way that it can look from outside: the first that is sure, or else the first."""
    for index, other in enumerate(result.stops):
        if other.word == stop.word and other.segment == stop.segment:
            if stop.sure and not other.sure:
                result.stops[index] = stop
            return
    result.stops.append(stop)


def merge(paths: Iterable[ChainPath]) -> list[ChainPath]:
    """One path for each segment, the one with the fewest doubts."""
    merged: dict[Segment, ChainPath] = {}
    for path in paths:
        other = merged.get(path.segment)
        if other is None or len(path.doubts) < len(other.doubts):
            merged[path.segment] = path
    if len(merged) > _MOST_PATHS:
        blurred = {
            (fuzzy := _blurred(path.segment)): path._replace(segment=fuzzy) for path in merged.values()
        }
        return list(blurred.values())
    return list(merged.values())


def _blurred(segment: Segment) -> Segment:
    """So many marks are possible that the mark is best called unknown."""
    return replace(
        segment, mark=None, tos=(0, 0), hops=None, connection=replace(segment.connection, mark=None)
    )
