"""nftables.conf as a disk has it, against what nft itself makes of it: the same verdict by the same rule."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from firewall.namespaces import Namespace
from sshdoctor.facts.parsing.nft_file import ruleset
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
    if name == "a-rate-in-the-middle":
        assert found[0] == "unknown", found  # less than nft knows, and never more
    else:
        assert found == loaded


@pytest.mark.parametrize(
    "text",
    [
        'include "/etc/nftables.d/*.nft"\n',
        "define ssh = 22\n",
        "table inet filter { chain input { type filter hook input priority 0; tcp dport $ssh drop; } }",
        "add rule inet filter input tcp dport 22 drop\n",
        "table inet filter { chain input {",
        "delete table inet filter\n",
    ],
)
def test_what_is_not_understood_as_a_whole_is_not_read(text: str) -> None:
    assert ruleset(text) is None


def test_a_word_that_is_not_understood_leaves_a_doubt_and_no_gap() -> None:
    text = "table inet filter { chain input { type filter hook input priority 0; osf name Linux drop; } }"
    read = ruleset(text)
    assert read is not None
    assert verdict(*read, "client")[0] == "unknown"
