"""What systemd, PAM and OpenSSH's client can say has an entry, and every state an answer."""

from pathlib import Path

import pytest

from reasons.coverage import uncovered
from reasons.messages import Listed, read_list
from reasons.shipped import shipped_lists
from reasons.sources import Program
from reasons.states import TABLES
from reasons.system_messages import RULES
from sshdoctor.documents.reader import read_yaml
from sshdoctor.reasons import CLIENT_STAGES, STAGES
from sshdoctor.reasons.entry import List
from sshdoctor.reasons.state import State

HERE = Path(__file__).parent
LISTS = shipped_lists()
CAUSES = frozenset((HERE / "causes.txt").read_text().split())
PROGRAMS = {
    "systemd": ("systemd",),
    "linux-pam": ("Linux-PAM", "Linux-PAM, to the client"),
    "pam_systemd": ("Linux-PAM",),
    "pam_sss": ("Linux-PAM", "Linux-PAM, to the client"),
    "google-authenticator": ("pam_google_authenticator",),
    "openssh-client": ("OpenSSH client",),
}
"""The lists that hold what each source can say."""
NO_HOLES = Program(objects=(), folders=())
"""None of them puts one text into another."""


def lists(source: str) -> tuple[List, ...]:
    return tuple(one for one in LISTS if one.program in PROGRAMS[source])


def missed(source: str, listed: list[Listed]) -> list[str]:
    return uncovered(lists(source), NO_HOLES, listed)


def known_states(program: str) -> dict[tuple[str, str], State]:
    return {(s.property, s.value): s for one in LISTS if one.program == program for s in one.states}


def extracted_states(source: str) -> set[tuple[str, str]]:
    rows = (line.split("\t") for line in (HERE / f"{source}.states").read_text().splitlines())
    return {(row[1], row[2]) for row in rows if len(row) == 3}


def test_every_source_that_can_be_extracted_is_held() -> None:
    assert set(PROGRAMS) == set(read_yaml(RULES))


@pytest.mark.parametrize("source", PROGRAMS)
def test_every_message_of_the_source_has_an_entry(source: str) -> None:
    assert missed(source, read_list(HERE / f"{source}.messages")) == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("systemd", "%s: Refusing to start while the moon is full."),
        ("systemd", "%s:%d: Unknown day of the moon '%s'"),
        ("linux-pam", "pam_access(%s:%s): the moon over `%s' stands wrongly"),
        ("linux-pam", "PAM the moon stands wrongly: %{errno}"),
        ("pam_systemd", "pam_systemd(%s:%s): The moon stands wrongly: %s"),
        ("pam_sss", "pam_sss(%s:%s): the moon stands wrongly"),
        ("google-authenticator", "The moon over %s stands wrongly"),
        ("openssh-client", "the moon over %s stands wrongly: %{errno}"),
        ("openssh-client", "debug1: the moon stands wrongly"),
        ("openssh-client", "ssh_moon: stands wrongly: %{why}"),
    ],
)
def test_a_message_that_a_new_version_brings_is_missed(source: str, text: str) -> None:
    assert len(missed(source, [Listed("999", "new.c moon", "error", text)])) == 1


def test_a_message_whose_entry_is_taken_away_is_missed() -> None:
    (one,) = lists("systemd")
    kept = tuple(entry for entry in one.entries if entry.cause != "socket-trigger-limit")
    without = List(program="systemd", identifiers=one.identifiers, frames=(), entries=kept)
    listed = read_list(HERE / "systemd.messages")
    place = "socket.c socket_enter_running"
    assert uncovered([without], NO_HOLES, listed) == [
        f"{place}: …: Trigger limit hit, refusing further activation."
    ]


@pytest.mark.parametrize("program", sorted({name for names in PROGRAMS.values() for name in names}))
def test_an_entry_names_a_cause_of_the_catalogue_or_a_reason_why_not(program: str) -> None:
    (one,) = (each for each in LISTS if each.program == program)
    for entry in one.entries:
        assert entry.stage in (*CLIENT_STAGES, *STAGES)
        assert (entry.cause in CAUSES) != bool(entry.no_cause), entry.example
        assert CAUSES.issuperset(entry.among), entry.example


@pytest.mark.parametrize(("source", "program"), [("systemd", "systemd"), ("linux-pam", "Linux-PAM")])
def test_every_state_of_the_source_has_an_answer(source: str, program: str) -> None:
    assert set(known_states(program)) == extracted_states(source)
    assert {name for name, _ in extracted_states(source)} >= set(TABLES[source])


@pytest.mark.parametrize("program", ["systemd", "Linux-PAM"])
def test_a_state_names_a_cause_of_the_catalogue_or_a_reason_why_not(program: str) -> None:
    for state in known_states(program).values():
        assert (state.cause in CAUSES) != bool(state.no_cause), state
        assert CAUSES.issuperset(state.among), state


def test_a_state_that_a_new_version_brings_is_missed() -> None:
    new = {("socket.Result", "moon-limit-hit")}
    assert (extracted_states("systemd") | new) - set(known_states("systemd")) == new
