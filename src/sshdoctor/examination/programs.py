"""Whether a process is one that should not run: by its program, its place and its package, never by its name.

Sources: proc(5) (exe, "(deleted)"), proc_pid_cmdline(5) (arguments are the process's own to change), kthreadd
(a thread of the kernel has parent 2, and neither a program nor arguments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.examination.known import Known
from sshdoctor.examination.places import (
    OF_CACHES,
    OF_UPLOADS,
    SYSTEM,
    TEMPORARY,
    base,
    hidden,
    hidden_in_home,
    is_interpreter,
    of_a_tool,
)
from sshdoctor.facts.frozen.mechanisms import spellings
from sshdoctor.facts.frozen.running import Process

DELETED = " (deleted)"
_WEB = re.compile(
    r"(?:php[\d.]{0,8}-?fpm[\d.]{0,8}|apache2|httpd|nginx|lighttpd|lsws|lshttpd|litespeed|caddy).*\.service$"
)
SERVERS = re.compile(
    r"^(?:php-fpm|apache2|httpd|nginx|lighttpd|lshttpd|litespeed|lsphp|openlitespeed|caddy)[\d.]*$"
)
_OF_KERNEL = re.compile(
    r"\[?(?:kworker|ksoftirqd|kthreadd|migration|rcu_|kswapd|khugepaged|kcompactd|kauditd|kdevtmpfs|kblockd|"
    r"kthrotld|watchdogd?|jbd2|scsi_eh|cpuhp|irq/|ksmd$|kintegrityd|khungtaskd|md\d|oom_reaper|writeback|bioset)"
)
_DAEMONS = re.compile(
    r"^(?:sshd|crond?|atd|systemd(?:-\w+)?|dbus-daemon|rsyslogd|syslogd|php-fpm|nginx|apache2|httpd|mysqld|mariadbd|"
    r"postgres|exim4?|sendmail|master|pickup|qmgr|named|ntpd|chronyd|agetty|getty|login|udevd|auditd|polkitd|acpid|"
    r"irqbalance|init|supervisord|proftpd|vsftpd|dovecot|redis-server|memcached)$"
)


_MINES = re.compile(
    r"\bstratum\+(?:tcp|ssl|tls|udp)://|(?<!\S)--(?:donate-level|randomx-[a-z-]+|cpu-max-threads-hint|nicehash)\b"
)
"""What only miners of coins are told: a word of its own can speak against a program."""


_SERVERS = 2
"""Whoever hands its letters to one server has a relay."""


class Verdict(Struct, frozen=True, kw_only=True):
    """``why`` it should not run; () if nothing is against it. ``innocent``: why it only looks so."""

    program: str
    lies: bool = False
    why: tuple[str, ...] = ()
    innocent: str = ""


def judge(process: Process, known: Known) -> Verdict:
    """What is to be said of one process."""
    exe = process.exe
    if process.inner:
        return Verdict(program=exe, innocent="it runs in a container, whose packages were not looked at")
    if not exe:
        return _by_its_word(process, known)
    if SERVERS.match(base(exe.removesuffix(DELETED))) and _is_packages(process, known):
        return Verdict(program=exe, innocent=_replaced(process, known))
    script = script_of(process) if is_interpreter(exe) and _is_packages(process, known) else ""
    against = [*(_of_script(script, process, known) if script else _of_program(process, known))]
    if not against and _outlived(process, script, known):
        against.append("it began in a request to a site, and has outlived it")
    if not _is_packages(process, known) and _MINES.search(" ".join(process.words)):
        against.append("it was begun with the arguments of a miner")
    lie = _lie(process, known)
    if lie:
        against.append(lie)
    own = script if is_interpreter(exe) else exe
    if process.mails >= _SERVERS and own and not _package_of(own, known):
        against.append(
            f"it speaks to port 25 of {process.mails} other addresses, past this host's mail server"
        )
    program = script or exe
    innocent = "" if against else _replaced(process, known) or _tool(process, script)
    return Verdict(
        program=_gone(program, process, known), lies=bool(lie), why=tuple(against), innocent=innocent
    )


def _by_its_word(process: Process, known: Known) -> Verdict:
    """Of one whose program may not be seen: what it says of itself can only speak against it."""
    claim = process.words[0] if process.words else ""
    if not claim or process.parent == 2:
        return Verdict(program="")
    if claim.startswith("/") and " " not in claim:
        said = judge(replace(process, exe=claim), known)
        return Verdict(program=said.program, lies=said.lies, why=said.why)
    name = base(claim.split(" ")[0].rstrip(":").lstrip("-"))
    above = known.process(process.parent)
    begun = above is not None and base(above.exe.removesuffix(DELETED)).startswith(name[:15])
    if not _DAEMONS.match(name) or process.name.startswith(name[:15]) or begun:
        return Verdict(program="")
    why = f"it calls itself {claim[:60]!r}, and was begun as {process.name!r}"
    return Verdict(program=process.name, lies=True, why=(why,))


def in_a_request(process: Process, known: Known) -> bool:
    """Whether it began in a request to a site: the web server's unit holds it, and it is no server. What the
    server itself starts, a log's program say, runs as root; what requests start does not."""
    if process.uid == 0:
        return False
    server = SERVERS.match(base(process.exe.removesuffix(DELETED))) and _is_packages(process, known)
    return not server and any(_WEB.match(unit) for unit in process.units)


_TALKERS = re.compile(r"^(?:nc|ncat|netcat|socat|curl|wget|telnet|openssl)(?:\.\w+)?$")


