"""A plan as one script for a console: the same tasks and guard; the person there is asked, and logs in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sshdoctor.model import HostReport
from sshdoctor.remedy.apply import prepare
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.script import console_script
from sshdoctor.rescue.script import part, pasteable
from sshdoctor.services import find_servers

_LINT = """\
# What runs in a shell of its own is in single quotes; a function is for who sources this.
# shellcheck disable=SC1003,SC2016,SC2030,SC2031
"""


def fix_script(report: HostReport, steps: Sequence[Step], plan: str, login: str, seconds: int) -> str:
    """One POSIX sh script that carries out ``steps`` on the host of ``report``, after asking there.

    ``plan`` is what the person there agrees to, ``login`` the command that proves it; ``seconds`` is the
    guard time. Raises PlaybookError where a playbook asks for what is not known.
    """
    prepared = prepare(steps, seconds)
    values = {
        "plan": plan,
        "login": login,
        "seconds": str(prepared.seconds),
        "host": report.host,
        "address": next((reply.address for reply in report.outside if reply.address), ""),
        "port": str(report.login.port),
        "user": report.login.user or "",
    }
    head = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    tasks = shlex.quote(console_script(prepared.program, seconds=prepared.seconds))
    apply = f'apply() {{\nprintf %s {tasks} | sh -s -- "$1"\n}}\n'
    return pasteable(
        "about_fix", _LINT + head + find_servers() + apply + part("eye") + part("verdict") + part("fix")
    )
