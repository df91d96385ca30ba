"""The modules that ask for a second factor: a code by time or count, a security key.

Sources: pam_google_authenticator.c (its options, get_secret_filename, open_secret_file, and what it makes of
one string that holds a password and a code), pam_oath.c of oath-toolkit, pam-u2f.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sshdoctor.doors.factors import CODE, Typed
from sshdoctor.doors.model import Account, Place, Setup
from sshdoctor.doors.pam.login import Login
from sshdoctor.doors.pam.stack import Handler

_STEP = 30
_PLAIN_OPTIONS = frozenset(
    [
        "no_strict_owner",
        "debug",
        "try_first_pass",
        "use_first_pass",
        "forward_pass",
        "noskewadj",
        "no_increment_hotp",
        "nullok",
        "allow_readonly",
        "echo-verification-code",
        "echo_verification_code",
    ]
)
_KINDS = ("TOTP_AUTH", "HOTP_COUNTER")
"""What a code is of: a secret's file without a word for that is refused."""
_VALUED = ("secret=", "authtok_prompt=", "user=", "allowed_perm=", "grace_period=")


def secret_path(arguments: Sequence[str], account: Account) -> str:
    """Where the secret of an account lies, "" where the options do not allow its place.

    >>> secret_path((), Account(name="deploy", uid=1, home="/home/deploy"))
    '/home/deploy/.google_authenticator'
    >>> secret_path(("secret=/var/otp/${USER}",), Account(name="deploy", uid=1))
    '/var/otp/deploy'
    """
    said = [word.removeprefix("secret=") for word in arguments if word.startswith("secret=")]
    path = said[-1] if said else "~/.google_authenticator"
    fixed = any(word.startswith("user=") for word in arguments)
    if fixed and re.search(r"(^|/)~|\$\{HOME\}", path):
        return ""
    path = re.sub(r"(^|/)~", lambda found: found[1] + account.home, path)
    return path.replace("${HOME}", account.home).replace("${USER}", account.name)


def google_authenticator(login: Login, phase: str, line: Handler) -> str:
    arguments = line.arguments
    if phase != "auth":
        return "service_err"
    if any(word not in _PLAIN_OPTIONS and not word.startswith(_VALUED) for word in arguments):
        return "auth_err"
    path = secret_path(arguments, login.account)
    state = _secret(login, line, path)
    if state == "absent" and "nullok" in arguments:
        return "ignore"
    if state == "usable" and _spares(login, line, path):
        return "success"
    first = "try_first_pass" in arguments or "use_first_pass" in arguments
    typed = login.token if first else None
    right = typed is not None and typed.code
    if not right and "use_first_pass" not in arguments:
        typed = login.conversation.ask(shown=any(word.startswith("echo") for word in arguments))
        right = typed == CODE or (typed is not None and typed.code and "forward_pass" in arguments)
    if not right or typed is None or state != "usable":
        return "auth_err"
    if not _in_time(login, line, path):
        return "auth_err"
    if "forward_pass" in arguments:
        login.token = Typed(typed.word)
    return "success"


def _spares(login: Login, line: Handler, path: str) -> bool:
    """With grace_period= a host that has logged in just now is asked no code."""
    place = login.setup.places.get(path)
    graced = any(re.fullmatch(r"grace_period=0*[1-9]\d*", word) for word in line.arguments)
    if not graced or place is None or not any(word.startswith("LAST") for word in place.words):
        return False
    why = f"{line.place}: {line.text}: who has logged in just now is asked no code"
    return login.guesses.ask(f"grace {path}", why, "yes", "no") == "yes"


def _secret(login: Login, line: Handler, path: str) -> str:
    """``usable``, ``absent``, or ``refused``."""
    if path and path not in login.setup.places:
        return login.guesses.ask(
            f"secret {path}", f"{line.place}: {line.text}: {path} was not seen", "usable", "absent", "refused"
        )
    if refusal(login.setup, login.account, line.arguments):
        return "refused"
    return "absent" if login.setup.places[path] is None else "usable"


def refusal(setup: Setup, account: Account, arguments: Sequence[str]) -> str:
    """Why the module refuses the secret of an account; "" where it takes it, or there is none to be seen."""
    path = secret_path(arguments, account)
    if not path:
        return "with user= there is no place for a secret in a home"
    uid, place = _reader(setup, account, arguments), setup.places.get(path)
    if _blocked(setup, path, uid):
        return f"a folder on the way to {path} keeps its reader out"
    return "" if place is None else _against(setup, place, uid, arguments, path)


