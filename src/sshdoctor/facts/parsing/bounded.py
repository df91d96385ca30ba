"""What a look at a busy host begins with, and how many rows of text come back as records."""

from __future__ import annotations

from collections.abc import Iterator

from sshdoctor.facts.parsing.output import number

GENTLE = """\
renice -n 19 -p $$ >/dev/null 2>&1
ionice -c 3 -p $$ >/dev/null 2>&1
"""
"""Whatever the section runs gives way to everything else on the host."""

LINED = r"""
lined() { tr '\n\000' '\001\n'; }
"""
"""Records that end in NUL become lines; a line feed within one becomes \\x01, so that no name can end one."""

AS_EACH = r"""
# Root without the right to look into others' processes (in many containers) becomes each of them for this.
rights=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
as_each() {
  [ "$(id -u)" = 0 ] && [ $((0x$rights >> 19 & 1)) = 0 ] && command -v setpriv >/dev/null || return
  grep -sE '^(Uid|Gid):' /proc/[0-9]*/status | awk '
    { pid = $1; sub(/^\/proc\//, "", pid); sub(/\/.*/, "", pid) }
    /:Uid:/ { uid[pid] = $2 }
    /:Gid:/ && uid[pid] > 0 { key = uid[pid] " " $2; pids[key] = pids[key] " " pid }
    END { for (key in pids) print key pids[key] }' | head -n 60 | while read -r uid gid pids; do
      for pid in $pids; do printf '%s\0' "/proc/$pid/$1"; done |
        timeout 2 xargs -0 -r setpriv --reuid "$uid" --regid "$gid" --clear-groups sh -c \
          "find \"\$@\" -maxdepth $2 -type l -printf '%p\\0%l\\0'" _ 2>/dev/null
    done | lined
}
"""
"""``as_each NAME DEPTH`` prints links below /proc/PID/NAME, each before its target, as its owner sees it."""


def rows(text: str, fields: int) -> Iterator[list[str]]:
    """The lines of ``text`` that have so many fields between tabs; others are somebody's forgery, or cut."""
    for line in text.splitlines():
        found = line.split("\t")
        if len(found) == fields:
            yield found


def count(text: str) -> int:
    """A number, 0 for what is none; of ``1700000000.25`` the whole seconds."""
    return number(text.partition(".")[0]) or 0
