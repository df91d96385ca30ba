"""The playbook ``trust-user-ca``: doors now and then, and a proof by the logins that worked before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sshdoctor.access.ssh.openssh import ask_openssh
from sshdoctor.commands.shared.doors.by_doors import Seen, Work
from sshdoctor.commands.shared.doors.compared import changes, shut_out
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.doors.authority import Authority, Places, places_of, trusting
from sshdoctor.doors.model import Certificate, Setup
from sshdoctor.doors.second_step import main_server
from sshdoctor.doors.table import doors_of
from sshdoctor.errors import RemedyError, UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.by_proof import apply_with_proof
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.named import refused
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.remedy.repair import Agree
from sshdoctor.remedy.run import Agreed
from sshdoctor.remedy.setup import RepairSetup

NAME = "trust-user-ca"
_WORDS = ("ca_file", "ca_principals", "ca_revoke")
_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]{40,}(?: [ -~]*)?")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
_CERTIFICATES_ALONE = {"pubkeyacceptedkeytypes": "*-cert-v01@openssh.com"}


def authority(extra: Mapping[str, Any]) -> Authority:
    """What is asked for with -e. Raises UsageError."""
    keys = _keys("ca_file", extra) if extra.get("ca_file") else ()
    if not keys:
        raise UsageError(f"{NAME}: say which CA, with -e ca_file=CA.pub: its public key")
    revoked = _keys("ca_revoke", extra) if extra.get("ca_revoke") else ()
    return Authority(keys=keys, principals=_principals(extra.get("ca_principals", "")), revoked=revoked)


def _keys(name: str, extra: Mapping[str, Any]) -> tuple[str, ...]:
    file = str(extra[name])
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{NAME}: {name}={file}: {error.strerror}") from None
    if "PRIVATE KEY" in text:
        raise UsageError(
            f"{NAME}: {name}={file} is a private key: it must never leave its place; give its .pub"
        )
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if wrong := [line for line in lines if not line.startswith("#") and not _KEY.fullmatch(line)]:
        raise UsageError(f"{NAME}: {name}={file}: this is no public key: {wrong[0][:60]!r}")
    return tuple(line for line in lines if not line.startswith("#"))


def _principals(said: object) -> dict[str, tuple[str, ...]]:
    """``deploy:ops-team,root:ops-team``, or a mapping. Raises UsageError."""
    pairs: Iterator[tuple[str, str]] | list[tuple[str, str]]
    if isinstance(said, Mapping):
        pairs = [
            (str(account), str(name))
            for account, names in said.items()
            for name in (names if isinstance(names, (list, tuple)) else [names])
        ]
    else:
        words = [word for word in str(said).split(",") if word.strip()]
        pairs = [(word.partition(":")[0].strip(), word.partition(":")[2].strip()) for word in words]
    found: dict[str, tuple[str, ...]] = {}
    for account, name in pairs:
        for word in (account, name or account):
            if not _NAME.fullmatch(word):
                raise UsageError(f"{NAME}: ca_principals: {word!r} is no name of an account or a principal")
        found[account] = (*found.get(account, ()), name or account)
    if not found:
        raise UsageError(f"{NAME}: say for whom, with -e ca_principals=ACCOUNT:PRINCIPAL,ACCOUNT:PRINCIPAL")
    return found


def work(
    host: Host,
    before: Diagnosis,
    repairing: RepairSetup,
    *,
    choice: Choice,
    agree: Agree,
    playbook: Playbook,
    extra: Mapping[str, Any],
) -> HostReport:
    """The report on one host; its ``repair`` says what was done. Raises UsageError."""
    own, asked = Work(complete(host), before, repairing, choice, agree, playbook), authority(extra)
    others = {name: value for name, value in extra.items() if name not in _WORDS}
    if own.is_closed:
        return own.run(others)
    try:
        setup = own.look()
    except RemedyError as error:
        return refused(host, before, str(error))
    places = places_of(setup, asked)
    if objection := _objection(setup, asked, places):
        return refused(host, before, f"{objection}.")
    seen = Seen(setup, doors_of(setup), doors_of(trusting(setup, asked, places)))
    own.tell(seen)
    if seen.then and (out := shut_out(seen.now, seen.then)):
        return refused(host, before, f"It would leave no door of SSH to {', '.join(out)} (see the table).")
    given = _given(setup, asked, places)
    told = _forecast(setup, seen, asked)
    return own.run({**others, **given}, told, partial(_carry_out, own, seen, asked))


def _objection(setup: Setup, asked: Authority, places: Places) -> str:
    if main_server(setup) is None:
        return "No sshd with the usual sshd_config runs here"
    there = {one.name for one in setup.accounts}
    if missing := [name for name in asked.principals if name not in there]:
        return f"There is no account that could log in by the name of {', '.join(missing)}"
    return places.objection


def _given(setup: Setup, asked: Authority, places: Places) -> dict[str, Any]:
    files = [
        {"path": places.principals_of(setup, account), "principal": name}
        for account, names in asked.principals.items()
        for name in names
        if places.principals
    ]
    return {
        "ca_keys": [*asked.keys],
        "ca_key_file": places.key_file,
        "ca_principals_files": files,
        "ca_revoked": places.revoked,
        "ca_revoked_lines": [*asked.revoked],
        "ca_directives": [*places.lines],
    }


def _forecast(setup: Setup, seen: Seen, asked: Authority) -> str:
    assert seen.then is not None  # noqa: S101 -- it is forecast here
    parts = changes(seen.now, seen.then) or ["no door changes"]
    parts += [_validity(one, setup, asked) for one in setup.certificates]
    if not setup.certificates:
        parts.append("your own ssh has no certificate, so none is tried")
    return "; ".join([*parts, "the keys that there are stay"])


def _validity(one: Certificate, setup: Setup, asked: Authority) -> str:
    """What is to be known of the client's own certificate."""
    ours = one.authority in {line.split()[1] for line in asked.keys}
    end = (
        "for ever"
        if one.before > _FOR_EVER
        else f"until {datetime.fromtimestamp(one.before, UTC):%Y-%m-%d %H:%M}"
    )
    state = "not yet valid" if setup.now < one.after else "expired" if setup.now >= one.before else "valid"
    whose = "of this CA" if ours else "of another CA"
    names = ", ".join(one.principals) or "nobody"
    return f"your certificate {one.file} is {whose}, names {names}, and is {state}, {end} UTC"


