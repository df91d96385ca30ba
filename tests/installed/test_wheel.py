"""The wheel, installed by pip and by pipx in a fresh Debian that reaches no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hosts.engine import podman, prepare_images

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.xdist_group("installed")]

INSTALL = {
    "pip": "python3 -m venv /opt/sshdoctor; /opt/sshdoctor/bin/pip install --quiet sshdoctor; "
    "PATH=$PATH:/opt/sshdoctor/bin",
    "pipx": "pipx install sshdoctor; PATH=$PATH:/root/.local/bin",
}
"""As docs/quickstart.md has it."""
USE = """
sshdoctor --version >&2
sshdoctor --help >&2
sshdoctor checks >&2
mkdir -p /run/sshd; /usr/sbin/sshd
sshdoctor diagnose --host localhost --format json || :
kill $(cat /run/sshd.pid); sleep 1
sshdoctor diagnose --host localhost --format json || :
"""


@pytest.mark.parametrize("how", INSTALL)
@pytest.mark.parametrize(("image", "python"), [("client12", "3.11"), ("client13", "3.13")])
def test_the_wheel_runs_where_it_was_installed(
    image: str, python: str, how: str, wheelhouse: Path, tmp_path: Path
) -> None:
    reference = prepare_images([image])[image]
    (tmp_path / "steps.sh").write_text(f"exec 2>/shown/said; {INSTALL[how]}; python3 --version >&2\n{USE}")
    found = podman(
        *("run", "--rm", "--network=none", "--env=PIP_NO_INDEX=1", "--env=PIP_FIND_LINKS=/wheels"),
        *(f"--volume={wheelhouse}:/wheels:ro", f"--volume={tmp_path}:/shown", reference),
        *("timeout", "240", "sh", "-e", "/shown/steps.sh"),
    )
    said = (tmp_path / "said").read_text()
    assert f"Python {python}" in said and "remediate" in said and "sshd-stopped" in said
    healthy, stopped = (json.loads(one)["hosts"][0] for one in _reports(found))
    assert healthy["verdict"] == "healthy"
    assert stopped["causes"][0]["id"] == "sshd-stopped"


def _reports(found: str) -> list[str]:
    """Each document begins with a brace on a line of its own."""
    parts = found[found.index("{\n") :].split("\n{\n")
    return [parts[0], *(f"{{\n{part}" for part in parts[1:])]
