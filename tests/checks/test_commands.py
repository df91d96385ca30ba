"""What a person is told to type: nothing that a host says of itself can be more than one word of it."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sshdoctor import facts
from sshdoctor.checks.condition import Expression, Sentence, field_types, parse_sentence
from sshdoctor.checks.load import CauseRule, load_checks
from sshdoctor.diagnosis.derive import DERIVED
from sshdoctor.documents.resources import shipped
from sshdoctor.errors import CheckError
from sshdoctor.model import Command, Unknown

NASTY = "ssh.service; $(touch PWN) `touch PWN` ' \" \n touch PWN #"
TYPES = {**{name: facts.load(name).VALUE for name in facts.names()}, **DERIVED}
RULES = [rule for check in load_checks((shipped("checks"),), TYPES) for rule in check.causes]


class Liar:
    """A fact every field of which is ``NASTY``, but for those that are commands of our own making."""

    def __init__(self, kind: object) -> None:
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        kind = field_types(self._kind).get(name)
        if kind is Command:
            return Command("true")
        return Liar(kind) if field_types(kind) else NASTY


class Told:
    """What a host said, with the same in every part."""

    text = NASTY
    parts: Mapping[str, str] = defaultdict(lambda: NASTY)


def values(sentence: Sentence) -> list[Expression]:
    return [part for part in sentence.parts if isinstance(part, Expression)]


@pytest.mark.parametrize("rule", [rule for rule in RULES if values(rule.fix)], ids=lambda rule: rule.id)
def test_a_value_of_a_host_is_one_word_of_a_fix(rule: CauseRule) -> None:
    known: dict[str, object] = {name: Liar(TYPES.get(name)) for name in rule.fix.names}
    typed = rule.fix.command({**known, "said": Told()})
    assert "PWN" not in typed.replace(shlex.quote(NASTY), "")


@pytest.mark.parametrize(
    "fix", ["rm '{{ nologin.path }}'", 'rm "{{ nologin.path }}"', "a host's {{ nologin.path }}"]
)
def test_a_value_within_quotes_of_the_fix_itself_is_refused(fix: str, tmp_path: Path) -> None:
    check = tmp_path / "session" / "mine.yml"
    check.parent.mkdir()
    rule = {"id": "mine", "when": "nologin.in_etc", "say": "s", "fix": fix, "latent": True}
    check.write_text(json.dumps({"title": "t", "facts": ["nologin"], "causes": [rule], "otherwise": "o"}))
    with pytest.raises(CheckError, match="quot"):
        load_checks((tmp_path,), TYPES)


def test_every_kind_of_value_is_quoted() -> None:
    schema = {"service": TYPES["service"], "listening": TYPES["listening"]}
    fix = parse_sentence("a {{ service.unit }} b {{ listening.ports }} c {{ service.state }}", schema)

    class Lie:
        unit = "x; y"
        ports = (22, "1; 2")
        state = Unknown("no; $(way)")

    typed = fix.command({"service": Lie, "listening": Lie})
    assert shlex.split(typed) == [
        "a",
        "x; y",
        "b",
        "22,",
        "1; 2",
        "c",
        "(unknown: service.state: no; $(way))",
    ]
