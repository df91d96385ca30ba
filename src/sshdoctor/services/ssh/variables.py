"""What the diagnosis knows, under the names that playbooks use (docs/writing-a-playbook.md lists them)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.model import Unknown, endpoint


def playbook_variables(faces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """See services/base.py."""
    first = faces[0]
    found: dict[str, Any] = {}
    for part in (_service, _package, _config, _keys, _client, _nologin, _key_files, _account, _user):
        found |= part(first)
    if first["dialled"].off:
        found["ssh_running"] = True  # no playbook need start what starts at the boot
    found |= next((held for face in faces if (held := _redirect(face))), {})
    found["wrapper_entries"] = list(dict.fromkeys(entry for face in faces for entry in _entries(face)))
    found["socket_lines"] = list(dict.fromkeys(line for face in faces for line in _socket_lines(face)))
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
        {
            "file": error.file,
            "line": error.line,
            "text": error.text,
            "message": error.message,
            "meant": error.meant if "\\" not in error.text else "",
        }
        for error in config.errors
    ]
    return {"config_errors": errors, "sshd_config": config.main, **_port_option(config, facts["dialled"])}


def _port_option(config: Any, dial: Any) -> dict[str, Any]:
    """The line that gives sshd its port on its command line, and the same with the port dialled beside it."""
    file, line = config.port_option
    if not file or isinstance(config.ports, Unknown) or dial.inside_port in config.ports:
        return {}
    if file == "unit" or not line:
        return {"port_option_file": "unit"}
    told = re.sub(r"-p *\d+", lambda found: f"{found[0]} -p {dial.inside_port}", line, count=1)
    return {"port_option_file": file, "port_option_line": line, "port_option_lines": told}


def _keys(facts: Mapping[str, Any]) -> dict[str, Any]:
    keys = facts.get("host_keys")
    if keys is None or isinstance(keys, Unknown):
        return {}
    return {"host_key_files": [key.path for key in keys.keys if key.exposed]}


def _client(facts: Mapping[str, Any]) -> dict[str, Any]:
    dial = facts["dialled"]
    return {"ssh_port": dial.port, "ssh_user": dial.user, "ssh_address": dial.arrives_at}


def _redirect(face: Mapping[str, Any]) -> dict[str, Any]:
    """The rule that sends the port elsewhere, for the playbook ``remove-redirect``."""
    removal = getattr(face["path"], "removal", None)
    return {} if removal is None else dict(removal.variables())


def _entries(face: Mapping[str, Any]) -> list[str]:
    """The rule of hosts.allow that lets this client in, if the TCP wrappers turn it away."""
    admission = face["admission"]
    return [admission.entry] if not isinstance(admission, Unknown) and admission.entry else []


def _nologin(facts: Mapping[str, Any]) -> dict[str, Any]:
    nologin, config = facts.get("nologin"), facts.get("config")
    if nologin is None or isinstance(nologin, Unknown):
        return {}
    in_etc_alone = getattr(config, "use_pam", None) is False  # then sshd looks at no other
    files = [path for path in nologin.left if path.startswith("/etc/") or not in_etc_alone]
    return {"nologin_files": files}


def _key_files(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What counts against the file that authorizes the client's key."""
    keys, account = facts["keys"], facts.get("account")
    if isinstance(keys, Unknown) or account is None or isinstance(account, Unknown):
        return {}
    wrong = [one for one in keys.objections if keys.distrusted]
    return {
        "account_home": account.home,
        "key_owners": [{"path": one.path, "owner": one.owner} for one in wrong if one.owner],
        "key_modes": [{"path": one.path, "mode": one.mode} for one in wrong if one.mode],
    }


def _account(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What shadow(5) has against the user, as far as it counts: where sshd asks PAM, or where it does not."""
    account, shadow, config = facts.get("account"), facts.get("shadow"), facts.get("config")
    found = {} if account is None or isinstance(account, Unknown) else {"account_shell": account.shell}
    pam = getattr(config, "use_pam", None)
    if shadow is None or isinstance(shadow, Unknown) or not isinstance(pam, bool):
        return found
    return {
        **found,
        "account_expired": shadow.account == "expired" or (shadow.account == "expires-today" and pam),
        "account_password_due": shadow.age in ("change-due", "overdue") and pam,
        "account_locked": shadow.password == "locked" and not pam,  # noqa: S105 - a word for it
        "account_locked_over_password": shadow.password == "locked-over-a-password" and not pam,  # noqa: S105
    }


def _user(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The lines of a Match block that let the user in, against sshd's rules or a method that is off."""
    dial, permission, config = facts["dialled"], facts["permission"], facts.get("config")
    if isinstance(permission, Unknown):
        return {}
    lines = list(permission.lines)
    keys_off = getattr(config, "pubkey_authentication", None) is False
    if permission.allowed == "yes" and keys_off and dial.methods and "publickey" not in dial.methods:
        lines = ["PubkeyAuthentication yes"]
    return {"user_directives": lines}


def _socket_lines(face: Mapping[str, Any]) -> list[str]:
    """What a socket unit that listens in sshd's place is to say, so that it does where the client dials."""
    dial, service, listening = face["dialled"], face["service"], face["listening"]
    if isinstance(service, Unknown) or isinstance(listening, Unknown) or isinstance(dial.arrives_at, Unknown):
        return []
    if service.socket_state not in ("listening", "running") or listening.state == "service":
        return []
    if listening.bound_to:
        return ["BindToDevice="]
    if listening.other_family_only:
        every = "0.0.0.0" if dial.family == "ipv4" else "::"  # noqa: S104 - what systemd is to bind
        return [f"ListenStream={endpoint(every, dial.inside_port)}"]
    if listening.on_port:
        return ["FreeBind=yes", f"ListenStream={endpoint(dial.arrives_at, dial.inside_port)}"]
    return [f"ListenStream={dial.inside_port}"]


def _directives(face: Mapping[str, Any]) -> list[str]:
    """The lines of sshd_config that add the address and port dialled to what sshd listens on.

    Port and ListenAddress add up; but the first Port takes the place of the default one, which is then said
    as well (sshd_config(5)).
    """
    dial, config, listening = face["dialled"], face["config"], face["listening"]
    if isinstance(config, Unknown) or isinstance(listening, Unknown) or isinstance(dial.arrives_at, Unknown):
        return []
    if listening.state == "service" or isinstance(config.listen, Unknown):
        return []
    inet_only = {"ipv4": "inet6", "ipv6": "inet"}.get(dial.family) == config.address_family
    family = ["AddressFamily any"] if inet_only else []
    if config.listen:
        return [*family, f"ListenAddress {endpoint(dial.arrives_at, dial.inside_port)}"]
    if listening.anywhere and not listening.on_port:
        kept = () if config.ports_given else listening.ports
        return [*family, *(f"Port {port}" for port in (*kept, dial.inside_port))]
    return family
