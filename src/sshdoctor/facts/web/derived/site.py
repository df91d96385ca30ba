"""The fact ``site``: why a site answered as it did, from what both sides say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sshdoctor.model import Command, Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.facts.web.explain.case import Case, Found

NEEDS = ("web_state", "web_config", "web_log", "web_files", "php_fpm", "addresses")


class Opening(Struct, frozen=True, kw_only=True):
    """``line``, which includes ``file``, is put in the place of the only line of ``into`` that is ``after``.

    For Apache, whose directives have a line each, behind it.
    """

    file: str
    text: str
    into: str
    after: str
    line: str
    path: str
    client: str
    unit: str
    test: tuple[str, ...]


class Site(Struct, frozen=True, kw_only=True):
    """``cause`` is the id of the first cause, "" where nothing is wrong; Unknown where it is not known.

    ``sure``: what was seen decides it. ``reply`` is the word that the client got.
    """

    cause: str | Unknown
    sure: bool
    text: str
    fix: str
    reply: str
    evidence: tuple[Evidence, ...]
    unit: str = ""
    """The unit whose start mends it, "" if none is known to."""
    opening: Opening | Unknown = Unknown("no rule refuses it")
    """What lets this client in to this path, and nobody else in anywhere; Unknown says why nothing does."""


VALUE = Site
WRITERS = {"": "root"}
_OPENED = ("access-denied-by-rule", "xmlrpc-closed")
_OUTSIDE = ("tls-failed", "certificate-expired", "certificate-mismatch", "certificate-untrusted")


def derive(known: Mapping[str, Any]) -> Site | Unknown:
    dial, site = known["dialled"], known.get("asked_site")
    if site is None:
        return Unknown("no site was asked for")
    word = dial.reply
    facts = [known.get(name, Unknown("not asked for")) for name in NEEDS[:-1]]
    unseen = next((one for one in facts if isinstance(one, Unknown)), None)
    if unseen is not None:
        return _from_outside(word, known.get("answer"), unseen)
    from sshdoctor.access_rules.unknown import UnknownValue
    from sshdoctor.facts.web.explain.answer import explain
    from sshdoctor.facts.web.explain.case import Case

    own = dial.arrives_at == dial.address if isinstance(dial.arrives_at, str) else False
    case = Case(site, word, known.get("answer"), known.get("client_address") or "", dial.address, own, *facts)
    try:
        found = explain(case)
    except UnknownValue as error:
        why = Unknown(f"{error} cannot be judged, so that it is not known which rules hold for this path")
        return Site(cause=why, sure=False, text="", fix="", reply=word, evidence=())
    if found is None:
        fine = word == "success"
        nothing = "" if fine else Unknown("nothing that was seen on the host explains the answer")
        return Site(cause=nothing, sure=True, text="", fix="", reply=word, evidence=())
    links = facts[1].links
    shown = (Evidence(_real(one.source, links), one.text) for one in found.evidence)
    return Site(
        cause=found.cause,
        sure=found.sure,
        text=_real(found.text, links),
        fix=Command(_real(found.fix, links)),
        reply=word,
        evidence=tuple(dict.fromkeys(shown)),
        unit=found.unit,
        opening=_opened_by(case, found),
    )


def _opened_by(case: Case, found: Found) -> Opening | Unknown:
    if found.cause not in _OPENED:
        return Unknown(f"{found.cause} is no rule of access")
    return Unknown("a server behind the first one refuses it") if found.behind else _opening(case)


def _opening(case: Case) -> Opening | Unknown:
    from sshdoctor.access_rules.unknown import UnknownValue
    from sshdoctor.facts.web.explain.opening import opening

    try:
        return opening(case)
    except UnknownValue as error:
        return Unknown(f"{error} is not known")


def _real(text: str, links: Mapping[str, str]) -> str:
    """With the files that a person edits in the place of links to them."""
    for link, real in links.items():
        if link in text:
            text = text.replace(f"{link}:", f"{real}:")
    return text


def _from_outside(word: str, answer: Any, unseen: Unknown) -> Site | Unknown:
    """What the client alone can tell: a certificate's fault."""
    if word == "success":
        return Site(cause="", sure=True, text="", fix="", reply=word, evidence=())
    if word not in _OUTSIDE[1:]:
        return unseen
    shown = getattr(answer, "certificate", None)
    names = ", ".join(shown.names) if shown else "unknown names"
    return Site(
        cause=word,
        sure=False,
        text=f"The certificate ({names}) is refused: {word.replace('-', ' ')}.",
        fix="",
        reply=word,
        evidence=(),
    )
