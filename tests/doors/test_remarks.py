"""What is odd is named, each thing by its file and line, its account, or its words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from doors.test_pam import HOME, auth
from doors.test_table import host
from sshdoctor.doors.model import Certificate, KeyFile, Place, Setup
from sshdoctor.doors.remarks import remarks

SECRET = f"{HOME}/.google_authenticator"
CODE = "required pam_google_authenticator.so"


def said(setup: Setup) -> list[str]:
    return [text for text in remarks(setup) if "pam_unix" not in text]


def test_nothing_is_odd_about_a_healthy_host() -> None:
    assert [*remarks(host(auth("required pam_unix.so", CODE)))] == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("auth certainly pam_permit.so", "certainly is no control word"),
        ("auth [sucess=ok] pam_permit.so", "[sucess=ok] is no control word"),
        ("auht required pam_permit.so", "auht is no kind of line"),
        ("auth required", "it names no module"),
        ("auth include gone", "there is no file gone"),
        ("@include gone", "there is no file gone"),
        ("@include sshd", "it includes what includes it"),
    ],
)
def test_a_line_of_pam_that_refuses_whoever_comes(line: str, why: str) -> None:
    assert said(host({"sshd": [line]})) == [
        f"/etc/pam.d/sshd:1: {line}: {why}, so it refuses whoever comes there"
    ]


def test_a_module_that_is_not_installed_unless_the_line_says_that_it_may_be() -> None:
    line = "auth optional pam_gone.so"
    assert said(host({"sshd": [line, f"-{line}"]})) == [
        f"/etc/pam.d/sshd:1: {line}: pam_gone is not installed"
    ]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (Place(1000, 1000, 0o644, words=("TOTP_AUTH",)), "has the mode 0644, and more than 0600 is refused"),
        (Place(0, 0, 0o600, words=("TOTP_AUTH",)), "belongs to the user 0, and is to belong to 1000"),
        (Place(1000, 1000, 0o200, words=("TOTP_AUTH",)), "may not be read by the user 1000, who has to"),
        (Place(1000, 1000, 0o600, size=0), "is empty"),
        (Place(1000, 1000, 0o600, size=70000), "is too long"),
        (Place(1000, 1000, 0o700, "directory"), "is no plain file"),
        (Place(1000, 1000, 0o600, words=("TOTP_AUTH", "CR")), "has line ends of Windows, which are borne"),
    ],
)
def test_a_secret_that_is_odd(place: Place, why: str) -> None:
    one = host(auth(CODE))
    assert said(replace(one, places={**one.places, SECRET: place})) == [f"deploy: {SECRET} {why}"]


def test_a_secret_without_a_word_for_its_codes() -> None:
    one = host(auth(CODE))
    odd = replace(one, places={**one.places, SECRET: Place(1000, 1000, 0o600, words=("CR",))})
    assert "or its line ends are odd" in said(odd)[0]


def test_a_clock_that_is_apart() -> None:
    one = host(auth(CODE))
    assert said(replace(one, behind=300.0)) == ["The host's clock is 300 s behind this machine's"]
    assert said(replace(one, behind=-300.0)) == ["The host's clock is 300 s ahead of this machine's"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"after": 86400.0}, "is of the future: it is valid from 1970-01-02 00:00 UTC"),
        ({"before": 50.0}, "has expired on 1970-01-01 00:00 UTC"),
        ({"principals": ()}, "names nobody: no account takes it by a CA of sshd_config"),
        ({"revoked": ("/etc/ssh/gone",)}, "is revoked by /etc/ssh/gone"),
        ({"unsupported": True}, "has a critical option that sshd does not know"),
    ],
)
def test_a_certificate_that_sshd_refuses(change: dict[str, object], why: str) -> None:
    own = Certificate(file="id", authority="CA", principals=("deploy",), after=0.0, before=1e18)
    one = host(auth("required pam_unix.so"), KeyFile("none"), trustedusercakeys="/etc/ssh/ca")
    one = replace(one, blobs={"/etc/ssh/ca": ("CA",)}, now=100.0)
    assert said(replace(one, certificates=(own,))) == []
    assert said(replace(one, certificates=(replace(own, **change),))) == [f"Your certificate id {why}"]
    assert said(replace(one, blobs={}, certificates=(replace(own, **change),))) == []
