"""What stands out in the table of doors."""

from __future__ import annotations

from msgspec.structs import replace

from doors.test_pam import DEPLOY, auth, setup
from sshdoctor.doors.model import Certificate, Key, KeyFile, Server, Setup
from sshdoctor.doors.table import Doors, doors_of
from sshdoctor.model import Unknown

CODE = "required pam_google_authenticator.so"
KEYS = KeyFile("/home/deploy/.ssh/authorized_keys", keys=(Key("ssh-ed25519", "AAAA"),))


def host(stack: dict[str, list[str]], keys: KeyFile | None = None, **options: str) -> Setup:
    settings = {name: (value,) for name, value in {"usepam": "yes", **options}.items()}
    server = Server(
        program="sshd", ports=(22,), settings={"": settings}, key_files={"deploy": (keys or KEYS,)}
    )
    one = setup(stack)
    return replace(one, accounts=(DEPLOY,), servers=(server,))


def two_steps(line: str) -> Setup:
    return host(
        auth(line),
        authenticationmethods="publickey,keyboard-interactive",
        kbdinteractiveauthentication="yes",
    )


def doors(one: Setup) -> Doors:
    return doors_of(one)


def test_a_key_that_passes_the_code_by_is_one_step() -> None:
    found = doors(host(auth("required pam_unix.so", CODE), kbdinteractiveauthentication="yes"))
    assert found.accounts["deploy"]["ssh:22"] == [["key"], ["password"]] or found.one_step == ["deploy"]
    assert found.one_step == ["deploy"]


def test_one_factor_is_no_weak_door_where_nobody_meant_two() -> None:
    assert doors(host(auth("required pam_unix.so"))).one_step == []


def test_who_has_a_key_and_no_way_in_is_locked_out() -> None:
    found = doors(two_steps("required pam_deny.so"))
    assert (found.locked_out, found.accounts["deploy"]["ssh:22"]) == (["deploy"], [])


def test_a_code_that_is_taken_for_a_password_is_noted() -> None:
    found = doors(host(auth(CODE), authenticationmethods="publickey,password"))
    assert found.accounts["deploy"]["ssh:22"] == []
    assert found.notes == [
        "deploy, ssh:22: also code + key: a code typed where the client asks for the password"
    ]


def test_a_passcode_may_be_asked_for_twice() -> None:
    stack = auth("required pam_google_authenticator.so forward_pass", "optional pam_unix.so try_first_pass")
    one = host(
        stack,
        KeyFile("none"),
        authenticationmethods="password,keyboard-interactive",
        kbdinteractiveauthentication="yes",
    )
    assert doors(one).accounts["deploy"]["ssh:22"] == [["passcode"]]


def test_accounts_that_were_not_asked_about_are_told() -> None:
    one = replace(host(auth("required pam_unix.so")), left_out=("we$ird", "*"))
    assert [(each.account, each.door) for each in doors(one).unknown] == [("we$ird", "*"), ("*", "*")]


def test_keys_that_may_not_be_read_leave_the_door_unknown_only_where_they_matter() -> None:
    unread = KeyFile("/home/deploy/.ssh/authorized_keys", keys=Unknown("not permitted"))
    stack = auth("required pam_unix.so")
    found = doors(host(stack, unread, authenticationmethods="publickey"))
    assert [(one.door, one.why) for one in found.unknown] == [
        ("ssh:22", "/home/deploy/.ssh/authorized_keys: not permitted")
    ]
    assert doors(host(stack, unread, pubkeyauthentication="no")).unknown == []


def test_a_revocation_list_that_is_missing_shuts_out_every_key() -> None:
    one = host(auth("required pam_unix.so"), passwordauthentication="no", revokedkeys="/etc/ssh/gone")
    assert doors(replace(one, revoked={"/etc/ssh/gone": "gone"})).accounts["deploy"]["ssh:22"] == []


def test_kinds_of_keys_that_sshd_does_not_take_open_nothing() -> None:
    keys = KeyFile("keys", keys=(Key("ssh-ed25519", "AAAA"), Key("sk-ssh-ed25519@openssh.com", "BBBB")))
    stack = auth("required pam_unix.so")
    one = host(
        stack, keys, pubkeyacceptedalgorithms="sk-ssh-ed25519@openssh.com", passwordauthentication="no"
    )
    assert doors(one).accounts["deploy"]["ssh:22"] == [["security-key"]]


def test_the_same_key_does_not_count_twice() -> None:
    stack, wanted = auth("required pam_unix.so"), "publickey,publickey"
    assert doors(host(stack, authenticationmethods=wanted)).accounts["deploy"]["ssh:22"] == []
    keys = KeyFile("keys", keys=(Key("ssh-ed25519", "AAAA"), Key("sk-ssh-ed25519@openssh.com", "BBBB")))
    found = doors(host(stack, keys, authenticationmethods=wanted))
    assert found.accounts["deploy"]["ssh:22"] == [["key", "security-key"]]


def test_the_clients_own_certificate_is_the_one_that_counts() -> None:
    one = host(
        auth("required pam_unix.so"),
        KeyFile("none"),
        trustedusercakeys="/etc/ssh/ca",
        passwordauthentication="no",
    )
    one = replace(one, blobs={"/etc/ssh/ca": ("CA",)}, now=100.0)
    assert doors(one).accounts["deploy"]["ssh:22"] == [["cert"]]

    def with_one(*principals: str, before: float = 200.0) -> list[list[str]]:
        own = Certificate(file="id", authority="CA", principals=principals, after=0.0, before=before)
        return doors(replace(one, certificates=(own,))).accounts["deploy"]["ssh:22"]

    assert with_one("deploy") == [["cert"]]
    assert with_one("deploy@corp.example") == []
    assert with_one() == []
    assert with_one("deploy", before=50.0) == []


def test_a_clock_that_is_apart_spoils_every_code() -> None:
    one = two_steps(CODE)
    assert doors(one).accounts["deploy"]["ssh:22"] == [["code", "key"]]
    assert doors(replace(one, behind=300.0)).accounts["deploy"]["ssh:22"] == []
    assert [each.door for each in doors(replace(one, behind=45.0)).unknown] == ["ssh:22"]


def test_without_a_server_that_is_said() -> None:
    one = replace(setup(auth("required pam_unix.so")), accounts=(DEPLOY,))
    assert doors(one).notes == ["No SSH server runs here: nobody gets in by SSH"]
