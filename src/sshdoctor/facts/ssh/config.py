"""What sshd's configuration says: whether sshd takes it, and the values in force for this client.

Sources: sshd(8) for -T and -C, sshd_config(5). ``sshd -T`` tests all that ``sshd -t`` tests, with the same
messages (measured on 8.4, 9.2 and 10.0), and prints the values, those of matching Match blocks included.
Where it may not run or fails, the values come from the files, Match blocks left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.offline.programs import program
from sshdoctor.facts.ssh.parsing import sshd_complaints
from sshdoctor.facts.ssh.parsing import sshd_config as _sshd_config
from sshdoctor.facts.ssh.parsing.sshd_complaints import ConfigError
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

ONCE = {
    "unit_words": """
[ ! -d /run/systemd/system ] ||
  systemctl show -p ExecStart -p FragmentPath -p DropInPaths ssh.service sshd.service 2>/dev/null | sed -n \\
    -e 's/^ExecStart=.*argv\\[\\]=[^ ;]*sshd \\([^;]*\\) ;.*/line=\\1/p' \\
    -e 's/^\\(FragmentPath\\|DropInPaths\\)=/files=/p'
grep -HsE '^[[:space:]]*(SSHD_OPTS|OPTIONS)=' /etc/default/ssh /etc/sysconfig/sshd
echo asked
"""
}
"""The arguments that the units give the server, where the units stand, and what files add to them."""

_OPTIONS = """
# What the unit's own command line says, with what files give it; or these files' words, where no unit tells.
[ -n "$unit_words" ] || exit 124
unit_line='' unit_files='' variables='' place='' of_default='' of_sysconfig=''
while IFS= read -r line; do
  case $line in
    line=*) [ -n "$unit_line" ] || unit_line=${line#line=} ;;
    files=*) unit_files="$unit_files ${line#files=}" ;;
    /etc/*:*=*)
      words=${line#*:} name=${words%%=*}
      variables=${words#*=} place="${name##*[[:space:]]}= in ${line%%:*}"
      case $line in
        /etc/default/*=*-p*) of_default=$words ;;
        /etc/sysconfig/*=*-p*) of_sysconfig=$words ;;
      esac ;;
  esac
done <<EOT
$unit_words
EOT
case $variables in *\\"* | *"'"*) variables=$(printf %s "$variables" | tr -d '\\042\\047') ;; esac
options='' own=''
if [ -n "$unit_line" ]; then
  set -f
  for word in $unit_line; do
    case $word in
      '$SSHD_OPTS' | '${SSHD_OPTS}' | '$OPTIONS' | '${OPTIONS}') word=$variables ;;
      -D | -e | -q | -i | '$'*) continue ;;
      *) own=$word ;;
    esac
    options="$options${options:+ }$word"
  done
  set +f
else options=$variables; fi
case $options in *[!A-Za-z0-9@%+=:,./_\\ -]*) options= ;; esac
main=
case $options in *-f*) main=$(printf ' %s\\n' "$options" | sed -n 's/.* -f *\\(\\/[^ ]*\\).*/\\1/p') ;; esac
"""

COMMANDS = {
    "effective": _OPTIONS
    + """
sshd=$(command -v sshd) || { echo '## absent'; exit 0; }
spec=
add() { case $2 in ''|*[!A-Za-z0-9@._:%+-]*) ;; *) spec=$spec${spec:+,}$1=$2 ;; esac; }
[ -z "$user" ] || {
  add user "$user"; add host "$client"; add addr "$client"; add lport "$port"
  case $address in *[!0-9a-fA-F.:]*) ;; *) add laddr "$address" ;; esac
}
echo "## as $(id -u) $spec"
echo '## output'
"$sshd" -T $options ${spec:+-C "$spec"}
""",
    "files": _OPTIONS
    + """
