"""A package manager that another program holds is waited for, and in the end that program is named."""

from __future__ import annotations

import pytest

from hosts.testbed import Testbed
from remedy.system.hosts_tasks import SOURCES, Case, Story, execute, tell

# fcntl(2): F_SETLK is 6, F_WRLCK is 1; struct flock of a 64-bit Linux.
_HOLD = """
cat >/run/hold <<'END'
my $lock = pack("s s x4 q q i x4", 1, 0, 0, 0, 0);
open(my $file, "+>>", $ARGV[0]) or die; fcntl($file, 6, $lock) or die $!;
open(my $held, ">", "/run/held"); sleep $ARGV[1];
END
rm -f /run/held
setsid perl /run/hold FILE SECONDS >/dev/null 2>&1 </dev/null &
until [ -e /run/held ]; do sleep 0.05; done
"""
_DNF_LOCK = "/var/cache/dnf/metadata_lock.pid"
_WATCH = "dpkg-query -W -f '${db:Status-Status}\\n' dropbear-bin 2>/dev/null"


def _told(testbed: Testbed, file: str, seconds: int, **arguments: object) -> Story:
    before = _HOLD.replace("FILE", file).replace("SECONDS", str(seconds))
    arguments = {"name": "dropbear-bin", **arguments}
    case = Case(case="", module="apt", arguments=arguments, watch=_WATCH, before=before)
    with testbed.host("debian12") as host:
        return tell(host.container, case)


@pytest.mark.containers
@pytest.mark.parametrize("file", ["/var/lib/dpkg/lock-frontend", "/var/cache/apt/archives/lock"])
def test_a_lock_that_is_given_up_soon_is_waited_for(file: str, testbed: Testbed) -> None:
    story = _told(testbed, file, 3)
    assert story.stages["first"].message is None
    assert story.seen["first"] == "installed"


@pytest.mark.containers
def test_a_lock_on_the_lists_is_waited_for(testbed: Testbed) -> None:
    story = _told(testbed, "/var/lib/apt/lists/lock", 3, update_cache=True)
    assert story.stages["first"].message is None
    assert story.seen["first"] == "installed"


@pytest.mark.containers
@pytest.mark.parametrize("file", ["/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock"])
def test_the_holder_of_a_lock_that_stays_is_named(file: str, testbed: Testbed) -> None:
    story = _told(testbed, file, 600, update_cache=True, lock_timeout=2)
    message = story.stages["first"].message or ""
    assert message.startswith("the package manager is locked by process ")
    assert "(perl) for more than 2 s" in message
    assert story.seen["first"] == ""


@pytest.mark.containers
@pytest.mark.parametrize("seconds", [3, 600])
def test_dnf_is_waited_for_as_well(seconds: int, testbed: Testbed) -> None:
    hold = f"sleep {seconds} >/dev/null 2>&1 </dev/null & mkdir -p /var/cache/dnf; echo $! >{_DNF_LOCK}"
    arguments = {"name": "greeting", "lock_timeout": 30 if seconds == 3 else 2}
    watch = "cat /opt/greeting 2>/dev/null"
    case = Case(case="", module="dnf", arguments=arguments, watch=watch, before=hold)
    with testbed.host("rpm") as host:
        execute(host.container, SOURCES.read_text(encoding="utf-8"), quiet=False)
        story = tell(host.container, case)
    message = story.stages["first"].message
    if seconds == 3:
        assert message is None
        assert story.seen["first"] == "1"
    else:
        assert message is not None
        assert message.startswith("the package manager is locked by process ")
        assert "(sleep) for more than 2 s" in message
