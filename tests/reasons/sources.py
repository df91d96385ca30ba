"""What is known of each program's source: which files it is made of, and how it writes its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kind:
    """How one function logs: where its format stands, and what it puts around the message."""

    level: str
    format: int = 0
    """The number of the argument that is the format, from 0."""
    function: bool = False
    """Whether the name of the calling function stands before the message."""
    frame: str = "%{message}"
    only: tuple[str, ...] = ()
    """Calls whose first argument is none of these are not messages."""
    bare: str = ""
    """The message where the argument is no literal text; without it such a call is passed over."""
    joined: bool = False
    """Whether all arguments together are the message; a bare 0 is none."""
    glue: tuple[str, ...] = ()
    """What stands before the second argument, the third and so on, if they are there."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program: which files it is made of, and its logging functions."""

    objects: tuple[str, ...]
    """The variables of its Makefile that list its objects; without any, all C files of the folders."""
    kinds: Mapping[str, Kind]
    elsewhere: frozenset[str] = frozenset()
    """Files that are for other systems than Linux, or whose functions only another program calls."""
    uncalled: frozenset[str] = frozenset()
    """Functions of the other files that only another program calls."""
    folders: tuple[str, ...] = ("",)
    clauses: Mapping[str, str] = field(default_factory=dict)
    """What assigns a text that stands in another message, by the hole's name: a regular expression up to
    the literal."""
    fillers: Mapping[str, str] = field(default_factory=dict)
    """The names of variables that hold such a text, and the hole that each fills."""
    clauses_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For a file whose messages end in such a text: the files that its texts come from."""
    spelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For a message with a hole that only a few words fill: the message with each of them."""

    def files(self, tree: Path) -> Iterator[Path]:
        """The C files that make up the program in one tree."""
        names: set[str] = set()
        if not self.objects:
            names = {p.stem for f in self.folders for p in (tree / f).glob("*.c") if p.stem[0] != "_"}
        for makefile in (tree / "Makefile.in", tree / "openbsd-compat" / "Makefile.in"):
            if makefile.exists():
                names |= _objects(makefile.read_text(encoding="utf-8"), self.objects)
        for name in sorted(names - self.elsewhere):
            yield from (p for f in self.folders if (p := tree / f / f"{name}.c").exists())

    def texts(self, source: str) -> Iterator[tuple[str, str]]:
        """Each text of a file that is put into another message, with the name of its hole."""
        for hole, expression in self.clauses.items():
            for match in re.finditer(rf'(?:{expression})\s*(?P<words>(?:"(?:\\.|[^"\\])*"\s*)+)', source):
                parts = re.findall(r'"((?:\\.|[^"\\])*)"', match["words"])
                yield hole, "".join(parts).replace('\\"', '"')


def _objects(makefile: str, variables: tuple[str, ...]) -> set[str]:
    names: set[str] = set()
    for variable in variables:
        for match in re.finditer(rf"^_?{variable}\s*=(.*)$", makefile.replace("\\\n", " "), re.MULTILINE):
            names |= set(re.findall(r"([\w-]+)\.o", match[1]))
    return names


def _openssh_kinds() -> dict[str, Kind]:
    kinds = {}
    levels = {"logdie": "error", "sigdie": "fatal"}
    for name in ("fatal", "error", "logit", "verbose", *levels):
        level = levels.get(name, name)
        kinds[name] = Kind(level)
        kinds[f"{name}_f"] = Kind(level, function=True)
        kinds[f"{name}_r"] = Kind(level, format=1, frame="%{message}: %{why}")
        kinds[f"{name}_fr"] = Kind(level, format=1, function=True, frame="%{message}: %{why}")
    for suffix, fmt in (("", 1), ("_f", 1), ("_r", 2), ("_fr", 2)):
        frame = "%{message}: %{why}" if "r" in suffix else "%{message}"
        kinds[f"do_log2{suffix}"] = Kind("logit", format=fmt, function="f" in suffix, frame=frame)
    return {
        **kinds,
        "authlog": Kind("logit"),
        "packet_disconnect": Kind("disconnect", frame="Disconnecting %{peer}: %{message}"),
        "ssh_packet_disconnect": Kind("disconnect", format=1, frame="Disconnecting %{peer}: %{message}"),
        "sshpkt_fatal": Kind("fatal", format=2, frame="%{message}: Connection from %{peer}: %{why}"),
        "fprintf": Kind("stderr", format=1, only=("stderr",)),
        "perror": Kind("stderr", frame="%{message}: %{errno}", bare="%s"),
    }


