"""What one host's word on bans comes to: typed at the door, bounded, and never an address that is allowed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.protection import books as fact
from sshdoctor.facts.protection.books import Books, Held
from sshdoctor.model import Unknown
from sshdoctor.protection.filling import filling
from sshdoctor.protection.sharing import LONGEST, MOST_OF_ONE, Round, Voice, rounds

BANNED = "198.51.100.77"
MILLION = 1_000_000


def voice(host: str, *bans: tuple[str, int], passes: tuple[str, ...] = (), untold: str = "") -> Voice:
    held = tuple(Held(element, seconds, "sshd 22") for element, seconds in bans)
    return Voice(host=host, books=Books(bans=held, passes=passes, untold=untold), own=("203.0.113.2",))


def given(*voices: Voice, never: tuple[str, ...] = (), whole: bool = True) -> Round:
    """What web2 is given, the second of ``voices``."""
    return rounds(voices, never, whole=whole)["web2"]


def addresses(told: Round) -> dict[str, int]:
    return {str(address): left for held in told.addresses.values() for address, left in held.items()}


def test_a_ban_is_given_for_as_long_as_it_lasts_and_not_to_the_one_who_has_it() -> None:
    told = rounds([voice("web1", (BANNED, 600)), voice("web2")], (), whole=True)
    assert addresses(told["web2"]) == {BANNED: 600}
    assert addresses(told["web1"]) == {}


@pytest.mark.parametrize(
    "element",
    [
        *("0.0.0.0/0", "::/0", "198.51.100.0/24", "127.0.0.1", "10.0.0.7", "192.168.1.1", "100.64.0.1"),
        *("169.254.1.1", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:198.51.100.77"),
        *("::198.51.100.77", "224.0.0.1", "255.255.255.255", "198.51.100.077", "1", "x", ""),
        "198.51.100.77 }; flush ruleset; {",
    ],
)
def test_what_is_no_single_address_of_the_whole_net_is_given_to_nobody(element: str) -> None:
    assert addresses(given(voice("web1", (element, 600)), voice("web2"))) == {}


@pytest.mark.parametrize("passes", [BANNED, "198.51.100.0/24", "0.0.0.0/0"])
def test_nobody_on_the_list_of_the_one_who_receives_is_given(passes: str) -> None:
    assert addresses(given(voice("web1", (BANNED, 600)), voice("web2", passes=(passes,)))) == {}


def test_nobody_is_given_who_is_never_banned_or_the_host_itself() -> None:
    told = given(voice("web1", (BANNED, 600), ("203.0.113.2", 600)), voice("web2"), never=(BANNED,))
    assert addresses(told) == {}


def test_the_list_of_the_one_who_gives_binds_nobody_else() -> None:
    claims = Voice(host="web1", books=Books(bans=(), passes=("0.0.0.0/0",)), own=("0.0.0.0/0",))
    told = given(claims, voice("web2"), voice("web3", (BANNED, 60)))
    assert addresses(told) == {BANNED: 60}


def test_a_million_claims_are_a_thousand_and_crowd_nobody_out() -> None:
    claims = [(str(ip_address((198 << 24) + number)), 10**12) for number in range(2 * MOST_OF_ONE)]
    told = given(voice("web1", *claims), voice("web2"), voice("web3", (BANNED, 60)))
    found = addresses(told)
    assert len(found) == MOST_OF_ONE + 1
    assert (found.pop(BANNED), {*found.values()}) == (60, {LONGEST})


def test_where_it_is_not_known_who_passes_nothing_is_given() -> None:
    asks = given(voice("web1", (BANNED, 60)), voice("web2", untold="an ignorecommand decides"))
    silent = given(voice("web1", (BANNED, 60)), Voice(host="web2", books=Unknown("not permitted")))
    assert [addresses(one) for one in (asks, silent)] == [{}, {}]
    assert (asks.untold, silent.untold) == ("an ignorecommand decides", "not permitted")


def test_who_was_not_heard_takes_nothing_back() -> None:
    every = given(voice("web1", (BANNED, 60)), voice("web2"))
    some = given(voice("web1", (BANNED, 60)), voice("web2"), whole=False)
    assert "flush set inet sshdoctor_share ssh_banned4" in filling(every)
    assert "flush" not in filling(some)


def test_what_a_host_is_sent_has_addresses_and_numbers_alone() -> None:
    hostile = voice("web1", ("198.51.100.77 }\nEND\nrm -rf /", 60), (BANNED, 60))
    script = filling(given(hostile, voice("web2")))
    assert "rm " not in script
    assert f"add element inet sshdoctor_share ssh_banned4 {{ {BANNED} timeout 60s }}" in script


@pytest.mark.parametrize(
    "said",
    [
        "null",
        "[]",
        "{",
        '[{"name": 1}]',
        "[[[[",
        '[{"name":"sshd","ports":[],"passes":[],"asks":false,"bans":[["x",[]]]}]',
    ],
)
def test_what_a_server_says_otherwise_than_asked_is_no_book(said: str) -> None:
    sections = {name: Section("", 0) for name in fact.COMMANDS}
    sections["jails"] = Section(f"## jails\n{said}\n", 0)
    found = fact.parse(sections)
    assert isinstance(found, Books)
    assert not found.bans
    assert found.untold or said == "[]"
