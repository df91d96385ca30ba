"""Causes become a plan in the order of the packet's way; what wants a word of the person waits for it."""

from __future__ import annotations

import pytest

from sshdoctor.documents.resources import shipped
from sshdoctor.errors import UsageError
from sshdoctor.model import Cause, Role
from sshdoctor.remedy.plan import plan, started_once, with_playbook_of
from sshdoctor.remedy.playbook.catalog import catalog

LISTED = catalog([shipped("playbooks")])


def cause(ident: str, layer: str, role: Role = "root") -> Cause:
    return Cause(id=ident, role=role, confidence="proved", layer=layer, summary="It is so.")


STOPPED = cause("sshd-stopped", "daemon", "behind")
DROPPED = cause("firewall-drops", "firewall")
REDIRECTED = cause("nat-redirects-port", "firewall")
UPSTREAM = cause("upstream-filter", "route")


def steps_of(causes: list[Cause], asked: tuple[str, ...] = ()) -> list[tuple[str, tuple[str, ...]]]:
    return [(step.playbook.id, step.mends) for step in plan(causes, LISTED, asked).steps]


def test_the_firewall_is_opened_before_the_daemon_is_started_whatever_was_found_first() -> None:
    assert steps_of([STOPPED, DROPPED]) == [
        ("open-firewall", ("firewall-drops",)),
        ("start-sshd", ("sshd-stopped",)),
    ]


def test_causes_with_the_same_remedy_are_one_step() -> None:
    disabled = cause("sshd-disabled", "daemon", "latent")
    assert steps_of([STOPPED, disabled]) == [("start-sshd", ("sshd-stopped", "sshd-disabled"))]


def test_a_cause_that_nothing_mends_is_left() -> None:
    made = plan([UPSTREAM, STOPPED], LISTED, ())
    assert [one.id for one in made.left] == ["upstream-filter"]
    assert [step.playbook.id for step in made.steps] == ["start-sshd"]


def test_a_remedy_that_wants_a_word_is_planned_only_for_the_cause_that_was_asked_for() -> None:
    assert plan([REDIRECTED], LISTED, ()).left == (REDIRECTED,)
    assert steps_of([REDIRECTED], ("nat-redirects-port",)) == [("remove-redirect", ("nat-redirects-port",))]


def test_a_cause_that_was_not_found_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="sshd-masked: that cause was not found; there are sshd-stopped"):
        plan([STOPPED], LISTED, ("sshd-masked",))


def test_what_keeps_the_daemon_from_starting_is_mended_before_the_one_start() -> None:
    causes = [
        cause("ssh-port-mismatch", "socket", "behind"),
        cause("sshd-masked", "daemon"),
        cause("host-keys-missing", "daemon", "behind"),
        cause("sshd-config-invalid", "daemon", "behind"),
        DROPPED,
    ]
    steps = started_once(plan(causes, LISTED, ()).steps)
    assert [(step.playbook.id, step.variables.get("starts_daemon")) for step in steps] == [
        ("open-firewall", None),
        ("start-sshd", False),
        ("mend-sshd-config", False),
        ("mend-host-keys", False),
        ("listen-where-dialled", True),
    ]


def test_an_opening_that_no_cause_asked_for_brings_its_playbook_along() -> None:
    banned = plan([cause("client-banned", "firewall")], LISTED, ()).steps
    steps = with_playbook_of(banned, "openings", "firewall-drops", LISTED)
    assert [step.playbook.id for step in steps] == ["open-firewall", "unban-client"]
    assert with_playbook_of(steps, "openings", "firewall-drops", LISTED) == steps
