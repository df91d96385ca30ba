"""What a closer look from outside found, in a report: told in text, and masked on request."""

from __future__ import annotations

from msgspec.structs import replace

from reports.cases import SILENCE
from sshdoctor.model import AccessUsed, Hop, HostReport, Login, Neighbour
from sshdoctor.reports import render

CLOSER = replace(
    SILENCE,
    neighbours=(Neighbour(port=443, reply="no-banner"),),
    path=(
        Hop(number=1, sender="198.51.100.254", reply="expired"),
        Hop(number=2, sender=None, reply="silence"),
        Hop(number=3, sender="192.0.2.9", reply="expired"),
    ),
)
REPORT = HostReport(
    host="web1",
    service="ssh",
    login=Login(address="203.0.113.2", port=22),
    verdict="undecided",
    outside=(CLOSER,),
    access=AccessUsed(via=None),
    prediction=None,
    causes=(),
    checks=(),
)


def test_the_way_is_told_hop_by_hop_to_where_it_ends() -> None:
    text = render([REPORT], "text")
    assert "nearby    port 443: no-banner\n" in text
    assert "way there 1 198.51.100.254, 2 ?, 3 192.0.2.9, then nothing\n" in text


def test_a_way_on_which_nobody_speaks_says_so() -> None:
    report = replace(REPORT, outside=(replace(CLOSER, path=()),))
    assert "way there no router answers\n" in render([report], "text")


def test_the_routers_are_masked_and_what_they_said_is_not() -> None:
    text = render([REPORT], "json", mask=True)
    assert "198.51.100.254" not in text
    assert "192.0.2.9" not in text
    assert '"reply": "expired"' in text
