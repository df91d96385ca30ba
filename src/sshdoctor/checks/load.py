"""Check files in, Checks out; every fault of every file is told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from pathlib import Path

from msgspec import Struct

from sshdoctor.checks.condition import (
    ConditionError,
    Expression,
    Sentence,
    parse_expression,
    parse_sentence,
)
from sshdoctor.checks.run import Run
from sshdoctor.checks.said import Said
from sshdoctor.checks.suspects import Suspect, hold_ticket, read_suspects
from sshdoctor.documents.reader import MOST_TOLD, Block, BlockReader, suggest
from sshdoctor.documents.resources import whose
from sshdoctor.documents.shipped import read_document
from sshdoctor.errors import CheckError, DocumentError
from sshdoctor.services import Service, layers, reply_words

_CHECK_KEYS = (
    "title",
    "why",
    "service",
    "facts",
    "asked",
    "after",
    "explained_by",
    "run",
    "causes",
    "otherwise",
)
_CAUSE_KEYS = (
    "id",
    "said",
    "when",
    "say",
    "fix",
    "reply",
    "latent",
    "confidence",
    "evidence",
    "suspect",
    "ticket",
)
CLIENT = "own_client"
WORDS = "words"
"""The facts that have the client's and the host's own words about this dial; ``said`` hangs on them."""


class CauseRule(Struct, frozen=True, kw_only=True):
    """When a cause holds, what to say, and the replies that a client would then see.

    ``reply`` empty means latent: nothing that a client sees today. ``any`` stands for every word;
    ``{{ fact.field }}`` for the word that the host's own state gives. ``said``: the cause holds as well
    where the host's own words about this dial name it; its sentences may show ``said.parts`` of them.
    """

    id: str
    said: bool
    when: Expression
    say: Sentence
    fix: Sentence
    reply: tuple[Sentence, ...]
    confidence: str
    evidence: tuple[str, ...]
    suspects: tuple[Suspect, ...] = ()
    """Of which replies it is suspected where nobody could look inside."""
    told: bool = False
    """Its sentences in a ticket stand here."""


class Check(Struct, frozen=True, kw_only=True):
    """One question; ``run`` is the shell text of a user's own check, or empty."""

    id: str
    layer: str
    title: str
    why: str
    service: str = ""
    """The one service that it is about; "" for each that has its layer."""
    facts: tuple[str, ...]
    asked: Expression | None
    """When the question makes sense; where it does not, the check is skipped. None: always."""
    after: tuple[str, ...]
    """The checks whose question comes before this one, on the way of a packet."""
    explained_by: tuple[str, ...]
    """The checks whose fault brings about what this one would find: then it is not asked."""
    run: str
    causes: tuple[CauseRule, ...]
    otherwise: Sentence
    path: Path
    whose: str = ""
    """The file and its owner, of a check that did not come with this program; else ""."""

    def is_of(self, service: Service) -> bool:
        """Whether a diagnosis of ``service`` asks it."""
        return self.layer in service.layers and self.service in ("", service.name)

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """Of which replies its causes are suspected where nobody could look inside."""
        return tuple(one for rule in self.causes for one in rule.suspects)

    @property
    def predecessors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.after, *self.explained_by)))


def load_checks(
    folders: tuple[Path, ...], schema: Mapping[str, type], hearsay: Collection[str] = ()
) -> tuple[Check, ...]:
    """All checks in ``folders`` (``<layer>/<id>.yml``), in the order of the packet's way.

    ``schema`` maps each fact's name to its Struct; ``hearsay`` are the fields that anybody on the host could
    have written: no cause is proved by them, and no command has them in it. Raises CheckError with every
    fault of every file.
    """
    faults: list[str] = []
    checks: dict[str, Check] = {}
    for path in sorted(p for folder in folders for p in folder.rglob("*.yml")):
        try:
            check = _CheckReader(path, schema, faults, hearsay).check()
        except DocumentError as error:
            faults.extend(str(error).splitlines())
            continue
        if check is None:
            continue
        if check.id in checks:
            faults.append(f"{path}:1: the check {check.id!r} stands already in {checks[check.id].path}")
        checks[check.id] = check
    faults.extend(_unknown_predecessors(checks))
    faults.extend(_told_twice(checks))
    if faults:
        raise CheckError(tuple(faults))
    return _ordered(checks)


