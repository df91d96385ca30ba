"""Which hosts a person means: where the inventory is, patterns, and what is dialled ad hoc."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sshdoctor.errors import UsageError
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Host, Login, Secret, WayIn


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def hosts(text: str, pattern: str = "all", file: str = "inventory.yml") -> tuple[Host, ...]:
    Path(file).write_text(text)
    return load_hosts(pattern, [Path(file)], {})


def test_the_environment_comes_before_ansibles_configuration_and_that_before_inventory_yml() -> None:
    Path("inventory.yml").write_text("all: {hosts: {beside: }}")
    Path("ansible.cfg").write_text("[defaults]\ninventory = fourth.ini ; here\n")
    Path("fourth.ini").write_text("configured\n")
    Path("other.ini").write_text("from_env\n")
    Path("third.ini").write_text("from_ansible\n")
    environ = {"SSHDOCTOR_INVENTORY": "other.ini", "ANSIBLE_INVENTORY": "third.ini, other.ini"}
    assert [found.name for found in load_hosts("all", None, environ)] == ["from_env"]
    del environ["SSHDOCTOR_INVENTORY"]
    assert [found.name for found in load_hosts("all", None, environ)] == ["from_ansible", "from_env"]
    del environ["ANSIBLE_INVENTORY"]
    assert [found.name for found in load_hosts("all", None, environ)] == ["configured"]
    Path("ansible.cfg").unlink()
    assert [found.name for found in load_hosts("all", None, environ)] == ["beside"]


@pytest.mark.parametrize(
    ("typed", "login"),
    [
        (
            "deploy@198.51.100.2:2222",
            Login(address="198.51.100.2", port=2222, user="deploy", options={"port": "2222"}),
        ),
        ("root@[2001:db8::1]:22", Login(address="2001:db8::1", port=22, user="root", options={"port": "22"})),
        ("[2001:db8::1]:2222", Login(address="2001:db8::1", port=2222, options={"port": "2222"})),
        ("2001:db8::1", Login(address="2001:db8::1", port=22)),
        ("fe80::1%eth0", Login(address="fe80::1%eth0", port=22)),
        ("root@2001:db8::1", Login(address="2001:db8::1", port=22, user="root")),
        ("web9.example.com", Login(address="web9.example.com", port=22)),
        ("web9:2222", Login(address="web9", port=2222, options={"port": "2222"})),
        ("web9", Login(address="web9", port=22)),
        ("me@corp@web9", Login(address="web9", port=22, user="me@corp")),
        ("localhost:2222", Login(address="localhost", port=2222, options={"port": "2222"})),
    ],
)
def test_what_stands_in_no_inventory_is_dialled_ad_hoc(typed: str, login: Login) -> None:
    assert load_hosts(typed, None, {}) == (
        Host(service="ssh", name=typed, login=login, ways=(WayIn(connection="ssh", login=login),)),
    )


@pytest.mark.parametrize(
    "typed", ["-oProxyCommand=reboot", "root@-x", "web9:0", "web9:ssh", "a b", "@web9", "web9;id"]
)
def test_what_cannot_be_dialled_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        load_hosts(typed, None, {})


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_localhost_is_this_machine_unless_the_inventory_says_otherwise(name: str) -> None:
    (found,) = load_hosts(name, None, {})
    assert found == Host(
        service="ssh", name=name, login=Login(address=name, port=22), ways=(WayIn(connection="local"),)
    )
    (found,) = hosts("all: {hosts: {localhost: {ansible_port: 2222}}}", "localhost")
    assert [way.connection for way in found.ways] == ["ssh"]


def test_the_implicit_localhost_has_the_variables_of_all() -> None:
    (found,) = hosts("all: {vars: {ansible_port: 2222, ansible_connection: ssh}, hosts: {a: }}", "localhost")
    assert (found.login.port, found.ways) == (2222, (WayIn(connection="local"),))


def test_a_user_and_port_may_be_typed_for_a_host_of_the_inventory() -> None:
    text = "all: {hosts: {web1: {ansible_host: 198.51.100.2, ansible_user: me, ansible_password: p}}}"
    (found,) = hosts(text, "root@web1:2222")
    assert found.name == "web1"
    assert found.login == Login(address="198.51.100.2", port=2222, user="root", options={"port": "2222"})
    assert hosts(text, "web1:2222")[0].login.password == Secret("p")


def test_a_misspelt_host_is_not_dialled_but_asked_about() -> None:
    with pytest.raises(UsageError, match=r"no host or group 'wbe1' in inventory.yml; did you mean 'web1'\?"):
        hosts("all: {hosts: {web1: }}", "wbe1")


@pytest.mark.parametrize("pattern", ["all:!prdo", "all:&prdo", "prod,prdo"])
def test_a_misspelt_group_lets_no_host_slip_in(pattern: str) -> None:
    with pytest.raises(UsageError, match="did you mean 'prod'"):
        hosts("prod: {hosts: {a: }}\ndev: {hosts: {b: }}", pattern)


@pytest.mark.parametrize(
    "pattern", ["", " ", ",", "none*", "prod:!a", "prod[5]", "prod[-2]", "~(", "~zzz", "empty"]
)
def test_a_pattern_without_hosts_is_an_error(pattern: str) -> None:
    with pytest.raises(UsageError):
        hosts("prod: {hosts: {a: }}\nempty:", pattern)


def test_a_pattern_without_any_inventory_says_so() -> None:
    with pytest.raises(UsageError, match="there is no inventory here"):
        load_hosts("all", None, {})


def test_inventory_hosts_and_ad_hoc_ones_stand_in_one_list_each_once() -> None:
    found = hosts("prod: {hosts: {a: , b: }}", "b, root@198.51.100.9:2222, prod, root@198.51.100.9:2222")
    assert [one.name for one in found] == ["b", "root@198.51.100.9:2222", "a"]


def test_a_subscript_counts_in_the_order_of_the_file() -> None:
    text = "g: {hosts: {z: , m: , a: }}"
    assert [one.name for one in hosts(text, "g[0:1]")] == ["z", "m"]
    assert [one.name for one in hosts(text, "g[-1]")] == ["a"]


@pytest.mark.alone
def test_ten_thousand_hosts_load_in_about_a_second() -> None:
    Path("group_vars").mkdir()
    Path("group_vars/web.yml").write_text(
        "ansible_port: 2222\nsshdoctor_access: [{connection: podman, container: x}]\n"
    )
    begin = time.perf_counter()
    found = hosts("[web]\nweb[00001:10000].example.com ansible_user=deploy\n", file="hosts.ini")
    assert len(found) == 10_000
    assert time.perf_counter() - begin < 3  # seconds; 0.5 on the machine this was written on
