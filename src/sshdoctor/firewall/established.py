"""Whether the rules still stop a client whose connection stands: ESTABLISHED is often let in first."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sshdoctor.firewall.kernel.conversation import goes_on
from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.kernel.segment import Connection, first_segment, to_number
from sshdoctor.firewall.model import Dump, Packet


def stops_established(
    rulesets: Sequence[Dump], packet: Packet, redirected_to: tuple[str, int] | None
) -> bool | None:
    """Whether the next packet of a connection that ``packet`` opened is stopped; None if that is not certain.

    ``redirected_to``: where the connection really ends. Raises RulesError.
    """
    from sshdoctor.firewall import read_tables

    hooks = Hooks([table for table in read_tables(rulesets) if table.family == packet.family])
    end = (to_number(redirected_to[0], packet.family), redirected_to[1]) if redirected_to else None
    known = Connection(
        originator="client",
        replied=True,
        confirmed=True,
        assured=True,
        bound=frozenset({"source", "destination"}),
        redirected_to=end,
    )
    result = goes_on(hooks, replace(first_segment(packet), connection=known))
    if result.stops and result.accepted:
        return None
    if any(stop.doubts for stop in result.stops):
        return None
    return bool(result.stops)
