"""Whether failures come to the engine, and under whose address: by the host's own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network

from sshdoctor.facts.protection.engines import Engines, Jail
from sshdoctor.facts.protection.seen_requests import SeenRequests, believes_anybody
from sshdoctor.model import Reply, Unknown
from sshdoctor.protection.pages import FORGED, Asked

Said = tuple[bool | None, str]
"""What was found, and why it is not true: "" if it is."""

_QUIET = ("QUIET", "FATAL", "ERROR")
_FAILED = re.compile(
    r"^(?:Failed (?:password|keyboard-interactive/pam|none)|maximum authentication attempts|"
    r"error: maximum authentication attempts|Invalid user )"
)
# The last one in a line is sshd's own word; before it stands the name, which a stranger typed.
_FROM = re.compile(r"^(?!Server listening ).*(?<! on) ([\da-fA-F.:]{3,45}) port (\d{1,5})\b")
_STRANGER = "192.0.2.213"
_SOME = 3
_SEES_OWN = (1, 1)
"""Since this version fail2ban takes the addresses of all interfaces for its own (ignoreself)."""


def notices(engines: Engines, jail: Jail, own: Sequence[str] = (), dialled: bool = False) -> Said:
    """Whether the failures that sshd logs come to ``jail``, and are failures in its eyes.

    ``own`` are the host's addresses; ``dialled``: it has been connected to just now, so that sshd has logged.
    """
    if (quiet := quiet_of(engines)) is not None:
        return quiet
    everybody = {"0.0.0.0", "::"} & set(jail.ignoreip)  # so fail2ban 1.0 writes 0.0.0.0/0  # noqa: S104
    if everybody or _is_within(_STRANGER, jail.ignoreip):
        return False, f"ignoreip of the jail {jail.name} is everybody: nobody is ever banned"
    if (ignored := _all_ignored(engines, jail, own) or _spared(jail)) is not None:
        return ignored
    if isinstance(engines.lines, Unknown):
        return (True, "") if jail.found else (None, f"notices: {engines.lines.reason}")
    if jail.logpath:
        return _by_file(jail, engines.lines)
    if dialled and engines.log_level and not engines.lines:
        return False, "sshd has logged nothing into the journal, which the jail reads: Storage= of journald"
    reached = [line for line in engines.lines if reaches(line, jail.journalmatch)]
    if about_clients(engines.lines) and not about_clients(reached):
        match = " + ".join(" ".join(group) for group in jail.journalmatch)
        unit = next((line.get("_SYSTEMD_UNIT", "") for line in reversed(about_clients(engines.lines))), "")
        return False, (
            f"journalmatch = {match} of the jail {jail.name} finds none of the lines in which sshd tells of "
            f"logins. journalmatch = _SYSTEMD_UNIT={unit or 'ssh.service'}"
        )
    return _by_hits(jail, reached)


def _all_ignored(engines: Engines, jail: Jail, own: Sequence[str]) -> Said | None:
    """Every client is logged under one of the host's own addresses, and these are never counted."""
    if isinstance(engines.lines, Unknown):
        return None
    found = (_FROM.search(line.get("MESSAGE", "")) for line in engines.lines)
    clients = {each[1] for each in found if each}
    if not clients or not clients <= set(own):
        return None
    return _UNCOUNTED if _counts_none(engines, jail, clients) else None


_UNCOUNTED = (
    False,
    "every client is logged under an address of this host itself, which the jail never counts: "
    "nobody is banned. Let the real addresses through (userland-proxy, PROXY protocol)",
)


def _counts_none(engines: Engines, jail: Jail, clients: Iterable[str]) -> bool:
    """Whether fail2ban takes all of ``clients``, who are this host itself, for such as are never banned."""
    itself = jail.ignoreself and engines.version >= _SEES_OWN
    return itself or all(_is_within(one, jail.ignoreip) or one in ("127.0.0.1", "::1") for one in clients)


def requests_uncounted(
    engines: Engines, jail: Jail, seen: SeenRequests | Unknown, own: Sequence[str]
) -> Said | None:
    """The same of a site: a proxy on this host says nothing of who comes."""
    clients = set() if isinstance(seen, Unknown) else {each.client for each in seen.seen}
    if not clients or not clients <= {*own, "127.0.0.1", "::1"}:
        return None
    return _UNCOUNTED if _counts_none(engines, jail, clients) else None


