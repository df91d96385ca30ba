"""Which module of PAM's account stage is to be mended, and what it decides by."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor.checks.said import Said
from sshdoctor.diagnosis.derived.words import Words
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh import account_stack, shadow
from sshdoctor.facts.ssh.derived.account_rules import AccountRules, derive
from sshdoctor.model import Unknown


def only(kind: type[Any], **known: object) -> Any:
    """A fact with only ``known`` fields seen."""
    return kind(**{field.name: Unknown("not seen") for field in fields(kind)} | known)


SHADOW = only(shadow.Shadow, account="open")


def rules(line: str, said: str = "") -> AccountRules:
    """The fact, where ``line`` stands before the usual account stack and the host wrote ``said``."""
    module = next(word for word in line.split() if word.startswith("pam_"))
    usual = "account [success=1 default=ignore] pam_unix.so\naccount requisite pam_deny.so\n"
    text = f"## pam sshd\n{line}\n{usual}"
    text += f"## modules\n{module}\npam_unix.so\npam_deny.so\n"
    one = Said(cause="account-refused-by-pam", of="dial", text=said, parts={}, trusted=True)
    spoken = (one,) if said else ()
    words = Words(
        said=spoken, causes=(), unexplained=(), refused_account="", timed_out="", accepted_key="", evidence=()
    )
    stack = account_stack.parse({"lines": Section(text, 0)})
    return derive({"account_stack": stack, "shadow": SHADOW, "words": words})


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        ("account required pam_time.so", "/etc/security/time.conf"),
        ("account required pam_time.so conffile=/etc/hours", "/etc/hours"),
        ("account required pam_shells.so", "/etc/shells"),
        ("account required pam_listfile.so item=user sense=allow file=/etc/some quiet", "/etc/some"),
        ("account required pam_succeed_if.so quiet user ingroup staff", "the words of its line"),
        ("account [default=bad success=ok] pam_exec.so quiet /usr/sbin/gate", "/usr/sbin/gate"),
    ],
)
def test_the_modules_that_refuse_without_a_word_are_named_with_what_they_read(line: str, reads: str) -> None:
    module = line.partition("pam_")[2].partition(".so")[0]
    found = rules(line)
    assert found.suspects == f"pam_{module} ({reads})"
    assert reads in found.mend


@pytest.mark.parametrize(
    ("line", "said", "reads"),
    [
        (
            "account required pam_access.so accessfile=/etc/gate.conf",
            "pam_access(sshd:account): access denied for user `deploy' from `198.51.100.1'",
            "/etc/gate.conf",
        ),
        (
            "account required pam_listfile.so item=user file=/etc/some",
            "pam_listfile(sshd:account): Refused user deploy for service sshd",
            "/etc/some",
        ),
        (
            "account required pam_succeed_if.so user ingroup staff",
            'pam_succeed_if(sshd:account): requirement "user ingroup staff" not met by user "deploy"',
            "'account required pam_succeed_if.so user ingroup staff'",
        ),
    ],
)
def test_the_module_that_the_host_names_is_mended_where_it_reads(line: str, said: str, reads: str) -> None:
    assert reads in rules(line, said).mend


def test_a_stack_that_nobody_saw_leaves_the_usual_files() -> None:
    nothing = Unknown("not seen")
    found = derive({"account_stack": nothing, "shadow": nothing, "words": nothing})
    assert "/etc/security/access.conf" in found.mend
