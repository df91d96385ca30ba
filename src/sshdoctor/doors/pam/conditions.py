"""The modules that ask nothing: they look at who comes, from where, and at what files say of him.

Sources: pam_access.c, pam_listfile.c, pam_nologin.c, pam_rootok.c, pam_securetty.c, pam_shells.c,
pam_succeed_if.c, pam_usertype.c, pam_wheel.c of Linux-PAM.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sshdoctor.doors.pam.login import Login
from sshdoctor.doors.pam.origins import Origin, decision
from sshdoctor.doors.pam.stack import Handler
from sshdoctor.doors.patterns import fits

_TTY = "tty1"


def _unseen(login: Login, line: Handler, what: str, *choices: str) -> str:
    why = f"{line.place}: {line.text}: {what}"
    return login.guesses.ask(f"{login.service} {line.place}", why, *(choices or ("success", "auth_err")))


def _option(arguments: Sequence[str], name: str, usual: str = "") -> str:
    said = [word[len(name) + 1 :] for word in arguments if word.startswith(f"{name}=")]
    return said[-1] if said else usual


def _lines(login: Login, path: str) -> tuple[str, ...] | str | None:
    """The lines of a file, None where it is not there, "unseen" where nobody looked."""
    return login.setup.files.get(path, "unseen")


def access(login: Login, phase: str, line: Handler) -> str:
    path = _option(line.arguments, "accessfile", "/etc/security/access.conf")
    rules = _lines(login, path)
    if isinstance(rules, str) or any(word.startswith(("fieldsep=", "listsep=")) for word in line.arguments):
        return _unseen(login, line, f"{path} was not seen", "success", "perm_denied")
    account = login.account
    terminal = _TTY if login.service == "login" else "pts/0"
    origin = Origin(
        user=account.name,
        groups=account.groups,
        address=login.address,
        terminal=terminal,
        brackets="nodefgroup" in line.arguments,
    )
    found = decision(rules or (), origin)
    if found is None:
        return _unseen(login, line, f"a line of {path} hangs on names", "success", "perm_denied")
    return "success" if found else "perm_denied"


def listfile(login: Login, phase: str, line: Handler) -> str:
    options = dict(word.partition("=")[::2] for word in line.arguments)
    failing = "success" if options.get("onerr") == "succeed" else "service_err"
    item, sense = options.get("item", ""), options.get("sense", "")
    if sense not in ("allow", "deny") or not item or "file" not in options:
        return failing
    applied = options.get("apply", "")
    if applied:
        member = applied[1:] in login.account.groups if applied[0] == "@" else applied == login.account.name
        if not member:
            return "ignore"
    lines = _lines(login, options["file"])
    if isinstance(lines, str):
        return _unseen(login, line, f"{options['file']} was not seen")
    if lines is None:
        return failing
    about = {
        "user": (login.account.name,),
        "group": login.account.groups,
        "shell": (login.account.shell,),
        "rhost": (login.address,),
        "tty": ("ssh" if login.address else _TTY,),
        "ruser": (login.caller.name if login.caller else "",),
    }
    if item not in about:
        return failing
    listed = any(word.strip() in about[item] for word in lines if word.strip())
    return "success" if listed == (sense == "allow") else "auth_err"


def localuser(login: Login, phase: str, line: Handler) -> str:
    return "success" if login.account.local else "perm_denied"


def nologin(login: Login, phase: str, line: Handler) -> str:
    said = _option(line.arguments, "file")
    found = [_lines(login, path) for path in ([said] if said else ["/var/run/nologin", "/etc/nologin"])]
    without = "success" if "successok" in line.arguments else "ignore"
    if "unseen" in found:
        return _unseen(login, line, "its file was not seen", without, "auth_err")
    if all(lines is None for lines in found):
        return without
    return "auth_err" if login.account.uid else without


def rootok(login: Login, phase: str, line: Handler) -> str:
    """Whether root himself calls: sshd and login run as root, and so do their stacks."""
    if login.service.startswith("su") and not login.service.startswith("sudo"):
        return "success" if login.caller is not None and login.caller.uid == 0 else "auth_err"
    return "auth_err" if login.service.startswith("sudo") else "success"


def securetty(login: Login, phase: str, line: Handler) -> str:
    if login.account.uid:
        return "success"
    lines = _lines(login, "/etc/securetty")
    if isinstance(lines, str):
        return _unseen(login, line, "/etc/securetty was not seen")
    terminal = "ssh" if login.service == "sshd" else _TTY if login.service == "login" else "pts/0"
    return "success" if lines is None or terminal in (each.strip() for each in lines) else "auth_err"


def shells(login: Login, phase: str, line: Handler) -> str:
    return "success" if login.account.shell_listed else "auth_err"


def time(login: Login, phase: str, line: Handler) -> str:
    path = _option(line.arguments, "conffile", "/etc/security/time.conf")
    rules = _lines(login, path)
    if not isinstance(rules, str) and not any(rules or ()):
        return "success"
    return _unseen(login, line, f"it hangs on the hour ({path})", "success", "perm_denied")


def usertype(login: Login, phase: str, line: Handler) -> str:
    regular = login.account.uid >= 1000
    wanted = [word for word in line.arguments if word in ("isregular", "issystem")]
    if not wanted:
        return "service_err"
    return "success" if regular == (wanted[-1] == "isregular") else "auth_err"


def wheel(login: Login, phase: str, line: Handler) -> str:
    """About who calls: root where sshd or login does. Debian's asks which user runs it, with or without
    use_uid (its patch 036_pam_wheel_getlogin_considered_harmful); another's asks utmp, where there may be
    anybody or nobody."""
    if "root_only" in line.arguments and login.account.uid:
        return "ignore"
    if login.caller is not None:
        return _of_wheel(login, line, login.caller.groups)
    root = next((each.groups for each in login.setup.accounts if each.uid == 0), ("root",))
    as_root = _of_wheel(login, line, ("root", *root))
    if login.setup.debian or "use_uid" in line.arguments:
        return as_root
    return _unseen(login, line, "whom it takes for who calls", "service_err", as_root)


def _of_wheel(login: Login, line: Handler, groups: Sequence[str]) -> str:
    known = {name for each in login.setup.accounts for name in each.groups}
    group = _option(line.arguments, "group") or ("wheel" if "wheel" in known else "root")
    passed = "success" if "trust" in line.arguments else "ignore"
    if "deny" in line.arguments:
        return "perm_denied" if group in groups else passed
    return passed if group in groups else "perm_denied"


_FLAGS = ("debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit")
_NUMBERS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def succeed_if(login: Login, phase: str, line: Handler) -> str:
    words = [word for word in line.arguments if word not in _FLAGS]
    if "use_uid" in line.arguments and login.service.startswith("su"):
        return _unseen(login, line, "it is about who calls")
    if len(words) < 3:
        return "service_err"
    for at in range(0, len(words) - 2, 3):
        found = _holds(login, *words[at : at + 3])
        if isinstance(found, str):
            return found if found == "service_err" else _unseen(login, line, found)
        if not found:
            return "auth_err"
    return "success"


def _holds(login: Login, left: str, sign: str, right: str) -> bool | str:
    account, sign = login.account, sign.lower()
    if sign in ("ingroup", "notingroup"):
        member = any(name in account.groups for name in right.split(":"))
        return member == (sign == "ingroup")
    if "netgr" in sign:
        return "netgroups were not asked"
    values = {
        "uid": str(account.uid),
        "gid": str(account.gid),
        "shell": account.shell,
        "service": login.service,
        "ruser": login.caller.name if login.caller else "",
        "rhost": login.address,
        "tty": "ssh" if login.service == "sshd" else _TTY,
        **dict.fromkeys(("user", "login", "name"), account.name),
        **dict.fromkeys(("home", "dir", "homedir"), account.home),
    }
    value = values.get(left.lower())
    return "service_err" if value is None else _compared(value, _NUMBERS.get(sign, sign), right)


def _compared(value: str, sign: str, right: str) -> bool | str:
    if sign in ("lt", "le", "gt", "ge", "eq", "ne"):
        if not (re.fullmatch(r"-?\d{1,12}", value) and re.fullmatch(r"-?\d{1,12}", right)):
            return "service_err"
        one, other = int(value), int(right)
        return {
            "lt": one < other,
            "le": one <= other,
            "gt": one > other,
            "ge": one >= other,
            "eq": one == other,
            "ne": one != other,
        }[sign]
    listed = value in right.split(":")
    found = {
        "=": value == right,
        "!=": value != right,
        "=~": fits(right, value),
        "glob": fits(right, value),
        "!~": not fits(right, value),
        "noglob": not fits(right, value),
        "in": listed,
        "notin": not listed,
    }
    return found.get(sign, "service_err")
