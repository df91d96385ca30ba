"""Whether the account that the client logs in to is open: its password's state, and its dates.

Sources: shadow(5), chage(1); pam_unix(8) and its check_shadow_expiry(); sshd's allowed_user() and
auth_shadow_acctexpired(). Measured on Debian 11, 12 and 13: a locked password ("!") keeps keys out only where
sshd does without PAM; an account that is expired, in either case; a password whose change is due or overdue,
only with PAM, and after a login that succeeds. The password's hash never leaves the host: a word for it does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import printed
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, number, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "entry": """
[ -n "$user" ] || exit 0
[ -e /etc/shadow ] || { echo absent=yes; exit 0; }
[ -r /etc/shadow ] || { echo denied=yes; exit 0; }
echo "today=$(( $(date +%s) / 86400 ))"
entry() {
  if command -v getent >/dev/null; then getent shadow -- "$user"; else cat /etc/shadow; fi
}
entry | while IFS=: read -r name password changed _ most _ inactive expire _; do
  [ "$name" = "$user" ] || continue
  case $password in
    '!'|'!!'|'!*') word=locked ;;
    '!'*) word=locked-over-a-password ;;
    '*'*) word=none ;;
    '') word=empty ;;
    *) word='set' ;;
  esac
  printf '%s\\n' "password=$word" "changed=$changed" "most=$most" "inactive=$inactive" "expire=$expire"
  break
done
[ ! -r /etc/passwd ] || while IFS=: read -r name password _; do
  [ "$name:$password" != "$user:x" ] || echo shadowed=yes
done </etc/passwd
true
"""
}


class Shadow(Struct, frozen=True, kw_only=True):
    """``password``: set, empty, none (no password fits), locked, locked-over-a-password, missing.

    ``account``: open, expired, or expires-today, which is expired for PAM and not yet so for sshd itself;
    missing where /etc/passwd sends the reader to a line of /etc/shadow that is not there.
    ``age`` of the password: current, change-due, or overdue (longer than the account stays active without).
    ``expired_on`` and ``due_since`` are dates, "" where there is none.
    """

    password: str
    account: str
    age: str
    expired_on: str
    due_since: str
    evidence: tuple[Evidence, ...]


VALUE = Shadow
WRITERS = {"": "root"}
_MISSING = Shadow(
    password="missing",  # noqa: S106 - a word for it
    account="missing",
    age="current",
    expired_on="",
    due_since="",
    evidence=evidence("getent shadow USER", ["(no line; its password in /etc/passwd is x)"]),
)


def on_disk(disk: Disk, user: str) -> Shadow | Unknown:
    if not disk.is_there("/etc/shadow"):
        return parse({"entry": printed("absent=yes")})
    said = [f"today={int(time.time()) // 86400}"] if user else []
    for line in disk.text("/etc/shadow").splitlines():
        fields = [*line.split(":"), *[""] * 9]
        if user and fields[0] == user:
            dates = f"changed={fields[2]}\nmost={fields[4]}\ninactive={fields[6]}\nexpire={fields[7]}"
            said += [f"password={_word(fields[1])}", dates]
            break
    passwd = [line.split(":")[:2] for line in (disk.text_if_any("/etc/passwd") or "").splitlines()]
    said += ["shadowed=yes"] if user and [user, "x"] in passwd else []
    return parse({"entry": printed("\n".join(said))})


def _word(password: str) -> str:
    """What the second field of shadow(5) says, without the hash, as the command has it too."""
    if password in ("!", "!!", "!*"):
        return "locked"
    if password.startswith("!"):
        return "locked-over-a-password"
    if password.startswith("*"):
        return "none"
    return "set" if password else "empty"


def parse(sections: Mapping[str, Section]) -> Shadow | Unknown:
    if cut := unseen(sections["entry"]):
        return cut
    said = properties(sections["entry"].output)
    if "denied" in said:
        return NOT_PERMITTED
    if "absent" in said:
        return Unknown("there is no /etc/shadow")
    today = number(said.get("today"))
    if today is None:
        return Unknown("no user is named")
    if "password" not in said and "shadowed" in said:
        return _MISSING
    if "password" not in said:
        return Unknown("the user has no line in shadow(5)")
    expire, changed, most, inactive = (
        number(said.get(name)) for name in ("expire", "changed", "most", "inactive")
    )
    age = _age(today, changed, most, inactive)
    account = _account(today, expire)
    due = None if changed is None or most is None else changed + most
    return Shadow(
        password=said["password"],
        account=account,
        age=age,
        expired_on=_date(expire) if account != "open" else "",
        due_since=_date(due) if age != "current" and changed else "",
        evidence=evidence("chage -l USER; passwd -S USER", _shown(said, expire, changed)),
    )


def _account(today: int, expire: int | None) -> str:
    if expire is None or expire < 0 or today < expire:
        return "open"
    return "expired" if today > expire else "expires-today"


def _age(today: int, changed: int | None, most: int | None, inactive: int | None) -> str:
    """As pam_unix has it: a change in the future is current, one at 0 was ordered by root."""
    if changed == 0:
        return "change-due"
    if changed is None or most is None or most < 0 or today - changed <= most:
        return "current"
    if inactive is not None and inactive >= 0 and today - changed > most + inactive:
        return "overdue"
    return "change-due"


def _shown(said: Mapping[str, str], expire: int | None, changed: int | None) -> list[str]:
    return [
        f"password: {said['password']}",
        f"password last changed: {_date(changed) or ('must be changed' if changed == 0 else 'never')}",
        f"most days between changes: {said.get('most') or 'any'}",
        f"days until the account is inactive: {said.get('inactive') or 'never'}",
        f"account expires: {_date(expire) or 'never'}",
    ]


def _date(days: int | None) -> str:
    """A day counted from 1970 as a date, "" for none.

    >>> _date(18262), _date(0)
    ('2020-01-01', '')
    """
    if not days or not 0 < days < 2_900_000:
        return ""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date().isoformat()
