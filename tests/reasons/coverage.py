"""Which entry of a list a message of the source belongs to, by its text with its holes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from reasons.messages import CLAUSES, Listed
from reasons.sources import Program
from sshdoctor.reasons.entry import Entry, List
from sshdoctor.reasons.pattern import KINDS, Pattern

HOLE = "\ue000"
"""Stands for what the program fills in."""

_WIDE = {
    "text": ".*",
    "peer": f"{HOLE}(?: port {HOLE})?|user {HOLE} {HOLE} port {HOLE}",
    "remote": f"{HOLE}(?::{HOLE})?|\\[{HOLE}\\]:{HOLE}",
    "whose": f"{HOLE}?",
    "word": f"\\S*{HOLE}\\S*|\\S+",
    "phrase": f"[\\w@./ {HOLE}-]*",
}


def spelled_out(message: Listed, program: Program, listed: Sequence[Listed]) -> Iterator[str]:
    """The wordings of a message: with each text that may stand in it, and with its holes marked."""
    for text in program.wordings.get(message.text, (message.text,)):
        for whole in _with_clauses(text, message, program, listed):
            yield re.sub(r"%%|%\{\w+\}|%[sd]", lambda m: "%" if m[0] == "%%" else HOLE, whole)


def uncovered(lists: Sequence[List], program: Program, listed: Sequence[Listed]) -> list[str]:
    """The messages of a list that no entry has, each with its place."""
    return [
        f"{message.where}: {wording.replace(HOLE, '…')}"
        for message in listed
        if message.level not in CLAUSES
        for wording in spelled_out(message, program, listed)
        if entry_of(lists, wording) is None
    ]


def entry_of(lists: Sequence[List], wording: str) -> Entry | None:
    """The entry that has the wording; of several the one that the look-up takes."""
    found = [
        (-len(pattern.prefix), not pattern.open, -pattern.weight, number, entry)
        for one in lists
        for number, entry in enumerate(one.entries)
        for pattern in entry.says
        if wording.startswith(pattern.prefix) and symbolic(pattern).fullmatch(wording)
    ]
    return min(found, key=lambda item: item[:4])[4] if found else None


@cache
def symbolic(pattern: Pattern) -> re.Pattern[str]:
    """The pattern's expression, in which a hole can stand for any part."""
    parts = (re.escape(p.text) if not p.name else f"(?:{_wide(p.kind)})" for p in pattern.parts)
    return re.compile("".join(parts), re.DOTALL)


def _wide(kind: str) -> str:
    return _WIDE.get(kind, f"{HOLE}|{KINDS[kind]}")


def _with_clauses(text: str, message: Listed, program: Program, listed: Sequence[Listed]) -> Iterator[str]:
    hole = next((name for name in CLAUSES if f"%{{{name}}}" in text), None)
    files = program.clauses_of.get(message.file, ())
    clauses = [one.text for one in listed if one.level == hole and one.file in files]
    for clause in clauses or [""]:
        yield text.replace(f"%{{{hole}}}", clause) if clause else text