cd /etc/ssh 2>&1 || exit 0
shown=
show() {
  case " $shown " in *" $1 "*) return ;; esac
  shown="$shown $1"
  case $1 in /*) echo "## $1" ;; *) echo "## /etc/ssh/$1" ;; esac
  if [ -r "$1" ]; then sed 's/^/|/' "$1"; else echo 'not permitted'; return; fi
  for included in $(sed -n 's/"//g; s/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=]//p' "$1"); do
    [ -f "$included" ] && { show "$included"; continue; }
    case $included in /*) ;; *) included=/etc/ssh/$included ;; esac
    [ ! -d "${included%/*}" ] || [ -r "${included%/*}" ] || { echo "## $included"; echo 'not permitted'; }
  done
}
[ ! -e "${main:-sshd_config}" ] || show "${main:-sshd_config}"
[ ! -d "${main:-sshd_config}" ] || echo '## folder'
echo '## main'
echo "${main:-/etc/ssh/sshd_config}"
echo '## times'
[ -z "$shown" ] || stat -c '%Y %n' $shown
echo '## options'
echo "$options"
echo '## options in'
[ -z "$own" ] || {
  place=$(grep -ls '^ExecStart=.*sshd' $unit_files /dev/null)
  place=${place:+ExecStart= in ${place##*
}}
}
echo "$place"
echo '## options of'
case " $unit_line " in
  *' -p'*) echo unit ;;
  *)
    [ -z "$of_default" ] || { echo /etc/default/ssh; printf '%s\\n' "$of_default"; }
    [ -z "$of_sysconfig" ] || { echo /etc/sysconfig/sshd; printf '%s\\n' "$of_sysconfig"; } ;;
esac
true
""",
}


class Config(Struct, frozen=True, kw_only=True):
    """``state``: valid, invalid, or Unknown where sshd could not test it.

    ``problem``: none, bad-line, options, no-file, no-host-keys, privsep, library,
    address (of ListenAddress, which is not found), other. A missing
    privilege separation directory (privsep) leaves the state valid: it is no fault of the configuration,
    and the unit may make it when it starts (see the fact privsep).
    ``effective`` has one entry for each line of ``sshd -T``, keywords in lower case; ``source`` says whether
    it is from "sshd -T" or from "files". ``listen`` has ListenAddress as given, () if none is;
    ``endpoints`` is what a daemon started now would bind. ``changed`` is in seconds since 1970.
    """

    state: str | Unknown
    problem: str | Unknown
    errors: tuple[ConfigError, ...]
    first_error: str
    source: str
    effective: Mapping[str, tuple[str, ...]]
    files: tuple[str, ...]
    ports: tuple[int, ...] | Unknown
    ports_given: tuple[int, ...]
    """Those of Port lines; without one, sshd takes 22."""
    listen: tuple[str, ...] | Unknown
    portless: str
    """The ListenAddress that is an IPv6 address as it stands, and reads like one with a port; ""."""
    bracketed: str
    """The same with its port behind brackets."""
    endpoints: tuple[tuple[str, int], ...] | Unknown
    address_family: str | Unknown
    changed: float | Unknown
    main: str
    """The file that sshd reads first: /etc/ssh/sshd_config, or that of -f."""
    main_is_folder: bool
    """It is a folder: sshd reads nothing from it, and goes by what is built in."""
    options: str
    """What the unit, and /etc/default/ssh or /etc/sysconfig/sshd, have on its command line beside -D."""
    options_place: str
    """Where these stand: "ExecStart= in FILE", "SSHD_OPTS= in /etc/default/ssh"; or where they may."""
    port_option: tuple[str, str]
    """Where -p is said there, and the line: ("/etc/default/ssh", 'SSHD_OPTS="-p 2222"'); ("unit", "") where
    the unit says it itself; ("", "") where nobody does."""
    glued: str
    """The two directives of a faulty line where the end of a line is missing between them; or ""."""
    password_place: str
    """Where PasswordAuthentication is set, as "FILE line N"; "" where no file sets it."""
    pubkey_place: str
    """The same for PubkeyAuthentication."""
    allow_users: tuple[str, ...] | Unknown
    deny_users: tuple[str, ...] | Unknown
    allow_groups: tuple[str, ...] | Unknown
    deny_groups: tuple[str, ...] | Unknown
    permit_root_login: str | Unknown
    pubkey_authentication: bool | Unknown
    password_authentication: bool | Unknown
    authorized_keys_files: tuple[str, ...] | Unknown
    strict_modes: bool | Unknown
    use_pam: bool | Unknown
    methods_wanted: str | Unknown
    """AuthenticationMethods: "any", or lists of methods that are all asked for."""
    force_command: str | Unknown
    """"none" where there is none; for this user and client."""
    permit_tty: bool | Unknown
    max_sessions: str | Unknown
    """MaxSessions: shells, commands and sftp that one connection may have."""
    use_dns: bool | Unknown
    login_grace: int | Unknown
    """LoginGraceTime in seconds, 0 for none."""
    user_ca_keys: str | Unknown
    """TrustedUserCAKeys; "none" where there is none."""
    evidence: tuple[Evidence, ...]


VALUE = Config
WRITERS = {"": "root"}

_UNTESTED = Unknown("sshd -t was not run: the system on this disk is not running")


def on_disk(disk: Disk, user: str) -> Config | Unknown:
    """The values from the files; ``invalid`` where a line is one that sshd refuses, never ``valid``."""
    from sshdoctor.facts.ssh.parsing.sshd_lint import faults  # only a disk needs it

    files, sshd = _sshd_config.of_disk(disk), program(disk)
    wrong = faults(files, disk.read_program(sshd)) if sshd else ()
    said = [f"{fault.file} line {fault.line}: {fault.message}" for fault in wrong]
    heading = "## as 0 \n## output" if sshd else "## absent"
    config = _read(files, {"effective": Section("\n".join([heading, *said]), 255)})
    if isinstance(config, Unknown):
        return config
    first = [f"{fault.line}: {files.line(fault.file, fault.line)}" for fault in wrong[:1]]
    shown = evidence(f"grep -n . {wrong[0].file}", first) if wrong else ()
    values = tuple(each for each in config.evidence if each.source != "sshd -t")
    told = replace(config, evidence=shown + values)
    return told if wrong else replace(told, state=_UNTESTED, problem=_UNTESTED)


def parse(sections: Mapping[str, Section]) -> Config | Unknown:
    return _read(_sshd_config.read(parts(sections["files"].output)), sections)


def _read(files: _sshd_config.Files, sections: Mapping[str, Section]) -> Config | Unknown:
    said = parts(sections["effective"].output)
    if "absent" in said and not files.texts:
        return Unknown("there is neither sshd nor sshd_config")
    as_whom = next((name for name in said if name.startswith("as ")), "as 0 ")
    _, uid, spec = as_whom.split(" ", 2)
    output, status = said.get("output", ""), sections["effective"].status
    lines = [] if status == 0 else output.splitlines()
    refused = sshd_complaints.refused_lines(lines) or sshd_complaints.placed(lines, files.texts)
    state, problem = sshd_complaints.judge(said, lines, status, refused, root=uid == "0")
    errors = tuple(replace(error, text=files.line(error.file, error.line)) for error in refused)
    source = "sshd -T" if status == 0 and "absent" not in said else "files"
    values = _sshd_config.Keywords(files, output if source == "sshd -T" else None, matched=bool(spec))
    complaint = sshd_complaints.complaint(lines, errors)
    changed = files.changed
    portless = _portless(values.given.get("listenaddress", ()))
    return Config(
        state=state,
        problem=problem,
        errors=errors,
        first_error=complaint,
        source=source,
        effective=values.effective,
        files=tuple(files.texts),
        ports=values.ports,
        ports_given=tuple(int(port) for port in values.given.get("port", ()) if port.isdecimal()),
        listen=values.listen,
        portless=portless[0],
        bracketed=portless[1],
        endpoints=values.endpoints,
        address_family=values.word("addressfamily", "any"),
        changed=changed,
        main=files.main,
        main_is_folder="folder" in parts(sections["files"].output) if "files" in sections else False,
        options=files.options,
        options_place=files.options_place,
        port_option=files.port_option,
        glued=sshd_complaints.glued(errors),
        password_place=files.place("passwordauthentication"),
        pubkey_place=files.place("pubkeyauthentication"),
        allow_users=values.every("allowusers"),
        deny_users=values.every("denyusers"),
        allow_groups=values.every("allowgroups"),
        deny_groups=values.every("denygroups"),
        permit_root_login=_root_login(values.word("permitrootlogin", "prohibit-password")),
        pubkey_authentication=values.flag("pubkeyauthentication"),
        password_authentication=values.flag("passwordauthentication"),
        authorized_keys_files=values.words("authorizedkeysfile", _sshd_config.KEY_FILES),
        strict_modes=values.flag("strictmodes"),
        use_pam=sshd_complaints.unless_refused("usepam", errors, values.flag("usepam", "no")),
        methods_wanted=values.text("authenticationmethods", "any"),
        force_command=values.text("forcecommand", "none"),
        permit_tty=values.flag("permittty"),
        max_sessions=values.text("maxsessions", "10"),
        use_dns=values.flag("usedns", "no"),
        login_grace=_seconds(values.text("logingracetime", "120")),
        user_ca_keys=values.text("trustedusercakeys", "none"),
        evidence=evidence("sshd -t", [complaint]) + values.evidence,
    )


def _portless(given: Sequence[str]) -> tuple[str, str]:
    """The first that is an IPv6 address with and without its last part, and the other way to read it.

    >>> _portless(["::1:22"]), _portless(["[::1]:22"]), _portless(["2001:db8::5"])
    (('::1:22', '[::1]:22'), ('', ''), ('', ''))
    """
    for text in given:
        found = re.fullmatch(r"([0-9a-fA-F:]{2,45}):(22|\d{3,5})", text)
        if found and _is_ipv6(text) and _is_ipv6(found[1]):
            return text, f"[{found[1]}]:{found[2]}"
    return "", ""


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _seconds(text: str | Unknown) -> int | Unknown:
    """A time as sshd_config(5) has it: 120, 2m, 1h30m.

    >>> _seconds("1m30s"), _seconds("120")
    (90, 120)
    """
    if isinstance(text, Unknown):
        return text
    if not re.fullmatch(r"(?:\d{1,6}[smhdwSMHDW]?){1,5}", text):
        return Unknown("LoginGraceTime is no time")
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return sum(
        int(number) * units[unit.lower()] for number, unit in re.findall(r"(\d{1,6})([smhdwSMHDW]?)", text)
    )


def _root_login(word: str | Unknown) -> str | Unknown:
    return "prohibit-password" if word == "without-password" else word
