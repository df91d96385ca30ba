"""Whose address the host is told of as the client's."""

from __future__ import annotations

import pytest

from sshdoctor.diagnosis.probe import Probe
from sshdoctor.model import Host, Login, Reply, WayIn


def client(word: str, jump: str, address: str = "198.51.100.2") -> bool:
    """Whether the script names 198.51.100.9 as the client of a dial through ``jump``."""
    login = Login(address=address, port=22, user="me", jumps=(jump,))
    host = Host(service="ssh", name="web1", login=login, ways=(WayIn(connection="ssh", login=login),))
    reply = Reply(address=address, family=None, port=22, word=word)
    return "client=198.51.100.9\n" in Probe(host, (reply,), (), {}).script


@pytest.mark.parametrize("jump", ["gate@198.51.100.9:22", "gate@198.51.100.9", "198.51.100.9:2222"])
def test_who_is_dialled_from_a_jump_host_has_that_as_its_client(jump: str) -> None:
    assert client("silence", jump)


def test_a_jump_host_that_may_have_another_address_there_is_not_taken_for_the_client() -> None:
    assert not client("silence", "gate@198.51.100.9", "8.8.8.8")
    assert not client("silence", "gate@bastion")


def test_where_the_login_worked_the_host_itself_says_who_its_client_is() -> None:
    assert not client("ok", "gate@198.51.100.9")
