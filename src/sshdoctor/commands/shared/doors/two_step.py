"""The playbook ``require-two-step``: doors now and then, enrolment, and a proof with both factors."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sshdoctor.access.ssh.openssh import ask_openssh
from sshdoctor.access.ssh.with_code import login_by_hand, login_with_code
from sshdoctor.commands.shared.doors.by_doors import Seen, Work
from sshdoctor.commands.shared.doors.codes import ask_code, somebody_is_there
from sshdoctor.commands.shared.doors.compared import changes, one_step_doors, shut_out
from sshdoctor.commands.shared.doors.enrolment import enrol, forget
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.doors.model import Account, Setup
from sshdoctor.doors.second_step import (
    SecondStep,
    blocks,
    concerned,
    for_all,
    for_others,
    main_server,
    required,
    without_secret,
)
from sshdoctor.doors.table import Doors, doors_of
from sshdoctor.errors import AccessError, RemedyError, UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.by_proof import apply_with_proof
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.named import refused
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.playbook.load import load_playbook
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.remedy.repair import Agree
from sshdoctor.remedy.run import Agreed
from sshdoctor.remedy.setup import RepairSetup

NAME = "require-two-step"
_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_WORDS = ("two_step_accounts", "two_step_group", "two_step_by", "two_step_also", "two_step_remove")


def second_step(extra: Mapping[str, Any]) -> SecondStep:
    """What is asked for with -e. Raises UsageError."""
    accounts, also = (_words(extra.get(name, ())) for name in ("two_step_accounts", "two_step_also"))
    group, by = str(extra.get("two_step_group", "")), str(extra.get("two_step_by", "code"))
    for name in (*accounts, *([group] if group else ())):
        if not _NAMES.fullmatch(name):
            raise UsageError(f"{NAME}: {name!r} is no name of an account or a group")
    if not accounts and not group:
        raise UsageError(
            f"{NAME}: say for whom, with -e two_step_accounts=NAME,NAME or -e two_step_group=NAME"
        )
    if by not in ("code", "security-key"):
        raise UsageError(f"{NAME}: two_step_by={by}: code or security-key")
    if unknown := {*also} - {"su", "login"}:
        raise UsageError(f"{NAME}: two_step_also={','.join(sorted(unknown))}: su or login")
    remove = str(extra.get("two_step_remove", "")).lower() in ("true", "yes", "1")
    return SecondStep(
        accounts=accounts,
        group=group,
        by="code" if by == "code" else "security-key",
        also=also,
        remove=remove,
    )


def _words(said: object) -> tuple[str, ...]:
    listed = said if isinstance(said, (list, tuple)) else str(said).split(",")
    return tuple(dict.fromkeys(word for one in listed if (word := str(one).strip())))


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
    own, step = Work(complete(host), before, repairing, choice, agree, playbook), second_step(extra)
    others = {name: value for name, value in extra.items() if name not in _WORDS}
    if own.is_closed:
        return own.run(others)
    try:
        setup = own.look()
    except RemedyError as error:
        return refused(host, before, str(error))
    seen = Seen(setup, doors_of(setup), None if step.remove else doors_of(required(setup, step)))
    own.tell(seen)
    if objection := _objection(setup, seen, step):
        return refused(host, before, objection)
    provable = [] if step.remove else [one for one in concerned(setup, step) if _is_provable(own, seen, one)]
    if not step.remove and not choice.check and (objection := _unprovable(provable, step)):
        return refused(host, before, objection)
    given = {
        "two_step_for": blocks(setup, step),
        "two_step_also": ["su", "login"] if step.remove else [*step.also],
        "two_step_global": [*for_all(setup, step)],
        "two_step_others": [*for_others(setup, step)],
        "two_step_remove": step.remove,
    }
    told = _forecast(setup, seen, step, provable)
    return own.run({**others, **given}, told, partial(_carry_out, own, step, seen, provable))


def _objection(setup: Setup, seen: Seen, step: SecondStep) -> str:
    """Why it is not offered: nobody may be locked out by it."""
    there = {one.name for one in setup.accounts}
    if missing := [name for name in step.accounts if name not in there]:
        return f"There is no account that could log in by the name of {', '.join(missing)}."
    if not concerned(setup, step):
        return f"Nobody is in the group {step.group}."
    if seen.then is None:
        return ""
    if main_server(setup) is None:
        return "No sshd with the usual sshd_config runs here."
    if out := shut_out(seen.now, seen.then):
        return f"It would leave no door of SSH to {', '.join(out)} (see the table); so it is not offered."
    names = [one.name for one in concerned(setup, step)]
    if hidden := [one for one in seen.then.unknown if one.account in names and one.door.startswith("ssh:")]:
        return f"What would get in then is not known: {hidden[0].account}, {hidden[0].door}: {hidden[0].why}"
    if not any(_two_steps(seen.then, name) for name in names):
        return "It would require nothing: none of these accounts gets in by a key now."
    return ""


def _two_steps(doors: Doors, name: str) -> bool:
    return any(sets for door, sets in doors.accounts[name].items() if door.startswith("ssh:"))


def _is_provable(own: Work, seen: Seen, account: Account) -> bool:
    """Whether the person's own ssh gets in by a key, or is asked for a code behind it already."""
    doors = seen.now.accounts[account.name]
    asked = any(["code", "key"] in sets for door, sets in doors.items() if door.startswith("ssh:"))
    return asked or own.opens(account.name)


