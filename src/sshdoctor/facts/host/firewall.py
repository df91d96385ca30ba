"""The rules of every packet filter on the host, as text; what they mean is read elsewhere.

Sources: iptables-save(8), xtables-nft(8), nft(8), ipset(8), proc(5). Looking must not load a kernel module:
iptables-legacy-save reads the names in /proc/net/ip_tables_names and loads nothing when the list is empty
(its source, for_each_table); the tools that speak nf_tables would load it, so that they run only where
/proc/modules has it, or it is built in (modules.builtin, /proc/kallsyms, or a kernel without modules).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.offline.accounts_and_paths import OFF, printed
from sshdoctor.facts.parsing.loaders import LOADERS, loaders
from sshdoctor.facts.parsing.output import NOT_PERMITTED, denied, evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Family, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

_NF_TABLES = """\
nf_tables() {
  grep -qs '^nf_tables ' /proc/modules && return 0
  [ -e /proc/modules ] || return 0
  builtin=/lib/modules/$(uname -r)/modules.builtin
  if [ -r "$builtin" ]; then grep -q '/nf_tables[.]ko' "$builtin"
  else grep -qsw nft_do_chain /proc/kallsyms; fi
}
"""

COMMANDS = {
    "rules": _NF_TABLES
    + """
nf_tables && nft=yes || nft=no
echo '## kernel'; echo "nf_tables=$nft"
names() {
  [ -e "/proc/net/$1_names" ] || return 1
  [ ! -r "/proc/net/$1_names" ] || [ -n "$(cat "/proc/net/$1_names" 2>&1)" ]
}
has() { command -v "$1" >/dev/null; }
for ip in ip ip6; do
  ! names ${ip}_tables || echo "${ip}_tables=yes"
  ! has ${ip}tables || echo "${ip}tables=$(readlink -f "$(command -v ${ip}tables)")"
done
for ip in ip ip6; do
  if has ${ip}tables-nft-save; then
    [ $nft = no ] || { echo "## ${ip}tables-nft-save"; ${ip}tables-nft-save 2>&1; }
    if names ${ip}_tables; then
      if has ${ip}tables-legacy-save; then echo "## ${ip}tables-legacy-save"; ${ip}tables-legacy-save 2>&1
      else echo "## ${ip}tables-legacy-save"; echo "${ip}tables-legacy-save: not installed"; fi
    fi
  elif has ${ip}tables-save; then
    echo "## ${ip}tables-save"; ${ip}tables-save 2>&1
  elif names ${ip}_tables; then
    echo "## ${ip}tables-save"; echo "${ip}tables-save: not installed"
  fi
done
if has ipset; then
  if [ ! -e /proc/modules ] || grep -q '^ip_set ' /proc/modules; then echo '## ipset'; ipset save 2>&1; fi
fi
for file in /proc/net/xt_recent/*; do
  [ ! -r "$file" ] || { echo "## recent ${file##*/}"; head -c 50000 "$file"; }
done
queues=/proc/net/netfilter/nfnetlink_queue
[ ! -r $queues ] || { echo '## queues'; cat $queues; }
echo '## managers'
! grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf || echo ufw
for pair in firewalld:/run/firewalld.pid fail2ban:/run/fail2ban/fail2ban.sock docker:/run/docker.sock \\
  sshguard:/run/sshguard.pid csf:/etc/csf/csf.conf; do
  [ ! -e "${pair#*:}" ] || echo "${pair%%:*}"
