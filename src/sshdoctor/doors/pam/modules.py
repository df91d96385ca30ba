"""What the modules of Linux-PAM say, by their source: those that decide, and those that only look.

A module that is not here is unknown, and so is what hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sshdoctor.doors.factors import PASSWORD
from sshdoctor.doors.pam import conditions
from sshdoctor.doors.pam.codes import google_authenticator, oath, u2f
from sshdoctor.doors.pam.login import Login
from sshdoctor.doors.pam.stack import Handler
from sshdoctor.model import Unknown

Module = Callable[[Login, str, Handler], str]
"""What it returns in a phase (auth, account)."""


def call(login: Login, phase: str, line: Handler) -> str:
    """What the module of ``line`` returns. Raises Undecided."""
    known = login.setup.modules
    if known is not None and line.module not in known:
        return "module_unknown"
    module = _MODULES.get(line.module)
    if module is not None:
        return module(login, phase, line)
    if line.module in _LOOKERS:
        return "ignore"
    return unknown(login, line, f"the module {line.module} is not known here")


def established(login: Login, line: Handler) -> str:
    """What the module of ``line`` returns where credentials are established. Raises Undecided."""
    known = login.setup.modules
    if known is not None and line.module not in known:
        return "module_unknown"
    if line.module in _CREDENTIALS:
        return _CREDENTIALS[line.module]
    if line.module in _MODULES:
        return "success"
    if line.module in _LOOKERS:
        return "ignore"
    key = f"{login.service} {line.place} credentials"
    why = f"{line.place}: {line.text}: the module {line.module} is not known here"
    return login.guesses.ask(key, why, "success", "ignore")


def unknown(login: Login, line: Handler, why: str) -> str:
    """Whatever it may return. Raises Undecided."""
    key = f"{login.service} {line.place}"
    return login.guesses.ask(key, f"{line.place}: {line.text}: {why}", "success", "auth_err", "ignore")


def _unix(login: Login, phase: str, line: Handler) -> str:
    account, arguments = login.account, line.arguments
    if phase == "account":
        return _unix_account(login, line)
    if isinstance(account.credential, Unknown):
        return unknown(login, line, f"the password of {account.name}: {account.credential.reason}")
    nullok = any(word.startswith("nullok") for word in arguments)
    if account.credential == "empty" and nullok and login.nulls:
        return "success"
    typed = login.typed(arguments)
    if account.credential == "missing":
        return "authinfo_unavail"
    return "success" if account.credential == "set" and typed == PASSWORD else "auth_err"


def _unix_account(login: Login, line: Handler) -> str:
    account = login.account
    for value, name in ((account.state, "whether it has expired"), (account.age, "the age of its password")):
        if isinstance(value, Unknown):
            return unknown(login, line, f"{name}: {value.reason}")
    if account.state == "missing":
        return "success" if "broken_shadow" in line.arguments else "authinfo_unavail"
    if account.state != "open":
        return "acct_expired"
    return {"overdue": "authtok_expired", "change-due": "new_authtok_reqd"}.get(str(account.age), "success")


def _sss(login: Login, phase: str, line: Handler) -> str:
    """An account of this host's own files is none of sssd's."""
    if login.account.local:
        return "user_unknown"
    if phase == "account":
        return "success"
    return "success" if login.typed(line.arguments) == PASSWORD else "auth_err"


def _faillock(login: Login, phase: str, line: Handler) -> str:
    """As long as an account is not locked by its failures."""
    return "ignore" if "authfail" in line.arguments else "success"


def _says(word: str) -> Module:
    return lambda login, phase, line: word


def _env(login: Login, phase: str, line: Handler) -> str:
    return "ignore" if phase == "auth" else "service_err"


def _cap(login: Login, phase: str, line: Handler) -> str:
    return unknown(login, line, "whether a line of capability.conf is for it")


_LOOKERS: Sequence[str] = [
    "pam_debug",
    "pam_echo",
    "pam_faildelay",
    "pam_gnome_keyring",
    "pam_group",
    "pam_issue",
    "pam_keyinit",
    "pam_lastlog",
    "pam_limits",
    "pam_loginuid",
    "pam_mail",
    "pam_mkhomedir",
    "pam_motd",
    "pam_namespace",
    "pam_selinux",
    "pam_systemd",
    "pam_umask",
    "pam_warn",
    "pam_xauth",
]
_CREDENTIALS: Mapping[str, str] = {
    **dict.fromkeys(("pam_access", "pam_nologin", "pam_succeed_if", "pam_usertype", "pam_cap"), "ignore"),
    "pam_deny": "cred_err",
    "pam_group": "success",
    "pam_lastlog": "success",
}
"""What modules return where credentials are established, if not success."""
_MODULES: Mapping[str, Module] = {
    "pam_access": conditions.access,
    "pam_cap": _cap,
    "pam_deny": _says("auth_err"),
    "pam_env": _env,
    "pam_faillock": _faillock,
    "pam_google_authenticator": google_authenticator,
    "pam_listfile": conditions.listfile,
    "pam_localuser": conditions.localuser,
    "pam_nologin": conditions.nologin,
    "pam_oath": oath,
    "pam_permit": _says("success"),
    "pam_rootok": conditions.rootok,
    "pam_securetty": conditions.securetty,
    "pam_shells": conditions.shells,
    "pam_sss": _sss,
    "pam_succeed_if": conditions.succeed_if,
    "pam_tally2": _says("success"),
    "pam_time": conditions.time,
    "pam_u2f": u2f,
    "pam_unix": _unix,
    "pam_usertype": conditions.usertype,
    "pam_wheel": conditions.wheel,
}
