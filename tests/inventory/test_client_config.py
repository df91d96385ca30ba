"""What the real ``ssh -G`` makes of a login, from a configuration file made for the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshdoctor.errors import InputError
from sshdoctor.inventory.client_config import complete, is_alias
from sshdoctor.model import Become, Host, Login, WayIn

_CONFIG = """\
Host web
  HostName 198.51.100.2
  Port 2222
  User deploy
  IdentityFile {folder}/id_web
  IdentityFile {folder}/missing
  UserKnownHostsFile {folder}/kh1 {folder}/kh2
  GlobalKnownHostsFile none
  ProxyJump bastion,second
  HostKeyAlias web.alias
  ConnectTimeout 7
  StrictHostKeyChecking yes
Host bastion
  HostName 203.0.113.1
  Port 2200
  User jump
  ProxyJump first
Host first
  HostName 2001:db8::1
Host direct
  ProxyCommand none
  User root
  IdentityFile {folder}/id_%h
Match host 198.51.100.7 exec "true"
  Port 2277
Host *
  User everyone
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "id_web").write_text("")
    (tmp_path / "id_direct").write_text("")
    file = tmp_path / "config"
    file.write_text(_CONFIG.format(folder=tmp_path))
    return file


def completed(login: Login, config: Path) -> Login:
    return complete(Host(service="ssh", name="h", login=login, ways=()), config).login


def test_everything_that_the_login_leaves_open_comes_from_the_configuration(config: Path) -> None:
    folder = config.parent
    login = completed(Login(address="web", port=22), config)
    assert (login.address, login.port, login.user) == ("198.51.100.2", 2222, "deploy")
    assert login.key_files == (f"{folder}/id_web",)
    assert login.known_hosts == (f"{folder}/kh1", f"{folder}/kh2")
    assert login.host_key_alias == "web.alias"
    assert login.options["connecttimeout"] == "7"
    assert login.options["stricthostkeychecking"] in ("yes", "true")


def test_jumps_are_resolved_to_what_is_dialled_and_the_first_may_be_jumped_to_itself(config: Path) -> None:
    jumps = completed(Login(address="web", port=22), config).jumps
    assert jumps == ("everyone@[2001:db8::1]:22", "jump@203.0.113.1:2200", "everyone@second:22")


def test_what_the_login_sets_wins(config: Path) -> None:
    given = Login(
        address="web",
        port=22,
        user="root",
        key_files=("/nowhere/id",),
        jumps=("me@203.0.113.9:22",),
        options={"port": "22", "connecttimeout": "3"},
        known_hosts=("mine",),
        host_key_alias="other",
    )
    login = completed(given, config)
    assert (login.port, login.user, login.host_key_alias) == (22, "root", "other")
    assert login.key_files == ("/nowhere/id", f"{config.parent}/id_web")
    assert (login.jumps, login.known_hosts) == (("me@203.0.113.9:22",), ("mine",))
    assert login.options["connecttimeout"] == "3"


def test_a_jump_can_be_turned_off(config: Path) -> None:
    login = completed(Login(address="web", port=22, options={"proxyjump": "none"}), config)
    assert login.jumps == ()
    assert "proxyjump" not in login.options


def test_none_is_no_proxy_and_tokens_in_key_files_are_expanded(config: Path) -> None:
    login = completed(Login(address="direct", port=22), config)
    assert "proxycommand" not in login.options
    assert login.key_files == (f"{config.parent}/id_direct",)


def test_a_match_block_is_run_as_ssh_would(config: Path) -> None:
    assert completed(Login(address="198.51.100.7", port=22), config).port == 2277


def test_every_ssh_way_in_is_completed_and_root_needs_no_sudo(config: Path) -> None:
    login, other = Login(address="direct", port=22), Login(address="198.51.100.9", port=2201)
    ways = (
        WayIn(connection="ssh", login=login, become=Become()),
        WayIn(connection="ssh", login=other, become=Become()),
        WayIn(connection="podman", target="c"),
    )
    host = complete(Host(service="ssh", name="h", login=login, ways=ways), config)
    assert host.ways[0] == WayIn(connection="ssh", login=host.login)
    assert host.ways[1].login is not None
    assert (host.ways[1].login.user, host.ways[1].login.port) == ("everyone", 2201)
    assert host.ways[1].become == Become()
    assert host.ways[2] == ways[2]


def test_a_configuration_that_ssh_cannot_read_is_told_in_its_own_words(config: Path) -> None:
    config.write_text("Host web\n  Prot 22\n")
    login = completed(Login(address="web", port=22), config)
    assert "line 2: Bad configuration option: prot" in login.fault
    assert login.address == "web"


def test_options_of_the_inventory_that_ssh_cannot_read_are_bad_input(config: Path) -> None:
    with pytest.raises(InputError, match="Bad configuration option: prot"):
        completed(Login(address="web", port=22, options={"prot": "22"}), config)


def test_a_jump_host_that_is_its_own_jump_host_is_a_fault_of_the_configuration(config: Path) -> None:
    config.write_text("Host *\n  ProxyJump gate@198.51.100.7\n")
    assert "jumphost loop" in completed(Login(address="198.51.100.9", port=22), config).fault


def test_what_the_configuration_dials_instead_is_told_beside_what_was_asked_for(config: Path) -> None:
    config.write_text("Host 198.51.100.9\n  HostName 198.51.100.7\n  Port 2222\n")
    login = completed(Login(address="198.51.100.9", port=22), config)
    assert (login.address, login.port, login.meant, login.meant_port) == (
        "198.51.100.7", 2222, "198.51.100.9", 22,
    )  # fmt: skip


def test_algorithms_that_ssh_would_not_choose_by_itself_are_options_of_the_login(config: Path) -> None:
    config.write_text("Host old\n  KexAlgorithms diffie-hellman-group1-sha1\n")
    assert completed(Login(address="old", port=22), config).options["kexalgorithms"] == (
        "diffie-hellman-group1-sha1"
    )
    assert "kexalgorithms" not in completed(Login(address="new", port=22), config).options


def test_an_address_is_never_an_option_of_ssh(config: Path) -> None:
    with pytest.raises(InputError):
        completed(Login(address="-oProxyCommand=touch /tmp/x", port=22), config)


def test_without_an_ssh_client_only_the_user_is_filled_in(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "somebody")
    assert completed(Login(address="web", port=22), config) == Login(address="web", port=22, user="somebody")


def test_an_alias_is_what_the_configuration_knows_by_name(config: Path) -> None:
    assert is_alias("web", config)
    assert is_alias("direct", config)
    assert not is_alias("unheard-of", config)


def test_what_ssh_is_to_do_beside_a_login_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        "Host *\nControlMaster auto\nControlPath none\nLocalForward 9000 [localhost]:80\nSessionType none\n"
    )
    login = completed(Login(address="web1", port=22), path)
    assert login.extras.keys() == {"controlmaster", "localforward", "sessiontype"}
    path.write_text("Host *\nServerAliveInterval 30\n")
    assert not completed(Login(address="web1", port=22), path).extras
