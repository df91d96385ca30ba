"""The frozen values that travel between the parts: what is dialled, what came back, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Literal

from msgspec import Struct, field

Family = Literal["ipv4", "ipv6"]
Role = Literal["root", "behind", "latent"]
Confidence = Literal["proved", "likely", "possible"]
Proof = Literal["said", "excluded", "repaired"]
Status = Literal["pass", "fail", "warn", "blocked", "unknown", "skipped"]
Verdict = Literal["healthy", "blocked", "undecided"]
TaskStatus = Literal["ok", "changed", "failed", "skipped", "rolled-back"]
Outcome = Literal[
    "nothing-to-do",
    "no-remedy",
    "declined",
    "checked",
    "written",
    "mended-on-disk",
    "managed",
    "proved",
    "failed",
    "rolled-back",
    "undone",
]


def endpoint(address: str | None, port: int) -> str:
    """``address:port``, the address in brackets if it is one of IPv6.

    >>> endpoint("192.0.2.7", 80), endpoint("2001:db8::7", 80)
    ('192.0.2.7:80', '[2001:db8::7]:80')
    """
    return f"[{address}]:{port}" if ":" in (address or "") else f"{address}:{port}"


def is_address(text: str) -> bool:
    """Whether ``text`` is an IP address, with a zone or without.

    >>> is_address("fe80::1%eth0"), is_address("web1")
    (True, False)
    """
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


class Secret:
    """A password that no ``repr``, ``str``, log or traceback shows.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Unknown(Struct, frozen=True):
    """Something that could not be seen. ``reason`` is a phrase such as "not permitted"."""

    reason: str

    def __bool__(self) -> bool:
        raise TypeError(f"an unknown is neither true nor false: {self.reason}")


class Login(Struct, frozen=True, kw_only=True):
    """How a client dials one service, and logs in.

    ``jumps`` are ``user@host:port`` strings in the order in which they are passed through;
    ``options`` are the client's own, as given with ``-o``, names in lower case.
    """

    address: str
    port: int
    user: str | None = None
    password: Secret | None = None
    key_files: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    known_hosts: tuple[str, ...] = ()
    """known_hosts files; empty means the user's and the system's own."""
    host_key_alias: str | None = None
    meant: str = ""
    """The address that was asked for, where the client's own configuration dials another one (HostName)."""
    meant_port: int | None = None
    """The same for the port."""
    fault: str = ""
    """What the client says against its own configuration: it dials nothing with it."""
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the client's ssh would agree to, by the names of ssh_config(5); those that ``ssh -G`` told."""


class Become(Struct, frozen=True, kw_only=True):
    """Privileges through sudo."""

    user: str = "root"
    password: Secret | None = None


class Site(Struct, frozen=True, kw_only=True):
    """A request for a page, as the one who is refused sends it."""

    scheme: Literal["http", "https"]
    name: str
    """The host's name or address in the URL."""
    port: int
    target: str
    """Path and query, as they stand in the request line."""
    method: str = ""
    """Empty: HEAD, and GET where that is refused."""
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str = ""
    """Empty: our own, with a random word of this run by which the host's logs know the request."""
    token: str = ""
    body: bytes = b""
    credentials: Secret | None = None
    """``user:password``."""
    redirects: int = 3
    """So many in a chain are too many."""
    limit: float = 20.0
    """Seconds for all of a look."""
    expect: str = ""
    """A text that the page must have."""
    ca_file: str = ""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """The name, with the port where it is not the scheme's own."""
        own = {"http": 80, "https": 443}[self.scheme]
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == own else f"{name}:{self.port}"


class Certificate(Struct, frozen=True, kw_only=True):
    """The certificate that a server showed; times in seconds since 1970."""

    names: tuple[str, ...]
    issuer: str
    begins: float
    ends: float
    fingerprint: str
    """SHA-256 of the whole, in hexadecimal digits."""


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and what came back; ``status`` 0 where nothing did."""

    method: str
    url: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    """Its beginning."""

    def header(self, name: str) -> str:
        """The first of that name (in lower case), "" if there is none."""
        return next((value for key, value in self.headers if key == name), "")


class Answer(Struct, frozen=True, kw_only=True):
    """What a site said: every request in order, and the certificate of the first connection."""

    exchanges: tuple[Exchange, ...]
    certificate: Certificate | None = None
    plain: bool = False
    """The port answers plain HTTP, where TLS was spoken to it."""

    @property
    def last(self) -> Exchange | None:
        return self.exchanges[-1] if self.exchanges else None


class WayIn(Struct, frozen=True, kw_only=True):
    """One way to run a script on a host; ``target`` is a container, a root directory or a file.

    ``connection`` is the inventory's word for it; one with a ``login`` is a service of that name.
    """

    connection: str
    login: Login | None = None
    target: str = ""
    become: Become | None = None


class Host(Struct, frozen=True, kw_only=True):
    """One host of the inventory: the service under diagnosis, and the ways in, in order."""

    name: str
    service: str
    login: Login
    ways: tuple[WayIn, ...]
    managed: str | None = None
    site: Site | None = None
    """What is asked for, where the service is a site."""
    sites: tuple[Site, ...] = ()
    """Those that it serves."""

    @property
    def way_by_service(self) -> WayIn:
        """The service under diagnosis as a way in."""
        own = (way for way in self.ways if way.login == self.login)
        return next(own, WayIn(connection=self.service, login=self.login))


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another port of the same address, and the reply word that a client got there."""

    port: int
    reply: str


