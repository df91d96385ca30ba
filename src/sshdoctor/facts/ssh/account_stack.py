"""What PAM asks before it lets an account in: the lines of its account stage for sshd, and what they read.

Sources: pam.d(5), pam.conf(5); the manual pages of the modules (FILES, and the options that name another
file); their source for which of them write nothing when they refuse (Linux-PAM 1.4 to 1.7). A module whose
file is not there refuses, unless its line begins with "-".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from shlex import quote

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, parts, unseen
from sshdoctor.facts.parsing.pam import FITTING, Line, files, lines
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import path as plain_path
from sshdoctor.facts.ssh.parsing import tally
from sshdoctor.model import Command, Evidence, Unknown

COMMANDS = {
    "lines": FITTING
    + """
stacks '^[[:space:]]*(-?(auth|account)|@include)[[:space:]]'
echo '## modules'
set -- /usr/lib/security /usr/lib64/security /usr/lib/*/security
[ -L /lib ] || set -- "$@" /lib/security /lib/*/security
[ -L /lib64 ] || set -- "$@" /lib64/security
for folder; do for file in "$folder"/pam_*; do [ ! -e "$file" ] || echo "${file##*/}"; done; done
for file in /etc/security/time.conf /etc/security/access.conf /etc/security/faillock.conf; do
  [ -r "$file" ] || continue
  echo "## file $file"; grep -m 12 -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$file" | sed 's/^/|/'
done
if [ -n "$user" ] && [ -s "/run/faillock/$user" ]; then
  echo '## failures'; date '+%Y-%m-%d %H:%M:%S'; faillock --user "$user" 2>&1 | tail -n 100
fi
return=$(printf '\\r')
echo '## returns'; grep -l "$return$" /etc/pam.d/* 2>/dev/null
true
"""
}


class Asked(Struct, frozen=True):
    """A module of the stack; ``reads`` is the file that it decides by, "" for its line alone."""

    module: str
    line: str
    reads: str
    silent: bool
    """It writes nothing when it refuses."""
    missing: bool
    """There is no such module on this host."""

    @property
    def told(self) -> Command:
        """It with its file, as text for a person."""
        if self.missing:
            return Command(f"{quote(self.module)} (which is not installed)")
        rule = quote(self.reads) if self.reads else "the words of its line"
        return Command(f"{quote(self.module)} ({rule})")


class AccountStack(Struct, frozen=True, kw_only=True):
    """``asked``: the modules that can refuse, in their order; ``reads_shadow``: pam_unix is among them, and
    takes an account without a line in /etc/shadow for none."""

    asked: tuple[Asked, ...]
    reads_shadow: bool
    returns: tuple[str, ...]
    """The files of the stack whose lines end with carriage returns, as an editor of Windows writes them."""
    failures: str
    """Those for which pam_faillock keeps the account closed to any password, as "3, the last at ..."; ""."""
    evidence: tuple[Evidence, ...]


VALUE = AccountStack
WRITERS = {"": "root", "failures": "account"}

_FAILLOCK = "/etc/security/faillock.conf"
_READS: Mapping[str, tuple[str, str]] = {
    "pam_access": ("/etc/security/access.conf", "accessfile"),
    "pam_faillock": (_FAILLOCK, "conf"),
    "pam_listfile": ("", "file"),
    "pam_localuser": ("/etc/passwd", "file"),
    "pam_nologin": ("/etc/nologin", "file"),
    "pam_sepermit": ("/etc/security/sepermit.conf", "conf"),
    "pam_shells": ("/etc/shells", ""),
    "pam_sss": ("/etc/sssd/sssd.conf", ""),
    "pam_tally2": ("/var/log/tallylog", "file"),
    "pam_time": ("/etc/security/time.conf", "conffile"),
    "pam_unix": ("/etc/shadow", ""),
    "pam_userdb": ("", "db"),
}
"""The file that a module decides by, and its option that names another one."""
_SILENT = frozenset(("pam_deny", "pam_localuser", "pam_shells", "pam_time", "pam_unix", "pam_usertype"))
_SILENT_IF_QUIET = frozenset(("pam_exec", "pam_listfile", "pam_succeed_if"))
_NEVER_REFUSES = frozenset(("pam_permit", "pam_warn"))


def parse(sections: Mapping[str, Section]) -> AccountStack | Unknown:
    if cut := unseen(sections["lines"]):
        return cut
    said = parts(sections["lines"].output)
    services = {name[4:]: text for name, text in said.items() if name.startswith("pam ")}
    if not services:
        return Unknown("no stack of PAM can be read here")
    service = "sshd" if "sshd" in services else "other"
    stack = tuple(lines(services, service, "account"))
    asked = tuple(_asked(stack, frozenset(said.get("modules", "").split())))
    return AccountStack(
        asked=asked,
        reads_shadow=any(one.module == "pam_unix" and "broken_shadow" not in one.line for one in asked),
        returns=_returns(said.get("returns", ""), files(services, service)),
        failures=tally.closed(
            said.get("failures", ""), lines(services, service, "auth"), said.get(f"file {_FAILLOCK}", "")
        ),
        evidence=(
            *evidence("grep account /etc/pam.d/sshd (with what it includes)", [one.line for one in asked]),
            *_rules(said, asked),
        ),
    )


def _returns(listed: str, read: Collection[str]) -> tuple[str, ...]:
    return tuple(path for path in map(plain_path, listed.splitlines()) if path.rpartition("/")[2] in read)


def _asked(stack: tuple[Line, ...], installed: frozenset[str]) -> Iterator[Asked]:
    for number, line in enumerate(stack):
        if line.optional or line.name in _NEVER_REFUSES:
            continue
        if line.name == "pam_deny" and _skipped(stack, number):
            continue
        yield Asked(
            module=line.name,
            line=line.text,
            reads=_reads(line),
            silent=line.name in _SILENT or (line.name in _SILENT_IF_QUIET and "quiet" in line.arguments),
            missing=bool(installed)
            and line.module not in installed
            and "/" not in line.path
            and not line.spared,
        )


def _skipped(stack: tuple[Line, ...], number: int) -> bool:
    """A module before it jumps over it when it agrees: it is that one's refusal that arrives there."""
    return any(line.jumps for line in stack[:number])


def _reads(line: Line) -> str:
    if line.name in ("pam_exec", "pam_python", "pam_script"):
        return next((word for word in line.arguments if word.startswith("/")), "")
    usual, option = _READS.get(line.name, ("", ""))
    named = (word.partition("=")[2] for word in line.arguments if option and word.startswith(f"{option}="))
    return next((path for path in named if path.startswith("/")), usual)


def _rules(said: Mapping[str, str], asked: tuple[Asked, ...]) -> Iterator[Evidence]:
    for path in dict.fromkeys(one.reads for one in asked):
        rules = [line.removeprefix("|") for line in said.get(f"file {path}", "").splitlines()]
        yield from evidence(f"cat {path}", rules)
