"""Names and literals."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from sshdoctor.errors import AccessError
from sshdoctor.model import Login
from sshdoctor.outside import dial
from sshdoctor.outside.resolve import resolve
from sshdoctor.services import load


def test_a_literal_is_itself() -> None:
    assert [target.address for target in resolve("192.0.2.1", 22, timeout=1)] == ["192.0.2.1"]
    assert [target.family for target in resolve("2001:db8::1", 22, timeout=1)] == ["ipv6"]


def test_a_link_local_address_keeps_its_interface() -> None:
    (target,) = resolve("fe80::1%lo", 22, timeout=1)
    assert target.address == "fe80::1%lo"
    assert target.sockaddr[3] == socket.if_nametoindex("lo")


def test_an_ipv4_mapped_address_is_ipv4() -> None:
    (target,) = resolve("::ffff:192.0.2.7", 22, timeout=1)
    assert (target.address, target.family, target.sockaddr) == ("192.0.2.7", "ipv4", ("192.0.2.7", 22))


def test_addressfamily_leaves_the_other_family_out() -> None:
    assert {target.family for target in resolve("localhost", 22, family="inet", timeout=5)} == {"ipv4"}


def test_a_literal_of_the_family_that_is_off_is_not_found() -> None:
    with pytest.raises(AccessError, match="name-not-found: 2001:db8::1: the address is of the other family"):
        resolve("2001:db8::1", 22, family="inet", timeout=5)


@pytest.mark.parametrize("name", ["", "a" * 300, "a..b", "\udcff"])
def test_what_is_no_name_is_not_found(name: str) -> None:
    with pytest.raises(AccessError) as caught:
        resolve(name, 22, timeout=5)
    assert caught.value.word == "name-not-found"


@pytest.mark.parametrize(
    ("number", "detail"),
    [
        (socket.EAI_NONAME, "db9: there is no such name (Name or service not known)"),
        (
            socket.EAI_AGAIN,
            "db9: the resolver could not be reached or failed, for now (Name or service not known)",
        ),
    ],
)
def test_no_such_name_and_no_resolver_read_differently(
    monkeypatch: pytest.MonkeyPatch, number: int, detail: str
) -> None:
    def answer(*_: Any) -> Any:
        raise socket.gaierror(number, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(AccessError) as caught:
        resolve("db9", 22, timeout=5)
    assert caught.value.detail == detail


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def hang(*arguments: Any) -> Any:
        if arguments[5]:  # AI_NUMERICHOST
            return real(*arguments)
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(AccessError, match=r"did not answer for db9 within 0\.05 s"):
        resolve("db9", 22, timeout=0.05)


def test_a_name_without_an_address_is_one_reply_without_an_address() -> None:
    (dialled,) = dial(Login(address="a..b", port=2222), load("ssh"), 5)
    assert (dialled.reply.word, dialled.reply.address, dialled.reply.port) == ("name-not-found", None, 2222)
    assert dialled.socket is None


def test_a_login_through_a_jump_host_is_not_dialled_from_here() -> None:
    assert dial(Login(address="127.0.0.1", port=22, jumps=("bastion",)), load("ssh"), 1) == ()
