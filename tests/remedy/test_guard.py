"""Whatever a remedy breaks, the host puts back by itself: on real hosts, whose whole state is compared."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from hosts import engine
from hosts.testbed import Testbed
from remedy.guarded import RULES, GuardedHost
from sshdoctor.access.container import open_container
from sshdoctor.remedy.apply import Prepared, apply
from sshdoctor.remedy.playbook.compile import compile_playbooks
from sshdoctor.remedy.playbook.load import load_playbook
from sshdoctor.remedy.script import guard_text

RULES_OF_EVERY_KIND = """
iptables-nft -A INPUT -s 192.0.2.1 -j DROP
iptables-nft -A INPUT -p tcp --dport 22 -m comment --comment "the [1:2] office" -j ACCEPT
ip6tables-nft -A INPUT -s 2001:db8::1 -j DROP
iptables-legacy -A INPUT -s 192.0.2.2 -j DROP
ip6tables-legacy -A INPUT -s 2001:db8::2 -j DROP
nft -f - <<'RULES'
table inet mine {
  set admitted { type ipv4_addr; flags interval; elements = { 192.0.2.0/26, 192.0.2.128 } }
  chain input { type filter hook input priority 5; policy accept; ip saddr @admitted counter accept; }
}
table ip native {
  chain input { type filter hook input priority 6; policy accept; tcp dport 23 counter drop; }
}
RULES
echo 'MaxAuthTries 5' >/etc/ssh/sshd_config.d/mine.conf
mkdir -p /srv/kept && echo before >/srv/kept/file && ln -s file /srv/kept/link
"""
ON_SYSTEMD = {
    "iptables": "iptables-nft -P INPUT DROP; iptables-nft -F; iptables-nft -X",
    "an iptables table that is new": "iptables-nft -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 9",
    "ip6tables": "ip6tables-nft -F; ip6tables-nft -P INPUT DROP; ip6tables-nft -A INPUT -p tcp -j REJECT",
    "legacy iptables": "iptables-legacy -F; iptables-legacy -P INPUT DROP",
    "legacy ip6tables": "ip6tables-legacy -I INPUT -j DROP",
    "all rules flushed": "nft flush ruleset",
    "tables of nft": "nft flush table inet mine;"
    " nft delete set inet mine admitted; nft delete table ip native",
    "a table of nft that is new": "nft add table inet evil;"
    " nft add chain inet evil i '{ type filter hook input priority 0; policy drop; }'",
    "sshd_config moved away": "mv /etc/ssh/sshd_config /etc/ssh/sshd_config.bak; systemctl restart ssh",
    "sshd_config linked elsewhere": "rm /etc/ssh/sshd_config; ln -s /dev/null /etc/ssh/sshd_config",
    "another port in a drop-in": "echo Port 2222 >/etc/ssh/sshd_config.d/a.conf; systemctl reload ssh",
    "a file in a folder's place": "rm -r /etc/ssh/sshd_config.d; echo x >/etc/ssh/sshd_config.d",
    "a folder in a file's place": "cd /etc/ssh; rm sshd_config; mkdir sshd_config; echo x >sshd_config/x",
    "sshd stopped": "systemctl stop ssh",
    "sshd stopped and masked": "systemctl stop ssh; rm /etc/systemd/system/sshd.service; systemctl mask ssh",
    "sshd disabled": "systemctl disable --now ssh",
    "a drop-in of the unit": "mkdir /etc/systemd/system/ssh.service.d;"
    " printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n'"
    " >/etc/systemd/system/ssh.service.d/x.conf; systemctl daemon-reload; systemctl restart ssh",
    "a unit that did not run": "systemctl enable --now nftables",
    "modes and owners": "cd /etc/ssh; chmod 666 ssh_host_*_key; chown deploy sshd_config; chmod 0 .",
    "nobody may log in": "echo no >/etc/nologin; echo ALL: ALL >/etc/hosts.deny",
    "what tasks kept": "keep /srv/kept/link; echo after >/srv/kept/link; keep /srv/kept/new;"
    " echo x >/srv/kept/new; cd /root/.ssh; keep ./; chmod 777 .;"
    " keep authorized_keys; rm /root/.ssh/authorized_keys",
    "what has inverses": "inverse mv '/srv/kept/it'\\''s' /srv/kept/file; cd /srv/kept; mv file \"it's\";"
    ' inverse false; inverse mv /srv/kept/b "/srv/kept/it\'s"; mv "/srv/kept/it\'s" /srv/kept/b',
}
EVERYTHING = "; ".join(
    script
    for name, script in ON_SYSTEMD.items()
    if "place" not in name and "inverse" not in name and "masked" not in name
)

SLOW_PACKAGES = """
- name: Run a package manager for longer than the guard has patience
  hosts: all
  gather_facts: false
  vars: {remedy: {mends: [], risk: low, guard: true}}
  tasks:
    - name: Take six seconds
      ansible.builtin.shell: "dpkg --version && sleep 6"
