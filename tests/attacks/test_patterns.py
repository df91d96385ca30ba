"""No regular expression of the program takes longer than its text grows, whatever the text is.

Each is found in the sources, and fed with what costs it the most: see ``patterns/worst.py``. Those of the
lists of reasons are asked about one message at a time, which is cut: see ``LONGEST``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from attacks.patterns.clock import superlinear
from attacks.patterns.elsewhere import TABLES, in_tables
from attacks.patterns.found import Use, uses
from attacks.patterns.worst import attacks, text_of
from sshdoctor.access_rules.foreign import foreign
from sshdoctor.reasons import client_words
from sshdoctor.reasons.client_words import hear
from sshdoctor.reasons.lookup import LONGEST, Reasons, shipped_reasons
from sshdoctor.reasons.pattern import Pattern

KB = 1024
OF_OTHERS = {
    "access_rules/foreign.py": "the host's own configuration's: asked below",
    "access_rules/nginx/read.py": "a glob",
    "commands/shared/letter_words.py": "our own sentences, asked about 600 characters at most",
    "inventory/patterns.py": "what the person typed as --host",
    "reasons/client_words.py": "asked below",
    "reasons/pattern.py": "asked below",
    "remedy/modules/replace.py": "a playbook's, and it is asked about nothing",
    "remedy/playbook/ere.py": "a playbook's, and it is only compiled",
    "watch/witness/probe.py": "what the person expects a service to say, escaped",
    "unblock/selection.py": "a word of a rule that is escaped",
    "reports/masking/names.py": "a table that is read by its module's names",
}
"""The places whose expressions do not stand in the sources: whose they are."""


def test_every_place_that_makes_an_expression_is_known() -> None:
    files = {place.where.rpartition(":")[0] for place in uses()[1]}
    assert files == {*OF_OTHERS, *TABLES} - {"facts/ssh/parsing/hosts_access.py"}
    assert len(uses()[0]) > 300


def test_what_takes_longer_than_it_grows_is_noticed() -> None:
    for pattern in (r"\s+$", r"a.*b", r"(?m)^\s*x", r"(a|aa)+$", r"'.*x"):
        assert superlinear(Use("", "search", re.compile(pattern)), (2 * KB, 8 * KB)), pattern
    for pattern in (r"(?<!\s)\s+$", r"^(?>.*?a).*b", r"(?m)^[ \t]*x"):
        assert not superlinear(Use("", "search", re.compile(pattern)), (2 * KB, 8 * KB)), pattern


def every() -> tuple[Use, ...]:
    return (*uses()[0], *in_tables())


def slow(*sizes: int) -> list[str]:
    found = ((use, superlinear(use, sizes)) for use in every())
    return [f"{use.name}: {use.pattern.pattern!r}: {what}" for use, what in found if what]


def test_no_expression_takes_longer_than_its_text_grows() -> None:
    assert not slow(4 * KB, 16 * KB)


@pytest.mark.long
def test_no_expression_takes_longer_than_a_megabyte_grows() -> None:
    assert not slow(16 * KB, 64 * KB, 256 * KB, KB * KB)


ENDLESS = [
    *("(a+)+$", "(.*)*x", "(a|a)*x", "(a|ab)+x", "(a?a?)*x", "((.+)x?){2,}y", "(a+){40}x", ".*" * 13 + "x"),
]
ORDINARY = [
    *(r"^/(?:index|remote|ocs/v[12]|updater/.+|ocs-provider/.+)[.]php(?:$|/)", r"^(.+?[.]php)(/.*)$"),
    *(r"/[.](?!well-known)", r"[.](engine|inc)(~|[.]sw[op]|[.]bak)?$|^([.].*|Entries.*)$", r"[^)]*[(]+x"),
]


@pytest.mark.parametrize("text", ENDLESS)
def test_what_a_host_has_that_would_never_end_is_not_tried(text: str) -> None:
    with pytest.raises(re.error, match="not tried"):
        foreign(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_what_hosts_usually_have_is_tried(text: str) -> None:
    assert foreign(text).pattern == text


ONE_OF = 7
"""All of them take a quarter of an hour."""


@pytest.mark.parametrize(
    "all_of_them", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "all"]
)
def test_a_message_is_explained_in_no_time_whatever_it_says(all_of_them: bool) -> None:
    reasons = shipped_reasons()
    for program, before, unit, after in _messages(reasons) if all_of_them else _some_messages(reasons):
        message = text_of((before, unit), LONGEST) + after
        began = time.thread_time()
        reasons.classify(program, message)
        assert time.thread_time() - began < 1, (program, before, unit, after)


def _messages(reasons: Reasons) -> Iterator[tuple[str, str, str, str]]:
    """Each program, with a text that repeats its unit against one of its expressions."""
    for program, pattern, expression in _expressions(reasons):
        for before, unit in attacks(expression):
            yield program, pattern.prefix + before, unit, pattern.suffix


def _some_messages(reasons: Reasons) -> Iterator[tuple[str, str, str, str]]:
    """One of the texts against one of each few expressions, another kind of text each time."""
    for number, (program, pattern, expression) in enumerate(islice(_expressions(reasons), 0, None, ONE_OF)):
        texts = attacks(expression)
        before, unit = texts[number % len(texts)]
        yield program, pattern.prefix + before, unit, pattern.suffix


def _expressions(reasons: Reasons) -> Iterator[tuple[str, Pattern, re.Pattern[str]]]:
    for program, lists in reasons._lists.items():
        for pattern in (pattern for one in lists for entry in one.entries for pattern in entry.says):
            for expression in (pattern._longest, pattern._shortest):
                yield program, pattern, expression


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.long)], ids=["some", "all"])
def test_a_line_of_a_client_is_heard_in_no_time_whatever_it_says(step: int) -> None:
    fed = ((words, attack) for _, words, pattern in client_words._patterns() for attack in attacks(pattern))
    for words, attack in islice(fed, 0, None, step):
        began = time.thread_time()
        hear(text_of(attack, 64 * KB))
        assert time.thread_time() - began < 1, (words.says, attack)
