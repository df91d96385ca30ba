"""Whether the account has a secret that pam_google_authenticator takes, where PAM asks for a code.

Sources: pam_google_authenticator(8) for its options (secret=, allowed_perm=, no_strict_owner, nullok, user=)
and for what it takes: a plain file of the account's own, with no mode beyond 0600. An account without one is
asked for a code all the same, unless nullok, and none is ever right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from sshdoctor.facts.parsing import pam
from sshdoctor.facts.parsing.output import denied, evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "secret": pam.FITTING
    + """
[ -n "$user" ] && grep -qs '^[^#]*pam_google_authenticator' /etc/pam.d/* /usr/lib/pam.d/* || exit 0
stacks '^[^#]*(google_authenticator|include|substack)'
home=$(getent passwd -- "$user" 2>/dev/null | cut -d: -f6)
path=$(cat /etc/pam.d/* /usr/lib/pam.d/* 2>/dev/null |
  sed -n 's/^[^#]*pam_google_authenticator.*[[:space:]]secret=\\([^[:space:]]*\\).*/\\1/p' | head -n 1)
case $user$home in *[!A-Za-z0-9@%+=:,./_-]*) exit 0 ;; esac
path=$(printf '%s' "${path:-~/.google_authenticator}" |
  sed "s|^~|$home|; s|[$]{HOME}|$home|g; s|[$]{USER}|$user|g; s|%h|$home|g; s|%u|$user|g")
echo '## path'; printf '%s\\n' "$path"
echo '## uid'; id -u -- "$user" 2>/dev/null
echo '## stat'; stat -L -c '%u %a %F' -- "$path" 2>&1
true
"""
}


class SecondFactor(Struct, frozen=True, kw_only=True):
    """``state``: not-asked, usable, no-secret, no-plain-file, other-owner, open-mode.

    ``path`` is the file of the secret, ``mode`` its mode, in octal, ``most`` the most that is taken.
    """

    state: str | Unknown
    path: str
    mode: str
    most: str
    evidence: tuple[Evidence, ...]


VALUE = SecondFactor
WRITERS = {"": "root", "state": "account", "mode": "account"}
OF_REFUSALS = True
_MODULE = "pam_google_authenticator.so"
_MODE = 0o600
_BITS = 0o3777
"""The bits of a mode that the module looks at."""


def parse(sections: Mapping[str, Section]) -> SecondFactor | Unknown:
    said = parts(sections["secret"].output)
    stacks = {name[4:]: text for name, text in said.items() if name.startswith("pam ")}
    asked = [options for name, options in pam.entries(stacks, "sshd", "auth") if name == _MODULE]
    if asked and "stat" not in said:
        return Unknown("where the secret of the second factor lies is not known")
    if not asked:
        return SecondFactor(state="not-asked", path="", mode="", most="", evidence=())
    path, shown = said.get("path", "").strip(), said["stat"].strip()
    most = _most(asked[0])
    found = re.fullmatch(r"(\d+) ([0-7]+) (.+)", shown)
    return SecondFactor(
        state=_state(shown, found, said.get("uid", "").strip(), asked[0], most),
        path=path,
        mode=found[2] if found else "",
        most=f"{most:o}",
        evidence=evidence(f"stat {path}", [shown]),
    )


def _most(options: Sequence[str]) -> int:
    given = [option[13:] for option in options if re.fullmatch(r"allowed_perm=0?[0-7]{3,4}", option)]
    return int(given[-1], 8) if given else _MODE


def _state(
    shown: str, found: re.Match[str] | None, uid: str, options: Sequence[str], most: int
) -> str | Unknown:
    if found is None:
        if denied(shown):
            return Unknown("not permitted")
        gone = "No such file" in shown
        return ("usable" if "nullok" in options else "no-secret") if gone else Unknown(shown[:80])
    if not found[3].startswith("regular"):
        return "no-plain-file"
    own = any(option.startswith("user=") for option in options) or "no_strict_owner" in options
    if found[1] != uid and not own:
        return "other-owner"
    return "open-mode" if int(found[2], 8) & _BITS & ~most else "usable"
