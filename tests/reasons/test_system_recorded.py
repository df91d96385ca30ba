"""What real hosts were heard to say of systemd, PAM and ssh is known, and named as it was made."""

import pytest

from reasons.record import Recording
from reasons.shipped import shipped_lists
from reasons.system_record import recordings, scenes
from sshdoctor.reasons import classify

LISTS = shipped_lists()
RECORDED = ("systemd", "Linux-PAM", "Linux-PAM, to the client", "pam_google_authenticator", "OpenSSH client")


def ids(recording: Recording) -> str:
    return f"{recording.scene} on {recording.image}"


@pytest.mark.parametrize("recording", recordings(), ids=ids)
def test_what_a_real_host_said_is_known(recording: Recording) -> None:
    assert [line for line in recording.lines if classify(line.program, line.message) is None] == []


@pytest.mark.parametrize("recording", recordings(), ids=ids)
def test_what_a_real_host_said_names_the_cause(recording: Recording) -> None:
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
