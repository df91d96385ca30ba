"""What the user's own ssh_config says about a host, as ``ssh -G`` tells it (ssh(1), ssh_config(5))."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from sshdoctor.errors import InputError
from sshdoctor.inventory.dial import Dial, parse_dial
from sshdoctor.inventory.paths import expand_home
from sshdoctor.model import Host, Login, WayIn

# What a client other than ssh itself can honour, and what a diagnosis wants to know.
_OPTIONS = (
    "addressfamily",
    "batchmode",
    "bindaddress",
    "bindinterface",
    "certificatefile",
    "connecttimeout",
    "identitiesonly",
    "identityagent",
    "ipqos",
    "preferredauthentications",
    "proxycommand",
    "proxyusefdpass",
    "pubkeyauthentication",
    "stricthostkeychecking",
)
_ALGORITHMS = ("kexalgorithms", "ciphers", "macs", "hostkeyalgorithms")
_NO_SUCH_HOST = "no-such-host-of-anybodys"
_SECONDS = 15  # a Match exec of the user's may take its time
_HOPS = 8

_CHOICES = (
    "casignaturealgorithms",
    "ciphers",
    "hostkeyalgorithms",
    "kexalgorithms",
    "macs",
    "pubkeyacceptedalgorithms",
    "requiredrsasize",
)
"""What it may agree to; of interest where it is not ssh's own choice."""

_EXTRAS = (
    "checkhostip",
    "controlmaster",
    "controlpath",
    "dynamicforward",
    "exitonforwardfailure",
    "forkafterauthentication",
    "knownhostscommand",
    "localforward",
    "remotecommand",
    "remoteforward",
    "revokedhostkeys",
    "sessiontype",
    "tunnel",
)
"""What ssh does beside a login, where the person's own configuration asks for it."""

_Settings = dict[str, list[str]]


class _ConfigError(Exception):
    """ssh does not take the person's own configuration; the message is its own."""


def complete(host: Host, config: Path | None = None) -> Host:
    """``host`` with everything the user's ssh would take from its configuration; what is set already wins.

    Fills address (HostName), port, user, key files that exist, jumps, known_hosts files, host key alias
    and options, for the service and for every ssh way in. Runs ssh once for each of them and each jump
    (4 ms each); call it once a host. Without an ssh client only the user's name is filled in.
    ``config`` is the file for ``ssh -F``. Where ssh does not take that, its words are the login's ``fault``.
    Raises InputError with ssh's own words where it is the inventory's options that it does not take.
    """
    done: dict[int, Login] = {id(host.login): host.login} if host.site else {}
    for login in (host.login, *(way.login for way in host.ways if way.login)):
        if id(login) not in done:
            done[id(login)] = _complete_login(login, config)
    ways = tuple(
        _without_needless_sudo(replace(way, login=done[id(way.login)])) if way.login else way
        for way in host.ways
    )
    return replace(host, login=done[id(host.login)], ways=ways)


def is_alias(word: str, config: Path | None = None) -> bool:
    """Whether ssh_config says anything about ``word`` that it does not say about every host."""
    telling = ("user", "port", "proxyjump", "proxycommand", "identityfile", "hostkeyalias")
    try:
        about, others = (_settings(Dial(name), (), config) for name in (word, _NO_SUCH_HOST))
    except _ConfigError:
        return False  # which is told of where it is dialled
    if about is None or others is None:
        return False
    named = about.get("hostname", [word])[0].lower() != word.lower()
    return named or any(about.get(name) != others.get(name) for name in telling)


def _complete_login(login: Login, config: Path | None) -> Login:
    try:
        return _completed(login, config)
    except _ConfigError as fault:
        return replace(login, user=login.user or _own_name(), fault=str(fault))


def _completed(login: Login, config: Path | None) -> Login:
    explicit = login.port if login.port != 22 or "port" in login.options else None
    settings = _settings(Dial(login.address, login.user, explicit), _arguments(login), config)
    if settings is None:
        return replace(login, user=login.user or _own_name())
    found = {name: settings[name][0] for name in _OPTIONS if name in settings}
    usual = _usual()
    found |= {name: settings[name][0] for name in _CHOICES if settings.get(name) != usual.get(name)}
    address = _one(settings, "hostname") or login.address
    port = int(_one(settings, "port") or login.port)
    user = _one(settings, "user") or login.user
    tokens = {"%d": str(Path.home()), "%h": address, "%n": login.address, "%p": str(port), "%r": user or ""}
    return replace(
        login,
        address=address,
        port=port,
        user=user,
        key_files=login.key_files + _new_files(settings.get("identityfile", ()), tokens, login.key_files),
        jumps=_jumps(settings, config, _HOPS),
        options=_without_none({**found, **login.options}),
        known_hosts=login.known_hosts or _known_hosts(settings),
        host_key_alias=login.host_key_alias or _one(settings, "hostkeyalias"),
        meant=login.address if address.lower() != login.address.lower() else "",
        meant_port=login.port if port != login.port else None,
        algorithms={name: tuple(settings[name][0].split(",")) for name in _ALGORITHMS if name in settings},
        extras={
            name: settings[name][0]
            for name in _EXTRAS
            if name in settings
            and settings[name] != usual.get(name)
            and (name == "sessiontype" or settings[name] != ["none"])
        },
    )


