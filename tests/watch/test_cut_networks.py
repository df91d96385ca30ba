"""Networks cut between a host, its witnesses and this machine: nothing is called down that is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, TestHost
from sshdoctor.commands.demo.mailbox import plain_text
from watch.bed import Watched, far_away, watched_once, witnesses
from watch.test_faults import inside

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.xdist_group("watched faults")]
ALONE = ("unshare", "--net", "sh", "-ec", 'ip link set lo up; exec "$@"', "sh")
"""A network namespace in which there is nothing but itself."""


@pytest.fixture
def far(testbed: Testbed) -> Iterator[dict[str, TestHost]]:
    with witnesses(testbed) as made:
        yield made


@pytest.fixture
def web1(testbed: Testbed) -> Iterator[TestHost]:
    with testbed.host() as host:
        yield host


class Desk:
    """A watch at ``web1``, by the three."""

    def __init__(self, testbed: Testbed, web1: TestHost, far: dict[str, TestHost], folder: Path) -> None:
        self.client = Client(Dial(), web1, testbed, folder)
        self.far, self.folder = far_away(testbed, far, folder), folder

    def watched(self, prefix: tuple[str, ...] = ()) -> Watched:
        return watched_once(inside(self.client), self.far, self.folder, prefix=prefix)


@pytest.fixture
def desk(testbed: Testbed, web1: TestHost, far: dict[str, TestHost], tmp_path: Path) -> Desk:
    return Desk(testbed, web1, far, tmp_path)


def test_only_this_machine_is_refused(desk: Desk, web1: TestHost) -> None:
    web1.run("iptables -A INPUT -s $CLIENT4 -p tcp --dport 22 -j REJECT --reject-with tcp-reset")
    seen = desk.watched()
    assert (seen.code, seen.states, seen.mails) == (0, ["suspected", "up"], ())
    assert seen.last["note"] == "not seen up by here: rst"


def test_two_of_the_three_have_no_way_to_it(desk: Desk, web1: TestHost, far: dict[str, TestHost]) -> None:
    web1.run("iptables -A INPUT -s $CLIENT4 -p tcp --dport 22 -j REJECT --reject-with tcp-reset")
    web1.run(f"iptables -A INPUT -s {far['far1'].address4} -j DROP")
    far["far2"].run(f"iptables -A OUTPUT -d {web1.address4} -j REJECT")
    seen = desk.watched()
    assert (seen.code, seen.states, seen.mails) == (0, ["suspected", "up"], ())
    assert "far1: silence" in seen.last["note"] and "far2" in seen.last["note"]


def test_a_witness_that_is_cut_off_is_no_vote_and_two_others_are_enough(
    desk: Desk, web1: TestHost, far: dict[str, TestHost]
) -> None:
    web1.run("systemctl stop ssh")
    far["far1"].run("iptables -A INPUT -p tcp --dport 22 -j DROP")
    seen = desk.watched()
    assert seen.states == ["suspected", "down"]
    assert "Could not be asked: far1." in plain_text(seen.mails[0])
    assert "(sshd-stopped, proved)" in plain_text(seen.mails[0])


def test_one_witness_alone_is_too_few(desk: Desk, web1: TestHost, far: dict[str, TestHost]) -> None:
    web1.run("systemctl stop ssh")
    for name in ("far1", "far2"):
        far[name].run("pkill -x sshd; systemctl stop ssh 2>/dev/null || true")
    seen = desk.watched()
    assert (seen.code, seen.states) == (3, ["suspected", "unknown"])
    assert "could not be asked: far1, far2" in seen.last["note"]


def test_this_machines_own_line_is_cut(desk: Desk) -> None:
    seen = desk.watched(prefix=ALONE)
    assert (seen.code, seen.states[-1], seen.mails) == (3, "unknown", ())
    assert seen.last["note"] == "this machine's own line is down"
