"""The words for ICMP messages and errnos, one by one."""

from __future__ import annotations

import errno

import pytest

from sshdoctor.outside.icmp import QueueEntry, judge_entry, judge_errno

LOCAL, ICMP, ICMP6, STAMP = 1, 2, 3, 4


def entry(origin: int, kind: int, code: int, number: int = errno.EHOSTUNREACH) -> QueueEntry:
    return QueueEntry(origin, kind, code, number, "192.0.2.1")


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (entry(ICMP, 3, 6), "icmp-net-unreachable"),
        (entry(ICMP, 3, 7), "icmp-host-unreachable"),
        (entry(ICMP, 3, 5), "unreachable"),
        (entry(ICMP, 11, 0), "unreachable"),
        (entry(ICMP6, 1, 2), "unreachable"),
        (entry(ICMP6, 3, 0), "unreachable"),
        (entry(LOCAL, 0, 0), "local-unreachable"),
    ],
)
def test_a_message_without_a_word_of_its_own_gets_the_nearest(seen: QueueEntry, word: str) -> None:
    refusal = judge_entry(seen, own=False)
    assert refusal is not None
    assert refusal.word == word


@pytest.mark.parametrize(
    "seen",
    [
        entry(ICMP, 3, 4, errno.EMSGSIZE),
        entry(ICMP6, 2, 0),
        entry(LOCAL, 0, 0, errno.EMSGSIZE),
        entry(STAMP, 0, 0),
    ],
)
def test_path_mtu_and_time_stamps_refuse_nothing(seen: QueueEntry) -> None:
    assert judge_entry(seen, own=False) is None


def test_a_loop_of_routers_is_named_in_the_detail() -> None:
    refusal = judge_entry(entry(ICMP, 11, 0), own=False)
    assert refusal is not None
    assert refusal.detail == "ICMP type 11 code 0: No route to host"


def test_a_message_from_this_machine_itself_is_local() -> None:
    refusal = judge_entry(entry(ICMP, 3, 1), own=True)
    assert refusal is not None
    assert refusal.word == "local-unreachable"


@pytest.mark.parametrize(
    ("number", "at_once", "queue", "word"),
    [
        (errno.ECONNREFUSED, False, True, "rst"),
        (errno.ECONNREFUSED, False, False, "refused"),
        (errno.ECONNRESET, False, False, "closed-before-banner"),
        (errno.ETIMEDOUT, False, False, "silence"),
        (errno.EHOSTUNREACH, False, False, "unreachable"),
        (errno.EHOSTUNREACH, True, True, "local-unreachable"),
        (errno.ENETUNREACH, True, False, "local-unreachable"),
        (errno.EADDRNOTAVAIL, False, True, "local-unreachable"),
        (errno.EACCES, True, True, "local-unreachable"),
    ],
)
def test_without_a_message_the_errno_decides(number: int, at_once: bool, queue: bool, word: str) -> None:
    assert judge_errno(number, at_once=at_once, queue=queue, address="192.0.2.1").word == word
