"""What may drop packets where no packet filter's rule stands: IPsec policies, tc's filters and queues.

Sources: ip-xfrm(8); the kernel's xfrm_proc.rst for /proc/net/xfrm_stat; tc(8), tc-u32(8), tc-flower(8),
tc-bpf(8). Looking must not load a kernel module: ``ip xfrm`` loads xfrm_user, so that it is asked only where
that is loaded, or built in (no module of that name, and the kernel's counters are there). ``tc filter show``
wants to know where: at the hooks of an ingress or clsact qdisc, and at a root that has classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from sshdoctor.facts.parsing.output import NOT_PERMITTED, denied, evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "filters": """
loaded() {  # or built in
  [ -e /proc/modules ] || return 0
  grep -qs "^$1 " /proc/modules || grep -qs "/$1[.]ko" "/lib/modules/$(uname -r)/modules.builtin"
}
if [ -r /proc/net/xfrm_stat ]; then
  echo '## counters'; grep -v '[[:space:]]0$' /proc/net/xfrm_stat
  if command -v ip >/dev/null; then
    if loaded xfrm_user; then
      policies=$(ip xfrm policy 2>&1); echo '## policies'; echo "$policies"
      case $policies in *tmpl*) echo '## states'; ip xfrm state list nokeys 2>&1 | grep '^src ' ;; esac
    else echo '## not-loaded'; fi
  fi
else echo '## no-ipsec'; fi
if command -v tc >/dev/null; then
  echo '## queues'; queues=$(tc qdisc show 2>&1); echo "$queues"
  show() { echo "## filters $1 $2"; tc -s filter show dev "$1" ${2#root} 2>&1; }
  case $queues in *'qdisc ingress '*|*'qdisc clsact '*)
    echo "$queues" | sed -n 's/^qdisc \\(ingress\\|clsact\\) .* dev \\([^ ]*\\) .*/\\1 \\2/p' | head -n 16 |
      while read -r kind device; do
        show "$device" ingress
        [ "$kind" != clsact ] || show "$device" egress
        echo "## dropped $device"; tc -s qdisc show dev "$device" | sed -n "/^qdisc $kind /,/dropped/p"
      done ;;
  esac
  classful='htb\\|hfsc\\|prio\\|drr\\|qfq\\|ets'
  case $queues in *'qdisc htb '*|*'qdisc hfsc '*|*'qdisc prio '*|*'qdisc drr '*|*'qdisc qfq '*|*'qdisc ets '*)
    echo "$queues" | sed -n "s/^qdisc \\($classful\\) .* dev \\([^ ]*\\) root .*/\\2/p" | head -n 16 |
      while read -r device; do show "$device" root; done ;;
  esac
elif loaded sch_ingress; then echo '## no-tc'; fi
true
"""
}

Hook = Literal["ingress", "egress", "root"]


class Attached(Struct, frozen=True):
    """The filters of tc at one hook of an interface, as tc shows them."""

    interface: str
    hook: Hook
    text: str


class Below(Struct, frozen=True, kw_only=True):
    """``policies`` and ``states`` are the output of ``ip xfrm``, "" where there are none. ``counters`` are
    the lines of /proc/net/xfrm_stat that are not 0. ``queues`` is that of ``tc qdisc show``; ``dropped`` is
    how many packets the filters at an interface's ingress and egress have dropped, by interface."""

    policies: str | Unknown
    states: str
    counters: tuple[str, ...]
    queues: str | Unknown
    filters: tuple[Attached, ...]
    dropped: Mapping[str, int]
    evidence: tuple[Evidence, ...]


VALUE = Below
WRITERS = {"": "kernel"}
OF_REFUSALS = True


def parse(sections: Mapping[str, Section]) -> Below | Unknown:
    section = sections["filters"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if not said:
        return Unknown("its command printed nothing")
    counters = tuple(line.strip() for line in said.get("counters", "").splitlines() if line.strip())
    return Below(
        policies=_policies(said, counters),
        states=said.get("states", ""),
        counters=counters,
        queues=_queues(said),
        filters=tuple(_attached(said)),
        dropped={name[8:]: _dropped(text) for name, text in said.items() if name.startswith("dropped ")},
        evidence=evidence("cat /proc/net/xfrm_stat", counters),
    )


def _policies(said: Mapping[str, str], counters: tuple[str, ...]) -> str | Unknown:
    """Where the policies may not be listed, the counters still tell whether one has ever dropped anything."""
    text = said.get("policies", "").strip()
    refused = denied(text) or text.startswith(("Cannot", "RTNETLINK", "Error"))
    if "policies" in said and not refused:
        return text
    if "no-ipsec" in said or not counters:
        return ""
    if "not-loaded" in said:
        return Unknown("IPsec has dropped packets, and the module that lists its policies is not loaded")
    return NOT_PERMITTED if denied(text) else Unknown(text.partition("\n")[0] or "ip is not installed")


def _queues(said: Mapping[str, str]) -> str | Unknown:
    if "no-tc" in said:
        return Unknown("tc is not installed")
    text = said.get("queues", "").strip()
    return NOT_PERMITTED if denied(text) else text


def _attached(said: Mapping[str, str]) -> Iterator[Attached]:
    for name, text in said.items():
        words = name.split()
        if words[0] == "filters" and len(words) == 3 and text.strip():
            hook: Hook = "ingress" if words[2] == "ingress" else "egress" if words[2] == "egress" else "root"
            yield Attached(plain_name(words[1]), hook, text.strip())


def _dropped(text: str) -> int:
    """
    >>> _dropped(" Sent 70 bytes 1 pkt (dropped 3, overlimits 0 requeues 0) ")
    3
    """
    return sum(int(count) for count in re.findall(r"\(dropped (\d+),", text))
