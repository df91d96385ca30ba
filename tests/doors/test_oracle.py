"""Random set-ups: what the model says of each door is what real logins find there, with every combination."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from doors.random_set_ups import SetUp, set_up
from doors.real_logins import PASSWORD, Logins
from hosts.engine import EngineError
from hosts.testbed import Testbed, TestHost
from sshdoctor import facts
from sshdoctor.commands.shared.doors.gather import FACTS, setup_of
from sshdoctor.diagnosis.asked import Asked
from sshdoctor.doors.factors import listed
from sshdoctor.doors.table import Doors, doors_of
from sshdoctor.facts import probe
from sshdoctor.model import AccessUsed, Host, Login, Unknown

pytestmark = pytest.mark.containers

MANY = max(20, int(os.environ.get("SSHDOCTOR_ORACLE", "500")) // 50)
FIRST = int(os.environ.get("SSHDOCTOR_ORACLE_SEED", "0"))
SHARES = 2
PREPARE = r"""
cp /root/.ssh/authorized_keys /root/id.pub
printf 'root:%s\ndeploy:%s\n' "$WORD" "$WORD" | chpasswd
groupadd fast
sed -i 's/pam_unix.so nullok/pam_unix.so nullok nodelay/' /etc/pam.d/common-auth
printf 'MaxStartups 200:30:300\n' >/etc/ssh/sshd_config.d/05.conf
getent shadow deploy | cut -d: -f2
"""


@contextmanager
def asked_host(testbed: Testbed) -> Iterator[tuple[TestHost, Callable[[SetUp], bool]]]:
    """A host, and what sets it up; False where sshd does not take the options."""
    with testbed.host("factors") as host:
        mark = host.run(PREPARE, {"WORD": PASSWORD})

        def make(one: SetUp) -> bool:
            try:
                host.run(one.script, {"HASH": mark})
            except EngineError as error:
                if "exit 7" in str(error):
                    return False
                raise
            return True

        yield host, make


def told(host: TestHost) -> Doors:
    """What the model says of the host, in this process; a host that is too busy to answer is asked again."""
    for _ in range(5):
        asked = _asked(host)
        if not any(isinstance(asked.facts[name], Unknown) for name in FACTS):
            break
    return doors_of(setup_of(asked))


def _asked(host: TestHost) -> Asked:
    commands = facts.commands(FACTS)
    given = {"client": str(host.network.ipv4[1]), "address": host.address4, "port": "22", "user": "deploy"}
    began = time.time()
    output = host.run("set +e\n" + probe.build_script(commands, given, "f00d"), {})
    found = facts.parse_all(FACTS, probe.split_output(output.encode(), "f00d", tuple(commands)))
    login = Login(address=host.address4, port=22, user="deploy")
    return Asked(
        host=Host(name="web1", service="ssh", login=login, ways=()),
        facts=found,
        client=given["client"],
        used=AccessUsed(via="podman"),
        began=began,
        ended=time.time(),
    )


@pytest.mark.parametrize("share", range(SHARES))
def test_random_set_ups_are_as_real_logins_find_them(
    share: int, testbed: Testbed, record_property: Callable[[str, object], None]
) -> None:
    wrong, unknown, asked = [], 0, 0
    with asked_host(testbed) as (host, make):
        for number in range(FIRST + share, FIRST + MANY, SHARES):
            one = set_up(number)
            if not make(one):
                continue
            doors = told(host)
            hidden = {(each.account, each.door) for each in doors.unknown}
            for user in ("deploy", "root"):
                asked += 1
                if (user, "ssh:22") in hidden:
                    unknown += 1
                    continue
                real = listed(Logins(host.address4, 22, user, {"key": testbed.key}).sets())
                said = doors.accounts[user]["ssh:22"]
                if said != real:
                    wrong.append(f"{number} {user}: logins {real}, model {said}\n{one}")
    record_property("measured", f"doors: {asked} doors asked, {len(wrong)} wrong, {unknown} unknown")
    assert not wrong, "\n".join(wrong)
    assert unknown <= max(1, asked // 20)