"""


@contextmanager
def guarded(testbed: Testbed, image: str, prepare: str = "", shell: str = "sh -u") -> Iterator[GuardedHost]:
    with testbed.host(image) as host:
        if prepare:
            host.run(prepare)
        yield GuardedHost(host, shell)


@pytest.fixture(scope="module", params=[pytest.param("debian12", marks=pytest.mark.xdist_group("guard"))])
def debian12(testbed: Testbed) -> Iterator[GuardedHost]:
    """A host with rules of every kind, which each test leaves as it was."""
    with guarded(testbed, "debian12", RULES_OF_EVERY_KIND) as host:
        yield host


def assert_comes_back(host: GuardedHost, sabotage: str) -> None:
    before = host.state()
    assert host.sabotage(sabotage) != before, "the sabotage did nothing"
    host.await_word("restored")
    assert host.state() == before, host.journal()


@pytest.mark.containers
@pytest.mark.parametrize("change", ON_SYSTEMD)
def test_what_a_dead_remedy_changed_comes_back(debian12: GuardedHost, change: str) -> None:
    assert_comes_back(debian12, ON_SYSTEMD[change])


@pytest.mark.containers
@pytest.mark.parametrize("image", ["debian11", "debian13"])
def test_everything_at_once_comes_back_on_every_debian(testbed: Testbed, image: str) -> None:
    with guarded(testbed, image, RULES_OF_EVERY_KIND) as host:
        assert_comes_back(host, EVERYTHING)


@pytest.mark.containers
def test_the_port_of_a_socket_unit_comes_back(testbed: Testbed) -> None:
    with guarded(
        testbed, "debian13", "systemctl disable --now ssh; systemctl enable --now ssh.socket"
    ) as host:
        drop_in = "/etc/systemd/system/ssh.socket.d"
        assert_comes_back(
            host,
            f"mkdir {drop_in}; printf '[Socket]\\nListenStream=\\nListenStream=2222\\n' >{drop_in}/x.conf;"
            " systemctl daemon-reload; systemctl restart ssh.socket",
        )


NO_INIT = {
    "rules": "nft flush ruleset; iptables-legacy -P INPUT DROP; ip6tables-nft -P INPUT DROP",
    "sshd stopped": "kill $(cat /run/sshd.pid); sleep 0.2",
    "another port": "echo Port 2222 >/etc/ssh/sshd_config.d/a.conf;"
    " kill -HUP $(cat /run/sshd.pid); sleep 0.2",
    "modes": "chmod 666 /etc/ssh/ssh_host_*_key; rm /etc/ssh/moduli; keep /etc/issue; rm /etc/issue",
}
BUSYBOX = "mkdir /bb && busybox --install -s /bb"


NO_INIT_SHELLS = [
    pytest.param(shell, marks=pytest.mark.xdist_group(f"guard in {shell}")) for shell in ("dash", "busybox")
]


@pytest.fixture(scope="module", params=NO_INIT_SHELLS)
def noinit(testbed: Testbed, request: pytest.FixtureRequest) -> Iterator[GuardedHost]:
    """No systemd; with dash and GNU's tools, or with the shell and the tools of busybox."""
    with testbed.host("noinit") as host:
        host.run(RULES_OF_EVERY_KIND)
        shell = "sh -u"
        if request.param == "busybox":
            static = which("busybox")
            assert static, "busybox is among what bin/setup installs"
            engine.podman("cp", static, f"{host.container}:/usr/bin/busybox")
            host.run(BUSYBOX)
            shell = "env PATH=/bb:/usr/sbin:/usr/bin /bb/sh -u"
        yield GuardedHost(host, shell)


