"""The hosts that a person names: patterns over the inventory, and what is dialled ad hoc."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from sshdoctor.errors import UsageError
from sshdoctor.inventory.ansible_config import read_ansible_config
from sshdoctor.inventory.client_config import is_alias
from sshdoctor.inventory.dial import Dial, parse_dial
from sshdoctor.inventory.groups import Entry, Inventory, Variable
from sshdoctor.inventory.hosts import to_ad_hoc_host, to_host
from sshdoctor.inventory.patterns import is_plain, match, ordered, split_pattern
from sshdoctor.inventory.precedence import Precedence
from sshdoctor.inventory.sites import Request, ad_hoc, asked_site, of_site, serving, with_token
from sshdoctor.inventory.sources import find_sources, read_sources
from sshdoctor.inventory.typed import TYPED, TypedVariables
from sshdoctor.inventory.values import Values
from sshdoctor.inventory.vault import closed_vault, password_in, vault_of
from sshdoctor.model import Host

_LOCALHOST = ("localhost", "127.0.0.1", "::1")
_PASSWORDS = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")


def load_hosts(
    pattern: str,
    sources: Sequence[Path] | None,
    environ: Mapping[str, str],
    typed: TypedVariables | None = None,
    *,
    limit: str = "",
) -> tuple[Host, ...]:
    """The hosts that ``pattern`` names, each once, in the inventory's order; of these those of ``limit``.

    ``sources`` are the inventories given; None looks where Ansible looks, and for inventory.yml.
    Raises InventoryError (``file:line: what``), UsageError (the pattern), InputError (no such file).
    """
    found = find_sources(sources, environ)
    typed = _with_config(TypedVariables() if typed is None else typed, environ)
    inventory = read_sources(found, typed.open_vault or closed_vault)
    return _Selection(inventory, found, typed).hosts(pattern, limit)


def _with_config(typed: TypedVariables, environ: Mapping[str, str]) -> TypedVariables:
    """What Ansible's configuration says, where nothing was typed."""
    config = read_ansible_config(environ, warn=True)
    weak = {"ansible_user": config.remote_user, "ansible_private_key_file": config.private_key_file}
    vault = config.vault_password_file
    return replace(
        typed,
        weak={**{name: value for name, value in weak.items() if value}, **typed.weak},
        open_vault=typed.open_vault or (vault_of(lambda: password_in(vault)) if vault else None),
    )


def load_site(
    url: str, request: Request, sources: Sequence[Path] | None, environ: Mapping[str, str], version: str
) -> Host:
    """The host that serves ``url``, with the site as what is dialled. Raises InventoryError, UsageError."""
    site = asked_site(url, request)
    if request.on:
        host: Host | None = load_hosts(request.on, sources, environ)[0]
    else:
        found = find_sources(sources, environ)
        host = serving(load_hosts("all", sources, environ), site) if found else None
    return of_site(host or ad_hoc(site), with_token(site, version), request)


def dialled_from(
    host: Host, request: Request, sources: Sequence[Path] | None, environ: Mapping[str, str]
) -> Host:
    """``host``, whose site the host that ``request`` names dials. Raises InventoryError, UsageError."""
    if not request.asked_from:
        return host
    named = load_hosts(request.asked_from, sources, environ)
    if len(named) != 1 or not named[0].ways_elsewhere:
        what = "is this machine" if len(named) == 1 else f"means {len(named)} hosts"
        raise UsageError(f"--from {request.asked_from} {what}: one host that is reached otherwise dials")
    return replace(host, asked_from=named[0])


def load_inventory(sources: Sequence[Path] | None, environ: Mapping[str, str]) -> Inventory:
    """The inventory itself. Raises InventoryError, InputError."""
    return read_sources(find_sources(sources, environ))


