"""Facts in, answers out: what each check comes to on one host, for one address dialled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from sshdoctor.checks.load import CauseRule, Check
from sshdoctor.checks.run import Run
from sshdoctor.model import Evidence, Status, Unknown


class Obstacle(Struct, frozen=True, kw_only=True):
    """A cause that holds by the facts; ``reply`` is what it makes a client see (empty: latent)."""

    id: str
    check: str
    layer: str
    summary: str
    fix: str
    reply: tuple[str, ...]
    confidence: str
    evidence: tuple[Evidence, ...]


class Judged(Struct, frozen=True, kw_only=True):
    """What one check came to, and the obstacle that it found, if it did."""

    check: Check
    status: Status
    summary: str
    obstacle: Obstacle | None = None


def judge(
    checks: Iterable[Check],
    facts: Mapping[str, object],
    runs: Mapping[str, Run | Unknown],
    earlier: Mapping[str, Judged] | None = None,
) -> dict[str, Judged]:
    """Each check's answer, by id, in the order given (which must respect ``after``).

    ``runs`` has what users' own ``run:`` commands printed, by check id; ``earlier`` the answers of checks
    judged before, for ``after``.
    """
    known = dict(earlier or {})
    for check in checks:
        failed = [n for n in check.after if n in known and known[n].status in ("fail", "blocked")]
        if failed:
            known[check.id] = Judged(
                check=check, status="blocked", summary=f"Not asked: {failed[0]} comes first."
            )
            continue
        own = {"run": runs.get(check.id, Unknown("it was not run"))} if check.run else {}
        known[check.id] = _answer(check, {name: facts[name] for name in check.facts} | own)
    return known


def _answer(check: Check, facts: Mapping[str, object]) -> Judged:
    unseen: Unknown | None = None
    for rule in check.causes:
        holds = rule.when.value(facts)
        if isinstance(holds, Unknown):
            unseen = holds if unseen is None else unseen
        elif holds:
            obstacle = _obstacle(check, rule, facts)
            status: Status = "fail" if obstacle.reply else "warn"
            return Judged(check=check, status=status, summary=obstacle.summary, obstacle=obstacle)
    if unseen is not None:
        return Judged(check=check, status="unknown", summary=f"Not seen: {unseen.reason}.")
    return Judged(check=check, status="pass", summary=check.otherwise.render(facts))


def _obstacle(check: Check, rule: CauseRule, facts: Mapping[str, object]) -> Obstacle:
    evidence = [e for name in rule.evidence for e in _evidence(facts[name])]
    return Obstacle(
        id=rule.id,
        check=check.id,
        layer=check.layer,
        summary=rule.say.render(facts),
        fix=rule.fix.render(facts),
        reply=tuple(word.render(facts) for word in rule.reply),
        confidence=rule.confidence,
        evidence=tuple(dict.fromkeys(evidence)),
    )


def _evidence(fact: object) -> tuple[Evidence, ...]:
    if isinstance(fact, Run):
        return (Evidence(fact.command, "\n".join(fact.output.splitlines()[:6])),)
    return tuple(getattr(fact, "evidence", ()))
