"""Whether the kernel's table of connections is full: what has no room in it is dropped.

Sources: the kernel's nf_conntrack-sysctl; nf_conntrack_core.c, whose message is "nf_conntrack: table full,
dropping packet". The count is that of this network namespace, and so is what the kernel holds against max.
Measured with Linux 6.18: the message names the namespace ("table full in netns 4026532477"), and the log has
that of every container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, number, parts, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "table": """
folder=/proc/sys/net/netfilter
[ -e $folder/nf_conntrack_max ] || exit 0
echo '## table'
# shellcheck disable=SC2046  # a number from each
set -- $(cat $folder/nf_conntrack_count $folder/nf_conntrack_max 2>&1)
echo "count=$1"; echo "max=$2"
echo '## uptime'; read -r up _ </proc/uptime; echo "${up%%.*}"
own=$(readlink /proc/self/ns/net) own=${own#*[} own=${own%]}
echo '## kernel'
dmesg 2>/dev/null | grep -aE "nf_conntrack: .*table full(,| in netns ${own:-0},)" | tail -n 1
true
"""
}


class Conntrack(Struct, frozen=True, kw_only=True):
    """``state``: "full", "room", or "absent" (connections are not tracked). ``max`` 0 means no limit.

    ``dropping``: the kernel's log of the last hour says that packets were dropped for it. False as well where
    the log may not be read: ``state`` stands for itself.
    """

    state: Literal["full", "room", "absent"] | Unknown
    count: int
    max: int
    dropping: bool
    evidence: tuple[Evidence, ...]


VALUE = Conntrack
WRITERS = {"": "kernel"}
_RECENT_SECONDS = 3600
_LOGGED = re.compile(r"^\[\s*(\d+)\.\d+\]")


def parse(sections: Mapping[str, Section]) -> Conntrack | Unknown:
    section = sections["table"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "table" not in said:
        return Conntrack(state="absent", count=0, max=0, dropping=False, evidence=())
    values = properties(said["table"])
    count, most = number(values.get("count")), number(values.get("max"))
    if count is None or most is None:
        return Unknown("the connection table's size cannot be read")
    line, now = said.get("kernel", ""), number(said.get("uptime"))
    when = _LOGGED.match(line)
    return Conntrack(
        state="full" if 0 < most <= count else "room",
        count=count,
        max=most,
        dropping=bool(when and now is not None and now - int(when[1]) < _RECENT_SECONDS),
        evidence=evidence(
            "sysctl net.netfilter", [f"nf_conntrack_count = {count}", f"nf_conntrack_max = {most}"]
        )
        + evidence("dmesg", [line]),
    )