def _against(setup: Setup, place: Place, uid: int, arguments: Sequence[str], path: str) -> str:
    given = [word[13:] for word in arguments if word.startswith("allowed_perm=")]
    most = int(given[-1], 8) if given and re.fullmatch("[0-7]+", given[-1]) else 0o600
    if place.kind != "regular file":
        return f"{path} is no plain file"
    if place.uid != uid and "no_strict_owner" not in arguments:
        return f"{path} belongs to the user {place.uid}, and is to belong to {uid}"
    if place.mode & 0o3777 & ~most:
        return f"{path} has the mode {place.mode:04o}, and more than {most:04o} is refused"
    if not _may(setup, place, uid, 4):
        return f"{path} may not be read by the user {uid}, who has to"
    if not 0 < place.size <= 64 * 1024:
        return f"{path} is {'too long' if place.size else 'empty'}"
    if not any(word.partition(" ")[0] in _KINDS for word in place.words):
        return (
            f"no line of {path} says of what its codes are ({' or '.join(_KINDS)}; or its line ends are odd)"
        )
    return ""


def _reader(setup: Setup, account: Account, arguments: Sequence[str]) -> int:
    """The user as whom the module reads."""
    fixed = [word.removeprefix("user=") for word in arguments if word.startswith("user=")]
    if not fixed:
        return account.uid
    if fixed[-1].isdecimal():
        return int(fixed[-1])
    known = {each.name: each.uid for each in setup.accounts}
    return 0 if fixed[-1] == "root" else known.get(fixed[-1], -1)


def _blocked(setup: Setup, path: str, uid: int) -> bool:
    """A folder on the way keeps its reader out."""
    folders = [path[:at] or "/" for at, sign in enumerate(path) if sign == "/"]
    known = (setup.places.get(folder) for folder in folders)
    return any(place is not None and not _may(setup, place, uid, 1) for place in known)


def _may(setup: Setup, place: Place, uid: int, bit: int) -> bool:
    if uid == 0:
        return True
    gid = next((each.gid for each in setup.accounts if each.uid == uid), -1)
    share = 6 if place.uid == uid else 3 if place.gid == gid else 0
    return bool(place.mode >> share & bit)


def _in_time(login: Login, line: Handler, path: str) -> bool:
    """Whether the client's clock gives a code that this host takes: of three around now, or as it says."""
    place = login.setup.places.get(path)
    words = place.words if place else ()
    if any(word.startswith("HOTP_COUNTER") for word in words):
        return True
    said = [int(word.split()[1]) for word in words if re.fullmatch(r"WINDOW_SIZE \d{1,3}", word)]
    steps = ((said[-1] if said else 3) - 1) // 2
    apart = abs(login.setup.behind)
    if apart <= steps * _STEP:
        return True
    if apart >= (steps + 1) * _STEP:
        return False
    why = f"{line.place}: the clocks are {apart:.0f} s apart, which some codes bear and some do not"
    return login.guesses.ask("clock", why, "yes", "no") == "yes"


def oath(login: Login, phase: str, line: Handler) -> str:
    """A line of its usersfile, which has a user's name in the second field, holds the secret."""
    if phase != "auth":
        return "success"
    options = dict(word.partition("=")[::2] for word in line.arguments)
    path = options.get("usersfile", "/etc/users.oath")
    for name, value in (("${HOME}", login.account.home), ("${USER}", login.account.name)):
        path = path.replace(name, value)
    if path not in login.setup.files:
        key, why = f"oath {path}", f"{line.place}: {line.text}: {path} was not seen"
        return login.guesses.ask(key, why, "success", "auth_err", "user_unknown")
    users = login.setup.files[path]
    if users is None or login.account.name not in users:
        return "user_unknown" if users is not None else "auth_err"
    first = "try_first_pass" in options or "use_first_pass" in options
    typed = login.token if first and login.token is not None else None
    if typed is None and "use_first_pass" in options:
        return "auth_err"
    typed = typed or login.conversation.ask()
    split = options.get("digits", "0") != "0"
    if typed is None or not typed.code or (not split and typed != CODE):
        return "auth_err"
    login.token = Typed(typed.word) if split else typed
    return "success"


def u2f(login: Login, phase: str, line: Handler) -> str:
    """A key in this host itself: nobody who comes over a network touches it."""
    if phase != "auth":
        return "success"
    options = dict(word.partition("=")[::2] for word in line.arguments)
    path = options.get("authfile", "")
    if not path.startswith("/"):
        path = f"{login.account.home}/.config/{path or 'Yubico/u2f_keys'}"
    if path not in login.setup.files:
        key, why = f"u2f {path}", f"{line.place}: {line.text}: {path} was not seen"
        return login.guesses.ask(key, why, "success", "auth_err", "ignore")
    users = login.setup.files[path]
    if users is None or login.account.name not in users:
        return "ignore" if "nouserok" in options else "user_unknown"
    return "success" if not login.address and login.conversation.touch() else "auth_err"