_CHOICES = ("key exchange method", "cipher", "MAC", "compression method", "host key type")
_OPENSSH_SPELLED: dict[str, tuple[str, ...]] = {
    "%s %s%s%s for %s%s from %s port %d ssh2%s%s": tuple(
        f"{outcome} %s for %s from %s port %d ssh2{rest}"
        for outcome in ("Accepted", "Failed", "Partial", "Postponed")
        for rest in ("", ": %s")
    ),
    "%s, %s": ("OpenSSH_%s, %s",),
    "Disconnecting %s: %s": (),  # the frame of all that packet_disconnect says
    "Disconnecting: %s": (),
    "Disconnecting %{peer}: %s": (),
    "%s [preauth]": (),  # the frame of what the unprivileged process says
    "drop connection #%d from [%s]:%d on [%s]:%d %s": tuple(
        f"drop connection #%d from [%s]:%d on [%s]:%d {reason}"
        for reason in ("Maxstartups", "PerSourcePenalties", "penalty: %s", "too many penalised addresses")
    ),
    "subsystem request for %s by user %s failed, %s": tuple(
        f"subsystem request for %s by user %s failed, {reason}"
        for reason in ("execution failed", "subsystem not found")
    ),
    "%s line %d: %s option %s": (
        "%s line %d: Deprecated option %s",
        "%s line %d: Unsupported option %s",
    ),
    'bad ownership or modes for chroot directory %s"%s"': (
        'bad ownership or modes for chroot directory "%s"',
        'bad ownership or modes for chroot directory component "%s"',
    ),
    'chroot path %s"%s" is not a directory': (
        'chroot path "%s" is not a directory',
        'chroot path component "%s" is not a directory',
    ),
    "User %s %s %s is not a regular file": (
        "User %s authorized keys %s is not a regular file",
        "User %s authorized principals %s is not a regular file",
    ),
    '%s%sclose "%s" bytes read %d written %d': (
        'close "%s" bytes read %d written %d',
        'forced close "%s" bytes read %d written %d',
    ),
    '%s%sclosedir "%s"': ('closedir "%s"', 'forced closedir "%s"'),
    '%sstat name "%s"': ('stat name "%s"', 'lstat name "%s"'),
    "%s key type %s is not in permitted list %s": (
        "mm_answer_keyallowed: key type %s is not in permitted list %s",
    ),
    "%{reason} logging rate-limited: additional %d connections dropped": (
        "Maxstartups logging rate-limited: additional %d connections dropped",
        "PerSourcePenalties logging rate-limited: additional %d connections dropped",
    ),
    "drop connection #%d from [%s]:%d on [%s]:%d %{reason}": (
        "drop connection #%d from [%s]:%d on [%s]:%d past Maxstartups",
        "drop connection #%d from [%s]:%d on [%s]:%d penalty: %s",
        "drop connection #%d from [%s]:%d on [%s]:%d too many penalised addresses",
    ),
    "%s%sConnection %s %s port %d: %{why}": ("ssh_dispatch_run_fatal: Connection from %s port %d: %{why}",),
    "%s%sConnection %s %s: %{why}": ("ssh_dispatch_run_fatal: Connection from %{peer}: %{why}",),
    "Connection %s %s port %d timed out": ("Connection from %s port %d timed out",),
    "Connection %s %s timed out": ("Connection from %{peer} timed out",),
    "Unable to negotiate with %s port %d: %{why}. Their offer: %s": tuple(
        f"Unable to negotiate with %s port %d: no matching {what} found. Their offer: %s" for what in _CHOICES
    ),
    "Unable to negotiate with %s: %{why}. Their offer: %s": tuple(
        f"Unable to negotiate with %{{peer}}: no matching {what} found. Their offer: %s" for what in _CHOICES
    ),
    "Connection from %s port %d on %s port %d%s%s%s": (
        "Connection from %s port %d on %s port %d",
        'Connection from %s port %d on %s port %d rdomain "%s"',
    ),
    "session process %d for %s killed by signal %d%s": (
        "session process %d for %s killed by signal %d",
        "session process %d for %s killed by signal %d (early)",
    ),
    "session process %d for %s terminated abnormally, status=0x%d%s": (
        "session process %d for %s terminated abnormally, status=0x%d",
        "session process %d for %s terminated abnormally, status=0x%d (early)",
    ),
    "Timeout before authentication for %s, pid = %d%s": (
        "Timeout before authentication for connection from %s to %s, pid = %d",
        "Timeout before authentication for connection from %s to %s, pid = %d (early)",
        "Timeout before authentication for %s, pid = %d",
    ),
    "PAM: %s for %s%s from %s": ("PAM: %s for illegal user %s from %s", "PAM: %s for %s from %s"),
}
_OF_COMMANDS = (
    '%s exec "%s": %{errno}',
    '%s %s "%s": %{errno}',
    "%s path is not absolute",
    "%s %s exited on signal %d",
    "%s %s failed, status %d",
    "%s waitpid: %{errno}",
    "%s: waitpid: %{errno}",
    "%s: dup2: %{errno}",
    "%s: fdopen: %{errno}",
    "%s: fork: %{errno}",
    "%s: open %s: %{errno}",
    "%s: pipe: %{errno}",
    "%s: setresgid %d: %{errno}",
    "%s: setresuid %d: %{errno}",
    "%s: initgroups(%s, %d): %{errno}",
    "%s: inconsistent arguments",
    "%s: no user for current uid",
    'Could not stat %s "%s": %{errno}',
    'Unsafe %s "%s": %{fault}',
)
"""Messages about the programs that give keys and principals: the first hole is the option's name."""
_OPENSSH_SPELLED.update(
    (text, tuple(text.replace("%s", f"Authorized{kind}Command", 1) for kind in ("Keys", "Principals")))
    for text in _OF_COMMANDS
)

