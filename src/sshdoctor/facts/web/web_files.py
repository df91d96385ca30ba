"""The files on the way to what was asked for: who may pass, what the servers see of them, and .htaccess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

# Every root, alias and DocumentRoot, with what remains of the path behind each of its slashes; and the paths
# that the last lines of the error logs name.
_CANDIDATES = r"""
roots=$( { nginx -T 2>/dev/null || cat /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*; cat /etc/apache2/sites-enabled/* /etc/apache2/conf-enabled/* /etc/apache2/apache2.conf \
  /etc/httpd/conf/*.conf /etc/httpd/conf.d/*.conf; } 2>/dev/null |
  awk '$1 == "root" || $1 == "alias" || $1 == "DocumentRoot" { print $2 } $1 == "Alias" { print $3 }' |
  tr -d '";' | grep '^/' | sed 's|/$||' | sort -u | head -n 20)
logged=$(tail -q -n 12 /var/log/nginx/*error*log /var/log/apache2/*error*log /var/log/httpd/*error*log \
  /var/log/php*fpm*log 2>/dev/null |
  grep -oE '/(home|var|srv|opt|usr|etc|mnt|data|www|run|tmp|root)/[A-Za-z0-9._/@+~-]+' | sort -u | head -n 40)
candidates=$(
  for root in $roots; do
    echo "$root"; rest=${site_path#/}
    while :; do
      echo "$root/$rest"
      case $rest in */*) rest=${rest#*/} ;; *) break ;; esac
    done
    for file in index.php index.html .maintenance wp-config.php; do echo "$root/$file"; done
  done
  echo "$logged"
)
real=$(echo "$candidates" | while IFS= read -r path; do readlink -f "$path" 2>/dev/null; done)
every=$(printf '%s\n%s\n' "$candidates" "$real" | grep '^/' | sed 's|//*|/|g; s|/$||' | sort -u | head -n 250)
"""
COMMANDS = {
    "walk": _CANDIDATES
    + r"""
echo "$every" | awk -F/ '{ path = ""; for (i = 2; i <= NF; i++) { path = path "/" $i; print path } }' | sort -u |
  head -n 700 | tr '\n' '\0' | xargs -0 -r stat -c '%a|%U|%G|%s|%Y|%F|%N' / 2>/dev/null
true
""",
    "folders": _CANDIDATES
    + r"""
for root in $roots; do
  folder=$root rest=${site_path#/}
  while [ -d "$folder" ]; do
    echo "$folder"
    case $rest in */*) folder=$folder/${rest%%/*} rest=${rest#*/} ;; *) break ;; esac
  done
  [ ! -d "$root$site_path" ] || echo "$root${site_path%/}"
done | sort -u | head -n 40 | while IFS= read -r folder; do
  [ "$(ls -A "$folder" | wc -l)" -le 400 ] || continue
  echo "@ $folder"
  ls -AF "$folder" | sed 's/^/|/'
done
true
""",
    "views": _CANDIDATES
    + r"""