def _spared(jail: Jail) -> Said | None:
    """Whom ``ignorecommand`` lets pass: it is not run here, and what fail2ban made of it decides."""
    words = jail.ignorecommand.split()
    if not words or words[0].rpartition("/")[2] == "false":
        return None
    name = words[0].rpartition("/")[2]
    if name in ("true", ":") or (jail.spared and not jail.found):
        return False, f"ignorecommand {words[0]} of the jail {jail.name} lets everybody pass who has failed"
    if jail.found:
        return None
    return None, f"notices: nobody has failed yet by whom to tell what ignorecommand {words[0]} makes of them"


_INFO = ("info", "debug", "6", "7", "")
"""The levels of MaxLevelStore by which sshd's lines of failures are kept (journald.conf(5))."""


def unkept(engines: Engines, replies: Sequence[Reply]) -> Said | None:
    """The journal keeps none of sshd's failures, which are of level info; nor did it keep our own dial."""
    ports = {str(reply.source_port) for reply in replies if reply.source_port}
    if engines.kept in _INFO or isinstance(engines.lines, Unknown) or not ports:
        return None
    if any(ports & set(line.get("MESSAGE", "").split()) for line in engines.lines):
        return None
    return False, (
        f"MaxLevelStore of journald is {engines.kept}: failures of sshd are of level info, and the journal "
        "keeps none. MaxLevelStore=debug in journald.conf; systemctl restart systemd-journald"
    )


def quiet_of(engines: Engines) -> Said | None:
    if engines.log_level not in _QUIET:
        return None
    return False, f"sshd's LogLevel is {engines.log_level}: no failure is logged. LogLevel INFO"


def _is_within(address: str, networks: Iterable[str]) -> bool:
    for each in networks:
        try:
            network = ip_network(each, strict=False)
        except ValueError:
            continue
        if network.version == ip_address(address).version and ip_address(address) in network:
            return True
    return False


