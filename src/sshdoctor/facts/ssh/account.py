"""The account that the client logs in to, and the keys that it admits.

Sources: passwd(5), getent(1); sshd(8) AUTHORIZED_KEYS FILE FORMAT; sshd_config(5) AuthorizedKeysFile (%h, %u,
%U, relative to the home) and StrictModes, whose rule is OpenSSH's safe_path(): the file and every directory
from it up to the home belong to the user or root, and nobody else may write there. Debian's sshd lets a
group write that has no other member (its patch user-group-modes). Of a key only its public part and
its options travel: no comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import printed
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, parts, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import path as _plain_path
from sshdoctor.facts.ssh.parsing.key_files import Judge, Objection, Row, is_whole, rows
from sshdoctor.model import Evidence, Unknown
from sshdoctor.services.ssh.fingerprints import fingerprint

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "account": r"""
[ -n "$user" ] || exit 0
echo '## passwd'
if command -v getent >/dev/null; then
  entry=$(getent passwd -- "$user" 2>&1) || { echo "status=$? $entry"; exit 0; }
else
  entry=$(while IFS= read -r line; do case $line in "$user:"*) echo "$line"; break ;; esac; done </etc/passwd)
  [ -n "$entry" ] || { echo status=2; exit 0; }
fi
IFS=: read -r name _ uid gid _ home shell <<EOT
$entry
EOT
printf '%s\n' "name=$name" "uid=$uid" "gid=$gid" "home=$home" "shell=$shell"
echo "groups=$(id -Gn -- "$user" 2>&1)"
[ ! -x "${shell:-/bin/sh}" ] || echo executable=yes
first=
[ ! -f "${shell:-/bin/sh}" ] || read -r first _ 2>/dev/null <"${shell:-/bin/sh}"
case $first in
  '#!'/*)
    first=${first#??} return=$(printf '\r')
    case $first in *"$return") first="${first%"$return"} with a carriage return" ;; esac
    [ -x "$first" ] || echo "interpreter=$first" ;;
esac
[ ! -r /etc/shells ] || { grep -qxF -e "${shell:-/bin/sh}" /etc/shells && echo listed=yes || echo listed=no; }
[ ! -e /etc/debian_version ] || echo "group=$(getent group "$gid")"
chain() {
  set -- "$1"; directory=$1
  while [ -n "$directory" ] && [ "$directory" != "$real_home" ]; do
    directory=${directory%/*}; set -- "$@" "${directory:-/}"
  done
  stat -L -c 'stat=%a %u %g %U %F|%n' "$@" 2>&1
}
real() { # real PATH: without links, or as it stands where that cannot be told
  part=$1
  while [ -n "$part" ] && [ ! -L "$part" ]; do part=${part%/*}; done
  real=$1
  [ -z "$part" ] || real=$(readlink -f -- "$1") || real=$1
  case $real in *[[:cntrl:]]*) real=$1 ;; esac
}
real "$home"
real_home=$real
[ "$real" = "$home" ] || echo "real=$real"
chain "$real_home"
mount='' inner=$home/.ecryptfs/Private.mnt
[ ! -f "$inner" ] || [ ! -r "$inner" ] || read -r mount <"$inner"
if grep -qsF " $home " /proc/mounts; then :
elif [ "$mount" = "$home" ]; then echo sealed=eCryptfs
elif grep -qsF "mountpoint=\"$home\"" /etc/security/pam_mount.conf.xml; then echo sealed=pam_mount
elif [ -f "/var/lib/systemd/home/$user.identity" ]; then echo sealed=systemd-homed
fi
above=${home%/*}
while [ -n "$above" ]; do stat -L -c 'stat=%a %u %g %U %F|%n' "$above" 2>&1; above=${above%/*}; done
stat -L -c 'stat=%a %u %g %U %F|%n' /
values='' chroot=''
if [ "$(id -u)" = 0 ] && sshd=$(command -v sshd); then
  from=${client:-0.0.0.0}
  spec=user=$user,host=$from,addr=$from,laddr=${address:-127.0.0.1},lport=${lport:-22}
  values=$("$sshd" -T ${sshd_options-} -C "$spec" 2>/dev/null)
fi
if [ -z "$values" ]; then
  [ -r /etc/ssh/sshd_config ] || echo unread=yes
  values=$(sed -n -e '/^[[:space:]]*[Mm][Aa][Tt][Cc][Hh][[:space:]]/q' -e 's/"//g' \
    -e 's/^[[:space:]]*[Aa]uthorized[Kk]eys[Ff]ile[[:space:]=]/authorizedkeysfile /p' \
    -e 's/^[[:space:]]*[Aa]uthorized[Kk]eys[Cc]ommand[[:space:]=]/authorizedkeyscommand /p' \
    /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2>/dev/null)
fi
patterns=${files_asked-}
while read -r keyword value; do
  case $keyword in
    authorizedkeysfile) patterns=${patterns:-$value} ;;
    authorizedkeyscommand) echo "command=$value" ;;
    chrootdirectory) chroot=$value ;;
    subsystem)
      case $value in 'sftp /'*)
        program=${value#sftp } program=${program%% *}
        echo "sftp=$program"
        [ -x "$program" ] || echo sftp_gone=yes ;;
      esac ;;
  esac
done <<EOT
$values
EOT
patterns=${patterns:-.ssh/authorized_keys .ssh/authorized_keys2}
replace() {
  rest=$path path=
  while case $rest in *"$1"*) ;; *) false ;; esac; do path=$path${rest%%"$1"*}$2 rest=${rest#*"$1"}; done
  path=$path$rest
}
case $chroot in
  /*)
    path=$chroot; replace %h "$home"; replace %u "$user"; replace %U "$uid"; replace %% %
    chroot=$path
    echo "## chroot $chroot"
    [ -d "$chroot" ] || echo gone=yes
    [ -x "$chroot${shell:-/bin/sh}" ] || echo shell=gone
    while [ -n "$path" ]; do stat -L -c 'stat=%a %u %g %U %F|%n' "$path" 2>&1; path=${path%/*}; done
    stat -L -c 'stat=%a %u %g %U %F|%n' / ;;
esac
set -f
utf16=$(printf '(\377\376|\376\377)') mark=$(printf '\357\273\277')
listed=
for path in $patterns; do
  [ "$path" != none ] || continue
  replace %h "$home"; replace %u "$user"; replace %U "$uid"; replace %% %
  case $path in /*) ;; *) path=$home/$path ;; esac
  case $listed in *"|$path|"*) continue ;; esac
  listed="$listed|$path|"
  echo "## file $path"
  real "$path"
  [ "$real" = "$path" ] || echo "real=$real"
  chain "$real"
  [ -r "$path" ] || continue
  echo readable=yes
  [ ! -d "$path" ] || { echo odd=directory; continue; }
  sed -n -E -e "1s/^$mark.*/odd=mark/p" -e t \
    -e '/^[[:space:]]*(#|$)/d' -e '/cert-authority.*[[:space:]](ssh|ecdsa|sk)-/{' \
    -e 's/^(.*[[:space:]])?(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+[[:space:]]+(AAAA[A-Za-z0-9+/=]+).*/ca=\3/p' \
    -e 'd' -e '}' \
    -e 's/^(.*[[:space:]])?(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+[[:space:]]+(AAAA[A-Za-z0-9+/=]+).*/key=\3 \1/p' \
    -e t -e 's/^---- BEGIN SSH2 PUBLIC KEY.*/odd=ssh2/p' -e t \
    -e 's/^-----BEGIN .*PRIVATE KEY-.*/odd=private/p' -e t -e "s/^$utf16.*/odd=utf-16/p" -e t \
    -e 's/.*/odd=line/p' "$path"