@pytest.mark.containers
@pytest.mark.parametrize("change", NO_INIT)
def test_without_systemd_it_comes_back_too(noinit: GuardedHost, change: str) -> None:
    assert_comes_back(noinit, NO_INIT[change])


THEIR_FILES = """
cd /home/deploy; rm -rf kept mine /root/secret /root/folder; mkdir kept
echo before >kept/file; ln -s file kept/link; ln -sfn kept there; chmod 640 kept/file; chmod 700 kept
chown -Rh deploy:deploy kept there
"""
LINKS = {
    "a name that a restore may use": "ln -s /root/secret kept/file.sshdoctor-old",
    "the file": "ln -sf /root/secret kept/file",
    "the link": "ln -sfn /root/folder kept/link",
    "the folder": "mv kept mine; ln -s /root/folder kept",
}


@pytest.mark.containers
def test_the_files_of_a_user_come_back_too(noinit: GuardedHost) -> None:
    noinit.run(THEIR_FILES)
    seen = (
        "cd /home/deploy; find kept -printf '%p %y %m %u:%g %l\\n' | sort;"
        " stat -c %Y kept/file; cat kept/file"
    )
    before = noinit.run(seen)
    noinit.apply(
        "cd /home/deploy; for it in kept there/file kept/link kept/new; do keep $it; done;"
        " echo after >kept/file; chmod 666 kept/file; chmod 777 kept; rm kept/link;"
        " mkdir kept/link kept/new; kill -KILL $$"
    )
    assert noinit.run(seen) != before
    noinit.await_word("restored")
    assert noinit.run(seen) == before, noinit.journal()


@pytest.mark.containers
@pytest.mark.parametrize("link", LINKS)
def test_a_restore_follows_no_link_that_a_user_has_planted(noinit: GuardedHost, link: str) -> None:
    noinit.run(f"{THEIR_FILES}\necho root >/root/secret; mkdir /root/folder; cd /root; cp secret folder/file")
    seen = "find /root/secret /root/folder -printf '%p %y %m %u:%g %s\n' | sort"
    before = noinit.run(seen)
    as_user = (
        f"su deploy -s /bin/sh -c 'cd /home/deploy; echo mine >kept/file; chmod 666 kept/file; {LINKS[link]}'"
    )
    noinit.apply(
        "cd /home/deploy; keep kept; keep kept/file; keep kept/link; keep kept/new;"
        f" echo x >/root/folder/new; {as_user}; kill -KILL $$"
    )
    noinit.await_word("restored")
    noinit.run(
        "rm /root/folder/new"
    )  # it is still there: what was absent in the user's folder is another file
    assert noinit.run(seen) == before, noinit.journal()