def about_clients(lines: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Those about a client: what the daemon says of itself another process may log."""
    return [line for line in lines if _FROM.search(line.get("MESSAGE", ""))]


def _by_hits(jail: Jail, reached: Sequence[Mapping[str, str]]) -> Said:
    failures = [line for line in reached if _FAILED.match(line.get("MESSAGE", ""))]
    if jail.uncounted > _SOME:
        return False, (
            f"the jail {jail.name} has counted none of the failures that came to it since it started: it is "
            f"idle, or hangs. fail2ban-client set {jail.name} idle off, or restart fail2ban"
        )
    if any(line.get("MESSAGE") in jail.hits for line in reached):
        return True, ""
    if len(failures) > _SOME:
        return False, f"the filter of the jail {jail.name} takes none of this host's own failures for one"
    if about_clients(reached) and "ssh" in jail.samples:
        return True, ""
    return None, "notices: sshd has logged no client yet, so that nothing shows whether the jail sees it"


def _by_file(jail: Jail, lines: Sequence[Mapping[str, str]]) -> Said:
    there, missing = jail.in_files
    files = ", ".join(jail.logpath)
    if there:
        return _by_hits(jail, lines)
    if missing:
        return False, (
            f"the jail {jail.name} reads {files}, and of the lines that sshd wrote none stands there. "
            "backend = systemd, or start what writes that file"
        )
    return None, f"notices: sshd has logged nothing yet that could stand in {files}"


def reaches(line: Mapping[str, str], journalmatch: Sequence[Sequence[str]]) -> bool:
    """Whether journalctl would give ``line`` for the matches: groups are "or", in one the fields are "and",
    one field twice "or" (journalctl(1)).

    >>> reaches({"_COMM": "sshd"}, [["_SYSTEMD_UNIT=ssh.service"], ["_COMM=sshd"]])
    True
    """
    if not journalmatch:
        return True
    return any(_all(line, group) for group in journalmatch)


def _all(line: Mapping[str, str], group: Iterable[str]) -> bool:
    wanted: dict[str, set[str]] = {}
    for word in group:
        name, _, value = word.partition("=")
        wanted.setdefault(name, set()).add(value)
    return all(line.get(name) in values for name, values in wanted.items())


def sees_real(engines: Engines, replies: Sequence[Reply], own: Sequence[str]) -> Said:
    """Whether failures are logged under the address that they came from: this dial is looked for first."""
    if engines.log_level in _QUIET:
        return False, f"sshd's LogLevel is {engines.log_level}: no address is logged. LogLevel INFO"
    if (lost := unkept(engines, replies)) is not None:
        return lost
    if isinstance(engines.lines, Unknown):
        return None, f"sees_real_addresses: {engines.lines.reason}"
    seen = [found.groups() for line in engines.lines if (found := _FROM.search(line.get("MESSAGE", "")))]
    dials = {str(reply.source_port): reply.source for reply in replies if reply.source_port}
    met = [(address, dials[port]) for address, port in seen if port in dials]
    others = {address for address, _ in seen}
    local = {address for address in others if address in own and not ip_address(address).is_loopback}
    if not any(address == source for address, source in met) and others and others <= set(own):
        return False, (
            "every client is logged under an address of this host itself: one ban would shut out everybody. "
            "Mend the address translation before it: a MASQUERADE without ! -o, or userland-proxy"
        )
    if local:
        return None, "sees_real_addresses: some clients are logged under an address of this host itself"
    if any(address == source for address, source in met) or len(others - set(own)) > 1:
        return True, ""
    return None, "sees_real_addresses: too few clients are logged, and this dial is not among them"


def sees_real_requests(pages: Sequence[Asked], seen: SeenRequests | Unknown) -> Said:
    """The same of a site: our own requests in its log, and one in which an address was made up."""
    if isinstance(seen, Unknown):
        return None, f"sees_real_addresses: {seen.reason}"
    if any(each.client == FORGED for each in seen.seen) or (not seen.seen and believes_anybody(seen.trusts)):
        return False, (
            "the web server logs whatever address stands in X-Forwarded-For: who guesses writes the one that "
            "he likes, and is never banned; others can be. set_real_ip_from (RemoteIPTrustedProxy) the proxy"
        )
    sources = {each.source for each in pages}
    met = [each.client for each in seen.seen]
    if met and all(each in sources for each in met):
        if seen.others == 1 and not any(each.named for each in pages):
            return None, (
                "sees_real_addresses: all others come from one address: who guesses, or a proxy "
                "before the site. sshdoctor_sites in the inventory names it, to be asked as visitors do"
            )
        return True, ""
    if met:
        return False, (
            "a site's visitors are logged under the address of a proxy before it: one ban would shut out "
            "everybody. set_real_ip_from and real_ip_header (RemoteIPHeader), or PROXY protocol"
        )
    return None, "sees_real_addresses: our own requests are not found in a web server's log"


def reading(jails: Sequence[Jail], seen: SeenRequests | Unknown) -> list[Jail]:
    """The jails that read the log of the site: our own requests stand there, or else somebody's guesses."""
    found = [jail for jail in jails if jail.asked_in_files]
    if found or isinstance(seen, Unknown) or seen.seen:
        return found
    files = {file for _, file in seen.guessed}
    return [jail for jail in jails if files & set(jail.logpath)]


def notices_guesses(readers: Sequence[Jail], pages: Sequence[Asked]) -> Said:
    """Whether each page at which passwords can be guessed is covered by a jail that reads the site's log."""
    if not readers:
        return False, (
            "no jail reads the log of the site, at whose wp-login.php or xmlrpc.php passwords can be "
            "guessed: a jail with a filter for POST to both"
        )
    for page in dict.fromkeys(each.page for each in pages):
        if not any(page in jail.samples for jail in readers):
            return False, f"no jail's filter knows a guess at {page}: put it into failregex, or close it"
    missed = set.intersection(*(set(jail.missed) for jail in readers))
    if missed:
        return False, f"guesses at {min(missed)} are answered, and no jail's filter knows them"
    return True, ""


def failures_of(lines: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    return [line for line in lines if _FAILED.match(line.get("MESSAGE", ""))]
