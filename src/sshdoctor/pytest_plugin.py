"""A fixture for pytest, beside testinfra's ``host``: ``assert sshdoctor.diagnose(host).healthy``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from sshdoctor.api import Report
from sshdoctor.api import diagnose as diagnose_one
from sshdoctor.errors import UsageError

_ENGINES = ("podman", "docker")


class Doctor(Struct, frozen=True):
    """Diagnoses hosts of testinfra, and those that are named as on the command line."""

    known_hosts: Path

    def diagnose(self, host: Any, **options: Any) -> Report:
        """As ``sshdoctor.diagnose``; ``host`` is testinfra's, or a name. Raises InputError.

        A container is dialled at its own address, or where its port is published, and its first host key is
        accepted; ``variables`` say who logs in with what.
        """
        if isinstance(host, str):
            return diagnose_one(host, **options)
        target, variables, first_key = _described(host.backend, self.known_hosts)
        given = {**variables, **options.pop("variables", {})}
        return diagnose_one(
            target, variables=given, **{"accept_new_host_key": first_key, "inventory": (), **options}
        )


@pytest.fixture
def sshdoctor(tmp_path: Path) -> Iterator[Doctor]:
    """Why a client cannot get in by SSH: ``assert sshdoctor.diagnose(host).healthy``."""
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    yield Doctor(known_hosts)


def _described(backend: Any, known_hosts: Path) -> tuple[str, dict[str, Any], bool]:
    """What is dialled for a backend of testinfra, its variables, and whether its first host key will do."""
    kind = str(backend.get_connection_type())
    if kind == "local":
        return "localhost", {}, False
    if kind in _ENGINES:
        address, port = _published(kind, backend.name)
        access = [{"connection": kind, "container": backend.name}]
        found: dict[str, Any] = {"sshdoctor_access": access, "sshdoctor_known_hosts": str(known_hosts)}
        return f"{address}:{port}", found, True
    if kind in ("ssh", "safe-ssh", "paramiko"):
        spec = backend.host
        user = f"{spec.user}@" if spec.user else ""
        key = getattr(backend, "ssh_identity_file", None)
        variables = {"ansible_private_key_file": str(key)} if key else {}
        return f"{user}{spec.name}" + (f":{spec.port}" if spec.port else ""), variables, False
    raise UsageError(f"testinfra's backend {kind} is none of local, ssh, paramiko, podman, docker")


def _published(engine: str, container: str) -> tuple[str, int]:
    """Where a client reaches port 22 of a container. Raises UsageError."""
    done = subprocess.run([engine, "inspect", container], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"{engine} inspect {container}: {done.stderr.strip()}")
    return _reached(json.loads(done.stdout)[0]["NetworkSettings"])


def _reached(network: Mapping[str, Any]) -> tuple[str, int]:
    """By what the engine says of its network.

    >>> _reached({"Networks": {"n": {"IPAddress": "198.51.100.3"}}})
    ('198.51.100.3', 22)
    >>> _reached({"Networks": {}, "Ports": {"22/tcp": [{"HostIp": "", "HostPort": "32768"}]}})
    ('127.0.0.1', 32768)
    """
    addresses = [one.get("IPAddress") for one in (network.get("Networks") or {}).values()]
    own = next(filter(None, [*addresses, network.get("IPAddress")]), None)
    published = (network.get("Ports") or {}).get("22/tcp") or []
    if published and not own:
        address = published[0].get("HostIp") or "127.0.0.1"
        return "127.0.0.1" if address == "0.0.0.0" else address, int(published[0]["HostPort"])  # noqa: S104
    if not own:
        raise UsageError("the container has no address of its own, and port 22 is not published")
    return str(own), 22
