"""What starts programs on a host, and what is brought along by packages: files, their texts, who owns them.

Sources: crontab(5), cron(8), at(1), systemd.unit(5) and systemd.generator(7) (where they are looked for),
supervisord's manual, run-parts(8), pam_motd(8), pam.d(5), ld.so(8), udev(7), sudoers(5), passwd(5), sshd(8)
(rc, authorized_keys), sshd_config(5) (AuthorizedKeysFile), the start files of bash(1), zsh(1), fish(1), tcsh(1),
environment.d(5), pam_env(8), the specification of D-Bus (activation), tmpfiles.d(5), binfmt.d(5), sysctl.d(5),
Python's site module (.pth), cloud-init's manual (per-boot), incrontab(5), dpkg(1) and its database (info/*.list,
info/*.md5sums, Conffiles in status), rpm(8), lsattr(1). A file that a package brought and that is as it came is
not read; of others the text, and of the programs that it names the same again, twice (of those, what may be run
alone: never a file of secrets). Of /etc whatever all may read and is not as a package brought it: any program's
settings may name another. A path with a line feed in it is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from sshdoctor.facts.parsing.bounded import AS_EACH, GENTLE, LINED, READ_BY, count, unread
from sshdoctor.facts.parsing.output import evidence, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "files": GENTLE
    + LINED
    + AS_EACH
    + READ_BY
    + r"""
find / -maxdepth 0 -printf '' 2>/dev/null || { echo 'N'; exit 0; }
awk -F: '{ print "U\t" $1 "\t" $3 "\t" $6 "\t" $7 }' /etc/passwd
places='/etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly
/etc/cron.monthly /var/spool/cron /etc/crontabs /var/spool/at /etc/systemd/system /etc/systemd/user
/run/systemd/system /run/systemd/transient /usr/local/lib/systemd /usr/lib/systemd/system
/lib/systemd/system /usr/lib/systemd/user /usr/lib/systemd/system-generators /etc/systemd/system-generators
/var/lib/systemd/linger /etc/supervisor /etc/supervisord.conf /etc/supervisord.d
/etc/rc.local /etc/rc.d /etc/init.d /etc/inittab /etc/local.d /etc/update-motd.d /etc/profile
/etc/profile.d /etc/bash.bashrc /etc/bashrc /etc/zsh /etc/environment /etc/pam.d /etc/ld.so.preload
/etc/udev/rules.d /usr/lib/udev/rules.d /lib/udev/rules.d /run/udev/rules.d /etc/sudoers /etc/sudoers.d
/etc/network/if-up.d /etc/network/if-pre-up.d /etc/network/if-down.d /etc/network/if-post-down.d
/etc/NetworkManager/dispatcher.d /etc/networkd-dispatcher /etc/dhcp /etc/ppp/ip-up.d /etc/apt/apt.conf.d
/etc/logrotate.d /etc/aliases /etc/mail/aliases /etc/postfix/master.cf /etc/exim4 /etc/exim /etc/ssh/sshrc
/etc/modprobe.d /etc/bash_completion.d /etc/xdg/autostart /etc/default
/etc/systemd/user-generators /etc/systemd/system-sleep /etc/systemd/system-shutdown /usr/lib/systemd/system-sleep
/usr/lib/systemd/system-shutdown /run/systemd/system-generators /usr/local/lib/systemd/system-generators
/usr/lib/systemd/user-generators /usr/lib/systemd/user-environment-generators /etc/systemd/system.control
/usr/share/dbus-1/system-services /usr/share/dbus-1/services /usr/local/share/dbus-1 /usr/lib/tmpfiles.d
/run/tmpfiles.d /usr/lib/sysctl.d /usr/lib/binfmt.d /usr/lib/modprobe.d /usr/lib/environment.d
/var/lib/cloud/scripts /var/spool/incron /var/spool/fcron'
sums=md5sum
[ -d /var/lib/dpkg/info ] || sums=sha256sum
# What this examination, and whoever looks, stands on.
tools='ps top htop ls find grep awk ss netstat lsof crontab systemctl login su sudo sshd passwd md5sum'
programs() {
  { find /proc/[0-9]*/exe -maxdepth 0 -printf '%l\0' 2>/dev/null | lined; as_each exe 0 | grep -v '^/proc/'; } | sed 's/ (deleted)$//' | sort -u
  libraries='/usr/lib/security /usr/lib64/security /usr/lib/*/security'
  [ -h /lib ] || libraries="$libraries /lib/security /lib64/security /lib/*/security"
  # shellcheck disable=SC2086
  find $libraries -maxdepth 1 -name '*.so' 2>/dev/null
  for tool in $tools; do command -v "$tool"; done
  sed 's/#.*//' /etc/ld.so.preload 2>/dev/null | tr ' :' '\n\n'
  cat /proc/[0-9]*/cmdline 2>/dev/null | lined | cut -c1-300 | grep '^/' | sort -u | head -n 2000
}
# Where sshd looks for keys beside the usual places, %h and %u as they stand.
keys=$(cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | head -n 3000 |
  sed -n 's/^[[:space:]]*[Aa]uthorized[Kk]eys[Ff]ile[[:space:]=]*//p' | tr -d '"' | tr -s ' \t' '\n\n' |
  grep -vxE 'none|([.]ssh|%h/[.]ssh)/authorized_keys2?' | sed 's,^%h/,,' | sort -u | head -n 20)
