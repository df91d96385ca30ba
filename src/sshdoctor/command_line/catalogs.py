"""Which checks and playbooks there are: the shipped ones, and the user's own beside the inventory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sshdoctor.background import once
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.diagnosis.pipeline import DiagnosisSetup
from sshdoctor.errors import UsageError
from sshdoctor.resources import shipped
from sshdoctor.services import layers

if TYPE_CHECKING:
    from sshdoctor.checks.load import Check
    from sshdoctor.diagnosis.inside import Wanted

OWN_CHECKS = "sshdoctor_checks"
"""The folder beside an inventory that holds the user's own checks."""

OWN_PLAYBOOKS = "sshdoctor_playbooks"
"""The folder beside an inventory that holds the user's own playbooks."""

_READ_LATER = ("diagnosis.report", "firewall", "firewall.nft.json")


def diagnosis_setup(
    sources: Sequence[Path], probing: ProbeOptions, only: Sequence[str] = (), rooms: Sequence[str] = ()
) -> DiagnosisSetup:
    """How every host of this run is diagnosed; ``only`` names layers or checks.

    ``rooms`` are modules to import while a host answers, beside those that every diagnosis needs.
    """
    checks = once(lambda: load_checks(sources, only))
    # Only a choice of checks, or the user's own, changes what the host is asked.
    chosen = bool(only) or len(check_folders(sources)) > 1
    return DiagnosisSetup(
        wanted=once(lambda: wanted_by(checks()) if chosen else _every_fact()),
        checks=once(lambda: _while_waiting(checks, (*_READ_LATER, *rooms))),
        probing=probing,
    )


def _while_waiting(checks: Callable[[], tuple[Check, ...]], rooms: Sequence[str]) -> tuple[Check, ...]:
    loaded = checks()
    for name in rooms:
        import_module(f"sshdoctor.{name}")
    return loaded


def _every_fact() -> Wanted:
    from sshdoctor import facts
    from sshdoctor.diagnosis.inside import Wanted

    return Wanted(facts=facts.names())


def wanted_by(checks: Sequence[Check]) -> Wanted:
    """What a host must be asked to answer ``checks``."""
    from sshdoctor.diagnosis.derive import facts_of
    from sshdoctor.diagnosis.inside import Wanted

    return Wanted(facts=facts_of(checks), own={check.id: check.run for check in checks if check.run})


def load_checks(sources: Sequence[Path], only: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks to ask: the shipped ones and the user's own. Raises CheckError, UsageError."""
    from sshdoctor import facts
    from sshdoctor.checks import load
    from sshdoctor.diagnosis.derive import DERIVED

    types = {name: facts.load(name).VALUE for name in facts.names()}
    return _chosen(load.load_checks(check_folders(sources), {**types, **DERIVED}), only)


def check_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped checks, and the user's own beside each inventory."""
    return _folders("checks", OWN_CHECKS, sources)


def playbook_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped playbooks, and the user's own beside each inventory."""
    return _folders("playbooks", OWN_PLAYBOOKS, sources)


def _folders(kind: str, own: str, sources: Sequence[Path]) -> tuple[Path, ...]:
    beside = dict.fromkeys(source.parent / own for source in sources or [Path("inventory.yml")])
    return (shipped(kind), *(folder for folder in beside if folder.is_dir()))


def _chosen(checks: tuple[Check, ...], only: Sequence[str]) -> tuple[Check, ...]:
    """The checks that ``--only`` names by layer or id, with those that must be asked before them."""
    if not only:
        return checks
    by_id = {check.id: check for check in checks}
    unknown = [word for word in only if word not in by_id and word not in layers()]
    if unknown:
        raise UsageError(
            f"--only {unknown[0]}: neither a layer ({', '.join(layers())}) nor a check; "
            "`sshdoctor checks` lists them"
        )
    wanted = {check.id for check in checks if check.id in only or check.layer in only}
    while before := {name for ident in wanted for name in by_id[ident].predecessors} - wanted:
        wanted |= before
    return tuple(check for check in checks if check.id in wanted)