def _own_name() -> str:
    import getpass  # rarely needed

    return getpass.getuser()


@cache
def _usual() -> _Settings:
    """What ssh does without any configuration."""
    return _settings(Dial(_NO_SUCH_HOST), ("-F", "none"), None) or {}


def _arguments(login: Login) -> tuple[str, ...]:
    """The login as -o options, so that Match and the order of precedence work as in ssh itself."""
    options = {name: value for name, value in login.options.items() if name != "port"}
    if login.jumps:
        options["proxyjump"] = ",".join(login.jumps)
    if login.host_key_alias:
        options["hostkeyalias"] = login.host_key_alias
    given = [f"{name}={value}" for name, value in options.items()]
    return tuple(word for option in given for word in ("-o", option))


def _settings(dial: Dial, arguments: Sequence[str], config: Path | None) -> _Settings | None:
    """Every setting of ``ssh -G``, by name; None without an ssh client. Raises InputError."""
    import subprocess  # not needed to load an inventory

    if dial.address.startswith("-"):
        raise InputError(f"{dial.address!r} is no host name and no address")
    file = ("-F", str(config)) if config else ()
    user = ("-l", dial.user) if dial.user else ()
    port = ("-p", str(dial.port)) if dial.port else ()
    command = ["ssh", "-G", "-T", *file, *user, *port, *arguments, "--", dial.address]
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired:
        raise InputError(
            f"ssh -G {dial.address}: no answer after {_SECONDS} s; is there a Match exec?"
        ) from None
    if result.returncode != 0:
        said = result.stderr.strip().splitlines()[:1]
        words = f"ssh -G {dial.address}: {said[0] if said else 'failed'}"
        raise InputError(words) if "command-line" in words else _ConfigError(words)
    settings: _Settings = {}
    for line in result.stdout.splitlines():
        name, _, value = line.partition(" ")
        settings.setdefault(name, []).append(value)
    return settings


def _jumps(settings: _Settings, config: Path | None, hops: int) -> tuple[str, ...]:
    """The ProxyJump's hosts as they are dialled; as in ssh, only the first may be jumped to itself."""
    text = _one(settings, "proxyjump")
    if not text or not hops:
        return ()
    before: tuple[str, ...] = ()
    jumps = []
    for number, jump in enumerate(text.split(",")):
        dial = _parse_jump(jump)
        own = _settings(dial, (), config)
        if own is None:
            jumps.append(str(dial))
            continue
        if number == 0:
            before = _jumps(own, config, hops - 1)
        address, port = _one(own, "hostname") or dial.address, int(_one(own, "port") or 22)
        jumps.append(str(Dial(address, _one(own, "user") or dial.user, port)))
    return before + tuple(jumps)


def _parse_jump(text: str) -> Dial:
    try:
        return parse_dial(text.strip().removeprefix("ssh://"))
    except ValueError as error:
        raise InputError(f"ProxyJump in the ssh configuration: {error}") from None


def _one(settings: _Settings, name: str) -> str | None:
    value = settings.get(name, [""])[0]
    return None if value in ("", "none") else value


def _new_files(names: Sequence[str], tokens: dict[str, str], given: tuple[str, ...]) -> tuple[str, ...]:
    """The files that exist, with ~ and the commonest tokens of ssh_config(5) expanded."""
    found: dict[str, None] = {}
    for name in names:
        expanded = name
        for token, value in tokens.items():
            expanded = expanded.replace(token, value)
        path = expand_home(expanded)
        if str(path) not in given and path.is_file():
            found[str(path)] = None
    return tuple(found)


def _known_hosts(settings: _Settings) -> tuple[str, ...]:
    names = [
        name for kind in ("user", "global") for name in settings.get(f"{kind}knownhostsfile", [""])[0].split()
    ]
    return tuple(str(expand_home(name)) for name in names if name != "none")


def _without_none(options: dict[str, str]) -> dict[str, str]:
    """Without "none" where it means the same as nothing; for an IdentityAgent it does not."""
    nothing = ("connecttimeout", "proxycommand", "proxyjump")
    return {name: value for name, value in options.items() if name not in nothing or value.lower() != "none"}


def _without_needless_sudo(way: WayIn) -> WayIn:
    """ssh_config may have told that the user is root."""
    return replace(way, become=None) if way.login and way.login.user == "root" else way
