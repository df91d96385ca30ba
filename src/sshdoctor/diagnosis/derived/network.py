"""The derived facts about what lies between the client and the host's port, made together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sshdoctor.diagnosis.derived.answer import Answer, answer
from sshdoctor.diagnosis.derived.beneath import Beneath, beneath
from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.here import Here, here
from sshdoctor.diagnosis.derived.interface import Interface, interface
from sshdoctor.diagnosis.derived.passage import Passage, passage
from sshdoctor.diagnosis.derived.path import Path
from sshdoctor.diagnosis.derived.translated import Translated, translated
from sshdoctor.model import Login, Unknown

NETWORK: Mapping[str, type] = {
    "here": Here,
    "answer": Answer,
    "interface": Interface,
    "beneath": Beneath,
    "translated": Translated,
    "passage": Passage,
}

NETWORK_NEEDS: Mapping[str, tuple[str, ...]] = {
    "here": (),
    "answer": ("way_back", "firewall", "addresses", "links"),
    "interface": ("addresses", "links"),
    "beneath": ("below", "links", "unit_network", "addresses"),
    "translated": ("firewall", "addresses", "bans", "way_back"),
    "passage": (),
}
"""The facts of the host that each is made of."""

NETWORK_WRITERS: Mapping[str, Mapping[str, str]] = {
    "here": {"": "client"},
    "answer": {"": "kernel"},
    "interface": {"": "kernel"},
    "beneath": {"": "kernel"},
    "translated": {"": "root"},
    "passage": {"": "client"},
}
"""Who could have written each (see facts.Writer)."""


def network(
    dial: Dialled,
    known: Mapping[str, Any],
    around: Mapping[str, Any] | Unknown,
    on_this_machine: bool,
    way: Path | Unknown,
    login: Login,
) -> dict[str, object]:
    """The facts for one dial; ``known`` are the facts of the host, and the client's address as it sees that.

    ``way`` is the fact ``path``; ``around`` is what this machine says of itself on the way there;
    ``on_this_machine``: it is the host.
    """
    client = known["client_address"]
    side = here(dial, around, on_this_machine)
    facts: Mapping[str, Any] = {} if isinstance(around, Unknown) else around
    addresses, links = known["addresses"], known["links"]
    back = answer(dial, client, known["way_back"], known["firewall"], addresses, links, side)
    router = back.hop if isinstance(back, Answer) and back.on_link is False else ""
    return {
        "here": side,
        "answer": back,
        "interface": interface(addresses, links),
        "beneath": beneath(dial, client, known["below"], links, known["unit_network"], addresses),
        "passage": passage(dial, login, facts.get("passage"), facts.get("unmarked")),
        "translated": translated(dial, way, client, known["firewall"], addresses, known["bans"], router),
    }
