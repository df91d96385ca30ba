"""What a look at a busy host begins with, and how many rows of text come back as records."""

from __future__ import annotations

from collections.abc import Iterator

from sshdoctor.facts.parsing.output import number

GENTLE = """\
renice -n 5 -p $$ >/dev/null 2>&1
ionice -c 3 -p $$ >/dev/null 2>&1
"""
"""Whatever the section runs gives way to everything else on the host, and still comes to an end within its
time where that never rests."""

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
        timeout 6 xargs -0 -r setpriv --reuid "$uid" --regid "$gid" --clear-groups sh -c \
          "find \"\$@\" -maxdepth $2 -type l -printf '%p\\0%l\\0'" _ 2>/dev/null
    done | lined
}
"""
"""``as_each NAME DEPTH`` prints links below /proc/PID/NAME, each before its target, as its owner sees it."""

READ_BY = r"""
# read_by SCRIPT: paths come in, one a line; SCRIPT has them as its arguments, and reads them as whoever could
# put something else in their place: as root where every folder on the way is root's alone (the spools of cron
# and at are their daemons'), else as the owner of the first one that is not, or of the file where all may
# write. So nobody has more read than he may read himself; a pipe or an endless file in the place of a text
# ends with the time and the memory of this one reader; whose texts were not read so is
# said (T, among the errors).
read_by() {
  if [ "$(id -u)" != 0 ]; then
    tr '\n' '\0' | timeout 15 xargs -0 -r sh -c "$1" _
    return
  fi
  read_list=$(cat)
  [ -n "$read_list" ] || return 0
  read_list=$({ awk -F: '{ print "G " $3 " " $4 }' /etc/passwd
    printf '%s\n' "$read_list" |
      awk -F/ '{ way = ""; for (i = 2; i < NF; i++) { way = way "/" $i; if (!had[way]++) print way } }' |
      tr '\n' '\0' | xargs -0 -r sh -c 'find -H "$@" -maxdepth 0 -printf "D %U %m %p\n"' _ 2>/dev/null
    printf '%s\n' "$read_list" | tr '\n' '\0' |
      xargs -0 -r sh -c 'find "$@" -maxdepth 0 -type f -printf "F %U %m %p\n"' _ 2>/dev/null; } |
    awk '
      function rest() { return substr($0, length($1 $2 $3) + 4) }
      /^G / { if (!($2 in group)) group[$2] = $3; next }
      /^D / { owner[rest()] = $2; open_to[rest()] = $3 ~ /[2367].$|[2367]$/; next }
      { path = rest(); by = 0; way = ""; n = split(path, part, "/")
        for (i = 2; i < n && by == 0; i++) {
          way = way "/" part[i]
          if (way ~ /^\/var\/spool\/(cron|at)(\/|$)/) continue
          if (!(way in owner) || owner[way] != 0) by = way in owner ? owner[way] : 65534
          else if (open_to[way]) by = $2 == 0 ? 65534 : $2 }
        print by " " (by in group ? group[by] : by) "\t" path }')
  printf '%s\n' "$read_list" | cut -f1 | sort -u | head -n 100 | while read -r uid gid; do
    [ -n "$gid" ] || continue
    if [ "$uid" = 0 ]; then set -- "$1"; else
      command -v setpriv >/dev/null || continue
      set -- "$1" setpriv --reuid "$uid" --regid "$gid" --clear-groups
    fi
    script=$1 && shift
    printf '%s\n' "$read_list" |
      awk -F'\t' -v by="$uid $gid" '$1 == by { print substr($0, length(by) + 2) }' |
      tr '\n' '\0' | timeout 8 xargs -0 -r "$@" sh -c "ulimit -v 800000; $script" _
      [ $? != 124 ] || printf 'T\t%s\n' "$uid" >&2
    set -- "$script"
  done
}
"""
"""``read_by SCRIPT`` reads files in which somebody else than root may have a hand."""


def unread(text: str) -> frozenset[int]:
    """The users whose texts ``read_by`` did not come to the end of in its time."""
    return frozenset(count(row[1]) for row in rows(text, 2) if row[0] == "T")


def rows(text: str, fields: int) -> Iterator[list[str]]:
    """The lines of ``text`` that have so many fields between tabs; others are somebody's forgery, or cut."""
    for line in text.splitlines():
        found = line.split("\t")
        if len(found) == fields:
            yield found


def count(text: str) -> int:
    """A number, 0 for what is none; of ``1700000000.25`` the whole seconds."""
    return number(text.partition(".")[0]) or 0
