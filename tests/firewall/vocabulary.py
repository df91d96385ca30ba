"""The rarer words of iptables: matches and targets that the kernel loads here, and where they may stand."""

from __future__ import annotations

from firewall.namespaces import CLIENT, SECOND, SERVER
from sshdoctor.model import Family

EVERYWHERE = (
    "-m tos --tos 0x10/0x3f", "-m tos ! --tos 0x10/0x3f", "-m tos --tos 0x00/0x00", "-m dscp --dscp 0x08",
    "-m dscp ! --dscp 0x08", "-m length --length 0:39", "-m length --length 20:65535",
    "-m length ! --length 30:65535", "-m length --length 40:60", "-m length --length 68:1500",
    "-m string --algo bm --string SSH-2.0-", '-m string --algo kmp --string "GET / HTTP/1.1"',
    "-m string --algo kmp --from 250 --string SSH", '-m string --algo bm --hex-string "|53 53|H-"',
    "-m string --algo bm --icase --string ssh-2.0", '-m string --algo bm ! --string "USER anonymous"',
    '-m u32 --u32 "6&0xFF=6"', "-m physdev ! --physdev-is-bridged", "-m physdev --physdev-is-in",
    "-m time --timestart 08:00 --timestop 18:00", "-m time --weekdays Mon,Tue,Wed",
    "-m time --datestop 2020-01-01", "-m connlimit --connlimit-above 1000",
    "-m hashlimit --hashlimit-name oracle --hashlimit-upto 1/min --hashlimit-mode srcip",
    "-m connbytes --connbytes 1000: --connbytes-dir both --connbytes-mode bytes", "-m cpu --cpu 0",
    "-m quota --quota 100", "-m statistic --mode nth --every 2 --packet 0", "-m helper ! --helper ftp",
    "-m addrtype --src-type LOCAL --dst-type UNICAST", "-m connlabel --label 1", "-m connlabel ! --label 2",
    "-m connlabel --label 2 --set", "-m conntrack --ctstate DNAT", "-m conntrack ! --ctstate DNAT,SNAT",
)  # fmt: skip
OF_FAMILY: dict[Family, tuple[str, ...]] = {
    "ipv4": ("-m ttl --ttl-eq 64", "-m ttl --ttl-gt 10", "-m ttl ! --ttl-eq 7", "-m ttl --ttl-lt 8"),
    "ipv6": ("-m hl --hl-eq 64", "-m hl --hl-gt 10", "-m hl ! --hl-eq 7", "-m hl --hl-lt 8",
             "-m rt ! --rt-type 0", "-m frag --fragfirst", "-m hbh", "-m dst", "-m ah",
             "-m ipv6header --header prot", "-m ipv6header ! --header prot", "-m ipv6header --header hop",
             "-m ipv6header --header hop --soft", "-m ipv6header ! --header hop,frag --soft"),
}  # fmt: skip
OF_TCP = (
    "-m tcp --tcp-option 2", "-m tcp ! --tcp-option 30", "-m tcpmss --mss 1:65535", "-m tcpmss ! --mss 1:2",
    "-m ecn --ecn-tcp-ece", "-m ecn ! --ecn-ip-ect 3",
)  # fmt: skip
INWARD = (
    "-m policy --dir in --pol none", "-m policy --dir in --pol ipsec", "-m socket", "-m socket --nowildcard",
    "-m socket --nowildcard --restore-skmark",
)  # fmt: skip
OUTWARD = ("-m policy --dir out --pol none", "-m policy --dir out --pol ipsec")
FIRST = ("-m rpfilter", "-m rpfilter --invert", "-m rpfilter --loose --validmark")
"""In PREROUTING of raw and mangle alone."""

NOT_LOADED = {
    "geoip": "xtables-addons, which no Debian kernel carries",
    "LED": "the kernel has no CONFIG_NETFILTER_XT_TARGET_LED",
    "ULOG": "removed from Linux 3.17",
    "CLUSTERIP": "removed from Linux 6.2",
    "QUEUE": "removed from Linux 3.5: NFQUEUE is what is left of it",
    "ipvs": "the kernel has no CONFIG_IP_VS",
    "nft queue": "the kernel has no CONFIG_NFT_QUEUE",
    "nft meta ibrname": "the kernel has no CONFIG_NFT_BRIDGE_META",
    "SECMARK": "needs SELinux",
}
"""Words of the model that the kernel does not load here, and why: of these, unit tests alone speak."""


