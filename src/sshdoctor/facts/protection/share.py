"""What `protect --share` set up here: whether it stands, and how many addresses it drops for other hosts.

Source: nft(8). Names are those of playbook share-bans.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import denied, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "share": """
[ -e /etc/sshdoctor/share.nft ] || exit 0
echo '## set up'
echo '## loaded'; nft list chain inet sshdoctor_share arriving 2>&1 | head -n 3
for set in ssh_banned4 ssh_banned6 web_banned4 web_banned6; do
  echo "## $set"; nft list set inet sshdoctor_share $set 2>/dev/null | grep -o ' expires ' | grep -c .
done
true
"""
}


class Share(Struct, frozen=True, kw_only=True):
    """``loaded``: the kernel has it. ``held``: how many addresses are dropped, by the service that they are
    kept from."""

    set_up: bool
    loaded: bool = False
    held: Mapping[str, int] = {}
    evidence: tuple[Evidence, ...] = ()


VALUE = Share
WRITERS = {"": "kernel"}


def parse(sections: Mapping[str, Section]) -> Share | Unknown:
    section = sections["share"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "set up" not in said:
        return Share(set_up=False)
    if denied(said.get("loaded", "")):
        return Unknown("the rules of nft may not be read")
    held = {
        service: sum(int(said.get(f"{service}_banned{family}", "").strip() or 0) for family in "46")
        for service in ("ssh", "web")
    }
    return Share(set_up=True, loaded="table inet sshdoctor_share" in said.get("loaded", ""), held=held)
