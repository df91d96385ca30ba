"""What protection a host would be given, from what it said."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from protection.recorded import audited_again
from sshdoctor.protection.policy import Policy, policy

FOLDER = Path(__file__).parent / "recorded"


def of(name: str, *also: str) -> Policy:
    return policy(audited_again(FOLDER / f"{name}.json"), also, "dpkg")


@pytest.mark.parametrize("name", ["masqueraded-in", "sshd-behind-a-local-proxy", "sshd-quiet"])
def test_where_no_real_addresses_are_seen_it_stays_off_and_says_what_to_mend(name: str) -> None:
    assert of(name).refused.startswith("The protection stays off")


@pytest.mark.parametrize(
    ("name", "engine"), [("ok-sshguard-sets", "sshguard"), ("crowdsec-wrong-type", "CrowdSec")]
)
def test_an_engine_that_runs_is_not_doubled(name: str, engine: str) -> None:
    assert f"{engine} runs here" in of(name).refused


def test_the_port_is_the_services_own() -> None:
    assert of("port-moved").variables["protect_ports"] == "2222"
    assert of("port-second").variables["protect_ports"] == "22,11022"


def test_who_was_let_pass_stays_so_and_you_and_others_come_to_them() -> None:
    made = of("ignoreip-v4-only", "192.0.2.7")
    never = made.variables["protect_never"]
    assert never[-1] == "192.0.2.7"
    assert {*made.missing} <= {*never}
    assert "192.0.2.7" in made.missing


def test_everybody_on_the_list_is_taken_off_it() -> None:
    never = of("ignores-everybody").variables["protect_never"]
    assert not any(ip_network(each).network_address.is_unspecified for each in never)


def test_a_site_whose_visitors_are_a_proxy_is_left_out() -> None:
    seen = audited_again(FOLDER / "proxy-one-address.json")
    assert (seen.logins.sees_real_addresses, seen.told.sees_real_addresses) == (True, None)
    made = of("proxy-one-address")
    assert made.variables["protect_site_logs"] == []
    assert "the sites are left out" in made.told


def test_a_jump_host_whose_address_is_not_known_is_named() -> None:
    made = policy(audited_again(FOLDER / "port-moved.json"), (), "dpkg", ("gate",))
    assert "no address is known here for gate" in made.told


def test_a_debian_gets_what_reads_the_journal_as_well() -> None:
    seen = audited_again(FOLDER / "port-moved.json")
    assert policy(seen, (), "dpkg").variables["protect_packages"] == ["fail2ban", "python3-systemd"]
    assert policy(seen, (), "rpm").variables["protect_packages"] == ["fail2ban"]
