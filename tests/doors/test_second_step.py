"""The doors as they will be, before anything is changed; and what would be written for that."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from doors.test_pam import DEPLOY, auth
from doors.test_table import KEYS, host
from sshdoctor.commands.shared.doors.compared import changes, one_step_doors, shut_out
from sshdoctor.doors.authority import Authority, places_of, trusting
from sshdoctor.doors.model import Account, Key, KeyFile, Place, Setup
from sshdoctor.doors.second_step import SecondStep, directives, for_others, required
from sshdoctor.doors.table import doors_of

ROOT = Account(name="root", uid=0, home="/root")
OPS = Account(name="ops", uid=1002, home="/home/ops", groups=("ops", "admins"))
UNIX = "required pam_unix.so"


def debian(**options: str) -> Setup:
    """deploy, ops and root with a key each, and a password."""
    usual = {
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "permitrootlogin": "prohibit-password",
        "pubkeyacceptedalgorithms": "ssh-ed25519,sk-ssh-ed25519@openssh.com",
    }
    one = host(auth(UNIX), KEYS, **{**usual, **options})
    files = dict.fromkeys(("deploy", "ops", "root"), (KEYS,))
    server = replace(one.servers[0], key_files=files)
    services = {**one.services, **dict.fromkeys(("su", "login"), one.services["sshd"])}
    return replace(one, accounts=(ROOT, DEPLOY, OPS), servers=(server,), services=services)


def then(setup: Setup, step: SecondStep) -> dict[str, Any]:
    found = doors_of(required(setup, step)).accounts
    return {name: own["ssh:22"] for name, own in found.items()}


def test_who_is_asked_needs_both_and_nobody_else() -> None:
    step = SecondStep(accounts=("deploy",))
    assert then(debian(), step) == {"root": [["key"]], "deploy": [["code", "key"]], "ops": [["key"]]}


def test_the_members_of_a_group_are_asked() -> None:
    assert then(debian(), SecondStep(group="admins"))["ops"] == [["code", "key"]]


def test_root_may_answer_for_a_code_where_passwords_are_prohibited() -> None:
    step = SecondStep(accounts=("root",))
    assert then(debian(), step)["root"] == [["code", "key"]]
    assert "PermitRootLogin yes" in directives(debian(), step, [ROOT])


def test_nothing_is_opened_to_root_where_root_may_not_come() -> None:
    closed = debian(permitrootlogin="no")
    assert then(closed, SecondStep(accounts=("root",)))["root"] == []


def test_an_old_sshd_asks_no_others_any_questions() -> None:
    old, step = debian(challengeresponseauthentication="no"), SecondStep(accounts=("deploy",))
    assert for_others(old, step) == ("KbdInteractiveAuthentication no",)
    assert then(old, step) == {"root": [["key"]], "deploy": [["code", "key"]], "ops": [["key"]]}


def test_a_security_key_shuts_out_the_others() -> None:
    kind = "sk-ssh-ed25519@openssh.com"
    setup = debian()
    file = KeyFile("/home/deploy/.ssh/authorized_keys", keys=(Key("ssh-ed25519", "AAAA"), Key(kind, "BBBB")))
    server = replace(setup.servers[0], key_files={**setup.servers[0].key_files, "deploy": (file,)})
    step = SecondStep(accounts=("deploy", "ops"), by="security-key")
    found = then(replace(setup, servers=(server,)), step)
    assert (found["deploy"], found["ops"]) == ([["security-key"]], [])


def test_who_would_have_no_door_is_found() -> None:
    places = {"/home/deploy/.google_authenticator": Place(DEPLOY.uid, 1000, 0o644)}
    setup = replace(debian(), places=places)
    now, later = doors_of(setup), doors_of(required(setup, SecondStep(accounts=("deploy",))))
    assert shut_out(now, later) == ["deploy"]
    assert changes(now, later) == ["deploy ssh:22: key -> nobody gets in"]


def test_a_password_that_is_enough_elsewhere_is_named() -> None:
    step = SecondStep(accounts=("deploy",))
    setup = debian()
    later = doors_of(required(setup, step))
    assert one_step_doors(later, ["deploy"]) == [f"deploy {door} (password)" for door in ("su", "console")]


def test_a_security_key_is_one_step_only_where_no_pin_is_wanted() -> None:
    later = doors_of(debian())
    keys = {"ssh:22": [["security-key"]], "ssh:2222": [["security-key"]]}
    later = replace(later, accounts={"deploy": keys})
    assert one_step_doors(later, ["deploy"], ("ssh:22",)) == ["deploy ssh:2222 (security-key)"]


def test_certificates_get_in_beside_the_keys() -> None:
    asked = Authority(keys=("ssh-ed25519 CCCC",), principals={"deploy": ("ops-team",)})
    setup = debian(pubkeyacceptedalgorithms="ssh-ed25519,ssh-ed25519-cert-v01@openssh.com")
    places = places_of(setup, asked)
    found = doors_of(trusting(setup, asked, places)).accounts
    assert (found["deploy"]["ssh:22"], found["ops"]["ssh:22"]) == ([["cert"], ["key"]], [["key"]])
    assert [line.split()[0] for line in places.lines] == [
        "TrustedUserCAKeys",
        "AuthorizedPrincipalsFile",
        "RevokedKeys",
    ]


def test_principals_in_the_homes_are_left_alone() -> None:
    asked = Authority(keys=("ssh-ed25519 CCCC",), principals={"deploy": ("deploy",)})
    setup = debian(authorizedprincipalsfile=".ssh/principals")
    assert "the accounts' own" in places_of(setup, asked).objection
