"""What a report says to type next works as it is pasted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reports.cases import SILENCE, outside_only
from sshdoctor.diagnosis.next_steps import Asked, next_commands


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
