"""A name that a stranger types chooses neither the entry nor the address."""

from collections.abc import Iterator, Sequence

import pytest

from reasons.shipped import shipped_lists
from sshdoctor.reasons import Reason, Reasons, classify
from sshdoctor.reasons.entry import Entry, List
from sshdoctor.reasons.pattern import Part, Pattern

LISTS = shipped_lists()
SERVERS = [one for one in LISTS if one.program in ("OpenSSH server", "Dropbear", "tinysshd")]

TRUE_ADDRESS, FORGED_ADDRESS = "203.0.113.5", "198.51.100.9"
FILLED = {
    "word": "publickey",
    "name": "deploy",
    "phrase": "cipher",
    "number": "7",
    "hex": "ff",
    "address": TRUE_ADDRESS,
    "port": "40022",
    "file": "/etc/ssh/sshd_config",
    "function": "do_something",
    "errno": "Permission denied",
    "whose": "invalid user ",
    "remote": f"{TRUE_ADDRESS}:40022",
}


def filled(parts: Sequence[Part], words: str) -> str:
    """A message of these parts in which a stranger chose ``words``."""
    return "".join(_filled(part, words) for part in parts)


def _filled(part: Part, words: str) -> str:
    if not part.name:
        return part.text
    if part.kind == "peer":
        return f"invalid user {words} {TRUE_ADDRESS} port 40022"
    return words if part.kind == "text" else FILLED.get(part.kind, "some words")


def imitations(one: List, pattern: Pattern) -> Iterator[str]:
    """What a stranger would type so that the message is taken for one of another pattern."""
    yield f"x from {FORGED_ADDRESS} port 22"
    yield f"x {FORGED_ADDRESS} port 22"
    yield f"x from {FORGED_ADDRESS} port 22 ssh2: RSA SHA256:abc"
    yield f"x' from {FORGED_ADDRESS}:22"
    for entry in one.entries:
        if entry.cause:
            yield entry.example
        for other in entry.says:
            if pattern.prefix.startswith(other.prefix):
                behind = other.parts[1 if other.prefix else 0 :]
                yield filled(behind, "x").replace(TRUE_ADDRESS, FORGED_ADDRESS)


def has_stranger(pattern: Pattern) -> bool:
    return any(part.kind in ("text", "peer") for part in pattern.parts)


@pytest.mark.parametrize("one", SERVERS, ids=lambda one: one.program)
def test_no_name_chooses_the_entry_or_the_address(one: List) -> None:
    reasons, program = Reasons([one]), min(one.identifiers)
    deceived = []
    for entry in one.entries:
        for pattern in filter(has_stranger, entry.says):
            for words in imitations(one, pattern):
                message = filled(pattern.parts, words)
                reason = reasons.classify(program, message)
                if reason and not _honest(reason, entry):
                    deceived.append((pattern.says, reason.entry.says[0].says, message))
    assert deceived == []


def _honest(reason: Reason, meant: Entry) -> bool:
    """Whether neither address nor cause are the stranger's choice, nor a refusal is hidden."""
    if reason.parts.get("address") == FORGED_ADDRESS:
        return False
    if reason.entry == meant or not reason.certain:
        return True
    return reason.cause is None and (reason.entry.ends or not meant.ends)


FORGED = [
    ("Invalid user x from 198.51.100.9 port 22 from 203.0.113.5 port 9", "wrong-user", TRUE_ADDRESS),
    ("Invalid user  from 203.0.113.5 port 9", "wrong-user", TRUE_ADDRESS),
    (
        "Failed password for invalid user root from 198.51.100.9 port 22 ssh2 from 203.0.113.5 port 9 ssh2",
        None,
        TRUE_ADDRESS,
    ),
    (
        "Disconnecting invalid user x 198.51.100.9 port 1: Too many authentication failures 203.0.113.5 port"
        " 9: Change of username or service not allowed: (x,ssh-connection) -> (y,ssh-connection) [preauth]",
        None,
        TRUE_ADDRESS,
    ),
    (  # sshd cuts it after a hundred characters, so that a name can be its end
        "Disconnecting authenticating user y 203.0.113.5 port 9: Change of username or service not"
        " allowed: (x 198.51.100.9 port 1: Too many authentication failures",
        None,
        None,
    ),
    (
        "Received disconnect from 203.0.113.5 port 9:11: fatal: Missing privilege separation directory:"
        " /x [preauth]",
        None,
        TRUE_ADDRESS,
    ),
]


@pytest.mark.parametrize(("message", "cause", "address"), FORGED)
def test_a_forged_name_deceives_nobody(message: str, cause: str | None, address: str | None) -> None:
    reason = classify("sshd", message)
    assert reason is not None
    assert reason.cause == cause
    assert reason.parts.get("address") == address
