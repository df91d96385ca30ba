"""Records what the probe of an examination prints on hosts of cases.yml: python -m examination.record CASE...

They go to recorded.xz, all in one as hosts have most in common: findings are made of them in milliseconds.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from examination.host import HERE, cases, ill_host
from hosts import engine
from sshdoctor.facts import commands
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.probe import build_script, split_output

RECORDED = HERE / "recorded.xz"
_MARK = "0f" * 16


@cache
def recorded() -> dict[str, dict[str, Section]]:
    """The sections of each host that was recorded, by its case."""
    return {case: {name: Section(**each) for name, each in said.items()} for case, said in _stored().items()}


def _stored() -> dict[str, dict[str, Any]]:
    return dict(json.loads(lzma.decompress(RECORDED.read_bytes()))) if RECORDED.exists() else {}


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


def record(name: str, facts: tuple[str, ...]) -> dict[str, Any]:
    """What the host of a case says, to be stored."""
    with ill_host(cases()[name]) as container:
        sections, seconds = ask(container, facts)
    said = {key: {"output": s.output, "status": s.status, "cut": s.cut} for key, s in sections.items()}
    cut = {key: each["cut"] for key, each in said.items() if each["cut"]}
    sizes = {key: len(s.output) for key, s in sections.items()}
    print(f"{name}: {seconds:.1f} s, {sizes} {cut or ''}", flush=True)
    return said


def main(names: list[str]) -> None:
    from sshdoctor.examination import FACTS

    with engine.one_at_a_time():
        engine.prepare_images(["frozen", "frozen-exim"])
    stored = _stored()
    try:
        for name in names or list(cases()):
            stored[name] = record(name, FACTS)
    finally:
        RECORDED.write_bytes(lzma.compress(json.dumps(stored, sort_keys=True).encode(), preset=9))


if __name__ == "__main__":
    main(sys.argv[1:])
