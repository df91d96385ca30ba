"""Every message with which a server can refuse has an entry with a cause or a reason why not."""

from pathlib import Path

import pytest

from reasons.coverage import uncovered
from reasons.messages import Listed, read_list
from reasons.shipped import shipped_lists
from reasons.sources import PROGRAMS
from sshdoctor.reasons import STAGES
from sshdoctor.reasons.entry import List

HERE = Path(__file__).parent
CAUSES = frozenset((HERE / "causes.txt").read_text().split())
NAMES = {"openssh-server": "OpenSSH server", "dropbear": "Dropbear", "tinysshd": "tinysshd"}


def lists(name: str) -> tuple[List, ...]:
    return tuple(one for one in shipped_lists() if one.program == NAMES[name])


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_message_of_the_source_has_an_entry(name: str) -> None:
    listed = read_list(HERE / f"{name}.messages")
    assert uncovered(lists(name), PROGRAMS[name], listed) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_message_that_a_new_version_brings_is_missed(name: str) -> None:
    new = Listed("99.0", "new.c main", "fatal", "the moon over %s stands wrongly: %{errno}")
    assert uncovered(lists(name), PROGRAMS[name], [new]) == ["new.c main: the moon over … stands wrongly: …"]


def test_a_message_whose_entry_is_taken_away_is_missed() -> None:
    (one,) = lists("openssh-server")
    kept = [e for e in one.entries if e.cause != "chroot-directory-unsafe"]
    without = List(program=one.program, identifiers=one.identifiers, frames=one.frames, entries=tuple(kept))
    listed = read_list(HERE / "openssh-server.messages")
    missed = uncovered([without], PROGRAMS["openssh-server"], listed)
    assert 'session.c safely_chroot: bad ownership or modes for chroot directory "…"' in missed


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_entry_names_a_cause_of_the_catalogue_or_a_reason_why_not(name: str) -> None:
    for one in lists(name):
        for entry in one.entries:
            assert entry.stage in STAGES
            assert (entry.cause in CAUSES) != bool(entry.no_cause), entry.example
            assert CAUSES.issuperset(entry.among), entry.example


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_entry_names_the_files_of_the_source_that_say_it(name: str) -> None:
    files = {row.where.partition(" ")[0] for row in read_list(HERE / f"{name}.messages")}
    files |= {"refuse.c", "hosts_access.c", "options.c"}  # libwrap's
    for one in lists(name):
        for entry in one.entries:
            named = {word.rstrip(",") for word in entry.source.split() if word.rstrip(",").endswith(".c")}
            assert named <= files, entry.source
            assert named or "loader" in entry.source, entry.example
