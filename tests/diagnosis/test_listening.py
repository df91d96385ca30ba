"""What listens where the client arrives; a server that was started by hand is not in a unit's place."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import Dialled, dialled
from sshdoctor.diagnosis.derived.listening import Listening, awaited_ports, listening
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.sockets import Listener, Listeners
from sshdoctor.facts.ssh.config import parse
from sshdoctor.facts.ssh.service import Service
from sshdoctor.model import Login, Reply, Unknown
from unblock.test_forecast import ADDRESSES, HOST

EVERY = "0.0.0.0"  # noqa: S104  # what a host listens on
UNSEEN = Unknown("/proc does not show it")


def found(*own: Listener, awaited: tuple[int, ...] = (), others: tuple[Listener, ...] = ()) -> Listening:
    answer = Reply(address=HOST, family="ipv4", port=22, word="rst")
    dial = dialled("ssh", Login(address=HOST, port=22), answer, [answer], None, ADDRESSES, False)
    listeners = Listeners(sockets=(*own, *others), own=own, source="ss", evidence=())
    fact = listening(dial, listeners, no_server_runs=False, awaited=awaited)
    assert isinstance(fact, Listening)
    return fact


def sshd(port: int, address: str = EVERY, program: str = "sshd") -> Listener:
    return Listener(
        address, port, 1 if program == "systemd" else 7, program, "ipv6" if ":" in address else "ipv4", UNSEEN
    )


@pytest.mark.parametrize(
    ("own", "awaited", "unserved"),
    [
        ((), (), True),
        ((), (22,), True),
        ((sshd(2200),), (22,), True),
        ((sshd(2200),), (), False),
        ((sshd(2200),), (2222,), False),
        ((sshd(22, "127.0.0.1"),), (22,), False),
    ],
)
def test_a_port_is_unserved_if_no_server_listens_or_its_own_unit_does_not_run(
    own: tuple[Listener, ...], awaited: tuple[int, ...], unserved: bool
) -> None:
    assert found(*own, awaited=awaited).unserved is unserved


def test_an_ipv6_socket_of_which_nothing_shows_whether_it_takes_ipv4_leaves_it_open() -> None:
    by_systemd = found(sshd(22, "::", "systemd"))
    assert isinstance(by_systemd.state, Unknown)
    assert not by_systemd.other_family_only
    by_sshd = found(sshd(22, "::"))
    assert (by_sshd.state, by_sshd.other_family_only) == ("closed", True)


def through_a_jump_host() -> Dialled:
    answer = Reply(address=HOST, family=None, port=22, word="silence")
    login = Login(address=HOST, port=22, jumps=("gate@198.51.100.9:22",))
    return dialled("ssh", login, answer, [answer], None, ADDRESSES, False)


@pytest.mark.parametrize("family", ["ipv4", ""])
def test_a_server_that_listens_for_all_is_found_by_whoever_comes_through_a_jump_host(family: str) -> None:
    """Such a dial has no family of its own: the address has it; of a name it is not known."""
    dial = through_a_jump_host()
    assert dial.family == "ipv4"
    own = (sshd(22),)
    fact = listening(
        replace(dial, family=family), Listeners(sockets=own, own=own, source="ss", evidence=()), False
    )
    assert isinstance(fact, Listening)
    assert fact.state == "service"


@pytest.mark.parametrize(
    ("enabled", "result", "ports"),
    [
        ("enabled", "success", (22,)),
        ("disabled", "success", ()),
        ("disabled", "exit-code", (22,)),
    ],
)
def test_a_unit_that_was_stopped_and_disabled_awaits_no_client(
    enabled: str, result: str, ports: tuple[int, ...]
) -> None:
    state = "inactive" if result == "success" else "failed"
    service = Service(
        manager="systemd", unit="ssh.service", state=state, at_boot=False, enabled=enabled, result=result
    )
    config = parse(
        {"files": Section("## main\n", 0), "effective": Section("## as 0 \n## output\nport 22", 0)}
    )
    assert awaited_ports(service, config) == ports
