"""Holds an answer of the product against the one that is right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from score.case import Expect, Struct


class Outcome(StrEnum):
    """What came of one case."""

    RIGHT = "right"
    HALF = "half"
    """The first cause is right, its way out (or how sure it is said to be) is not."""
    WRONG = "wrong"
    WRONG_PROVED = "wrong and proved"
    UNDECIDED = "undecided"
    FALSE_HEALTHY = "false healthy"
    FALSE_ALARM = "false alarm"
    NO_ANSWER = "no answer"
    """The product ended without a report."""


class Judgement(Struct, frozen=True, kw_only=True):
    """The outcome, why it is not better, and whether all that is wrong with the host was named."""

    outcome: Outcome
    why: tuple[str, ...] = ()
    all_named: bool | None = None
    """None: there is but one fault."""


def judge(expect: Expect, host: Mapping[str, Any]) -> Judgement:
    """``host`` is the host's part of a JSON report."""
    if expect.cause is None:
        return _healthy(expect, host)
    outcome, why = _sick(expect, host)
    return Judgement(outcome=outcome, why=why, all_named=_all_named(expect, host))


def _all_named(expect: Expect, host: Mapping[str, Any]) -> bool | None:
    found = {cause["id"] for cause in host["causes"]}
    wanted = [expect.ids, *({*ids.split("|")} for ids in expect.behind)]
    return all(ids & found for ids in wanted) if expect.behind else None


def _healthy(expect: Expect, host: Mapping[str, Any]) -> Judgement:
    causes = [f"{cause['id']} ({cause['role']}, {cause['confidence']})" for cause in host["causes"]]
    if causes:
        return Judgement(outcome=Outcome.FALSE_ALARM, why=("found: " + ", ".join(causes),))
    if host["verdict"] == "healthy" or (expect.undecided and host["verdict"] == "undecided"):
        return Judgement(outcome=Outcome.RIGHT)
    return Judgement(outcome=Outcome.UNDECIDED, why=(f"verdict {host['verdict']}",))


def _sick(expect: Expect, host: Mapping[str, Any]) -> tuple[Outcome, tuple[str, ...]]:
    if not host["causes"]:
        healthy = host["verdict"] == "healthy"
        outcome = Outcome.FALSE_HEALTHY if healthy else Outcome.UNDECIDED
        return outcome, (f"not found: {expect.cause}",)
    first = host["causes"][0]
    if first["id"] not in expect.ids:
        came = f"{first['id']} ({first['role']}, {first['confidence']})"
        return _wrong(expect, host, first), (f"first cause {came}, not {expect.cause}",)
    absent = [f"found: {cause['id']}" for cause in host["causes"] if cause["id"] in expect.absent]
    why = (*shortcomings(expect, first), *absent)
    return (Outcome.HALF if why else Outcome.RIGHT), why


def _wrong(expect: Expect, host: Mapping[str, Any], first: Mapping[str, Any]) -> Outcome:
    if first["role"] == "latent" and host["verdict"] == "healthy" and expect.role != "latent":
        return Outcome.FALSE_HEALTHY
    return Outcome.WRONG_PROVED if first["confidence"] == "proved" else Outcome.WRONG


def shortcomings(expect: Expect, cause: Mapping[str, Any]) -> list[str]:
    """What is not right about a first cause whose id is."""
    evidence = " ".join(f"{it['source']} {it['text']}" for it in cause["evidence"])
    everything = f"{cause['summary']} {evidence} {cause['fix']}"
    why = []
    if expect.confidence and cause["confidence"] not in expect.confidence:
        why.append(f"{cause['confidence']}, not {' or '.join(expect.confidence)}")
    if expect.role not in ("", cause["role"]):
        why.append(f"role {cause['role']}, not {expect.role}")
    why += [f"the fix does not name /{word}/" for word in expect.fix if not _has(word, cause["fix"])]
    why += [f"the fix proposes /{word}/" for word in expect.not_fix if _has(word, cause["fix"])]
    why += [f"nothing names /{word}/" for word in expect.names if not _has(word, everything)]
    return why


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE | re.MULTILINE) is not None
