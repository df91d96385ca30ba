"""The history as one HTML file: now, ninety days, the outages with their causes. No addresses, no secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from msgspec import Struct

from sshdoctor.watch.rules import Change, Memory
from sshdoctor.watch.store import Store
from sshdoctor.watch.words import duration, moment

DAYS = 90
_ORDER = ("down", "suspected", "unknown", "up")
_DAY = 86400.0
_STYLE = """
:root { color-scheme: light dark; --up: #17803d; --down: #b3261e; --unknown: #6b6b6b; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --up: #3c6; --down: #f66; --unknown: #aaa; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
.state { float: right; font-weight: bold; }
.up { color: var(--up); } .down, .suspected { color: var(--down); } .unknown { color: var(--unknown); }
.days { display: flex; gap: 1px; height: 2rem; margin: .5rem 0; }
.days i { flex: 1; background: var(--up); } .days i.none { background: var(--line); }
.days i.unknown { background: var(--unknown); } .days i.down { background: var(--down); }
li { margin: .3rem 0; overflow-wrap: anywhere; } small { opacity: .7; }
"""


class Span(Struct, frozen=True):
    """It was ``state`` from ``begins`` to ``ends``; ``at`` is when that was found."""

    state: str
    begins: float
    ends: float
    word: str
    at: float


def spans(changes: Sequence[Change], now: float) -> list[Span]:
    """The states one after the other; a suspicion belongs to what it came to."""
    found: list[Span] = []
    for change in changes:
        if change.state == "suspected":
            continue
        begins = max(change.since, found[-1].begins) if found else change.since
        if change.state == "up":
            begins = change.at
        if found:
            found[-1] = Span(found[-1].state, found[-1].begins, begins, found[-1].word, found[-1].at)
        found.append(Span(change.state, begins, now, change.word, change.at))
    return found


def availability(found: Sequence[Span], since: float) -> float | None:
    """The part of the time that was seen in which it was up; None where nobody saw anything."""
    lasted = {"up": 0.0, "down": 0.0}
    for span in found:
        if span.state in lasted:
            lasted[span.state] += max(0.0, span.ends - max(since, span.begins))
    seen = sum(lasted.values())
    return lasted["up"] / seen if seen else None


def page(store: Store, now: float) -> str:
    """The whole file."""
    memories = store.memories()
    order = sorted(memories, key=lambda name: (_ORDER.index(memories[name].state), name))
    every = "\n".join(_target(store, target, memories[target], now) for target in order)
    counts: Counter[str] = Counter(memory.state for memory in memories.values())
    summary = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
    when = escape(moment(now, None))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>Status</title><style>{_STYLE}</style></head><body>'
        f"<h1>Status: {summary or 'nothing is watched yet'}</h1><p><small>{when}</small></p>\n{every}\n"
        f"<p><small>Grey is what nobody saw: it counts neither way.</small></p></body></html>\n"
    )


def _target(store: Store, target: str, memory: Memory, now: float) -> str:
    since = now - DAYS * _DAY
    found = spans(store.changes(target), now)
    part = availability(found, since)
    share = "" if part is None else f"Up for {100 * part:.3f} % of what was seen in {DAYS} days"
    return (
        f'<section><span class="state {memory.state}">{memory.state}</span><h2>{escape(target)}</h2>'
        f'<div class="days" role="img" aria-label="{escape(share)}">{"".join(_days(found, now))}</div>'
        f"<small>{escape(share)}</small><ul>{''.join(_incidents(store, target, found))}</ul></section>"
    )


def _days(found: Sequence[Span], now: float) -> Iterator[str]:
    for day in range(DAYS, 0, -1):
        begins, ends = now - day * _DAY, now - (day - 1) * _DAY
        states = {span.state for span in found if span.begins < ends and span.ends > begins}
        worst = next((state for state in ("down", "unknown", "up") if state in states), "none")
        label = f"{datetime.fromtimestamp(ends):%Y-%m-%d}: {worst}"
        yield f'<i class="{worst}" title="{label}"></i>'


def _incidents(store: Store, target: str, found: Sequence[Span]) -> Iterator[str]:
    causes = store.causes(target)
    for span in reversed([span for span in found if span.state == "down"][-20:]):
        cause = causes.get(span.at, "")
        why = f"<br>{escape(cause.splitlines()[0])}" if cause else ""
        yield (
            f"<li>{escape(moment(span.begins, None))}: down for {escape(duration(span.ends - span.begins))} "
            f"({escape(span.word)}){why}</li>"
        )
