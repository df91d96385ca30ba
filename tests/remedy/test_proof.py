"""A remedy is proved by what a client gets and by a second diagnosis, and by nothing less."""

from __future__ import annotations

import pytest

from sshdoctor.model import AccessUsed, Cause, HostReport, Login, Reply
from sshdoctor.remedy.verify import objection


def report(words: dict[str, str], *causes: str) -> HostReport:
    return HostReport(
        host="web1",
        service="ssh",
        login=Login(address="web1", port=22),
        verdict="blocked" if causes else "healthy",
        outside=tuple(
            Reply(address=address, family="ipv4", port=22, word=word) for address, word in words.items()
        ),
        access=AccessUsed(via="podman"),
        prediction=None,
        causes=tuple(
            Cause(id=ident, role="root", confidence="proved", layer="daemon", summary="It is so.")
            for ident in causes
        ),
        checks=(),
    )


STOPPED = report({"192.0.2.1": "rst"}, "sshd-stopped")


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (report({"192.0.2.1": "ok"}), ""),
        (report({"192.0.2.1": "auth-denied"}, "wrong-user"), ""),
        (report({"192.0.2.1": "ok"}, "sshd-stopped"), "sshd-stopped is still there"),
        (report({"192.0.2.1": "silence"}), "a client gets silence, and why was not found"),
        (report({"192.0.2.1": "no-banner"}), "a client gets no-banner, and why was not found"),
        (report({"192.0.2.1": "rst"}, "sshd-masked"), "a client still gets rst"),
    ],
)
def test_the_cause_must_be_gone_and_the_client_must_come_further(after: HostReport, why: str) -> None:
    assert objection(STOPPED, after, ["sshd-stopped"]) == why


def test_no_address_may_be_worse_than_before() -> None:
    before = report({"192.0.2.1": "rst", "192.0.2.2": "ok"}, "sshd-address-family")
    after = report({"192.0.2.1": "ok", "192.0.2.2": "rst"})
    assert objection(before, after, ["sshd-address-family"]) == "192.0.2.2 got ok before, and gets rst now"


def test_what_was_known_and_left_alone_may_still_stop_the_client() -> None:
    before = report({"192.0.2.1": "silence"}, "upstream-filter", "sshd-stopped")
    after = report({"192.0.2.1": "silence"}, "upstream-filter")
    assert objection(before, after, ["sshd-stopped"]) == ""


def test_where_several_addresses_greet_one_login_is_enough() -> None:
    before = report({"192.0.2.1": "silence", "192.0.2.2": "ok"}, "firewall-drops")
    after = report({"192.0.2.1": "ok", "192.0.2.2": "banner"})
    assert objection(before, after, ["firewall-drops"]) == ""
