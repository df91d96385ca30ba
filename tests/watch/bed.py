"""Real machines elsewhere that look, and the inventory of a watch: what it prints and what it mails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from msgspec import Struct

from hosts.testbed import Testbed, TestHost, known_hosts_lines
from watch.sinks import smtp

FAR = {"far1": "noinit", "far2": "web", "far3": "web"}
"""Each with its image: the first has bash alone to dial with, the others Python."""


class Watched(Struct, frozen=True, kw_only=True):
    """What one watch came to: its lines of JSON, its mails, and what it said to the person who started it."""

    code: int
    lines: tuple[Mapping[str, Any], ...]
    mails: tuple[EmailMessage, ...]
    said: str

    @property
    def states(self) -> list[str]:
        return [line["state"] for line in self.lines]

    @property
    def last(self) -> Mapping[str, Any]:
        assert self.lines, self.said
        return self.lines[-1]


@contextmanager
def witnesses(testbed: Testbed) -> Iterator[dict[str, TestHost]]:
    """Three machines, each in network and file system of its own."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(testbed.host(FAR[name])) for name in FAR}


def far_away(testbed: Testbed, hosts: Mapping[str, TestHost], folder: Path) -> dict[str, Any]:
    """The group of witnesses in an inventory; this machine logs in to them by SSH."""
    known = folder / "witnesses"
    known.write_text("".join(known_hosts_lines(one.host_keys, one.address4) for one in hosts.values()))
    login = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(testbed.key),
        "sshdoctor_known_hosts": str(known),
        "sshdoctor_vantage": True,
    }
    return {"vars": login, "hosts": {name: {"ansible_host": one.address4} for name, one in hosts.items()}}


def watched_once(
    web1: Mapping[str, Any],
    far: Mapping[str, Any],
    folder: Path,
    *flags: str,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Watched:
    """One real ``watch --once`` at ``web1``, with mail to Ann."""
    with smtp() as (port, mails):
        url = f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure&from=watch@example.org&to=ann@example.org"
        hosts = {"web1": {**web1, "sshdoctor_notify": [url]}}
        file = folder / "watch.yml"
        file.write_text(json.dumps({"all": {"hosts": hosts, "children": {"far": far}}}))
        command = [sys.executable, "-m", "sshdoctor.cli", "watch", "--host=web1", f"--inventory={file}"]
        more = ["--once", "--format=jsonl", f"--state={folder}/watch.db", *flags]
        done = subprocess.run(
            [*prefix, *command, *more],
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
            env=environment,
        )
    lines = tuple(json.loads(line) for line in done.stdout.splitlines())
    return Watched(code=done.returncode, lines=lines, mails=tuple(mails), said=done.stderr)
