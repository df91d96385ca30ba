"""One script out, named sections back: every command that the chosen facts need, in one round trip."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType

from sshdoctor import services
from sshdoctor.facts.parsing.section import Section

LANES = 4
SECTION_SECONDS = 10
SECTION_BYTES = 8 * 2**20


# `timeout` of coreutils and of busybox since 1.30 share this form; without it a shell does the same.
# SSHDOCTOR_RUN marks every process of this run in its environment, so that an interrupted run can be
# found and ended (see stop_script). Each command is one `sh -c`, so that none can end the script.
# What a command prints goes out with a bar before every line, so that no text can be taken for a fence,
# whoever wrote it; the last line of a section is its status and the number of its bytes.
_PATH = "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PRELUDE = f"""\
{_PATH}
LC_ALL=C LANGUAGE=C SYSTEMD_PAGER='' SYSTEMD_COLORS=0
"""
_PRELUDE += """\
SSHDOCTOR_RUN=$run
began=$(date +%s)
export PATH LC_ALL LANGUAGE SYSTEMD_PAGER SYSTEMD_COLORS SSHDOCTOR_RUN client address port user age began
export site site_path token
if timeout 1 true 2>/dev/null; then
  limited() { timeout -k 1 "$1" sh -c "$2"; }
else
  limited() {
    SSHDOCTOR_PART="@$3@" sh -c "$2" & job=$!
    ( sleep "$1"; late=
      for process in /proc/[0-9]*; do
        [ "$process" != "/proc/$job" ] || continue
        ! grep -qs "SSHDOCTOR_PART=@$3@" "$process/environ" || late="$late ${process#/proc/}"
      done
      kill -9 $late "$job" ) >/dev/null 2>&1 & watch=$! # the job last: its end is the end of this watch
    wait "$job"; status=$?
    kill "$watch" 2>/dev/null
    return "$status"
  }
fi
# framed: the sections of a lane, behind the mark, each line of one with a bar before it. What is over the
# size of a section is read and dropped, until the section ends.
if command -v awk >/dev/null; then
  framed() {
    awk -v most="$bytes" '
      NR == 1 { begins = "@@" $0 " begin "; ends = "@@" $0 " end "; next }
      index($0, begins) == 1 { print "\\n" $0; inside = 1; size = 0; next }
      !inside { next }
      index($0, ends) == 1 {
        inside = 0
        if (size > most) print "=over"; else printf "=%s %d\\n", substr($0, length(ends) + 1), size
        fflush(); next
      }
      size <= most { size += length($0) + 1; if (size <= most) print "|" $0 }'
  }
