"""What the diagnosis knows, under the names that playbooks use (docs/writing-a-playbook.md lists them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.model import Unknown


def variables(faces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Plain values for playbooks, from the facts about each address that was dialled.

    What is unknown is left out, so that a playbook which needs it fails before anything is changed.
    """
    first = faces[0]
    found: dict[str, Any] = {}
    for part in (_service, _package, _config, _keys, _client, _account):
        found |= part(first)
    found["directives"] = list(dict.fromkeys(line for face in faces for line in _directives(face)))
    return {name: value for name, value in found.items() if not isinstance(value, Unknown)}


def _service(facts: Mapping[str, Any]) -> dict[str, Any]:
    service, privsep = facts.get("service"), facts.get("privsep")
    found: dict[str, Any] = {}
    if service is not None and not isinstance(service, Unknown):
        found = {
            "service_manager": service.manager,
            "ssh_unit": service.unit or "ssh",
            "ssh_socket_unit": service.socket_unit or "",
            "ssh_socket_active": service.socket_state in ("listening", "running"),
            "ssh_running": service.state == "running",
        }
    if privsep is not None and not isinstance(privsep, Unknown):
        found["privsep_directory"] = privsep.directory
    return found


def _package(facts: Mapping[str, Any]) -> dict[str, Any]:
    package = facts.get("package")
    if package is None or isinstance(package, Unknown):
        return {}
    return {
        "package_manager": package.manager,
        "ssh_package": package.name,
        "ssh_package_state": package.state,
        "sshd": package.binary or "/usr/sbin/sshd",
    }


def _config(facts: Mapping[str, Any]) -> dict[str, Any]:
    config = facts.get("config")
    if config is None or isinstance(config, Unknown):
        return {}
    errors = [
        {"file": error.file, "line": error.line, "text": error.text, "message": error.message}
        for error in config.errors
    ]
    return {"config_errors": errors}


def _keys(facts: Mapping[str, Any]) -> dict[str, Any]:
    keys = facts.get("host_keys")
    if keys is None or isinstance(keys, Unknown):
        return {}
    return {"host_key_files": [key.path for key in keys.keys]}


def _client(facts: Mapping[str, Any]) -> dict[str, Any]:
    dial = facts["dialled"]
    return {"ssh_port": dial.port, "ssh_user": dial.user, "ssh_address": dial.arrives_at}


def _account(facts: Mapping[str, Any]) -> dict[str, Any]:
    account = facts.get("account")
    if account is None or isinstance(account, Unknown):
        return {}
    return {"account_shell": account.shell}


def _directives(face: Mapping[str, Any]) -> list[str]:
    """The lines of sshd_config that add the address and port dialled to what sshd listens on.

    Port and ListenAddress add up; but the first Port takes the place of the default one, which is then said
    as well (sshd_config(5)).
    """
    dial, config, socket = face["dialled"], face["config"], face["socket"]
    if isinstance(config, Unknown) or isinstance(socket, Unknown) or isinstance(dial.arrives_at, Unknown):
        return []
    if socket.state == "ssh" or isinstance(config.listen, Unknown):
        return []
    bracketed = f"[{dial.arrives_at}]" if ":" in dial.arrives_at else dial.arrives_at
    inet_only = {"ipv4": "inet6", "ipv6": "inet"}.get(dial.family) == config.address_family
    family = ["AddressFamily any"] if inet_only else []
    if config.listen:
        return [*family, f"ListenAddress {bracketed}:{dial.inside_port}"]
    if socket.any_ssh and not socket.on_port:
        kept = () if config.ports_given else socket.ssh_ports
        return [*family, *(f"Port {port}" for port in (*kept, dial.inside_port))]
    return family
