"""Who wrote a rule, as far as a mailed dump tells."""

from __future__ import annotations

from collections.abc import Iterable

from sshdoctor.firewall import Dump, Rule
from sshdoctor.firewall.owners import marked_owner, named_owner, owner_of_chain


def owner_of(rule: Rule | None, way: Iterable[str], dumps: Iterable[Dump] = ()) -> str | None:
    """The program that wrote the rule, or else the last chain on the ``way`` to it; None if nothing tells.

    >>> owner_of(Rule("filter", "mine", 1, "-A mine -j DROP"), ["filter DOCKER-USER rule 2"])
    'Docker'
    """
    if rule is None:
        return None
    places = (place.partition(" rule ")[0].rpartition(" ") for place in reversed(list(way)))
    return (
        named_owner(rule)
        or marked_owner(rule, (dump.text for dump in dumps))
        or next((owner for table, _, chain in places if (owner := owner_of_chain(table, chain))), None)
    )
