"""Makes real servers say why they refuse, and writes down what they say: recorded.yml.

PYTHONPATH=src:tests python -m reasons.record [SCENE ...] needs root, podman and the images of the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hosts.engine import EngineError, podman
from hosts.testbed import Testbed, TestHost, create_key, known_hosts_lines, open_testbed
from sshdoctor.documents.reader import read_yaml

HERE = Path(__file__).parent
PROGRAMS = ("sshd", "sshd-session", "sshd-auth", "internal-sftp", "sftp-server", "dropbear", "tinysshd")
IMAGES = ("debian11", "debian12", "debian13")
LOGIN = "$ssh deploy@$HOST true"

DIAL = r"""
options="-F none -o UserKnownHostsFile=$KNOWN_HOSTS -o StrictHostKeyChecking=no -o ConnectTimeout=30"
bare="ssh $options -o BatchMode=yes -o IdentitiesOnly=yes"
ssh="$bare -i $KEY"
ask="env SSH_ASKPASS=$ASKPASS SSH_ASKPASS_REQUIRE=force setsid -w ssh $options"
ask="$ask -o NumberOfPasswordPrompts=1 -o PreferredAuthentications=password,keyboard-interactive"
"""


class Scene(Struct, kw_only=True, forbid_unknown_fields=True, rename={"broken": "break"}):
    """One fault and one dial."""

    scene: str
    images: tuple[str, ...] = ("debian12",)
    broken: str = ""
    dial: str = LOGIN
    packages: tuple[str, ...] = ()
    """Packages of this machine's own Debian that the host gets first."""
    causes: tuple[str, ...] = ()
    """The causes that the lines name, or leave open."""
    beside: tuple[str, ...] = ()
    """Others that they name as well."""


class Line(Struct, frozen=True, kw_only=True):
    """One line of a server, as the journal has it."""

    program: str
    message: str


class Recording(Struct, frozen=True, kw_only=True):
    """What a server said in one scene."""

    scene: str
    image: str
    lines: list[Line]


def scenes() -> list[Scene]:
    """All scenes."""
    return msgspec.convert(read_yaml(HERE / "scenes.yml"), list[Scene])


def recordings() -> list[Recording]:
    """All that was recorded."""
    return msgspec.convert(read_yaml(HERE / "recorded.yml"), list[Recording])


def record(testbed: Testbed, scene: Scene, image: str, folder: Path) -> Recording:
    """Break a fresh host, dial it, and read its journal."""
    with testbed.host(image) as host:
        before = _journal(host)
        _dial(host, testbed, scene, folder)
        lines = _journal(host)[len(before) :]
    return Recording(scene=scene.scene, image=image, lines=lines)


def _dial(host: TestHost, testbed: Testbed, scene: Scene, folder: Path) -> None:
    known_hosts, askpass, keys = folder / "known_hosts", folder / "askpass", folder / f"keys-{host.container}"
    known_hosts.write_text(known_hosts_lines(host.host_keys, host.address4))
    askpass.write_text("#!/bin/sh\necho wrong\n")
    askpass.chmod(0o755)
    keys.mkdir()
    authority = create_key(keys / "ca")
    for package in scene.packages:
        _install(host, package, keys)
    host.run(f"CA='{authority.with_suffix('.pub').read_text().strip()}'\n{scene.broken}")
    variables = {
        "HOST": host.address4,
        "KEY": str(testbed.key),
        "OTHER_KEY": str(testbed.other_key),
        "KNOWN_HOSTS": str(known_hosts),
        "ASKPASS": str(askpass),
        "KEYS": str(keys),
        "CA_KEY": str(authority),
    }
    environment = {**os.environ, **variables}
    shell = ["bash", "-c", DIAL + scene.dial]
    with suppress(subprocess.TimeoutExpired):  # a login that hangs has said what it says
        subprocess.run(shell, env=environment, capture_output=True, check=False, timeout=60)


def _install(host: TestHost, package: str, folder: Path) -> None:
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
    subprocess.run(command, cwd=folder, check=True)
    for deb in folder.glob("*.deb"):
        podman("cp", str(deb), f"{host.container}:/tmp/")
    host.run("systemctl disable --now ssh; dpkg -i /tmp/*.deb")


def _journal(host: TestHost) -> list[Line]:
    """All lines of the servers in the journal so far."""
    names = " ".join(f"SYSLOG_IDENTIFIER={name}" for name in PROGRAMS)
    entries = host.run(f"sleep 1; journalctl --sync; journalctl -o json --no-pager {names}").splitlines()
    return [line for entry in entries if (line := _line(json.loads(entry)))]


def _line(entry: dict[str, Any]) -> Line | None:
    message = entry.get("MESSAGE")
    if isinstance(message, list):  # bytes that are no text
        message = bytes(message).decode(errors="replace")
    if not message or message.startswith("pam_"):
        return None
    return Line(program=entry["SYSLOG_IDENTIFIER"], message=message)


def main(names: Sequence[str]) -> None:
    """Record the scenes that are named, or all, and write them beside those that are there."""
    path = HERE / "recorded.yml"
    kept = {(r.scene, r.image): r for r in recordings()} if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder, open_testbed(Path(folder), IMAGES) as testbed:
        for scene in scenes():
            for image in scene.images if not names or scene.scene in names else ():
                print(scene.scene, image, file=sys.stderr, flush=True)
                try:
                    kept[scene.scene, image] = record(testbed, scene, image, Path(folder))
                except EngineError as error:
                    print(error, file=sys.stderr)
                _write(path, kept)


def _write(path: Path, kept: Mapping[tuple[str, str], Recording]) -> None:
    order = [(scene.scene, image) for scene in scenes() for image in scene.images]
    found = [kept[key] for key in order if key in kept]
    text = (
        "# What real servers said, one document a scene (tests/reasons/record.py made it from scenes.yml).\n"
    )
    for recording in found:
        text += f"- scene: {recording.scene}\n  image: {recording.image}\n  lines:\n"
        for line in dict.fromkeys(recording.lines):
            text += f"    - {{program: {line.program}, message: {json.dumps(line.message)}}}\n"
    path.write_text(text.replace("  lines:\n-", "  lines: []\n-"), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
