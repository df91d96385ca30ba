"""A playbook carried out on a test host, and the host's facts about its firewall."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hosts.testbed import TestHost
from sshdoctor import facts
from sshdoctor.access.base import Access
from sshdoctor.diagnosis.derived.dialled import Dialled, dialled
from sshdoctor.facts import probe
from sshdoctor.model import Login, Reply
from sshdoctor.remedy.apply import Applied, Prepared, apply
from sshdoctor.remedy.playbook.compile import compile_playbooks
from sshdoctor.remedy.playbook.load import load_playbook

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
NEEDED = ("addresses", "bans", "firewall")


def carried_out(access: Access, playbook: str, variables: Mapping[str, Any]) -> list[str]:
    """The tasks that changed something."""
    done = ended(access, playbook, variables)
    assert not done.trouble, done.trouble
    return [task.name for task in done.tasks if task.status == "changed"]


def ended(access: Access, playbook: str, variables: Mapping[str, Any]) -> Applied:
    """What its tasks came to, without a guard."""
    program = compile_playbooks([(load_playbook(PLAYBOOKS / f"{playbook}.yml"), variables)])
    return apply(access, Prepared(program, seconds=0))


def look(
    access: Access, host: TestHost, family: str = "ipv4", port: int = 22
) -> tuple[dict[str, Any], Dialled, str]:
    """The facts as they are on the host now, what is dialled, and the client's address."""
    six = family == "ipv6"
    client = host.variables["CLIENT6" if six else "CLIENT4"]
    address = host.address6 if six else host.address4
    commands = facts.commands(NEEDED)
    variables = {"client": client, "address": address, "port": str(port), "user": ""}
    output = access.run(
        probe.build_script(commands, variables, "looked", facts.asked_once(NEEDED)), timeout=60
    )
    found = facts.parse_all(NEEDED, probe.split_output(output.stdout, "looked", tuple(commands)))
    reply = Reply(word="silence", address=address, family="ipv6" if six else "ipv4", port=port)
    login = Login(address=address, port=port)
    return dict(found), dialled("ssh", login, reply, [reply], None, found["addresses"], False), client
