"""The fact ``account_rules``: which module of PAM's account stage refuses, and what to mend for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.account_stack import AccountStack, Asked
from sshdoctor.model import Command, Evidence, Unknown

_NAMED = re.compile(r"\A(pam_\w{1,40})\(")
_PLACE = "the account lines of /etc/pam.d/sshd (and of what it includes)"
_ANY = (
    "Mend the rule of the module that refuses (pam_access: /etc/security/access.conf; pam_time: "
    "/etc/security/time.conf; pam_listfile, pam_succeed_if: the words of its line), or its line among "
    f"{_PLACE}, from inside."
)


class AccountRules(Struct, frozen=True, kw_only=True):
    """``mend``: what to do about the module that the host's words name, or about those that could be it.

    ``suspects`` are the modules that write nothing when they refuse, each with the file that it decides by.
    """

    mend: Command
    suspects: Command
    evidence: tuple[Evidence, ...]


VALUE = AccountRules
WRITERS = {"": "root"}
NEEDS = ("account_stack", "shadow")


def derive(known: Mapping[str, Any]) -> AccountRules:
    """The fact; what is known of the stack makes it more particular."""
    stack: AccountStack | Unknown = known["account_stack"]
    asked = () if isinstance(stack, Unknown) else stack.asked
    named = _named(known["words"])
    own = next((one for one in asked if one.module == named), None)
    suspects = _suspects(asked, known["shadow"])
    if own is not None:
        mend = _of_one(own)
    elif not named and _unread(known["words"]):
        mend = _of_the_files(() if isinstance(stack, Unknown) else stack.returns)
    elif suspects and not named:
        mend = Command(
            f"Mend what decides: {_told(suspects)}; or that module's line among {_PLACE}, from inside."
        )
    else:
        mend = Command(_ANY)
    return AccountRules(
        mend=mend,
        suspects=_told(suspects),
        evidence=() if isinstance(stack, Unknown) else stack.evidence,
    )


def _named(words: Any) -> str:
    """The module that the host's own words name, "" for none."""
    texts = _texts(words)
    found = _NAMED.match(texts[0]) if texts else None
    return found[1] if found else ""


def _texts(words: Any) -> list[str]:
    said = () if isinstance(words, Unknown) else words.said
    return [one.text for one in said if one.trusted and one.cause == "account-refused-by-pam"]


def _unread(words: Any) -> bool:
    """The library itself complains: its files are not what pam.d(5) has, and no module was asked."""
    texts = _texts(words)
    return bool(texts) and texts[0].startswith("PAM ")


def _of_the_files(returns: Sequence[str]) -> Command:
    if returns:
        listed = " ".join(map(quote, returns))
        return Command(
            f"sed -i 's/\\r$//' {listed} (the lines end with carriage returns, as Windows writes them, which "
            "PAM takes for a part of their last words)"
        )
    return Command(
        "Mend /etc/pam.d/sshd, or a file that it includes, from inside: each line is a type (auth, account, "
        "password, session), a control and a module; an @include names a file that is there."
    )


def _suspects(asked: Sequence[Asked], shadow: Any) -> tuple[Asked, ...]:
    """Those that can have refused without a word; pam_unix only where the account has no line to read."""
    lineless = isinstance(shadow, Unknown) or shadow.account == "missing"
    missing = tuple(one for one in asked if one.missing)
    return missing or tuple(one for one in asked if one.silent and (one.module != "pam_unix" or lineless))


def _told(suspects: Sequence[Asked]) -> Command:
    return Command("; ".join(one.told for one in suspects))


def _of_one(own: Asked) -> Command:
    rule = f"{quote(own.reads)}, by which {own.module} decides, or" if own.reads else "what it decides by,"
    return Command(f"Mend {rule} its line ({quote(own.line)}) among {_PLACE}, from inside.")
