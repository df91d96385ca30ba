"""The command line, without any host."""

from __future__ import annotations

from sshdoctor.access.shell import KeptOutput, Shell, kill_script
from sshdoctor.facts.ssh import logins
from sshdoctor.model import Become, Secret


def test_a_password_is_in_the_input_and_nowhere_else() -> None:
    shell = Shell(Become(password=Secret("hunter2")))
    assert "hunter2" not in " ".join(shell.argv) + " ".join(shell.trial[0]) + repr(shell)
    assert shell.stdin("id").startswith(b"hunter2\n")
    assert shell.trial[1] == b"hunter2\n"


def test_sudo_never_asks_where_no_password_is_there() -> None:
    assert Shell(Become(user="www")).argv[:4] == ("sudo", "-n", "-u", "www")


def test_the_process_and_its_group_are_found_behind_the_noise_of_a_login_shell() -> None:
    capture = KeptOutput("word", 100)
    capture.add_stderr(b"Welcome!\nwor")
    capture.add_stderr(b"d 4711 1 4700\nsome error\n")
    assert capture.processes == (4711, 1, 4700)
    assert capture.output().error == "some error"


def test_a_process_id_without_the_random_word_is_not_believed() -> None:
    capture = KeptOutput("word", 100)
    capture.add_stderr(b"other 4711\nword 12x\n")
    assert capture.processes == ()


def test_two_shells_have_two_words() -> None:
    assert Shell().token != Shell().token


def test_a_host_that_cannot_tell_the_group_is_believed_the_rest() -> None:
    capture = KeptOutput("word", 100)
    capture.add_stderr(b"word 4711\n")
    assert capture.processes == (4711,)
    assert kill_script(capture.processes, under_sudo=False) == "kill -9 4711 2>/dev/null\n"


def test_a_group_that_sudo_leads_is_killed_with_its_shell() -> None:
    assert kill_script((7, 5, 5), under_sudo=True) == "kill -9 7 -5 2>/dev/null\n"


def test_a_group_that_may_be_the_servers_is_left_alone() -> None:
    assert "-3" not in kill_script((7, 5, 3), under_sudo=True)
    assert "-5" not in kill_script((7, 5, 5), under_sudo=False)
    assert "-1" not in kill_script((7, 1, 1), under_sudo=True)
    assert "-0" not in kill_script((7, 0, 0), under_sudo=True)


def test_a_shell_of_an_earlier_look_is_known_by_its_command_line() -> None:
    assert all(logins.PROBE in Shell(become).argv[-1] for become in (None, Become(user="root")))
