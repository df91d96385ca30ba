"""The sites' own files: what can run in them, where nothing should, and lines that start, mail or include.

Sources: nginx's ``root`` and Apache's ``DocumentRoot``; php.ini (auto_prepend_file, user_ini.filename);
WordPress' developer handbook (mu-plugins and drop-ins run without being switched on; wp-content/uploads holds
no programs). Of files that can run only the newest, and those in places where nothing should run, are read,
once each, and of them the lines with a telling call. A path with a line feed in it is counted, not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.bounded import GENTLE, READ_BY, count, rows, unread
from sshdoctor.facts.parsing.output import evidence, number, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

MOST = 4000
"""So many files are read."""

COMMANDS = {
    "files": GENTLE
    + READ_BY
    + r"""
find / -maxdepth 0 -printf '' 2>/dev/null || { echo 'N'; exit 0; }
newline='
'
roots=$({ grep -rhoE '^[[:space:]]*(root|DocumentRoot)[[:space:]]+"?/[^";[:space:]]+' \
    /etc/nginx /etc/apache2 /etc/httpd/conf /etc/httpd/conf.d 2>/dev/null | grep -oE '/[^"]+$'
  for folder in /home/*/public_html /home/*/www /home/*/htdocs /var/www/*/htdocs /var/www/html \
    /var/www/vhosts/*/httpdocs; do
    [ ! -d "$folder" ] || printf '%s\n' "$folder"
  done; } | sort -u | grep -vE '^/(|etc|usr|var|home|root)/?$' | head -n 500)
[ -n "$roots" ] || exit 0
printf '%s\n' "$roots" | sed 's/^/R\t/'
odd='/(uploads|cache|images?|img|pictures|photos|media|fonts?|css|js|tmp|temp|files)/|/mu-plugins/|/[.][^/]+$'
tab=$(printf '\t')
# Each once; how many, when most of them were put there; then the odd ones, the newest, so many as are read.
chosen=$(printf '%s\n' "$roots" | tr '\n' '\0' | xargs -0 -r sh -c 'find "$@" -xdev -path "*
*" -printf "X\n" -o -type f \
  \( -iname "*.ph[pta]*" -o -name .htaccess -o -name "*.cgi" -o -name "*.pl" -o -name .user.ini -o -name php.ini -o \
     ! -name "*.jpg" ! -name "*.png" ! -name "*.js" ! -name "*.css" ! -name "*.gif" ! -name "*.svg" ! -name "*.webp" \
     ! -name "*.jpeg" ! -name "*.html" ! -name "*.mo" ! -name "*.po" ! -name "*.txt" ! -name "*.md" -perm /111 \) \
  -printf "%C@\t%T@\t%u\t%U\t%m\t%s\t%p\n"' _ 2>/dev/null | awk -F'\t' -v odd="$odd" '
  $0 == "X" { unread++; next }
  NF != 7 || had[$7]++ { next }
  $7 ~ /[.][pP][hH][^.\/]*$/ && $7 !~ /[.]([pP][hH][pP][0-9]?|[pP][hH][tT][mM][lL]|[pP][hH][aA][rR])$/ && $5 !~ /[1357]/ { next }
  { n++; minute = int($2 / 60); if (++minutes[minute] > most) { most = minutes[minute]; mode = minute }
    made = int($1 / 60); if (++mades[made] > top) { top = mades[made]; bulk = made }
    day = int($2 / 86400); if (++days[day] > crowd) { crowd = days[day]; busiest = day }
    print ($7 ~ odd ? 1 : 0) "\t" $0 }
  END { print "2\t0\t" busiest + 1; print "3\t0\tX\t" unread + 0; if (n) print "3\t0\tB\t" n "\t" mode * 60 "\t" bulk * 60 }' |
  sort -t"$tab" -k1,1nr -k2,2nr | head -n """
    + str(MOST + 3)
    + r""" | cut -f2-)
printf '%s\n' "$chosen" | sed -n 's/^0\t\([XB]\t.*\)/\1/p'
bulk=$(printf '%s\n' "$chosen" | sed -n 's/^0\t\([0-9]*\)$/\1/p')
chosen=$(printf '%s\n' "$chosen" | grep -v "^0$tab")
printf '%s\n' "$chosen" | sed 's/^/F\t/'
calls='(shell_exec|exec|passthru|system|popen|proc_open|pcntl_exec|mail|mb_send_mail|eval|assert|create_function)'
calls="$calls|move_uploaded_file|auto_prepend_file|auto_append_file|base64_decode|gzinflate|str_rot13"
calls="$calls|file_put_contents|include|include_once|require|require_once|AddHandler|SetHandler|AddType"
calls="$calls|RewriteRule|Require[[:space:]]+all|[Dd]eny[[:space:]]+from|FilesMatch|php_value|php_admin_value"
whole() {  # small ones that are odd or newer than the site, and what steers the server
  awk -F'\t' -v want="$1" -v odd="$odd" -v bulk="$bulk" '
    { is = $7 ~ /[.](htaccess|user[.]ini)$/ || ($6 < 6000 && ($7 ~ odd || $2 / 86400 > bulk)) && ++n < 600
      if (!is == !want) print $7 }'
}
spelled() {  # letters that stand as numbers in PHP (\x41, \101) as themselves
  awk '
    function read_number(digits, base,   n, length_, digit) {
      most = base == 16 ? 2 : 3
      while (length_ < most && (digit = index(substr("0123456789abcdef", 1, base), tolower(substr(digits, length_ + 1, 1)))) > 0 &&
             length(digits) > length_) { n = n * base + digit - 1; length_++ }
      taken = length_
      return n % 256
    }
    !/include|require/ { next }
    { text = $0; out = ""
      while ((at = index(text, "\\")) > 0) {
        hex = substr(text, at + 1, 1) == "x"
        n = read_number(substr(text, at + 1 + hex, 3), hex ? 16 : 8)
        out = out substr(text, 1, at - 1)
        if (taken) out = out (n > 31 && n < 127 ? sprintf("%c", n) : "?"); else { out = out "\\"; hex = 0 }
        text = substr(text, at + 1 + hex + taken)
      }
      print out text }'
}
told() { tr '\000' '\t' | cut -c1-700 | sed 's/^/L\t/'; }
calling="(^|[^A-Za-z0-9_>:])($calls)([^A-Za-z0-9_]|\$)"
export calling
said=$(printf '%s\n' "$chosen" | whole 1 | read_by 'grep -D skip -aHnZm 60 "" -- "$@" 2>/dev/null' | told
printf '%s\n' "$chosen" | whole 0 |
  read_by 'grep -D skip -aHnZm 40 -E "$calling" -- "$@" 2>/dev/null' | told | head -n 30000)
printf '%s\n' "$said"
steering=$(grep -rsHnZE '^[^;#]*auto_(prepend|append)_file.*=[[:space:]]*"?/' \
  /etc/php /etc/php.ini /etc/php.d /etc/php-fpm.conf /etc/php-fpm.d /etc/opt/remi 2>/dev/null | head -n 50 | told)
[ -z "$steering" ] || printf '%s\n' "$steering"
printf '%s\n' "$steering" | awk -F'\t' '$2 != "" && !had[$2]++ { print $2 }' | tr '\n' '\0' |
  xargs -0 -r sh -c 'find "$@" -maxdepth 0 -type f -printf "F\t%C@\t%T@\t%u\t%U\t%m\t%s\t%p\n"' _ 2>/dev/null
disguised=$({  # programs under other names: where a line makes the server run them, or another file includes them
  printf '%s\n' "$said" | awk -F'\t' '$2 ~ /[.]htaccess$/ && /(Add|Set)(Handler|Type)/ {
    sub(/\/[^\/]*$/, "", $2); if (!had[$2]++) print $2 }' | tr '\n' '\0' |
    xargs -0 -r sh -c 'find "$@" -maxdepth 2 -type f -size -128k ! -name "*.php" ! -name .htaccess ! -path "*
*"' _ 2>/dev/null | head -n 2000 | read_by 'grep -D skip -lF "<?php" -- "$@" 2>/dev/null'
  printf '%s\n' "$said" "$steering" | awk -F'\t' '
    /auto_(prepend|append)_file/ && match($3, /[=[:space:]"]\/[^"; ]+/) {
      name = substr($3, RSTART + 1, RLENGTH - 1); if (name !~ /[.]php$/ || name ~ /^\/(etc|tmp|var|usr|opt)\//) print name }'
  printf '%s\n' "$said" | spelled | awk -F'\t' -v quote="['\"]" '
    /(include|require)/ && match($3, quote "[^\"'\'']*[.](ico|jpe?g|png|gif|txt|dat|log|css|js)" quote) {
      name = substr($3, RSTART + 1, RLENGTH - 2); folder = $2; sub(/\/[^\/]*$/, "", folder)
      print name; sub(/^\//, "", name); print folder "/" name }'
} | grep '^/' | sort -u | head -n 500)
printf '%s\n' "$disguised" | tr '\n' '\0' | xargs -0 -r sh -c 'find "$@" -maxdepth 0 -type f \
  -printf "F\t%C@\t%T@\t%u\t%U\t%m\t%s\t%p\n"' _ 2>/dev/null
printf '%s\n' "$disguised" | grep . | read_by 'grep -D skip -aHnZm 60 "" -- "$@" 2>/dev/null' | told
grep -rHnE '^[^;]*disable_functions.*[=, ]mail([, ]|$)' /etc/php /etc/php.ini /etc/php.d /etc/php-fpm.d 2>/dev/null |
  head -n 20 | sed 's/^/D\t/'
true
"""
}


class SiteFile(Struct, frozen=True, kw_only=True):
    """A file that a web server may run, or that steers it; times in seconds since 1970. ``lines`` are those
    that were kept, by number."""

    path: str
    owner: str
    uid: int
    mode: int
    modified: float
    changed: float
    size: int
    lines: Mapping[int, str]


class SiteFiles(Struct, frozen=True, kw_only=True):
    """``files`` by path, those that were chosen to be read. ``total``: so many there are. ``modified`` and
    ``changed`` are the minutes in which most of them were: when the site was put there."""

    roots: tuple[str, ...]
    files: Mapping[str, SiteFile]
    total: int
    modified: float
    changed: float
    off: tuple[str, ...]
    """Lines of PHP's configuration that take mail() away, each behind its file and number."""
    unread: int
    """Lines of paths with a line feed in them, which were not looked at."""
    late: frozenset[int]
    """The users whose files were not read to the end: it took too long."""
    evidence: tuple[Evidence, ...]


VALUE = SiteFiles
WRITERS = {"": "anyone"}


def parse(sections: Mapping[str, Section]) -> SiteFiles | Unknown:
    section = sections["files"]
    if (cut := unseen(section)) is not None:
        return cut
    if section.output.strip() == "N":
        return Unknown("its find(1) cannot print what it finds (-printf)")
    text = section.output
    lines: dict[str, dict[int, str]] = {}
    for row in (line.split("\t", 2) for line in text.splitlines() if line.startswith("L\t")):
        place, _, said = row[2].partition(":") if len(row) == 3 else ("", "", "")
        if (at := number(place)) is not None:
            lines.setdefault(row[1], {})[at] = said
    bulk = next((row for row in rows(text, 4) if row[0] == "B"), ["B", "0", "0", "0"])
    files = {}
    for _, changed, modified, owner, uid, mode, size, path in (r for r in rows(text, 8) if r[0] == "F"):
        files[path] = SiteFile(
            path=path,
            owner=owner,
            uid=count(uid),
            mode=int(mode, 8) if mode.isdigit() else 0,
            modified=float(count(modified)),
            changed=float(count(changed)),
            size=count(size),
            lines=dict(sorted(lines.get(path, {}).items())),
        )
    roots = tuple(row[1] for row in rows(text, 2) if row[0] == "R")
    return SiteFiles(
        roots=roots,
        files=files,
        total=count(bulk[1]),
        modified=float(count(bulk[2])),
        changed=float(count(bulk[3])),
        off=tuple(row[1] for row in rows(text, 2) if row[0] == "D"),
        unread=sum(count(row[1]) for row in rows(text, 2) if row[0] == "X"),
        late=unread(text),
        evidence=evidence("find", [f"{count(bulk[1])} files that can run, in {', '.join(roots)}"]),
    )
