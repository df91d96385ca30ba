"""iptables' match extensions (``-m``): from their options to matches that can be judged.

An extension that is not here, or an option that is not understood, becomes a Doubt that names it.
"""

from __future__ import annotations

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.iptables.option import Maker, Option, Options, depends, unknown
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.kernel.address_type import AddressType, address_type
from sshdoctor.firewall.kernel.conntrack import Condition, conntrack, state
from sshdoctor.firewall.model import Match
from sshdoctor.model import Family


def _nothing(options: Options, family: Family) -> list[Match]:
    return [unknown(f"the option {option.name}") for option in options]


def _helper(options: Options, family: Family) -> list[Match]:
    """Our connection is nobody's child: a helper has not announced it."""
    return [Match(judge.always, False, option.negated) for option in options]


def _iprange(options: Options, family: Family) -> list[Match]:
    judges = {"--src-range": judge.source_range, "--dst-range": judge.destination_range}
    return [Match(judges[o.name], values.address_range(o.value, family), o.negated) for o in options]


def _addrtype(options: Options, family: Family) -> list[Match]:
    on_source = on_destination = False
    found = []
    for option in options:
        if option.name == "--limit-iface-in" or option.name == "--limit-iface-out":
            on_destination = on_source = True
        elif option.name in ("--src-type", "--dst-type"):
            types = frozenset(option.value.upper().split(","))
            found.append((AddressType(types, option.name == "--src-type", False), option.negated))
        else:
            raise ValueError(option.name)
    limited = on_source or on_destination
    return [Match(address_type, wanted._replace(on_interface=limited), negated) for wanted, negated in found]


def _state(options: Options, family: Family) -> list[Match]:
    return [Match(state, frozenset(o.value.upper().split(",")), o.negated) for o in options]


def _conntrack(options: Options, family: Family) -> list[Match]:
    return [Match(conntrack, tuple(Condition(o.name, o.negated, _ct_value(o, family)) for o in options))]


def _ct_value(option: Option, family: Family) -> object:
    name, value = option.name, option.value
    if name in ("--ctstate", "--ctstatus"):
        return frozenset(value.upper().split(","))
    if name == "--ctproto":
        return values.protocol(value)
    if name.endswith("port"):
        return name[4:-4], values.ports(value)[0]
    if name.startswith(("--ctorig", "--ctrepl")):
        return name[4:], values.network(value, family)
    return value.upper()


def _mark(options: Options, family: Family) -> list[Match]:
    return [Match(judge.mark, values.mark_and_mask(o.value), o.negated) for o in options]


def _connmark(options: Options, family: Family) -> list[Match]:
    tracked = Match(judge.connection_tracked, None)
    marks = [Match(judge.connection_mark, values.mark_and_mask(o.value), o.negated) for o in options]
    return [tracked, *marks]


def _pkttype(options: Options, family: Family) -> list[Match]:
    """A packet that is for this host alone is a unicast one."""
    return [Match(judge.always, o.value.lower() in ("unicast", "host"), o.negated) for o in options]


def _owner(options: Options, family: Family) -> list[Match]:
    found = []
    for option in options:
        if option.name in ("--uid-owner", "--gid-owner"):
            judge_one = judge.owner if option.name == "--uid-owner" else judge.group
            found.append(Match(judge_one, _ids(option.value), option.negated))
        elif option.name == "--socket-exists":
            found.append(Match(judge.has_socket, None, option.negated))
        elif option.name != "--suppl-groups":
            found.append(unknown(f"the owner of the listening socket ({option.name})"))
    return found


def _ids(text: str) -> tuple[int, int]:
    """Numbers; of the names only root's is everywhere the same."""
    return (0, 0) if text == "root" else values.number_range(text)


def _label(options: Options, family: Family) -> list[Match]:
    """``--set`` sets the label, and then it is there."""
    if any(option.name == "--set" for option in options):
        return [Match(judge.connection_tracked, None)]
    return [Match(judge.has_label, option.value, option.negated) for option in options]


def _recent(options: Options, family: Family) -> list[Match]:
    """``--set`` notes the address and always holds; the others ask what was noted before."""
    for option in options:
        if option.name == "--set":
            return [Match(judge.always, True, option.negated)]
    asked = next((o for o in options if o.name in ("--rcheck", "--update", "--remove")), None)
    name = next((o.value for o in options if o.name == "--name"), "DEFAULT")
    other = any(o.name == "--rdest" or (o.name == "--mask" and not _whole(o.value)) for o in options)
    return [Match(judge.came_lately, None if other else name, asked is not None and asked.negated)]


def _whole(mask: str) -> bool:
    return mask in ("255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")


def _rpfilter(options: Options, family: Family) -> list[Match]:
    if any(option.name not in ("--invert", "--validmark", "--loose") for option in options):
        return [unknown("the route back to the client (rpfilter)")]
    return [Match(judge.reverse_path, None, any(option.name == "--invert" for option in options))]


EXTENSIONS: dict[str, Maker] = {
    **dict.fromkeys(("tcp", "udp", "comment", "multiport", "icmp", "icmp6", "icmpv6", "standard"), _nothing),
    "helper": _helper,
    "iprange": _iprange,
    "addrtype": _addrtype,
    "state": _state,
    "conntrack": _conntrack,
    "mark": _mark,
    "connmark": _connmark,
    "pkttype": _pkttype,
    "owner": _owner,
    "recent": _recent,
    "rpfilter": _rpfilter,
    "connlabel": _label,
    "limit": depends("the rate of packets (limit)"),
    "hashlimit": depends("the rate of packets (hashlimit)"),
    "connlimit": depends("how many connections there are (connlimit)"),
    "connbytes": depends("how much the connection has carried (connbytes)"),
    "quota": depends("how much has passed before (quota)"),
    "statistic": depends("chance (statistic)"),
    "time": depends("the time of day (time)"),
    "nfacct": depends("how much has passed before (nfacct)"),
    "rateest": depends("the rate of packets (rateest)"),
    "cluster": depends("which host of the cluster answers (cluster)"),
    "cpu": depends("the processor that takes the packet (cpu)"),
}


def maker_of(extension: str) -> Maker | None:
    """What compiles the options of ``-m EXTENSION``; the rarer ones are imported when a rule has one."""
    known = EXTENSIONS.get(extension)
    if known is None:
        from sshdoctor.firewall.iptables.header_extensions import HEADER_EXTENSIONS
        from sshdoctor.firewall.kernel.surroundings import SURROUNDINGS

        known = HEADER_EXTENSIONS.get(extension) or SURROUNDINGS.get(extension)
    return known