def sets(family: Family) -> str:
    """Sets for ``ipset restore``; rules add to the set ``seen``."""
    client, host, other = CLIENT[family], SERVER[family], SECOND[family]
    kind = "family inet" if family == "ipv4" else "family inet6"
    four, six = ("198.51.100.0/24", "198.51.100.0/30"), ("fd00:51::/64", "fd00:51::/126")
    wide, narrow = four if family == "ipv4" else six
    lines = (
        f"hosts hash:ip {kind}", f"hosts {client}", f"hosts {other}", f"nets hash:net {kind}", f"nets {wide}",
        f"nets {narrow} nomatch", f"nets {client}", "ports bitmap:port range 0-65535", "ports 22",
        "ports 2222", f"services hash:ip,port {kind}", f"services {host},tcp:22",
        f"services {client},udp:22",
        f"netports hash:net,port {kind}", f"netports {wide},tcp:80", f"netports {narrow},tcp:22",
        f"ways hash:ip,port,ip {kind}", f"ways {client},tcp:22,{host}", f"netways hash:ip,port,net {kind}",
        f"netways {client},tcp:22,{wide}", f"cards hash:net,iface {kind}", f"cards {wide},eth0",
        "all list:set", f"all {family}-hosts", f"all {family}-nets", "loose list:set", f"seen hash:ip {kind}",
    )  # fmt: skip
    created = ("hash:", "bitmap:", "list:")
    commands = ("create" if line.split()[1].startswith(created) else "add" for line in lines)
    return "".join(f"{command} {family}-{line}\n" for command, line in zip(commands, lines, strict=True))


MEMBERSHIPS = (
    "hosts src", "hosts dst", "nets src", "nets dst", "ports src", "ports dst", "services dst,dst",
    "services src,src", "netports dst,dst", "netports src,dst", "ways src,dst,dst", "netways src,dst,dst",
    "all src", "all dst", "seen src", "loose src",
)  # fmt: skip
INWARD_MEMBERSHIP = "cards src,src"

TARGETS = ("-j NFLOG --nflog-group 5", "-j AUDIT --type accept", "-j SET --add-set {family}-seen src",
           "-j SET --del-set {family}-seen dst")  # fmt: skip
RARE_TARGETS = ("-j NFQUEUE --queue-num 7", "-j NFQUEUE --queue-num 7 --queue-bypass")
MANGLE_TARGETS: dict[Family, tuple[str, ...]] = {
    "ipv4": ("-j TTL --ttl-set 64", "-j TTL --ttl-set 7", "-j TTL --ttl-inc 1", "-j TTL --ttl-dec 1"),
    "ipv6": ("-j HL --hl-set 64", "-j HL --hl-set 7", "-j HL --hl-inc 1", "-j HL --hl-dec 1"),
}
SERVICE_TARGETS = (
    "-j TOS --set-tos 0x10/0x3f", "-j TOS --set-tos 0x00", "-j TOS --or-tos 0x10", "-j DSCP --set-dscp 0x08",
    "-j DSCP --set-dscp-class CS2",
    "-j HMARK --hmark-tuple src --hmark-mod 1 --hmark-offset 1 --hmark-rnd 1",
)  # fmt: skip
TCP_TARGETS = ("-j TCPMSS --set-mss 1000", "-j TCPOPTSTRIP --strip-options sack-permitted")

