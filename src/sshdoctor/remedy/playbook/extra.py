"""Variables that are typed, as Ansible takes them with ``-e``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.documents.reader import parse_yaml
from sshdoctor.errors import UsageError


def extra_variables(words: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE, whose value is text, or YAML. Raises UsageError."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        data = {name: value} if equals and name.isidentifier() else parse_yaml(word, "--extra-vars")
        if not isinstance(data, Mapping):
            raise UsageError(f"--extra-vars {word}: NAME=VALUE, or YAML such as {{name: value}}")
        found |= data
    return found
