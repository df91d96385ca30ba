"""What ``sshd -T`` says before it gives up: the state of its configuration, and the lines that it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import Struct

from sshdoctor.facts.parsing.output import NOT_PERMITTED
from sshdoctor.model import Unknown

_LINE = re.compile(r"^(/\S.*?):? line (\d+): (.+)$")
_WITHOUT_FILE = re.compile(r"^(?!/)([^']{1,200}['\"]([^'\"]{1,200})['\"]) at line (\d{1,6})$")
_YES_OR_NO = re.compile(r"yes/no argument|unsupported option", re.I)
_WARNING = re.compile(r"^(Deprecated|Unsupported) option")
_LIBRARY = re.compile(
    r"loading shared librar|symbol lookup|undefined symbol|' not found|version mismatch|Error rel"
)
_MATCH_NEEDS = re.compile(r"not in connection test specification|test mode specification|connection spec")
_BAD_OPTION = re.compile(
    r"^usage: sshd|(unknown|illegal|invalid) option|command-line|^Extra argument |^Couldn't open logfile "
    r"|^too many (ports|host keys)\.|^Bad port number\.|^Invalid (login grace time|utmp length)\.",
    re.M,
)
"""What main() of OpenSSH's sshd.c holds against its arguments, and getopt(3)."""
_NO_FILE = re.compile(r"^(?=\S*sshd_config)\S+: No such file or directory", re.M)
_KEYWORD = re.compile(
    r"(?<=[a-z0-9\"])(?=(?:Port|AddressFamily|ListenAddress|HostKey|SyslogFacility|LogLevel|LoginGraceTime|Permit"
    r"|StrictModes|MaxAuthTries|MaxSessions|PubkeyAuthentication|AuthorizedKeys|PasswordAuthentication|KbdInteractive"
    r"|ChallengeResponse|UsePAM|Allow|Deny|X11Forwarding|PrintMotd|ClientAlive|UseDNS|Banner|AcceptEnv|Subsystem"
    r"|Match|Include|Kerberos|GSSAPI|Ciphers|MACs|KexAlgorithms|TCPKeepAlive|MaxStartups|Compression)[A-Za-z]{0,40}\s)"
)


class ConfigError(Struct, frozen=True):
    """One complaint of sshd; ``line`` counts from 1, ``text`` is what stands there, as far as it is known."""

    file: str
    line: int
    message: str
    text: str = ""

    @property
    def pieces(self) -> tuple[str, ...]:
        """The two directives that stand there where the end of a line is missing between them, else ().

        >>> ConfigError("/etc/ssh/sshd_config", 9, "unsupported", "UsePAM yesAddressFamily inet").pieces
        ('UsePAM yes', 'AddressFamily inet')
        """
        pieces = _KEYWORD.split(self.text.strip(), maxsplit=1)
        return tuple(piece.strip() for piece in pieces) if len(pieces) == 2 else ()

    @property
    def meant(self) -> str:
        """The line, or two, that were meant, where that is clear: commented out, its default would hold.

        >>> ConfigError("/etc/ssh/sshd_config", 9, 'unsupported option "yess".', "  UsePAM yess").meant
        '  UsePAM yes'
        >>> ConfigError("/etc/ssh/sshd_config", 9, 'unsupported option "maybe".', "UsePAM maybe").meant
        ''
        """
        if self.pieces:
            return "\n".join(self.pieces)
        found = re.fullmatch(r"(\s*\w+[ \t=]+)(\w+)\s*", self.text)
        if found is None or not _YES_OR_NO.search(self.message):
            return ""
        close = get_close_matches(found[2].lower(), ("yes", "no"), n=1, cutoff=0.65)
        return f"{found[1]}{close[0]}" if close else ""


def judge(
    said: Mapping[str, str],
    lines: list[str],
    status: int | None,
    refused: tuple[ConfigError, ...],
    *,
    root: bool,
) -> tuple[str | Unknown, str | Unknown]:
    """Config.state and Config.problem, by what sshd says before it gives up."""
    text = "\n".join(lines)
    if "absent" in said:
        return (untested := Unknown("sshd is not installed")), untested
    if status is None:
        return (untested := Unknown("sshd -T did not end")), untested
    if status == 0:
        return "valid", "none"
    if _LIBRARY.search(text):
        return Unknown("sshd does not load"), "library"
    if refused:
        return "invalid", "bad-line"
    if _BAD_OPTION.search(text):
        return "invalid", "options"
    if _NO_FILE.search(text):
        return "invalid", "no-file"
    if "no hostkeys available" in text:
        unreadable = Unknown("not permitted to read the host keys")
        return ("invalid", "no-host-keys") if root else (unreadable, unreadable)
    if "privilege separation directory" in text or "must be owned by root and not group" in text:
        return "valid", "privsep"
    if _MATCH_NEEDS.search(text):
        return (untested := Unknown("its Match blocks need a user and a client")), untested
    if "bad addr or host: " in text:
        return "invalid", "address"
    if re.search(r"Permission denied", text):
        return NOT_PERMITTED, NOT_PERMITTED
    return "invalid", "other"


def refused_lines(lines: list[str]) -> tuple[ConfigError, ...]:
    """The lines of its files that sshd names as ones that it does not take; no warnings."""
    found = [match for line in lines if (match := _LINE.match(line))]
    return tuple(
        ConfigError(match[1], int(match[2]), match[3]) for match in found if not _WARNING.match(match[3])
    )


def placed(lines: list[str], texts: Mapping[str, str | None]) -> tuple[ConfigError, ...]:
    """What sshd says of a numbered line without its file, where one file alone has such a line there.

    >>> said = ["Invalid Match address argument '192.0.2.1/24' at line 2"]
    >>> found = placed(said, {"/etc/main": "UsePAM yes\\nMatch Address 192.0.2.1/24", "/other": "UsePAM no"})
    >>> found[0].file, found[0].line, found[0].message
    ('/etc/main', 2, "Invalid Match address argument '192.0.2.1/24'")
    """
    found = next((match for line in reversed(lines) if (match := _WITHOUT_FILE.match(line))), None)
    if found is None:
        return ()
    number, word = int(found[3]), found[2]
    rows = {path: (text or "").splitlines()[number - 1 : number] for path, text in texts.items()}
    holding = [path for path, row in rows.items() if row and word in row[0]]
    return (ConfigError(holding[0], number, found[1]),) if len(holding) == 1 else ()


def complaint(lines: list[str], errors: tuple[ConfigError, ...]) -> str:
    """The line that a person needs to see first."""
    if errors:
        return f"{errors[0].file} line {errors[0].line}: {errors[0].message}"
    plain = [line for line in lines if line.strip() and not line.startswith("@") and not _LINE.match(line)]
    return plain[-1].strip() if plain else ""


def glued(errors: tuple[ConfigError, ...]) -> str:
    """Two directives in one line, as it comes when the last line of a file has no end and one is appended.

    >>> glued((ConfigError("/etc/ssh/sshd_config", 9, "unsupported", "UsePAM yesAddressFamily inet"),))
    "'UsePAM yes' and 'AddressFamily inet'"
    """
    return " and ".join(f"'{piece}'" for piece in errors[0].pieces) if errors else ""


def unless_refused(keyword: str, errors: tuple[ConfigError, ...], value: bool | Unknown) -> bool | Unknown:
    """``value``, if no line that sshd refuses was to set it: its default is not what was meant."""
    if any(keyword in error.text.lower() for error in errors):
        return Unknown("sshd refuses the line that sets it")
    return value
