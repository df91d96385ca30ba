"""What a report says to type next works as it is pasted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reports.cases import SILENCE, outside_only
from sshdoctor.diagnosis.next_steps import Asked, next_commands
from sshdoctor.model import AccessUsed, Cause, HostReport, Repair


@pytest.mark.parametrize(
    ("jumps", "dialled"),
    [
        (("deploy@198.51.100.1:2222", "deploy@198.51.100.9:22"), "deploy@198.51.100.1:2222"),
        ((), "deploy@198.51.100.1"),
    ],
    ids=["as the inventory dials it", "as ssh_config names it"],
)
def test_a_jump_host_is_diagnosed_at_the_port_at_which_it_is_dialled(
    jumps: tuple[str, ...], dialled: str
) -> None:
    report = outside_only(replace(SILENCE, stage="jump deploy@198.51.100.1"))
    report = replace(report, login=replace(report.login, jumps=jumps))
    assert next_commands(report, Asked()) == (f"sshdoctor diagnose --host {dialled}",)


@pytest.mark.parametrize(
    ("url", "word", "points"),
    [
        ("https://shop.example/", "blocked", True),
        ("https://shop.example/xmlrpc.php", "blocked", False),
        ("https://shop.example/", "server", False),
    ],
)
def test_a_site_whose_front_page_is_forbidden_is_to_be_examined(url: str, word: str, points: bool) -> None:
    refused = outside_only(replace(SILENCE, word=word))
    report = replace(refused, service="web", url=url)
    assert (next_commands(report, Asked())[-1:] == ("sshdoctor examine --host web1",)) is points


def _refused(path: str) -> HostReport:
    denied = Cause(
        id="access-denied-by-rule",
        role="root",
        confidence="proved",
        layer="request",
        summary="A rule refuses.",
        playbooks=("open-access",),
    )
    refused = outside_only(replace(SILENCE, word="blocked"))
    return replace(
        refused,
        service="web",
        url=f"https://shop.example{path}",
        causes=(denied,),
        access=AccessUsed(via="podman", privileged=True),
    )


def test_how_a_page_was_asked_for_goes_to_no_command_that_has_no_such_option() -> None:
    asked = Asked(again=("-e", "a=1"), request=("--on", "web1"))
    assert next_commands(_refused("/"), asked) == (
        "sshdoctor remediate --host https://shop.example/ -e a=1 --on web1 --for 15m",
        "sshdoctor examine --host web1 -e a=1",
    )


def test_what_could_not_be_opened_is_not_to_be_opened_next() -> None:
    report = replace(_refused("/page"), repair=Repair(outcome="no-remedy", detail="It cannot be opened."))
    assert next_commands(report, Asked(held=True)) == (
        "sshdoctor diagnose --host https://shop.example/page  # when that is mended",
    )
    assert next_commands(report, Asked())[0].startswith("sshdoctor remediate"), "for how long was not said"


def test_what_is_likely_and_was_not_mended_unasked_is_named_in_the_next_step() -> None:
    report = _refused("/page")
    likely = replace(
        report.causes[0], id="not-writable", confidence="likely", playbooks=("fix-web-permissions",)
    )
    report = replace(
        report, causes=(likely,), repair=Repair(outcome="no-remedy", detail="likely, not proved")
    )
    (command,) = next_commands(report, Asked())
    assert command == "sshdoctor remediate --host https://shop.example/page --cause not-writable"