else
  framed() {
    read -r own
    begins="@@$own begin " ends="@@$own end " inside='' size=0
    while IFS= read -r line; do
      case $inside$line in
        "$begins"*) printf '\\n%s\\n' "$line"; inside=yes size=0 ;;
        "yes$ends"*)
          inside=
          if [ "$size" -gt "$bytes" ]; then echo '=over'; else echo "=${line#"$ends"} $size"; fi ;;
        yes*)
          [ "$size" -gt "$bytes" ] || {
            size=$((size + ${#line} + 1)); [ "$size" -gt "$bytes" ] || printf '|%s\\n' "$line"
          } ;;
      esac
    done
  }
fi
section() {
  printf '\\n@@%s begin %s@@\\n' "$mark" "$1"
  limited "$seconds" "$2" "$1" </dev/null 2>&1
  printf '\\n@@%s end %s\\n' "$mark" "$?"
}
"""


_ASKED_ONCE = """\
{name}=$(limited "$seconds" {text} {name} </dev/null 2>/dev/null) || {name}=
[ ${{#{name}}} -le 60000 ] || {name}= # the kernel passes on 128 KiB at most
export {name}
"""


def build_script(
    commands: Mapping[str, str],
    variables: Mapping[str, str],
    mark: str,
    once: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The POSIX script that runs ``commands`` (name to shell text), in lanes side by side.

    A lane writes into a pipe, which is copied out when the one before it has ended: hosts have more than one
    core, and nothing need be written to their disk. The sections come in the order of ``commands``.

    ``variables`` (client, address, port, user, age) reach the commands as quoted shell variables; ``seconds``
    among them is how long each command may take, where that is not SECTION_SECONDS. ``age``,
    the seconds since the host was first dialled, counts until ``began``: a busy host comes late to a command.
    ``mark`` is the random word that tells this run's fences from whatever else is printed; it stands in no
    command line and in no environment. What a text of ``once`` prints is asked before, and reaches the
    commands as the shell variable of its name; it is "" where the text did not end well.

    >>> print(build_script({"who": "id -u"}, {"user": "o'brien"}, "f00")[:26])
    user='o'"'"'brien'
    mark=f0
    """
    limits = {"seconds": str(SECTION_SECONDS), "bytes": str(SECTION_BYTES)}
    limits = {name: variables.get(name, most) for name, most in limits.items()}
    values = {**variables, "mark": mark, "run": run_word(mark), **limits}
    head = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    seen = (services.load(name).session_client for name in services.names())
    head += "".join(f'[ -n "$client" ] || client={word}\n' for word in seen)
    asked = "".join(
        _ASKED_ONCE.format(name=name, text=shlex.quote(once[name].strip())) for name in sorted(once)
    )
    lines = [f"section {name} {shlex.quote(text.strip())}\n" for name, text in commands.items()]
    size = -(-len(lines) // LANES) or 1
    lanes = ["".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    # Each lane prints its own sections, then copies what the lane behind it wrote into the pipe meanwhile.
    framed = (f'{{\n{{\necho "$mark"\n{lane}}} | framed\ncat\n}}' for lane in reversed(lanes or [""]))
    pipeline = " | ".join(framed)
    heard = "printf '\\n@@%s heard@@\\n' \"$mark\"\n"
    return f"{head}{heard}{_PRELUDE}{asked}: | {pipeline}\nprintf '\\n@@%s done@@\\n' \"$mark\"\n"


def was_heard(output: bytes, mark: str) -> bool:
    """Whether the host ran the script of ``mark`` at all."""
    return f"\n@@{mark} heard@@\n".encode() in output


def stop_script(mark: str) -> str:
    """The script that ends whatever the run ``mark`` left on the host (Linux: it reads /proc)."""
    return (
        f'for d in /proc/[0-9]*; do p=${{d#/proc/}}; [ "$p" = $$ ] || '
        f'if grep -qs SSHDOCTOR_RUN={run_word(mark)} "$d/environ"; then '
        f'kill -9 "$p"; fi; done 2>/dev/null\n'
    )


def run_word(mark: str) -> str:
    """What marks the processes of a run, which others may read; the mark cannot be told from it."""
    return sha256(mark.encode()).hexdigest()[:16]


def split_output(output: bytes, mark: str, names: Sequence[str]) -> dict[str, Section]:
    """The sections in ``output``, by name.

    A section that is not there is there as "never ran"; one that stands twice as "it came twice"; one that
    does not end as it says that it does as "cut off". Whatever stands before, between and after them (a login
    banner, a noisy .bashrc) is dropped.
    """
    text = "\n" + output.decode("utf-8", "surrogateescape")
    found: dict[str, Section] = {}
    for part in text.split(f"\n@@{mark} begin ")[1:]:
        name, _, rest = part.partition("@@\n")
        found[name] = _CAME_TWICE if name in found else _section(rest)
    return {name: found.get(name, _NEVER_RAN) for name in names}


_BREAKS = re.compile(r"[\v\f\x1c-\x1e\x85\u2028\u2029]|\r(?!\n)")


def _lined(text: str) -> str:
    """``text`` with line feeds alone to end a line; whatever else Python takes for an end is spelled out."""
    return _BREAKS.sub(lambda found: ascii(found[0])[1:-1], text).replace("\r\n", "\n")


_NEVER_RAN = Section("", None, "never ran")
_CAME_TWICE = Section("", None, "came twice")
_ENDS = re.compile(r"=(\d{1,3}) (\d{1,9})")


def _section(rest: str) -> Section:
    lines = []
    last = ""
    for line in rest.split("\n"):
        if not line.startswith("|"):
            last = line
            break
        lines.append(line[1:])
    said = "\n".join(lines)
    size = len(said.encode("utf-8", "surrogateescape")) + 1 if lines else 0
    output = _lined(said.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    if last == "=over":
        return Section(output, None, "too long")
    ends = _ENDS.fullmatch(last)
    if ends is None or int(ends[2]) != size:
        return Section(output, None, "cut off")
    status = int(ends[1])
    if status in (124, 137, 143):
        return Section(output, None, "timed out")
    return Section(output, status)
