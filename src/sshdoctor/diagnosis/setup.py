"""What all diagnoses of one run have in common: the checks, and what a host must be asked to answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor import access, services
from sshdoctor.diagnosis.background import kept, once
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.errors import UsageError
from sshdoctor.inventory.folders import check_folders
from sshdoctor.model import Host
from sshdoctor.services import layers

if TYPE_CHECKING:
    from sshdoctor.checks.load import Check

# What reads checks and facts is imported while a host is already being dialled.

_READ_LATER = ("diagnosis.report", "firewall", "firewall.nft.json")
_HOLDS = 30
"""Seconds for which what this machine says of itself holds, from one dial that fails to the next."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What to ask: ``facts`` of the host, and users' ``own`` commands, by check."""

    facts: tuple[str, ...]
    own: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    """Shell variables that the commands know besides."""
    chosen: bool = False
    """By the person, or for their own checks: all of it is asked, whatever the client meets."""


class DiagnosisSetup(Struct, frozen=True, kw_only=True):
    """What all diagnoses of one run have in common.

    ``wanted`` gives what a host is asked, ``checks`` what is made of it; both are first called while a host
    is already being dialled or asked. They raise CheckError, UsageError.
    """

    wanted: Callable[[], Wanted]
    checks: Callable[[], Sequence[Check]]
    probing: ProbeOptions
    this_machine: Callable[[], Mapping[str, Any]] = field(default_factory=lambda: kept(_HOLDS, _this_machine))
    """What the machine that dials says of itself, for those dials that fail."""

    def prepare(self) -> None:
        """Read and import all that every host takes, once, before workers are forked."""
        self.wanted(), self.checks(), self.this_machine()
        access.prepare()

    def plan(self) -> Plan:
        """The same, read already: it can be sent."""
        return Plan(self.wanted(), tuple(self.checks()), self.probing)


class Plan(Struct, frozen=True):
    """What all diagnoses of one run have in common, for another process to go by."""

    wanted: Wanted
    checks: tuple[Check, ...]
    probing: ProbeOptions

    def setup(self) -> DiagnosisSetup:
        return DiagnosisSetup(wanted=lambda: self.wanted, checks=lambda: self.checks, probing=self.probing)


def diagnosis_setup(
    folders: Sequence[Path], probing: ProbeOptions, only: Sequence[str] = (), rooms: Sequence[str] = ()
) -> DiagnosisSetup:
    """How every host of this run is diagnosed, by the checks in ``folders``; ``only`` names layers or checks.

    ``rooms`` are modules to import while a host answers, beside those that every diagnosis needs.
    """
    checks = once(lambda: load_checks(folders, only))
    # Only a choice of checks, or the user's own, changes what the host is asked.
    chosen = bool(only) or len(folders) > 1
    return DiagnosisSetup(
        wanted=once(lambda: replace(wanted_by(checks()), chosen=True) if chosen else every_fact()),
        checks=once(lambda: _while_waiting(checks, (*_READ_LATER, *rooms))),
        probing=probing,
    )


def _this_machine() -> Mapping[str, Any]:
    from sshdoctor.diagnosis.here import this_machine  # only where a dial failed is anything asked here

    return this_machine()


def _while_waiting(checks: Callable[[], tuple[Check, ...]], rooms: Sequence[str]) -> tuple[Check, ...]:
    loaded = checks()
    for name in rooms:
        import_module(f"sshdoctor.{name}")
    return loaded


def every_fact(own: Mapping[str, str] | None = None) -> Wanted:
    """All that a host can be asked."""
    from sshdoctor import facts

    return Wanted(facts=facts.names(), own=own or {})


def checks_of(checks: Sequence[Check], host: Host) -> tuple[Check, ...]:
    """Those that a diagnosis of this host's service asks."""
    service = services.load(host.service)
    return tuple(check for check in checks if check.is_of(service))


def wanted_of(checks: Sequence[Check], host: Host) -> Wanted:
    """What this host must be asked to answer those of its service."""
    return wanted_by(checks_of(checks, host))


def wanted_by(checks: Sequence[Check]) -> Wanted:
    """What a host must be asked to answer ``checks``."""
    from sshdoctor.diagnosis.derive import facts_of

    return Wanted(facts=facts_of(checks), own={check.id: check.run for check in checks if check.run})


def load_checks(folders: Sequence[Path], only: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks in ``folders``; those of ``only``, if it names some. Raises CheckError, UsageError."""
    own = check_folders(())
    return _chosen(_shipped_checks() if tuple(folders) == own else _read_checks(tuple(folders)), only)


@cache
def _shipped_checks() -> tuple[Check, ...]:
    """Those that came with this program: they do not change while it runs."""
    return _read_checks(check_folders(()))


def _read_checks(folders: tuple[Path, ...]) -> tuple[Check, ...]:
    from sshdoctor import facts
    from sshdoctor.checks import load
    from sshdoctor.diagnosis.derive import DERIVED, hearsay

    every = {name for service in services.names() for name in facts.names(service)}
    types = {name: facts.load(name).VALUE for name in sorted(every)}
    return load.load_checks(folders, {**types, **DERIVED}, hearsay())


def _chosen(checks: tuple[Check, ...], only: Sequence[str]) -> tuple[Check, ...]:
    """The checks that ``--only`` names by layer or id, with those that must be asked before them."""
    if not only:
        return checks
    by_id = {check.id: check for check in checks}
    unknown = [word for word in only if word not in by_id and word not in layers()]
    if unknown:
        close = get_close_matches(unknown[0], [*layers(), *by_id], n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"--only {unknown[0]}: neither a layer ({', '.join(layers())}) nor a check "
            f"(`sshdoctor checks` lists them){meant}"
        )
    wanted = {check.id for check in checks if check.id in only or check.layer in only}
    while before := {name for ident in wanted for name in by_id[ident].predecessors} - wanted:
        wanted |= before
    return tuple(check for check in checks if check.id in wanted)
