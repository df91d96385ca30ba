"""What a reply alone leaves possible, most common first, and the next observation that would settle each.

For a host that nobody could look into. None of these is found: each only gives the reply that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from shlex import quote

from sshdoctor.model import Cause, Evidence, Login, Reply
from sshdoctor.services import Service, works
from sshdoctor.services.base import Hypothesis

MOST = 6
_ANSWERS = ("silence", "local-unreachable", "unreachable")


def possible_causes(service: Service, login: Login, replies: Sequence[Reply]) -> tuple[Cause, ...]:
    """What may give the replies with which nobody gets in, each with confidence "possible", once."""
    failed = [reply for reply in replies if not works(reply.word)]
    ranks = zip_longest(*(_of_reply(service, login, reply) for reply in failed))
    found: dict[str, Cause] = {}
    for cause in (cause for rank in ranks for cause in rank if cause):
        found.setdefault(cause.id, cause)
    return tuple(found.values())[:MOST]


def _of_reply(service: Service, login: Login, reply: Reply) -> tuple[Cause, ...]:
    names = {"port": str(reply.port), "address": reply.address or login.address}
    typed = {name: quote(value) for name, value in names.items()}
    evidence = tuple(_evidence(reply))
    guesses = _with_neighbours(service, reply)
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


def _how(guess: Hypothesis, reply: Reply) -> str:
    """What would settle it, and has not been asked for yet."""
    return f"{guess.settle} {guess.closer}" if guess.closer and reply.neighbours is None else guess.settle


def _with_neighbours(service: Service, reply: Reply) -> tuple[Hypothesis, ...]:
    """In the order that a closer look suggests: a host that answers elsewhere is up, one that answers nowhere
    may not be; a server on another port may be the one that was meant."""
    guesses = service.hypotheses(reply.word)
    if reply.neighbours is None:
        return guesses
    greeting = [one.port for one in reply.neighbours if works(one.reply)]
    if greeting:
        found = service.elsewhere(greeting[0])
        guesses = (found, *(one for one in guesses if one.id != found.id))
    if reply.word != "silence":
        return guesses
    answering = [one.port for one in reply.neighbours if one.reply not in _ANSWERS]
    down = [one for one in guesses if one.id == "host-down" and not answering]
    return (*down, *(one for one in guesses if one.id != "host-down"))


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
