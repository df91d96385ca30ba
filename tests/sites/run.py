"""One case from beginning to end: a fresh host, its site, broken, asked, diagnosed, judged."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hosts import engine
from hosts.testbed import Testbed, TestHost
from sites.case import Case, filled

NAMES = ("site.test", "www.site.test", "other.test", "shop.test", "api.site.test")
LIMIT = 150
_OPCACHE = 2.5
"""Seconds after which PHP has seen that a file changed (opcache.revalidate_freq is 2)."""
_AUTHORITY = "/etc/ssl/lab-ca.pem"
_CHECKOUT = Path(__file__).parents[2]
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "PYTHONPATH": str(_CHECKOUT / "src"),
}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a case: ``outcome`` is one of tests/score/judge.py's words."""

    name: str
    outcome: str
    why: str
    seconds: float


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """This machine before one site: names lead to it in a mount namespace of their own."""

    case: Case
    folder: Path
    container: str
    variables: Mapping[str, str]

    def asked(self, *command: str, limit: float = LIMIT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._here(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
            cwd=self.folder,
            env=_ENVIRONMENT,
        )

    @contextmanager
    def begun(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that runs, in a process group of its own; it has ended afterwards."""
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            self._here(command),
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
            cwd=self.folder,
            env=_ENVIRONMENT,
        ) as process:
            yield process

    def _here(self, command: Sequence[str]) -> list[str]:
        bind = f'mount --bind "{self.folder}/hosts" /etc/hosts; exec "$@"'
        return ["unshare", "--mount", "sh", "-ec", bind, "sh", *command]

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yml"

    @staticmethod
    def program(task: str) -> list[str]:
        return [sys.executable, "-m", "sshdoctor.cli", task]

    def sshdoctor(self, task: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """A task about the site."""
        return self.asked(*self.program(task), *self.site(), *flags)

    @property
    def url(self) -> str:
        request = self.case.request
        return request.url.replace("://", f"://{request.auth}@", 1) if request.auth else request.url

    def site(self) -> list[str]:
        """The flags by which the site is asked as the case has it."""
        request = self.case.request
        flags = (
            [f"--method={request.method}"]
            if request.method != "GET" or not request.follow
            else ["--method=GET"]
        )
        flags += [
            f"--header={name}: {filled(value, self.variables)}" for name, value in request.headers.items()
        ]
        if request.body is not None:
            (self.folder / "body").write_bytes(request.data)
            flags.append(f"--data={self.folder}/body")
        if (self.folder / "ca.pem").exists():
            flags.append(f"--ca={self.folder}/ca.pem")
        return [f"--host={self.url}", "--on=web1", f"--inventory={self.inventory}", *flags]

    def diagnose(self, form: str = "json") -> subprocess.CompletedProcess[str]:
        return self.sshdoctor("diagnose", f"--format={form}")

    def curl(self) -> str:
        """What curl says: the status, or how it failed."""
        request = self.case.request
        flags = [
            "-s",
            "-o",
            str(self.folder / "page"),
            "-w",
            "%{http_code} %{exitcode}",
            "-m",
            str(request.timeout),
        ]
        flags += ["-L", "--max-redirs", "5"] if request.method in ("GET", "HEAD") else []
        flags += (
            ["-I"] if request.method == "HEAD" else ["-X", request.method] if request.method != "GET" else []
        )
        flags += [f"-H{name}: {filled(value, self.variables)}" for name, value in request.headers.items()]
        if request.body is not None:
            (self.folder / "body").write_bytes(request.data)
            flags += ["--data-binary", f"@{self.folder}/body"]
        if (self.folder / "ca.pem").exists():
            flags += ["--cacert", str(self.folder / "ca.pem")]
        return self.asked("curl", *flags, self.url).stdout


@contextmanager
def laid_out(case: Case, bed: Testbed, folder: Path) -> Iterator[Desk]:
    """The site of a case, broken, and the client before it. Raises engine.EngineError if a script fails."""
    folder.mkdir(parents=True, exist_ok=True)
    more = ",".join(case.capabilities) or None
    with ExitStack() as stack:
        host = stack.enter_context(bed.host("web", more=more))
        front = stack.enter_context(bed.host("web")) if case.front else None
        variables = {
            "client": str(host.network.ipv4[1]),
            "ip": host.address4,
            "front": front.address4 if front else "",
        }
        _run(host, _names(host.address4) + case.script(variables))
        if front:
            _run(front, _names(host.address4) + filled(case.front, variables))
        _keep_authority(front or host, folder)
        _write(folder, (front or host).address4, host)
        desk = Desk(case=case, folder=folder, container=host.container, variables=variables)
        desk.curl()
        _run(host, filled(case.break_, variables))
        if front:
            _run(front, filled(case.break_front, variables))
        time.sleep(_OPCACHE if ".php" in case.break_ else 0.5)
        for _ in range(case.request.repeat - 1):
            desk.curl()
        yield desk


def _names(address: str) -> str:
    return f"echo '127.0.0.1 {' '.join(NAMES[:2])}' >>/etc/hosts\n"


def _run(host: TestHost, script: str) -> None:
    engine.execute(
        host.enter, f"set +e\n{script}\ntrue", {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )


def _keep_authority(host: TestHost, folder: Path) -> None:
    text = host.run(f"cat {_AUTHORITY} 2>/dev/null || true", {})
    if text:
        (folder / "ca.pem").write_text(text + "\n")


def _write(folder: Path, address: str, host: TestHost) -> None:
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{address} {' '.join(NAMES)}\n")
    inventory = {
        "all": {
            "hosts": {
                "web1": {
                    "ansible_host": host.address4,
                    "ansible_connection": "podman",
                    "ansible_podman_host": host.container,
                }
            }
        }
    }
    (folder / "inventory.yml").write_text(json.dumps(inventory))


def run_case(case: Case, bed: Testbed, folder: Path) -> Result:
    """What the product says of a case; its report lies in ``folder`` afterwards."""
    with laid_out(case, bed, folder) as desk:
        seen = desk.curl()
        began = time.monotonic()
        answer = desk.diagnose()
        seconds = time.monotonic() - began
    (folder / "report.json").write_text(answer.stdout)
    (folder / "stderr.txt").write_text(answer.stderr)
    try:
        host = json.loads(answer.stdout)["hosts"][0]
    except (ValueError, KeyError, IndexError):
        last = (answer.stderr.strip().splitlines() or ["nothing was printed"])[-1]
        return Result(name=case.name, outcome="no answer", why=f"curl {seen}; {last}", seconds=seconds)
    outcome, why = judge(case, host)
    return Result(name=case.name, outcome=outcome, why=f"curl {seen}; {why}", seconds=seconds)


def judge(case: Case, host: Mapping[str, Any]) -> tuple[str, str]:
    """The outcome, and what was said."""
    first = host["causes"][0] if host["causes"] else None
    replies = ",".join(f"{one['reply']} {one['detail'] or ''}" for one in host["outside"])
    told = f"{replies}: {first['id']} ({first['confidence']}): {first['summary']}" if first else replies
    if not case.causes:
        if first:
            return "false alarm", told
        return ("right", told) if host["verdict"] == "healthy" else ("undecided", told)
    if first is None:
        return ("false healthy" if host["verdict"] == "healthy" else "undecided"), told
    if first["id"] not in case.causes:
        return ("wrong and proved" if first["confidence"] == "proved" else "wrong"), told
    places = " ".join(f"{one['source']} {one['text']}" for one in first["evidence"]) + first["summary"]
    missing = [place for place in case.at if place not in places]
    if case.at and len(missing) == len(case.at):
        return "half", f"names none of {', '.join(missing)}; {told}"
    return "right", told
