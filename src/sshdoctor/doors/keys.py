"""Which keys and certificates sshd takes for an account (auth2-pubkey*.c, auth-options.c)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from sshdoctor.doors.model import Account, Certificate, Key, KeyFile, Setup
from sshdoctor.doors.patterns import in_list
from sshdoctor.doors.undecided import Guesses
from sshdoctor.model import Unknown

Settings = Mapping[str, tuple[str, ...]]
_OPTION = re.compile(r'(?:^|,)\s*([a-z-]+)(?:="((?:[^"\\]|\\.)*)")?', re.I)


class Asked(Struct, frozen=True):
    """Whose keys, for which server, from where."""

    setup: Setup
    account: Account
    settings: Settings
    files: tuple[KeyFile, ...] | Unknown
    address: str
    guesses: Guesses
    commanded: tuple[Key, ...] | None = None
    """What AuthorizedKeysCommand gives; None where it was not asked."""
    principals: KeyFile | None = None
    """Its AuthorizedPrincipalsFile, as far as sshd would read it; None where there is none."""

    def one(self, name: str, usual: str = "none") -> str:
        return self.settings.get(name, (usual,))[0]


class Held(Struct, frozen=True):
    """A key or a certificate that gets in; ``command`` if it is bound to one."""

    factor: str
    name: str
    command: bool = False


def taken(asked: Asked) -> tuple[Held, ...]:
    """Everything that the method publickey takes. Raises Undecided."""
    if asked.one("pubkeyauthentication", "yes") != "yes":
        return ()
    revoked = asked.one("revokedkeys")
    if revoked != "none":
        state = asked.setup.revoked.get(revoked, "")
        if not state:
            state = asked.guesses.ask(f"revoked {revoked}", f"{revoked} was not seen", "readable", "gone")
        if state != "readable":
            return ()
    return (*_from_files(asked), *_from_commands(asked), *_certificates(asked))


def _from_files(asked: Asked) -> Iterator[Held]:
    for file in _open_files(asked):
        if isinstance(file.keys, Unknown):
            why = f"{file.path}: {file.keys.reason}"
            if asked.guesses.ask(f"keys {file.path}", why, "none", "some") == "some":
                yield Held("key", file.path)
            continue
        yield from _held(file.keys, asked)


def _held(keys: Sequence[Key], asked: Asked) -> Iterator[Held]:
    for key in keys:
        options = options_of(key.options)
        accepted = not key.revoked and _is_accepted(key.kind, asked) and lets_in(key.options, asked)
        if accepted and "principals" not in options:  # sshd refuses these on the key of nobody's authority
            yield Held(key.factor, key.blob, "command" in options)


def _open_files(asked: Asked) -> Iterator[KeyFile]:
    if isinstance(asked.files, Unknown):
        why = f"the keys of {asked.account.name}: {asked.files.reason}"
        yield KeyFile("its files of keys", keys=Unknown(why))
        return
    strict = asked.one("strictmodes", "yes") == "yes"
    yield from (file for file in asked.files if not file.hidden and not (strict and file.unsafe))


def _from_commands(asked: Asked) -> Iterator[Held]:
    command = asked.one("authorizedkeyscommand")
    if command == "none":
        return
    if asked.commanded is not None:
        yield from _held(asked.commanded, asked)
        return
    why = f"AuthorizedKeysCommand {command} may give other keys"
    if asked.guesses.ask("AuthorizedKeysCommand", why, "none", "some") == "some":
        yield Held("key", command)


def _is_accepted(kind: str, asked: Asked) -> bool:
    """Whether sshd takes keys of a kind at all (PubkeyAcceptedAlgorithms); "" stands for any certificate."""
    said = asked.one("pubkeyacceptedalgorithms", asked.one("pubkeyacceptedkeytypes", ""))
    names = said.split(",")
    if not said:
        return True
    if not kind:
        return any("-cert-v01@" in name for name in names)
    rsa = kind in ("ssh-rsa", "ssh-rsa-cert-v01@openssh.com")
    return kind in names or (rsa and any(name.startswith("rsa-sha2-") for name in names))


def options_of(text: str) -> Mapping[str, str]:
    """The options of a line of authorized keys, names in lower case.

    >>> options_of('from="10.0.0.0/8",command="id",no-pty')
    {'from': '10.0.0.0/8', 'command': 'id', 'no-pty': ''}
    """
    return {found[1].lower(): found[2] or "" for found in _OPTION.finditer(text)}


def lets_in(text: str, asked: Asked) -> bool:
    """Whether the options of a line let in who comes from there now."""
    options = options_of(text)
    if "from" in options and not in_list(options["from"].split(","), asked.address):
        return False
    return not ("expiry-time" in options and _over(options["expiry-time"], asked.setup.now))


def _over(text: str, now: float) -> bool:
    """A time as YYYYMMDD[HHMM[SS]][Z]; in the host's own zone, which is taken for UTC."""
    digits = text.rstrip("Zz")
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if form is None or not digits.isdecimal():
        return True
    try:
        return datetime.strptime(digits, form).replace(tzinfo=UTC).timestamp() <= now
    except ValueError:
        return True


