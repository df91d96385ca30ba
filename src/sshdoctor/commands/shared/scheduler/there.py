"""What a worker does, which has this same program: what goes there and what comes back is sealed."""

from __future__ import annotations

import pickle
import zlib
from functools import lru_cache, partial
from typing import Any

from sshdoctor import __version__
from sshdoctor.access import open_way
from sshdoctor.commands.shared.fleet import examine
from sshdoctor.diagnosis.pipeline import diagnose
from sshdoctor.diagnosis.setup import DiagnosisSetup, Plan
from sshdoctor.errors import AccessError, SshdoctorError
from sshdoctor.model import Host, HostReport, WayIn


class Sealed:
    """A value as its bytes: of a task that fails Dask logs the arguments, and a host may hold a password."""

    def __init__(self, value: object) -> None:
        self.content = zlib.compress(pickle.dumps(value))

    def open(self) -> Any:
        """The value; it comes from who may have anything run here anyway."""
        return pickle.loads(zlib.decompress(self.content))  # noqa: S301 -- the scheduler and its workers are trusted

    def __repr__(self) -> str:
        return "<sealed>"


def sealed_plan(setup: DiagnosisSetup) -> Sealed:
    """A worker has no files of the person's: all is read already."""
    return Sealed(setup.plan())


def look(host: Sealed, plan: Sealed) -> Sealed:
    """The report of one host, or what the person gave wrong; nothing is raised."""
    try:
        return Sealed(examine(host.open(), partial(_report, setup=_setup(plan.content))))
    except SshdoctorError as error:
        return Sealed(error)


def _report(host: Host, setup: DiagnosisSetup) -> HostReport:
    return diagnose(host, setup).report


@lru_cache(maxsize=2)
def _setup(content: bytes) -> DiagnosisSetup:
    plan: Plan = pickle.loads(zlib.decompress(content))  # noqa: S301 -- as above
    return plan.setup()


def run_script(script: Sealed, seconds: float, limit: int) -> bytes:
    """What a shell on the worker's machine prints, nothing if it could not be run."""
    try:
        access = open_way(WayIn(connection="local"), timeout=seconds)
    except AccessError:
        return b""
    try:
        return access.run(script.open(), timeout=seconds, limit=limit).stdout
    except AccessError:
        return b""
    finally:
        access.close()


def who(dask_worker: Any) -> tuple[str, str]:
    """The worker's name, and the version of this program there."""
    return str(dask_worker.name), __version__
