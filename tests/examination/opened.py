"""Which files an examination reads, and how often: python -m examination.opened [CASE]

By strace, from outside of a container. Programs, libraries and what the kernel makes up do not count.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from examination.host import cases, ill_host
from sshdoctor.facts import commands

_OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)", ([A-Z_|]+)[^=]*\) = \d+')
_NONE = re.compile(r"/(?:proc|sys|dev|usr/(?:lib|share/locale)|lib|lib64)(?:/|$)|/etc/ld\.so\.cache$")


def opened(container: str, fact: str) -> Counter[str]:
    """How often the commands of one fact open each file of the container to read it."""
    pid = subprocess.run(
        ["podman", "inspect", "--format", "{{.State.Pid}}", container],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        for text in commands((fact,)).values():
            into = ["nsenter", "--target", pid, "--mount", "--pid", "--root", "--wd=/", "sh", "-c", text]
            follow = ["strace", "-f", "-A", "-qq", "-e", "trace=open,openat", "-o", str(trace)]
            subprocess.run([*follow, *into], capture_output=True, check=False, timeout=280)
        return Counter(_read(trace.read_text(errors="replace")))


def _read(trace: str) -> list[str]:
    found = (_OPENED.search(line) for line in trace.splitlines())
    return [
        one[1] for one in found
        if one and "O_DIRECTORY" not in one[2] and "O_WRONLY" not in one[2]
        and one[1].startswith("/") and not _NONE.match(one[1])
    ]  # fmt: skip


def main(name: str = "web-upload-start") -> None:
    with ill_host(cases()[name]) as container:
        for fact in ("site_files", "requests", "letters", "entries", "mechanisms"):
            counts = opened(container, fact)
            twice = {path: times for path, times in counts.items() if times > 1}
            print(f"{fact}: {len(counts)} files, more than once: {len(twice)} {dict([*twice.items()][:12])}")


if __name__ == "__main__":
    main(*sys.argv[1:])
