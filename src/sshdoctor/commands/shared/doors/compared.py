"""Two tables of one host's doors: what becomes another, who would have none, and what stays open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sshdoctor.doors.table import Doors

_Own = Mapping[str, Sequence[Sequence[str]]]


def sets_text(sets: Sequence[Sequence[str]]) -> str:
    """
    >>> sets_text([["code", "key"], ["password"]]), sets_text([[]]), sets_text([])
    ('code + key, or password', 'NOTHING is asked', 'nobody gets in')
    """
    if not sets:
        return "nobody gets in"
    return ", or ".join(" + ".join(one) or "NOTHING is asked" for one in sets)


def table(now: Doors, then: Doors) -> list[str]:
    """Every account's doors now, with what they are then where that is another thing."""
    lines = []
    for name in now.accounts:
        first = name
        for door, was, will in _rows(now, then, name):
            lines.append(f"  {first:<10}  {door:<10}  {was}{f'  ->  {will}' if will != was else ''}")
            first = ""
    return lines


def changes(now: Doors, then: Doors) -> list[str]:
    """What becomes another, in words."""
    return [
        f"{name} {door}: {was} -> {will}"
        for name in now.accounts
        for door, was, will in _rows(now, then, name)
        if was != will
    ]


def _rows(now: Doors, then: Doors, name: str) -> Iterator[tuple[str, str, str]]:
    own, later = now.accounts[name], then.accounts.get(name, {})
    for door in dict.fromkeys((*own, *later)):
        yield door, _told(now, name, own, door), _told(then, name, later, door)


def _told(doors: Doors, name: str, own: _Own, door: str) -> str:
    if door in own:
        return sets_text(own[door])
    if "@" in door and door.partition("@")[0] in own:
        return sets_text(own[door.partition("@")[0]])
    hidden = any((one.account, one.door) == (name, door) for one in doors.unknown)
    return "undecided" if hidden else "no such door"


def shut_out(now: Doors, then: Doors) -> list[str]:
    """The accounts that get in by SSH now, and then no more, or of whom that cannot be said."""
    return [name for name, own in now.accounts.items() if _gets_in(own) and not _gets_in(then.accounts[name])]


def _gets_in(own: _Own) -> bool:
    return any(sets for door, sets in own.items() if door.startswith("ssh:"))


def one_step_doors(then: Doors, names: Sequence[str], with_a_pin: Sequence[str] = ()) -> list[str]:
    """The doors of these accounts at which one step is enough even then; ``with_a_pin``: those at which a
    security key is two."""
    return [
        f"{name} {door} ({sets_text(sets)})"
        for name in names
        for door, sets in then.accounts.get(name, {}).items()
        if door != "sudo" and any(_is_one_step(one, door in with_a_pin) for one in sets)
    ]


def _is_one_step(one: Sequence[str], with_a_pin: bool) -> bool:
    return len(one) < 2 and one != ["passcode"] and not (with_a_pin and one == ["security-key"])
