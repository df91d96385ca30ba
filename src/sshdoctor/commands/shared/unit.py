"""A unit of systemd that runs a command, with the options that were typed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

_UNIT = """\
# Put this into /etc/systemd/system/sshdoctor-{name}.service, then:
#   systemctl daemon-reload; systemctl enable --now sshdoctor-{name}
[Unit]
Description=sshdoctor {name}: {what}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command}
StateDirectory=sshdoctor
KillMode=mixed
Restart=on-failure
RestartSec=5
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryMax=1G

[Install]
WantedBy=multi-user.target
"""


def unit(words: Sequence[str], name: str, what: str) -> str:
    """``words`` are those after the program's name; files among them are named from the root."""
    installed = shutil.which("sshdoctor")
    program = [installed] if installed else [sys.executable, "-m", "sshdoctor.cli"]
    kept = [word for word in words if word != "--unit"]
    if not any(word == "--state" or word.startswith("--state=") for word in kept):
        kept += ["--state", f"/var/lib/sshdoctor/{name}.db"]
    placed = [str(Path(word).absolute()) if Path(word).exists() else word for word in kept]
    return _UNIT.format(name=name, what=what, command=" ".join(map(_quoted, [*program, *placed])))


def _quoted(word: str) -> str:
    """As systemd.service(5) reads it.

    >>> _quoted("web:!web3"), _quoted("100%"), _quoted("sun 02:00-04:00")
    ('web:!web3', '100%%', '"sun 02:00-04:00"')
    """
    word = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$")
    plain = word and not any(sign in word for sign in " \t\"';#")
    return word if plain else '"' + word.replace('"', '\\"') + '"'
