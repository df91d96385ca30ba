"""The language of ``when``: three values, no calls, no surprises."""

import pytest
from msgspec import Struct

from sshdoctor.checks.condition import ConditionError, parse_expression, parse_sentence
from sshdoctor.model import Unknown


class Service(Struct, frozen=True):
    state: str | Unknown
    port: int | Unknown = 22
    names: tuple[str, ...] = ()
    note: str | None = None


SCHEMA = {"service": Service, "other": Service}
UNSEEN = Unknown("not permitted")


def value(text: str, **facts: object) -> object:
    return parse_expression(text, SCHEMA).value({"other": Service(UNSEEN, UNSEEN), **facts})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service.state == 'masked'", True),
        ("service.state in ['inactive', 'failed']", False),
        ("not service.port == 22", False),
        ("1 < service.port <= 22", True),
        ("service.port not in [22, 2222]", False),
        ("'a' in service.names", True),
        ("service.names != []", True),
        ("service.note == none", True),
        ("service.state == 'masked' and service.port == 22", True),
        ("false or service.port == 23", False),
    ],
)
def test_an_expression_over_known_facts_is_true_or_false(text: str, expected: bool) -> None:
    assert value(text, service=Service("masked", names=("a",))) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("other.state == 'x' and service.port == 23", False),
        ("service.port == 23 and other.state == 'x'", False),
        ("other.state == 'x' or service.port == 22", True),
        ("service.port == 22 or other.state == 'x'", True),
    ],
)
def test_an_unknown_that_cannot_change_the_answer_does_not(text: str, expected: bool) -> None:
    assert value(text, service=Service("masked")) is expected


@pytest.mark.parametrize(
    "text",
    [
        "other.state == 'x'",
        "not other.state == 'x'",
        "other.state == 'x' and service.port == 22",
        "other.state == 'x' or service.port == 23",
        "other.port in [1, 2]",
        "service.port == other.port",
        "service.port in [other.port]",
        "service.state < 3",
    ],
)
def test_an_expression_that_hangs_on_an_unknown_is_unknown(text: str) -> None:
    result = value(text, service=Service("masked"))
    assert isinstance(result, Unknown)


def test_an_unknown_says_which_field_was_not_seen_and_why() -> None:
    assert value("other.state == 'x'") == Unknown("other.state: not permitted")
    assert value("service.state == 'x'", service=UNSEEN) == Unknown("service: not permitted")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("service.stat == 'x'", "service has no 'stat'; it has: names, note, port, state"),
        ("servise.state == 'x'", "unknown fact 'servise'; this check names: other, service"),
        ("service.state ==", "not an expression"),
        ("open('/etc/passwd')", "may not stand here"),
        ("service.state is none", "'is' may not stand here"),
        ("service.__class__", "service has no '__class__'"),
        ("[x for x in service.names]", "may not stand here"),
        ("service.port + 1 == 23", "may not stand here"),
        ("'a'.join", "a field may only be taken of a fact"),
        ("(" * 5000, "not an expression"),
    ],
)
def test_what_the_language_does_not_have_is_refused_with_what_would_be_right(text: str, message: str) -> None:
    with pytest.raises(ConditionError, match=message.replace("[", r"\[").replace("(", r"\(")):
        parse_expression(text, SCHEMA)


def test_a_sentence_shows_what_a_host_says_and_never_reads_it_as_a_template() -> None:
    sentence = parse_sentence("{{ service.state }} on {{ service.names }}: {{ other.state }}", SCHEMA)
    facts = {"service": Service("{{ 7 * 7 }}", names=("a", "{% b %}")), "other": Service(UNSEEN)}
    assert sentence.render(facts) == "{{ 7 * 7 }} on a, {% b %}: (unknown: other.state: not permitted)"


@pytest.mark.parametrize("text", ["{{ service.state", "{% if x %}", "{{ service.nope }}", "{{ }}"])
def test_a_malformed_sentence_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_sentence(text, SCHEMA)
