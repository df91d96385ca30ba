"""What the state file tells: why a target's state is what it is, and its looks as a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from textwrap import wrap

from sshdoctor.errors import UsageError
from sshdoctor.watch.lines import number
from sshdoctor.watch.rules import Memory
from sshdoctor.watch.rules.memory import HERE
from sshdoctor.watch.store import Seen, Store
from sshdoctor.watch.words import duration, moment

_SHOWN, _WIDTH = 8, 79


def known_target(store: Store, name: str) -> str:
    """The target that is meant: by its name, or by a part of it that no other has. Raises UsageError."""
    every = store.targets()
    found = [one for one in every if one == name] or [one for one in every if name in one]
    if len(found) != 1:
        several = f"{len(found)} targets have that in their names" if found else "there is no such target"
        raise UsageError(f"{name}: {several} in the state file: {', '.join((found or every)[:10]) or 'none'}")
    return found[0]


def explain(store: Store, target: str, now: float) -> Iterator[str]:
    """Lines for a person: the state, since when, why, and the last looks of each who looks."""
    for line in _explained(store, target, now):
        further = " " * (len(line) - len(line.lstrip()) + 2)
        yield from wrap(
            line, _WIDTH, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
        )


def _explained(store: Store, target: str, now: float) -> Iterator[str]:
    memory = store.memories()[target]
    since = f" since {moment(memory.since, None)}" if memory.since is not None else ""
    yield f"{target}: {memory.state}{since} ({memory.word})"
    changes = store.changes(target)
    if changes:
        yield f"  why: {changes[-1].note or _why(memory)}"
        for vote in changes[-1].witnesses:
            yield f"    {vote.who}: {vote.word}"
    if memory.looked is not None:
        yield f"  looked last {duration(now - memory.looked)} ago; told last: {memory.told}"
    if memory.maintenance:
        yield "  a window of maintenance is on: nothing is told"
    yield from _last_looks(store.looks(target))
    yield "  changes:"
    causes = store.causes(target)
    for change in changes[-_SHOWN:]:
        yield f"    {moment(change.at, None)}  {change.state} ({change.word})"
        if change.state == "down" and (cause := causes.get(change.at)):
            yield f"      {cause.splitlines()[0]}"
    yield '  If it is up for you and down here: docs/watch.md, "It is up, but I was told that it is down"'


def _why(memory: Memory) -> str:
    return {
        "up": "this machine saw it good",
        "suspected": "one look was bad; the others are being asked",
        "down": "all who could be asked saw it bad",
        "unknown": "too few could be asked",
    }[memory.state]


def _last_looks(looks: Sequence[Seen]) -> Iterator[str]:
    who = dict.fromkeys(seen.who for seen in looks if not seen.who.startswith("@"))
    for one in sorted(who, key=lambda name: (name != HERE, name)):
        yield f"  {one} saw:"
        last = [seen for seen in reversed(looks) if seen.who == one]
        for seen in islice(last, _SHOWN):
            often = f" ({seen.count} times since {moment(seen.first, None)})" if seen.count > 1 else ""
            note = f": {seen.note}" if seen.note else ""
            yield f"    {moment(seen.last, None)}  {seen.word}{often}{note}"


def recording(store: Store, target: str, people: Sequence[str] = ("ann",)) -> Iterator[str]:
    """The lines of a file for ``watch --replay``; what happened beside the looks stands in it too."""
    import json

    service, every = store.every(target) or ("", 300.0)
    events = sorted(_events(store.looks(target, 100_000)), key=lambda event: event[0])
    witnesses = sorted({who for _, who, _ in events if who != HERE and not who.startswith("@")})
    config = {
        "target": target,
        "service": service,
        "every": number(every),
        "witnesses": witnesses,
        "people": list(people),
    }
    yield f"config: {json.dumps(config)}"
    yield "looks:"
    for at, who, word in events:
        yield f"- {json.dumps([number(at), who, word])}"


def _events(looks: Sequence[Seen]) -> Iterator[tuple[float, str, str]]:
    """Each look of its own; those that were counted together stood at equal distances."""
    for seen in looks:
        step = (seen.last - seen.first) / (seen.count - 1) if seen.count > 1 else 0.0
        for place in range(seen.count):
            yield seen.first + place * step, seen.who, seen.word
