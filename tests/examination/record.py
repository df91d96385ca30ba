"""Records what the probe of an examination prints on hosts of cases.yml: python -m examination.record CASE...

Each goes to recorded/CASE.xz: the sections, from which findings are made in milliseconds.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from examination.host import HERE, cases, ill_host
from hosts import engine
from sshdoctor.facts import commands
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.probe import build_script, split_output

RECORDED = HERE / "recorded"
_MARK = "0f" * 16


def recorded_sections(path: Path) -> dict[str, Section]:
    """The sections of one recording."""
    said = json.loads(lzma.decompress(path.read_bytes()))
    return {name: Section(**each) for name, each in said.items()}


def ask(container: str, facts: tuple[str, ...]) -> tuple[Mapping[str, Section], float]:
    """What the container says, and after how many seconds."""
    asked = commands(facts)
    script = build_script(asked, {"client": "198.51.100.1", "user": "", "address": "", "port": ""}, _MARK)
    began = time.monotonic()
    done = subprocess.run(
        ["podman", "exec", "--interactive", container, "sh", "-s"],
        input=script.encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    return split_output(done.stdout, _MARK, tuple(asked)), time.monotonic() - began


def record(name: str, facts: tuple[str, ...]) -> None:
    with ill_host(cases()[name]) as container:
        sections, seconds = ask(container, facts)
    said = {key: {"output": s.output, "status": s.status, "cut": s.cut} for key, s in sections.items()}
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{name}.xz").write_bytes(lzma.compress(json.dumps(said).encode()))
    cut = {key: each["cut"] for key, each in said.items() if each["cut"]}
    sizes = {key: len(s.output) for key, s in sections.items()}
    print(f"{name}: {seconds:.1f} s, {sizes} {cut or ''}", flush=True)


def main(names: list[str]) -> None:
    from sshdoctor.examination import FACTS

    with engine.one_at_a_time():
        engine.prepare_images(["frozen", "frozen-exim"])
    for name in names or list(cases()):
        record(name, FACTS)


if __name__ == "__main__":
    main(sys.argv[1:])
