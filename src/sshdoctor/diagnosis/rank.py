"""Predict, compare, rank: which obstacle answers this client now, which waits behind it, which sleeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from sshdoctor.checks.evaluate import Evaluated, Obstacle
from sshdoctor.model import Cause, Confidence, Evidence, Proof, Role, Unknown
from sshdoctor.services import Service, progress, works
from sshdoctor.services.base import GREETED

_WEAKER: dict[str, Confidence] = {"proved": "likely", "likely": "likely", "possible": "possible"}


class Expectation(Struct, frozen=True, kw_only=True):
    """What a client must see by what the host says (a fact, for the checks that compare)."""

    predicted: str | Unknown
    why: str
    explains: bool
    """Something that the host says makes a client see just the reply that was seen."""
    evidence: tuple[Evidence, ...] = ()


def predict(judged: Iterable[Evaluated], reply: str, service: Service) -> Expectation:
    """The reply that the first obstacle on the way gives; the greeting of ``service`` if the way is clear.

    Unknown if something on the way could not be seen. What the client has come past for certain
    (``reply`` is further along) cannot be an obstacle, and is not asked to be known.
    """
    way = [one for one in judged if one.check.layer in service.way]
    explains = any(one.obstacle and _explains(one.obstacle, reply) for one in way)
    unseen: str | None = None
    for one in way:
        if one.status == "unknown" and progress(reply) < GREETED:
            unseen = unseen or f'"{one.check.title}" has no answer'
        obstacle = one.obstacle
        if obstacle is None or not obstacle.reply or _passed(obstacle, reply):
            continue
        if _explains(obstacle, reply):
            word = reply if reply in obstacle.reply else obstacle.reply[0]
            foretold = Unknown("it is another machine's answer") if word == "any" else word
            return Expectation(predicted=foretold, why=one.summary, explains=True)
        if unseen is None and obstacle.confidence == "proved":
            return Expectation(predicted=obstacle.reply[0], why=one.summary, explains=explains)
    if unseen is not None:
        return Expectation(predicted=Unknown(unseen), why=unseen, explains=explains)
    clear = "Nothing that the host says stands in the way."
    return Expectation(predicted=service.working[0], why=clear, explains=explains)


def agrees(predicted: str | Unknown, reply: str) -> bool | None:
    """Whether the prediction is what was seen; None where it is not known, or too coarse to tell."""
    if isinstance(predicted, Unknown):
        return None
    if works(predicted):
        return progress(reply) >= GREETED
    if reply in ("refused", "unreachable"):
        return None if predicted == "rst" or predicted.startswith("icmp") else False
    return predicted == reply


def rank(judged: Sequence[Evaluated], reply: str) -> tuple[Cause, ...]:
    """The causes for one address, the one that answers the client first.

    ``judged`` in the order of the packet's way.
    """
    obstacles = [one.obstacle for one in judged if one.obstacle]
    stopping = [o for o in obstacles if o.reply and not _passed(o, reply)]
    root = min((o for o in stopping if _explains(o, reply)), key=_doubt, default=None)
    doubtful = root is not None and (
        any(_doubt(o) == 0 for o in stopping[: stopping.index(root)]) or not _excluded(judged, root, reply)
    )
    causes = [_cause(root, "root", _confidence(root, reply, doubtful))] if root else []
    causes += [_cause(o, "behind", _WEAKER[o.confidence]) for o in stopping if o is not root]
    causes += [_cause(o, "latent", _WEAKER[o.confidence]) for o in obstacles if not o.reply]
    return tuple(causes)


def _excluded(judged: Iterable[Evaluated], root: Obstacle, reply: str) -> bool:
    """Whether every other cause of this reply that comes before ``root`` was looked at, and is not there."""
    for one in judged:
        others = [replies for cause, replies in one.open if cause != root.id]
        if any(reply in replies or "any" in replies for replies in others):
            return False
        if one.obstacle is root:
            return True
    return True


def _doubt(obstacle: Obstacle) -> int:
    """Below 0 for what the host itself said, 0 for what is seen on it, more for what is only inferred."""
    if obstacle.said:
        return -1
    return ("any" in obstacle.reply) * 3 + ("proved", "likely", "possible").index(obstacle.confidence)


def _passed(obstacle: Obstacle, reply: str) -> bool:
    """The client came further than this obstacle would let it: it does not stop this client."""
    if obstacle.said and not obstacle.of_start:
        return works(reply)
    return all(progress(word) < progress(reply) for word in obstacle.reply if word != "any") and (
        "any" not in obstacle.reply or works(reply)
    )


def _explains(obstacle: Obstacle, reply: str) -> bool:
    if (obstacle.said and not obstacle.of_start) or reply in obstacle.reply or "any" in obstacle.reply:
        return True
    coarse = {"refused": ("rst", "icmp"), "unreachable": ("icmp", "local-unreachable")}.get(reply, ())
    return any(word.startswith(coarse) for word in obstacle.reply) if coarse else False


def _confidence(obstacle: Obstacle, reply: str, doubtful: bool) -> Confidence:
    if obstacle.said:
        return "proved"
    if obstacle.confidence == "proved" and reply in obstacle.reply and not doubtful:
        return "proved"
    return _WEAKER[obstacle.confidence]


def _cause(obstacle: Obstacle, role: Role, confidence: Confidence) -> Cause:
    return Cause(
        id=obstacle.id,
        role=role,
        confidence=confidence,
        proof=_proof(obstacle, confidence),
        layer=obstacle.layer,
        summary=obstacle.summary,
        evidence=obstacle.evidence,
        fix=obstacle.fix,
    )


def _proof(obstacle: Obstacle, confidence: Confidence) -> Proof | None:
    if confidence != "proved":
        return None
    return "said" if obstacle.said else "excluded"


def merge(per_address: Iterable[tuple[Cause, ...]]) -> tuple[Cause, ...]:
    """The causes of all addresses of one name: each id once, roots first, in its strongest form."""
    strength = {"root": 0, "behind": 1, "latent": 2, "proved": 0, "likely": 1, "possible": 2}
    best: dict[str, Cause] = {}
    for cause in (c for causes in per_address for c in causes):
        known = best.get(cause.id)
        if known is None or (strength[cause.role], strength[cause.confidence]) < (
            strength[known.role],
            strength[known.confidence],
        ):
            best[cause.id] = cause
    return tuple(sorted(best.values(), key=lambda c: strength[c.role]))
