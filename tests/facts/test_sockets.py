"""What ss prints: of today, and of systems whose ``*`` is IPv4 alone (documented formats)."""

from __future__ import annotations

import pytest

from sshdoctor.facts.parsing.sockets import of_ss
from sshdoctor.model import Unknown

NOBODY = Unknown("no process is named")
OLD = "LISTEN 0 128 *:22 *:* ino:11 sk:1 <->\n"
OLD_SIX = "LISTEN 0 128 :::22 :::* ino:12 sk:2 <->\n"
BOTH = "LISTEN 0 128 *:22 *:* ino:11 sk:1 cgroup:/x v6only:0 <->\n"
TODAY = "LISTEN 0 128 0.0.0.0:22 0.0.0.0:* ino:13 sk:3 <->\n"


@pytest.mark.parametrize(
    ("listed", "addresses"),
    [
        (OLD, ["0.0.0.0"]),  # noqa: S104  # what a host listens on
        (OLD + OLD_SIX, ["0.0.0.0", "::"]),  # noqa: S104  # likewise
        (BOTH, ["::"]),
        (BOTH + TODAY, ["::", "0.0.0.0"]),  # noqa: S104  # likewise
    ],
)
def test_a_star_is_both_families_today_and_was_one(listed: str, addresses: list[str]) -> None:
    assert [one.address for one in of_ss({"ss": listed}, {}, NOBODY)] == addresses


@pytest.mark.parametrize("users", ['(("sshd",pid=1231,fd=3))', '(("sshd",1231,3))'])
def test_a_process_is_named_with_pid_or_without(users: str) -> None:
    said = {"ss": OLD, "named": f"|LISTEN 0 128 *:22 *:* users:{users}\n"}
    [one] = of_ss(said, {}, NOBODY)
    assert (one.program, one.pid) == ("sshd", 1231)


@pytest.mark.parametrize(("queue", "full"), [("0 128", False), ("128 128", False), ("129 128", True)])
def test_a_queue_is_full_that_holds_more_than_it_may(queue: str, full: bool) -> None:
    [one] = of_ss({"ss": TODAY.replace("0 128", queue)}, {}, NOBODY)
    assert one.full is full
