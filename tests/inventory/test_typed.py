"""What is typed about logins, Ansible's configuration, its vaults, and inventories that programs print."""

from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret  # type: ignore[import-untyped]  # it has no types

from sshdoctor.commands.shared.logins import LoginOptions, overruled, typed_variables
from sshdoctor.errors import InputError, InventoryError, UsageError
from sshdoctor.inventory import TypedVariables, load_hosts, vault_of
from sshdoctor.model import Host


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def one(login: LoginOptions, *extra: str, text: str = "web1\n", pattern: str = "web1") -> Host:
    Path("hosts").write_text(text)
    typed = typed_variables(login, extra, lambda prompt: f"typed at {prompt}")
    (found,) = load_hosts(pattern, [Path("hosts")], {}, typed)
    return found


def test_a_user_that_is_typed_holds_where_the_inventory_names_none() -> None:
    login = LoginOptions(user="root", private_key="id")
    assert one(login).login.user == "root"
    assert one(login).login.key_files[0].endswith("id")
    theirs = one(login, text="web1 ansible_ssh_user=deploy\n")
    assert theirs.login.user == "deploy"
    assert "-e ansible_user=root" in overruled([theirs], login)[0]
    assert not overruled([one(login)], login)


def test_an_extra_variable_holds_over_the_inventory_by_whatever_name_that_has_it() -> None:
    text = "web1 ansible_ssh_user=deploy ansible_port=22\n"
    found = one(LoginOptions(), "ansible_user=root", "{ansible_port: 2222}", text=text)
    assert (found.login.user, found.login.port) == ("root", 2222)


def test_what_stands_in_no_inventory_is_logged_in_to_as_typed() -> None:
    found = one(LoginOptions(user="root", become=True), pattern="192.0.2.7:2222")
    assert (found.login.address, found.login.port, found.login.user) == ("192.0.2.7", 2222, "root")
    assert one(LoginOptions(user="root"), pattern="me@192.0.2.7").login.user == "me"


def test_passwords_are_asked_for_and_sudos_is_sshs_where_none_is_typed() -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "" if "sudo" in prompt else "hunter2"

    typed = typed_variables(LoginOptions(ask_pass=True, ask_become_pass=True, become=True), (), ask)
    (found,) = load_hosts("me@192.0.2.7", None, {}, typed)
    become = found.ways[0].become
    assert len(asked) == 2
    assert found.login.password is not None and found.login.password.reveal() == "hunter2"
    assert become is not None and become.password is not None and become.password.reveal() == "hunter2"


def test_nobody_there_to_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(UsageError, match="nobody is there to be asked"):
            typed_variables(LoginOptions(ask_pass=True), ())


def test_hosts_are_limited_as_with_ansible() -> None:
    Path("hosts").write_text("[web]\nweb1\nweb2\n[db]\ndb1\n")

    def names(pattern: str, limit: str) -> list[str]:
        return [found.name for found in load_hosts(pattern, [Path("hosts")], {}, limit=limit)]

    assert names("all", "web") == ["web1", "web2"]
    assert names("web", "!web1") == ["web2"]
    assert names("", "db") == ["db1"]
    with pytest.raises(UsageError, match="none of the hosts of 'web' is one of --limit 'db'"):
        names("web", "db")


def test_a_list_of_hosts_is_an_inventory() -> None:
    assert [found.name for found in load_hosts("all", [Path("web1,web2,")], {})] == ["web1", "web2"]


def test_ansibles_configuration_says_who_logs_in_with_what() -> None:
    Path("conf").mkdir()
    Path("conf/ansible.cfg").write_text(
        "[defaults]\ninventory = hosts\nremote_user = deploy\nprivate_key_file = id\n"
    )
    Path("conf/hosts").write_text("web1\n")
    (found,) = load_hosts("web1", None, {"ANSIBLE_CONFIG": "conf/ansible.cfg"})
    assert found.login.user == "deploy"
    assert found.login.key_files[0].endswith("conf/id")
    (other,) = load_hosts("web1", None, {"ANSIBLE_CONFIG": "conf", "ANSIBLE_REMOTE_USER": "ops"})
    assert other.login.user == "ops"


def test_a_configuration_that_others_could_have_written_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path("ansible.cfg").write_text("[defaults]\nremote_user = stranger\n")
    Path("ansible.cfg").chmod(0o666)
    (found,) = load_hosts("192.0.2.7", None, {})
    assert found.login.user is None
    assert caplog.text.count("others than you and root can write it") == 1