PROGRAMS = {
    "openssh-server": Program(
        objects=(
            "SSHDOBJS",
            "SSHD_SESSION_OBJS",
            "SSHD_AUTH_OBJS",
            "LIBSSH_OBJS",
            "LIBOPENSSH_OBJS",
            "PORTS",
            "COMPAT",
            "OPENBSD",
        ),
        kinds=_openssh_kinds(),
        folders=("", "openbsd-compat"),
        elsewhere=frozenset(
            [
                "sandbox-systrace",
                "sandbox-capsicum",
                "sandbox-darwin",
                "sandbox-solaris",
                "sandbox-pledge",
                "platform-pledge",
                "auth-bsdauth",
                "auth-sia",
                "audit-bsm",
                "port-aix",
                "port-irix",
                "port-solaris",
                "port-uw",
                "port-prngd",
                "bsd-err",
                "fmt_scaled",
                "dns",
                "moduli",
                "kexdhc",
                "kexecdhc",
                "kexgexc",
                "kexc25519c",
                "kexgssc",
                "ssh-pkcs11",
                "ssh-pkcs11-client",
                "ssh-sk-client",
            ]
        ),
        uncalled=frozenset(
            [
                "host_delete",
                "hostfile_replace_entries",
                "hostfile_create_user_ssh_dir",
                "add_host_to_hostfile",
                "write_host_entry",
                "format_host_entry",
                "host_hash",
                "krl_dump",
                "ssh_askpass",
                "notify_start",
                "notify_complete",
                "mktemp_proto",
                "put_host_port",
                "hash_debug",
            ]
        ),
        spelled=_OPENSSH_SPELLED,
        clauses={
            "reason": r"\b(?:reason|errstrp?|key_opts_reason) = ",
            "fault": r"\bsnprintf\(err, errlen,",
        },
        fillers={"reason": "reason", "errmsg": "fault", "line": "fault"},
        clauses_of={
            "auth2-pubkey": ("auth2-pubkey", "auth2-pubkeyfile", "auth-options", "sshkey", "auth", "misc"),
            "auth2-pubkeyfile": ("auth2-pubkey", "auth2-pubkeyfile", "auth-options", "sshkey"),
            "auth2-hostbased": ("sshkey",),
            "auth": ("auth", "misc"),
            "srclimit": ("srclimit",),
        },
    ),
    "dropbear": Program(
        objects=("SVROBJS", "COMMONOBJS", "CLISVROBJS"),
        spelled={
            "Early exit%s: %s": (),
            "[%d] %s %s": (),  # the frame of what goes to standard error
            "Failed listening on '%s': %s": (
                "Failed listening on '%s': Error listening: %{errno}",
                "Failed listening on '%s': Error resolving: %{errno}",
            ),
        },
        elsewhere=frozenset({"gendss", "gened25519", "genrsa", "gensignkey", "gened", "genecdsa"}),
        kinds={
            "dropbear_exit": Kind("exit"),
            "dropbear_close": Kind("exit"),
            "dropbear_log": Kind("log", format=1),
            "fprintf": Kind("stderr", format=1, only=("stderr",)),
            "perror": Kind("stderr", frame="%{message}: %{errno}", bare="%s"),
        },
        folders=("", "src"),
    ),
    "tinysshd": Program(
        objects=(),
        kinds={
            **{f"log_f{n}": Kind("fatal", joined=True) for n in range(1, 10)},
            **{f"log_w{n}": Kind("warning", joined=True) for n in range(1, 10)},
            **{f"log_i{n}": Kind("info", joined=True) for n in range(1, 10)},
            **{f"log_u{n}": Kind("usage", joined=True) for n in range(1, 10)},
            "die_fatal": Kind("fatal", joined=True, glue=(" ", "/")),
            "die_usage": Kind("usage", joined=True),
        },
        folders=("", "tinyssh"),
        elsewhere=frozenset({"main_tinysshd_makekey", "main_tinysshd_printkey", "test-crypto"}),
    ),
}
