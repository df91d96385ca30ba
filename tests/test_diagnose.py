"""The command as people type it, on this machine alone: bad input, terminals, exit codes."""

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "sshdoctor.cli"]


def typed(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("diagnose", "--host is missing"),
        ("diagnose --hots web1", "diagnose has no --hots; did you mean --host?"),
        ("diagnos --host web1", "there is no command 'diagnos'; did you mean diagnose?"),
        ("diagnose --host localhost --format yaml", "--format yaml: there are"),
        ("diagnose --host localhost --timeout soon", "--timeout soon: a number from"),
        ("diagnose --host localhost --jobs 0", "--jobs 0: a number from"),
        ("diagnose --host localhost --only nothing", "--only nothing: neither a layer"),
        ("diagnose --host localhost --only firewal", "did you mean 'firewall'?"),
        ("diagnose --host localhost --format jason", "did you mean 'json'?"),
        ("diagnose --host localhost --inventory nowhere.yml", "nowhere.yml: there is no such inventory"),
        ("diagnose --host localhost --known-hosts nowhere", "--known-hosts nowhere: there is no such file"),
        ("diagnose --host root@127.0.0.1:99999", "a port is a number from 1 to 65535"),
        ("diagnose --host localhost --output nowhere/report", "--output nowhere/report: No such file"),
        ("remediate", "--host is missing"),
        ("remediate --host localhost --guard 1", "--guard 1: a number from 5 to 3600"),
        ("remediate --host localhost --gard 9", "remediate has no --gard; did you mean --guard?"),
        ("playbook --host localhost", "which playbook? `sshdoctor playbooks` lists them"),
        ("playbook start-ssh --host localhost", "there is no playbook 'start-ssh'; did you mean start-sshd?"),
        ("playbook start-sshd --host localhost --extra-vars x", "--extra-vars x: NAME=VALUE, or YAML"),
    ],
)
def test_bad_input_ends_with_2_and_one_clear_message(words: str, message: str, tmp_path: Path) -> None:
    done = typed(*words.split(), folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_faulty_check_of_the_users_own_ends_with_2_and_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "sshdoctor_checks" / "daemon"
    folder.mkdir(parents=True)
    (folder / "mine.yml").write_text("title: mine\nfacts: [servise]\ncauses: []\notherwise: o\n")
    (tmp_path / "inventory.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n")
    done = typed("diagnose", "--host", "localhost", folder=tmp_path)
    assert done.returncode == 2
    assert "mine.yml:2: unknown fact 'servise'; did you mean 'service'?" in done.stderr


def test_a_port_where_nothing_listens_and_no_way_in_is_undecided(tmp_path: Path) -> None:
    done = typed("diagnose", "--host", "root@127.0.0.1:1", folder=tmp_path)
    assert done.returncode == 3
    assert "root@127.0.0.1:1 -> rst" in done.stdout
    assert "sshdoctor_access" in done.stdout


def everything(reader: int) -> bytes:
    """What comes until the other end is closed, which a pty tells as an error."""
    seen = b""
    try:
        while chunk := os.read(reader, 4096):
            seen += chunk
    except OSError:
        pass
    return seen


def test_a_terminal_of_unknown_width_still_gets_the_report(tmp_path: Path) -> None:
    reader, writer = pty.openpty()
    words = [*COMMAND, "diagnose", "--host", "root@127.0.0.1:1"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=writer, stderr=subprocess.DEVNULL, env={**os.environ}
    ) as process:
        os.close(writer)
        seen = everything(reader)
    assert process.returncode == 3
    assert b"127.0.0.1:1 -> rst" in seen
    assert b"\x1b[" in seen, "a terminal gets colours"


def read_terminal(words: list[str], folder: Path, stdout: int) -> bytes:
    """What comes on a terminal that is standard error."""
    reader, writer = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(words, cwd=folder, stdout=stdout, stderr=writer, env=environment):
        os.close(writer)
        seen = everything(reader)
    os.close(reader)
    return seen


def test_while_one_waits_for_a_silent_host_a_terminal_shows_what_is_done(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        words = [*COMMAND, "diagnose", f"root@127.0.0.1:{silent.getsockname()[1]}"]
        seen = read_terminal(words, tmp_path, subprocess.DEVNULL)
        assert b"dialling it (" in seen
        assert seen.endswith(b"\r\x1b[K"), "it is wiped out in the end"
        assert read_terminal([*words, "--quiet", "--timeout", "2"], tmp_path, subprocess.DEVNULL) == b""


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [*COMMAND, "checks"]
    done = subprocess.run(words, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.stderr == ""


def test_a_run_leaves_its_modules_compiled_for_the_next(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([*COMMAND, "checks"], env=environment, capture_output=True, timeout=60, check=True)
    assert [*tmp_path.rglob("sshdoctor/checks/load.*.pyc")]