for pid in $(ps -eo pid=,euser=,args= | awk '$2 != "root" && /nginx: worker|apache2 -k|httpd|php-fpm: pool/ { print $1 }' | head -n 8) \
  $(ps -eo pid=,euser=,args= | awk '$2 == "root" && /nginx: master|php-fpm: master|apache2 -k/ { print $1 }' | head -n 4); do
  name=$(readlink "/proc/$pid/exe") || continue
  [ "$(readlink /proc/$pid/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ] && { echo "@same ${name##*/}"; continue; }
  echo "@ ${name##*/}"
  echo "$every" | while IFS= read -r path; do
    [ ! -e "$path" ] || [ -e "/proc/$pid/root$path" ] || echo "$path"
  done
done
true
""",
    "htaccess": _CANDIDATES
    + r"""
echo "$every" | awk -F/ '{ path = ""; for (i = 2; i <= NF; i++) { path = path "/" $i; print path } }' | sort -u |
  head -n 700 | while IFS= read -r folder; do
    file=$folder/.htaccess
    [ -f "$file" ] && [ ! -h "$file" ] || continue
    echo "@ $file"
    dd if="$file" iflag=nofollow,nonblock bs=65536 count=1 2>/dev/null | sed 's/^/|/'; echo
  done
true
""",
    "application": _CANDIDATES
    + r"""
for root in $roots; do
  file=$root/.maintenance
  if [ -f "$file" ] && [ ! -h "$file" ]; then
    echo "@ $file $(stat -c %Y "$file")"
    dd if="$file" iflag=nofollow,nonblock bs=2000 count=1 2>/dev/null | sed 's/^/|/'; echo
  fi
  file=$root/wp-config.php
  if [ -f "$file" ] && [ ! -h "$file" ]; then
    echo "@ $file $(stat -c %Y "$file")"
    grep -nE "WP_HOME|WP_SITEURL|_SERVER|FORCE_SSL|WP_DEBUG" "$file" | cut -c1-300 | sed 's/^/|/'
  fi
done
true
""",
    "space": "df -P 2>/dev/null; echo '## inodes'; df -Pi 2>/dev/null; true",
}


class Entry(Struct, frozen=True, kw_only=True):
    """A file or folder; ``mode`` in octal digits, ``time`` of its last change in seconds since 1970."""

    path: str
    mode: str
    owner: str
    group: str
    size: int
    time: int
    kind: str
    target: str = ""
    """Where a symbolic link points."""


class WebFiles(Struct, frozen=True, kw_only=True):
    """``entries`` by path; ``hidden``: for each server with a view of its own, the paths that it does not see."""

    entries: Mapping[str, Entry]
    hidden: Mapping[str, tuple[str, ...]]
    folders: Mapping[str, Mapping[str, bool]]
    """The names in folders that were read whole, each with whether it is a folder."""
    htaccess: Mapping[str, str]
    application: Mapping[str, tuple[int, str]]
    full: tuple[str, ...]
    """Mount points without free bytes or inodes, each with the line of df that says so."""
    evidence: tuple[Evidence, ...]


VALUE = WebFiles
WRITERS = {"": "root", "htaccess": "anyone", "application": "anyone", "folders": "anyone"}


def parse(sections: Mapping[str, Section]) -> WebFiles | Unknown:
    if (cut := unseen(sections["walk"])) is not None:
        return cut
    entries = {one.path: one for one in _entries(sections["walk"].output)}
    application = {}
    for head, text in _blocks(sections["application"].output):
        path, _, time = head.rpartition(" ")
        application[path] = (int(time) if time.isdecimal() else 0, text)
    return WebFiles(
        entries=entries,
        folders={folder: _names(text) for folder, text in _blocks(sections["folders"].output)},
        hidden=_hidden(sections["views"].output),
        htaccess=dict(_blocks(sections["htaccess"].output)),
        application=application,
        full=tuple(_full(sections["space"].output)),
        evidence=(),
    )


def _entries(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        fields = line.split("|", 6)
        if len(fields) < 7 or not (fields[3].isdecimal() and fields[4].isdecimal()):
            continue
        name, _, target = fields[6].partition(" -> ")
        yield Entry(
            path=_unquoted(name),
            mode=fields[0].zfill(3),
            owner=fields[1],
            group=fields[2],
            size=int(fields[3]),
            time=int(fields[4]),
            kind=fields[5],
            target=_unquoted(target),
        )


def _unquoted(name: str) -> str:
    """As stat's %N writes a name.

    >>> _unquoted("'/var/www'")
    '/var/www'
    """
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"" else name


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    head, lines = "", list[str]()
    for line in text.splitlines():
        if line.startswith("@ "):
            if head:
                yield head, "\n".join(lines)
            head, lines = line[2:], []
        elif line.startswith("|"):
            lines.append(line[1:])
    if head:
        yield head, "\n".join(lines)


def _names(text: str) -> dict[str, bool]:
    """As ``ls -F`` marks them; a link may be either, and is left out."""
    marked = (line for line in text.splitlines() if line and not line.endswith("@"))
    return {line.rstrip("/*=|"): line.endswith("/") for line in marked} | {
        line[:-1]: False for line in text.splitlines() if line.endswith("@")
    }


def _hidden(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    program = ""
    for line in text.splitlines():
        if line.startswith("@"):
            program = line[2:] if line.startswith("@ ") else ""
        elif program:
            found.setdefault(program, []).append(line)
    return {program: tuple(dict.fromkeys(paths)) for program, paths in found.items()}


def _full(text: str) -> Iterator[str]:
    for line in text.splitlines():
        fields = line.split()
        used_up = len(fields) >= 6 and fields[-2] in ("100%", "99%") and fields[3].isdecimal()
        if used_up and fields[1] != "0" and not fields[0].startswith(("udev", "shm", "squashfs")):
            yield f"{fields[-1]}: {line}"