def _certificates(asked: Asked) -> Iterator[Held]:
    """By the CA keys of the server, and by lines with cert-authority."""
    authorities = asked.one("trustedusercakeys")
    if authorities != "none":
        trusted = asked.setup.blobs.get(authorities)
        if authorities not in asked.setup.blobs:
            why = f"TrustedUserCAKeys {authorities} was not seen"
            trusted = ("",) if asked.guesses.ask(f"ca {authorities}", why, "some", "none") == "some" else ()
        yield from _by_server(asked, trusted or ())
    for file in _open_files(asked):
        for line in file.authorities:
            if not line.revoked and lets_in(line.options, asked):
                yield from _by_line(asked, line)


def _by_server(asked: Asked, trusted: Sequence[str]) -> Iterator[Held]:
    if not trusted:
        return
    allowed = _principals(asked)
    certificates = asked.setup.certificates
    if not certificates and (allowed is None or allowed) and _is_accepted("", asked):
        bound = bool(allowed) and all("command" in options_of(each) for each in (allowed or {}).values())
        yield Held("cert", "any", bound)
    for one in certificates:
        names = {asked.account.name: ""} if allowed is None else allowed
        found = next((names[each] for each in names if each in one.principals), None)
        if one.authority in trusted and found is not None and _holds(one, asked, found):
            yield Held("cert", one.file, bool(one.command) or "command" in options_of(found))


def _by_line(asked: Asked, line: Key) -> Iterator[Held]:
    options = options_of(line.options)
    wanted = {name.strip() for name in options["principals"].split(",")} if "principals" in options else None
    if not asked.setup.certificates and _is_accepted("", asked):
        yield Held("cert", "any", "command" in options)
    for one in asked.setup.certificates:
        names = {*one.principals}
        fit = bool(names & wanted) if wanted is not None else not names or asked.account.name in names
        if one.authority == line.blob and fit and _holds(one, asked, line.options):
            yield Held("cert", one.file, bool(one.command) or "command" in options)


def _principals(asked: Asked) -> Mapping[str, str] | None:
    """Those that AuthorizedPrincipalsFile lists for the account, each with the options of its line; None
    where its name is the one."""
    command = asked.one("authorizedprincipalscommand")
    if command != "none":
        why = f"AuthorizedPrincipalsCommand {command} was not asked"
        said = asked.guesses.ask("AuthorizedPrincipalsCommand", why, "none", "its name")
        return {asked.account.name: ""} if said != "none" else {}
    pattern = asked.one("authorizedprincipalsfile")
    if pattern == "none":
        return None
    path = expanded(pattern, asked.account)
    if path not in asked.setup.files:
        why = f"AuthorizedPrincipalsFile {path} was not seen"
        said = asked.guesses.ask(f"principals {path}", why, "none", "its name")
        return {asked.account.name: ""} if said != "none" else {}
    file = asked.principals
    if file is not None and (file.hidden or (file.unsafe and asked.one("strictmodes", "yes") == "yes")):
        return {}
    lines = (line.partition("#")[0].strip() for line in asked.setup.files[path] or ())
    named = ((line.rpartition(" ")[2], line.rpartition(" ")[0].strip()) for line in lines if line)
    return {name: options for name, options in reversed([*named]) if lets_in(options, asked)}


def expanded(pattern: str, account: Account) -> str:
    """A path with sshd's tokens; one that is not whole is in the home."""
    tokens = {"%h": account.home, "%u": account.name, "%U": str(account.uid), "%%": "%"}
    path = re.sub(r"%[huU%]", lambda found: tokens[found[0]], pattern)
    return path if path.startswith("/") else f"{account.home}/{path}"


def _holds(one: Certificate, asked: Asked, options: str) -> bool:
    """``options``: of the line that admits it; two commands that it would be bound to are one too many."""
    command = options_of(options).get("command", one.command)
    if one.unsupported or (one.command and command != one.command):
        return False
    if not _is_accepted(one.kind, asked) or asked.one("revokedkeys") in one.revoked:
        return False
    if not one.after <= asked.setup.now < one.before:
        return False
    return not one.sources or in_list(one.sources.split(","), asked.address)


def combinations(held: Sequence[Held], times: int) -> Iterator[frozenset[str]]:
    """The factors of every choice of so many different keys: sshd takes none twice."""
    counts = Counter(factor for factor, _ in {(one.factor, one.name) for one in held})
    yield from _choices(sorted(counts.items()), times)


def _choices(counts: Sequence[tuple[str, int]], times: int) -> Iterator[frozenset[str]]:
    if not times:
        yield frozenset()
    elif counts:
        (factor, most), rest = counts[0], counts[1:]
        for number in range(min(most, times) + 1):
            chosen = frozenset({factor}) if number else frozenset[str]()
            yield from (chosen | others for others in _choices(rest, times - number))
