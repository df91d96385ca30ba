"""Whoever reaches the port at which a rescue script is offered."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest


class Offer:
    """``rescue --serve`` at 127.0.0.1, and what it costs."""

    def __init__(self, folder: Path) -> None:
        inventory = folder / "inventory.yml"
        inventory.write_text("all: {hosts: {web1: {ansible_host: 127.0.0.1, ansible_port: 9}}}")
        command = [sys.executable, "-m", "sshdoctor.cli", "rescue", "--host", "web1", "--serve"]
        command += ["--listen", "127.0.0.1", "--inventory", str(inventory)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stderr
        line = next(line for line in self.process.stderr if "curl" in line)
        self.url = line.split()[2].removesuffix("|sh")
        self.port = int(self.url.split(":")[2].split("/")[0])

    def script(self) -> str:
        """The script, as a console fetches it, within ten seconds."""
        return subprocess.run(
            ["curl", "-s", "-m", "10", "--retry", "3", self.url], capture_output=True, text=True, check=False
        ).stdout

    def peak(self) -> int:
        """The most memory that it had, in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.fixture
def offer(tmp_path: Path) -> Iterator[Offer]:
    opened = Offer(tmp_path)
    yield opened
    opened.process.send_signal(signal.SIGINT)
    opened.process.wait(20)


def test_slow_connections_do_not_keep_the_real_one_out(offer: Offer) -> None:
    slow = []
    for _ in range(40):
        with suppress(OSError):
            slow.append(socket.create_connection(("127.0.0.1", offer.port), 5))

    def drip() -> None:
        for _ in range(200):
            for one in slow:
                with suppress(OSError):
                    one.sendall(b"G")
            time.sleep(0.2)

    threading.Thread(target=drip, daemon=True).start()
    time.sleep(1)
    assert "sshdoctor" in offer.script()


def test_large_bodies_do_not_fill_the_memory(offer: Offer) -> None:
    script = offer.script()
    url = next(line for line in script.split() if f"127.0.0.1:{offer.port}/" in line).strip("'\"")
    path = "/" + url.split("/", 3)[3].split("'")[0]
    before = offer.peak()

    def send() -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", offer.port), 30) as one:
            one.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {64 * 2**20}\r\n\r\n".encode())
            for _ in range(64):
                one.sendall(b"[1:AAAA:1]\n" * (2**20 // 11))
            one.recv(100)

    senders = [threading.Thread(target=send) for _ in range(8)]
    for each in senders:
        each.start()
    for each in senders:
        each.join(60)
    assert offer.peak() - before < 100 * 2**20
