"""The web server before the page, as docs/unlock.md has it: a real nginx with TLS."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "unlock.md"


def _server() -> str:
    return str(re.findall(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0])


@contextmanager
def nginx(address: str, port: int, behind: int, folder: Path) -> Iterator[None]:
    """At ``address``; the page is at the port ``behind`` on loopback."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    words += ["-keyout", str(folder / "key"), "-out", str(folder / "pem"), "-subj", f"/CN={address}"]
    subprocess.run([*words, "-addext", f"subjectAltName=IP:{address}"], check=True, capture_output=True)
    server = (
        _server()
        .replace("listen 443 ssl", f"listen {address}:{port} ssl")
        .replace("listen [::]:443 ssl;", "")
        .replace("/etc/ssl/unlock.pem", str(folder / "pem"))
        .replace("/etc/ssl/unlock.key", str(folder / "key"))
        .replace("8022", str(behind))
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{ }}\n"
        f"http {{\n{temporary}{server}}}\n"
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert program, "this needs nginx on this machine: apt install nginx-core"
    with subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")]) as process:
        try:
            _await(address, port)
            yield
        finally:
            process.terminate()


def _await(address: str, port: int) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection((address, port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")
