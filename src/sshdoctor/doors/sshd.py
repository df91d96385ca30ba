"""The door of OpenSSH's server: who may come at all, which methods are asked for, and what each takes.

Sources: auth.c (allowed_user, auth_root_allowed), auth2.c (userauth_finish, AuthenticationMethods),
auth-pam.c, auth-passwd.c; sshd_config(5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sshdoctor.doors.factors import ANYBODY, NOBODY, Sets, both, smallest
from sshdoctor.doors.keys import Asked, combinations, taken
from sshdoctor.doors.model import Account, Server, Setup
from sshdoctor.doors.pam.service import Service
from sshdoctor.doors.patterns import fits, fits_user
from sshdoctor.doors.undecided import Guesses, Undecided
from sshdoctor.model import Unknown

_BY_KEY = ("publickey", "hostbased", "gssapi-with-mic")
_SHUT = ("/nologin", "/false")


def sshd_door(
    setup: Setup, server: Server, account: Account, address: str, guesses: Guesses, port: int | None = None
) -> Sets:
    """The sets of factors that get an account in from an address, or a network's first, at a port. Raises
    Undecided."""
    settings = server.settings_of(account.name, address, port)
    if settings is None:
        reason = (
            server.settings.reason if isinstance(server.settings, Unknown) else "sshd -T said nothing of it"
        )
        raise Undecided("settings", reason)
    address = address.partition("/")[0]
    files = server.key_files.get(account.name, Unknown("they were not read"))
    asked = Asked(
        setup,
        account,
        settings,
        files,
        address,
        guesses,
        server.commanded.get(account.name),
        server.principal_files.get(account.name),
    )
    if not _may_come(asked) or server.chroots.get(account.name) or _is_shut(asked):
        return NOBODY
    service = Service(setup, settings.get("pamservicename", ("sshd",))[0], guesses, address=address)
    passed = smallest(one for methods in _lists(asked) for one in _Methods(asked, service).passed(methods))
    if not passed:
        return NOBODY
    return both(passed, service.accepted(account) if _uses_pam(asked) else _accepted_without_pam(asked))


def _uses_pam(asked: Asked) -> bool:
    return asked.one("usepam", "no") == "yes"


def _accepted_without_pam(asked: Asked) -> Sets:
    shut = asked.setup.files.get("/etc/nologin") is not None and asked.account.uid
    return NOBODY if shut or asked.account.state == "expired" else ANYBODY


def _may_come(asked: Asked) -> bool:
    """As allowed_user() has it."""
    account = asked.account
    locked = isinstance(account.credential, str) and account.credential.startswith("locked")
    if not _uses_pam(asked) and locked:
        return False
    if asked.one("chrootdirectory") == "none" and not account.shell_runs:
        return False
    lists = {name: asked.settings.get(name, ()) for name in _LISTS}
    users = [any(fits_user(it, account.name, asked.address) for it in lists[name]) for name in _LISTS[:2]]
    groups = [any(fits(it, group) for it in lists[name] for group in account.groups) for name in _LISTS[2:]]
    if users[0] or (lists["allowusers"] and not users[1]):
        return False
    return not groups[0] and (not lists["allowgroups"] or groups[1])


_LISTS = ("denyusers", "allowusers", "denygroups", "allowgroups")


def _is_shut(asked: Asked) -> bool:
    """A command in place of the shell, or the shell itself, that does nothing."""
    forced = asked.one("forcecommand")
    words = forced.split()
    if forced == "none" or not words:
        return asked.account.shell.endswith(_SHUT)
    return words[0].endswith(_SHUT) or (asked.account.shell.endswith(_SHUT) and forced != "internal-sftp")


def _lists(asked: Asked) -> Iterator[tuple[str, ...]]:
    """The lists of methods, each of which is enough."""
    said = [word for value in asked.settings.get("authenticationmethods", ("any",)) for word in value.split()]
    if said in ([], ["any"]):
        yield from (
            (name,) for name in ("publickey", "password", "keyboard-interactive", "none", "hostbased")
        )
        return
    yield from (tuple(word.partition(":")[0] for word in each.split(",")) for each in said)


class _Methods:
    """What sshd's methods take, of one who comes."""

    def __init__(self, asked: Asked, service: Service) -> None:
        self._asked, self._service = asked, service

    def passed(self, methods: Sequence[str]) -> Sets:
        """The sets of factors that pass all of a list."""
        asked = self._asked
        root = asked.one("permitrootlogin", "prohibit-password") if asked.account.uid == 0 else "yes"
        if root == "no" or (root in ("prohibit-password", "without-password") and {*methods} - {*_BY_KEY}):
            return NOBODY
        found = ANYBODY
        bound = root == "forced-commands-only"
        if bound and {*methods} != {"publickey"}:  # a second method is refused for root then (measured)
            return NOBODY
        for method, times in Counter(methods).items():
            sets = self._by_keys(times, bound=bound) if method == "publickey" else self._by(method)
            found = both(found, sets)
        return found

    def _by_keys(self, times: int, *, bound: bool) -> Sets:
        held = [one for one in taken(self._asked) if one.command or not bound]
        return smallest(combinations(held, times))

    def _by(self, method: str) -> Sets:
        asked = self._asked
        if method == "password" and asked.one("passwordauthentication", "yes") == "yes":
            return self._by_password()
        if method == "keyboard-interactive" and self._is_interactive():
            return self._service.authenticated(asked.account, nulls=self._nulls, credentials="anew")
        if method == "none":
            return self._without_password()
        if method in _BY_KEY and asked.one(f"{method.partition('-')[0]}authentication", "no") == "yes":
            why = f"{method} is allowed, and what it takes is not known here"
            return ANYBODY if asked.guesses.ask(method, why, "nobody", "somebody") == "somebody" else NOBODY
        return NOBODY

    @property
    def _nulls(self) -> bool:
        return self._asked.one("permitemptypasswords", "no") == "yes"

    def _is_interactive(self) -> bool:
        """An sshd before 8.7 has two words for it, of which the second holds for all: both must say yes."""
        words = ("kbdinteractiveauthentication", "challengeresponseauthentication")
        said = [self._asked.one(name) for name in words if name in self._asked.settings]
        return _uses_pam(self._asked) and {*said} == {"yes"}

    def _by_password(self) -> Sets:
        account = self._asked.account
        if account.uid == 0 and self._asked.one("permitrootlogin", "prohibit-password") != "yes":
            return NOBODY
        if _uses_pam(self._asked):
            return self._service.authenticated(account, nulls=self._nulls, single=True)
        if isinstance(account.credential, Unknown):
            raise Undecided("password", f"the password of {account.name}: {account.credential.reason}")
        if account.credential == "empty" and self._nulls:
            return ANYBODY
        return frozenset({frozenset({"password"})}) if account.credential == "set" else NOBODY

    def _without_password(self) -> Sets:
        """The method none: an empty password, where those are allowed."""
        allowed = self._nulls and self._asked.one("passwordauthentication", "yes") == "yes"
        return ANYBODY if allowed and self._asked.account.credential == "empty" else NOBODY
