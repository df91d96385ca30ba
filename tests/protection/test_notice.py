"""Whether sshd's lines come to a jail, and under whose address: held against lines as hosts wrote them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sshdoctor.facts.protection.engines import Engines, Jail
from sshdoctor.facts.protection.guards import Guards
from sshdoctor.model import Reply, Unknown
from sshdoctor.protection.guarding import Guarding
from sshdoctor.protection.notice import notices, sees_real, unkept

FAILED = "Failed password for root from {} port 53567 ssh2"
COMM = ("_COMM=sshd",)
UNIT = ("_SYSTEMD_UNIT=sshd.service",)
DEBIAN = ("_SYSTEMD_UNIT=ssh.service",)


def line(message: str, comm: str = "sshd") -> dict[str, str]:
    return {"MESSAGE": message, "_COMM": comm, "_SYSTEMD_UNIT": "ssh.service", "_UID": "0"}


def engines(*lines: dict[str, str], log_level: str = "INFO", journal: bool = True) -> Engines:
    return Engines(
        fail2ban="running",
        refused="",
        jails=(),
        dbfile="",
        blocked=0,
        tools=(),
        penalties="no",
        log_level=log_level,
        lines=lines if journal else Unknown("there is no journal"),
        evidence=(),
    )


def jail(*match: tuple[str, ...], **more: object) -> Jail:
    return Jail(name="sshd", journalmatch=match, samples=("ssh",), **more)  # type: ignore[arg-type]  # its fields


def reply(source: str, port: int) -> Reply:
    return Reply(address="198.51.100.2", family="ipv4", port=22, word="ok", source=source, source_port=port)


@pytest.mark.parametrize(
    ("match", "comm", "expected"),
    [
        ((UNIT, COMM), "sshd", True),  # what Debian 12 ships: the + is "or"
        ((UNIT,), "sshd", False),  # the case journalmatch-unit
        ((COMM,), "sshd-session", False),  # sshd-session-comm
        ((DEBIAN, COMM), "sshd-session", True),  # ok-comm-or-unit
    ],
)
def test_a_jail_notices_what_its_journalmatch_finds(
    match: tuple[tuple[str, ...], ...], comm: str, expected: bool
) -> None:
    found, why = notices(engines(line(FAILED.format("192.0.2.9"), comm)), jail(*match))
    assert (found, why == "") == (expected, expected)
    assert "192.0.2.9" not in why


def test_a_host_that_has_logged_no_client_proves_nothing() -> None:
    assert notices(engines(line("Server listening on 0.0.0.0 port 22.")), jail(COMM))[0] is None


def test_a_journal_that_keeps_warnings_alone_has_nothing_noticed() -> None:
    """Unless our own dial stands in it: then journald was not started anew since that was written."""
    ours, old = reply("192.0.2.1", 50022), line("Connection closed by 127.0.0.1 port 36168")
    kept = replace(engines(old), kept="warning")
    assert sees_real(kept, [ours], ["127.0.0.1"])[0] is False
    assert "MaxLevelStore" in sees_real(kept, [ours], ["127.0.0.1"])[1]
    logged = line("Accepted publickey for root from 192.0.2.1 port 50022 ssh2")
    assert sees_real(replace(kept, lines=(old, logged)), [ours], ["127.0.0.1"])[0] is True
    assert unkept(replace(kept, kept="info"), [ours]) is None


def test_a_daemon_that_logs_no_failure_has_nothing_noticed() -> None:
    assert notices(engines(log_level="ERROR"), jail(COMM))[0] is False
    assert sees_real(engines(log_level="ERROR"), (), ())[0] is False


def test_a_text_log_proves_nothing() -> None:
    said = engines(journal=False)
    assert notices(said, jail(logpath=("/var/log/auth.log",), in_files=(5, 0)))[0] is None
    assert sees_real(said, (reply("192.0.2.1", 4000),), ())[0] is None


def test_a_file_in_which_no_line_of_sshd_stands_is_the_wrong_one() -> None:
    said = engines(line(FAILED.format("192.0.2.9")))
    assert notices(said, jail(logpath=("/var/log/auth.log",), in_files=(0, 4)))[0] is False


def test_this_dial_is_found_again_under_its_own_address() -> None:
    said = engines(line("Connection closed by 192.0.2.1 port 4000 [preauth]"))
    assert sees_real(said, (reply("192.0.2.1", 4000),), ("172.17.0.1",)) == (True, "")


def test_a_host_that_sees_everybody_under_its_own_address_would_ban_everybody() -> None:
    said = engines(line(FAILED.format("172.17.0.1")))
    found, why = sees_real(said, (reply("192.0.2.1", 53567),), ("172.17.0.1",))
    assert found is False
    assert "everybody" in why


def test_one_stranger_alone_proves_nothing() -> None:
    assert sees_real(engines(line(FAILED.format("192.0.2.9"))), (), ())[0] is None


def test_what_a_stranger_typed_as_a_name_is_no_address() -> None:
    typed = "Invalid user a from 192.0.2.1 port 4000 from 172.17.0.1 port 53567"
    found, _ = sees_real(engines(line(typed)), (reply("192.0.2.1", 4000),), ("172.17.0.1",))
    assert found is False


@pytest.mark.parametrize(
    ("logins", "told"), [((0, 0, 600), None), ((120, 0, 600), 0), ((120, 3, 600), 3), ((120, 3, -1), 3)]
)
def test_logins_that_the_policy_would_have_banned_are_told(
    logins: tuple[int, int, int], told: int | None
) -> None:
    known = replace(engines(), jails=(jail(COMM, logins=logins),))
    facts = {"seen_requests": None, "firewall": None, "addresses": None, "wrappers": None}
    found, why = Guarding(facts, known, Guards(sshguard=None, crowdsec=None), ()).shuts_out
    assert found == told
    assert bool(why) == bool(told)


@pytest.mark.parametrize(
    ("command", "found", "spared", "expected"),
    [
        ("/bin/true", 0, 0, False),
        ("/bin/false", 0, 0, True),
        ("/usr/local/bin/friend <ip>", 0, 0, None),  # nobody has failed yet
        ("/usr/local/bin/friend <ip>", 0, 4, False),
        ("/usr/local/bin/friend <ip>", 2, 4, True),
    ],
)
def test_what_fail2ban_made_of_failures_tells_whom_a_command_lets_pass(
    command: str, found: int, spared: int, expected: bool | None
) -> None:
    failed = line(FAILED.format("192.0.2.9"))
    one = jail(COMM, ignorecommand=command, found=found, spared=spared, hits=(failed["MESSAGE"],))
    assert notices(engines(failed), one)[0] is expected


def test_a_jail_that_has_counted_none_of_its_failures_bans_nobody() -> None:
    failed = line(FAILED.format("192.0.2.9"))
    said = notices(engines(failed), jail(COMM, uncounted=6, hits=(failed["MESSAGE"],)))
    assert said[0] is False
    assert "idle off" in said[1]