OWNERS = {
    "ufw": (
        "ufw allow 22/tcp; ufw --force enable",
        [
            "ufw delete allow 22/tcp; ufw deny 22",
            "ufw disable",
            "ufw --force reset",
            "systemctl disable --now ufw",
        ],
    ),
    "firewalld": (
        "systemctl disable --now ufw; systemctl enable --now firewalld;"
        " firewall-cmd --permanent --add-port=23/tcp; firewall-cmd --reload; firewall-cmd --add-port=24/tcp",
        [
            "firewall-cmd --remove-service=ssh",
            "firewall-cmd --permanent --remove-service=ssh; firewall-cmd --reload",
            "nft flush ruleset",
            "systemctl disable --now firewalld",
        ],
    ),
    "ipset": (
        "ipset create good hash:ip timeout 9000; ipset add good 192.0.2.1; ipset create nets hash:net;"
        " ipset add nets 192.0.2.0/24; iptables -A INPUT -m set --match-set good src -j ACCEPT",
        [
            "ipset flush good; ipset add good 192.0.2.7; ipset add nets 198.18.0.0/15",
            "ipset create evil hash:ip; iptables -A INPUT -m set --match-set evil src -j DROP",
            "iptables -F; ipset destroy",
        ],
    ),
}


@pytest.mark.containers
@pytest.mark.parametrize("owner", OWNERS)
def test_what_a_firewall_tool_was_told_is_taken_back(testbed: Testbed, owner: str) -> None:
    prepare, sabotages = OWNERS[owner]
    with guarded(testbed, "firewalls", f"({prepare}) >/dev/null 2>&1") as host:
        for sabotage in sabotages:
            assert_comes_back(host, sabotage)


@pytest.mark.containers
def test_the_rules_of_a_firewalld_that_hangs_are_back_before_it_is(testbed: Testbed) -> None:
    prepare, _ = OWNERS["firewalld"]
    with guarded(testbed, "firewalls", f"({prepare}) >/dev/null 2>&1") as host:
        rules = host.run("nft list table inet firewalld")
        host.sabotage("nft delete table inet firewalld; systemctl kill --signal=STOP firewalld")
        host.await_word("restoring")
        host.run(
            "SECONDS=0; until nft list table inet firewalld >/dev/null 2>&1; do"
            " ((SECONDS < 50)) || exit 1; sleep 0.2; done"
        )
        assert host.run("nft list table inet firewalld") == rules


# ---- Who is first


@pytest.mark.containers
def test_a_confirmed_change_stays(debian12: GuardedHost) -> None:
    debian12.apply("touch /etc/ssh/stays; guard_after", seconds=2)
    assert debian12.say("confirm") == "confirmed"
    assert debian12.say("confirm") == "confirmed", "to say it twice does no harm"
    debian12.run("sleep 4; rm /etc/ssh/stays; ! systemctl is-active guard-by-sshdoctor-*")
    assert debian12.status()[0][1] == "confirmed"
    assert debian12.run("ls /etc/systemd/system").count("sshdoctor") == 0


@pytest.mark.containers
def test_a_confirmation_that_comes_too_late_is_told_when_the_restore_is_done(debian12: GuardedHost) -> None:
    before = debian12.state()
    debian12.apply("inverse sleep 3; touch /etc/ssh/goes", seconds=1)
    debian12.await_word("restoring")
    assert debian12.say("confirm") == "restored"
    assert debian12.state() == before
    assert debian12.status()[0][1] == "restored"


@pytest.mark.containers
def test_who_is_given_longer_has_it_until_that_task_is_over(debian12: GuardedHost) -> None:
    said = debian12.apply(
        "guard_touch 600; guard_touch 1; touch /etc/ssh/goes; sleep 3; test -e /etc/ssh/goes && echo there\n"
        "guard_touch; sleep 30; echo late",
        seconds=1,
    )
    assert said == "there\nexit 137"
    debian12.await_word("restored")
    debian12.run("! test -e /etc/ssh/goes")


@pytest.mark.containers
def test_the_time_of_one_who_was_given_longer_and_died_is_cut_short(debian12: GuardedHost) -> None:
    debian12.apply("guard_touch 600; touch /etc/ssh/goes; kill -KILL $$", seconds=2)
    debian12.await_word("restored")
    debian12.run("! test -e /etc/ssh/goes")


