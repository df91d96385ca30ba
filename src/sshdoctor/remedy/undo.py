"""The last remedy taken back, after it was said what that is and what a client meets then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.errors import RemedyError
from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.model import Host, HostReport, Repair, Unknown
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.about import clients
from sshdoctor.remedy.apply import Applied
from sshdoctor.remedy.others import differing, verdicts
from sshdoctor.remedy.prospect import STOPPED_BY_RULES
from sshdoctor.remedy.run import report_of
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair

AgreeToUndo = Callable[[str, str], bool]
"""Whether the last remedy may be put back: given the host's name, what it was and what will be so again."""
_DOES = {"accept": "lets in", "drop": "drops", "reject": "refuses"}


def take_back(host: Host, before: Diagnosis, setup: RepairSetup, agree: AgreeToUndo) -> HostReport:
    """Undo the last remedy, if that is agreed to. Raises RemedyError if there is none, or no way in."""
    if before.inside.access is None:
        raise RemedyError(f"{host.name}: there is no way in to undo it through")
    if host.managed:
        raise RemedyError(f"{host.name} is run by {host.managed}: nothing is changed there")
    run, since, told = applying.described(before.inside.access)
    then = () if before.on_disk else tuple(foretold(before.facts, applying.rules_then(before.inside.access)))
    if not agree(host.name, undo_text(run, since, told, then, clients(before))):
        words = before.report.outside
        said = Repair(
            outcome="declined", detail=f"{run} is as it was.", replies_before=words, replies_after=words
        )
        return replace(before.report, repair=said)
    done = applying.undo(before.inside.access)
    after = diagnose_to_repair(host, setup)
    after.close()
    return report_of(after.report, before, Applied(()), "undone", detail=done)


def undo_text(run: str, since: str, told: str, then: Sequence[str], here: Sequence[str]) -> str:
    """What an undo takes back and brings back: as it was ``told`` then, and as the rules are ``then``.

    ``here`` are this client's own addresses.
    """
    lines = [line for line in told.splitlines() if line] or ["what it did was not noted on the host"]
    causes = {line.split(":")[1].strip() for line in lines if line.startswith("then again: ")}
    if then and causes and causes <= {*STOPPED_BY_RULES}:  # the rules that come back say it better
        lines = [line for line in lines if " is shut out of " not in line]
    lines = [f"the remedy {run}, confirmed {since or 'at an unknown time'}", *lines, *then]
    if any(_shuts_out(line, client) for client in here if client for line in lines):
        lines.append("that is the address that you dial from: YOU ARE SHUT OUT AGAIN")
    return "\n".join(lines)


def _shuts_out(line: str, client: str) -> bool:
    return f"then {client} is shut out of " in line


def foretold(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, str]) -> Iterator[str]:
    """What the rules as they will be do with the client and with others, where these can be judged at all.

    ``rules`` has what each tool will hold, by its name on the host: see apply.rules_then.
    """
    for face in facts if rules else ():
        dial, client, now = face["dialled"], face["client_address"], face["firewall"]
        if isinstance(now, Unknown) or not client:
            continue
        later = with_rules(now, rules)
        met = path(dial, client, later, face["addresses"], face["bans"])
        if isinstance(met, Path) and isinstance(met.state, str):
            where = f"{dial.address} port {dial.port}"
            shut = f"then {client} is shut out of {where} again" if met.state != "accept" else ""
            does = f"the firewall of {where} then {_DOES.get(met.state, met.state)} {client}"
            yield f"{shut or does} ({met.why})"
        for other in differing(verdicts(face, now), verdicts(face, later)):
            yield f"then also another: {other}"


def with_rules(firewall: Firewall, rules: Mapping[str, str]) -> Firewall:
    """The facts, had each tool held what it holds in ``rules``."""
    dumps = tuple(
        SavedRules(f"{tool}-save", "ipv6" if tool.startswith("ip6") else "ipv4", text)
        for tool, text in rules.items()
        if tool.startswith(("iptables", "ip6tables")) and text.strip()
    )
    return replace(
        firewall,
        readable="yes",
        dumps=dumps,
        nft_json=None,
        nft_text=rules.get("nft", ""),
        ipset=rules.get("ipset"),
    )
