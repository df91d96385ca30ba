"""What the host's own programs said about a dial, and how far it is believed."""

from typing import Any

from msgspec.structs import fields, replace

from sshdoctor.diagnosis.derived.words import Words, words
from sshdoctor.facts.parsing.journal_lines import Line
from sshdoctor.facts.ssh.dial_log import DialLog
from sshdoctor.facts.ssh.start import Start
from sshdoctor.model import Unknown

CLIENT, PORT = "198.51.100.1", 50512
ACCEPTED = Line("sshd", 74, f"Accepted publickey for deploy from {CLIENT} port {PORT} ssh2: ED25519", True)
NO_FORK = "error: do_exec_no_pty: fork: Resource temporarily unavailable"


def said(*lines: Line) -> Words:
    found = words("ssh", CLIENT, PORT, DialLog(lines=lines, source="journalctl"), Unknown("not asked for"))
    assert isinstance(found, Words)
    return found


def test_what_sshd_writes_as_the_one_who_logged_in_counts() -> None:
    (one,) = said(ACCEPTED, Line("sshd", 80, NO_FORK, False, account=True)).said
    assert (one.cause, one.trusted) == ("session-limit", True)


def test_the_one_who_logs_in_says_nothing_of_what_comes_before() -> None:
    forged = "error: fork: Cannot allocate memory"
    (one,) = said(ACCEPTED, Line("sshd", 80, forged, False, account=True)).said
    assert not one.trusted


def test_the_one_who_logs_in_chooses_no_path() -> None:
    forged = 'fatal: bad ownership or modes for chroot directory "/etc"'
    (one,) = said(ACCEPTED, Line("sshd", 80, forged, False, account=True)).said
    assert (one.cause, one.trusted) == ("chroot-directory-unsafe", False)


def test_what_anybody_wrote_beside_trusted_lines_is_not_heard() -> None:
    assert said(ACCEPTED, Line("sshd", 80, NO_FORK, False)).said == ()


def left_to(socket: str) -> Start:
    """A unit that was stopped, while its socket unit is in this state."""
    stopped = {"active": "inactive", "result": "success", "socket_active": socket, "unit": "ssh.service"}
    lines = (Line("sshd", 49, "Received signal 15; terminating.", True),)
    unseen: dict[str, Any] = {each.name: Unknown("not seen") for each in fields(Start)}
    return Start(**unseen | stopped | {"lines": lines})


REFUSED = Line(
    "systemd",
    1,
    f"ssh.socket: Too many incoming connections (2) from source {CLIENT}, dropping connection.",
    True,
)


def test_where_a_socket_unit_serves_what_it_says_counts_and_not_the_end_of_a_service() -> None:
    log = DialLog(lines=(REFUSED,), source="journalctl")
    found = words("ssh", CLIENT, PORT, log, left_to("active"))
    assert isinstance(found, Words) and found.causes == ("max-startups",)


def test_where_nothing_serves_the_last_start_counts() -> None:
    found = words("ssh", CLIENT, PORT, DialLog(lines=(REFUSED,), source=""), left_to("inactive"))
    assert isinstance(found, Words) and found.causes == ()


def test_what_was_written_before_the_dial_counts_only_if_it_names_the_client() -> None:
    bind = "error: Bind to port 22 on 0.0.0.0 failed: Address already in use."
    old, now = Line("sshd", 60, bind, True, early=True), Line("sshd", 60, bind, True)
    ours = (Line("sshd", 74, text, True, early=True) for text in (ACCEPTED.message, NO_FORK))
    assert said(old).causes == () and said(now).causes == ("port-taken",)
    assert said(*ours, old).causes == ("session-limit",)


def test_what_was_said_of_a_connection_is_nothing_of_the_start_that_served_it() -> None:
    offer = "no matching host key type found. Their offer: sk-ecdsa-sha2-nistp256@openssh.com [preauth]"
    scanned = Line("sshd", 70, f"Unable to negotiate with {CLIENT} port 41000: {offer}", True)
    start = left_to("inactive")
    assert isinstance(start.lines, tuple)
    start = replace(start, lines=(scanned, *start.lines))
    found = words("ssh", CLIENT, PORT, DialLog(lines=(), source=""), start)
    assert isinstance(found, Words) and found.causes == () and "negotiate" not in found.evidence[0].text


def test_of_a_client_that_dialled_twice_what_it_did_before_is_not_about_this_dial() -> None:
    def lines(pid: int, port: int) -> Line:
        offer = "no matching host key type found. Their offer: sk-ecdsa-sha2-nistp256@openssh.com [preauth]"
        return Line("sshd", pid, f"Unable to negotiate with {CLIENT} port {port}: {offer}", True)

    ended = Line(
        "sshd", 74, f"Connection closed by authenticating user root {CLIENT} port {PORT} [preauth]", True
    )
    causes = []
    for written in ((lines(70, 41000), ended), (ended, lines(80, 51000))):
        log = DialLog(lines=written, source="journalctl")
        found = words("ssh", CLIENT, PORT, log, Unknown("not asked for"), again=True)
        assert isinstance(found, Words)
        causes.append(found.causes)
    assert causes == [(), ("kex-mismatch",)]
