"""The script that a witness runs, and the words that its answers come to."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from sshdoctor.model import Host
from sshdoctor.services import load, reply_words
from sshdoctor.watch.rules.memory import LOST

_HERE = Path(__file__).parent
_LONGEST_AUTHORITY = 8_000
LARGEST = 2**20
"""So many bytes of a witness's answer are read."""
_LINE = re.compile(rb"look (\d{1,6}) ([!-~ ]{1,20000})")


def script(hosts: Sequence[Host], limit: float) -> str:
    """Looks at all of ``hosts`` at once; a line for each."""
    python = (_HERE / "probe.py").read_text(encoding="utf-8")
    functions = (_HERE / "probe.sh").read_text(encoding="utf-8")
    asked = [shlex.join(_arguments(host, limit)) for host in hosts]
    together = " ".join(f"{number} {words}" for number, words in enumerate(asked))
    alone = [
        f'( answer=$(look {words}); echo "look {number} $answer" ) &' for number, words in enumerate(asked)
    ]
    # One process for all of them where there is Python: a hundred would need minutes of a small machine.
    return "\n".join(
        [
            functions,
            "if have_python; then",
            f"python3 -c {shlex.quote(python)} {together} 2>/dev/null",
            "else",
            *alone,
            "wait",
            "fi",
            "",
        ]
    )


def _arguments(host: Host, limit: float) -> list[str]:
    """See probe.sh. Passwords are left at home: a witness sees whether the site answers."""
    site = host.site
    if site is None:
        where = (host.login.address, str(host.login.port))
        return ["greeting", "", *where, "", f"{limit:g}", "", "", "", _greeting(host.service), ""]
    return [
        "site",
        site.scheme,
        site.name,
        str(site.port),
        site.target,
        f"{site.limit:g}",
        str(site.redirects),
        site.method,
        site.user_agent or site.token or "sshdoctor",
        site.expect,
        _authority(site.ca_file) if site.ca_file else "",
    ]


def _greeting(service: str) -> str:
    """How the line begins by which the service tells what it is."""
    said = (step.payload for step in load(service).conversation if not step.by_client and step.payload)
    return next(said, b"").decode("ascii")


def _authority(file: str) -> str:
    """The certificates in ``file``, which are no secret; "unread" where they are too many, or not there."""
    try:
        text = Path(file).read_text(encoding="ascii")
    except (OSError, ValueError):
        return "unread"
    return text if len(text) <= _LONGEST_AUTHORITY else "unread"


def answers(output: bytes, hosts: Sequence[Host]) -> Mapping[int, str]:
    """The word of each, by its number; what is no answer of the probe's is left out.

    A witness is another machine: of what it says only known words count.
    """
    found = {}
    for line in output.splitlines():
        told = _LINE.fullmatch(line.strip())
        if told and int(told[1]) < len(hosts):
            word = _word(told[2].decode("ascii").split(), hosts[int(told[1])])
            if word:
                found[int(told[1])] = word
    return found


def _word(told: Sequence[str], host: Host) -> str:
    """The reply word, "" where it is none."""
    if not told:
        return ""
    if told[0] == "status" and len(told) == 2 and told[1].isdecimal():
        return _of_status(int(told[1]), host)
    if told[0] == "said":
        return _of_greeting(told[1:], host)
    return told[0] if told[0] in (*reply_words(), *LOST) else ""


def _of_status(status: int, host: Host) -> str:
    if status in (401, 403) and host.site and (host.site.credentials or host.site.headers):
        return "lost"  # it was not given what the site asks for
    if status == 403:
        return "blocked"
    return "server" if status >= 500 else "client" if status >= 400 else "success" if status >= 100 else ""


def _of_greeting(told: Sequence[str], host: Host) -> str:
    """As the service itself judges what it is told first."""
    ended = told[0] if told else ""
    try:
        said = bytes.fromhex(told[1]) if len(told) > 1 else b""
    except ValueError:
        return ""
    greeting = load(host.service).greet(said, ended if ended in ("time", "closed", "reset") else None)
    return greeting.word if greeting else "lost"
