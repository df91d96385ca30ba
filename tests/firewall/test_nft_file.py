"""nftables.conf as a disk has it, against what nft itself makes of it: the same verdict by the same rule."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from firewall.namespaces import Namespace
from sshdoctor.facts.offline.nft_file import ruleset
from sshdoctor.firewall import Dump, Packet, judge
from sshdoctor.model import Family

SOURCES: dict[str, tuple[Family, str]] = {
    "client": ("ipv4", "198.51.100.7"),
    "another": ("ipv4", "203.0.113.9"),
    "client6": ("ipv6", "2001:db8::7"),
}
FILES = {
    "default-of-debian": """#!/usr/sbin/nft -f

flush ruleset

table inet filter {
\tchain input {
\t\ttype filter hook input priority filter;
\t}
\tchain forward { type filter hook forward priority filter; }
}
""",
    "drop-by-policy": """
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname "lo" accept
    tcp dport { 80, https } counter accept # and not ssh
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
  }
}
""",
    "one-network-is-let-in": """
table ip6 filter {
  chain input {
    type filter hook input priority filter; policy drop; ip6 saddr 2001:db8::/32 tcp dport ssh accept
  }
}
table inet guard {
  set office {
    type ipv4_addr
    flags interval
    elements = { 198.51.100.0/24,
                 192.0.2.1-192.0.2.9 }
  }
  chain input {
    type filter hook input priority filter - 10; policy accept;
    iif lo accept
    ct state established,related accept
    ip saddr @office tcp dport 22 accept comment "the office"
    meta l4proto tcp jump refuse
  }
  chain refuse {
    ip saddr 203.0.113.0/24 log prefix "no: " level info reject with icmp type admin-prohibited
    tcp dport != 443 reject with icmpx type host-unreachable
  }
}
""",
    "reset-and-return": """
table ip filter {
  chain pre { type filter hook prerouting priority raw; policy accept; ip saddr 203.0.113.9 drop; }
  chain input {
    type filter hook input priority filter; policy accept;
    ip saddr 198.51.100.7 goto own
  }
  chain own { tcp dport 20-25 reject with tcp reset; return; }
}
""",
    "variables-and-commands": """
define lan = 198.51.100.0/24
define closed = { 22, 2222 }
define office = { $lan, 192.0.2.1 }
add table inet filter
add chain inet filter input { type filter hook input priority 0; policy accept; }
flush chain inet filter input
add rule inet filter input ip saddr != $lan tcp dport $closed counter \\
    reject with tcp reset comment "closed"
insert rule inet filter input ip saddr { $office, 203.0.113.7 } ct state new accept
add set inet filter bad { type ipv6_addr; }
add element inet filter bad { 2001:db8::7 }
add rule inet filter input ip6 saddr @bad drop
table inet other { chain input { type filter hook input priority 5; drop; }; }
delete table inet other
""",
    "untracked-in-raw": """
table inet raw {
  chain pre { type filter hook prerouting priority raw; tcp dport 22 notrack accept; }
}
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state new tcp dport 22 accept
    ct state established accept
  }
}
""",
    "maps-and-chains-in-braces": """
table inet filter {
  map ways { type ipv4_addr : verdict; elements = { 198.51.100.7 : jump own, 203.0.113.9 : drop }; }
  chain own { tcp dport vmap { 22:drop, 80 : accept }; }
  chain input {
    type filter hook input priority filter; policy accept;
    ip saddr vmap @ways
    ip6 saddr 2001:db8::/32 jump { tcp flags & (fin | syn | rst | ack) == syn reject with icmpv6 no-route; };
  }
}
""",
    "a-rate-in-the-middle": """
table inet filter {
  chain input {
    type filter hook input priority filter; policy accept;
    tcp dport 22 limit rate over 3/minute drop
  }
}
""",
}


@pytest.fixture(scope="module")
def kernel() -> Iterator[Namespace]:
    namespace = Namespace(f"nftfile{os.getpid()}")
    yield namespace
    namespace.close()


def verdict(json: str, text: str, source: str) -> tuple[object, ...]:
    family, address = SOURCES[source]
    here = "198.51.100.2" if family == "ipv4" else "2001:db8::2"
    packet = Packet(
        family=family,
        source=address,
        destination=here,
        destination_port=22,
        in_interface="eth0",
        out_interface="eth0",
        reverse_path=True,
        local_addresses=(here,),
    )
    found = judge([Dump("nft", "ipv4", json), Dump("nft-text", "ipv4", text)], packet)
    rule = found.rule and (found.rule.table, found.rule.chain, found.rule.number)
    return found.state, found.reply, rule


@pytest.mark.containers
@pytest.mark.xdist_group("nft file")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", FILES)
def test_the_file_means_what_nft_loads(kernel: Namespace, name: str, source: str) -> None:
    kernel.command("nft", "flush", "ruleset")
    done = kernel.command("nft", "-f", "-", text=FILES[name])
    assert not done.returncode, done.stderr
    loaded = verdict(
        kernel.command("nft", "-j", "list", "ruleset").stdout,
        kernel.command("nft", "-a", "list", "ruleset").stdout,
        source,
    )
    read = ruleset(FILES[name])
    assert read is not None
    found = verdict(*read, source)
    assert found == loaded


@pytest.mark.parametrize(
    "text",
    [
        'include "/etc/nftables.d/*.nft"\n',
        "table inet filter { chain input { type filter hook input priority 0; tcp dport $ssh drop; } }",
        "add element inet filter ports { 22 }\n",
        "table inet filter { chain input {",
        "delete rule inet filter input handle 5\n",
    ],
)
def test_what_is_not_understood_as_a_whole_is_not_read(text: str) -> None:
    assert ruleset(text) is None


def test_a_word_that_is_not_understood_leaves_a_doubt_and_no_gap() -> None:
    text = "table inet filter { chain input { type filter hook input priority 0; tell nobody drop; } }"
    read = ruleset(text)
    assert read is not None
    assert verdict(*read, "client")[0] == "unknown"
