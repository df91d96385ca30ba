"""A ruleset in the two forms in which nft lists it, changed as nft would change it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.ruleset_json import ChainName, Listing, insert, remove, remove_element

INPUT = ChainName("inet", "filter", "input")
TEXT = """table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname "lo" accept # handle 2
\t\ttcp dport 80 accept # handle 7
\t}
}"""


def rule(handle: int, chain: str = "input") -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "filter", "chain": chain, "handle": handle, "expr": []}}


def chain(name: str) -> dict[str, Any]:
    return {"chain": {"family": "inet", "table": "filter", "name": name, "handle": 1}}


def listing(*objects: dict[str, Any], text: str | None = None) -> Listing:
    return Listing(json.dumps({"nftables": list(objects)}), text)


def handles(changed: Listing) -> list[int]:
    """Of the rules of ``input``, in their order."""
    rules = [each["rule"] for each in json.loads(changed.json)["nftables"] if "rule" in each]
    return [each["handle"] for each in rules if each["chain"] == "input"]


def opening(source: str | None = "192.0.2.1", family: str = "ipv4", *, outward: bool = False) -> Opening:
    return Opening(
        owner="nftables.service",
        tool="nft",
        backend="nft",
        family=family,
        table="inet filter",
        chain="input",
        number=None,
        place="first",
        port=22,
        source=source,
        outward=outward,
    )


@pytest.mark.parametrize(("first", "order"), [(True, [8, 2, 7]), (False, [2, 7, 8])])
def test_a_new_rule_is_the_first_or_the_last_of_its_chain_with_a_handle_of_its_own(
    first: bool, order: list[int]
) -> None:
    before = listing(chain("input"), rule(2), rule(7), chain("other"), rule(5, "other"))
    assert handles(insert(before, INPUT, opening(), "tcp dport 22 accept", first=first)) == order


def test_the_first_rule_of_an_empty_chain_stands_behind_what_declares_it() -> None:
    changed = insert(listing(chain("input"), chain("other")), INPUT, opening(), "accept", first=True)
    objects = json.loads(changed.json)["nftables"]
    assert [next(iter(each)) for each in objects] == ["chain", "rule", "chain"]
    assert handles(changed) == [1]


def test_a_chain_that_is_not_there_gets_no_rule() -> None:
    before = listing(chain("other"), text=TEXT)
    assert insert(before, INPUT, opening(), "accept", first=True) == before


def test_the_words_of_a_new_rule_stand_in_its_chain_of_the_text() -> None:
    before = listing(chain("input"), rule(2), rule(7), text=TEXT)
    changed = insert(before, INPUT, opening(), "tcp dport 22 accept", first=True)
    lines = (changed.text or "").splitlines()
    assert lines[lines.index("\tchain input {") + 1] == "\t\ttcp dport 22 accept # handle 8"


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        (opening("192.0.2.1"), [("ip", "saddr", "192.0.2.1"), ("tcp", "dport", 22)]),
        (
            opening("2001:db8::/64", "ipv6", outward=True),
            [("ip6", "daddr", {"prefix": {"addr": "2001:db8::", "len": 64}}), ("tcp", "sport", 22)],
        ),
        (opening(None), [("tcp", "dport", 22)]),
    ],
    ids=["an address", "a network, of the answers", "the whole world"],
)
def test_a_rule_asks_for_the_client_and_the_port_as_its_direction_has_them(
    made: Opening, fields: list[tuple[str, str, object]]
) -> None:
    changed = insert(listing(chain("input")), INPUT, made, "", first=True)
    *asked, last = json.loads(changed.json)["nftables"][1]["rule"]["expr"]
    payloads = [(each["match"]["left"]["payload"], each["match"]["right"]) for each in asked]
    assert [(left["protocol"], left["field"], right) for left, right in payloads] == fields
    assert last == {"accept": None}


def test_a_rule_is_taken_out_by_its_place_in_its_own_chain() -> None:
    before = listing(chain("other"), rule(5, "other"), chain("input"), rule(2), rule(7))
    assert handles(remove(before, INPUT, 2)) == [2]


NETWORK = {"prefix": {"addr": "192.0.2.0", "len": 24}}


@pytest.mark.parametrize(
    ("elements", "left"),
    [
        (["192.0.2.1", "192.0.2.10"], ["192.0.2.10"]),
        ([{"elem": {"val": "192.0.2.1", "timeout": 600}}, NETWORK], [NETWORK]),
        ("192.0.2.1", []),
    ],
    ids=["among others", "one that expires, in a network", "the only one"],
)
def test_an_address_is_taken_out_of_a_set_and_a_network_that_holds_it_stays(
    elements: object, left: object
) -> None:
    banned = {"set": {"family": "inet", "table": "filter", "name": "banned", "elem": elements}}
    other = {"set": {"family": "ip", "table": "filter", "name": "banned", "elem": ["192.0.2.1"]}}
    changed = remove_element(listing(banned, other), "inet", "filter", "banned", "192.0.2.1")
    sets = [each["set"]["elem"] for each in json.loads(changed.json)["nftables"]]
    assert sets == [left, ["192.0.2.1"]]
