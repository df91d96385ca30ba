"""Real attempts at the doors of who is on the host already: su and sudo, with everything typed there is."""

from __future__ import annotations

from collections.abc import Sequence

from doors.real_logins import TEXTS, typed
from hosts.testbed import TestHost
from sshdoctor.doors.factors import ANYBODY, Sets, least

_TYPED = (
    (),
    ("wrong",),
    ("password",),
    ("code",),
    ("wrong", "code"),
    ("code", "wrong"),
    ("password", "code"),
    ("code", "password"),
)
"""What is typed, a line for each question; the fewest factors first."""


def su_sets(host: TestHost, account: str, callers: Sequence[str]) -> Sets:
    """The smallest sets of factors by which one of ``callers`` becomes ``account``."""
    return _sets(host, [f"runuser -u {one} -- su {account} -c true" for one in callers if one != account])


def sudo_sets(host: TestHost, account: str) -> Sets:
    """The smallest sets of factors by which ``account`` gets another's rights."""
    return _sets(host, [f"runuser -u {account} -- sudo -k -S /usr/bin/id"])


def _sets(host: TestHost, commands: Sequence[str]) -> Sets:
    found: list[frozenset[str]] = []
    for texts in _TYPED:
        factors = frozenset().union(*(TEXTS[text] for text in texts))
        if not any(one <= factors for one in found) and any(_does(host, one, texts) for one in commands):
            found.append(factors)
    return ANYBODY if frozenset() in found else least(found)


def _does(host: TestHost, command: str, texts: Sequence[str]) -> bool:
    lines = "".join(f"{typed(text)}\\n" for text in texts)
    script = f"printf '{lines}' | timeout 20 {command} >/dev/null 2>&1 && echo in || echo out"
    return host.run(script, {}).strip() == "in"
