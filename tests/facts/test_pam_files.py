"""PAM's files as they are made of each other."""

from __future__ import annotations

from sshdoctor.facts.parsing.pam import files, lines


def test_a_file_that_includes_itself_often_ends_at_once() -> None:
    again = "\n".join(["@include common", "account include common"] * 20)
    services = {"sshd": "@include common", "common": f"account required pam_unix.so\n{again}"}
    assert [one.name for one in lines(services, "sshd", "account")] == ["pam_unix"]
    assert files(services, "sshd") == {"sshd", "common"}
