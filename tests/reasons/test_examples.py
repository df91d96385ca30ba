"""Each entry explains its own example, and what real servers were heard to say."""

import pytest

from reasons.record import Recording, recordings, scenes
from reasons.shipped import shipped_lists
from sshdoctor.reasons import Entry, classify, shipped_reasons
from sshdoctor.reasons.entry import List

LISTS = shipped_lists()
RECORDED = ("OpenSSH server", "Dropbear", "tinysshd")
"""The programs whose messages this folder records."""


def identifier(one: List) -> str:
    return "sshd" if "*" in one.identifiers else min(one.identifiers)


@pytest.mark.parametrize(
    ("one", "entry"),
    [(one, entry) for one in LISTS for entry in one.entries],
    ids=lambda value: value.example[:60] if isinstance(value, Entry) else "",
)
def test_an_example_is_explained_by_its_entry(one: List, entry: Entry) -> None:
    reason = shipped_reasons().classify(identifier(one), entry.example)
    assert reason is not None
    assert reason.entry == entry
    assert reason.certain or one.program not in RECORDED


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: f"{r.scene} on {r.image}")
def test_what_a_real_server_said_is_known(recording: Recording) -> None:
    unknown = [line for line in recording.lines if classify(line.program, line.message) is None]
    assert unknown == []


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: f"{r.scene} on {r.image}")
def test_what_a_real_server_said_names_the_cause(recording: Recording) -> None:
    (scene,) = (scene for scene in scenes() if scene.scene == recording.scene)
    reasons = [classify(line.program, line.message) for line in recording.lines]
    named = {reason.cause for reason in reasons if reason and reason.cause}
    left_open = {cause for reason in reasons if reason for cause in reason.entry.among}
    assert set(scene.causes) <= named | left_open
    assert named <= {*scene.causes, *scene.beside}


def test_what_is_called_recorded_was_recorded() -> None:
    heard = {line.message for recording in recordings() for line in recording.lines}
    for one in LISTS:
        if one.program in RECORDED:
            for entry in one.entries:
                assert entry.recorded == (entry.example in heard), entry.example
