"""One script out, named sections back: every command that the chosen facts need, in one round trip."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from sshdoctor import services
from sshdoctor.facts.parsing.section import Section

LANES = 4
SECTION_SECONDS = 10
SECTION_BYTES = 8 * 2**20


# `timeout` of coreutils and of busybox since 1.30 share this form; without it a shell does the same.
# SSHDOCTOR_RUN marks every process of this run in its environment, so that an interrupted run can be
# found and ended (see stop_script). Each command is one `sh -c`, so that none can end the script.
_PATH = "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PRELUDE = f"""\
{_PATH}
LC_ALL=C LANGUAGE=C SYSTEMD_PAGER='' SYSTEMD_COLORS=0
"""
_PRELUDE += """\
SSHDOCTOR_RUN=$mark
export PATH LC_ALL LANGUAGE SYSTEMD_PAGER SYSTEMD_COLORS SSHDOCTOR_RUN client address port user
if timeout 1 true 2>/dev/null; then
  limited() { timeout -k 1 "$1" sh -c "$2"; }
else
  limited() {
    SSHDOCTOR_PART="@$3@" sh -c "$2" & job=$!
    ( sleep "$1"; late=$job
      for process in /proc/[0-9]*; do
        ! grep -qs "SSHDOCTOR_PART=@$3@" "$process/environ" || late="$late ${process#/proc/}"
      done
      kill -9 $late ) >/dev/null 2>&1 & watch=$!
    wait "$job"; status=$?
    kill "$watch" 2>/dev/null
    return "$status"
  }
fi
section() {
  printf '\\n@@%s begin %s@@\\n' "$mark" "$1"
  { limited "$seconds" "$2" "$1" </dev/null 2>&1
    printf '\\n@@%s end %s %s@@\\n' "$mark" "$1" "$?"; } | head -c "$bytes"
}
"""


def build_script(commands: Mapping[str, str], variables: Mapping[str, str], mark: str) -> str:
    """The POSIX script that runs ``commands`` (name to shell text), in lanes side by side.

    A lane writes into a pipe, which is copied out when the one before it has ended: hosts have more than one
    core, and nothing need be written to their disk. The sections come in the order of ``commands``.

    ``variables`` (client, address, port, user) reach the commands as quoted shell variables.
    ``mark`` is the random word that fences the sections of this run.

    >>> print(build_script({"who": "id -u"}, {"user": "o'brien"}, "f00")[:26])
    user='o'"'"'brien'
    mark=f0
    """
    values = {**variables, "mark": mark, "seconds": str(SECTION_SECONDS), "bytes": str(SECTION_BYTES)}
    head = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    seen = (services.load(name).session_client for name in services.names())
    head += "".join(f'[ -n "$client" ] || client={word}\n' for word in seen)
    lines = [f"section {name} {shlex.quote(text.strip())}\n" for name, text in commands.items()]
    size = -(-len(lines) // LANES) or 1
    lanes = ["".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    # Each lane prints its own sections, then copies what the lane behind it wrote into the pipe meanwhile.
    pipeline = " | ".join(f"{{\n{lane}cat\n}}" for lane in reversed(lanes or [""]))
    return f"{head}{_PRELUDE}: | {pipeline}\nprintf '\\n@@%s done@@\\n' \"$mark\"\n"


def stop_script(mark: str) -> str:
    """The script that ends whatever the run ``mark`` left on the host (Linux: it reads /proc)."""
    return (
        f'for d in /proc/[0-9]*; do p=${{d#/proc/}}; [ "$p" = $$ ] || '
        f'if grep -qs SSHDOCTOR_RUN={shlex.quote(mark)} "$d/environ"; then '
        f'kill -9 "$p"; fi; done 2>/dev/null\n'
    )


def split_output(output: bytes, mark: str, names: Sequence[str]) -> dict[str, Section]:
    """The sections in ``output``, by name; a section that is not there is there as "never ran".

    Whatever stands before, between and after the fences (a login banner, a noisy .bashrc) is dropped,
    and so is a fence that stands where none can: a second of the same name, one out of order.
    """
    text = output.decode("utf-8", "backslashreplace")
    sections: dict[str, Section] = {}
    start = 0
    for name in names:
        begin = f"\n@@{mark} begin {name}@@\n"
        at = text.find(begin, start)
        if at < 0:
            sections[name] = Section("", None, "never ran")
            continue
        start = at + len(begin)
        end = re.compile(rf"\n@@{mark} end {re.escape(name)} (\d+)@@\n").search(text, start)
        following = text.find(f"\n@@{mark} ", start)
        if end and end.start() == following:
            status = int(end[1])
            timed_out = status in (124, 137, 143)
            sections[name] = Section(
                text[start : end.start()], None if timed_out else status, "timed out" if timed_out else ""
            )
            start = end.end() - 1
        else:
            cut = "too long" if following >= 0 else "cut off"
            sections[name] = Section(text[start : following if following >= 0 else None], None, cut)
            start = following if following >= 0 else len(text)
    return sections
