"""What the page does at hosts: ``allow`` and ``unban``, as a person would run them, with ``--yes``."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from typing import Any

import msgspec

from sshdoctor.reports.layout.printable import printable
from sshdoctor.unlock.worker import Outcome

_SECONDS, _TO_END = 300.0, 90.0
_WELL = ("proved", "nothing-to-do")


class AtHosts:
    """``again`` are the options by which the same hosts are meant: the inventory above all."""

    def __init__(self, again: Sequence[str], seconds: float = _SECONDS) -> None:
        self._again, self._seconds = tuple(again), seconds

    async def let_in(self, host: str, address: str) -> Outcome:
        """First allowed, then let go: so that nothing bans it again in between."""
        allowed = await self._run("allow", host, address)
        if not allowed.ok:
            return allowed
        free = await self._run("unban", host, address)
        return Outcome(free.ok, free.detail, changed=allowed.changed)

    async def take_off(self, host: str, address: str) -> Outcome:
        return await self._run("allow", host, address, "--remove")

    async def _run(self, task: str, host: str, address: str, *more: str) -> Outcome:
        words = [task, *more, f"--host={host}", f"--address={address}", "--yes", "--format=json", "--quiet"]
        command = [sys.executable, "-P", "-m", "sshdoctor.cli", *words, *self._again]
        process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
        try:
            async with asyncio.timeout(self._seconds):
                told, complaint = await process.communicate()
        except TimeoutError:
            await _end(process)
            return Outcome(ok=False, detail=f"{task}: no answer in {self._seconds:g} s")
        except asyncio.CancelledError:
            await _end(process)
            raise
        return _outcome(task, told, complaint)


def _outcome(task: str, told: bytes, complaint: bytes) -> Outcome:
    try:
        report: Any = msgspec.json.decode(told)["hosts"][0]
        repair = report["repair"]
        changed = any(one["status"] == "changed" for each in report["remedies"] for one in each["tasks"])
    except (msgspec.DecodeError, LookupError, TypeError):
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        return Outcome(ok=False, detail=printable(f"{task}: {''.join(last) or 'no report'}"))
    well = repair["outcome"] in _WELL
    return Outcome(well, "" if well else printable(f"{task}: {_why(report)}"), changed=well and changed)


def _why(report: Any) -> str:
    """What failed, in one line."""
    failed = [one for each in report["remedies"] for one in each["tasks"] if one["status"] == "failed"]
    detail = report["repair"]["detail"] or report["repair"]["outcome"]
    return " ".join([detail, *(f"({one['name']}: {one['message']})" for one in failed)])[:500]


async def _end(process: Process) -> None:
    """As by Ctrl-C: what is under way at the host is rolled back first."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), _TO_END)
        except TimeoutError:
            process.kill()
            await process.wait()
