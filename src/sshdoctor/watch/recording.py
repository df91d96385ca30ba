"""Looks that were written down: YAML with ``config`` and ``looks`` (docs/watch.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from sshdoctor import services
from sshdoctor.documents.reader import Block, read_yaml, suggest
from sshdoctor.errors import InputError
from sshdoctor.watch.rules import Event, Rules
from sshdoctor.watch.rules.memory import HERE

_CONFIG = ("every", "timeout", "redirects", "witnesses", "people", "service", "target")
HAPPENINGS = ("@line", "@restart", "@kill", "@gap", "@maintenance", "@notifier", "@optin", "@optout")
_WORDS = {"@line": ("down", "up"), "@maintenance": ("start", "end"), "@notifier": ("down", "up")}


class Recording(Struct, frozen=True, kw_only=True):
    """What one target looked like, in order of time; ``strangers`` looked, and are no witnesses."""

    target: str
    service: str
    rules: Rules
    events: tuple[Event, ...]
    strangers: tuple[str, ...] = ()


def read_recording(path: Path) -> Recording:
    """Raises DocumentError, InputError."""
    document = read_yaml(path)
    if not isinstance(document, Block) or not isinstance(document.get("looks"), list):
        raise InputError(f"{path}: a mapping with config and looks is needed (docs/watch.md)")
    config = document.get("config") or {}
    rules, service = _rules(config, path)
    events = tuple(_event(entry, f"{path}: looks: entry {n}") for n, entry in enumerate(document["looks"], 1))
    for number, (first, second) in enumerate(pairwise(events), 2):
        if second.at < first.at:
            raise InputError(f"{path}: looks: entry {number}: {second.at:g} comes after {first.at:g}")
    known = (HERE, *rules.witnesses, *HAPPENINGS)
    return Recording(
        target=str(config.get("target", document.get("name", path.stem))),
        service=service,
        rules=rules,
        events=events,
        strangers=tuple(dict.fromkeys(event.who for event in events if event.who not in known)),
    )


def _rules(config: Any, path: Path) -> tuple[Rules, str]:
    """The rules and the service. Raises InputError."""
    if not isinstance(config, Mapping):
        raise InputError(f"{path}: config is a mapping of {', '.join(_CONFIG)}")
    for key in config:
        if key not in _CONFIG:
            raise InputError(f"{path}: config: unknown key {key!r}{suggest(str(key), _CONFIG)}")
    service = str(config.get("service", "web"))
    if service not in services.names():
        raise InputError(f"{path}: config: service: {service} is none of {', '.join(services.names())}")
    every = config.get("every", 300)
    if not isinstance(every, int | float) or isinstance(every, bool) or not every > 0:
        raise InputError(f"{path}: config: every is a number of seconds, not {every!r}")
    working = tuple(word for name in services.names() for word in services.load(name).working)
    rules = Rules(
        every=float(every),
        witnesses=_names(config, "witnesses", ("w1", "w2", "w3"), path),
        people=_names(config, "people", ("ann",), path),
        working=working,
    )
    return rules, service


def _names(config: Mapping[str, Any], key: str, usual: Sequence[str], path: Path) -> tuple[str, ...]:
    given = config.get(key, list(usual))
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise InputError(f"{path}: config: {key} is a list of names, not {given!r}")
    return tuple(given)


def _event(entry: Any, place: str) -> Event:
    if not isinstance(entry, list) or len(entry) not in (2, 3):
        raise InputError(f"{place}: [second, who, word] is needed, not {entry!r}")
    at, who, word = entry[0], entry[1], entry[2] if len(entry) == 3 else ""
    if not isinstance(at, int | float) or isinstance(at, bool):
        raise InputError(f"{place}: the first is a time in seconds, not {at!r}")
    if not isinstance(who, str) or not isinstance(word, str):
        raise InputError(f"{place}: who and word are text: put them in quotes")
    if who.startswith("@") and who not in HAPPENINGS:
        raise InputError(f"{place}: there is no {who}{suggest(who, HAPPENINGS)}")
    if who in _WORDS and word not in _WORDS[who]:
        raise InputError(f"{place}: {who} is {' or '.join(_WORDS[who])}, not {word!r}")
    if not who.startswith("@") and not word:
        raise InputError(f"{place}: what did {who} see? [second, who, word]")
    return Event(float(at), who, word)
