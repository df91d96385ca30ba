"""What is to be done about what was found: the order, the quoting, and how each step is proved."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from msgspec.structs import replace

from examination.host import cases
from examination.record import recorded
from examination.table import examined
from sshdoctor.examination import FACTS, examine
from sshdoctor.examination.cleanup.plan import by_hand, passwords, still_there, tasks
from sshdoctor.examination.cleanup.proof import period_of, proofs
from sshdoctor.examination.findings import Examination, Line, Step
from sshdoctor.facts import parse_all
from sshdoctor.facts.frozen.mechanisms import Owned
from sshdoctor.remedy.cleanup import CleanupTask, program

NAMES = sorted(recorded())
EVIL = "/home/shop/$(touch /tmp/x)';\n`id` \x1b[2J.php"


def shell_of(found: Examination) -> str:
    made = [CleanupTask(name=one.name, call=one.call, changes=one.changes) for one in tasks(found)]
    made_program = program(made)
    return made_program.functions + made_program.text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_done_is_a_posix_shell_text_and_has_every_step(name: str) -> None:
    found = examined(name)
    done = subprocess.run(
        ["sh", "-n"], input=shell_of(found), text=True, capture_output=True, check=False, errors="replace"
    )
    assert (done.returncode, done.stderr) == (0, "")
    carried = {task.step for task in tasks(found)}
    assert {step for step in found.stop if step.action not in ("login", "advice")} <= carried


@pytest.mark.parametrize("name", [name for name in NAMES if cases()[name]["truth"]["kind"] == "well"])
def test_nothing_is_done_to_a_host_that_is_well(name: str) -> None:
    assert tasks(examined(name)) == ()


@pytest.mark.parametrize("name", [name for name in NAMES if cases()[name]["truth"]["kind"] == "misuse"])
def test_processes_are_frozen_first_and_ended_after_what_brings_them_back(name: str) -> None:
    names = [task.name.split()[0] for task in tasks(examined(name)) if not task.name.startswith("look")]
    frozen = names.count("freeze")
    assert names[:frozen] == ["freeze"] * frozen
    ends = [place for place, word in enumerate(names) if word == "end"]
    steps = [place for place, word in enumerate(names) if word not in ("freeze", "hold", "end", "watch")]
    assert not ends or not steps or max(steps) < min(ends)


def test_whatever_a_path_is_called_the_shell_takes_it_for_one_word() -> None:
    found = examined("mail-upload-script")
    evil = replace(found, stop=(Step(EVIL, "x", "file", EVIL), Step(EVIL, "x", "close", EVIL)))
    calls = [shlex.split(task.call) for task in tasks(evil) if task.step]
    assert calls == [["clean_aside", EVIL, ""], ["clean_close", EVIL]]


def test_a_line_is_given_by_its_number_and_its_text() -> None:
    found = examined("mail-cron-cli")
    (call,) = (task.call for task in tasks(found) if task.step and task.step.action == "lines")
    word, path, spec = shlex.split(call)
    line = next(one for one in found.persistence if one.file == path)
    assert (word, spec) == ("clean_lines", f"{line.line}\t{line.text}")


def test_a_name_of_a_letter_that_is_none_is_held_by_nobody() -> None:
    found = examined("mail-upload-script")
    assert found.mail is not None
    heaps = tuple(replace(heap, letters=("4X1; id", "-h", "ALL\nx")) for heap in found.mail.heaps)
    assert not any(
        "hold" in task.name for task in tasks(replace(found, mail=replace(found.mail, heaps=heaps)))
    )


def test_abuse_closes_the_form_and_holds_no_letter() -> None:
    calls = [task.call.split()[0] for task in tasks(examined("abuse-contact-form"))]
    assert "clean_close" in calls and not {"clean_aside", "clean_hold", "clean_freeze"} & {*calls}


def test_the_password_of_a_stolen_login_is_asked_for_and_changed_by_nobody() -> None:
    found = examined("mail-sasl-stolen")
    assert "info@shop.example: by its owner" in passwords(found)
    assert not any("passwd" in task.call for task in tasks(found))


@pytest.mark.parametrize(("name", "told"), [("second-root", "vipw"), ("load-wp-cron", "flock")])
def test_what_a_person_decides_is_told_and_not_done(name: str, told: str) -> None:
    assert any(told in text for text in by_hand(examined(name)))
    assert tasks(examined(name)) == ()


@pytest.mark.parametrize(
    ("name", "proved"),
    [
        ("unit-watchdog", {"period"}),
        ("cron-d-daemon-name", {"period"}),
        ("timer-pair", {"period"}),
        ("cron-hourly-name", {"not yet"}),
        ("pam-exec", {"not yet"}),
        ("mu-plugin", {"provoked"}),
    ],
)
def test_each_is_proved_as_it_can_be(name: str, proved: set[str]) -> None:
    assert {*proofs(examined(name), done=True, visited=True)} == proved
    assert {*proofs(examined(name), done=False, visited=True)} == {"not yet"}


def test_the_period_of_a_timer_is_its_span() -> None:
    (culprit,) = examined("timer-pair").culprits
    assert period_of(culprit) == 26


def test_what_is_there_again_is_said_and_held_letters_are_not() -> None:
    found = examined("mail-cron-cli")
    assert "q.php" in still_there(found, found)
    assert still_there(found, replace(found, culprits=(), persistence=())) == ""
    blind = replace(found, culprits=(), persistence=(), doubts=("not seen: what runs (no way in)",))
    assert "could not be looked at again" in still_there(found, blind)
    other = replace(found, culprits=(), persistence=(Line("/etc/crontab", 1, "another"),))
    assert still_there(found, other) == ""


def test_what_a_person_puts_right_is_no_fault_of_the_clean_up() -> None:
    found = examined("tools-replaced")
    left = tuple(line for line in found.persistence if line.file == "/usr/bin/top")
    assert left and still_there(found, replace(found, culprits=(), persistence=left)) == ""


def pam(owned: Owned | None) -> Examination:
    """A host with a module of PAM that sshd's stack calls."""
    facts = parse_all(FACTS, recorded()["ok-tmux"])
    sshd = facts["mechanisms"].files["/etc/pam.d/sshd"]
    changed = replace(sshd, text=(*sshd.text, "auth required pam_sys.so nullok"), owned=sshd.owned)
    module = replace(sshd, path="/usr/lib/security/pam_sys.so", text=(), owned=owned)
    files = {**facts["mechanisms"].files, sshd.path: changed, module.path: module}
    return examine({**facts, "mechanisms": replace(facts["mechanisms"], files=files)})


def test_a_module_of_pam_goes_after_the_lines_that_call_it_so_that_people_get_in() -> None:
    calls = [shlex.split(task.call)[:2] for task in tasks(pam(None)) if task.step]
    assert calls == [["clean_lines", "/etc/pam.d/sshd"], ["clean_aside", "/usr/lib/security/pam_sys.so"]]


def test_a_file_of_a_package_is_never_taken_away() -> None:
    found = pam(Owned("libpam-sys", same=False))
    assert not [task for task in tasks(found) if task.step]
    assert any("install the package libpam-sys anew" in text for text in by_hand(found))


def test_the_service_of_a_package_out_of_which_something_came_is_not_stopped() -> None:
    facts = parse_all(FACTS, recorded()["unit-watchdog"])
    path = "/etc/systemd/system/network-monitor.service"
    ours = replace(facts["mechanisms"].files[path], owned=Owned("redis-server", same=True), text=())
    files = {**facts["mechanisms"].files, path: ours}
    found = examine({**facts, "mechanisms": replace(facts["mechanisms"], files=files)})
    assert [step.what for step in found.stop] == ["/usr/lib/network-monitor"]
