"""The door of Dropbear: its command line decides, and no PAM (svr-auth*.c, svr-runopts.c)."""

from __future__ import annotations

from sshdoctor.doors.factors import NOBODY, Sets, both, smallest
from sshdoctor.doors.model import Account, Server, Setup
from sshdoctor.doors.undecided import Guesses, Undecided
from sshdoctor.model import Unknown


def dropbear_door(setup: Setup, server: Server, account: Account, address: str, guesses: Guesses) -> Sets:
    """The sets of factors that get an account in. Raises Undecided."""
    flags = {letter for word in server.arguments if word[:1] == "-" for letter in word[1:]}
    if not account.shell_listed or not account.has_shell:
        return NOBODY
    if account.uid == 0 and "w" in flags:
        return NOBODY
    keys, password = _by_key(server, account), _by_password(account, flags)
    return both(keys, password) if "t" in flags else smallest(keys | password)


def _by_key(server: Server, account: Account) -> Sets:
    files = server.key_files.get(account.name, Unknown("they were not read"))
    if isinstance(files, Unknown):
        raise Undecided("keys", f"the keys of {account.name}: {files.reason}")
    found = set()
    for file in files:
        if isinstance(file.keys, Unknown):
            raise Undecided("keys", f"{file.path}: {file.keys.reason}")
        if not file.unsafe:
            found |= {frozenset({key.factor}) for key in file.keys}
    return frozenset(found)


def _by_password(account: Account, flags: set[str]) -> Sets:
    if "s" in flags or (account.uid == 0 and "g" in flags):
        return NOBODY
    if isinstance(account.credential, Unknown):
        raise Undecided("password", f"the password of {account.name}: {account.credential.reason}")
    if account.credential == "empty":
        return frozenset({frozenset[str]()}) if "B" in flags else NOBODY
    return frozenset({frozenset({"password"})}) if account.credential == "set" else NOBODY
