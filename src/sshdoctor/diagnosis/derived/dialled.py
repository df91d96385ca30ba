"""The fact ``dialled``: one address as the client dialled it, and where that arrives on the host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from msgspec import Struct

from sshdoctor.access.base import LoginFailure, Offers
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.model import Evidence, Login, Reply, Unknown, endpoint, is_address
from sshdoctor.services import load, progress, works
from sshdoctor.services.base import CONNECTED, LOGGED_IN, LOGIN_TRIED

_NO_OFFERS = Offers()


class Dialled(Struct, frozen=True, kw_only=True):
    """What the client dialled, what came back, and what both ends said in the login."""

    service: str
    name: str
    address: str
    port: int
    inside_port: int
    """The port that the packet arrives at: another than ``port`` behind a REDIRECT or DNAT of the host."""
    family: str
    user: str
    reply: str | Unknown
    """Unknown where the system that was looked into does not run: what came back is not its answer."""
    detail: str | Unknown
    connected: bool | Unknown
    """The handshake of TCP came to its end: whatever stops the client is behind that."""
    looked_inside: bool
    """The host, or a disk of it, was looked into."""
    stage: str
    """The jump host or ProxyCommand that gave the reply, "" if it is the target's own."""
    source: str | None
    source_port: int | None
    """This machine's own address and port of the dial."""
    sender: str | None
    foreign_sender: bool
    """An ICMP refusal whose sender is not the address dialled: somebody else's firewall or router."""
    no_route: bool
    """This machine itself has no route to the address."""
    no_zone: bool
    """A link-local address was dialled without its interface (RFC 4007), so that the packet did not leave."""
    other_works: bool
    untried: bool
    """The dial ended before a login was tried, on every address: what that would meet can be foretold."""
    no_session: bool
    """It ended before a session began, in the same way."""
    arrives_at: str | Unknown
    """The host's own address that the packet reaches."""
    translated: bool | Unknown
    """The address dialled is none of the host's own: a port forward, or another machine."""
    elsewhere: bool | Unknown
    """The address dialled is none of the host's own, and of a kind that the host has others of."""
    host_key: str | None
    algorithms: Mapping[str, tuple[str, ...]]
    """What the client would agree to, as Login has it."""
    known_host_keys: tuple[tuple[str, str], ...]
    """The keys that the client knows for the host, each its type and fingerprint."""
    client_keys: tuple[str, ...] | Unknown
    has_password: bool
    methods: tuple[str, ...] | Unknown
    login_seconds: float
    """How long the login took that failed, in seconds."""
    late: int
    """How long the person's own client waited, which got in all the same; 0 where it did not."""
    not_started: str
    """The program that the server could not start in place of the shell, as it said; "" for none."""
    not_loaded: str
    """The program that did not load its libraries, by the name that the loader gave it; "" for none."""
    cut_off: bool
    """The host closed the connection in the login."""
    missing_algorithm: str | Unknown
    unanswered: bool
    """The server let a login wait until the client's time for it was over."""
    off: bool
    """The system that was looked into does not run: it is on a mounted disk."""
    evidence: tuple[Evidence, ...]


def dialled(
    service: str,
    login: Login,
    reply: Reply,
    replies: Sequence[Reply],
    failure: LoginFailure | None,
    addresses: Addresses | Unknown,
    on_this_machine: bool,
    offers: Offers = _NO_OFFERS,
) -> Dialled:
    """The fact for one ``reply`` of ``replies``; ``on_this_machine``: it is looked into by its own shell.

    ``offers`` is what the client would have brought to a login, had one been tried.
    """
    others = [r for r in replies if r.family != reply.family]
    address = reply.address or login.address
    arrives = _arrival(address, addresses, on_this_machine)
    untried, no_session = (_ended_before(far, service, replies) for far in (LOGIN_TRIED, LOGGED_IN))
    own = arrives if isinstance(arrives, Unknown) else arrives == _plain(address)
    return Dialled(
        service=service,
        name=login.address,
        address=address,
        port=reply.port,
        inside_port=reply.port,
        family=reply.family or _family(address),
        user=login.user or "",
        reply=reply.word,
        detail=reply.detail or "",
        connected=progress(reply.word) >= CONNECTED,
        looked_inside=not isinstance(addresses, Unknown),
        stage=reply.stage,
        source=reply.source,
        source_port=reply.source_port,
        sender=reply.sender,
        foreign_sender=reply.word.startswith("icmp") and reply.sender not in (None, address),
        no_route=reply.word == "local-unreachable" and "Network is unreachable" in (reply.detail or ""),
        no_zone=reply.word == "local-unreachable" and _lacks_zone(address),
        other_works=any(works(r.word) for r in others),
        untried=untried,
        no_session=no_session,
        arrives_at=arrives,
        translated=own if isinstance(own, Unknown) else not own,
        elsewhere=_elsewhere(address, addresses, on_this_machine),
        host_key=failure.host_key if failure else None,
        algorithms=login.algorithms,
        known_host_keys=offers.host_keys,
        client_keys=offers.keys if untried else failure.client_keys if failure else (),
        has_password=login.password is not None,
        methods=failure.methods if failure else (),
        login_seconds=failure.seconds if failure else 0.0,
        late=round(failure.late) if failure else 0,
        not_started=_not_started(reply),
        not_loaded=_not_loaded(reply),
        cut_off="saw EOF" in (failure.detail if failure else ""),
        missing_algorithm=_missing(failure),
        unanswered=failure is not None and failure.unanswered,
        off=False,
        evidence=(_seen(login, reply), *_login_evidence(failure)),
    )


