"""Both sides in, the report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.checks.evaluate import Evaluated, evaluate
from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.after_boot import (
    NOTE,
    NOTHING_FOUND,
    at_most_likely,
    foretell,
    judge_after_boot,
)
from sshdoctor.diagnosis.derive import Conversation, derive
from sshdoctor.diagnosis.first_contact import contact_notes, shown_inside
from sshdoctor.diagnosis.inside import Inside
from sshdoctor.diagnosis.outside import Outside
from sshdoctor.diagnosis.rank import Expectation, agrees, merge, predict, rank
from sshdoctor.facts import OFF
from sshdoctor.model import (
    AccessUsed,
    Cause,
    Finding,
    History,
    Host,
    HostReport,
    Prediction,
    Reply,
    Status,
    Unknown,
    Verdict,
)
from sshdoctor.services import Service, load, works

_WORST_FIRST: tuple[Status, ...] = ("fail", "warn", "unknown", "blocked", "pass", "skipped")


class _Address(Struct, frozen=True):
    """What one address of the service came to."""

    reply: Reply
    judged: Mapping[str, Evaluated]
    prediction: Prediction | None
    explained: str
    """The reply that the causes are to explain: the one seen, or that which a disk's system would give."""


def facts_by_address(
    host: Host, outside: Outside, inside: Inside, around: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[dict[str, object], ...]:
    """The facts about each address dialled: the host's own, and those put together from both sides.

    ``around`` is what this machine says of itself on the way to each address, as ``look_here`` gives it.
    """
    replies = replies_of(outside, inside)
    conversation = Conversation(
        service=host.service,
        login=host.login,
        replies=replies,
        failure=outside.failure,
        on_this_machine=inside.used.via == "local",
        off=inside.used.via == "chroot",
        around=around or {},
        heard=inside.heard,
        offers=outside.offers,
        witness=outside.witness,
        site=host.site,
    )
    views = zip(replies, inside.views, strict=True)
    return tuple(derive(conversation, reply, view) for reply, view in views)


def build_report(
    host: Host,
    outside: Outside,
    inside: Inside,
    checks: Sequence[Check],
    facts: Sequence[Mapping[str, object]] = (),
) -> HostReport:
    """The report on one host: every check asked for every address dialled, the causes ranked.

    ``facts`` are what ``facts_by_address`` gives, where they are there already.
    """
    replies, service = replies_of(outside, inside), load(host.service)
    facts = facts or facts_by_address(host, outside, inside)
    seen = [_judge(face, reply, inside, checks, service) for face, reply in zip(facts, replies, strict=True)]
    own_key = shown_inside(facts, inside.used)
    causes = merge(rank(tuple(one.judged.values()), one.explained) for one in seen)
    if off := inside.used.via == "chroot":
        causes = tuple(at_most_likely(cause) for cause in causes)
    verdict = _verdict(causes, () if off else replies)
    guessing = inside.used.via is None and verdict == "undecided"
    focus = next((one for one in seen if not works(one.reply.word)), seen[0])
    return HostReport(
        host=host.name,
        service=host.service,
        managed=host.managed,
        login=host.login,
        verdict=verdict,
        outside=replies,
        access=inside.used,
        prediction=focus.prediction,
        causes=causes,
        checks=tuple(_finding(check, seen) for check in checks),
        notes=(
            *inside.notes,
            *_rights(inside.used, seen),
            *(_off_notes(causes) if off else _notes(replies, causes, inside.used, own_key)),
        ),
        possible=_possible(host, replies, checks) if guessing else (),
        when=outside.when,
        history=_history(facts) if verdict != "healthy" else None,
        url=host.site.url if host.site else None,
        own_key=own_key,
    )


def _history(facts: Sequence[Mapping[str, object]]) -> History | None:
    history = getattr(facts[0].get("changes"), "history", None) if facts else None
    return history if isinstance(history, History) else None


def _possible(host: Host, replies: Sequence[Reply], checks: Sequence[Check]) -> tuple[Cause, ...]:
    from sshdoctor.diagnosis.possible import possible_causes  # only where nobody could look inside

    return possible_causes(checks, load(host.service), host.login, replies)


def replies_of(outside: Outside, inside: Inside) -> tuple[Reply, ...]:
    """What each address answered; a login whose session did not run the script is no login."""
    return tuple(_session(reply, inside.session_closed) for reply in outside.replies)


def _session(reply: Reply, closed: str | None) -> Reply:
    if closed is None or reply.word != "ok":
        return reply
    return replace(reply, word="session-closed", detail=closed)


def _off_notes(causes: Sequence[Cause]) -> list[str]:
    return [NOTE] if causes else [NOTE, NOTHING_FOUND]


def _judge(
    facts: Mapping[str, object], reply: Reply, inside: Inside, checks: Sequence[Check], service: Service
) -> _Address:
    if reply.stage:
        return _judge_stage(facts, reply, inside, checks)
    comparing = _comparing(checks)
    if inside.used.via == "chroot":
        return _judge_off(facts, reply, inside, checks, comparing)
    judged = evaluate([c for c in checks if c.id not in comparing], facts, inside.runs)
    expected = _unpredicted(inside.used, judged.values(), service) or predict(
        judged.values(), reply.word, service
    )
    judged = evaluate(
        [c for c in checks if c.id in comparing], {**facts, "inside": expected}, inside.runs, judged
    )
    prediction = None
    if not isinstance(expected.predicted, Unknown):
        agreement = agrees(expected.predicted, reply.word)
        prediction = Prediction(reply=expected.predicted, agrees=agreement, why=expected.why)
    return _Address(reply, {check.id: judged[check.id] for check in checks}, prediction, reply.word)


def _judge_stage(
    facts: Mapping[str, object], reply: Reply, inside: Inside, checks: Sequence[Check]
) -> _Address:
    """The dial ended before the host: what is the way's is asked, and nothing is held against the host."""
    judged = evaluate([check for check in checks if check.layer == "client"], facts, inside.runs)
    skipped = f"Not asked: the dial ended at the {reply.stage}."
    others = [check for check in checks if check.layer != "client"]
    judged |= {check.id: Evaluated(check=check, status="skipped", summary=skipped) for check in others}
    return _Address(reply, {check.id: judged[check.id] for check in checks}, None, reply.word)


def _judge_off(
    facts: Mapping[str, object],
    reply: Reply,
    inside: Inside,
    checks: Sequence[Check],
    comparing: set[str],
) -> _Address:
    """By files alone; with a system that does not run nothing can be compared."""
    judged = judge_after_boot([c for c in checks if c.id not in comparing], facts, inside.runs)
    unseen = f"Not seen: {OFF.reason}."
    compared = {
        c.id: Evaluated(check=c, status="unknown", summary=unseen) for c in checks if c.id in comparing
    }
    known = judged | compared
    foretold = foretell(known)
    prediction = Prediction(reply=foretold.word, agrees=None, why=foretold.why) if foretold.word else None
    return _Address(reply, {check.id: known[check.id] for check in checks}, prediction, foretold.word)


def _comparing(checks: Sequence[Check]) -> set[str]:
    """The checks that compare inside with outside, and those that come after one of them."""
    found: set[str] = set()
    before = -1
    while len(found) > before:
        before = len(found)
        found |= {c.id for c in checks if "inside" in c.facts or found.intersection(c.predecessors)}
    return found


def _unpredicted(used: AccessUsed, judged: Iterable[Evaluated], service: Service) -> Expectation | None:
    """Why nothing can be predicted at all, if so."""
    reason = "" if used.via else "nobody could look inside"
    if not {one.check.layer for one in judged} >= service.way:
        reason = "only some of the checks were asked"
    return Expectation(predicted=Unknown(reason), why=reason, explains=False) if reason else None


def _verdict(causes: Sequence[Cause], replies: Sequence[Reply]) -> Verdict:
    if any(cause.role == "root" for cause in causes):
        return "blocked"
    got_in = [works(reply.word) for reply in replies]
    unreachable_here = [reply.word == "local-unreachable" for reply in replies]
    fine = any(got_in) and all(w or u for w, u in zip(got_in, unreachable_here, strict=True))
    return "healthy" if fine else "undecided"


def _finding(check: Check, seen: Sequence[_Address]) -> Finding:
    worst = min((one.judged[check.id] for one in seen), key=lambda j: _WORST_FIRST.index(j.status))
    return Finding(
        id=check.id,
        title=check.title,
        layer=check.layer,
        status=worst.status,
        summary=worst.summary,
        causes=(worst.obstacle.id,) if worst.obstacle else (),
    )


def _rights(used: AccessUsed, seen: Sequence[_Address]) -> list[str]:
    """What root's rights would have shown."""
    unseen = {one.check.id for address in seen for one in address.judged.values() if one.status == "unknown"}
    if used.privileged is not False or not unseen:
        return []
    return [
        f"Without root's rights {len(unseen)} checks have no answer: be root there, or set ansible_become "
        "(--format json lists them)."
    ]


def _notes(
    replies: Sequence[Reply], causes: Sequence[Cause], used: AccessUsed, own_key: bool | None
) -> list[str]:
    """What to know, and to do next, where no cause was found."""
    failed = next((r for r in replies if not works(r.word)), None)
    if causes or failed is None:
        return []
    refused = failed.word in ("rst", "silence") or failed.word.startswith("icmp")
    notes = [failed.detail] if failed.detail and not refused else []
    notes += contact_notes(failed, own_key)
    if used.via is None and failed.word not in ("host-key-unknown", "name-not-found"):
        notes.append("To settle it, give another way in: sshdoctor_access in the inventory.")
    return notes