def _unknown_predecessors(checks: Mapping[str, Check]) -> Iterator[str]:
    for check in checks.values():
        for key, name in _named(check):
            if name not in checks:
                yield f"{check.path}: {key}: there is no check {name!r}{suggest(name, checks)}"


def _told_twice(checks: Mapping[str, Check]) -> Iterator[str]:
    """A cause may stand several times; its sentences in a ticket, and of what it is suspected, once."""
    places: dict[tuple[str, str], str] = {}
    for check in checks.values():
        for rule in check.causes:
            keys = [f"suspect: {one.service}" for one in rule.suspects]
            for key in (*keys, *(["ticket"] if rule.told else [])):
                if (rule.id, key) in places:
                    yield f"{check.path}: {key}: {rule.id!r} has it already in {places[rule.id, key]}"
                places.setdefault((rule.id, key), str(check.path))


def _named(check: Check) -> Iterator[tuple[str, str]]:
    """The checks that a check names, each with the key that names it."""
    yield from (("after", name) for name in check.after)
    yield from (("explained_by", name) for name in check.explained_by)


def _ordered(checks: Mapping[str, Check]) -> tuple[Check, ...]:
    by_layer = sorted(checks.values(), key=lambda c: (layers().index(c.layer), c.id))
    sorter: TopologicalSorter[str] = TopologicalSorter({c.id: c.predecessors for c in by_layer})
    try:
        depth = {name: i for i, name in enumerate(sorter.static_order())}
    except CycleError as error:
        names = " -> ".join(error.args[1])
        raise CheckError(
            (f"{checks[error.args[1][0]].path}: after: goes round in a circle: {names}",)
        ) from None
    return tuple(sorted(by_layer, key=lambda c: (layers().index(c.layer), depth[c.id])))


