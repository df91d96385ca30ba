"""What is done behind the page: mails go out, hosts let an address in, and no longer after a day.

All that is to be done stands in the state file first: after a restart it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Protocol

from msgspec import Struct

from sshdoctor.unlock.limits import Limits
from sshdoctor.unlock.links import Signer
from sshdoctor.unlock.mail import Mailer, MailError
from sshdoctor.unlock.people import People
from sshdoctor.unlock.store import NOT_MAILED, Allowed, Link, Store, Work
from sshdoctor.unlock.words import ENGLISH, LANGUAGES, Language

_ATTEMPTS, _AT_ONCE, _LOOK_AGAIN = 3, 4, 30.0
_TELL_AFTER, _LONGEST_PAUSE = 6, 6 * 3600.0
_GIVEN_UP = "it was not known any more at which hosts"


class Outcome(Struct, frozen=True):
    """What came of a change at a host; ``changed`` is whether the list had to be changed for it."""

    ok: bool
    detail: str = ""
    changed: bool = False


class Hosts(Protocol):
    """What is done at a host, by its name."""

    async def let_in(self, host: str, address: str) -> Outcome:
        """End the bans of ``address`` there, and have it on the allow-list."""
        ...

    async def take_off(self, host: str, address: str) -> Outcome:
        """Off the allow-list again."""
        ...


class Worker:
    """``owners`` are told of every use, in ``language``; ``complain`` takes what names nobody."""

    def __init__(
        self,
        url: str,
        store: Store,
        people: People,
        signer: Signer,
        mailer: Mailer,
        hosts: Hosts,
        owners: Sequence[str],
        now: Callable[[], float],
        complain: Callable[[str], None],
        *,
        language: Language = ENGLISH,
        limits: Limits | None = None,
        tick: float = 1.0,
        pause: float = 10.0,
    ) -> None:
        self._url, self._store, self._people, self._signer = url, store, people, signer
        self._mailer, self._hosts, self._owners = mailer, hosts, tuple(owners)
        self._now, self._complain, self._language = now, complain, language
        self._limits, self._tick, self._pause = limits or Limits(), tick, pause
        self._woken = {name: asyncio.Event() for name in ("mail", "work")}
        self._places, self._busy = asyncio.Semaphore(_AT_ONCE), set[str]()

    def wake(self) -> None:
        for event in self._woken.values():
            event.set()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again_and_again("mail", self.mail))
            group.create_task(self._again_and_again("work", partial(self._start, group)))

    async def _again_and_again(self, name: str, step: Callable[[], Awaitable[bool]]) -> None:
        event = self._woken[name]
        while True:
            event.clear()
            try:
                well = await step()
            except Exception as error:  # a full disk, say: what waits stands in the file
                self._complain(f"the {name} waits: {type(error).__name__}")
                well = False
            if not well:
                await asyncio.sleep(self._pause)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), _LOOK_AGAIN)
            # Mails go at a beat of their own, so that no answer of the page tells that one goes.
            await asyncio.sleep(self._tick)

    async def mail(self) -> bool:
        """The links that were asked for, then what the owners are to know; whether all of it went."""
        well = all([await self._mail_link(link) for link in self._store.unmailed()])
        well = all([await self._tell_of(link) for link in self._store.untold()]) and well
        self._store.forget(self._now() - self._limits.kept)
        return well

    async def _mail_link(self, link: Link) -> bool:
        """A link that nobody is listed for goes the same way, up to the mail server."""
        now, language = self._now(), LANGUAGES[link.lang]
        many = self._store.mailed_to(link.person, now - 3600) >= self._limits.per_person
        if many or now - link.asked > self._limits.life:
            self._store.mailed(link.number, NOT_MAILED)
            return True
        person = self._people.find(link.person)
        to = person.mail.reveal() if person else self._owners[0]
        values = {"address": link.address, "url": f"{self._url}/link/{self._signer.token(link.number)}"}
        trouble = None
        if person is None:
            self._mailer.made("link", language, [to], **values)
        else:
            trouble = await self._trouble("link", language, [to], **values)
        if trouble and not trouble.final:
            return False
        self._store.mailed(link.number, NOT_MAILED if trouble else self._now())
        return True

    async def _tell_of(self, link: Link) -> bool:
        work, person = self._store.work(link.number), self._people.find(link.person)
        until = _moment((link.used or 0) + self._limits.allowed)
        lines = [
            (self._language.host_done if one.state == "done" else self._language.host_failed).format(
                host=one.host, until=until, detail=one.detail
            )
            for one in work
        ]
        values = {
            "person": person.mail.reveal() if person else "?",
            "address": link.address,
            "at": _moment(link.used or 0),
            "hosts": "\n".join(lines) or _GIVEN_UP,
        }
        if await self._trouble("used", self._language, self._owners, **values):
            return False
        self._store.told(link.number, self._now())
        return True

    async def _start(self, group: asyncio.TaskGroup) -> bool:
        """Hosts are worked at side by side, and each by one alone."""
        waiting = {one.host for one in self._store.work()}
        waiting |= {one.host for one in self._store.allowed() if self._is_due(one)}
        for host in waiting - self._busy:
            self._busy.add(host)
            group.create_task(self._work_at(host))
        return True

    async def _work_at(self, host: str) -> None:
        """What waits at one host, and what has ended there."""
        try:
            async with self._places:
                done = [await self._let_in(one) for one in self._store.work() if one.host == host]
                for ended in self._store.allowed():
                    if ended.host == host and self._is_due(ended):
                        await self._end(ended)
            if not all(done):
                await asyncio.sleep(self._pause)
        except Exception as error:  # one host's trouble is its own
            self._complain(f"a host waits: {type(error).__name__}")
            await asyncio.sleep(self._pause)
        finally:
            self._busy.discard(host)
            self.wake()

    async def _let_in(self, one: Work) -> bool:
        """Whether nothing is left to try."""
        link = self._store.link(one.link)
        if link is None:
            self._store.ended(one.number, "failed", _GIVEN_UP)
            return True
        until = (link.used or 0) + self._limits.allowed
        ours = self._store.allow(one.host, link.address, until)
        came = await self._hosts.let_in(one.host, link.address)
        if ours and not came.changed:  # who was on the list before us stays there
            self._store.taken_off(one.host, link.address)
        if came.ok:
            self._store.ended(one.number, "done", "")
            return True
        last = one.tries + 1 >= _ATTEMPTS
        self._store.ended(one.number, "failed" if last else "waiting", came.detail)
        return last

    def _is_due(self, one: Allowed) -> bool:
        return self._now() >= one.until + min(one.tries * 60 * self._pause, _LONGEST_PAUSE)

    async def _end(self, one: Allowed) -> None:
        came = await self._hosts.take_off(one.host, one.address)
        if came.ok:
            self._store.taken_off(one.host, one.address)
            return
        self._store.still_allowed(one)
        if one.tries + 1 == _TELL_AFTER:
            values = {"host": one.host, "address": one.address, "detail": came.detail}
            await self._trouble("stays", self._language, self._owners, **values)

    async def _trouble(
        self, name: str, language: Language, to: Sequence[str], **values: str
    ) -> MailError | None:
        """Sends a mail; None if it went."""
        try:
            await asyncio.to_thread(self._mailer.send, name, language, to, **values)
        except MailError as error:
            self._complain(str(error))
            return error
        return None


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S %Z}"
