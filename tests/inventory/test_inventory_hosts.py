"""What the variables of a host make of it: how it is dialled, and the ladder of ways in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sshdoctor.errors import InputError
from sshdoctor.inventory import Request, load_hosts, with_site
from sshdoctor.model import Become, Host, Login, Secret, WayIn


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def hosts(text: str, pattern: str = "all", file: str = "inventory.yml") -> tuple[Host, ...]:
    Path(file).write_text(text)
    return load_hosts(pattern, [Path(file)], {})


def host(*variables: str) -> Host:
    """The host web1 with these variables, one ``name: value`` each."""
    return hosts("all:\n  hosts:\n    web1:\n" + "".join(f"      {line}\n" for line in (*variables, "x: 1")))[
        0
    ]


def test_a_host_without_variables_is_dialled_by_its_name_on_port_22() -> None:
    login = Login(address="web1", port=22)
    assert host() == Host(
        service="ssh", name="web1", login=login, ways=(WayIn(connection="ssh", login=login),)
    )


def test_ansibles_variables_say_how_the_service_is_dialled() -> None:
    login = host(
        "ansible_host: 198.51.100.2",
        "ansible_port: '2222'",
        "ansible_user: deploy",
        "ansible_password: 1234",
        "ansible_ssh_private_key_file: /keys/id_web",
        "ansible_ssh_common_args: '-o ConnectTimeout=5 -o \"ServerAliveInterval 9\" -J root@jump:2200,other'",
        "sshdoctor_known_hosts: known_hosts.web",
    ).login
    assert login == Login(
        address="198.51.100.2",
        port=2222,
        user="deploy",
        password=Secret("1234"),
        key_files=("/keys/id_web",),
        jumps=("root@jump:2200", "other"),
        options={"connecttimeout": "5", "serveraliveinterval": "9", "port": "2222"},
        known_hosts=("known_hosts.web",),
    )


def test_the_older_names_win_over_the_newer_as_in_ansible() -> None:
    login = host(
        "ansible_host: new",
        "ansible_ssh_host: old",
        "ansible_port: 1",
        "ansible_ssh_port: 2",
        "ansible_user: new",
        "ansible_ssh_user: old",
        "ansible_ssh_pass: older",
        "ansible_ssh_password: oldest",
        "ansible_password: new",
    ).login
    assert (login.address, login.port, login.user, login.password) == ("old", 2, "old", Secret("oldest"))


def test_a_variable_wins_over_the_same_in_the_ssh_args_and_the_first_option_over_a_later() -> None:
    login = host(
        "ansible_user: deploy",
        "ansible_ssh_common_args: -o User=other -o Port=2200 -o HostKeyAlias=alias -p 2300 -i ~root/key -4",
        "ansible_ssh_extra_args: -oPort=2400 -o HostKeyAlias=late -o ProxyCommand='nc -X 5 %h %p'",
    ).login
    assert (login.user, login.port, login.host_key_alias) == ("deploy", 2200, "alias")
    assert login.key_files == (str(Path("~root/key").expanduser()),)
    assert login.options == {"port": "2200", "addressfamily": "inet", "proxycommand": "nc -X 5 %h %p"}


def test_a_port_that_the_inventory_does_not_set_is_left_to_ssh_config() -> None:
    assert "port" not in host().login.options
    assert host("ansible_port: 22").login.options["port"] == "22"


def test_a_key_stands_in_the_current_folder_or_else_beside_the_inventory() -> None:
    Path("inventories").mkdir()
    Path("here").write_text("")
    text = "all: {{hosts: {{a: {{ansible_ssh_private_key_file: {}}}}}}}"
    assert hosts(text.format("here"), file="inventories/i.yml")[0].login.key_files == ("here",)
    assert hosts(text.format("k"), file="inventories/i.yml")[0].login.key_files == ("inventories/k",)
    home = str(Path("~/.ssh/k").expanduser())
    assert hosts(text.format("~/.ssh/k"), file="inventories/i.yml")[0].login.key_files == (home,)


def test_the_ladder_begins_with_the_service_and_goes_on_as_listed() -> None:
    found = host(
        "ansible_host: 198.51.100.2",
        "ansible_user: deploy",
        "sshdoctor_access:",
        "  - {connection: ssh, port: 2222}",
        "  - {connection: ssh, host: 203.0.113.5, user: root, jump: [jump1, 'me@jump2:22']}",
        "  - {connection: podman, container: web1}",
        "  - {connection: docker, container: '{{ inventory_hostname }}-1'}",
        "  - {connection: chroot, root: /mnt/sysroot}",
        "  - {connection: capture, file: captures/web1.txt}",
        "  - connection: local",
    )
    service = Login(address="198.51.100.2", port=22, user="deploy")
    management = Login(address="203.0.113.5", port=22, user="root", jumps=("jump1", "me@jump2:22"))
    other_port = Login(address="198.51.100.2", user="deploy", port=2222, options={"port": "2222"})
    assert found.ways == (
        WayIn(connection="ssh", login=service),
        WayIn(connection="ssh", login=other_port),
        WayIn(connection="ssh", login=management),
        WayIn(connection="podman", target="web1"),
        WayIn(connection="docker", target="web1-1"),
        WayIn(connection="chroot", target="/mnt/sysroot"),
        WayIn(connection="capture", target="captures/web1.txt"),
        WayIn(connection="local"),
    )


def test_a_password_goes_along_to_the_same_user_only() -> None:
    found = host(
        "ansible_user: deploy",
        "ansible_password: secret",
        "sshdoctor_access: [{connection: ssh, port: 2222}, {connection: ssh, port: 2222, user: root}]",
    )
    assert [way.login.password for way in found.ways if way.login] == [
        Secret("secret"),
        Secret("secret"),
        None,
    ]


@pytest.mark.parametrize(
    ("variables", "way"),
    [
        (("ansible_connection: local",), WayIn(connection="local")),
        (("ansible_connection: podman",), WayIn(connection="podman", target="web1")),
        (
            ("ansible_connection: containers.podman.podman", "ansible_host: pod"),
            WayIn(connection="podman", target="pod"),
        ),
        (
            ("ansible_connection: community.docker.docker", "ansible_host: 198.51.100.2"),
            WayIn(connection="docker", target="web1"),
        ),
        (
            ("ansible_connection: docker", "ansible_docker_host: box"),
            WayIn(connection="docker", target="box"),
        ),
        (("ansible_connection: smart",), WayIn(connection="ssh", login=Login(address="web1", port=22))),
        (
            ("ansible_connection: ansible.builtin.ssh",),
            WayIn(connection="ssh", login=Login(address="web1", port=22)),
        ),
        (("ansible_connection: paramiko",), WayIn(connection="ssh", login=Login(address="web1", port=22))),
    ],
)
def test_the_first_way_is_the_connection_that_ansible_would_use(
    variables: tuple[str, ...], way: WayIn
) -> None:
    assert host(*variables).ways == (way,)


def test_sudo_is_for_users_who_are_not_root_on_ways_that_are_a_users() -> None:
    found = host(
        "ansible_user: deploy",
        "ansible_become: yes",
        "ansible_become_password: '{{ sudo_secret }}'",
        "sudo_secret: s3cret",
        "sshdoctor_access:",
        "  - {connection: ssh, port: 2222, user: root}",
        "  - {connection: podman, container: web1}",
        "  - {connection: local}",
    )
    sudo = Become(user="root", password=Secret("s3cret"))
    local = None if os.geteuid() == 0 else sudo
    assert [way.become for way in found.ways] == [sudo, None, None, local]
    assert host("ansible_become: false", "ansible_user: deploy").ways[0].become is None
    assert host("ansible_become: true").ways[0].become == Become()


def test_a_managed_host_names_its_provider() -> None:
    assert host("sshdoctor_managed: Example Hosting").managed == "Example Hosting"
    assert host().managed is None


def test_plain_references_to_other_variables_are_replaced() -> None:
    found = host(
        "ansible_host: '{{ inventory_hostname_short }}.{{domain}}'",
        "domain: 'example.{{ tld }}'",
        "tld: com",
        "ansible_port: '{{ ssh_port }}'",
        "ssh_port: 2222",
        'unused: \'{{ lookup("pipe", "reboot") }}\'',
        "sealed: !vault abc",
    )
    assert (found.login.address, found.login.port) == ("web1.example.com", 2222)


def test_no_secret_shows_in_a_repr() -> None:
    found = host("ansible_password: hunter2", "ansible_become: yes", "ansible_become_pass: hunter2")
    assert "hunter2" not in repr(found)


def test_how_sites_are_asked_for_holds_for_those_of_the_inventory(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yml"
    sites = "[{url: 'https://www.example.org/', method: POST}]"
    file.write_text(f"all: {{hosts: {{web1: {{sshdoctor_sites: {sites}}}}}}}\n")
    (host,) = load_hosts("web1", [file], {})
    request = Request(ca="lab.pem", headers=("X-Key: 1",), user_agent="me", family="inet6")
    (asked,) = with_site(host, "1.0", request)
    assert asked.site is not None and asked.login.options == {"addressfamily": "inet6"}
    assert (asked.site.ca_file, asked.site.headers, asked.site.user_agent) == (
        "lab.pem",
        (("X-Key", "1"),),
        "me",
    )
    assert asked.site.method == "POST"


def test_a_time_zone_that_there_is_not_is_refused() -> None:
    (tokyo,) = hosts("all: {hosts: {web1: {sshdoctor_timezone: Asia/Tokyo}}}")
    assert tokyo.timezone == "Asia/Tokyo"
    for name in ("Asia/Tokio", "../../etc/passwd"):
        with pytest.raises(InputError, match="sshdoctor_timezone of web1: there is no"):
            hosts(f"all: {{hosts: {{web1: {{sshdoctor_timezone: {name}}}}}}}")
