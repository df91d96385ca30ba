"""The one script: the same sections under every POSIX shell, limited in time and size."""

import shutil
import subprocess

import pytest

from sshdoctor.facts import probe
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.probe import build_script, split_output

MARK = "0123abcd" * 4
SHELLS = {"dash": ["dash", "-s"], "bash": ["bash", "-s"], "busybox": ["busybox", "sh", "-s"]}
pytestmark = pytest.mark.containers  # busybox is set up with the engine


def ask(
    shell: str, commands: dict[str, str], path: str | None = None, once: dict[str, str] | None = None
) -> dict[str, Section]:
    script = build_script(commands, {"client": "192.0.2.1", "user": "o'brien; false"}, MARK, once or {})
    command = [str(shutil.which(SHELLS[shell][0])), *SHELLS[shell][1:]]
    environment = {"PATH": path} if path is not None else None
    done = subprocess.run(
        command, input=script.encode(), capture_output=True, timeout=60, env=environment, check=False
    )
    return split_output(done.stdout, MARK, tuple(commands))


@pytest.mark.parametrize("shell", SHELLS)
def test_output_status_and_variables_come_back_as_they_are(shell: str) -> None:
    commands = {
        "one": "printf 'a\\n\\n b'; exit 3",
        "two": 'echo "$client $user"',
        "three": "echo out; echo err >&2",
        "four": "cat",
        "five": "exit 0",
    }
    assert ask(shell, commands) == {
        "one": Section("a\n\n b", 3),
        "two": Section("192.0.2.1 o'brien; false\n", 0),
        "three": Section("out\nerr\n", 0),
        "four": Section("", 0),
        "five": Section("", 0),
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_asked_once_is_known_to_every_command(shell: str) -> None:
    commands = {"one": 'echo "$known"', "two": 'echo "$known"; echo "[$failed$endless]"'}
    once = {
        "known": "echo \"$user\"; echo 'a  b'",
        "failed": "echo half; exit 3",
        "endless": "yes | head -n 99999",
    }
    sections = ask(shell, commands, once=once)
    assert sections["one"] == Section("o'brien; false\na  b\n", 0)
    assert sections["two"] == Section("o'brien; false\na  b\n[]\n", 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_that_imitates_the_end_of_its_section_stays_inside(shell: str) -> None:
    imitation = 'echo \'@@ end 0\'; echo "@@$mark end 0"; echo "@@${MARK-} begin two@@"; echo =0 5; exit 9'
    sections = ask(shell, {"one": imitation, "two": "echo own"})
    assert sections["one"] == Section("@@ end 0\n@@ end 0\n@@ begin two@@\n=0 5\n", 9)
    assert sections["two"] == Section("own\n", 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_that_hangs_or_floods_is_cut_and_the_next_one_runs(
    shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "SECTION_SECONDS", 1)
    monkeypatch.setattr(probe, "SECTION_BYTES", 100_000)
    commands = {"hangs": "echo begun; sleep 60", "floods": "yes", "goes_on": "echo well"}
    sections = ask(shell, commands)
    assert (sections["hangs"].status, sections["hangs"].cut) == (None, "timed out")
    assert sections["hangs"].output.startswith("begun")
    assert (sections["floods"].status, sections["floods"].cut) == (None, "too long")
    assert len(sections["floods"].output) <= 100_000
    assert sections["goes_on"] == Section("well\n", 0)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_without_timeout_on_the_host_a_command_that_hangs_is_cut_all_the_same(
    shell: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    for name in ("sh", "head", "sleep", "cat", "true", "grep"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setattr(probe, "SECTION_SECONDS", 1)
    monkeypatch.setattr(probe, "_PRELUDE", probe._PRELUDE.replace(probe._PATH, f"PATH={folder}"))
    sections = ask(shell, {"hangs": "sleep 60", "works": "echo well", "fails": "exit 7"}, str(folder))
    assert (sections["hangs"].status, sections["hangs"].cut) == (None, "timed out")
    assert sections["works"] == Section("well\n", 0)
    assert sections["fails"] == Section("", 7)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_that_a_busy_host_comes_late_to_knows_when_the_probe_began(shell: str) -> None:
    late = ask(shell, {"late": "sleep 2; echo $(( $(date +%s) - began ))"})["late"]
    assert int(late.output) >= 2
