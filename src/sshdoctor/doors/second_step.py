"""A host as it will be once a second step is required of some: for the doors before anything is changed.

What is written on the host is made here too (``blocks``), so that both cannot come apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.doors.model import Account, Place, Server, Setup

By = Literal["code", "security-key"]
SECRET = ".google_authenticator"  # noqa: S105 -- a file's name
_OLD = "challengeresponseauthentication"
"""An sshd before 8.7 has this beside KbdInteractiveAuthentication, for all accounts alike."""
_ASKS = "auth [success=ignore default=1] pam_succeed_if.so quiet "
_CODE_ALONE = "auth [success=done default=die] pam_google_authenticator.so"
_CODE_TOO = "auth requisite pam_google_authenticator.so"
_MODULES = ("pam_google_authenticator", "pam_succeed_if")
_OF_ROOT = ("prohibit-password", "without-password", "yes")
"""PermitRootLogin where root gets in by a key; where it says no, nothing is opened here."""
_KINDS = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")


class SecondStep(Struct, frozen=True, kw_only=True):
    """Of whom it is required (``accounts`` by name, or all of a ``group``), and what it is.

    ``also``: services of PAM (su, login) at whose password a code is asked for as well. ``remove``: it is no
    longer required.
    """

    accounts: tuple[str, ...] = ()
    group: str = ""
    by: By = "code"
    also: tuple[str, ...] = ()
    remove: bool = False

    def concerns(self, account: Account) -> bool:
        return account.name in self.accounts or (bool(self.group) and self.group in account.groups)

    def subjects(self) -> Iterator[tuple[str, str, str]]:
        """Each with its name, its line for Match, and its test for pam_succeed_if."""
        for name in self.accounts:
            yield name, f"User {name}", f"user = {name}"
        if self.group:
            yield f"group {self.group}", f"Group {self.group}", f"user ingroup {self.group}"


def main_server(setup: Setup) -> Server | None:
    """The sshd that reads sshd_config itself; None where none runs."""
    return next((one for one in setup.servers if one.program == "sshd" and "-f" not in one.arguments), None)


def concerned(setup: Setup, step: SecondStep) -> tuple[Account, ...]:
    return tuple(one for one in setup.accounts if step.concerns(one))


def secret_of(account: Account) -> str:
    """The file of its secret."""
    return f"{account.home}/{SECRET}"


def without_secret(setup: Setup, step: SecondStep) -> tuple[Account, ...]:
    """Those who have to enrol before a code can be asked of them."""
    if step.by != "code" or step.remove:
        return ()
    return tuple(one for one in concerned(setup, step) if setup.places.get(secret_of(one)) is None)


def is_old(setup: Setup) -> bool:
    server = main_server(setup)
    return server is not None and isinstance(server.settings, Mapping) and _OLD in server.settings.get("", {})


def directives(setup: Setup, step: SecondStep, accounts: Sequence[Account]) -> list[str]:
    """The lines of sshd_config that are to hold for ``accounts``."""
    if step.by == "security-key":
        kinds = "PubkeyAcceptedKeyTypes" if is_old(setup) else "PubkeyAcceptedAlgorithms"
        told = ["AuthenticationMethods publickey", "PubkeyAuthOptions verify-required"]
        return [*told, f"{kinds} {','.join(_KINDS)}"]
    found = ["AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"]
    root, server = next((one for one in accounts if one.uid == 0), None), main_server(setup)
    settings = root and server and server.settings_of(root.name, setup.client)
    if settings and settings.get("permitrootlogin", ("",))[0] in _OF_ROOT:
        found.append("PermitRootLogin yes")  # else sshd takes no answer of root's, not even a code
    return found


def for_all(setup: Setup, step: SecondStep) -> tuple[str, ...]:
    """What an old sshd has to be told for all, so that it asks anybody a question."""
    return ("ChallengeResponseAuthentication yes",) if step.by == "code" and _questions_off(setup) else ()


def for_others(setup: Setup, step: SecondStep) -> tuple[str, ...]:
    """What keeps that from opening a door to others."""
    return ("KbdInteractiveAuthentication no",) if for_all(setup, step) else ()


def _questions_off(setup: Setup) -> bool:
    server = main_server(setup)
    if server is None or not isinstance(server.settings, Mapping):
        return False
    return server.settings.get("", {}).get(_OLD, ("yes",))[0] == "no"


def blocks(setup: Setup, step: SecondStep) -> list[dict[str, object]]:
    """What the playbook ``require-two-step`` is given for each subject."""
    found: list[dict[str, object]] = []
    for name, match, test in step.subjects():
        own = [one for one in concerned(setup, step) if match in (f"User {one.name}", f"Group {step.group}")]
        lines = directives(setup, step, own)
        home = own[0].home if own and match.startswith("User ") else ""
        code = step.by == "code"
        found.append({"name": name, "match": match, "test": test, "lines": lines, "home": home, "code": code})
    return found


def required(setup: Setup, step: SecondStep) -> Setup:
    """The host once the step is required, and who has to enrol has done so."""
    asked = {one.name for one in concerned(setup, step)}
    services, places = setup.services, setup.places
    if step.by == "code":
        services = _asking(services, step)
        places = {
            **places,
            **{secret_of(one): _enrolled(one) for one in without_secret(setup, step)},
        }
    modules = None if setup.modules is None else setup.modules | {*_MODULES}
    main = main_server(setup)
    servers = tuple(_told(setup, step, one, asked) if one is main else one for one in setup.servers)
    return replace(setup, services=services, places=places, modules=modules, servers=servers)


def _enrolled(account: Account) -> Place:
    """The secret that google-authenticator will have written for it."""
    return Place(account.uid, account.gid, 0o400, words=("TOTP_AUTH",))


def _asking(
    services: Mapping[str, Sequence[tuple[int, str]]], step: SecondStep
) -> dict[str, tuple[tuple[int, str], ...]]:
    found = {name: tuple(lines) for name, lines in services.items()}
    for _, _, test in reversed([*step.subjects()]):
        found["sshd"] = ((0, _ASKS + test), (0, _CODE_ALONE), *found.get("sshd", ()))
        for name in step.also:
            lines = found.get(name, ())
            at = next((at for at, (_, text) in enumerate(lines) if "common-auth" in text), len(lines))
            found[name] = (*lines[:at], (0, _ASKS + test), (0, _CODE_TOO), *lines[at:])
    return found


def _told(setup: Setup, step: SecondStep, server: Server, asked: set[str]) -> Server:
    """The server as it answers ``sshd -T`` then."""
    if not isinstance(server.settings, Mapping):
        return server
    whole = _lower(for_all(setup, step))
    others = _lower(for_others(setup, step))
    found = {"": {**server.settings.get("", {}), **whole}}
    for account in setup.accounts:
        own = directives(setup, step, [account]) if account.name in asked else []
        changes = {**whole, **others, **_lower(own)}
        names = [name for name in server.settings if name.split(" ")[0] == account.name]
        for name in names or [account.name]:
            before = server.settings.get(name) or server.settings.get("", {})
            found[name] = {**before, **changes}
    return replace(server, settings=found)


def _lower(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """As ``sshd -T`` has them: keywords in lower case."""
    pairs = (line.partition(" ") for line in lines)
    return {word.lower(): (value,) for word, _, value in pairs}
