"""A check file is read whole, and every fault in it is told at once, with its line."""

from pathlib import Path

import pytest
import yaml
from msgspec import Struct

from sshdoctor.checks.load import load_checks
from sshdoctor.errors import CheckError


class Service(Struct, frozen=True):
    state: str


SCHEMA = {"service": Service}
CASES = yaml.safe_load((Path(__file__).parent / "faulty_checks.yml").read_text())


def write(folder: Path, files: dict[str, str]) -> tuple[Path, ...]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return (folder,)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_faulty_check_is_refused_with_line_and_remedy(case: dict[str, object], tmp_path: Path) -> None:
    files = case["files"]
    assert isinstance(files, dict)
    with pytest.raises(CheckError) as caught:
        load_checks(write(tmp_path, files), SCHEMA)
    said = [fault.replace(f"{tmp_path}/", "") for fault in caught.value.faults]
    assert said == case["faults"]


SOUND = """\
title: It runs
facts: [service]
after: [{after}]
causes:
  - id: stopped
    when: service.state == "inactive"
    say: It is {{{{ service.state }}}}.
    reply: [rst]
otherwise: It runs.
"""


def test_checks_come_in_the_order_of_the_packets_way_and_after_what_they_name(tmp_path: Path) -> None:
    folders = write(
        tmp_path,
        {
            "daemon/a.yml": SOUND.format(after="z"),
            "daemon/z.yml": SOUND.format(after=""),
            "firewall/m.yml": SOUND.format(after=""),
        },
    )
    assert [check.id for check in load_checks(folders, SCHEMA)] == ["m", "z", "a"]


def test_a_users_own_command_is_a_fact_named_run(tmp_path: Path) -> None:
    cause = """{id: x, when: "'!' in run.output", say: s, latent: true}"""
    text = f"title: t\nrun: cat /etc/motd\ncauses: [{cause}]\notherwise: o\n"
    (check,) = load_checks(write(tmp_path, {"system/motd.yml": text}), SCHEMA)
    assert check.run == "cat /etc/motd"
