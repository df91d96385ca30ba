"""Facts in, answers out: what each check comes to on one host, for one address dialled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.checks.load import CLIENT, WORDS, CauseRule, Check
from sshdoctor.checks.run import Run
from sshdoctor.checks.said import Said
from sshdoctor.model import Evidence, Status, Unknown


class Obstacle(Struct, frozen=True, kw_only=True):
    """A cause that holds by the facts; ``reply`` is what it makes a client see (empty: latent).

    ``said``: the host's own words about this dial name it, and nobody else could have written them.
    """

    id: str
    check: str
    layer: str
    summary: str
    fix: str
    reply: tuple[str, ...]
    confidence: str
    evidence: tuple[Evidence, ...]
    said: bool = False
    of_start: bool = False


class Evaluated(Struct, frozen=True, kw_only=True):
    """What one check came to, and the obstacle that it found, if it did.

    ``open``: the causes of which it is not known whether they hold, each with the replies that it gives.
    """

    check: Check
    status: Status
    summary: str
    obstacle: Obstacle | None = None
    open: tuple[tuple[str, tuple[str, ...]], ...] = ()


def evaluate(
    checks: Iterable[Check],
    facts: Mapping[str, object],
    runs: Mapping[str, Run | Unknown],
    earlier: Mapping[str, Evaluated] | None = None,
) -> dict[str, Evaluated]:
    """Each check's answer, by id, in the order given (which must respect ``after``).

    ``runs`` has what users' own ``run:`` commands printed, by check id; ``earlier`` the answers of checks
    judged before, for ``explained_by``.
    """
    known = dict(earlier or {})
    for check in checks:
        failed = [n for n in check.explained_by if n in known and known[n].status in ("fail", "blocked")]
        if failed:
            known[check.id] = Evaluated(
                check=check, status="blocked", summary=f"Not asked: {failed[0]} comes first."
            )
            continue
        own = {"run": runs.get(check.id, Unknown("it was not run"))} if check.run else {}
        known[check.id] = _answer(check, {name: facts[name] for name in check.facts} | own)
    return known


def _answer(check: Check, facts: Mapping[str, object]) -> Evaluated:
    asked = check.asked.value(facts) if check.asked else True
    if isinstance(asked, Unknown):
        summary = f"Not seen: {asked.reason}."
        return Evaluated(check=check, status="unknown", summary=summary, open=_open(check.causes))
    if not asked:
        return Evaluated(check=check, status="skipped", summary="Not asked: this dial is no case of it.")
    unseen: list[CauseRule] = []
    reason = ""
    for rule in check.causes:
        said = _said(rule, facts, trusted=True)
        holds = rule.when.value(facts)
        if isinstance(said, Said):  # of an old start only while nothing speaks against it now
            holds = said.of != "start" or not rule.when.names or holds is not False
        if isinstance(said, Unknown) and not rule.when.names:
            holds = said  # nothing but the host's words would tell
        if isinstance(holds, Unknown):
            unseen.append(rule)
            reason = reason or holds.reason
        elif holds:
            obstacle = _obstacle(check, rule, facts, said if isinstance(said, Said) else None)
            status: Status = "fail" if obstacle.reply else "warn"
            return Evaluated(
                check=check, status=status, summary=obstacle.summary, obstacle=obstacle, open=_open(unseen)
            )
    for rule in check.causes:  # what anybody may have written explains only what nothing else does
        said = _said(rule, facts, trusted=False)
        if isinstance(said, Said):
            obstacle = _obstacle(check, rule, facts, said)
            return Evaluated(
                check=check, status="fail", summary=obstacle.summary, obstacle=obstacle, open=_open(unseen)
            )
    if unseen:
        return Evaluated(check=check, status="unknown", summary=f"Not seen: {reason}.", open=_open(unseen))
    return _passed(check, facts)


def _passed(check: Check, facts: Mapping[str, object]) -> Evaluated:
    """Nothing holds. It has passed if what it is about was seen; what was not is unknown, never fine."""
    asked = [facts[name] for name in check.facts if name not in (CLIENT, WORDS)]
    missing = next((fact for fact in asked if isinstance(fact, Unknown)), check.otherwise.unknown(facts))
    if missing is not None:
        return Evaluated(check=check, status="unknown", summary=f"Not seen: {missing.reason}.")
    return Evaluated(check=check, status="pass", summary=check.otherwise.render(facts))


def _said(rule: CauseRule, facts: Mapping[str, object], *, trusted: bool) -> Said | Unknown | None:
    """The first message about this dial that names the cause of ``rule``, of those that are (not) trusted."""
    if not rule.said:
        return None
    spoken: list[Any] = [getattr(facts.get(name), "said", None) for name in (CLIENT, WORDS)]
    heard = [one for said in spoken if isinstance(said, tuple) for one in said]
    named: list[Said] = [one for one in heard if one.cause == rule.id]
    if any(one.trusted is trusted for one in named):
        return next(one for one in named if one.trusted is trusted)
    words = facts.get(WORDS)
    return words if isinstance(words, Unknown) else None


def _open(rules: Iterable[CauseRule]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((rule.id, _replies(rule)) for rule in rules)


def _replies(rule: CauseRule) -> tuple[str, ...]:
    """The replies that a cause gives; one that only the facts tell is any."""
    return tuple(word.render({}) if not word.names else "any" for word in rule.reply)


def _obstacle(check: Check, rule: CauseRule, facts: Mapping[str, object], said: Said | None) -> Obstacle:
    known = facts if not rule.said else {**facts, "said": said or Unknown("the host did not say it")}
    source = CLIENT if said and said.of == "client" else WORDS
    names = dict.fromkeys((*rule.evidence, *((source,) if said else ())))
    evidence = [e for name in names for e in _evidence(known[name])]
    confidence = rule.confidence
    if said is not None:
        confidence = "proved" if said.trusted else "possible"
    return Obstacle(
        id=rule.id,
        check=check.id,
        layer=check.layer,
        summary=rule.say.render(known),
        fix=rule.fix.command(known) if _may_be_typed(rule, said) else "",
        reply=tuple(word.render(known) for word in rule.reply),
        confidence=confidence,
        evidence=tuple(dict.fromkeys(evidence)),
        said=said is not None and said.trusted,
        of_start=said is not None and said.of == "start",
    )


def _may_be_typed(rule: CauseRule, said: Said | None) -> bool:
    """What anybody may have written stands in no command."""
    return said is None or said.trusted or "said" not in rule.fix.names


def _evidence(fact: object) -> tuple[Evidence, ...]:
    if isinstance(fact, Run):
        return (Evidence(fact.command, "\n".join(fact.output.splitlines()[:6])),)
    return tuple(getattr(fact, "evidence", ()))