def _outlived(process: Process, script: str, known: Known) -> bool:
    """Whether it was left by a request: what a site starts on purpose runs a script of its own, in PHP."""
    above = known.process(process.parent)
    orphan = process.parent == 1 or (
        above is not None and above.exe and in_a_request(above, known) and above.parent == 1
    )
    if not orphan or not in_a_request(process, known):
        return False
    if script:
        file = known.sites.files.get(script)
        newer = file is not None and file.modified > known.sites.modified + 86400
        return newer or not (base(script).endswith(".php") or base(process.exe).startswith("php"))
    return is_interpreter(process.exe) or bool(_TALKERS.match(base(process.exe)))


def script_of(process: Process) -> str:
    """The script that an interpreter's arguments name, whole; "" if they name none."""
    words = [*process.words[1:]]
    while words:
        word = words.pop(0)
        if word in ("-d", "-c", "-e", "-r", "-m", "-I"):
            if word != "-d":
                return ""
            words = words[1:]
        elif word and not word.startswith("-"):
            return word if word.startswith("/") else f"{process.cwd.removesuffix(DELETED)}/{word}"
    return ""


def _is_packages(process: Process, known: Known) -> bool:
    """Whether a package brought the program, as far as its path says; where none are known, whether it lies
    in their folders."""
    path = process.exe.removesuffix(DELETED)
    if not known.packages:
        return bool(SYSTEM.match(path))
    file = known.files.get(path)
    if file is None:  # not looked at
        return bool(SYSTEM.match(path)) and not process.exe.endswith(DELETED)
    return bool(file.owned and file.owned.same is not False)


def _package_of(path: str, known: Known) -> str:
    file = known.files.get(path)
    return file.owned.package if file and file.owned else ""


def _replaced(process: Process, known: Known) -> str:
    """Why a program that is deleted is none to wonder at; "" if it is not deleted."""
    if not process.exe.endswith(DELETED):
        return ""
    file = known.files.get(process.exe.removesuffix(DELETED))
    if file and file.owned and file.owned.same is not False and process.since <= file.changed + 1:
        return f"the package {file.owned.package} replaced its program since it began: restart it some time"
    return ""


def _tool(process: Process, script: str) -> str:
    if of_a_tool(script or process.exe):
        return "a developer's tool, in the folder that it uses, begun by its owner"
    return ""


def _of_program(process: Process, known: Known) -> Iterator[str]:
    path = process.exe.removesuffix(DELETED)
    file = known.files.get(path)
    deleted = process.exe.endswith(DELETED)
    if deleted and file is None:
        if not SYSTEM.match(path) or _began_late(process, known):
            yield f"its program {path} is deleted"
        return
    if deleted and file is not None and _replaced(process, known):
        return
    if file is not None and file.owned is not None:
        if file.owned.same is False:
            yield f"{path} is not as the package {file.owned.package} brought it"
        return
    yield from _of_place(path, process, known)


def _began_late(process: Process, known: Known) -> bool:
    """A package that was removed leaves processes from before; one that began within the day is none."""
    return known.now - process.since < 86400


def _of_place(path: str, process: Process, known: Known) -> Iterator[str]:
    if TEMPORARY.match(path):
        yield f"{path} runs from a folder for temporary files"
    elif SYSTEM.match(path) and known.packages and path in known.files:
        yield f"{path} lies where packages put their programs, and no package brought it"
    elif any(path.startswith(f"{root}/") for root in known.sites.roots):
        yield f"{path} is a program in a site's folder"
    elif hidden(path):
        yield f"{path} lies in a hidden folder"
    elif hidden_in_home(path):
        yield f"{path} lies in a hidden folder of a home, and is no tool's that is known"
    if in_a_request(process, known):
        yield "it began in a request to a site"


def _of_script(script: str, process: Process, known: Known) -> Iterator[str]:
    file = known.files.get(script)
    if file is not None and file.owned is not None:
        return
    gone = script.startswith("/") and _is_gone(script, process, known)
    in_site = any(script.startswith(f"{root}/") for root in known.sites.roots)
    if gone and (in_site or in_a_request(process, known)):
        yield f"its script {script} is deleted"
    if TEMPORARY.match(script):
        yield f"{script} runs from a folder for temporary files"
    elif in_site and OF_UPLOADS.search(script) and not OF_CACHES.search(script):
        yield f"{script} runs from a folder for uploads"
    elif hidden(script):
        yield f"{script} lies in a hidden folder"
    elif hidden_in_home(script):
        yield f"{script} lies in a hidden folder of a home, and is no tool's that is known"


def _is_gone(script: str, process: Process, known: Known) -> bool:
    if f"{script}{DELETED}" in process.open:
        return True
    return script not in known.files and script not in known.sites.files and bool(known.files)


def _gone(program: str, process: Process, known: Known) -> str:
    """The program, with the kernel's mark if it is deleted."""
    if program == process.exe or not program.startswith("/"):
        return program
    return f"{program}{DELETED}" if _is_gone(program, process, known) else program


def _lie(process: Process, known: Known) -> str:
    """What it calls itself, where it is another program; a package's program may do as it likes."""
    exe = process.exe.removesuffix(DELETED)
    own = _is_packages(process, known)
    if not process.words or (own and not is_interpreter(exe)):
        return ""
    title = process.words[0]
    claim = title.split(" ")[0].rstrip(":").lstrip("-")
    name = base(claim)
    if _OF_KERNEL.match(claim) and base(exe) not in claim:
        return f"it calls itself {title[:60]!r}, as a thread of the kernel, and is {process.exe}"
    claimed = known.files.get(claim)
    if claimed and claimed.kind == "file" and claimed.owned and claim not in spellings(exe):
        return (
            f"it calls itself {claim}, which is the package {claimed.owned.package}'s, and is {process.exe}"
        )
    if not _DAEMONS.match(name) or base(exe).startswith(name) or claim == exe:
        return ""
    return f"it calls itself {title[:60]!r}, and is {process.exe}"
