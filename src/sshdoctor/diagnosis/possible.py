"""What a reply alone leaves possible, most common first, and the next observation that would settle each.

For a host that nobody could look into. None of these is found: each only gives the reply that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from shlex import quote

from msgspec.structs import replace

from sshdoctor.checks.load import Check
from sshdoctor.checks.suspects import Suspect, suspected
from sshdoctor.model import Cause, Evidence, Login, Reply
from sshdoctor.services import Service, works

MOST = 6
_ANSWERS = ("silence", "local-unreachable", "unreachable")


def possible_causes(
    checks: Sequence[Check], service: Service, login: Login, replies: Sequence[Reply]
) -> tuple[Cause, ...]:
    """What may give the replies with which nobody gets in, each with confidence "possible", once."""
    suspects = _suspects(checks, service)
    failed = [reply for reply in replies if not works(reply.word)]
    ranks = zip_longest(*(_of_reply(suspects, login, reply) for reply in failed))
    found: dict[str, Cause] = {}
    for cause in (cause for rank in ranks for cause in rank if cause):
        found.setdefault(cause.id, cause)
    return tuple(found.values())[:MOST]


def possible_behind(checks: Sequence[Check], service: Service, word: str) -> tuple[Suspect, ...]:
    """What the reply ``word`` alone may come from, most common first."""
    return suspected(_suspects(checks, service), word)


def named_for(checks: Sequence[Check], word: str) -> tuple[str, ...]:
    """The causes that ``checks`` name for the reply ``word``."""
    found = {
        rule.id
        for check in checks
        for rule in check.causes
        if {word, "any"} & {"".join(map(str, sentence.parts)) for sentence in rule.reply}
    }
    return tuple(sorted(found))


def _suspects(checks: Sequence[Check], service: Service) -> list[Suspect]:
    return [one for check in checks for one in check.suspects if one.service == service.name]


def _of_reply(suspects: Sequence[Suspect], login: Login, reply: Reply) -> tuple[Cause, ...]:
    names = {"port": str(reply.port), "address": reply.address or login.address}
    typed = {name: quote(value) for name, value in names.items()}
    evidence = tuple(_evidence(reply))
    guesses = _with_neighbours(suspects, reply)
    return tuple(
        Cause(
            id=guess.id,
            role="root",
            confidence="possible",
            layer=guess.layer,
            summary=guess.say.format_map(names),
            evidence=evidence if number == 0 else (),
            fix=f"To settle it: {_how(guess, reply).format_map(typed)}",
        )
        for number, guess in enumerate(guesses)
    )


def _how(guess: Suspect, reply: Reply) -> str:
    """What would settle it, and has not been asked for yet."""
    return f"{guess.settle} {guess.closer}" if guess.closer and reply.neighbours is None else guess.settle


def _with_neighbours(suspects: Sequence[Suspect], reply: Reply) -> tuple[Suspect, ...]:
    """In the order that a closer look suggests: a host that answers elsewhere is up, one that answers nowhere
    may not be; a server on another port may be the one that was meant."""
    guesses = suspected(suspects, reply.word)
    if reply.neighbours is None:
        return guesses
    greeting = [one.port for one in reply.neighbours if works(one.reply)]
    if greeting:
        found = [_elsewhere(one, greeting[0]) for one in suspects if one.elsewhere]
        guesses = (*found, *(one for one in guesses if one.id not in {each.id for each in found}))
    if reply.word != "silence":
        return guesses
    answering = [one.port for one in reply.neighbours if one.reply not in _ANSWERS]
    down = [one for one in guesses if one.id == "host-down" and not answering]
    return (*down, *(one for one in guesses if one.id != "host-down"))


def _elsewhere(guess: Suspect, port: int) -> Suspect:
    """What is said where the service greets on ``port``, and not where it was dialled."""
    say, settle = (text.replace("{other}", str(port)) for text in guess.elsewhere or ("", ""))
    return replace(guess, say=say, settle=settle)


def _evidence(reply: Reply) -> Iterator[Evidence]:
    where = f"[{reply.address}]" if ":" in (reply.address or "") else reply.address
    yield Evidence(
        f"dialling {where}:{reply.port}", f"{reply.word}{f': {reply.detail}' if reply.detail else ''}"
    )
    if reply.neighbours:
        yield Evidence(
            f"dialling other ports of {where}",
            ", ".join(f"{one.port}: {one.reply}" for one in reply.neighbours),
        )
    if reply.path is not None:
        last = reply.path[-1] if reply.path else None
        spoke = f"the last that answered is {last.sender}, hop {last.number}" if last else "no router answers"
        yield Evidence(f"raising the hop limit towards {where}", spoke)
