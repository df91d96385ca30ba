"""What a mounted disk says, instead of a host: its files alone, for each address that was dialled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sshdoctor.diagnosis.probe import AddressFacts, ProbeResult, client_of
from sshdoctor.disk import Disk
from sshdoctor.facts import OFF, read_disk
from sshdoctor.model import Reply, Unknown


def ask_disk(
    disk: Disk, replies: Sequence[Reply], wanted: Sequence[str], own: Mapping[str, str], user: str
) -> ProbeResult:
    """Users' ``own`` commands are not run there: what they would say is Unknown."""
    facts = read_disk(wanted, disk, user)
    views = tuple(AddressFacts(client_of(reply, here=False) or None, facts) for reply in replies)
    return ProbeResult(views, dict.fromkeys(own, Unknown(OFF.reason)))
