"""The command ``unlock --serve``, run as a person runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlock.bed import LISTED, OWNER, URL


def inventory(folder: Path, hosts: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
    """Of hosts that nobody can get into, if no others are given."""
    nowhere = {
        name: {"ansible_connection": "podman", "sshdoctor_unlock": [*who]} for name, who in LISTED.items()
    }
    file = folder / "inventory.yml"
    file.write_text(json.dumps({"all": {"hosts": hosts or nowhere}}))
    return file


@contextmanager
def running(
    state: Path, inventory: Path, smtp_port: int, more: Sequence[str] = (), *, url: str = URL
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Its port, and the process; it is ended as systemd ends it."""
    words = ["unlock", "--serve", "--inventory", str(inventory), "--state", str(state), "--url", url]
    words += [
        "--owner",
        OWNER,
        "--mail-from",
        "unlock@example.org",
        "--smtp",
        f"smtp://127.0.0.1:{smtp_port}",
    ]
    words += ["--listen", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1", *more]
    command = [sys.executable, "-m", "sshdoctor.cli", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"listening at 127\.0\.0\.1:(\d+)", said)
        assert found, said + process.stderr.read()
        try:
            yield int(found[1]), process
        finally:
            process.terminate()
            process.wait(120)
