"""From the variables of an inventory host to the Host that is diagnosed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from sshdoctor.errors import InventoryError
from sshdoctor.inventory.access_list import access_ways
from sshdoctor.inventory.dial import Dial, is_ip_address, parse_address
from sshdoctor.inventory.paths import expand_home
from sshdoctor.inventory.sites import listed_sites
from sshdoctor.inventory.ssh_args import SshArgs, parse_ssh_args
from sshdoctor.inventory.values import Values
from sshdoctor.model import Become, Host, Login, Secret, WayIn, is_mail_address

_Service = Literal["ssh", "local", "podman", "docker"]
_CONNECTIONS: dict[str, _Service] = {
    "ssh": "ssh",
    "smart": "ssh",
    "paramiko": "ssh",
    "paramiko_ssh": "ssh",
    "local": "local",
    "containers.podman.podman": "podman",
    "podman": "podman",
    "community.docker.docker": "docker",
    "community.docker.docker_api": "docker",
    "docker": "docker",
}
VARIABLES = (
    "sshdoctor_access",
    "sshdoctor_managed",
    "sshdoctor_known_hosts",
    "sshdoctor_sites",
    "sshdoctor_vantage",
    "sshdoctor_notify",
    "sshdoctor_timezone",
    "sshdoctor_unlock",
)
"""The project's own variables; another one that begins so is a slip of the pen."""
_SSH_ARGS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")


def to_host(values: Values) -> Host:
    """The host as its variables describe it: Ansible's own, and sshdoctor's. Raises InventoryError.

    The first way in is the service itself, or what ``ansible_connection`` names instead.
    """
    values.refuse_unknown("sshdoctor_", VARIABLES)
    login, become = _login(values), _become(values)

    def finish(way: WayIn) -> WayIn:
        return replace(way, become=become) if become and _needs_sudo(way) else way

    ways = (finish(_first_way(values, login)), *access_ways(values, login, finish))
    return Host(
        name=values.name,
        service="ssh",
        login=login,
        ways=ways,
        managed=values.text("sshdoctor_managed"),
        sites=listed_sites(values),
        vantage=values.flag("sshdoctor_vantage"),
        notify=_notify(values),
        timezone=_timezone(values),
        unlock=_unlock(values),
    )


def to_ad_hoc_host(text: str, dial: Dial) -> Host:
    """A host that stands in no inventory: only what was typed is known."""
    options = {"port": str(dial.port)} if dial.port else {}
    login = Login(address=dial.address, port=dial.port or 22, user=dial.user, options=options)
    return Host(name=text, service="ssh", login=login, ways=(WayIn(connection="ssh", login=login),))


def _notify(values: Values) -> tuple[Secret, ...]:
    return _listed(values, "sshdoctor_notify", lambda url: "://" in url, "URLs, as mailto://ann@example.org")


def _unlock(values: Values) -> tuple[Secret, ...]:
    return _listed(values, "sshdoctor_unlock", is_mail_address, "mail addresses, as ann@example.org")


def _listed(values: Values, name: str, fits: Callable[[str], bool], what: str) -> tuple[Secret, ...]:
    """A list of texts, or one, that are shown nowhere. Raises InventoryError."""
    found = values.find(name)
    if not found:
        return ()
    given, place = found[1].value, found[1].place
    listed = given if isinstance(given, list) else [given]
    texts = [values.text_of(one, name, place) for one in listed]
    if not all(map(fits, texts)):
        raise InventoryError(f"{place}: {name} must be a list of {what}")
    return tuple(map(Secret, texts))


def _timezone(values: Values) -> str:
    name = values.text("sshdoctor_timezone") or ""
    try:
        return ZoneInfo(name).key if name else ""
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise InventoryError(
            f"sshdoctor_timezone of {values.name}: there is no {name!r}; as Asia/Tokyo"
        ) from None


def _login(values: Values) -> Login:
    """How the service is dialled; as with Ansible, its variables win over the flags in the ssh args.

    ``options`` has a "port" only where the inventory sets one: elsewhere the user's ssh_config may.
    """
    args = _ssh_args(values)
    options = dict(args.options)
    user = values.text("ansible_user", "ansible_ssh_user") or args.options.get("user")
    port = values.port("ansible_port", "ansible_ssh_port") or int(args.options.get("port", 0))
    if port:
        options["port"] = str(port)
    known_hosts = values.path("sshdoctor_known_hosts")
    return Login(
        address=values.address("ansible_host", "ansible_ssh_host") or _own_name(values),
        port=port or 22,
        user=user,
        password=values.secret("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
        key_files=_key_files(values) + args.key_files,
        jumps=args.jumps,
        options={name: value for name, value in options.items() if name not in ("user", "hostkeyalias")},
        known_hosts=(known_hosts,) if known_hosts else (),
        host_key_alias=options.get("hostkeyalias"),
    )


def _own_name(values: Values) -> str:
    return values.parse(
        parse_address, values.name, "without ansible_host the host's name is dialled", values.place
    )


def _key_files(values: Values) -> tuple[str, ...]:
    names = ("ansible_private_key_file", "ansible_ssh_private_key_file")
    text = values.text(*names)
    # Ansible looks in the current folder; a key that is not there is looked for beside the inventory.
    if text and Path(text).exists():
        return (text,)
    path = values.path(*names)
    return (path,) if path else ()


def _ssh_args(values: Values) -> SshArgs:
    """The flags of all the variables that hold some; the first option of a name holds, as in ssh(1)."""
    options: dict[str, str] = {}
    keys: list[str] = []
    jumps: tuple[str, ...] = ()
    for name in _SSH_ARGS:
        found, text = values.find(name), values.text(name)
        if found and text:
            args = values.parse(parse_ssh_args, text, name, found[1].place)
            options = {**args.options, **options}
            keys.extend(str(expand_home(key)) for key in args.key_files)
            jumps = jumps or args.jumps
    return SshArgs(options, tuple(keys), jumps)


def _first_way(values: Values, login: Login) -> WayIn:
    given = values.text("ansible_connection") or "ssh"
    connection = _CONNECTIONS.get(given.removeprefix("ansible.builtin."))
    if connection is None:
        raise values.fault("ansible_connection", f"{given} is none of ssh, local, podman, docker")
    if connection == "ssh":
        return WayIn(connection="ssh", login=login)
    if connection == "local":
        return WayIn(connection="local")
    return WayIn(connection=connection, target=_container(values, connection))


def _container(values: Values, engine: str) -> str:
    """The engine's own variable, else ansible_host, as the Ansible plugins have it.

    But an ansible_host that is an IP address is the SSH service's; the container is then named as the host.
    """
    named = values.text(f"ansible_{engine}_host")
    host = values.text("ansible_host")
    return named or (host if host and not is_ip_address(host) else values.name)


def _become(values: Values) -> Become | None:
    if not values.flag("ansible_become"):
        return None
    method = values.text("ansible_become_method") or "sudo"
    if method.rpartition(".")[2] != "sudo":
        raise values.fault("ansible_become_method", f"only sudo is supported, not {method}")
    return Become(
        user=values.text("ansible_become_user", "ansible_sudo_user") or "root",
        password=values.secret("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
    )


def _needs_sudo(way: WayIn) -> bool:
    """A shell that is not root's already; a user that only ssh_config knows may still turn out to be root."""
    if way.connection == "ssh":
        return way.login is None or way.login.user != "root"
    return way.connection == "local" and os.geteuid() != 0