@pytest.mark.containers
def test_who_asks_for_a_restore_that_is_under_way_waits_for_it(debian12: GuardedHost) -> None:
    before = debian12.state()
    debian12.apply("inverse sleep 3; touch /etc/ssh/goes", seconds=1)
    debian12.await_word("restoring")
    debian12.run(f"sh {debian12.newest()}/guard.sh restore")
    assert debian12.state() == before
    debian12.run(f"sh {debian12.newest()}/guard.sh restore")


@pytest.mark.containers
def test_a_remedy_that_hangs_is_ended_with_all_that_it_started(debian12: GuardedHost) -> None:
    said = debian12.apply("(sleep 1234 & sleep 1234) & wait; touch /etc/ssh/later", seconds=1)
    assert "exit 137" in said
    debian12.await_word("restored")
    debian12.run("! pgrep -f '[s]leep 1234' && ! test -e /etc/ssh/later")


@pytest.mark.containers
def test_a_package_manager_that_a_task_runs_is_not_ended_half_way(testbed: Testbed, tmp_path: Path) -> None:
    (tmp_path / "slow.yml").write_text(SLOW_PACKAGES)
    playbook = load_playbook(tmp_path / "slow.yml")
    with testbed.host() as host:
        prepared = Prepared(compile_playbooks([(playbook, {})]), seconds=2)
        done = apply(open_container("podman", host.container), prepared)
        assert not done.trouble and [task.status for task in done.tasks] == ["changed"]


@pytest.mark.containers
def test_what_makes_up_at_boot_names_no_unit_that_may_become_an_alias(testbed: Testbed) -> None:
    with guarded(testbed, "debian12", "systemctl disable ssh; ! ls /etc/systemd/system/sshd.service") as host:
        host.apply("systemctl enable ssh; systemctl is-active ssh >/root/said", seconds=500)
        unit = host.run("cat /etc/systemd/system/restore-by-sshdoctor.service")
        before = unit.split("Before=")[1].splitlines()[0].split()
        assert "ssh.service" in before and "sshd.service" not in before
        assert host.run("cat /root/said") == "active"


@pytest.mark.long
@pytest.mark.containers
@pytest.mark.parametrize("image", ["debian12", "noinit"])
def test_a_restore_that_is_killed_half_way_is_gone_on_with(testbed: Testbed, image: str) -> None:
    with guarded(testbed, image, RULES_OF_EVERY_KIND) as host:
        before = host.state()
        host.apply(
            "inverse true; inverse sleep 15; inverse true; nft flush ruleset; rm /etc/ssh/moduli", seconds=4
        )
        host.await_word("restoring")
        host.run(f"read -r waiter _ <{host.newest()}/waiter; sleep 0.5; kill -KILL $waiter")
        # Where no kernel tells systemd that a unit's processes are gone (cgroups v1 in a container), it waits
        # for TimeoutStopSec, 90 s, until it starts the unit again.
        host.await_word("restored", minutes=3)
        assert host.state() == before, host.journal()


@pytest.mark.containers
@pytest.mark.parametrize("image", ["debian12", "noinit"])
def test_a_shutdown_that_says_so_puts_everything_back_at_once(testbed: Testbed, image: str) -> None:
    with guarded(testbed, image, RULES_OF_EVERY_KIND) as host:
        before = host.state()
        host.apply("nft flush ruleset; rm /etc/ssh/moduli", seconds=500)
        host.run(f"read -r waiter _ <{host.newest()}/waiter; kill -TERM $waiter")
        host.await_word("restored")
        assert host.state() == before, host.journal()


@pytest.mark.containers
def test_a_disk_that_is_full_stops_the_change_and_not_the_restore(testbed: Testbed) -> None:
    with guarded(testbed, "noinit", RULES_OF_EVERY_KIND) as host:
        # No disk can be filled here for one host alone: a limit on the size of files is what its shell meets.
        before = host.state()
        said = host.apply(
            "nft flush ruleset; rm /etc/ssh/moduli; trap '' XFSZ; ulimit -f 0\n"
            "(keep /etc/issue 2>/dev/null && rm /etc/issue); (inverse true 2>/dev/null && rm /etc/issue)"
        )
        assert "exit 1" in said
        host.run(f"printf 'absent - - - /etc/hosts' >>{host.newest()}/kept")
        host.await_word("restored")
        assert host.state() == before, host.journal()


