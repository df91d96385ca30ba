"""What this machine says of itself where a dial failed."""

from __future__ import annotations

from sshdoctor.diagnosis.background import kept
from sshdoctor.diagnosis.here import Facts, look_here, this_machine
from sshdoctor.diagnosis.outside import Outside
from sshdoctor.model import Host, Login, Reply, WayIn


def test_of_many_dials_that_fail_each_has_its_own_way_and_this_machine_is_asked_once() -> None:
    asked = []

    def ask() -> Facts:
        asked.append("")
        return this_machine()

    machine, seen = kept(60, ask), list[Facts]()
    for address in ("127.0.0.8", "127.0.0.9"):
        host = Host(
            name=address, login=Login(address=address, port=2), ways=(WayIn(connection="ssh"),), service="ssh"
        )
        refused = Reply(address=address, family="ipv4", port=2, word="rst", source="127.0.0.1")
        seen += look_here(host, Outside(replies=(refused,)), 1, machine).values()
    assert len(asked) == 1 and seen[0]["firewall"] is seen[1]["firewall"]
    assert [facts["way_back"].routes[0].text.split()[1] for facts in seen] == ["127.0.0.8", "127.0.0.9"]
