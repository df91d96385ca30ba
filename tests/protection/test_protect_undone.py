"""``undo`` of a confirmed ``protect``: the host is as it was, /etc byte for byte, and the kernel's rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.state import differences, state_of
from hosts.testbed import Testbed, open_testbed
from protection.case import QUIET, has_address
from protection.group import inventory_of, outcomes, ran
from protection.test_protect_installs import GONE

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.xdist_group("guarded")]

STOPPED = "systemctl disable --quiet fail2ban"
RUNS = """
printf '[sshd]\\nenabled = true\\nbackend = systemd\\nmaxretry = 3\\nbanaction = nftables-multiport\\n' \\
  >/etc/fail2ban/jail.d/own.local
systemctl restart fail2ban
until fail2ban-client set sshd banip $NOBODY4 >/dev/null 2>&1; do sleep 0.2; done
until nft list ruleset | grep -q $NOBODY4; do sleep 0.2; done
"""
PACKAGES = "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' | grep -v config-files"
# Who is banned, if a server is there to tell: its complaint that none is has the time in it.
FAIL2BAN = """
set +e
systemctl is-active fail2ban; systemctl is-enabled fail2ban 2>&1; fail2ban-client banned 2>/dev/null
true
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with open_testbed(tmp_path_factory.mktemp("guarded"), ("guarded12", "guarded13")) as opened:
        yield opened


@pytest.mark.parametrize("image", ["guarded12", "guarded13"])
@pytest.mark.parametrize("stands", ["absent", "stopped", "running"])
def test_an_undo_leaves_nothing_behind(stands: str, image: str, guarded: Testbed, tmp_path: Path) -> None:
    with guarded.host(image) as host:
        has_address(host.variables["NOBODY4"], host)
        host.run(QUIET)
        host.run({"absent": GONE, "stopped": STOPPED, "running": RUNS}[stands])
        before = (state_of(host), host.run(PACKAGES), host.run(FAIL2BAN))
        inventory = inventory_of({"web1": host}, guarded, tmp_path)
        done = ran(inventory, "protect", "--yes", seconds=400)
        assert outcomes(done) == ["proved"], done.stdout
        assert host.run("fail2ban-client get sshd maxretry") == "5"
        done = ran(inventory, "undo", "--yes", seconds=400)
        assert outcomes(done) == ["undone"], done.stdout
        assert "left alone" not in done.stdout
        after = (state_of(host), host.run(PACKAGES), host.run(FAIL2BAN))
        assert differences(before[0], after[0]) == []
        assert before[1:] == after[1:]
