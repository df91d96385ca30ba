"""Who stands banned in any book of this host, whoever wrote it: an engine, another host, an administrator.

Addresses and networks alone, as `unban` is to find them: which lie in a network that was typed, and in which
an address lies that was typed. Sources: fail2ban-client(1), nft(8), ipset(8), sshguard(8), ``cscli decisions
list``, hosts_access(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

from msgspec import Struct

from sshdoctor.facts.parsing.output import unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_ADDRESS = r"^[0-9a-fA-F.:]+(/[0-9]+)?$"
_WORDS = (
    r"""tr -s ' \t,|"{}=[]' '\n' | sed -e 's/^Ip://' -e 's/^Range://' """
    rf"| grep -E '{_ADDRESS}' | sort -u"
)
COMMANDS = {
    "jails": rf"""
command -v fail2ban-client >/dev/null || exit 0
for jail in $(fail2ban-client status 2>/dev/null | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ,); do
  fail2ban-client get "$jail" banip
done | {_WORDS}
true
""",
    "others": rf"""
{{
  for table in ip ip6; do
    nft list set $table sshguard attackers
    "${{table}}tables" -S sshguard
  done
  for set in sshguard4 sshguard6; do ipset list $set; done
  list=$(sed -n 's/^BLACKLIST_FILE=//p' /etc/sshguard/sshguard.conf | tr -d '\042\047' | tail -n 1)
  [ -z "$list" ] || cat "${{list#*:}}"
  ! command -v cscli || cscli decisions list --limit 0 -o raw
  grep -E '^[[:space:]]*(sshd|ALL)[[:space:]]*:' /etc/hosts.deny
  for set in ssh_banned4 ssh_banned6 web_banned4 web_banned6; do
    nft list set inet sshdoctor_share $set
  done
}} 2>/dev/null | {_WORDS}
true
""",
}


class Banned(Struct, frozen=True, kw_only=True):
    """``elements``: addresses, and networks with their length."""

    elements: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()


VALUE = Banned
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> Banned | Unknown:
    for name in COMMANDS:
        if (cut := unseen(sections[name])) is not None:
            return cut
    words = [word for name in COMMANDS for word in sections[name].output.split()]
    found = dict.fromkeys(plain for word in words if (plain := _plain(word)))
    return Banned(elements=tuple(found))


def _plain(word: str) -> str:
    """
    >>> _plain("192.0.2.7/32"), _plain("192.0.2.0/24"), _plain("12.30"), _plain("4")
    ('192.0.2.7', '192.0.2.0/24', '', '')
    """
    try:
        network = ip_network(word)
    except ValueError:
        return ""
    return str(network.network_address if network.num_addresses == 1 else network)
