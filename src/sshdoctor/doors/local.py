"""The doors of who is here already: su, sudo, the console."""

from __future__ import annotations

from sshdoctor.doors.factors import ANYBODY, NOBODY, Sets, smallest
from sshdoctor.doors.model import Account, Setup
from sshdoctor.doors.pam.service import Service
from sshdoctor.doors.undecided import Guesses, Undecided
from sshdoctor.model import Unknown

_SOMEBODY = Account(name="nobody", uid=65534, gid=65534, groups=("nogroup",))


def su_door(setup: Setup, account: Account, guesses: Guesses) -> Sets:
    """What su asks of those who are not root to become ``account``. Raises Undecided."""
    if "su" not in setup.programs or not account.has_shell:
        return NOBODY
    callers = [one for one in setup.accounts if one.uid and one.name != account.name and one.has_shell]
    found = (
        Service(setup, "su", guesses, caller=caller).entered(account) for caller in callers or [_SOMEBODY]
    )
    return smallest(one for sets in found for one in sets)


def console_door(setup: Setup, account: Account, guesses: Guesses) -> Sets:
    """What login asks at the host's own console. Raises Undecided."""
    if "login" not in setup.programs or not account.has_shell:
        return NOBODY
    service = Service(setup, "login", guesses)
    if account.autologin:
        return service.accepted(account)
    return service.entered(account)


def sudo_door(setup: Setup, account: Account, guesses: Guesses) -> Sets | None:
    """What sudo asks of ``account``, logged in, before it gives another's rights; None if it gives none."""
    if isinstance(account.sudo, Unknown):
        raise Undecided("sudo", f"what sudo allows {account.name}: {account.sudo.reason}")
    if not account.sudo or "sudo" not in setup.programs or account.uid == 0:
        return None
    service = Service(setup, "sudo", guesses, caller=account)
    if any("NOPASSWD:" in rule for rule in account.sudo):
        return ANYBODY if service.accepted(account) else NOBODY
    return service.entered(account, credentials="none")