class _CheckReader(BlockReader):
    """Reads one file."""

    def __init__(
        self, path: Path, schema: Mapping[str, type], faults: list[str], hearsay: Collection[str]
    ) -> None:
        self.path, self.schema, self.faults, self.hearsay = path, schema, faults, hearsay

    def check(self) -> Check | None:
        block = read_document(self.path)
        if not isinstance(block, Block):
            self.fault(1, "a check is a mapping with title, facts and causes")
            return None
        before = len(self.faults)
        self.keys(block, _CHECK_KEYS)
        layer = self.path.parent.name
        if layer not in layers():
            self.fault(1, f"the folder {layer!r} is no layer; layers are: {', '.join(layers())}")
        run = self.text(block, "run", required=False)
        facts = self.facts(block)
        schema = {name: self.schema[name] for name in facts if name in self.schema}
        schema |= {"run": Run} if run else {}
        asked = self.expression(block, "asked", schema) if "asked" in block else None
        for name in facts:
            if name not in self.schema:
                self.at(block, "facts", f"unknown fact {name!r}{suggest(name, self.schema)}")
        check = Check(
            id=self.path.stem,
            layer=layer,
            title=self.text(block, "title"),
            why=self.text(block, "why", required=False),
            service=self.text(block, "service", required=False),
            facts=facts,
            asked=asked,
            after=self.words(block, "after"),
            explained_by=self.words(block, "explained_by"),
            run=run,
            causes=self.causes(block, schema),
            otherwise=self.sentence(block, "otherwise", schema),
            path=self.path,
            whose=whose(self.path, "checks"),
        )
        return check if len(self.faults) == before else None

    def facts(self, block: Block) -> tuple[str, ...]:
        """The facts that the check names, and the host's own words where a cause hangs on them."""
        items = block.get("causes")
        causes = [item for item in items if isinstance(item, Block)] if isinstance(items, list) else []
        said = any(item.get("said") is True for item in causes)
        return tuple(dict.fromkeys((*self.words(block, "facts"), *((CLIENT, WORDS) if said else ()))))

    def causes(self, block: Block, schema: Mapping[str, type]) -> tuple[CauseRule, ...]:
        items = block.get("causes")
        if not isinstance(items, list) or not items:
            self.at(block, "causes", "a list of causes, each with id, when and say, is missing")
            return ()
        rules = []
        for item in items:
            if not isinstance(item, Block):
                self.at(block, "causes", "each cause is a mapping with id, when and say")
                continue
            rule = self.cause(item, schema)
            if rule:
                rules.append(rule)
        return tuple(rules)

    def cause(self, item: Block, schema: Mapping[str, type]) -> CauseRule | None:
        self.keys(item, _CAUSE_KEYS)
        said = item.get("said", False)
        if not isinstance(said, bool):
            self.at(item, "said", "said is true, or left out")
        if said:
            schema = {**schema, "said": Said}
        only_said = said and "when" not in item
        when = parse_expression("False", {}) if only_said else self.expression(item, "when", schema)
        reply = self.words(item, "reply")
        if bool(reply) == bool(item.get("latent", False)):
            self.fault(item.line, "a cause has either reply: [words that the client sees], or latent: true")
        known = {"any", *reply_words()}
        for word in islice((word for word in reply if "{{" not in word and word not in known), MOST_TOLD):
            self.at(item, "reply", f"{word!r} is no reply word{suggest(word, reply_words())}")
        confidence = item.get("confidence", "proved")
        if confidence not in ("proved", "likely", "possible"):
            self.at(item, "confidence", "proved, likely or possible, not " + repr(confidence))
        evidence = self.words(item, "evidence")
        for name in evidence:
            if name not in schema:
                self.at(item, "evidence", f"{name!r} is not among this check's facts")
        identifier = self.text(item, "id")
        say = self.sentence(item, "say", schema)
        fix = self.sentence(item, "fix", schema, required=False)
        if fix.quotes_a_value:
            self.at(item, "fix", "a {{ }} after an open quote: every value is quoted for the shell already")
        if when is None:
            return None
        if confidence == "proved":
            self.vouched(item, "when", when.fields, "proves nothing: confidence: likely, or possible")
        self.vouched(item, "fix", fix.fields, "may stand in no command")
        if "ticket" in item:
            hold_ticket(self, item)
        return CauseRule(
            id=identifier,
            said=bool(said),
            when=when,
            say=say,
            fix=fix,
            reply=tuple(self.parse(item, "reply", word, schema) for word in reply),
            confidence=str(confidence),
            evidence=evidence or when.names or ((WORDS,) if said else ()),
            suspects=read_suspects(self, item, self.path.parent.name) if "suspect" in item else (),
            told="ticket" in item,
        )

    def vouched(self, item: Block, key: str, fields: Iterable[str], so: str) -> None:
        """Holds against a cause what in it anybody could have written."""
        for field in fields:
            if field in self.hearsay:
                self.at(item, key, f"{field}: any user of the host could have written it; it {so}")

    def expression(self, block: Block, key: str, schema: Mapping[str, type]) -> Expression | None:
        text = block.get(key)
        if isinstance(text, bool):
            text = str(text)
        if not isinstance(text, str):
            self.at(block, key, f"{key} is missing: an expression such as: service.state == 'masked'")
            return None
        try:
            return parse_expression(text, schema)
        except ConditionError as error:
            self.at(block, key, f"{key}: {error}")
            return None

    def sentence(
        self, block: Block, key: str, schema: Mapping[str, type], *, required: bool = True
    ) -> Sentence:
        return self.parse(block, key, self.text(block, key, required=required), schema)

    def parse(self, block: Block, key: str, text: str, schema: Mapping[str, type]) -> Sentence:
        try:
            return parse_sentence(text, schema)
        except ConditionError as error:
            self.at(block, key, f"{key}: {error}")
            return Sentence(())