done
true
"""
}


class AuthFile(Struct, frozen=True):
    """A file of authorized keys, with their fingerprints as far as the file may be read.

    ``unsafe`` is what StrictModes holds against it, ``unread`` why its user cannot read it (sshd reads as
    that user).
    """

    path: str
    real: str
    """Where links lead, which is what sshd judges (realpath(3) in OpenSSH's misc.c)."""
    exists: bool | Unknown
    readable: bool
    mode: str
    owner: str
    unsafe: tuple[Objection, ...]
    unread: tuple[Objection, ...]
    keys: tuple[str, ...]
    commands: Mapping[str, str]
    """The command that takes the place of the shell, by the fingerprint of the key that has one."""
    options: tuple[tuple[str, str], ...] = ()
    """Each line's key, by its fingerprint, and the options before it."""
    authorities: tuple[str, ...] = ()
    """The keys that cert-authority makes authorities: they sign others, and log nobody in themselves."""
    odd: str = ""
    """What else stands there, that sshd does not read as a key: "ssh2", "private", "utf-16", "mark" (a byte
    order mark before the first line), "directory", "line"; ""."""

    @property
    def problem(self) -> str:
        """The first thing that StrictModes says, "" for nothing."""
        return self.unsafe[0].says if self.unsafe else ""

    @property
    def hidden(self) -> str:
        """The first thing that keeps the user from reading it, "" for nothing."""
        return self.unread[0].says if self.unread else ""

    @property
    def shown(self) -> str:
        """The path, and where it leads if that is elsewhere."""
        return self.path if self.real == self.path else f"{self.path} -> {self.real}"

    @property
    def mend(self) -> tuple[str, ...]:
        """The commands that put both right."""
        return tuple(dict.fromkeys(one.mend for one in self.unsafe + self.unread))


class Account(Struct, frozen=True, kw_only=True):
    """``state``: present, absent. ``authorized`` has the fingerprints of all keys in the files, Unknown
    where one of them may not be read. ``keys_command`` is AuthorizedKeysCommand: it may admit other keys."""

    name: str
    state: str | Unknown
    uid: int | None = None
    shell: str = ""
    shell_exists: bool = False
    shell_listed: bool | Unknown = Unknown("/etc/shells is not there")
    """It stands in /etc/shells (shells(5))."""
    shell_interpreter: str = ""
    """What is to run it, where it is a script and that is not there (execve(2), ENOENT); else ""."""
    shell_known: bool = True
    """It is called as one of the shells that run any command that they are given."""
    shell_called: str = ""
    """Its name without folders, by which the loader speaks of it."""
    home: str = ""
    home_exists: bool | Unknown = False
    home_sealed: str = ""
    """What opens the home at a login with a password, where it is not open now: eCryptfs, pam_mount,
    systemd-homed; "" for none."""
    groups: tuple[str, ...] = ()
    authorized: tuple[str, ...] | Unknown = ()
    authorized_files: tuple[AuthFile, ...] = ()
    keys_command: str = ""
    sftp: str = ""
    """The program of the subsystem sftp, "" where sshd has its own, or where that was not read."""
    sftp_gone: bool = False
    """It is not there, or cannot be run."""
    chroot: tuple[Objection, ...] = ()
    """What sshd holds against ChrootDirectory, or a folder above it; () where there is none."""
    chroot_gone: str = ""
    """ChrootDirectory, where it is not there; else ""."""
    chroot_bare: str = ""
    """ChrootDirectory, where the login shell is not in it; else ""."""
    evidence: tuple[Evidence, ...] = ()


VALUE = Account
WRITERS = {
    "": "root",
    **dict.fromkeys(("home_exists", "home_sealed", "authorized", "authorized_files"), "account"),
}

_COMMAND = re.compile(r'(?:^|,)command="((?:[^"\\]|\\.){0,2000})"')


_LONGEST = 4096
_SHELLS = frozenset(("sh", "bash", "rbash", "dash", "ash", "busybox", "zsh", "rzsh", "ksh", "ksh93", "mksh"))
_SHELLS |= {"rksh", "lksh", "pdksh", "oksh", "tcsh", "csh", "fish", "yash", "posh"}
_TELLING = ("directory", "utf-16", "mark", "ssh2", "private", "line")


def on_disk(disk: Disk, user: str) -> Account | Unknown:
    from sshdoctor.facts.ssh.offline.account import account_text  # only a disk needs it

    said = account_text(disk, user) if user else ""
    return said if isinstance(said, Unknown) else parse({"account": printed(said)})


def parse(sections: Mapping[str, Section]) -> Account | Unknown:
    said = parts(sections["account"].output)
    if "passwd" not in said:
        return Unknown("no user is named")
    entry = properties(said["passwd"])
    if "uid" not in entry:
        return _without_entry(entry.get("status", ""))
    private = _private(entry.get("group", ""), entry["name"])
    entry["home"], entry["shell"] = (
        _plain_path(entry["home"] or "/"),
        _plain_path(entry["shell"] or "/bin/sh"),
    )
    real_home = _plain_path(entry.get("real", entry["home"]))
    judge = Judge(entry["name"], int(entry["uid"]), entry["gid"], private, real_home)
    blocks = {name[5:]: text for name, text in said.items() if name.startswith("file ")}
    above = rows(said["passwd"])
    home = above.get(real_home)
    files = tuple(_file(_plain_path(name), text, judge, above) for name, text in blocks.items())
    command = entry.get("command", "none").split("\n")[0]
    return Account(
        name=entry["name"],
        state="present",
        uid=int(entry["uid"]),
        shell=entry["shell"],
        shell_exists="executable" in entry,
        shell_interpreter=entry.get("interpreter", ""),
        shell_listed=entry["listed"] == "yes" if "listed" in entry else Unknown("/etc/shells was not read"),
        shell_known=entry["shell"].rpartition("/")[2] in _SHELLS,
        shell_called=entry["shell"].rpartition("/")[2],
        home=entry["home"],
        home_sealed=entry.get("sealed", "") if _hides_keys(files, entry["home"]) else "",
        home_exists=_exists(home, said["passwd"]),
        groups=tuple(entry.get("groups", "").split()),
        authorized=NOT_PERMITTED if "unread" in entry else _authorized(files),
        authorized_files=files,
        sftp=_plain_path(entry["sftp"]) if "sftp" in entry else "",
        sftp_gone="sftp_gone" in entry,
        chroot=_chroot(said),
        chroot_gone=_chroot_without(said, "gone=yes"),
        chroot_bare=_chroot_without(said, "shell=gone"),
        keys_command="" if command == "none" else command,
        evidence=evidence(
            f"getent passwd {entry['name']}; ls -l ~{entry['name']}/.ssh",
            [":".join(entry[key] for key in ("name", "uid", "gid", "home", "shell"))]
            + [f"{file.mode} {file.owner} {file.shown}" for file in files if file.mode],
        ),
    )


def _chroot(said: Mapping[str, str]) -> tuple[Objection, ...]:
    """As OpenSSH's safely_chroot(): each part of the path is root's, and nobody else may write there."""
    found = (rows(text) for name, text in said.items() if name.startswith("chroot "))
    return tuple(one for of in found for one in Judge("root", 0, "0", private=False, home="").unsafe(of))


def _hides_keys(files: tuple[AuthFile, ...], home: str) -> bool:
    """sshd looks for keys in the home, and sees none there."""
    there = [file for file in files if file.path.startswith(f"{home}/")]
    return bool(there) and not any(file.keys for file in there)


def _chroot_without(said: Mapping[str, str], line: str) -> str:
    """The ChrootDirectory of which the host printed ``line``, "" for none."""
    found = (
        name[7:] for name, text in said.items() if name.startswith("chroot ") and line in text.splitlines()
    )
    return next(map(_plain_path, found), "")


def _without_entry(status: str) -> Account | Unknown:
    """getent(1) ends with 2 when the name is in no database; any other end says nothing."""
    if status.split()[:1] == ["2"]:
        return Account(name="", state="absent", evidence=evidence("getent passwd USER", ["(no such user)"]))
    return Unknown(f"getent failed: {status}")


def _private(group: str, name: str) -> bool:
    """Whether a line of group(5), "" where it does not matter, names no member but ``name``."""
    return bool(group) and set(group.rpartition(":")[2].split(",")) <= {"", name}


def _file(path: str, text: str, judge: Judge, above: Mapping[str, Row]) -> AuthFile:
    """``above`` are the home and the folders on the way to it: whoever reads in the home passes them."""
    of = rows(text)
    found = re.search(r"^real=(/.*)$", text, re.M)
    real = _plain_path(found[1]) if found else path
    own = of.get(real)
    keys = re.findall(r"^key=(\S+) ?(.*)$", text, re.M)
    lines = [(blob, options) for blob, options in keys if is_whole(blob)]
    odd = re.findall(r"^odd=(\S+)$", text, re.M) + ["line"] * (len(keys) - len(lines))
    marks = [fingerprint(blob) for blob, _ in lines]
    named = [(mark, _COMMAND.search(options)) for mark, (_, options) in zip(marks, lines, strict=True)]
    return AuthFile(
        path=path,
        real=real,
        exists=_exists(own, text),
        readable="readable=yes" in text,
        mode=own.mode if own else "",
        owner=own.owner if own else "",
        unsafe=judge.unsafe(of) if own else (),
        unread=judge.hidden({**of, **above} if judge.in_home(real) else of) if own else (),
        keys=tuple(dict.fromkeys(mark for mark in marks if isinstance(mark, str))),
        commands={mark: found[1] for mark, found in named if found and isinstance(mark, str)},
        options=tuple(
            (mark, options[:_LONGEST])
            for mark, (_, options) in zip(marks, lines, strict=True)
            if isinstance(mark, str)
        ),
        authorities=tuple(
            mark
            for blob in re.findall(r"^ca=(\S+)$", text, re.M)
            if is_whole(blob) and isinstance(mark := fingerprint(blob), str)
        ),
        odd=min(odd, key=_TELLING.index) if odd else "",
    )


def _exists(row: Row | None, text: str) -> bool | Unknown:
    if row is None and "Permission denied" in text:
        return NOT_PERMITTED
    return row is not None


def _authorized(files: tuple[AuthFile, ...]) -> tuple[str, ...] | Unknown:
    if any(isinstance(file.exists, Unknown) or (file.exists and not file.readable) for file in files):
        return NOT_PERMITTED
    return tuple(dict.fromkeys(key for file in files for key in file.keys))
