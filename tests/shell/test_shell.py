"""shellcheck has nothing to say about any text that is sent to a host's shell."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examination.record import recorded
from examination.table import examined
from sshdoctor import facts
from sshdoctor.access.relay import relay_script
from sshdoctor.diagnosis.probe import Probe
from sshdoctor.documents.reader import read_yaml
from sshdoctor.documents.resources import shipped
from sshdoctor.examination.cleanup.plan import tasks
from sshdoctor.facts.probe import stop_script
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Reply
from sshdoctor.remedy import modules
from sshdoctor.remedy.cleanup import CleanupTask, program
from sshdoctor.remedy.playbook.compile import Program, compile_playbooks
from sshdoctor.remedy.playbook.load import load_playbooks
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.remedy.script import applying_script, checking_script, console_script, guard_text
from sshdoctor.watch.witness.script import script as witness_script
from unblock.test_opening_variables import CASES, every_item

ROOT = Path(__file__).parents[2]
GIVEN: Mapping[str, Any] = read_yaml(Path(__file__).with_name("given.yml"), repeats_allowed=True)
PLAYBOOKS = load_playbooks([shipped("playbooks")])
SYSTEMD = "systemd"
MANAGERS = {SYSTEMD: "dpkg", "openrc": "apk", "sysvinit": "rpm", "none": "pacman"}
OPENINGS = [item for name in CASES for item in every_item(name)]
ALONE = "2154,2034,2010,2012,2013,2015,2016,2020,2086,2231"
"""A section reads what another part sets, splits words on purpose, holds awk; ``ls`` is evidence."""
QUOTED = "2016,2034,2086"
"""Sections stand in single quotes, read the variables outside of these, and split numbers."""
TASKS = "2154,2034,2016,2119,2120,2209,2317"
"""A task sets what a body may read, to words that may be a command's name or a script of their own; a body
sets its own words with ``set``; a function stands there with others that one of the actions needs."""
ARMED = f"{TASKS},1091,2015"
"""The guard is seen by itself; who is refused goes on to say so, whatever refused it."""


CLEANED = f"{ARMED},2030,2031"
"""What enters a folder of somebody else's does so in a subshell; a step that fails has said so."""
EVERY_FACT = (*facts.names(), *facts.about_doors())


def remarks(folder: Path, texts: Mapping[str, str], allowed: str = "") -> str:
    """All that shellcheck says about ``texts``, by name, as POSIX sh; ``allowed`` are numbers of remarks."""
    for name, text in texts.items():
        (folder / f"{name}.sh").write_text(text)
    files = sorted(map(str, folder.glob("*.sh")))
    exclude = [f"--exclude={allowed}"] if allowed else []
    command = ["shellcheck", "--shell=sh", "--format=gcc", *exclude, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.replace(f"{folder}/", "")


def compiled(playbooks: Sequence[Playbook], manager: str) -> Program:
    """Every task of some playbooks, for a host with that service manager."""
    host = {"service_manager": manager, "package_manager": MANAGERS[manager]}
    return compile_playbooks([(each, {**GIVEN, **host, "openings": OPENINGS}) for each in playbooks])


def of_managers(playbook: Playbook) -> dict[str, str]:
    """One playbook's scripts, each by the first manager that gets it so; without that of SYSTEMD."""
    first: dict[str, str] = {}
    for manager in MANAGERS:
        first.setdefault(checking_script(compiled([playbook], manager), "mark"), manager)
    return {f"{playbook.id}-{manager}": text for text, manager in first.items() if manager != SYSTEMD}


def guarded() -> dict[str, str]:
    """What stands around the tasks, and the guard."""
    none = compile_playbooks([])
    applied = applying_script(none, mark="mark", run="run", seconds=60, on_disk=True)
    return {"applied": applied, "console": console_script(none, seconds=60), "guard": guard_text()}


def action(name: str) -> str:
    """The function of one module, and what it needs."""
    module = modules.load(name)
    assert module is not None
    needed = "".join(map(modules.part, modules.parts(module)))
    return f"{needed}action() {{\n{modules.body(module) or ':'}\n}}\naction\n"


def test_of_every_fact(tmp_path: Path) -> None:
    assert remarks(tmp_path, facts.commands(EVERY_FACT), ALONE) == ""


def test_of_the_probe_and_of_what_ends_it(tmp_path: Path) -> None:
    host = load_hosts("root@127.0.0.1:1", None, {})[0]
    replies = [Reply(address=address, family="ipv4", port=1, word="rst") for address in ("127.0.0.1", "::1")]
    probe = Probe(host, replies, facts.names(), {"own": "echo of my own"}, when=time.time())
    assert remarks(tmp_path, {"probe": probe.script, "stop": stop_script("mark")}, QUOTED) == ""


def test_of_every_playbook(tmp_path: Path) -> None:
    whole = checking_script(compiled(PLAYBOOKS, SYSTEMD), "mark")
    assert remarks(tmp_path, {"tasks": whole}, TASKS) == ""


def test_of_every_playbook_that_is_another_one_elsewhere(tmp_path: Path) -> None:
    others = {name: text for each in PLAYBOOKS for name, text in of_managers(each).items()}
    assert {name.rpartition("-")[2] for name in others} >= {"openrc", "none"}
    assert remarks(tmp_path, others, TASKS) == ""


def test_of_every_module(tmp_path: Path) -> None:
    assert remarks(tmp_path, {name: action(name) for name in modules.known()}, TASKS) == ""


def test_of_the_guard_and_of_a_console(tmp_path: Path) -> None:
    assert remarks(tmp_path, guarded(), ARMED) == ""


def cleaned() -> str:
    """A clean-up of every kind of step that a recorded host takes."""
    steps = {task.call.split()[0]: task for name in recorded() for task in tasks(examined(name))}
    made = [CleanupTask(name=one.name, call=one.call) for one in steps.values()]
    return applying_script(program(made), mark="mark", run="run", seconds=60)


def test_of_a_clean_up(tmp_path: Path) -> None:
    assert remarks(tmp_path, {"clean": cleaned()}, CLEANED) == ""


def test_of_what_a_witness_runs(tmp_path: Path) -> None:
    hosts = load_hosts("root@127.0.0.1:1,o'brien@[::1]:2", None, {})
    said = {"witness": witness_script(hosts, 20), "relay": relay_script("relay ::1 22 word")}
    assert remarks(tmp_path, said, "2016") == ""


def test_no_file_of_shell_is_left_out() -> None:
    seen = "".join(
        [
            witness_script((), 20),
            relay_script(""),
            checking_script(compiled(PLAYBOOKS, SYSTEMD), ""),
            *guarded().values(),
            cleaned(),
            *map(action, modules.known()),
            *facts.commands(EVERY_FACT).values(),
        ]
    )
    files = [path for path in (ROOT / "src").rglob("*.sh") if "demo" not in path.parts]
    assert [path for path in files if path.read_text() not in seen] == []


def test_of_the_scripts_that_are_run_here(tmp_path: Path) -> None:
    names = ("bin/setup", "src/sshdoctor/commands/demo/image.sh")
    texts = {name.replace("/", "-"): (ROOT / name).read_text() for name in names}
    assert remarks(tmp_path, texts, QUOTED) == ""
