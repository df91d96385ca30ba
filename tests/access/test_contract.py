"""What every way in promises, held against each of them."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from access.servers import Sshd
from sshdoctor.access import open_way
from sshdoctor.access.base import Access
from sshdoctor.facts.probe import build_script, stop_script
from sshdoctor.model import Become, Login, Secret, WayIn

if TYPE_CHECKING:
    from hosts.testbed import Testbed, TestHost

pytestmark = pytest.mark.containers

PASSWORD = "correct horse $HOME \"battery' staple"  # noqa: S105 -- of a container that is thrown away

WAYS = ("local", "podman", "ssh", "ssh with sudo and a password")


@pytest.fixture(
    scope="module", params=[pytest.param(way, marks=pytest.mark.xdist_group(way)) for way in WAYS]
)
def way(request: pytest.FixtureRequest) -> WayIn:
    if request.param == "local":
        return WayIn(connection="local")
    if request.param == "ssh":
        sshd: Sshd = request.getfixturevalue("sshd")
        return WayIn(connection="ssh", login=sshd.login())
    host: TestHost = request.getfixturevalue("host")
    if request.param == "podman":
        return WayIn(connection="podman", target=host.container)
    return WayIn(
        connection="ssh",
        login=container_login(host, request.getfixturevalue("testbed"), request),
        become=Become(password=Secret(PASSWORD)),
    )


def container_login(host: TestHost, testbed: Testbed, request: pytest.FixtureRequest) -> Login:
    folder = request.getfixturevalue("tmp_path_factory").mktemp("known")
    known = folder / "known_hosts"
    known.write_text("".join(f"{host.address4} {line}\n" for line in host.host_keys.splitlines()))
    return Login(
        address=host.address4,
        port=22,
        user="deploy",
        key_files=(str(testbed.key),),
        known_hosts=(str(known),),
    )


@pytest.fixture(scope="module")
def access(way: WayIn) -> Iterator[Access]:
    opened = open_way(way, timeout=10)
    yield opened
    opened.close()


@pytest.fixture
def mark() -> str:
    """A number of seconds that no other process sleeps."""
    return f"{300 + secrets.randbelow(10**6) / 10**6:.6f}"


def running(access: Access, mark: str) -> bool:
    """Whether a process ``sleep MARK`` is there; the pattern does not match the grep itself."""
    lines = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null"
    return access.run(f"{lines} | grep -c '[p] {mark}'", timeout=10).stdout != b"0\n"


def is_gone(access: Access, mark: str) -> bool:
    for _ in range(30):
        if not running(access, mark):
            return True
        time.sleep(0.1)
    return False


def test_a_script_runs_and_gives_its_output_and_exit_status(access: Access) -> None:
    output = access.run("echo one\necho two >&2\nexit 3\n", timeout=10)
    assert (output.stdout, output.status, output.error) == (b"one\n", 3, "two")


def test_scripts_run_with_the_privileges_asked_for(access: Access) -> None:
    assert access.privileges == ""
    assert access.run("id -u", timeout=10).stdout == b"0\n"


def test_output_is_bytes_and_nothing_is_changed_in_it(access: Access) -> None:
    output = access.run(r"printf '\000\377\r\n\033[31m'", timeout=10)
    assert output.stdout == b"\0\xff\r\n\x1b[31m"


def test_quotes_newlines_and_unicode_pass_unharmed(access: Access) -> None:
    text = "a 'b' \"c\" `d` $HOME \\n !e\nü 漢 \t*"
    output = access.run(f"cat <<'END'\n{text}\nEND\n", timeout=10)
    assert output.stdout.decode() == f"{text}\n"


def test_a_megabyte_of_script_and_of_output_passes(access: Access) -> None:
    lines = "".join(f"echo {number:06d} {'x' * 90}\n" for number in range(10_000))
    output = access.run(lines, timeout=30)
    assert output.status == 0
    assert len(output.stdout) == 98 * 10_000


def test_a_script_that_reads_its_input_gets_nothing_of_ours(access: Access) -> None:
    output = access.run("cat", timeout=10)
    assert (output.stdout, output.status) == (b"", 0)


def test_a_script_that_ends_before_its_text_does_is_no_error(access: Access) -> None:
    output = access.run("exit 7\n" + "# padding\n" * 100_000, timeout=10)
    assert output.status == 7


def test_output_beyond_the_limit_is_thrown_away_and_the_script_ended(access: Access, mark: str) -> None:
    output = access.run(f"sleep {mark} & yes", timeout=20, limit=100_000)
    assert (len(output.stdout), output.status) == (100_000, None)
    assert output.error == "more than 100000 bytes of output"
    assert is_gone(access, mark)


def test_a_flood_on_standard_error_keeps_only_its_end(access: Access) -> None:
    output = access.run("yes flood | head -c 9000000 >&2; echo last >&2", timeout=20)
    assert (output.status, output.error) == (0, "last")


@pytest.mark.alone
def test_a_timeout_gives_what_came_and_leaves_nothing_running(access: Access, mark: str) -> None:
    output = access.run(f"echo before; sleep {mark} & sleep {mark}; echo after", timeout=0.7)
    assert (output.stdout, output.status, output.error) == (b"before\n", None, "timed out after 0.7 s")
    assert is_gone(access, mark)


def test_an_interrupt_passes_on_and_leaves_nothing_running(access: Access, mark: str) -> None:
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.7, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        access.run(f"sleep {mark}; echo after", timeout=20)
    timer.join()
    assert is_gone(access, mark)


def test_the_stop_script_ends_a_whole_probe(access: Access, mark: str) -> None:
    probe = build_script({"first": f"sleep {mark}", "second": f"sleep {mark}"}, {}, mark)
    assert access.run(probe, timeout=0.7, stop=stop_script(mark)).status is None
    assert is_gone(access, mark)


@pytest.mark.alone
def test_what_has_a_session_of_its_own_outlives_an_interrupted_script(access: Access, mark: str) -> None:
    guard = f"setsid sleep {mark} >/dev/null 2>&1 </dev/null & echo $!; sleep {mark}1"
    output = access.run(guard, timeout=0.7)
    assert output.status is None
    assert running(access, mark)
    access.run(f"kill {int(output.stdout)}", timeout=10)
    assert is_gone(access, mark)


def test_closing_twice_is_closing_once(way: WayIn) -> None:
    opened = open_way(way, timeout=10)
    opened.close()
    opened.close()