_NOT_STARTED = re.compile(
    r"(/[^\s:]+): (?:No such file or directory|Permission denied|Exec format error|Text file busy"
    r"|Too many levels of symbolic links|Input/output error|Accessing a corrupted shared library"
    r"|Is a directory|Operation not permitted|Cannot allocate memory)"
)
"""What a server prints when execve(2) of the shell fails: its path, and perror(3)'s words."""


def _not_started(reply: Reply) -> str:
    found = _NOT_STARTED.fullmatch(reply.detail or "") if reply.word == "session-closed" else None
    return found[1] if found else ""


_NOT_LOADED = re.compile(
    r"(?:[^\s:]*/)?-?([^\s:/]+): (?:error while loading shared libraries|symbol lookup error|relocation error"
    r"|/[^\s:]+: version `)"
)
"""ld.so(8)'s words, which begin with what it was called as."""


def _not_loaded(reply: Reply) -> str:
    found = _NOT_LOADED.match(reply.detail or "") if reply.word == "session-closed" else None
    return found[1] if found else ""


def _family(address: str) -> str:
    """Of an address that was dialled from a jump host, "" of a name."""
    return f"ipv{ip_address(_plain(address)).version}" if is_address(address) else ""


def _ended_before(far: int, service: str, replies: Sequence[Reply]) -> bool:
    """No address let a client come so ``far`` into a login."""
    return load(service).logs_in and all(
        not one.stage and not works(one.word) and progress(one.word) < far for one in replies
    )


def _plain(address: str) -> str:
    return address.split("%")[0]


def _lacks_zone(address: str) -> bool:
    """
    >>> _lacks_zone("fe80::1"), _lacks_zone("fe80::1%eth0"), _lacks_zone("169.254.0.1")
    (True, False, False)
    """
    if "%" in address or not is_address(address):
        return False
    plain = ip_address(address)
    return plain.version == 6 and plain.is_link_local


def _own(address: str, addresses: Addresses, on_this_machine: bool) -> bool:
    if ip_address(_plain(address)).is_loopback:
        return on_this_machine
    return _plain(address) in addresses.all_addresses


def _arrival(address: str, addresses: Addresses | Unknown, on_this_machine: bool) -> str | Unknown:
    if isinstance(addresses, Unknown):
        return addresses
    if not is_address(address) or isinstance(addresses.all_addresses, Unknown):
        return Unknown("the address is not known")
    if _own(address, addresses, on_this_machine):
        return _plain(address)
    family = ip_address(_plain(address)).version
    usable = [
        own
        for own in addresses.all_addresses
        if not (ip_address(own).is_loopback or ip_address(own).is_link_local)
        and ip_address(own).version == family
    ]
    if len(usable) == 1:
        return usable[0]
    return Unknown(f"{address} is none of the host's own addresses")


def _elsewhere(address: str, addresses: Addresses | Unknown, on_this_machine: bool) -> bool | Unknown:
    """Not the host's own, though it has an address of the same kind (public or private, same family).

    What a link-local address means hangs on the interface, which was not named where there is no zone.
    """
    if isinstance(addresses, Unknown):
        return addresses
    if not is_address(address) or isinstance(addresses.all_addresses, Unknown):
        return Unknown("the address is not known")
    wanted = ip_address(_plain(address))
    if wanted.is_loopback or _lacks_zone(address) or _own(address, addresses, on_this_machine):
        return False
    kinds = {
        (own.version, own.is_global)
        for own in map(ip_address, addresses.all_addresses)
        if not own.is_loopback and not own.is_link_local
    }
    return (wanted.version, wanted.is_global) in kinds


def _missing(failure: LoginFailure | None) -> str:
    """Which kind of algorithm ("kex", "cipher" ...) the two ends have none of in common."""
    if failure is None:
        return ""
    for kind, theirs in failure.server_algorithms.items():
        ours = failure.client_algorithms.get(kind, ())
        if theirs and ours and not set(theirs) & set(ours):
            return kind
    return ""


def _seen(login: Login, reply: Reply) -> Evidence:
    address = reply.address or login.address
    text = reply.word + (f" from {reply.sender}" if reply.sender else "")
    text += f" after {reply.elapsed_ms:.1f} ms" if reply.elapsed_ms is not None else ""
    text += f": {reply.detail}" if reply.detail else ""
    return Evidence(f"dialling {endpoint(address, reply.port)}", text)


def _login_evidence(failure: LoginFailure | None) -> tuple[Evidence, ...]:
    if failure is None:
        return ()
    return tuple(
        Evidence(
            f"{kind} algorithms",
            f"client: {_listed(failure.client_algorithms, kind)}\nserver: {', '.join(theirs)}",
        )
        for kind, theirs in failure.server_algorithms.items()
        if not set(theirs) & set(failure.client_algorithms.get(kind, ()))
    )


def _listed(algorithms: Mapping[str, tuple[str, ...]], kind: str) -> str:
    return ", ".join(algorithms.get(kind, ())) or "none"