_FOR_EVER = 2.0**40


def _carry_out(own: Work, seen: Seen, asked: Authority, agreed: Agreed) -> HostReport:
    names = [name for name in (own.host.login.user, *asked.principals) if name]
    opened = [name for name in dict.fromkeys(names) if own.opens(name)]
    prove = partial(_held_against, own, seen, asked, opened)
    return apply_with_proof(own.before, agreed, own.repairing, own.choice.seconds, prove, same_way=True)


def _held_against(own: Work, seen: Seen, asked: Authority, opened: Sequence[str]) -> str:
    """What the doors as they are now, and real logins, say against it; "" if nothing."""
    if objection := own.doors_against(seen):
        return objection
    for name in opened:
        if not own.opens(name):
            return f"{name}: your own ssh got in before, and no more"
    for name in _certified(seen, asked):
        answer = ask_openssh(own.login(name), own.patience, _CERTIFICATES_ALONE)
        if answer is None or answer.word != "ok":
            return f"{name}: the certificate alone got {answer.word if answer else 'no answer'}"
    return ""


def _certified(seen: Seen, asked: Authority) -> list[str]:
    """The accounts into which the client's own certificate gets by the model."""
    assert seen.then is not None  # noqa: S101 -- it is forecast here
    own = seen.then.accounts if seen.setup.certificates else {}
    return [
        name
        for name in asked.principals
        if any(["cert"] in sets for door, sets in own.get(name, {}).items() if door.startswith("ssh:"))
    ]
