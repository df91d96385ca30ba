"""A host as it will be once it trusts the certificates of a user CA, beside the keys that there are.

What is written on the host is made here too, so that both cannot come apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.doors.keys import expanded
from sshdoctor.doors.model import Server, Setup
from sshdoctor.doors.second_step import main_server

_KEY_FILE = "/etc/ssh/sshdoctor-user-ca.pub"
_PRINCIPALS = "/etc/ssh/sshdoctor-principals/%u"
_REVOKED = "/etc/ssh/sshdoctor-revoked-keys"


class Authority(Struct, frozen=True, kw_only=True):
    """``keys``: public keys, lines TYPE BASE64 COMMENT; ``principals``: what a certificate must name, by
    account; ``revoked``: public keys and certificates that are refused."""

    keys: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    revoked: tuple[str, ...] = ()


class Places(Struct, frozen=True, kw_only=True):
    """Where it is written: into what the host's sshd reads already, or else into files of our own.

    ``principals`` is a pattern of sshd_config, "" where a certificate must name the account, and that stays
    so; ``lines`` of sshd_config are added.
    """

    key_file: str
    principals: str
    revoked: str
    lines: tuple[str, ...]
    objection: str = ""

    def principals_of(self, setup: Setup, account: str) -> str:
        """The file of an account's principals."""
        own = next(one for one in setup.accounts if one.name == account)
        return expanded(self.principals, own)


def places_of(setup: Setup, authority: Authority) -> Places:
    """Where it goes on this host; ``objection`` is why it does not."""
    said = {
        name: _said(setup, name) for name in ("trustedusercakeys", "authorizedprincipalsfile", "revokedkeys")
    }
    if any(len(values) > 1 for values in said.values()):
        return _none("sshd_config says of CAs one thing to some, and another to others: do it there by hand")
    key_file, principals, revoked = (next(iter(values), "none") for values in said.values())
    lines = [f"TrustedUserCAKeys {_KEY_FILE}"] if key_file == "none" else []
    if principals == "none" and key_file == "none":
        lines.append(f"AuthorizedPrincipalsFile {_PRINCIPALS}")
        principals = _PRINCIPALS
    elif principals == "none":
        if any(names != (account,) for account, names in authority.principals.items()):
            return _none(
                f"{key_file} is trusted already for whom a certificate names: name each by its account"
            )
        principals = ""
    elif not principals.startswith("/") or "%h" in principals:
        return _none(f"AuthorizedPrincipalsFile {principals} is the accounts' own: write it there by hand")
    lines += [f"RevokedKeys {_REVOKED}"] if revoked == "none" else []
    return Places(
        key_file=_KEY_FILE if key_file == "none" else key_file,
        principals=principals,
        revoked=_REVOKED if revoked == "none" else revoked,
        lines=tuple(lines),
    )


def _none(why: str) -> Places:
    return Places(key_file="", principals="", revoked="", lines=(), objection=why)


def _said(setup: Setup, name: str) -> set[str]:
    """What the main server says by that name, of all accounts."""
    server = main_server(setup)
    if server is None or not isinstance(server.settings, Mapping):
        return set()
    return {settings.get(name, ("none",))[0] for settings in server.settings.values()}


def trusting(setup: Setup, authority: Authority, places: Places) -> Setup:
    """The host once these certificates get in."""
    main = main_server(setup)
    changes = {line.split()[0].lower(): (line.split()[1],) for line in places.lines}
    blobs = tuple(line.split()[1] for line in authority.keys)
    files = dict(setup.files)
    if places.principals:
        absent = {places.principals_of(setup, one.name): None for one in setup.accounts}
        files = {**absent, **files}
        for account, names in authority.principals.items():
            path = places.principals_of(setup, account)
            files[path] = (*(files.get(path) or ()), *names)
    return replace(
        setup,
        servers=tuple(_told(one, changes) if one is main else one for one in setup.servers),
        blobs={**setup.blobs, places.key_file: (*(setup.blobs.get(places.key_file) or ()), *blobs)},
        files=files,
        revoked={**setup.revoked, _REVOKED: "readable"},
    )


def _told(server: Server, changes: Mapping[str, tuple[str, ...]]) -> Server:
    if not isinstance(server.settings, Mapping):
        return server
    settings = {name: {**said, **changes} for name, said in server.settings.items()}
    return replace(server, settings=settings)
