"""A throw-away host that nobody can reach: sshd is stopped, and a firewall rule drops what comes."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from sshdoctor.errors import DemoError
from sshdoctor.model import Host, Login, WayIn

IMAGE = "debian12"
CAPABILITIES = "NET_ADMIN,NET_RAW,AUDIT_WRITE,SYS_CHROOT"

PREPARE = """
until (: <>/dev/tcp/127.0.0.1/22) 2>/dev/null; do sleep 0.05; done
install -d -m 700 -o deploy /home/deploy/.ssh
echo "$KEY" | install -m 600 -o deploy /dev/stdin /home/deploy/.ssh/authorized_keys
cat /etc/ssh/ssh_host_*_key.pub
"""

BREAK = """
systemctl stop ssh
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -p tcp --dport 22 -j DROP
"""


@contextmanager
def broken_host() -> Iterator[Host]:
    """A container that drops what comes to port 22, with sshd stopped behind that; removed afterwards.

    It is up about a second after the image is there; the first time builds the image (half a minute).
    Ways in: SSH as ``deploy``, then the container engine. Raises DemoError.
    """
    require_engine()
    image = build_image()
    name = f"sshdoctor-demo-{uuid.uuid4().hex[:8]}"
    with TemporaryDirectory(prefix=f"{name}-") as folder:
        try:
            arguments = ("--systemd=always", f"--cap-add={CAPABILITIES}", "--hostname=web1", f"--name={name}")
            run_command("podman", "run", "--detach", *arguments, image)
            host = _prepared(name, Path(folder))
            run_in(name, BREAK)
            yield host
        finally:
            remove(name)


def require_engine() -> None:
    missing = [tool for tool in ("podman", "mmdebstrap", "ssh-keygen") if which(tool) is None]
    if missing:
        raise DemoError(
            f"there is no {' and no '.join(missing)} here; on Debian, as root: "
            "apt-get install podman runc netavark mmdebstrap openssh-client"
        )
    if os.geteuid() != 0:
        raise DemoError("a throw-away host with a firewall of its own takes root: run this with sudo")


def build_image(kind: str = IMAGE) -> str:
    """The engine's name for an image, built if it is missing; sets CONTAINERS_CONF where that is needed."""
    with as_file(files("sshdoctor.commands.demo") / "image.sh") as script:
        image, *configuration = run_command("sh", str(script), kind, show=True).splitlines()
    for path in configuration:
        os.environ["CONTAINERS_CONF"] = path
    return image


def _prepared(name: str, folder: Path) -> Host:
    key, known_hosts = folder / "key", folder / "known_hosts"
    run_command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    public_key = key.with_suffix(".pub").read_text()
    host_keys = run_command(
        "podman", "exec", f"--env=KEY={public_key}", name, "timeout", "30", "bash", "-ec", PREPARE
    )
    address = address_of(name)
    known_hosts.write_text("".join(f"{address} {line}\n" for line in host_keys.splitlines()))
    keys, known = (str(key),), (str(known_hosts),)
    login = Login(address=address, port=22, user="deploy", key_files=keys, known_hosts=known)
    return Host(
        name="web1",
        service="ssh",
        login=login,
        ways=(WayIn(connection="ssh", login=login), WayIn(connection="podman", target=name)),
    )


def address_of(container: str) -> str:
    return run_command("podman", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", container)


def run_in(container: str, script: str) -> str:
    """What root's shell prints in the container, within a minute. Raises DemoError."""
    return run_command("podman", "exec", container, "timeout", "60", "sh", "-ec", script)


def remove(container: str) -> None:
    run_command("podman", "rm", "--force", "--ignore", "--time", "0", container)


def run_command(*command: str, show: bool = False) -> str:
    errors = None if show else subprocess.PIPE
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, check=False
    )
    if done.returncode:
        raise DemoError(
            f"{' '.join(command[:2])} failed (exit {done.returncode}): {(done.stderr or '').strip()}"
        )
    return done.stdout.strip()
