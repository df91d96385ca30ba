"""Servers that mean no good: nothing but our own errors comes out, and in time."""

from __future__ import annotations

import os
import struct
import time

import pytest

from access.servers import Hostile
from sshdoctor.access.base import LoginError
from sshdoctor.access.ssh.connection import open_ssh

BANNER = b"SSH-2.0-Hostile\r\n"


def packet(payload: bytes) -> bytes:
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def lists(*names: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(name)) + name for name in names)


KEXINIT = b"\x14" + bytes(16)


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ((), "closed-before-banner"),
        ((b"Exceeded MaxStartups\r\n",), "closed-before-banner"),
        ((BANNER,), "kex-failed"),
        ((BANNER, packet(b"\x01\0\0\0\x02" + lists(b"Go away", b""))), "kex-failed"),
        ((BANNER, b"\xff" * 4096), "kex-failed"),
        ((BANNER, os.urandom(8192)), "kex-failed"),
        ((BANNER, packet(KEXINIT)), "kex-failed"),
        ((BANNER, packet(KEXINIT + struct.pack(">I", 2**31))), "kex-failed"),
        ((BANNER, packet(KEXINIT + lists(*[b"none"] * 10) + bytes(5))), "kex-failed"),
        ((BANNER, packet(KEXINIT + lists(*[b"\xff\xfe"] * 10) + bytes(5))), "kex-failed"),
        ((b"SSH-1.5-old\r\n",), "kex-failed"),
        ((b"SSH-2.0\r\n",), "kex-failed"),
    ],
)
def test_a_server_that_closes_or_talks_nonsense_gets_a_word(
    hostile: Hostile, parts: tuple[bytes, ...], word: str
) -> None:
    hostile.say(*parts)
    with pytest.raises(LoginError) as caught:
        open_ssh(hostile.login(), timeout=3)
    assert caught.value.word == word
    assert caught.value.detail


def test_the_last_words_of_a_server_are_kept(hostile: Hostile) -> None:
    hostile.say(BANNER, packet(b"\x01\0\0\0\x02" + lists(b"Go\naway", b"")), then_stay=True)
    with pytest.raises(LoginError) as caught:
        open_ssh(hostile.login(), timeout=3)
    assert caught.value.detail == "Go away"


@pytest.mark.alone
@pytest.mark.parametrize(("parts", "word"), [((), "no-banner"), ((BANNER,), "kex-failed")])
def test_a_server_that_stalls_is_left_in_time(hostile: Hostile, parts: tuple[bytes, ...], word: str) -> None:
    hostile.say(*parts, then_stay=True)
    began = time.monotonic()
    with pytest.raises(LoginError) as caught:
        open_ssh(hostile.login(), timeout=0.5)
    assert caught.value.word == word
    assert time.monotonic() - began < 2


def test_a_failed_login_prints_nothing(hostile: Hostile, capfd: pytest.CaptureFixture[str]) -> None:
    hostile.say(BANNER, b"\xff" * 4096)
    with pytest.raises(LoginError):
        open_ssh(hostile.login(), timeout=3)
    assert capfd.readouterr() == ("", "")
