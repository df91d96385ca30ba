"""What refuses one path is opened for a while, and closed by the host itself, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosts.testbed import Testbed
from sites.case import OPENINGS, load_cases
from sites.run import Desk, laid_out

CASES = {case.name: case for case in load_cases(OPENINGS)}
PROVIDER = "nginx-list-of-the-provider"
_FILES = "/etc/nginx/sites-available/* /etc/nginx/host.d/* /etc/apache2/sites-available/*"
_EDITED = "/etc/nginx/sites-available/site.test"


@contextmanager
def closed(name: str, testbed: Testbed, folder: Path) -> Iterator[Desk]:
    with laid_out(CASES[name], testbed, folder) as desk:
        assert desk.curl().startswith("403")
        yield desk


def inside(desk: Desk, script: str) -> str:
    command = ["podman", "exec", desk.container, "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def traces(desk: Desk) -> str:
    """What is left of an opening in the servers' folders."""
    return inside(desk, "grep -rl sshdoctor /etc/nginx /etc/apache2; ls /etc/*/sshdoctor* 2>/dev/null")


def opened(desk: Desk, time_given: str) -> None:
    done = desk.sshdoctor("remediate", "--yes", f"--for={time_given}")
    assert done.returncode == 0 and "Open until" in done.stdout, done.stdout + done.stderr
    assert desk.curl().startswith("200")


def closes(desk: Desk, seconds: float) -> bool:
    return comes(lambda: desk.curl().startswith("403") and not traces(desk), seconds)


def comes(seen: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > ends:
            return False
        time.sleep(0.5)
    return True


@pytest.mark.containers
def test_an_undo_closes_at_once_and_what_others_wrote_stays(testbed: Testbed, tmp_path: Path) -> None:
    with closed("nginx-list-of-addresses", testbed, tmp_path) as desk:
        opened(desk, "15m")
        inside(desk, f"sed -i 's/listen 80;/&\\n    server_tokens off;/' {_EDITED}; systemctl reload nginx")
        undone = desk.asked(*desk.program("undo"), "--host=web1", f"--inventory={desk.inventory}", "--yes")
        assert undone.returncode == 0, undone.stderr
        assert closes(desk, 5)
        assert "server_tokens off;" in inside(desk, f"cat {_EDITED}")


@pytest.mark.containers
@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in CASES if name != "nginx-user-agent"])
def test_the_host_closes_when_the_time_is_over(name: str, testbed: Testbed, tmp_path: Path) -> None:
    with closed(name, testbed, tmp_path) as desk:
        before = inside(
            desk, "cat /etc/nginx/sites-available/* /etc/nginx/host.d/* /etc/apache2/sites-available/*"
        )
        opened(desk, "15s")
        assert closes(desk, 40)
        after = inside(
            desk, "cat /etc/nginx/sites-available/* /etc/nginx/host.d/* /etc/apache2/sites-available/*"
        )
        assert after == before


@pytest.mark.containers
@pytest.mark.long
def test_who_is_killed_before_the_proof_leaves_nothing_open(testbed: Testbed, tmp_path: Path) -> None:
    with closed(PROVIDER, testbed, tmp_path) as desk:
        command = [*desk.program("remediate"), *desk.site(), "--yes", "--for=15m", "--guard=8"]
        with desk.begun(*command) as process:
            assert comes(lambda: desk.curl().startswith("200"), 60)
            os.killpg(process.pid, signal.SIGKILL)
        assert closes(desk, 40)


@pytest.mark.containers
@pytest.mark.long
def test_a_configuration_that_others_broke_is_closed_as_soon_as_it_is_mended(
    testbed: Testbed, tmp_path: Path
) -> None:
    with closed(PROVIDER, testbed, tmp_path) as desk:
        opened(desk, "10s")
        inside(desk, "echo 'nonsense;' >/etc/nginx/conf.d/theirs.conf")
        assert comes(lambda: not inside(desk, "cat /etc/nginx/sshdoctor-opening.conf"), 30)
        inside(desk, "echo '# mended' >/etc/nginx/conf.d/theirs.conf")
        assert closes(desk, 30)
        assert "mended" in inside(desk, "cat /etc/nginx/conf.d/theirs.conf")


@pytest.mark.containers
@pytest.mark.long
def test_a_waiter_that_is_killed_is_started_again(testbed: Testbed, tmp_path: Path) -> None:
    with closed(PROVIDER, testbed, tmp_path) as desk:
        opened(desk, "20s")
        inside(desk, "read -r pid rest </var/lib/sshdoctor/*/waiter; kill -9 $pid")
        assert closes(desk, 60)


@pytest.mark.containers
@pytest.mark.long
def test_a_reboot_closes(testbed: Testbed, tmp_path: Path) -> None:
    with closed(PROVIDER, testbed, tmp_path) as desk:
        opened(desk, "2h")
        inside(desk, "systemctl enable nginx php8.2-fpm")
        subprocess.run(["podman", "restart", "--time", "5", desk.container], capture_output=True, check=True)
        address = inside(
            desk, "ip -4 -o addr show scope global | sed -n 's|.* inet \\([0-9.]*\\)/.*|\\1|p'"
        ).strip()
        (tmp_path / "hosts").write_text(f"127.0.0.1 localhost\n{address} site.test\n")
        assert comes(lambda: desk.curl()[:3] in ("403", "200"), 60)
        assert closes(desk, 10)


@pytest.mark.containers
@pytest.mark.long
def test_what_cannot_be_opened_for_one_path_is_not_opened(testbed: Testbed, tmp_path: Path) -> None:
    with closed("nginx-user-agent", testbed, tmp_path) as desk:
        done = desk.sshdoctor("remediate", "--yes", "--for=15m")
        assert done.returncode != 0 and "cannot be opened" in done.stdout, done.stdout
        assert not traces(desk)
