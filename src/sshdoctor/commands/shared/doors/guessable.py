"""Where a password alone is enough, which is what protection against guessing is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sshdoctor.commands.shared.doors.gather import doors_of_host
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.model import Host

ALONE = "may log in with a password alone"


def guessable(host: Host, probing: ProbeOptions) -> Iterator[str]:
    """A line for each account, root first; none where the host does not tell."""
    found = doors_of_host(host, probing)
    own = found.doors.accounts if found.doors is not None else {}
    for account in sorted(own, key=lambda name: name != "root"):
        weak = [name for name, sets in own[account].items() if name.startswith("ssh:") and _guessed(sets)]
        if weak:
            yield f"{account} {ALONE} ({', '.join(weak)}): `sshdoctor doors` shows every door"


def _guessed(sets: Sequence[Sequence[str]]) -> bool:
    return [] in sets or ["password"] in sets
