"""The command ``unlock``: the page by which a person who was banned lets their own address in again."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.commands.shared.host_task import NO_HOST
from sshdoctor.commands.shared.options import Options, hosts_of, show_text
from sshdoctor.errors import UsageError
from sshdoctor.model import Host, Secret, endpoint, is_mail_address
from sshdoctor.reports.layout.printable import printable
from sshdoctor.unlock.client import Clients, proxies
from sshdoctor.unlock.extra import require
from sshdoctor.unlock.mail import Mailer, server_of
from sshdoctor.unlock.people import People
from sshdoctor.unlock.words import LANGUAGES

if TYPE_CHECKING:
    import socket

    from sshdoctor.unlock.store import Store


class UnlockOptions(Struct, frozen=True, kw_only=True):
    """What ``unlock`` was asked beside what every command about hosts is."""

    url: str
    sender: str
    owners: tuple[str, ...]
    state: str
    listen: str
    smtp: str
    password_file: str
    proxies: tuple[str, ...]


def run_unit() -> int:
    """Print a unit of systemd for what was typed."""
    from sshdoctor.commands.shared.unit import unit

    show_text(unit(sys.argv[1:], "unlock", "the page by which one who was banned gets in again"))
    return 0


def run(options: Options, wish: UnlockOptions, *, serve: bool) -> int:
    """Serve the page until it is ended. Raises InputError."""
    if not serve:
        raise UsageError("unlock --serve serves the page (docs/unlock.md); an address by hand: unban, allow")
    require()
    from sshdoctor.unlock.server import base_url, listening_at
    from sshdoctor.unlock.store import Store

    _refuse(options)
    options = replace(options, pattern="all") if options.pattern == NO_HOST else options
    hosts, url, mailer = _listed(hosts_of(options)), base_url(wish.url), _mailer(wish)
    if not wish.owners:
        raise UsageError("--owner ADDRESS is missing: who is told by mail of every use")
    if not wish.state:
        raise UsageError("--state FILE is missing: in it links and what is to be done are remembered")
    for owner in wish.owners:
        _check_mail("--owner", owner)
    clients = Clients(proxies(wish.proxies))
    store = Store(Path(wish.state))
    try:
        listening = listening_at(wish.listen)
        asyncio.run(_serve(options, wish, hosts, url, mailer, clients, store, listening))
        return 0
    finally:
        store.close()


async def _serve(
    options: Options,
    wish: UnlockOptions,
    hosts: Sequence[Host],
    url: str,
    mailer: Mailer,
    clients: Clients,
    store: Store,
    listening: socket.socket,
) -> None:
    from sshdoctor.commands.unlock.at_hosts import AtHosts
    from sshdoctor.unlock.app import Door
    from sshdoctor.unlock.server import serve
    from sshdoctor.unlock.worker import Worker

    people = People({host.name: host.unlock for host in hosts}, store.key)
    door = Door(url, store, people, clients, time.time, complain=_say)
    worker = Worker(
        url,
        store,
        people,
        door.signer,
        mailer,
        AtHosts(_again(options)),
        wish.owners,
        time.time,
        _say,
        language=LANGUAGES[options.lang],
    )
    door.wake = worker.wake
    place = endpoint(*listening.getsockname()[:2])
    told = f"hosts: {len(hosts)}; listening at {place} for {url}; Ctrl-C ends it"
    await serve(door.app(), worker, listening, partial(_say, told, quiet=options.quiet))


def _refuse(options: Options) -> None:
    """What would mean nothing here. Raises UsageError."""
    if options.lang not in LANGUAGES:
        raise UsageError(f"--lang {options.lang}: there are {', '.join(LANGUAGES)}")
    if options.extra_vars or options.login.flags:
        raise UsageError("unlock asks nobody, and takes what it needs from the inventory: no -e, -k, -K, -b")
    if options.format != "text" or options.output or options.only or options.mask or options.outside_only:
        raise UsageError("unlock writes no report: no --format, --output, --only, --mask, --outside-only")


def _again(options: Options) -> tuple[str, ...]:
    """The options with which `allow` and `unban` mean the same hosts."""
    accepted = ("--accept-new-host-key",) if options.accept_new_host_key else ()
    return (*options.again, "--timeout", options.timeout, *accepted)


def _mailer(wish: UnlockOptions) -> Mailer:
    _check_mail("--mail-from", wish.sender)
    return Mailer(server_of(wish.smtp, _password(wish.password_file)), wish.sender)


def _listed(hosts: Sequence[Host]) -> list[Host]:
    """Those at which somebody may be let in. Raises UsageError."""
    found = [host for host in hosts if host.unlock]
    for host in found:
        if host.managed:
            _say(f"{host.name} is run by {host.managed}: nothing is changed there")
    found = [host for host in found if not host.managed]
    if not found:
        raise UsageError("nobody may let themselves in: no host that is meant has sshdoctor_unlock")
    return found


def _check_mail(flag: str, text: str) -> None:
    if not is_mail_address(text):
        raise UsageError(f"{flag} {text}: a mail address is needed, as ann@example.org")


def _password(file: str) -> Secret | None:
    if not file:
        return None
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--smtp-password-file {file}: {getattr(error, 'strerror', 'no text')}") from None
    return Secret(text.rstrip("\n"))


def _say(what: str, *, quiet: bool = False) -> None:
    if not quiet:
        print(printable(f"sshdoctor: {what}"), file=sys.stderr, flush=True)
