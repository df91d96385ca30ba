"""sshguard and CrowdSec: whether they run, what they read, what they hold.

Sources: sshguard(8), sshguard-setup(7); CrowdSec's documentation of cscli, of acquisition and of bouncers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.parsing.output import parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "sshguard": r"""
command -v sshguard >/dev/null || exit 0
echo '## state'; systemctl is-active sshguard 2>/dev/null || { pgrep -x sshguard >/dev/null && echo active; }
file=/etc/sshguard/sshguard.conf
echo '## settings'; sed -n 's/^\([A-Z_]*\)=/\1 /p' $file 2>/dev/null
echo '## allowed'
lists=$(sed -n 's/^WHITELIST_FILE=//p' $file 2>/dev/null | tr -d "\"'")
cat $lists /dev/null 2>/dev/null | grep -v -e '^#' -e '^$'
journalctl -q --no-pager -o cat SYSLOG_IDENTIFIER=sshguard 2>/dev/null | awk '
  /^Attack from / { noticed++ }  /^Blocking / { blocked++ }
  END { print "## noticed"; print noticed + 0; print "## blocked"; print blocked + 0 }'
true
""",
    "crowdsec": r"""
command -v cscli >/dev/null || exit 0
echo '## state'; systemctl is-active crowdsec 2>/dev/null
echo '## bouncer'
for unit in crowdsec-firewall-bouncer crowdsec-custom-bouncer; do
  [ "$(systemctl is-active $unit 2>/dev/null)" != active ] || echo $unit
done
echo '## pending'; ls /var/lib/crowdsec/pending-registration 2>/dev/null
[ "$(systemctl is-active crowdsec 2>/dev/null)" = active ] || exit 0
echo '## acquisition'
for file in /etc/crowdsec/acquis.yaml /etc/crowdsec/acquis.d/*.yaml; do
  [ ! -f "$file" ] || { echo "---"; grep -v '^ *#' "$file"; }
done
echo '## parsers'; ls /etc/crowdsec/parsers/s00-raw /etc/crowdsec/parsers/s01-parse 2>/dev/null
echo '## scenarios'; ls /etc/crowdsec/scenarios 2>/dev/null
echo '## simulation'; grep -sv '^ *#' /etc/crowdsec/simulation.yaml
echo '## profiles'; grep -sv '^ *#' /etc/crowdsec/profiles.yaml
echo '## metrics'; cscli metrics -o json 2>/dev/null
echo; echo '## decisions'; cscli decisions list -o json -a 2>/dev/null
echo; echo '## alerts'; cscli alerts list -o json -l 0 2>/dev/null | grep -c '"scenario"'
echo; echo '## whitelists'
grep -RhE -e '^ *- *"?[0-9a-fA-F.:/]+"? *$' -e '^ *(ip|cidr): *[[]' /etc/crowdsec/parsers/s02-enrich \
  /etc/crowdsec/postoverflows 2>/dev/null
true
""",
}


class Sshguard(Struct, frozen=True, kw_only=True):
    """``settings`` are those of its file; ``noticed`` and ``blocked`` are counted in the journal."""

    running: bool
    settings: Mapping[str, str]
    allowed: tuple[str, ...]
    noticed: int
    blocked: int


class Source(Struct, frozen=True, kw_only=True):
    """One thing that CrowdSec reads: ``text`` is its block of the file, ``kind`` its ``labels.type``."""

    kind: str
    text: str


class Crowdsec(Struct, frozen=True, kw_only=True):
    """``bouncers``: the units that run. ``lines``: read, parsed and not parsed, all sources together.
    ``banned``: the addresses of its decisions, None where cscli does not tell."""

    running: bool
    bouncers: tuple[str, ...]
    pending: bool
    sources: tuple[Source, ...] = ()
    parsers: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    simulated: bool = False
    """Globally; ``unlike`` are the scenarios for which the other way round holds."""
    unlike: tuple[str, ...] = ()
    profiles: str = ""
    read: int = 0
    parsed: int = 0
    banned: tuple[str, ...] | None = None
    alerts: int | None = None
    allowed: tuple[str, ...] = ()


class Guards(Struct, frozen=True, kw_only=True):
    """None for what is not installed."""

    sshguard: Sshguard | Unknown | None
    crowdsec: Crowdsec | Unknown | None
    evidence: tuple[Evidence, ...] = ()


VALUE = Guards
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> Guards:
    return Guards(sshguard=_sshguard(sections["sshguard"]), crowdsec=_crowdsec(sections["crowdsec"]))


def _sshguard(section: Section) -> Sshguard | Unknown | None:
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "state" not in said:
        return None
    words = (line.partition(" ") for line in said["settings"].splitlines())
    return Sshguard(
        running=said["state"].strip() == "active",
        settings={name: value.strip("\"' ") for name, _, value in words},
        allowed=tuple(said["allowed"].split()),
        noticed=int(said["noticed"]),
        blocked=int(said["blocked"]),
    )


def _crowdsec(section: Section) -> Crowdsec | Unknown | None:
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "state" not in said:
        return None
    running = said["state"].strip() == "active"
    bouncers, pending = tuple(said["bouncer"].split()), bool(said["pending"].strip())
    if not running:
        return Crowdsec(running=False, bouncers=bouncers, pending=pending)
    lines = list(_counts(_json(said["metrics"])))
    decisions = _json(said["decisions"])
    alerts = said["alerts"].strip()
    return Crowdsec(
        running=True,
        bouncers=bouncers,
        pending=pending,
        sources=tuple(_sources(said["acquisition"])),
        parsers=tuple(said["parsers"].split()),
        scenarios=tuple(said["scenarios"].split()),
        simulated=re.search(r"(?im)^simulation:[ ]*(?:true|on|yes)\b", said["simulation"]) is not None,
        unlike=tuple(re.findall(r"(?m)^[ ]*-[ ]*[\"']?([\w./-]+)", said["simulation"])),
        profiles=said.get("profiles", ""),
        read=sum(each for name, each in lines if name in ("lines_read", "reads")),
        parsed=sum(each for name, each in lines if name in ("lines_parsed", "parsed")),
        banned=tuple(_values(decisions)) if said["decisions"].strip() else None,
        alerts=int(alerts) if alerts.isdecimal() else None,
        allowed=tuple(re.findall(r"[\da-fA-F.:/]{3,}", said["whitelists"])),
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text.strip() or "null")
    except (ValueError, RecursionError):
        return None


def _counts(metrics: Any) -> Iterator[tuple[str, int]]:
    """The counters of every source in "acquisition", whichever the version calls them."""
    part = metrics.get("acquisition") if isinstance(metrics, dict) else None
    for source in part.values() if isinstance(part, dict) else ():
        for name, count in source.items() if isinstance(source, dict) else ():
            if isinstance(count, int):
                yield name, count


def _values(decisions: Any) -> Iterator[str]:
    """The addresses of decisions, which newer versions list under their alerts."""
    for each in decisions if isinstance(decisions, list) else ():
        inner = each.get("decisions") if isinstance(each, dict) else None
        for one in inner if isinstance(inner, list) else [each]:
            if isinstance(one, dict) and one.get("type", "ban") == "ban" and not one.get("simulated"):
                yield str(one.get("value", ""))


def _sources(text: str) -> Iterator[Source]:
    for block in re.split(r"^---\s*$", text, flags=re.M):
        if found := re.search(r"^[ \t]+type:[ \t]*[\"']?([\w-]+)", block, re.M):
            yield Source(kind=found[1], text=block)
