"""Makes real hosts say why they refuse, and writes down what systemd, PAM and ssh say: system_recorded.yml.

PYTHONPATH=src:tests python -m reasons.system_record [SCENE ...] needs root, podman and the tests' images.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from hosts.engine import EngineError
from hosts.testbed import TestHost, open_testbed
from reasons.record import Line, Recording, Scene
from sshdoctor.documents.reader import read_yaml

HERE = Path(__file__).parent
RECORDED = HERE / "system_recorded.yml"
PROGRAMS = ("systemd", "systemctl", "unix_chkpwd", "mkhomedir_helper", "ssh")
SERVERS = ("sshd", "sshd-session", "sshd-auth")
"""Of these, what PAM says in them; record.py records what else they say."""


def scenes() -> list[Scene]:
    """All scenes."""
    return msgspec.convert(read_yaml(HERE / "system_scenes.yml"), list[Scene])


def recordings() -> list[Recording]:
    """All that was recorded."""
    return msgspec.convert(read_yaml(RECORDED), list[Recording])


def record(host: TestHost, scene: Scene, image: str) -> Recording:
    """Break a fresh host, and give what was said since; each line once."""
    words = (HERE / "system_record.sh").read_text(encoding="utf-8")
    printed = host.run(f"{words}\nset +e\n{scene.broken}\nset -e\nsaid\n")
    journal, *rest = printed.split("## said by ")
    said = [*_journal(journal, scene)]
    for part in rest:
        program, *lines = part.splitlines()
        said += [(program, line) for line in lines]
    found = [Line(program=program, message=_plain(message, host)) for program, message in said]
    kept = [line for line in found if line.message and _is_of_the_lists(line)]
    return Recording(scene=scene.scene, image=image, lines=list(dict.fromkeys(kept)))


def _is_of_the_lists(line: Line) -> bool:
    if line.program in SERVERS:
        return line.message.startswith(("pam_", "PAM "))
    return line.program in PROGRAMS or "(" in line.program


def _journal(lines: str, scene: Scene) -> Iterator[tuple[str, str]]:
    for line in lines.splitlines():
        if line.startswith("{"):
            fields = json.loads(line)
            message = fields.get("MESSAGE", "")
            if isinstance(message, list):
                message = bytes(message).decode(errors="replace")
            program, units = fields.get("SYSLOG_IDENTIFIER", ""), fields.get("UNIT", [])
            if program != "systemd" or _is_meant(units, scene):
                yield program, message


def _is_meant(units: str | list[str], scene: Scene) -> bool:
    """Whether a line is about the server's units, or about those that the scene makes."""
    names = [unit.partition(".")[0] for unit in ([units] if isinstance(units, str) else units)]
    return any(name.startswith("ssh") or name in scene.broken for name in names)


def _plain(message: str, host: TestHost) -> str:
    """The first line of it, with addresses of the documentation and without the figures of this one key."""
    one = message.replace("\r", "").partition("\n")[0].replace("\t", " ").rstrip()
    own = one.replace(host.address4, "198.51.100.2").replace(host.address6, "2001:db8::2")
    return re.sub(r"(SHA256:)[\w+/]{43}", lambda found: found[1] + "x" * 43, own)


def main(names: Sequence[str]) -> None:
    """Record the scenes that are named, or all, and write them beside those that are there."""
    kept = {(r.scene, r.image): r for r in recordings()} if RECORDED.exists() else {}
    wanted = [scene for scene in scenes() if not names or scene.scene in names]
    images = [*dict.fromkeys(image for scene in wanted for image in scene.images)]
    with tempfile.TemporaryDirectory() as folder, open_testbed(Path(folder), [*images, "noinit"]) as testbed:
        for scene in wanted:
            for image in scene.images:
                print(scene.scene, image, file=sys.stderr, flush=True)
                try:
                    with testbed.host(image) as host:
                        kept[scene.scene, image] = record(host, scene, image)
                except (EngineError, json.JSONDecodeError) as error:
                    print(error, file=sys.stderr)
                _write(kept)


def _write(kept: Mapping[tuple[str, str], Recording]) -> None:
    order = [(scene.scene, image) for scene in scenes() for image in scene.images]
    text = "# What real hosts and ssh said (system_record.py made it from system_scenes.yml).\n"
    seen: set[Line] = set()  # of what ssh -v tells on its way, the first of each is enough
    for recording in (kept[key] for key in order if key in kept):
        new = [line for line in recording.lines if line not in seen]
        seen |= {line for line in new if line.message.startswith("debug1: ")}
        lines = "".join(
            f"    - {{program: {json.dumps(line.program)}, message: {json.dumps(line.message)}}}\n"
            for line in new
        )
        start = f"- scene: {recording.scene}\n  image: {recording.image}\n"
        text += start + (f"  lines:\n{lines}" if lines else "  lines: []\n")
    RECORDED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