class _Selection:
    def __init__(self, inventory: Inventory, sources: Sequence[Path], typed: TypedVariables) -> None:
        self.inventory, self.typed = inventory, typed
        self.open_vault = typed.open_vault or closed_vault
        self.precedence = Precedence(inventory, self.open_vault)
        self.where = ", ".join(str(source) for source in sources)

    def hosts(self, pattern: str, limit: str = "") -> tuple[Host, ...]:
        chosen = self.chosen(pattern or limit)
        if pattern and limit:
            among = self.chosen(limit)
            chosen = {name: dial for name, dial in chosen.items() if name in among}
            if not chosen:
                raise UsageError(f"none of the hosts of {pattern!r} is one of --limit {limit!r}")
        hosts = tuple(self.host(name, dial) for name, dial in chosen.items())
        self.warn()
        return hosts

    def chosen(self, pattern: str) -> dict[str, Dial | None]:
        """The names that a pattern means, with how to dial those that it dials otherwise."""
        chosen: dict[str, Dial | None] = {}
        parts = self.parts(pattern)
        for part in ordered(parts) if parts else ():
            if part[0] == "!":
                for name in self.matching(part[1:]):
                    chosen.pop(name, None)
            elif part[0] == "&":
                common = set(self.matching(part[1:]))
                chosen = {name: dial for name, dial in chosen.items() if name in common}
            else:
                chosen |= {name: dial for name, dial in self.named(part).items() if name not in chosen}
        if not chosen:
            raise self.no_host(pattern)
        return chosen

    def no_host(self, pattern: str) -> UsageError:
        if self.where:
            return UsageError(f"{pattern!r} matches no host in {self.where}")
        return UsageError(
            f"{pattern!r} is a pattern, and there is no inventory here: name one with --inventory FILE, "
            "or dial user@address:port"
        )

    def parts(self, pattern: str) -> list[str]:
        """Colons part patterns only where there is an inventory; elsewhere a port follows them."""
        if self.where:
            return split_pattern(pattern)
        parts = [part.strip() for part in pattern.split(",") if part.strip()]
        if any(re.search(r"(?:^|[,:])[&!~]|[*?]", part) for part in parts):
            raise self.no_host(pattern)
        return parts

    def matching(self, pattern: str) -> list[str]:
        """For & and !: here a misspelt group would let hosts in that were meant to stay out."""
        names = match(self.inventory, pattern) if pattern else None
        if names is None and is_plain(pattern):
            raise self.unknown(pattern)
        return names or []

    def named(self, pattern: str) -> dict[str, Dial | None]:
        if pattern in self.inventory.hosts:  # even where a group has the same name, as with Ansible
            return {pattern: None}
        names = match(self.inventory, pattern)
        if names is not None:
            return dict.fromkeys(names)
        if pattern in _LOCALHOST:
            return {pattern: None}
        if not is_plain(pattern) and not pattern.startswith("[") and "@" not in pattern:
            raise self.no_host(pattern)
        return self.dialled(pattern)

    def dialled(self, text: str) -> dict[str, Dial | None]:
        try:
            dial = parse_dial(text)
        except ValueError as error:
            raise UsageError(f"{text}: {error}") from None
        if dial.address in self.inventory.hosts:
            return {dial.address: dial}
        is_word = dial == Dial(dial.address) and "." not in text and ":" not in text
        if is_word and self.where and not is_alias(text):
            raise self.unknown(text)
        return {text: dial}

    def host(self, name: str, dial: Dial | None) -> Host:
        entry = self.inventory.hosts.get(name)
        if entry is None and dial and not self.typed:
            return to_ad_hoc_host(name, dial)
        if entry is None and dial:
            told = {"ansible_host": dial.address, "ansible_port": dial.port, "ansible_user": dial.user}
            entry = Entry(name, str(Path.cwd() / TYPED), 1)
            variables = {key: Variable(value, "--host", 1) for key, value in told.items() if value}
        elif entry is None:
            local = {"ansible_connection": Variable("local", "the implicit localhost")}
            variables = self.precedence.of_groups(()) | local
            entry = Entry(
                name, str(self.inventory.folders[0] / "localhost" if self.inventory.folders else ""), 0
            )
        else:
            variables = _overridden(self.precedence.of_host(name), dial)
        return to_host(Values(entry, self.typed.around(variables), self.open_vault))

    def unknown(self, name: str) -> UsageError:
        from difflib import get_close_matches

        known = [*self.inventory.hosts, *self.inventory.groups]
        close = " or ".join(repr(match) for match in get_close_matches(name, known, 3))
        meant = f"; did you mean {close}?" if close else "."
        return UsageError(
            f"no host or group {name!r} in {self.where or 'any inventory'}{meant} "
            f"What stands in no inventory is dialled as user@{name}"
        )

    def warn(self) -> None:
        """Say what was passed over, where a person sees it: Python logs warnings to standard error."""
        if not self.inventory.notes:
            return
        import logging  # rarely needed

        for note in self.inventory.notes:
            logging.getLogger(__name__).warning("%s", note)


def _overridden(variables: dict[str, Variable], dial: Dial | None) -> dict[str, Variable]:
    """With the user and port that were typed; a password in the inventory is not for another user."""
    if dial is None:
        return variables
    typed = {"ansible_ssh_user": dial.user, "ansible_ssh_port": dial.port}
    kept = {name: value for name, value in variables.items() if not (dial.user and name in _PASSWORDS)}
    return kept | {name: Variable(value, "--host", 1) for name, value in typed.items() if value}