NFT = (
    "meta length 0-39", "meta length 20-65535", "meta length > 39", "meta length != 30-65535",
    "meta length 60", "meta length 100-200", "tcp option maxseg size 1-65535",
    "tcp option maxseg exists", "tcp option sack-perm missing", "tcp option timestamp exists",
    "ct count over 1000", "ct count 1000",
    "numgen inc mod 2 0", "jhash {ip} saddr mod 2 0", "numgen random mod 2 0",
    "ct original {ip} saddr {client}", "ct original {ip} daddr != {client}",
    "ct reply {ip} saddr {host}", "ct reply {ip} daddr {client}", "ct zone 0", 'ct helper "ftp"',
    "ct original bytes > 1000", "meta hour 08:00-18:00", "meta day Monday", "meta cpu 0",
    "tcp window 1000", "quota over 100 kbytes", "quota until 100 kbytes", "limit rate over 1/minute",
    "update @counted {{ {ip} saddr limit rate 1/minute }}", "add @seen {{ {ip} saddr }}",
    "{ip} saddr @seen", "{ip} daddr != @seen", "delete @seen {{ {ip} daddr }}", "{ip} version 4",
    "{ip} saddr . meta mark @marks", "ct status dnat", "ct status ! dnat", "ct status snat", "ct label 1",
    "ct label ! 2", "numgen inc mod 1 0", "jhash {ip} saddr mod 1 offset 3 3", "tcp doff 5-15",
    "@th,16,16 22",
    "ether type {ip}", "ct original {ip} daddr != {host}", "tcp dport . {ip} saddr {{ 22 . {client} }}",
    "{ip} saddr . meta l4proto {{ {client} . tcp }}", "meta mark and 0x3 0",
    "counter name tcp dport map {{ 22 : \"hits\" }}", "counter name {ip} saddr map {{ {host} : \"hits\" }}",
)  # fmt: skip
"""Matches of nft, and statements that may stand before others."""
NFT_OF_FAMILY: dict[Family, tuple[str, ...]] = {
    "ipv4": ("ip ttl 64", "ip ttl < 8", "ip ttl != 7", "ip dscp cs1", "ip dscp != { cs1, cs2 }", "ip ecn ce",
             "ip length 40-65535", "ip length 0-30", "ip hdrlength 5", "ip frag-off & 0x1fff != 0",
             "ip frag-off & 0x1fff == 0", "ip option rr exists", "ip id 1",
             "ip saddr . ip ttl { 198.51.100.1 . 64 }"),
    "ipv6": ("ip6 hoplimit 64", "ip6 hoplimit < 8", "ip6 hoplimit != 7", "ip6 dscp cs1",
             "ip6 dscp != { cs1, cs2 }", "ip6 ecn ce", "ip6 length 20-65535", "ip6 length 0-10",
             "ip6 flowlabel 1", "exthdr hbh exists", "exthdr frag missing", "rt type 0"),
}  # fmt: skip
NFT_INWARD = (
    "ipsec in reqid 1", "meta ipsec exists", "meta secpath missing",
    "socket wildcard 0", "socket transparent 0", "socket mark 0",
    *("fib saddr . iif oif exists", "fib saddr . iif oif missing", "fib saddr . mark . iif oif exists") * 4,
    "fib daddr . iif type local", "meta skuid 0", "meta skuid != 0", "meta skgid 0-9", "socket transparent 0",
    "fib saddr oif exists", "fib saddr oifname eth0", "fib daddr oif missing", "fib daddr . mark type local",
)  # fmt: skip
NFT_OUTWARD = (
    "rt ipsec exists",
    "rt ipsec missing",
    "rt mtu > 100",
    "meta skuid 0",
    "meta skgid { 0, 5 }",
    "meta skuid 1-9",
)
NFT_CHANGES = (
    "{ip} {ttl} set 64", "{ip} {ttl} set 7", "{ip} dscp set cs1", "{ip} dscp set cs2", "{ip} ecn set ce",
    "tcp option maxseg size set 1000", "reset tcp option sack-perm", "meta priority set 1:1",
    "meta mark set {ip} saddr map {{ {client} : 1 }}", "meta mark set numgen inc mod 1", "ct label set 1",
    "meta mark set {ip} saddr map {{ {host} : 1 }} drop", "update @seen {{ {ip} saddr }} drop",
    "ct mark set tcp dport map {{ 22 : 3, 80 : 4 }}", "meta priority set tcp sport map {{ 22 : 1:2 }} drop",
    "meta mark set mark << 1", "ct label set 2", "meta mark set jhash {ip} daddr mod 1 offset 2",
    "ct mark set {ip} saddr . tcp dport map {{ {client} . 22 : 1 }} drop",
    "tcp dport vmap {{ 80 : drop, * : accept }}", "tcp dport 22 jump {{ tcp flags syn accept; }};",
)  # fmt: skip
