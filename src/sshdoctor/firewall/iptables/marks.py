"""Targets that leave a note for later rules: MARK, CONNMARK, CT, NOTRACK."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.iptables.option import Option
from sshdoctor.firewall.kernel.conntrack import ZONE
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Target
from sshdoctor.model import Family


def _change(change: Callable[[Segment], Segment]) -> Target:
    return Target("change", change)


def set_mark(options: list[Option], family: Family) -> Target:
    """Each form is: clear the bits of a mask, then flip those of a value (iptables-extensions(8), MARK)."""
    for option in options:
        if option.name in _MARK_FORMS:
            clear, flip = _MARK_FORMS[option.name](*values.mark_and_mask(option.value))
            return _change(partial(_mark_packet, clear, flip))
    return _change(forget_mark)


def forget_mark(segment: Segment) -> Segment:
    return replace(segment, mark=None)


def set_label(label: str | None, segment: Segment) -> Segment:
    """None is a label that is not known."""
    connection = segment.connection
    return replace(segment, connection=replace(connection, labels=connection.labels | {label}))


def untrack(options: list[Option], family: Family) -> Target:
    return _change(_notrack)


def _mark_packet(clear: int, flip: int, segment: Segment) -> Segment:
    return replace(segment, mark=_marked(segment.mark, clear, flip))


def _mark_connection(clear: int, flip: int, segment: Segment) -> Segment:
    return _with_connection_mark(segment, _marked(segment.connection.mark, clear, flip))


_ALL = 2**32 - 1
_MARK_FORMS: dict[str, Callable[[int, int], tuple[int, int]]] = {
    "--set-xmark": lambda value, mask: (mask, value),
    "--set-mark": lambda value, mask: (mask | value, value),
    "--and-mark": lambda value, mask: (_ALL & ~value, 0),
    "--or-mark": lambda value, mask: (value, value),
    "--xor-mark": lambda value, mask: (0, value),
}


def _marked(mark: int | None, clear: int, flip: int) -> int | None:
    if clear == _ALL:
        return flip
    return None if mark is None else (mark & ~clear) ^ flip


def set_connection_mark(options: list[Option], family: Family) -> Target:
    given = {option.name: option for option in options}
    if "--save-mark" in given or "--restore-mark" in given:
        to_connection = "--save-mark" in given
        packet_mask, connection_mask = (_mask(given, f"--{what}mask") for what in ("nf", "ct"))
        if "--mask" in given:
            packet_mask = connection_mask = values.number(given["--mask"].value)
        return _change(lambda s: _copy_mark(s, to_connection, packet_mask, connection_mask))
    for name, option in given.items():
        if name in _MARK_FORMS:
            clear, flip = _MARK_FORMS[name](*values.mark_and_mask(option.value))
            return _change(partial(_mark_connection, clear, flip))
    return _change(lambda s: _with_connection_mark(s, None))


def _mask(given: dict[str, Option], name: str) -> int:
    return values.number(given[name].value) if name in given else _ALL


def _copy_mark(segment: Segment, to_connection: bool, packet_mask: int, connection_mask: int) -> Segment:
    """xt_connmark.c: save is ctmark = (ctmark & ~ctmask) ^ (mark & nfmask); restore the other way round."""
    here, there = segment.mark, segment.connection.mark
    if segment.state in ("INVALID", "UNTRACKED"):
        return segment
    if here is None or there is None:
        both_unknown = replace(segment, mark=None)
        return _with_connection_mark(segment, None) if to_connection else both_unknown
    if to_connection:
        return _with_connection_mark(segment, (there & ~connection_mask) ^ (here & packet_mask))
    return replace(segment, mark=(here & ~packet_mask) ^ (there & connection_mask))


def _with_connection_mark(segment: Segment, mark: int | None) -> Segment:
    if segment.state in ("INVALID", "UNTRACKED"):
        return segment
    return replace(segment, connection=replace(segment.connection, mark=mark))


def _notrack(segment: Segment) -> Segment:
    """xt_CT.c: a packet that carries something of conntrack already is passed over."""
    return segment if segment.attached else replace(segment, untracked=True, state="UNTRACKED")


def conntrack(options: list[Option], family: Family) -> Target:
    names = {option.name for option in options}
    if "--notrack" in names:
        return _change(_notrack)
    if "--zone-reply" in names and "--zone" not in names:
        return Target("lost", ZONE)  # measured: what the host sends may clash with the client's entry
    if any(name in ("--zone", "--zone-orig") for name in names):
        return _change(lambda s: replace(s, connection=replace(s.connection, zoned=True)))
    return Target("continue")