class Hop(Struct, frozen=True, kw_only=True):
    """The ``number``th stop of a packet on its way.

    ``reply``: "expired" (the sender is a router there, which saw the hop limit run out), "connected", or the
    reply word that came back.
    """

    number: int
    sender: str | None
    reply: str


class Reply(Struct, frozen=True, kw_only=True):
    """What a client got when it dialled one address; ``word`` is a reply word of the contract."""

    address: str | None
    family: Family | None
    port: int
    word: str
    sender: str | None = None
    elapsed_ms: float | None = None
    banner: str | None = None
    detail: str | None = None
    source: str | None = None
    """This machine's own address on the connection, which is the client's address unless NAT changed it."""
    source_port: int | None = None
    stage: str = ""
    """The stage of the way that gave it ("jump ops@198.51.100.1"), "" if it is the target's own."""
    neighbours: tuple[Neighbour, ...] | None = None
    """None where nobody looked."""
    path: tuple[Hop, ...] | None = None
    """Up to the last stop that answered; None where nobody looked."""
    answer: Answer | None = None
    """What a site said."""


class Command(str):
    """Text for a person to type: whatever in it is not our own is quoted for the shell already."""

    __slots__ = ()


class Evidence(Struct, frozen=True):
    """Lines that a person could see for themselves, and the command that shows them."""

    source: str
    text: str


class Cause(Struct, frozen=True, kw_only=True):
    """Why a client does not get in (or will not, if latent)."""

    id: str
    role: Role
    confidence: Confidence
    proof: Proof | None = None
    """By what it is proved: the host's own words about this dial, all else being excluded, or the repair."""
    layer: str
    summary: str
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    playbooks: tuple[str, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """What one check came to."""

    id: str
    title: str
    layer: str
    status: Status
    summary: str
    causes: tuple[str, ...] = ()


class Attempt(Struct, frozen=True):
    """A way in that was tried, and what it answered (``ok`` for the one in use)."""

    via: str
    reply: str
    detail: str = ""


class AccessUsed(Struct, frozen=True, kw_only=True):
    """The way in that was used, or ``via=None`` if none worked."""

    via: str | None
    detail: str = ""
    privileged: bool | None = None
    tried: tuple[Attempt, ...] = ()


class Prediction(Struct, frozen=True, kw_only=True):
    """What a client must see by what the host says; ``agrees`` is None where that is not known."""

    reply: str
    agrees: bool | None
    why: str


class TaskResult(Struct, frozen=True, kw_only=True):
    """What one task of a playbook came to; ``diff`` is a unified diff, or empty."""

    playbook: str
    name: str
    status: TaskStatus
    message: str = ""
    diff: str = ""


class Planned(Struct, frozen=True, kw_only=True):
    """One playbook of a plan: the causes that it mends here, and what it puts at risk."""

    playbook: str
    title: str
    mends: tuple[str, ...]
    risk: str
    guarded: bool
    changes: tuple[str, ...] = ()
    """Its tasks that may change something, by name."""
    source: str = ""
    """The file and its owner, of a playbook that did not come with this program."""


class Repair(Struct, frozen=True, kw_only=True):
    """What was planned, done and proved on one host.

    ``replies_before`` and ``replies_after`` are what a client got; ``journal`` has each command that changed
    the host; ``run`` names the state that ``undo`` puts back, empty if nothing was kept.
    """

    outcome: Outcome
    detail: str = ""
    planned: tuple[Planned, ...] = ()
    forecast: str = ""
    """What a client must meet after the plan, by the firewall model and the checks."""
    tasks: tuple[TaskResult, ...] = ()
    replies_before: tuple[Reply, ...] = ()
    replies_after: tuple[Reply, ...] = ()
    mended: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()
    run: str = ""


class HostReport(Struct, frozen=True, kw_only=True):
    """The answer for one host."""

    host: str
    service: str
    """The name of what was dialled."""
    url: str | None = None
    """Where what was dialled has one."""
    login: Login
    verdict: Verdict
    outside: tuple[Reply, ...]
    access: AccessUsed
    prediction: Prediction | None
    causes: tuple[Cause, ...]
    checks: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    possible: tuple[Cause, ...] = ()
    """Where nobody looked inside and nothing was found: what the replies alone may come from."""
    when: float | None = None
    """When the host was dialled, in seconds since 1970; None where nobody looked at a clock."""
    repair: Repair | None = None
    managed: str | None = None
    """The name of the provider who runs the host."""
    next: tuple[str, ...] = ()
    """The commands to type now, in this order."""
