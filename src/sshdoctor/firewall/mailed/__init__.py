"""The firewall's verdict offline, for dumps that somebody mailed.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     dump = Path(folder, "rules.v4")
...     _ = dump.write_text("*filter\\n:INPUT DROP [0:0]\\nCOMMIT\\n")
...     [answer] = judge_files([dump], source="198.51.100.1", destination="198.51.100.2", port=22)
>>> answer.verdict, answer.reply, str(answer.rule)
('drop', 'silence', 'filter INPUT policy DROP')
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from sshdoctor.errors import RulesError, UsageError
from sshdoctor.firewall import Dump, Packet, Rule, judge
from sshdoctor.firewall.kernel.segment import first_segment
from sshdoctor.firewall.mailed.dialect import Rules, recognise
from sshdoctor.firewall.mailed.files import Named, expand, read_text
from sshdoctor.firewall.mailed.owner import owner_of
from sshdoctor.firewall.model import State
from sshdoctor.model import Family, endpoint

__all__ = ["ClientVerdict", "judge_files"]


class ClientVerdict(Struct, frozen=True, kw_only=True):
    """What one file says of the client.

    ``reply`` is the word of the contract that the client gets, None where the firewall lets it pass or where
    that cannot be said. ``owner`` is the program that made the deciding chain, as far as its name tells.
    ``redirected_to`` is the address and port that REDIRECT or DNAT send it to. ``error`` says why the file
    is no dump; the verdict is then ``unknown``.
    """

    file: str
    verdict: State
    reply: str | None = None
    rule: Rule | None = None
    why: str
    way: tuple[str, ...] = ()
    owner: str | None = None
    redirected_to: str | None = None
    error: str | None = None


def judge_files(
    paths: Iterable[str | Path],
    *,
    source: str,
    destination: str,
    port: int,
    in_interface: str | None = None,
    out_interface: str | None = None,
) -> list[ClientVerdict]:
    """The verdict of each file in ``paths`` (files, or folders of files) on a client's TCP connection.

    One file is one host: all dumps in it (``iptables-save``, ``ip6tables-save``, ``nft list ruleset``) count
    at once, as in its kernel. A file of ``ipset save`` gets no answer of its own; it serves the files in the
    same folder, and all files if it was named itself. The family is that of the addresses, which are as the
    host sees them. ``in_interface`` and ``out_interface`` are where the client comes in and where it is
    answered; without them, every name that the rules have is tried. The path ``-`` is the standard input.

    A file that is no dump gives an Answer with ``error``. Raises UsageError for a path that is not there, an
    address that is none, or a port out of range.
    """
    family: Family = "ipv6" if ":" in source else "ipv4"
    if not 1 <= port <= 65535:
        raise UsageError(f"port {port}: a number from 1 to 65535")
    packet = Packet(
        family=family,
        source=source,
        destination=destination,
        destination_port=port,
        in_interface=in_interface,
        out_interface=out_interface,
        reverse_path=in_interface == out_interface if in_interface and out_interface else None,
    )
    first_segment(packet)
    read = [(named, _read(named, family)) for named in expand(paths)]
    sets = [(named, rules.sets) for named, rules in read if isinstance(rules, Rules) and rules.sets]
    answers: list[ClientVerdict] = []
    for named, rules in read:
        if isinstance(rules, str):
            answers.append(_faulty(named, rules))
        elif rules.dumps:
            answers.append(_judge(named, rules, _beside(named, sets), packet))
    if not answers:
        raise UsageError("--rules: only sets (ipset save); the rules that ask for them are missing")
    return answers


def _read(named: Named, family: Family) -> Rules | str:
    try:
        return recognise(read_text(named.path), family)
    except RulesError as error:
        return str(error)


def _faulty(named: Named, error: str) -> ClientVerdict:
    return ClientVerdict(file=str(named.path), verdict="unknown", why=error, error=error)


def _beside(named: Named, sets: Sequence[tuple[Named, Dump]]) -> list[Dump]:
    """The sets that may be this host's; those that stand in the file itself come last, and count."""
    theirs = [dump for other, dump in sets if other.path.parent == named.path.parent or not other.in_folder]
    own = [dump for other, dump in sets if other is named]
    return [*(dump for dump in theirs if dump not in own), *own]


def _judge(named: Named, rules: Rules, sets: Sequence[Dump], packet: Packet) -> ClientVerdict:
    file = str(named.path)
    if not rules.speaks_of(packet.family):
        others = " and ".join(sorted({dump.family for dump in rules.dumps}))
        return ClientVerdict(file=file, verdict="unknown", why=f"the file has rules of {others} only")
    try:
        verdict = judge([*rules.dumps, *sets], packet)
    except RulesError as error:
        return _faulty(named, str(error))
    if verdict.state == "accept" and rules.hides_legacy(packet.family):
        why = "iptables-legacy has tables as well (says the file), and they are not in it"
        return ClientVerdict(file=file, verdict="unknown", why=why)
    to = verdict.redirected_to
    return ClientVerdict(
        file=file,
        verdict=verdict.state,
        reply=verdict.reply,
        rule=verdict.rule,
        why=verdict.why,
        way=verdict.way,
        owner=owner_of(verdict.rule, verdict.way, rules.dumps),
        redirected_to=endpoint(*to) if to else None,
    )