@pytest.mark.containers
def test_a_reboot_before_the_deadline_puts_the_files_back(testbed: Testbed) -> None:
    with guarded(testbed, "debian12") as host:
        before = host.run("find /etc/ssh -type f | sort | xargs sha256sum; systemctl is-enabled ssh")
        host.apply("echo Port 2222 >/etc/ssh/sshd_config.d/a.conf; systemctl disable ssh 2>&1", seconds=500)
        engine.podman("restart", "--time", "0", host.host.container)
        host.await_word("restored")
        host.run("until systemctl is-active ssh; do sleep 0.1; done; netstat -ltn | grep ':22 '")
        after = host.run("find /etc/ssh -type f | sort | xargs sha256sum; systemctl is-enabled ssh")
        assert after == before, host.journal()
        assert "sshdoctor" not in host.run("find /etc/systemd")


@pytest.mark.containers
def test_a_boot_starts_what_the_remedy_had_started_too(testbed: Testbed) -> None:
    with guarded(testbed, "debian12", "systemctl stop ssh") as host:
        host.apply("inverse systemctl stop ssh.service; systemctl start ssh.service", seconds=500)
        engine.podman("restart", "--time", "0", host.host.container)
        host.await_word("restored")
        host.run("until systemctl is-active ssh; do sleep 0.1; done; sleep 1; systemctl is-active ssh")


@pytest.mark.containers
def test_a_disk_that_becomes_read_only_stops_no_restore(noinit: GuardedHost) -> None:
    before = noinit.state()
    noinit.apply("nft flush ruleset; rm /etc/ssh/moduli; kill -KILL $$", seconds=3)
    pid = engine.podman("inspect", "--format", "{{.State.Pid}}", noinit.host.container)
    there, states = ["nsenter", "--mount", "--pid", f"--target={pid}"], "/var/lib/sshdoctor"
    subprocess.run([*there, "mount", "--bind", states, states], check=True)
    subprocess.run([*there, "mount", "-o", "remount,bind,ro", states], check=True)
    try:
        noinit.run(
            f"read -r waiter _ <{noinit.newest()}/waiter; while [ -d /proc/$waiter ]; do sleep 0.1; done"
        )
        assert noinit.state() == before
    finally:
        subprocess.run([*there, "umount", "--lazy", states], check=True)
    noinit.say("confirm")  # the state is armed still, as nothing could be written


@pytest.mark.containers
def test_a_host_that_is_slow_to_arm_has_its_waiter_all_the_same(noinit: GuardedHost) -> None:
    slow = "guard_boot_install() { sleep 4; }; guard_open slow </root/guard.sh && guard_take && guard_arm 2"
    noinit.run(f". /root/guard.sh; {slow}; touch /etc/ssh/goes")
    noinit.await_word("restored")
    noinit.run("! test -e /etc/ssh/goes")


@pytest.mark.containers
def test_a_restore_that_has_only_just_begun_is_not_begun_again(debian12: GuardedHost) -> None:
    slow = 'guard_sign() { [ "$1" != restorer ] || sleep 0.8;'
    debian12.run(f"sed 's/^guard_sign() {{/{slow}/' /root/guard.sh >/root/slow.sh")
    debian12.run(
        ". /root/slow.sh; guard_open twice </root/slow.sh && guard_take && guard_arm 500; inverse sleep 3"
    )
    debian12.say("restore")
    assert debian12.journal().count("inverse:") == 1, debian12.journal()