def _unprovable(provable: Sequence[Account], step: SecondStep) -> str:
    if not provable:
        return "None of these accounts lets your own ssh in by its key now, so nothing could prove it."
    if step.by == "code" and not somebody_is_there():
        return "Nobody is at a terminal to type a code (or set SSH_ASKPASS to a program that prints one)."
    return ""


def _forecast(setup: Setup, seen: Seen, step: SecondStep, provable: Sequence[Account]) -> str:
    if seen.then is None:
        return "one step is enough again; the secrets stay where they are"
    names = [one.name for one in concerned(setup, step)]
    parts = changes(seen.now, seen.then) or ["no door changes"]
    if stay := one_step_doors(seen.then, names, _with_a_pin(setup, step)):
        parts.append(f"one step stays enough at {', '.join(stay)}")
    if enrolling := without_secret(setup, step):
        parts.append(f"before that, {', '.join(one.name for one in enrolling)} is given a secret")
    if unproved := [name for name in names if name not in {one.name for one in provable}]:
        parts.append(f"by the model alone, as your ssh does not get in there: {', '.join(unproved)}")
    return "; ".join(parts)


def _with_a_pin(setup: Setup, step: SecondStep) -> tuple[str, ...]:
    """The doors at which a security key is two steps, as its PIN is wanted."""
    server = main_server(setup) if step.by == "security-key" else None
    return tuple(f"ssh:{port}" for port in server.ports) if server else ()


def _carry_out(
    own: Work, step: SecondStep, seen: Seen, provable: Sequence[Account], agreed: Agreed
) -> HostReport:
    """Enrol, apply under guard, prove; who was enrolled in vain has no secret again."""
    enrolled: list[Account] = []
    try:
        codes = _enrolled(own, step, seen, provable, enrolled)
    except RemedyError as error:
        _forget(own, enrolled)
        return refused(own.host, own.before, f"{error}.")
    asked = {one.name for one in concerned(seen.setup, step)}
    way = own.before.inside.way
    same_way = way is None or way.login is None or way.login.user not in asked or step.remove
    prove = partial(_held_against, own, step, seen, codes)
    seconds = own.choice.seconds
    report = apply_with_proof(own.before, agreed, own.repairing, seconds, prove, same_way=same_way)
    if report.repair is not None and report.repair.outcome == "rolled-back":
        _forget(own, enrolled)  # never while it may still be required: that would be a lockout
    return report


def _forget(own: Work, enrolled: Sequence[Account]) -> None:
    """As far as the way in still works: a secret that nothing asks for does no harm."""
    for account in enrolled:
        with suppress(RemedyError, AccessError):
            forget(own.access, account)


def _enrolled(
    own: Work, step: SecondStep, seen: Seen, provable: Sequence[Account], enrolled: list[Account]
) -> dict[str, str]:
    """A code that is right now for each account that is to be proved. Raises RemedyError."""
    codes: dict[str, str] = {}
    if step.remove or step.by != "code":
        return dict.fromkeys((one.name for one in provable), "")
    if fresh := without_secret(seen.setup, step):
        _install(own)
        for account in fresh:
            codes[account.name] = enrol(own.access, own.host.name, account)
            enrolled.append(account)
    for account in provable:
        if account.name not in codes:
            codes[account.name] = ask_code(f"The code of {account.name}@{own.host.name} now")
    return {one.name: codes[one.name] for one in provable}


def _install(own: Work) -> None:
    part = load_playbook(own.playbook.path.parent / NAME / "module.yml")
    done = applying.apply(own.access, applying.prepare([Step(part, ())], 0))
    if done.trouble:
        raise RemedyError(done.trouble)


def _held_against(own: Work, step: SecondStep, seen: Seen, codes: Mapping[str, str]) -> str:
    """What the doors as they are now, and real logins, say against it; "" if nothing."""
    if objection := own.doors_against(seen):
        return objection
    for name, code in codes.items():
        if objection := _tried(own, step, name, code):
            return objection
    return ""


def _tried(own: Work, step: SecondStep, name: str, code: str) -> str:
    """Each factor alone, then both, by new connections of the person's own ssh."""
    login, patience = own.login(name), own.patience
    if step.by == "security-key":
        sys.stderr.write(f"{name}: the PIN of your security key where ssh asks for it, and then a touch.\n")
        word = login_by_hand(login, patience)
        return "" if word == "ok" else f"{name}: the security key got {word or 'no answer'}"
    alone = ask_openssh(login, patience)
    if alone is None or alone.word != "auth-denied":
        return f"{name}: the key alone got {alone.word if alone else 'no answer'}, not a refusal"
    word = login_with_code(login, code, patience, keys=False)
    if word != "auth-denied":
        return f"{name}: the code alone, with a wrong password, got {word or 'no answer'}, not a refusal"
    word = login_with_code(login, code, patience)
    if word != "ok" and (more := ask_code(f"Not taken. {name}'s next code")):
        word = login_with_code(login, more, patience)
    return "" if word == "ok" else f"{name}: both factors together got {word or 'no answer'}"
