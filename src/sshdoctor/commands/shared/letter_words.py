"""The words of the letter in one language: letter.yml, and for what findings say in English."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from sshdoctor.documents.reader import read_yaml

LANGUAGES = ("en", "ja")
_LONGEST = 600
"""Characters of a finding that are looked at for its words: a sentence with three blanks tries many cuts."""
_BLANK = re.compile(r"\\\{(\d)\\\}")


class Words:
    """Sentences by their key; and those of an examination, which are English, in this language."""

    def __init__(self, said: dict[str, Any]) -> None:
        sentences = said.get("sentences", [])
        self._said = said
        self._sentences = [(_pattern(english), own) for english, own in sentences]

    def say(self, key: str, **values: object) -> str:
        return str(self._said[key]).format(**values)

    def told(self, text: str) -> str:
        """``text`` of an examination in this language; as it is where the language has no words for it."""
        for pattern, own in self._sentences:
            if len(text) <= _LONGEST and (found := pattern.fullmatch(text)):
                return re.sub(r"\{(\d)\}", lambda blank: found[int(blank[1])], str(own))
        return text


def _pattern(english: str) -> re.Pattern[str]:
    """A sentence with blanks for the words that differ: {1}, {2}, each without a line feed."""
    return re.compile(_BLANK.sub("(.{1,900})", re.escape(english)))


@cache
def words_of(lang: str) -> Words:
    return Words(read_yaml(Path(__file__).with_name("letter.yml"))[lang])
