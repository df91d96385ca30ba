"""What is not offered: a change of the target for a fault on the way to it, and what nobody has decided."""

from __future__ import annotations

from msgspec.structs import replace

from sshdoctor.diagnosis.inside import Inside
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.documents.resources import shipped
from sshdoctor.model import AccessUsed, Cause, Confidence, Host, HostReport, Login, Reply, WayIn
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.plan import plan
from sshdoctor.remedy.playbook.catalog import catalog
from sshdoctor.remedy.repair import refusal_of_plan, undecided

LOGIN = Login(address="192.0.2.1", port=22)
HOST = Host(name="web1", service="ssh", login=LOGIN, ways=(WayIn(connection="ssh", login=LOGIN),))
UNASKED = Choice(seconds=60, unasked=True)
LISTED = catalog([shipped("playbooks")])


def seen(confidence: Confidence = "proved", *, stage: str = "", via: str = "podman") -> Diagnosis:
    used = AccessUsed(via=via, privileged=True)
    stopped = Cause(
        id="sshd-stopped", role="root", confidence=confidence, layer="daemon", summary="It is so."
    )
    report = HostReport(
        host="web1",
        service="ssh",
        login=LOGIN,
        verdict="blocked",
        outside=(Reply(address="192.0.2.1", family="ipv4", port=22, word="rst", stage=stage),),
        access=used,
        prediction=None,
        causes=(stopped,),
        checks=(),
    )
    return Diagnosis(report=report, facts=(), inside=Inside(used=used, views=()))


def test_a_host_behind_a_jump_host_that_is_down_is_left_alone_whatever_is_found_there() -> None:
    before = seen(stage="jump deploy@198.51.100.1")
    made = plan(before.report.causes, LISTED, ())
    assert made.steps
    refused = refusal_of_plan(HOST, before, made, UNASKED)
    assert refused.startswith("The dial ended at the jump deploy@198.51.100.1: the target is left alone")
    named = replace(UNASKED, causes=("sshd-stopped",))
    assert refusal_of_plan(HOST, before, made, named) == refused
    assert refusal_of_plan(HOST, seen(), made, UNASKED) == ""


def test_unasked_only_what_is_proved_is_mended_and_the_flag_that_decides_is_named() -> None:
    assert undecided(seen(), UNASKED) == ""
    assert "say --cause sshd-stopped" in undecided(seen("likely"), UNASKED)
    assert undecided(seen("likely"), Choice(seconds=60)) == ""
    assert undecided(seen("likely"), replace(UNASKED, causes=("sshd-stopped",))) == ""
    assert undecided(seen("likely", via="chroot"), UNASKED) == ""
