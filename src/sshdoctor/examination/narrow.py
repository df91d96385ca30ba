"""What of an examination was asked for: parts of it (``--only``), one account (``--account``)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sshdoctor.examination.findings import Examination

PARTS = {
    "processes": ("running", "mechanisms", "site_files", "requests", "entries"),
    "persistence": ("running", "mechanisms", "site_files", "requests", "entries"),
    "mail": ("running", "mechanisms", "site_files", "requests", "letters", "entries"),
    "files": ("site_files", "requests", "mechanisms"),
    "entry": ("running", "mechanisms", "site_files", "requests", "letters", "entries"),
}
"""The parts, each with the facts that it takes."""


def facts_of(parts: Sequence[str]) -> tuple[str, ...]:
    """What a host is asked for these parts."""
    return ("identity", *dict.fromkeys(fact for part in parts for fact in PARTS[part]))


def narrowed(found: Examination, parts: Sequence[str], account: str) -> Examination:
    """``found`` with these parts alone (all, if none is named), of one account (all, if it is "")."""
    own = _of_account(found, account) if account else found
    if not parts:
        return own
    files = "persistence" in parts or "files" in parts
    return replace(
        own,
        culprits=own.culprits if "processes" in parts else (),
        persistence=own.persistence if files else (),
        mail=own.mail if "mail" in parts else None,
        entry=own.entry if "entry" in parts else None,
    )


def _of_account(found: Examination, account: str) -> Examination:
    """What is of one account: its processes, the files below a folder of its name, its letters."""

    def is_own(path: str) -> bool:
        return account in path.split("/")

    mail = found.mail
    if mail is not None:
        mail = replace(
            mail, heaps=tuple(h for h in mail.heaps if account in (h.uid, h.name) or is_own(h.name))
        )
    return replace(
        found,
        culprits=tuple(one for one in found.culprits if one.user == account),
        persistence=tuple(line for line in found.persistence if is_own(line.file)),
        mail=mail,
        stop=tuple(step for step in found.stop if account in step.what.replace(":", "/").split("/")),
    )