def test_a_configuration_that_is_none_is_refused() -> None:
    Path("ansible.cfg").write_text("inventory = hosts\n")
    with pytest.raises(InputError, match=r"ansible\.cfg: cannot be read"):
        load_hosts("192.0.2.7", None, {})


PASSWORD = "hunter2"  # noqa: S105  # of the vaults of these tests


def vault(text: str, password: str = PASSWORD) -> str:
    sealed: bytes = VaultLib([("default", VaultSecret(password.encode()))]).encrypt(text)
    return sealed.decode()


def test_vaults_are_opened_a_whole_file_and_a_single_value() -> None:
    Path("group_vars").mkdir()
    Path("group_vars/all").write_text(vault("ansible_user: deploy\nsecret: sesame\n"))
    Path("hosts.yml").write_text(
        "all:\n  hosts:\n    web1:\n      ansible_password: !vault |\n"
        + "".join(f"        {line}\n" for line in vault("s3cret").splitlines())
    )
    Path("pass").write_text("hunter2\n")
    Path("pass").chmod(0o600)
    (found,) = load_hosts("web1", [Path("hosts.yml")], {"ANSIBLE_VAULT_PASSWORD_FILE": "pass"})
    assert found.login.user == "deploy"
    assert found.login.password is not None and found.login.password.reveal() == "s3cret"


def test_the_password_of_a_vault_may_be_printed_by_a_program() -> None:
    Path("hosts").write_text(vault("[web]\nweb1\n"))
    Path("pass").write_text("#!/bin/sh\necho hunter2\n")
    Path("pass").chmod(0o700)
    environ = {"ANSIBLE_VAULT_PASSWORD_FILE": "pass"}
    assert [found.name for found in load_hosts("web", [Path("hosts")], environ)] == ["web1"]


def test_a_vault_that_does_not_open_is_refused_by_name_and_shows_no_password() -> None:
    Path("hosts").write_text(vault("[web]\nweb1\n", "other"))
    typed = TypedVariables(open_vault=vault_of(lambda: "hunter2"))
    with pytest.raises(InventoryError, match="hosts:1: encrypted with Ansible Vault, and the password") as no:
        load_hosts("web", [Path("hosts")], {}, typed)
    assert "hunter2" not in str(no.value)
    with pytest.raises(InputError, match="the password of Ansible Vault cannot be read: No such file"):
        load_hosts("web", [Path("hosts")], {"ANSIBLE_VAULT_PASSWORD_FILE": "nowhere"})


SCRIPT = """#!/bin/sh
[ "$1" = --list ] || exit 1
cat <<'J'
{"web": {"hosts": ["web1"], "vars": {"ansible_user": "deploy"}, "children": ["old"]},
 "old": ["web2"],
 "_meta": {"hostvars": {"web1": {"ansible_host": "192.0.2.7"}}}}
J
"""


def test_a_program_prints_an_inventory() -> None:
    Path("hosts.sh").write_text(SCRIPT)
    Path("hosts.sh").chmod(0o700)
    found = load_hosts("web", [Path("hosts.sh")], {})
    assert [(host.name, host.login.address, host.login.user) for host in found] == [
        ("web1", "192.0.2.7", "deploy"),
        ("web2", "web2", "deploy"),
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("#!/bin/sh\necho no >&2; exit 3\n", "hosts.sh:1: --list gives no inventory: no"),
        ("#!/bin/sh\necho '[1]'\n", "hosts.sh:1: --list gives no inventory"),
        ("#!/bin/sh\necho '{\"web\": 3}'\n", "hosts.sh:1: it prints a group web that is no mapping"),
    ],
)
def test_a_program_that_prints_none_is_refused(body: str, says: str) -> None:
    Path("hosts.sh").write_text(body)
    Path("hosts.sh").chmod(0o700)
    with pytest.raises(InventoryError, match=says):
        load_hosts("web", [Path("hosts.sh")], {})


def test_a_program_that_others_could_have_written_is_not_run() -> None:
    Path("hosts.sh").write_text(SCRIPT)
    Path("hosts.sh").chmod(0o777)
    with pytest.raises(InputError, match="others than you and root can write it"):
        load_hosts("web", [Path("hosts.sh")], {})