of_homes() {
  awk -F: '$6 ~ "^/." && !seen[$6]++ { print $1 "\t" $6 }' /etc/passwd | head -n 2000 |
    while IFS="$(printf '\t')" read -r user home; do
      for name in .bashrc .bash_profile .bash_login .bash_aliases .bashrc.d .profile .bash_logout .zshrc .zprofile \
        .zlogin .zlogout .zshenv .kshrc .mkshrc .cshrc .tcshrc .login .config/fish/config.fish .config/fish/conf.d \
        .xprofile .xsessionrc .xsession .xinitrc .pam_environment .config/environment.d .ssh/rc \
        .ssh/authorized_keys .ssh/authorized_keys2 .forward .procmailrc .config/systemd/user \
        .config/systemd/user.control .local/share/systemd/user .config/autostart .local/share/dbus-1/services; do
        [ ! -e "$home/$name" ] || printf '%s\0' "$home/$name"
      done
      [ -z "$keys" ] || printf '%s\n' "$keys" | while IFS= read -r name; do
        case $name in /*) name=$(printf '%s' "$name" | sed "s/%u/$user/g; s/%%/%/g") ;; *) name=$home/$name ;; esac
        [ ! -f "$name" ] || printf '%s\0' "$name"
      done
    done
}
of_python() {  # what it reads before every script
  for folder in /usr/lib/python3*/dist-packages /usr/lib*/python3*/site-packages \
    /usr/local/lib/python3*/dist-packages /usr/local/lib/python3*/site-packages; do
    [ ! -d "$folder" ] || find "$folder" -maxdepth 1 -type f \
      \( -name '*.pth' -o -name sitecustomize.py -o -name usercustomize.py \) -print0 2>/dev/null | lined
  done
}
brought() {  # sums of settings, as packages brought them
  [ ! -r /var/lib/dpkg/status ] || sed -n 's/^ \(\/[^ ]*\) \([0-9a-f]\{32\}\).*/\2  \1/p' /var/lib/dpkg/status
  [ -d /var/lib/dpkg/info ] || ! command -v rpm >/dev/null ||
    rpm -qa --qf '[%{FILEDIGESTS}  %{FILENAMES}\n]' 2>/dev/null | grep -F '  /etc/'
}
of_settings() {
  { brought; echo --; find /etc -xdev -type f -perm -004 -size -128k -print0 2>/dev/null | lined | head -n 20000 |
    tr '\n' '\0' | xargs -0 -r "$sums" -- 2>/dev/null; } | awk '
    /^--$/ { on = 1; next }
    !on { had[$0]; next }
    !($0 in had) && sub(/^[0-9a-f]*  \//, "/")' | head -n 2000
}
of_folders() {  # hooks of the repositories in which something runs
  { find /proc/[0-9]*/cwd -maxdepth 0 -printf '%l\0' 2>/dev/null | lined; as_each cwd 0 | grep -v '^/proc/'; } |
    sort -u | grep '^/..' |
    head -n 200 | while IFS= read -r folder; do
      for name in hooks .git/hooks; do [ ! -d "$folder/$name" ] || printf '%s\0' "$folder/$name"; done
    done
}
first() {
  find $places -maxdepth 4 \( -type f -o -type l \) -print0 2>/dev/null | lined
  of_settings; of_python
  { of_homes; of_folders; } | xargs -0 -r sh -c 'find "$@" -maxdepth 4 \( -type f -o -type l \) -print0' _ \
    2>/dev/null | lined
}
rows() {
  tr '\n' '\0' | xargs -0 -r sh -c 'find "$@" -maxdepth 0 ! -type d \
    -printf "F\t%y\t%U\t%m\t%T@\t%C@\t%s\t%l\t%p\n"' _ 2>/dev/null
}
owners() {  # with "sums", how each file was when it came as well
  if [ -d /var/lib/dpkg/info ]; then
    (cd /var/lib/dpkg/info && awk '
      FILENAME == "-" || FILENAME == "" {
        want[$0]; if (sub(/^\/usr\//, "/")) want[$0]; else want["/usr" $0]
        next }
      FNR == 1 { sums = FILENAME ~ /[.]md5sums$/; name = FILENAME; sub(/^[.]\//, "", name)
        sub(/(:[a-z0-9]+)?[.](list|md5sums)$/, "", name) }
      !sums { if ($0 in want) print "O\t" name "\t" $0; next }
      ("/" substr($0, 35)) in want { print "S\t" substr($0, 1, 32) "\t/" substr($0, 35) }' - ./*.list ${1:+./*.md5sums})
  elif command -v rpm >/dev/null; then
    { sed 's/^/>/'; rpm -qa --qf '[%{=NAME}\t%{FILENAMES}\t%{FILEDIGESTS}\n]' 2>/dev/null; } |
      awk -F'\t' '
        /^>/ { path = substr($0, 2); want[path]; if (sub(/^\/usr\//, "/", path)) want[path]; next }
        $2 in want { print "O\t" $1 "\t" $2; if ($3 != "") print "S\t" $3 "\t" $2 }'
  else echo N2; fi
}
[ ! -r /var/lib/dpkg/diversions ] || awk 'NR % 3 == 1 { print "V\t" $0 }' /var/lib/dpkg/diversions
[ ! -r /var/lib/dpkg/status ] || sed -n 's/^ \(\/[^ ]*\) \([0-9a-f]\{32\}\).*/C\t\2\t\1/p' /var/lib/dpkg/status
told='
  { at = index($0, "\001"); path = substr($0, 1, at - 1); text = substr($0, at + 1) }
  path != last { print "@\t" path; last = path; size = 0 }
  size < 40000 { print "|" substr(text, 1, 1000); size += length(text) }'
seen= every= next=$(first)
for level in 1 2 3; do
  new=$(printf '%s\n--\n%s\n' "$seen" "$next" | awk '
    /^--$/ { on = 1; next }
    !on { had[$0]; next }
    /^\// && !($0 in had) && !twice[$0]++ { print }' | head -n 6000)
  [ -n "$new" ] || break
  seen="$seen
$new"
  listed=$(printf '%s\n' "$new" | rows)
  printf '%s\n' "$listed"
  every="$every
$(printf '%s\n' "$listed" | awk -F'\t' '$2 == "f" || $2 == "l" { print $9 }')"
  [ "$level" != 3 ] || break
  had=$(printf '%s\n' "$listed" | awk -F'\t' '$2 == "f" && $7 > 0 && $7 <= 262144 { print $9 }' | owners)
  texts=$(printf '%s\n--\n%s\n' "$had" "$listed" | awk -F'\t' -v level="$level" '
    /^--$/ { on = 1; next }
    !on { if ($1 == "O") { own[$3]; own["/usr" $3]; path = $3; if (sub(/^\/usr\//, "/", path)) own[path] } next }
    $2 != "f" || $7 == 0 || $7 > 262144 || ($9 in own && $9 !~ "^/etc/") { next }
    level == 1 || $4 ~ /[1357]/ || $9 ~ /[.](sh|pl|py|php|rb|js)$/ { print $9 }' | head -n 3000 |
    read_by 'bytes=; for path; do case $path in */authorized_keys* | /var/spool/*) bytes=1 ;; esac; done
      grep -D skip -IHZm 600 "" -- "$@" 2>/dev/null
      [ -z "$bytes" ] || for path; do
        case $path in */authorized_keys* | /var/spool/*)
          grep -D skip -qI "" -- "$path" || grep -D skip -aHZm 600 "" -- "$path" ;;
        esac
      done 2>/dev/null' | tr '\000' '\001' | awk "$told")
  printf '%s\n' "$texts"
  next=$(printf '%s\n' "$texts" | sed -n 's/^|//p' | grep -aoE '/[A-Za-z0-9_.@%+~/-]+' |
    grep -vE '^/(dev/[^/]*$|proc/|sys/|var/log/|run/[^/]*[.](pid|sock)$)' | sort -u | head -n 4000)
  [ "$level" != 1 ] || next="$next
$(programs)"
done
every=$(printf '%s\n' "$every" | grep .)
had=$(printf '%s\n' "$every" | owners sums)
printf '%s\n' "$had"
{ printf '%s\n' "$had" | sed 's/^/=/'; printf '%s\n' "$every"; } | awk -F'\t' '
  /^=O/ { own[$3]; own["/usr" $3]; sub(/^\/usr\//, "/", $3); own[$3]; next }
  /^=/ { next }
  $0 in own { print }' | tr '\n' '\0' | xargs -0 -r "$sums" -- 2>/dev/null |
  sed -n 's/^\([0-9a-f]*\)  \(.*\)$/M\t\1\t\2/p'
command -v lsattr >/dev/null && printf '%s\n' "$seen" | grep -E '^/(etc|var/spool|home|root)/' | head -n 4000 |
  tr '\n' '\0' | xargs -0 -r lsattr -d -- 2>/dev/null | sed -n 's/^\([^ ]*[ia][^ ]*\) \(\/.*\)$/A\t\1\t\2/p'
true
"""
}

Kind = Literal["file", "link", "other"]
_KINDS: Mapping[str, Kind] = {"f": "file", "l": "link"}


class Owned(Struct, frozen=True):
    """Whose a path is: the package, and whether it is as the package brought it; None where that is open."""

    package: str
    same: bool | None


class HostFile(Struct, frozen=True, kw_only=True):
    """A file that may start something, or be started. Times in seconds since 1970; ``text`` is what was
    read of it: nothing of what a package brought, of what is no text, of what is too large."""

    path: str
    kind: Kind
    uid: int
    mode: int
    modified: float
    changed: float
    size: int
    target: str
    owned: Owned | None
    immutable: bool
    text: tuple[str, ...] = ()


class User(Struct, frozen=True):
    name: str
    uid: int
    home: str


class Mechanisms(Struct, frozen=True, kw_only=True):
    """``files`` by path. ``packages``: there is a database of packages that was asked."""

    files: Mapping[str, HostFile]
    users: tuple[User, ...]
    packages: bool
    late: frozenset[int]
    """The users whose texts were not read to the end: it took too long."""
    evidence: tuple[Evidence, ...]


VALUE = Mechanisms
WRITERS = {"": "root", "files": "anyone"}


def parse(sections: Mapping[str, Section]) -> Mechanisms | Unknown:
    section = sections["files"]
    if (cut := unseen(section)) is not None:
        return cut
    if section.output.strip() == "N":
        return Unknown("its find(1) cannot print what it finds (-printf)")
    lines = section.output.split("\n")
    texts = _texts(lines)
    typed = [line.split("\t") for line in lines if not line.startswith("|")]
    owners = {row[2]: row[1] for row in typed if row[0] == "O" and len(row) == 3}
    sums = {row[2]: row[1] for row in typed if row[0] in "SC" and len(row) == 3}
    measured = {row[2]: row[1] for row in typed if row[0] == "M" and len(row) == 3}
    moved = {path for row in typed if row[0] == "V" and len(row) == 2 for path in spellings(row[1])}
    fixed = {row[2] for row in typed if row[0] == "A" and len(row) == 3}
    files = {}
    for row in typed:
        if row[0] == "F" and len(row) >= 9:
            path = "\t".join(row[8:])
            files[path] = HostFile(
                path=path,
                kind=_KINDS.get(row[1], "other"),
                uid=count(row[2]),
                mode=int(row[3], 8) if row[3].isdigit() else 0,
                modified=float(count(row[4])),
                changed=_seconds(row[5]),
                size=count(row[6]),
                target=row[7],
                owned=_owned(path, owners, {} if path in moved else sums, measured),
                immutable=path in fixed,
                text=tuple(texts.get(path, ())),
            )
    return Mechanisms(
        files=files,
        users=tuple(User(row[1], count(row[2]), row[3]) for row in typed if row[0] == "U" and len(row) == 5),
        packages=["N2"] not in typed,
        late=unread(section.output),
        evidence=evidence("dpkg -S, rpm -qf", [f"{len(files)} files looked at"]),
    )


def _texts(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    text: list[str] = []
    for line in lines:
        if line.startswith("@\t"):
            text = found.setdefault(line[2:], [])
        elif line.startswith("|"):
            text.append(line[1:])
    return found


def spellings(path: str) -> Iterator[str]:
    """A path as a package may have listed it: with /usr before /bin, /sbin and /lib, and without.

    >>> list(spellings("/usr/sbin/cron"))
    ['/usr/sbin/cron', '/sbin/cron']
    """
    yield path
    yield path.removeprefix("/usr") if path.startswith("/usr/") else f"/usr{path}"


def _seconds(text: str) -> float:
    """
    >>> _seconds("1795794848.25"), _seconds("x")
    (1795794848.25, 0.0)
    """
    return float(text) if re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text) else 0.0


def _owned(
    path: str, owners: Mapping[str, str], sums: Mapping[str, str], measured: Mapping[str, str]
) -> Owned | None:
    package = next((owners[name] for name in spellings(path) if name in owners), None)
    if package is None:
        return None
    brought = next((sums[name] for name in spellings(path) if name in sums), None)
    found = measured.get(path)
    return Owned(package, None if brought is None or found is None else brought == found)
