"""From Python and pytest: the same values as the JSON, nothing printed, nothing ended."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import sshdoctor
from hosts.testbed import Testbed
from sshdoctor.errors import UsageError

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "report.schema.json").read_text())


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_diagnosis_gives_the_values_of_the_json_and_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    report = sshdoctor.diagnose("nobody@127.0.0.1:9")
    assert (report.healthy, report.verdict) == (False, "undecided")
    found = report.as_dict()
    jsonschema.validate({"schema": "sshdoctor/report/1", "hosts": [found]}, SCHEMA)
    assert found["outside"][0]["reply"] == "rst"
    assert tuple(found["next"]) == report.next != ()
    assert "Connection refused (rst)" in repr(report)
    assert capfd.readouterr() == ("", "")


def test_what_was_given_wrong_is_raised() -> None:
    Path("hosts").write_text("[web]\nweb1\nweb2\n")
    with pytest.raises(UsageError, match="'web' means 2 hosts"):
        sshdoctor.diagnose("web", inventory=["hosts"])
    with pytest.raises(UsageError, match="guard=1"):
        sshdoctor.remediate("127.0.0.1:9", guard=1)


def test_a_repair_without_a_way_in_says_so_and_what_to_type() -> None:
    report = sshdoctor.remediate("nobody@127.0.0.1:9")
    assert report.outcome == "no-remedy"


def test_the_program_starts_without_what_only_python_needs() -> None:
    code = "import sys, sshdoctor.cli.collection; print('sshdoctor.api' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


TESTS = """
def test_by_name(sshdoctor):
    assert sshdoctor.diagnose("nobody@127.0.0.1:9").healthy
"""


def asked(folder: Path, text: str, *words: str) -> str:
    (folder / "test_ssh.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *words,
    ]
    done = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_an_assertion_fails_with_the_reports_own_sentence(tmp_path: Path) -> None:
    said = asked(tmp_path, TESTS)
    assert "Connection refused (rst)" in said
    assert "1 failed" in said


@pytest.mark.containers
def test_a_host_of_testinfra_is_diagnosed_from_both_sides(testbed: Testbed, tmp_path: Path) -> None:
    key = {"ansible_user": "root", "ansible_private_key_file": str(testbed.key)}
    text = f"""
import subprocess

def test_it(sshdoctor, host):
    assert sshdoctor.diagnose(host, variables={key!r}).healthy
    host.run("systemctl stop ssh")
    report = sshdoctor.diagnose(host, variables={key!r})
    assert [cause.id for cause in report.causes[:1]] == ["sshd-stopped"]
    assert report.host.access.via == "podman"
"""
    with testbed.host("debian12") as host:
        said = asked(tmp_path, text, f"--hosts=podman://{host.container}")
    assert "1 passed" in said, said
