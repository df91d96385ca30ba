"""The files for CI services: their steps, run as those services run them, at a real host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from hosts.testbed import Testbed, TestHost, known_hosts_lines

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.xdist_group("installed")]

CI = Path(__file__).parents[2] / "docs" / "ci"
GIVEN = re.compile(r"\$\{\{ (?:secrets|vars)\.(\w+) \}\}")


class Runner:
    """A checkout with an inventory, and a Python of its own, as a service makes them for a job."""

    def __init__(self, folder: Path, testbed: Testbed, host: TestHost, wheelhouse: Path) -> None:
        self.checkout, self.temp = folder / "checkout", folder / "temp"
        self.checkout.mkdir()
        self.temp.mkdir()
        login = {"ansible_host": host.address4, "ansible_user": "root"}
        inventory = {"all": {"hosts": {"web1": login}}}
        (self.checkout / "inventory.yml").write_text(yaml.safe_dump(inventory))
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        (wheel,) = wheelhouse.glob("sshdoctor-*.whl")
        self.settings = {
            "SSHDOCTOR": str(wheel),
            "SSH_KEY": testbed.key.read_text().rstrip("\n"),
            "SSH_KNOWN_HOSTS": known_hosts_lines(host.host_keys, host.address4),
        }
        self.environment = {
            "PATH": f"{folder}/venv/bin:{os.environ['PATH']}",
            "HOME": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheelhouse),
        }

    def run(self, shell: Sequence[str], script: str, variables: Mapping[str, str]) -> int:
        file = self.temp / "step.sh"
        file.write_text(script)
        done = subprocess.run(
            [*shell, str(file)],
            cwd=self.checkout,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not [line for line in done.stderr.splitlines() if "Traceback" in line], done.stderr
        assert self.settings["SSH_KEY"].splitlines()[1] not in done.stdout + done.stderr
        return done.returncode


@pytest.fixture
def host(testbed: Testbed) -> Iterator[TestHost]:
    with testbed.host("debian12") as started:
        yield started


@pytest.fixture
def runner(tmp_path: Path, testbed: Testbed, host: TestHost, wheelhouse: Path) -> Runner:
    return Runner(tmp_path, testbed, host, wheelhouse)


def on_github(runner: Runner) -> tuple[int, str]:
    """The first exit code that is not 0, and the summary: a step after a failure waits for ``always()``."""
    (job,) = yaml.safe_load((CI / "github.yml").read_text())["jobs"].values()
    summary, failed = runner.temp / "summary", 0
    summary.write_text("")
    for step in job["steps"]:
        if "run" not in step or (failed and step.get("if") != "always()"):
            continue
        asked = {**job["env"], **step.get("env", {})}
        variables = {name: GIVEN.sub(lambda it: runner.settings[it[1]], text) for name, text in asked.items()}
        variables |= {"RUNNER_TEMP": str(runner.temp), "GITHUB_STEP_SUMMARY": str(summary)}
        code = runner.run(["bash", "-e"], step["run"], variables)
        failed = failed or code
    return failed, summary.read_text()


def on_gitlab(runner: Runner) -> tuple[int, ElementTree.Element]:
    """The job's exit code, and the JUnit report that it leaves; settings of the type File are files."""
    (job,) = yaml.safe_load((CI / "gitlab.yml").read_text()).values()
    variables: dict[str, Any] = {**job["variables"], "SSHDOCTOR": runner.settings["SSHDOCTOR"]}
    for name, end in {"SSH_KEY": "\n", "SSH_KNOWN_HOSTS": ""}.items():
        file = runner.temp / name
        file.write_text(runner.settings[name] + end)
        file.chmod(0o666)
        variables[name] = str(file)
    script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
    code = runner.run(["bash"], script, variables)
    report = runner.checkout / job["artifacts"]["reports"]["junit"]
    return code, ElementTree.parse(report).getroot()  # noqa: S314  # our own output


def test_githubs_steps_pass_for_a_healthy_host_and_show_what_is_the_matter_with_a_sick_one(
    runner: Runner, host: TestHost
) -> None:
    code, summary = on_github(runner)
    assert (code, "web1: healthy" in summary) == (0, True)
    assert not (runner.temp / "key").exists()
    host.run("systemctl stop ssh")
    code, summary = on_github(runner)
    assert code in (1, 3)
    assert "Connection refused" in summary
    assert not (runner.temp / "key").exists()


def test_gitlabs_script_passes_for_a_healthy_host_and_leaves_failed_cases_of_a_sick_one(
    runner: Runner, host: TestHost
) -> None:
    code, report = on_gitlab(runner)
    assert (code, [*report.iter("failure"), *report.iter("error")]) == (0, [])
    assert len([*report.iter("testcase")]) > 20
    host.run("systemctl stop ssh")
    code, report = on_gitlab(runner)
    assert code in (1, 3)
    assert [*report.iter("failure"), *report.iter("error")] != []