@pytest.mark.containers
def test_a_daemon_in_a_container_on_the_host_is_not_taken_for_its_own(testbed: Testbed) -> None:
    with guarded(testbed, "noinit") as host:
        pid = engine.podman("inspect", "--format", "{{.State.Pid}}", host.host.container)
        inner = ["nsenter", f"--target={pid}", "--mount", "--pid", "--net", "unshare", "--pid", "--fork"]
        daemon = ["/usr/sbin/sshd", "-D", "-p", "2299", "-o", "PidFile=none"]
        subprocess.Popen([*inner, *daemon])  # it ends with the host
        host.run("until netstat -ltn | grep -q ':2299 '; do sleep 0.1; done")
        assert_comes_back(host, "kill $(cat /run/sshd.pid); sleep 0.2")


def test_the_kept_script_is_run_from_its_own_folder_too(tmp_path: Path) -> None:
    (tmp_path / "guard.sh").write_text(guard_text())
    command = ["sh", "guard.sh", "nonsense"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: sh guard.sh confirm|restore|undo|status\n")


@pytest.mark.containers
def test_where_there_was_none_of_its_files_new_ones_go(testbed: Testbed) -> None:
    with guarded(testbed, "noinit") as host:
        host.run(". /root/guard.sh; guard_tops | xargs rm -r")
        before = host.state()
        host.apply("echo no >/etc/nologin; kill -KILL $$")
        host.await_word("restored")
        assert host.state() == before, host.journal()


# ---- Undo


@pytest.mark.containers
def test_an_undo_takes_back_one_remedy_after_the_other(debian12: GuardedHost) -> None:
    first = debian12.state()
    debian12.apply("iptables-nft -F; echo 1 >/etc/ssh/new; guard_after; guard_confirm", seconds=50)
    second = debian12.state()
    debian12.apply(
        "nft flush ruleset; keep /srv/kept/file; chmod 0 /srv/kept/file; guard_after; guard_confirm", 50
    )
    assert "undone" in debian12.run(". /root/guard.sh; guard_undo")
    assert debian12.state() == second, debian12.journal()
    assert "undone" in debian12.run(". /root/guard.sh; guard_undo")
    assert debian12.state() == first
    assert [word for _, word, _ in debian12.status()[:2]] == ["undone", "undone"]


@pytest.mark.containers
def test_an_undo_leaves_alone_what_others_have_changed_since(debian12: GuardedHost) -> None:
    before = debian12.state()
    debian12.apply(
        "nft flush ruleset; iptables-legacy -F; echo 1 >/etc/ssh/new; guard_after; guard_confirm", 50
    )
    debian12.run("ip6tables-legacy -A INPUT -s 2001:db8::9 -j DROP")
    said = debian12.run(". /root/guard.sh; guard_undo")
    assert "left alone, as it has changed since: ip6tables-legacy filter\n" in said
    assert said.count("left alone") == 1
    rule = "-A INPUT -s 2001:db8::9/128 -j DROP\n"
    assert rule in debian12.run(RULES)
    debian12.run("ip6tables-legacy -D INPUT -s 2001:db8::9 -j DROP")
    assert debian12.state() == before, debian12.journal()


@pytest.mark.containers
def test_an_undo_leaves_files_and_services_alone_that_others_have_changed_since(testbed: Testbed) -> None:
    with guarded(testbed, "debian12", "mkdir /srv/kept") as host:
        host.apply(
            "for it in a b c; do keep /srv/kept/$it; echo remedy >/srv/kept/$it; done; echo 1 >/etc/ssh/new;"
            " systemctl stop ssh; guard_after; guard_confirm",
            50,
        )
        host.run(
            "echo theirs >/srv/kept/a; rm /srv/kept/b; echo theirs >/etc/ssh/theirs;"
            " systemctl start ssh nftables"
        )
        said = host.run(". /root/guard.sh; guard_undo")
        left = {line.rpartition(": ")[2] for line in said.splitlines() if line.startswith("left alone")}
        files = {"/etc/ssh/theirs", "/srv/kept/a", "/srv/kept/b"}
        assert left == {*files, "nftables.service", "ssh.service", "sshd.service", "nft inet filter"}
        host.run("systemctl is-active ssh nftables; grep theirs /etc/ssh/theirs /srv/kept/a")
        host.run("! ls /etc/ssh/new /srv/kept/b /srv/kept/c 2>/dev/null | grep .")


@pytest.mark.containers
def test_a_remedy_that_was_never_armed_is_undone_by_what_it_kept(testbed: Testbed) -> None:
    with guarded(testbed, "debian12", RULES_OF_EVERY_KIND) as host:
        before = host.state()
        host.run(
            ". /root/guard.sh; guard_open plain </root/guard.sh; keep /etc/hosts.allow;"
            " echo >/etc/hosts.allow; keep /etc/issue; chmod 600 /etc/issue; guard_after"
        )
        assert host.state() != before
        assert host.run(". /root/guard.sh; guard_undo '' 2>&1") == "undone plain"
        assert host.state() == before


# ---- What it refuses


@pytest.mark.containers
def test_a_second_remedy_is_refused_with_the_name_of_the_first(debian12: GuardedHost) -> None:
    debian12.apply("true", seconds=30)
    first = debian12.status()[0][0]
    said = debian12.run(". /root/guard.sh; guard_open other </root/guard.sh 2>&1 || echo refused")
    assert f"another remedy is under way on this host: {first}, armed since 20" in said
    assert said.endswith("refused")
    assert "other" not in debian12.run(". /root/guard.sh; guard_status")
    debian12.say("restore")


@pytest.mark.containers
def test_a_remedy_whose_waiter_is_gone_is_named_with_the_ways_to_end_it(testbed: Testbed) -> None:
    with guarded(testbed, "noinit") as host:
        host.apply("touch /etc/ssh/goes", seconds=500)
        engine.podman("restart", "--time", "0", host.host.container)
        said = host.run(". /root/guard.sh; guard_open other </root/guard.sh 2>&1 || true")
        assert "nothing waits to put it back" in said
        host.run(said.rpartition("say: ")[2].partition(" (")[0])
        host.run("! test -e /etc/ssh/goes")


@pytest.mark.containers
def test_a_state_goes_to_run_where_var_cannot_be_written_and_is_refused_where_neither_can(
    testbed: Testbed,
) -> None:
    with guarded(testbed, "noinit") as host:
        before = host.state()
        host.run("rm -rf /var/lib/sshdoctor; touch /var/lib/sshdoctor")
        assert host.sabotage("rm /etc/ssh/moduli") != before
        assert host.newest().startswith("/run/sshdoctor/")
        host.await_word("restored")
        assert host.state() == before
        host.run("rm -rf /run/sshdoctor; touch /run/sshdoctor")
        assert "no new state can be written" in host.run(
            ". /root/guard.sh; guard_open x </root/guard.sh 2>&1 && exit 1 || true"
        )


@pytest.mark.containers
def test_the_newest_ten_that_have_ended_are_kept(debian12: GuardedHost) -> None:
    debian12.run(
        'for i in $(seq 13); do (. /root/guard.sh; guard_open "old$i" </root/guard.sh; guard_after); done'
    )
    debian12.run(". /root/guard.sh; guard_open last </root/guard.sh; guard_after")
    names = [name for name, _, _ in debian12.status()]
    assert names == ["last", *(f"old{number}" for number in range(13, 3, -1))]


def test_shellcheck_finds_nothing() -> None:
    command = ["shellcheck", "-s", "sh", "-"]
    done = subprocess.run(command, input=guard_text(), capture_output=True, text=True, check=False)
    assert done.stdout == "" and done.returncode == 0


def test_a_name_that_is_not_one_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    guard, bases = tmp_path / "guard.sh", tmp_path / "bases"
    guard.write_text(guard_text())
    bases.mkdir()
    script = f". {guard}; guard_bases={bases}; guard_open '../x' <{guard}"
    done = subprocess.run(["sh", "-uc", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "cannot name a state" in done.stderr
    assert list(bases.iterdir()) == []