done
echo '## boot'
for unit in ufw firewalld nftables netfilter-persistent iptables ip6tables fail2ban docker sshguard \
  crowdsec-firewall-bouncer ferm shorewall shorewall6; do
  for start in /etc/systemd/system/*.wants/$unit.service /etc/rc[2S].d/S[0-9][0-9]$unit \
    /etc/runlevels/default/$unit; do
    [ ! -L "$start" ] || { echo $unit; break; }
  done
done
set --
for file in /etc/rc.local /etc/network/interfaces /etc/network/if-*.d/* /etc/systemd/system/*.service; do
  [ ! -f "$file" ] || [ -L "$file" ] || set -- "$@" "$file"
done
[ $# = 0 ] || ! grep -qsE '^[^#]*(ip6?tables|nft )' "$@" || echo script
"""
    + LOADERS
    + """
for file in /etc/iptables/rules.v4 /etc/iptables/rules.v6 /etc/sysconfig/iptables /etc/sysconfig/ip6tables; do
  [ ! -e $file ] || { echo "## saved $file"; grep -h '^[-*:]' $file 2>&1; }
done
[ ! -e /etc/firewalld/direct.xml ] || {
  echo '## saved /etc/firewalld/direct.xml'; grep -h '<rule ' /etc/firewalld/direct.xml 2>&1
}
[ ! -e /etc/nftables.conf ] || {
  echo '## saved /etc/nftables.conf'; grep -hv '^[[:space:]]*#' /etc/nftables.conf 2>&1
}
true
""",
    "nft": _NF_TABLES + "! command -v nft >/dev/null || ! nf_tables || nft -j list ruleset",
    "nft_text": _NF_TABLES
    + '! command -v nft >/dev/null || ! nf_tables || [ -z "$(nft list tables)" ] || nft -a list ruleset',
}


class SavedRules(Struct, frozen=True):
    """The output of one iptables-save; ``tool`` is its name."""

    tool: str
    family: Family
    text: str


class Firewall(Struct, frozen=True, kw_only=True):
    """``readable``: "yes", "absent" (the kernel holds no tables, hence no rules), or Unknown.

    ``dumps`` is without a back end whose tables do not exist. ``nft_json`` and ``nft_text`` are None where
    nft is not there; ``ipset`` is the output of ``ipset save``, None likewise. ``queues``: those of NFQUEUE
    to which a program listens, None where the kernel does not say. ``managers`` names the programs that write
    rules here, ``boot`` those of them that are started at boot (the links in *.wants, /etc/rc2.d,
    /etc/runlevels), and "script" if a unit or script of the host's own calls iptables or nft.
    ``saved`` is the lines of the files that rules are loaded from, by path: Unknown for one that may not be
    read. ``recent`` has the addresses on each list of ``-m recent`` that may be read.
    ``loaders`` are what makes rules at boot, or again and again, by the host's own words: a unit, a timer, a
    line of cron, a script, each with the file, as in "fw.timer (/usr/local/sbin/fw.sh)".
    ``default`` is the back end of plain ``iptables`` and ``ip6tables``, by family: "nft", "legacy".
    """

    readable: Literal["yes", "absent"] | Unknown
    dumps: tuple[SavedRules, ...]
    nft_json: str | None
    nft_text: str | None
    ipset: str | None
    queues: tuple[int, ...] | None = None
    managers: tuple[str, ...]
    boot: tuple[str, ...] | Unknown
    saved: Mapping[str, tuple[str, ...] | Unknown]
    default: Mapping[str, str]
    recent: Mapping[str, tuple[str, ...]] = {}
    loaders: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...]


VALUE = Firewall
WRITERS = {"": "root"}


def on_disk(disk: Disk, user: str) -> Firewall | Unknown:
    """The rules that the boot will load; those in force are Unknown, as is whatever else makes some."""
    from sshdoctor.facts.offline import firewall as _firewall_disk  # only a disk needs it

    nft, nft_text = _firewall_disk.nft_text(disk)
    said = {"rules": _firewall_disk.rules_text(disk), "nft": nft, "nft_text": nft_text}
    firewall = parse({name: printed(text) for name, text in said.items()})
    if isinstance(firewall, Unknown):
        return firewall
    unread = _firewall_disk.unread(_firewall_disk.loaders(disk), disk)
    return replace(firewall, readable=Unknown(unread) if unread else OFF)


_SAVES = re.compile(r"^ip(6?)tables(-nft|-legacy)?-save$")
_FAILED = re.compile(r"^(Failed|Fatal|Error|netlink: Error|ip6?tables(-\w+)?-save[ :v])", re.M)


def parse(sections: Mapping[str, Section]) -> Firewall | Unknown:
    said = parts(sections["rules"].output)
    saves = {name: text for name, text in said.items() if _SAVES.match(name)}
    json, text = sections["nft"].output.strip(), sections["nft_text"].output.strip()
    failed = [each for each in saves.values() if _FAILED.search(each)]
    failed += [section.output for name, section in sections.items() if name != "rules" and not section.ok]
    cut = [reason for section in sections.values() if (reason := unseen(section)) is not None]
    dumps = tuple(
        SavedRules(name, "ipv6" if name.startswith("ip6") else "ipv4", each)
        for name, each in saves.items()
        if each not in failed and re.search(r"^\*\w", each, re.M)
    )
    return Firewall(
        readable=cut[0] if cut else _readable(said, bool(saves or json), failed),
        dumps=dumps,
        nft_json=json if sections["nft"].ok and json else None,
        nft_text=text if sections["nft_text"].ok and json else None,
        ipset=said.get("ipset"),
        queues=_queues(said["queues"]) if "queues" in said else None,
        managers=tuple(said.get("managers", "").split()),
        boot=tuple(said["boot"].split()) if "boot" in said else Unknown("not asked for"),
        saved={name[6:]: _lines(each) for name, each in said.items() if name.startswith("saved ")},
        recent={name[7:]: _recent(each) for name, each in said.items() if name.startswith("recent ")},
        loaders=loaders(said.get("loaders", "")),
        default=_default(said.get("kernel", "")),
        evidence=evidence(
            "iptables-save; nft list ruleset", [line for each in failed for line in each.splitlines()]
        ),
    )


def _recent(text: str) -> tuple[str, ...]:
    """
    >>> _recent("src=fd00:0000:0000:0000:0000:0000:0000:0001 ttl: 64 last_seen: 42 oldest_pkt: 1 42\\n")
    ('fd00::1',)
    """
    found = re.findall(r"^src=([\da-fA-F.:]+) ", text, re.M)
    return tuple(str(ipaddress.ip_address(each)) for each in found)


def _queues(text: str) -> tuple[int, ...] | None:
    """The first number of each line (nfnetlink_queue.c, seq_show).

    >>> _queues("    0  31621     0 2  4016     0     0        0  1\\n")
    (0,)
    """
    first = [line.split()[0] for line in text.splitlines() if line.strip()]
    return tuple(map(int, first)) if all(word.isdecimal() for word in first) else None


def _readable(said: Mapping[str, str], looked: bool, failed: list[str]) -> Literal["yes", "absent"] | Unknown:
    if any(denied(text) for text in failed):
        return NOT_PERMITTED
    missing = [text for text in failed if "not installed" in text]
    if failed:
        return Unknown(missing[0].replace("save: not", "save is not") if missing else _first(failed[0]))
    kernel = said["kernel"].split()
    if not looked and "nf_tables=yes" in kernel:
        return Unknown("neither nft nor iptables-save is installed")
    return "yes" if looked else "absent"


def _default(kernel: str) -> dict[str, str]:
    """xtables-nft-multi and xtables-legacy-multi are the programs that the commands are links to.

    >>> _default("nf_tables=yes\\niptables=/usr/sbin/xtables-legacy-multi\\nip6tables=/usr/sbin/other")
    {'ipv4': 'legacy'}
    """
    found = re.findall(r"^ip(6?)tables=\S*xtables-(nft|legacy)-multi$", kernel, re.M)
    return {f"ipv{version or 4}": backend for version, backend in found}


def _lines(text: str) -> tuple[str, ...] | Unknown:
    return NOT_PERMITTED if text.startswith("grep: ") and denied(text) else tuple(text.splitlines())


def _first(text: str) -> str:
    return text.strip().partition("\n")[0]
