"""Outside: dial the service under diagnosis, and log in on the connection that greeted first."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access import ask_own_client, offers_of, open_way
from sshdoctor.access.base import Access, LoginError, LoginFailure, Offers
from sshdoctor.errors import AccessError
from sshdoctor.model import Host, Login, Reply, WayIn
from sshdoctor.outside import DialResult, dial
from sshdoctor.services import Service, load, names, progress, works
from sshdoctor.services.base import GREETED, LOGIN_TRIED


class ProbeOptions(Struct, frozen=True, kw_only=True):
    """How to go about it; ``timeout`` in seconds for each answer that is waited for."""

    timeout: float
    outside_only: bool = False
    accept_new_host_key: bool = False
    deep: bool = False
    """Knock on other ports too, and find where the packets stop."""


class Outside(Struct, frozen=True, kw_only=True):
    """One reply for each address of the service; ``access`` is open if the login succeeded."""

    replies: tuple[Reply, ...]
    failure: LoginFailure | None = None
    access: Access | None = None
    witness: tuple[str, ...] = ()
    """What the person's own client said, where it was asked as well."""
    when: float | None = None
    """When the dialling began, in seconds since 1970."""
    offers: Offers = Offers()
    """What the client would have brought to a login, where the dial ended before one was tried."""
    unsent: int | None = None
    """How often this machine's kernel could not send a segment again meanwhile; None where it does not
    count."""


def known_services() -> tuple[str, ...]:
    """What may be asked to be diagnosed: one service, or all of a host's."""
    return (*names(), "all")


def look_outside(host: Host, probing: ProbeOptions) -> Outside:
    """Dial every address of ``host`` once; log in where a banner came first, on the same connection."""
    service = load(host.service)
    seen = _asked_of_client(host.login, service, _visit(host, service, probing), probing)
    if service.logs_in and not any(
        works(one.word) or progress(one.word) >= LOGIN_TRIED for one in seen.replies
    ):
        seen = replace(seen, offers=offers_of(host.login, service.offered_keys(host.login)))
    if not probing.deep or host.asked_from is not None:  # it would be this machine's way
        return seen
    from sshdoctor.outside.traceroute import look_around  # few ask for it

    return replace(seen, replies=look_around(seen.replies, service, probing.timeout))


def _visit(host: Host, service: Service, probing: ProbeOptions) -> Outside:
    if host.site is not None:
        if host.asked_from is not None:
            from sshdoctor.diagnosis.elsewhere import ask_from  # few ask so

            return Outside(replies=ask_from(host.asked_from, host.login, host.site, service.visit, probing))
        from sshdoctor.outside.site import ask  # only sites are asked

        return Outside(replies=ask(host.login, host.site, service.visit, probing.timeout))
    if host.login.jumps or host.login.fault or "proxycommand" in host.login.options:
        return _through_jumps(host.login, host.way_by_service, probing)
    met = dial(host.login, service, probing.timeout)
    greeted = greeted_first(met)
    if greeted is None or host.ways[0].connection == "local" or not service.logs_in:
        _close(greeted)
        return Outside(replies=tuple(one.reply for one in met))
    word, failure, access = _log_in(host.way_by_service, greeted, probing)
    replies = tuple(_answered(one.reply, word, failure) if one is greeted else one.reply for one in met)
    return Outside(replies=replies, failure=failure, access=access)


def _asked_of_client(login: Login, service: Service, seen: Outside, probing: ProbeOptions) -> Outside:
    """The same, by the person's own client where the library may have done otherwise: its reply stands.

    Unless it only got in by waiting longer than was to be waited: a login for which one gives up is none.
    """
    reply = next((one for one in seen.replies if progress(one.word) >= GREETED), None)
    if reply is None or reply.stage or not service.logs_in:
        return seen
    answer = ask_own_client(login, reply.word, probing.timeout)
    if answer is None:
        return seen
    failure = seen.failure
    if failure and failure.unanswered and works(answer.word) and answer.seconds >= probing.timeout:
        after = f"{reply.detail}; {service.client} itself got in after {answer.seconds:.0f} s"
        return replace(_told(seen, reply, reply.word, after), failure=replace(failure, late=answer.seconds))
    word = answer.word or reply.word
    last = answer.lines[-1].removeprefix("debug1: ") if answer.lines else word
    detail = reply.detail if word == reply.word else f"{service.client} itself: {last}"
    return replace(_told(seen, reply, word, detail), witness=answer.lines)


def _told(seen: Outside, reply: Reply, word: str, detail: str | None) -> Outside:
    """With another word and detail in the place of one reply's."""
    told = replace(reply, word=word, detail=detail)
    return replace(seen, replies=tuple(told if one is reply else one for one in seen.replies))


def greeted_first(met: Sequence[DialResult]) -> DialResult | None:
    """The first that was greeted, its connection open; those of the others are closed."""
    greeted = next((one for one in met if one.socket is not None), None)
    for one in met:
        if one is not greeted:
            _close(one)
    return greeted


def _close(met: DialResult | None) -> None:
    if met is not None and met.socket is not None:
        met.socket.close()


def _log_in(
    way: WayIn, met: DialResult, probing: ProbeOptions
) -> tuple[str, LoginFailure | None, Access | None]:
    began = time.monotonic()
    try:
        access = open_way(
            way, socket=met.socket, timeout=probing.timeout, accept_new_host_key=probing.accept_new_host_key
        )
    except AccessError as error:
        failure = error.failure if isinstance(error, LoginError) else None
        plain = LoginFailure(word=error.word, detail=error.detail, stage=error.stage)
        return error.word, replace(failure or plain, seconds=time.monotonic() - began), None
    return "ok", None, access


def _answered(reply: Reply, word: str, failure: LoginFailure | None) -> Reply:
    return replace(reply, word=word, detail=failure.detail if failure else reply.detail)


def _through_jumps(login: Login, way: WayIn, probing: ProbeOptions) -> Outside:
    word, failure, access = _log_in(
        way, DialResult(Reply(address=None, family=None, port=login.port, word="")), probing
    )
    reply = Reply(
        address=login.address,
        family=None,
        port=login.port,
        word=word,
        detail=failure.detail if failure else None,
        stage=failure.stage if failure else "",
    )
    return Outside(replies=(reply,), failure=failure, access=access)
