"""Watch ten thousand sites on loopback for a quarter of an hour, beside Prometheus with blackbox_exporter.

Prints what each takes of a core and of memory, how late the latest look came, and how soon people have been
told of 500 sites of one host that go down at once; exits with 1 if a limit does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from bench.timing import told

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from access.servers import Sshd  # noqa: E402  # it stands in tests/
from sshdoctor.commands.demo.mailbox import mailbox  # noqa: E402  # after the path is set

EVERY, MANY = 300, 500
_TICKS = os.sysconf("SC_CLK_TCK")
_COUNT = re.compile(r"^(\d+) messages: down (\d+)$")


def addresses(count: int) -> list[str]:
    """Those of the one host first."""
    many = [f"127.99.{number // 250}.{number % 250 + 1}" for number in range(MANY)]
    others = [
        f"127.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}" for number in range(count)
    ]
    return [*many, *others[: count - MANY]]


class Usage:
    """What a process has used since this was made."""

    def __init__(self, pid: int) -> None:
        self.pid, self.began = pid, time.monotonic()
        self.ticks = self._ticks()

    def core(self) -> float:
        """The part of one core."""
        return (self._ticks() - self.ticks) / _TICKS / (time.monotonic() - self.began)

    def memory(self) -> float:
        """The greatest resident size, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1000

    def _ticks(self) -> int:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])


@contextmanager
def running(*command: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """It is ended, and waited for."""
    with subprocess.Popen(command, text=True, cwd=ROOT, **more) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def inventory(port: int, mail: int, sshd: Sshd, count: int) -> dict[str, Any]:
    """One host with many sites, others with ten each; three witnesses, which are this machine by SSH."""
    urls = [f"http://{address}:{port}/" for address in addresses(count)]
    to = f"mailto://127.0.0.1:{mail}?smtp=127.0.0.1&mode=insecure&from=watch@example.org&to=ann@example.org"
    hosts: dict[str, Any] = {"web3": {"sshdoctor_sites": urls[:MANY]}}
    for number, first in enumerate(range(MANY, count, 10)):
        hosts[f"host{number}"] = {"sshdoctor_sites": urls[first : first + 10]}
    login = {
        "ansible_host": "127.0.0.1",
        "ansible_port": sshd.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(sshd.folder / "id"),
        "sshdoctor_known_hosts": str(sshd.known_hosts),
        "sshdoctor_vantage": True,
    }
    sites = {"hosts": hosts, "vars": {"sshdoctor_notify": [to]}}
    far = {"hosts": {f"far{number}": {} for number in (1, 2, 3)}, "vars": login}
    return {"all": {"children": {"sites": sites, "far": far}}}


def peers(stack: ExitStack, folder: Path, port: int, count: int, blackbox: str) -> list[Usage]:
    """Prometheus and blackbox_exporter on the same targets, as their manuals have it."""
    modules = {"http_2xx": {"prober": "http", "timeout": "20s", "http": {"method": "HEAD"}}}
    (folder / "blackbox.yml").write_text(json.dumps({"modules": modules}))
    labels = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": "127.0.0.1:19115"},
    ]
    job = {
        "job_name": "sites",
        "metrics_path": "/probe",
        "params": {"module": ["http_2xx"]},
        "scrape_interval": f"{EVERY}s",
        "scrape_timeout": "30s",
        "static_configs": [{"targets": [f"http://{address}:{port}/" for address in addresses(count)]}],
        "relabel_configs": labels,
    }
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job]}))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    asks = running(
        blackbox, f"--config.file={folder}/blackbox.yml", "--web.listen-address=127.0.0.1:19115", **quiet
    )
    keeps = running(
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        "--web.listen-address=127.0.0.1:19090",
        **quiet,
    )
    return [Usage(stack.enter_context(process).pid) for process in (asks, keeps)]


def heard(mails: Sequence[EmailMessage]) -> int:
    """Of how many sites that are down people have been told."""
    subjects = [str(mail["Subject"]) for mail in mails]
    digests = [int(one[2]) for one in map(_COUNT.match, subjects) if one]
    return sum(digests) + sum(subject.startswith("DOWN") for subject in subjects)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--blackbox", default=shutil.which("prometheus-blackbox-exporter") or "")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sites = stack.enter_context(
            running(sys.executable, "-m", "bench.many_sites", name, stdout=subprocess.PIPE)
        )
        assert sites.stdout is not None  # noqa: S101  # it is a pipe
        port = int(sites.stdout.readline())
        sshd = Sshd(folder / "sshd", "MaxStartups 100")
        stack.callback(sshd.stop)
        mail, mails = stack.enter_context(mailbox())
        (folder / "inventory.yml").write_text(json.dumps(inventory(port, mail, sshd, asked.targets)))
        others = peers(stack, folder, port, asked.targets, asked.blackbox) if asked.blackbox else []
        return measured(folder, asked.seconds, mails, others)


def measured(folder: Path, seconds: int, mails: Sequence[EmailMessage], others: Sequence[Usage]) -> int:
    """The watch, for so long; the sites of web3 go down after two thirds of it."""
    said = folder / "said"
    flags = ["--service=web", f"--inventory={folder}/inventory.yml", f"--state={folder}/state.db"]
    command = [sys.executable, "-m", "sshdoctor.cli", "watch", "--host=sites", *flags]
    with (
        said.open("w") as errors,
        (folder / "lines").open("w") as lines,
        running(*command, stdout=lines, stderr=errors) as watch,
    ):
        wait(lambda: "targets:" in said.read_text(), 300)
        usage = Usage(watch.pid)
        time.sleep(seconds * 2 / 3)
        core, before = usage.core(), len(mails)
        (folder / "down").touch()
        began = time.monotonic()
        wait(lambda: heard(mails) >= MANY, 300)
        all_told = time.monotonic() - began
        digests = len(mails) - before
        time.sleep(max(0.0, seconds - (time.monotonic() - usage.began)))
        core_of_all, memory = usage.core(), usage.memory()
        theirs = [(other.core(), other.memory()) for other in others]
    late = float(re.findall(r"came ([\d.]+) s late", said.read_text())[0])
    size = sum(file.stat().st_size for file in folder.glob("state.db*")) / 1e6
    print(f"sshdoctor watch: {core:.0%} of a core ({core_of_all:.0%} with the storm), {memory:.0f} MB")
    print(f"latest look: {late:.1f} s late; state file {size:.1f} MB")
    print(f"{MANY} sites down at once: all told after {all_told:.0f} s, in {digests} messages")
    for title, (share, resident) in zip(("blackbox_exporter", "prometheus"), theirs, strict=False):
        print(f"{title}: {share:.0%} of a core, {resident:.0f} MB")
    print(said.read_text())
    return told(
        {
            "under 40% of one core": core < 0.4,
            "under 300 MB": memory < 300,
            "no look later than 5 s": late < 5,
            "all are told within a minute": all_told < 60,
        }
    )


def wait(what: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            raise SystemExit("bench.watch: it did not come to it in time")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
