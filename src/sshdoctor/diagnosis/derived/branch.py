"""Which branch of an undecided rule it was: where only one gives the reply that came, it was that one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.model import Unknown

if TYPE_CHECKING:
    from sshdoctor.firewall import Verdict


def by_reply(verdict: Verdict, dial: Dialled) -> Verdict | None:
    """``verdict`` as it must have been for the reply that came, None where it says nothing more about that."""
    if verdict.state not in ("depends", "unknown") or isinstance(dial.reply, Unknown):
        return None
    for branch in verdict.branches:
        if branch.reply is not None and branch.reply == dial.reply:
            why = f"{branch.why} (the answer that came is that of this rule; {verdict.why})"
            return replace(verdict, state=branch.state, reply=branch.reply, rule=branch.rule, why=why)
    return None


def knocks(firewall: Firewall, missing: Iterable[str], port: int) -> tuple[str, ...]:
    """What would put the client on the lists ``missing`` by which a rule lets it in to ``port``: each rule of
    ``-m recent --set``, as a person reads it."""
    lines = [line for dump in firewall.dumps for line in dump.text.splitlines() if "-m recent" in line]
    return tuple(found for name in missing for found in _knock(lines, name, port))


def _knock(lines: list[str], name: str, port: int) -> Iterator[str]:
    """
    >>> _knock(["-A I -p tcp --dport 22 -m recent --rcheck --name K --rsource -j ACCEPT"], "K", 22).__next__()
    'only who is on the list K is let in: -A I -p tcp --dport 22 -m recent --rcheck --name K --rsource -j ACCEPT'
    """
    named = [line for line in lines if re.search(rf"--name {re.escape(name)}(\s|$)", line)]
    lets_in = [
        line for line in named if re.search(r"--(rcheck|update)\b.* -j ACCEPT", line) and _means(line, port)
    ]
    if not lets_in:
        return
    yield f"only who is on the list {name} is let in: {lets_in[0]}"
    for line in named:
        if "--set" in line and line not in lets_in:
            yield f"this puts a client there: {line}"


def _means(line: str, port: int) -> bool:
    ports = re.search(r"--dports? (\S+)", line)
    return ports is None or str(port) in re.split(r"[,:]", ports[1])
