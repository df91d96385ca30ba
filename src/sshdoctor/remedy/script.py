"""The one script that applies a plan: what tasks stand on, the guard, the tasks, in that order."""

from __future__ import annotations

import shlex
from pathlib import Path

from sshdoctor import services
from sshdoctor.remedy.playbook.compile import Program

_HERE = Path(__file__).parent

_HEAD = """\
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C LANGUAGE=C SYSTEMD_PAGER='' SYSTEMD_COLORS=0 DEBIAN_FRONTEND=noninteractive
export PATH LC_ALL LANGUAGE SYSTEMD_PAGER SYSTEMD_COLORS DEBIAN_FRONTEND
umask 022
for folder in "${TMPDIR:-/tmp}" /run /dev/shm; do
  work=$(mktemp -d "$folder/sshdoctor.XXXXXX" 2>/dev/null) && true >"$work/try" && break
  work=
done
[ -n "$work" ] || { echo "/tmp, /run and /dev/shm are full or read-only" >&2; exit 1; }
trap 'rm -rf "$work"' EXIT
stopped=
"""
_UNGUARDED = """\
keep() { :; }
inverse() { :; }
guard_touch() { :; }
"""
_OVER = """\
say journal; cat "$work/journal" 2>/dev/null
say over
"""


def shell_file(name: str) -> str:
    """The text of one of this room's shell files."""
    return (_HERE / name).read_text(encoding="utf-8")


def head(mark: str, *, check: bool) -> str:
    """What every script begins with; ``mark`` fences what it says."""
    parts = f"{_HEAD}{shell_file('host.sh')}{_shared()}"
    return f"mark={shlex.quote(mark)}\ncheck={'1' if check else ''}\n{parts}"


def checking_script(program: Program, mark: str, *, asks_guard: bool = False) -> str:
    """The tasks in check mode: nothing on the host is changed, nothing is kept there.

    ``asks_guard``: they call functions of the guard that only look.
    """
    guard = guard_functions() if asks_guard else ""
    return f"{head(mark, check=True)}{guard}{_UNGUARDED}{program.functions}{program.text}{_OVER}"


def applying_script(
    program: Program,
    *,
    mark: str,
    run: str,
    seconds: int,
    about: str = "",
    client: str | None = None,
    on_disk: bool = False,
    joins: bool = False,
    opening: str = "",
) -> str:
    """The tasks under a restore that is armed for ``seconds``; none is armed if ``seconds`` is 0.

    ``run`` names the state that is kept on the host, ``about`` is what it says of the remedy there. With a
    ``client`` ("" where its address is not known) what the server would do for every account is compared. Of
    a mounted disk all files that matter are kept. ``joins``: the restore is armed, for tasks before these.
    ``opening``: the file by which something is opened for a while; to close it is all the way back there is.
    """
    top = head(mark, check=False)
    return _applying(
        program,
        top,
        shlex.quote(run),
        seconds,
        about=about,
        client=client,
        on_disk=on_disk,
        joins=joins,
        opening=opening,
    )


def console_script(program: Program, *, seconds: int) -> str:
    """The same for a person at a console; its argument names the state. It fails if a task does."""
    names = "\n".join(f"{task.number} {task.name}" for task in program.tasks)
    voice = f"names={shlex.quote(names)}\n{shell_file('console.sh')}"
    applied = _applying(program, head("", check=False) + voice, '"$1"', seconds)
    return f'{applied}[ -z "$stopped" ]\n'


def _applying(
    program: Program,
    top: str,
    run: str,
    seconds: int,
    *,
    about: str = "",
    client: str | None = None,
    on_disk: bool = False,
    joins: bool = False,
    opening: str = "",
) -> str:
    effects = None if client is None or not seconds else shlex.quote(client or "127.0.0.1")
    opened = f'guard_open {run} <"$work/guard.sh"{" && guard_take_files" if on_disk else ""}'
    armed = f" && guard_take && guard_arm {seconds}" if seconds and not joins else ""
    armed += f" && guard_opening {shlex.quote(opening)}" if opening else ""
    opened = f"guard_join {run}" if joins else opened
    return "".join(
        [
            top,
            guard_functions(),
            program.functions,
            f'{opened}{armed} || {{ say "refused $guard_reason"; exit 1; }}\n',
            f"guard_about {shlex.quote(about)}\n",
            f'guard_client={effects}; guard_effects "$state/effects"\n' if effects and not joins else "",
            program.text,
            "guard_after\nguard_touch\n",
            "say effects; guard_tell_units; guard_tell_effects\n" if seconds else "",
            _OVER,
        ]
    )


def guard_functions() -> str:
    """Shell text that defines the guard's functions, and leaves their text in ``$work/guard.sh``."""
    return f'cat >"$work/guard.sh" <<\'END_OF_GUARD\'\n{guard_text()}END_OF_GUARD\n. "$work/guard.sh"\n'


def guard_text() -> str:
    """The guard as the one file that is kept on the host."""
    first, last = _HERE / "guard" / "basics.sh", _HERE / "guard" / "itself.sh"
    parts = sorted({*first.parent.glob("*.sh")} - {first, last})
    texts = [part.read_text(encoding="utf-8") for part in (first, *parts, last)]
    return "".join([texts[0], _shared(), services.shell("guard"), *texts[1:]])


def _shared() -> str:
    """For the tasks and the guard alike: what finds a service's process, what acts in folders of others."""
    return "".join((services.find_servers(), services.shell("process"), shell_file("theirs.sh")))


def guard_script(command: str, run: str, mark: str) -> str:
    """A command of the guard over the state ``run`` that is on the host: confirm, restore, undo, status."""
    return f"{head(mark, check=False)}{guard_functions()}guard_{command} {shlex.quote(run)}\n"
