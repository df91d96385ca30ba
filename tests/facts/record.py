"""Records a case: runs the commands of a fact on a real host and keeps what they printed.

    python tests/facts/record.py CASE FACT... [--client A] [--address A] [--port P] [--user U]
        [--about TEXT] [--expect YAML] -- podman exec -i web1 sh -s

writes tests/facts/FACT/CASE.yml for each FACT and prints what the fact makes of it. What a case is to
expect is written by a person: the recorder keeps the ``expect`` of a file that is there already.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from sshdoctor import facts
from sshdoctor.facts import probe
from sshdoctor.facts.parsing.section import Section

HERE = Path(__file__).parent
MARK = "recording"


class _Dumper(yaml.SafeDumper):
    """Several lines are written as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def record(chosen: list[str], variables: dict[str, str], command: list[str]) -> dict[str, Section]:
    """The sections of the chosen facts, from the host that ``command`` runs a script on."""
    commands = facts.commands(chosen)
    script = probe.build_script(commands, variables, MARK, facts.asked_once(chosen))
    done = subprocess.run(command, input=script.encode(), capture_output=True, timeout=60, check=False)
    if done.stderr:
        sys.stderr.write(done.stderr.decode(errors="replace"))
    return probe.split_output(done.stdout, MARK, tuple(commands))


def case_of(name: str, sections: dict[str, Section]) -> dict[str, Any]:
    own = {key.partition(".")[2]: section for key, section in sections.items() if key.startswith(name + ".")}
    return {
        key: {
            "status": section.status,
            "output": section.output,
            **({"cut": section.cut} if section.cut else {}),
        }
        for key, section in own.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("facts", nargs="+")
    for name in ("client", "address", "user", "about", "age"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--port", default="22")
    parser.add_argument("--expect")
    at = sys.argv.index("--")
    given, command = parser.parse_args(sys.argv[1:at]), sys.argv[at + 1 :]
    chosen = list(facts.names()) if given.facts == ["all"] else given.facts
    variables = {name: getattr(given, name) for name in ("client", "address", "port", "user", "age")}
    sections = record(chosen, variables, command)
    values = facts.parse_all(chosen, sections)
    for name in chosen:
        path = HERE / name / f"{given.case}.yml"
        before = yaml.safe_load(path.read_text()) if path.exists() else {}
        expect = yaml.safe_load(given.expect) if given.expect else before.get("expect", {})
        about = given.about or before.get("about", "")
        case = {"about": about, "expect": expect, "sections": case_of(name, sections)}
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.dump(case, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))
        print(name, values[name], sep=": ")


if __name__ == "__main__":
    main()
