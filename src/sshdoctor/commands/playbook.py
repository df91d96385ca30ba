"""The command ``playbook``: one playbook by name, under guard."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sshdoctor.commands.shared.changes import ChangeOptions, agree, choice_of, repair_setup, work_on_each
from sshdoctor.commands.shared.options import Options, hosts_of, probe_options
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.errors import UsageError
from sshdoctor.inventory.folders import playbook_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.playbook.extra import extra_variables
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair

if TYPE_CHECKING:
    from sshdoctor.remedy.playbook.model import Playbook


def run(options: Options, wish: ChangeOptions, name: str, *, export: bool = False) -> int:
    """Run the playbook ``name``, or with ``export`` only print its variables."""
    choice = choice_of(wish, ())
    playbook = _named(name, playbook_folders(options.sources))
    variables = {
        key: value
        for key, value in extra_variables(options.extra_vars).items()
        if not key.startswith(("ansible_", "sshdoctor_"))  # of the inventory, not of the playbook
    }
    if export:
        return _export(options, choice, playbook, variables)
    special = _about_doors(name, variables)

    def work(host: Host, before: Diagnosis, setup: RepairSetup) -> HostReport:
        from sshdoctor.remedy.named import run_named

        asked = partial(agree, wish=wish)
        if special is not None:
            return special(host, before, setup, choice=choice, agree=asked, playbook=playbook)
        return run_named(host, before, setup, choice, asked, named=[(playbook, variables)])

    return work_on_each(options, work, wish, asks_anyway=special is not None)


def _about_doors(name: str, variables: Mapping[str, Any]) -> Callable[..., HostReport] | None:
    """The work of a playbook that changes doors: it says before, and proves after, which there are.

    None for any other. Raises UsageError for variables that mean nothing.
    """
    from sshdoctor.commands.shared.doors import trust, two_step

    if name == two_step.NAME:
        two_step.second_step(variables)
        return partial(two_step.work, extra=variables)
    if name == trust.NAME:
        trust.authority(variables)
        return partial(trust.work, extra=variables)
    return None


def _named(name: str, folders: Sequence[Path]) -> Playbook:
    from difflib import get_close_matches

    from sshdoctor.remedy.playbook.load import load_playbook

    name = name or ""
    known = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.yml")}
    if name in known:
        return load_playbook(known[name])
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "`sshdoctor playbooks` lists them"
    raise UsageError(f"there is no playbook {name!r}; {hint}" if name else f"which playbook? {hint}")


def _export(options: Options, choice: Choice, playbook: Playbook, extra: Mapping[str, Any]) -> int:
    setup = repair_setup(options.sources, probe_options(options))
    from sshdoctor.remedy.repair import given

    for host in hosts_of(options):
        with closing(diagnose_to_repair(host, setup)) as before:
            values = {**given(host, before, before.report.causes, choice), **extra}
        print(for_ansible({name: value for name, value in values.items() if name in playbook.variables}))
    return 0


def for_ansible(values: Mapping[str, Any]) -> str:
    """JSON for ``ansible-playbook -e @FILE``; what a host says is never run here by Ansible as a template.

    A text with a template in it gets YAML's tag ``!unsafe``, by which Ansible takes it as it stands
    (Ansible's documentation, "Unsafe or raw strings").
    """
    import json

    def marked(text: re.Match[str]) -> str:
        return f"!unsafe {text[0]}" if re.search(r"\{[{%#]", text[0]) else text[0]

    return re.sub(r'"(?:[^"\\]|\\.)*"', marked, json.dumps(values, indent=2, sort_keys=True))
