"""``demo --watch``: a site goes down while it is watched, is mended as the mail says, and is back."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sshdoctor.commands.demo.host import address_of, build_image, remove, run_command, run_in
from sshdoctor.commands.demo.mailbox import mailbox, plain_text
from sshdoctor.commands.demo.site import IMAGE, small_site
from sshdoctor.commands.shared import exit_codes
from sshdoctor.errors import DemoError

WITNESSES = ("far1", "far2", "far3")
BREAK = "systemctl stop php8.2-fpm"
CAUSE, REPAIR = "Cause: ", "Next: sshdoctor remediate "
_EVERY, _PATIENCE = "2", 60.0


def run_watch() -> int:
    """Show it all on containers; the exit code of what came of it. Raises DemoError."""
    _say("Making a throw-away site, and three machines elsewhere that look at it when it seems down.")
    with (
        mailbox() as (port, mails),
        TemporaryDirectory(prefix="sshdoctor-demo-") as folder,
        small_site() as (site, address),
        _witnesses() as witnesses,
    ):
        file = Path(folder) / "inventory.yml"
        file.write_text(json.dumps(_inventory(site, address, witnesses, port)), encoding="utf-8")
        return _act(site, file, mails)


def _act(site: str, inventory: Path, mails: Sequence[EmailMessage]) -> int:
    command = ["watch", "--host", "web1", "--service", "web", "--every", _EVERY, "--state", "watch.db"]
    shown = shlex.join(["sshdoctor", *command])
    _say(f"$ {shown}    (in earnest --every is 300)")
    with _watching(command, inventory) as lines:
        _wait(lambda: ": up (" in lines.read_text(encoding="utf-8"), "the site was not seen up")
        began = time.monotonic()
        _say(f"It is up. Now its PHP stops: {BREAK}")
        run_in(site, BREAK)
        down = _mail(mails, 1)
        repair = _repair(plain_text(down))
        _say(f"As the mail says: $ {shlex.join(['sshdoctor', *repair, '--yes'])}\n")
        mended = subprocess.run(
            _program([*repair, "--yes"], inventory), cwd=inventory.parent, check=False
        ).returncode
        back = _mail(mails, 2)
        _say(f"What the watch printed:\n{lines.read_text(encoding='utf-8')}")
        _say(f"From the stop to the last mail: {time.monotonic() - began:.0f} s.")
    told = CAUSE in plain_text(down) and ", proved)" in plain_text(down) and "It was down" in plain_text(back)
    return 0 if told and mended == 0 else exit_codes.UNDECIDED


@contextmanager
def _witnesses() -> Iterator[dict[str, str]]:
    """Machines that dial others, by name: containers that do nothing by themselves."""
    image = build_image(IMAGE)
    made: dict[str, str] = {}
    try:
        for name in WITNESSES:
            made[name] = f"sshdoctor-demo-{uuid.uuid4().hex[:8]}"
            arguments = ("--detach", f"--hostname={name}", f"--name={made[name]}")
            run_command("podman", "run", *arguments, image, "sleep", "600")
        yield made
    finally:
        for container in made.values():
            remove(container)


def _inventory(site: str, address: str, witnesses: dict[str, str], port: int) -> dict[str, Any]:
    mail = f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure&from=watch@example.org&to=you@example.org"
    web1 = {**_inside(site, address), "sshdoctor_sites": [f"http://{address}/"], "sshdoctor_notify": [mail]}
    far = {name: _inside(one, address_of(one)) for name, one in witnesses.items()}
    group = {"hosts": far, "vars": {"sshdoctor_vantage": True}}
    return {"all": {"hosts": {"web1": web1}, "children": {"witnesses": group}}}


def _inside(container: str, address: str) -> dict[str, str]:
    return {"ansible_host": address, "ansible_connection": "podman", "ansible_podman_host": container}


@contextmanager
def _watching(words: Sequence[str], inventory: Path) -> Iterator[Path]:
    """The watch while it runs; gives the file of what it prints."""
    lines = inventory.with_name("lines")
    with lines.open("wb") as output:
        watch = subprocess.Popen(_program(words, inventory), stdout=output, cwd=inventory.parent)
    try:
        yield lines
    finally:
        watch.terminate()
        watch.wait(30)


def _program(words: Sequence[str], inventory: Path) -> list[str]:
    """This very program, as a command."""
    return [sys.executable, "-m", "sshdoctor.cli", *words, "--inventory", str(inventory)]


def _repair(mail: str) -> list[str]:
    """The words of the repair that the mail names. Raises DemoError."""
    for line in mail.splitlines():
        if line.startswith(REPAIR):
            return shlex.split(line.removeprefix("Next: "))[1:]
    raise DemoError("the mail names no repair")


def _mail(mails: Sequence[EmailMessage], number: int) -> EmailMessage:
    """That mail, once it is there; it is shown. Raises DemoError."""
    _wait(lambda: len(mails) >= number, "no mail came")
    mail = mails[number - 1]
    body = "".join(f"  | {line}\n" for line in plain_text(mail).splitlines())
    _say(f"\nA mail has come:\n  | Subject: {mail['Subject']}\n  |\n{body}")
    return mail


def _wait(what: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not what():
        if time.monotonic() > until:
            raise DemoError(f"{otherwise} within {_PATIENCE:.0f} s")
        time.sleep(0.1)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
