"""The accounts that can have a shell or a command: their passwords, dates, what sudo allows.

Sources: passwd(5), shadow(5), sudo(8) -l -U, agetty(8) --autologin. Of a password's hash nothing leaves the
host but a word for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.doors.model import Account
from sshdoctor.facts.doors.parsing.listing import LEFT_OUT, LISTING, MOST, unbarred
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, number, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh import shadow
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "accounts": LISTING
    + LEFT_OUT
    + f"""
of_shadow() (
{shadow.COMMANDS["entry"]}
)
echo '## uid'; id -u
echo '## programs'
for program in su sudo login; do ! command -v "$program" >/dev/null || echo "$program"; done
echo '## autologin'
for file in $(grep -ls agetty /proc/[0-9]*/comm); do
  tr '\\000' '\\n' <"${{file%comm}}cmdline" 2>/dev/null | grep -A 1 -e '^-a$' -e '^--autologin' |
    grep -v -e '^-a$' -e '^--autologin$' | sed 's/^--autologin=//'
done
echo '## left out'; left_out
all=$(listing)
printf '%s\\n' "$all" | while IFS=: read -r name secret uid gid _ home shell; do
  [ -n "$name" ] || continue
  echo "## account $name"
  printf '%s\\n' "uid=$uid" "gid=$gid" "home=$home" "shell=$shell"
  echo "groups=$(id -Gn -- "$name" 2>/dev/null)"
  [ -f "${{shell:-/bin/sh}}" ] && [ -x "${{shell:-/bin/sh}}" ] && echo runs=yes
  ! grep -qxF -e "${{shell:-/bin/sh}}" /etc/shells 2>/dev/null || echo listed=yes
  while IFS=: read -r other _; do [ "$other" != "$name" ] || echo local=yes; done </etc/passwd
  echo "## shadow $name"
  case $secret in
    x|'') user=$name; of_shadow | sed 's/^/|/' ;;
    *) printf '|%s\\n' "today=0" 'password=set' ;;
  esac
  [ -z "$secret" ] && echo '|password=empty'
  command -v sudo >/dev/null && [ "$uid" != 0 ] || continue
  echo "## sudo $name"
  sudo -n -l -U "$name" 2>&1 </dev/null | sed 's/^/|/' | head -n 60
done
true
"""
}


class DoorAccounts(Struct, frozen=True, kw_only=True):
    """``accounts`` in the order of passwd(5); ``programs``: which of su, sudo and login there are;
    ``left_out``: accounts that were not asked about, as their names have signs of their own, or the C library
    takes them for none ("-rf"), and "*" where there are more accounts than were asked."""

    accounts: tuple[Account, ...]
    left_out: tuple[str, ...]
    programs: frozenset[str]
    evidence: tuple[Evidence, ...]


VALUE = DoorAccounts
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> DoorAccounts | Unknown:
    if cut := unseen(sections["accounts"]):
        return cut
    said = parts(sections["accounts"].output)
    if said.get("uid", "").strip() != "0":
        return NOT_PERMITTED
    autologin = said.get("autologin", "").split()
    listed = {name[8:]: _fields(text) for name, text in said.items() if name.startswith("account ")}
    known = {name: own for name, own in listed.items() if own.get("uid", "").isdecimal()}
    accounts = tuple(_account(name, own, said, name in autologin) for name, own in known.items())
    left_out = unbarred(said.get("left out", "")).splitlines()
    return DoorAccounts(
        accounts=accounts,
        left_out=(*left_out, *(listed.keys() - known), *(["*"] if len(listed) >= MOST else [])),
        programs=frozenset(said.get("programs", "").split()),
        evidence=evidence("getent passwd", [f"{one.name}:x:{one.uid}:{one.shell}" for one in accounts]),
    )


def _fields(text: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in text.splitlines())


def _account(name: str, entry: Mapping[str, str], said: Mapping[str, str], autologin: bool) -> Account:
    found = shadow.parse({"entry": Section(unbarred(said.get(f"shadow {name}", "")), 0)})
    sudo = said.get(f"sudo {name}")
    return Account(
        name=name,
        uid=int(entry["uid"]),
        gid=number(entry.get("gid", "")) or 0,
        home=entry.get("home") or "/",
        shell=entry.get("shell") or "/bin/sh",
        shell_runs="runs" in entry,
        shell_listed="listed" in entry,
        groups=tuple(entry.get("groups", "").split()),
        local="local" in entry,
        credential=found if isinstance(found, Unknown) else found.password,
        state=found if isinstance(found, Unknown) else found.account,
        age=found if isinstance(found, Unknown) else found.age,
        sudo=() if sudo is None else sudo_rules(unbarred(sudo)),
        autologin=autologin,
    )


def sudo_rules(text: str) -> tuple[str, ...] | Unknown:
    """What ``sudo -l -U`` prints: the lines behind "may run the following commands", or that there are none.

    >>> sudo_rules("User a may run the following commands on h:\\n    (ALL) NOPASSWD: ALL")
    ('(ALL) NOPASSWD: ALL',)
    >>> sudo_rules("User a is not allowed to run sudo on h.")
    ()
    """
    before, heading, after = text.partition("may run the following commands on")
    if heading:
        return tuple(line.strip() for line in after.splitlines()[1:] if line.strip())
    if "is not allowed to run sudo" in text:
        return ()
    return Unknown(before.strip()[:120] or "sudo -l said nothing")
