"""What a host says of its accounts and of what guards them, as far as its doors hang on it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from sshdoctor.model import Unknown


class Key(Struct, frozen=True):
    """A line of authorized keys; ``blob`` is the public key in base64, ``options`` what stands before it."""

    kind: str
    blob: str
    options: str = ""
    revoked: bool = False

    @property
    def factor(self) -> str:
        return "security-key" if self.kind.startswith("sk-") else "key"


class KeyFile(Struct, frozen=True):
    """A file of authorized keys; ``unsafe`` is what StrictModes holds against it, ``hidden`` why the account
    itself cannot read it. ``authorities`` are its lines with cert-authority."""

    path: str
    keys: tuple[Key, ...] | Unknown = ()
    authorities: tuple[Key, ...] = ()
    unsafe: str = ""
    hidden: str = ""


class Place(Struct, frozen=True):
    """A file as stat(1) has it, and the folders on the way to it, outermost first."""

    uid: int
    gid: int
    mode: int
    kind: str = "regular file"
    size: int = 1
    words: tuple[str, ...] = ()
    """Of a secret: the names of its options, with a number where they have one."""


class Account(Struct, frozen=True, kw_only=True):
    """``credential``, its password's state: set, empty, none, locked, locked-over-a-password, missing (there
    is no line in shadow(5)). ``state``: open, expired, expires-today, missing. ``age`` of the password:
    current, change-due, overdue."""

    name: str
    uid: int
    gid: int = 0
    home: str = "/"
    shell: str = "/bin/sh"
    shell_runs: bool = True
    shell_listed: bool = True
    groups: tuple[str, ...] = ()
    local: bool = True
    credential: str | Unknown = "set"
    state: str | Unknown = "open"
    age: str | Unknown = "current"
    sudo: tuple[str, ...] | Unknown = ()
    """What ``sudo -l`` says that it may do, a line each."""
    autologin: bool = False
    """A getty logs it in without asking."""

    @property
    def has_shell(self) -> bool:
        return self.shell_runs and not self.shell.endswith(("/nologin", "/false", "/true"))


class Server(Struct, frozen=True, kw_only=True):
    """An SSH server that runs: its program (sshd, dropbear, ...), the ports, its command line."""

    program: str
    ports: tuple[int, ...]
    arguments: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, tuple[str, ...]]] | Unknown = field(default_factory=dict)
    """What ``sshd -T`` says: by "ACCOUNT ADDRESS PORT" where the port matters, else by "ACCOUNT ADDRESS", or
    "ACCOUNT" where the address does not matter; "" for all that are not named."""
    key_files: Mapping[str, tuple[KeyFile, ...] | Unknown] = field(default_factory=dict)
    """By account."""
    commanded: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    """What AuthorizedKeysCommand gives for an account, where it was asked."""
    principal_files: Mapping[str, KeyFile] = field(default_factory=dict)
    """The AuthorizedPrincipalsFile of an account, judged as a file of keys."""
    chroots: Mapping[str, str] = field(default_factory=dict)
    """What sshd holds against an account's ChrootDirectory, "" where nothing."""

    def settings_of(
        self, account: str, address: str, port: int | None = None
    ) -> Mapping[str, tuple[str, ...]] | None:
        """What holds for an account from an address at a port, the first without; None where sshd did not
        say."""
        if isinstance(self.settings, Unknown):
            return None
        port = next(iter(self.ports), 22) if port is None else port
        named = (f"{account} {address} {port}", f"{account} {address}", account)
        names = named if len(self.settings) > 1 else ("",)
        return next((found for name in names if (found := self.settings.get(name))), None)


class Certificate(Struct, frozen=True, kw_only=True):
    """One that the client has. ``authority`` is the CA's key in base64; times in seconds since 1970."""

    file: str
    authority: str
    principals: tuple[str, ...]
    after: float
    before: float
    kind: str = ""
    revoked: tuple[str, ...] = ()
    """The revocation lists that name it."""
    sources: str = ""
    """The source-address that it holds for, "" for any."""
    command: str = ""
    """The force-command that it is bound to, "" where none."""
    unsupported: bool = False
    """It has a critical option that sshd does not know, and refuses."""


class Setup(Struct, frozen=True, kw_only=True):
    """Everything about one host. ``files`` are the lines of small files that modules read, None where there
    is none; ``places`` are files whose owner and mode matter."""

    accounts: tuple[Account, ...] = ()
    left_out: tuple[str, ...] = ()
    """Accounts that were not asked about, by name; "*" for those beyond a number."""
    servers: tuple[Server, ...] = ()
    client: str = ""
    addresses: tuple[str, ...] = ()
    """Others from which somebody may come, that a rule names."""
    services: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """The files of pam.d(5): numbered lines, by the file's name or path."""
    debian: bool = True
    """Its Linux-PAM has Debian's changes."""
    modules: frozenset[str] | None = None
    """The PAM modules that are installed; None where that is not known."""
    files: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    places: Mapping[str, Place | None] = field(default_factory=dict)
    blobs: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    """The public keys in files of authorities, by path."""
    revoked: Mapping[str, str] = field(default_factory=dict)
    """Of a RevokedKeys file: "readable", or why sshd cannot read it."""
    programs: frozenset[str] = frozenset({"su", "sudo", "login"})
    now: float = 0.0
    """The host's clock, in seconds since 1970."""
    behind: float = 0.0
    """How far the host's clock is behind the client's, in seconds."""
    certificates: tuple[Certificate, ...] = ()
    """Those that the client has; without any, one is supposed that fits."""
    hidden: str = ""
    """Why there may be other servers than these, "" where there are none."""
    code_as_password: bool = False
    """A code is typed where the client asks for a password, too."""
