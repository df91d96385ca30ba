"""The text of an inventory or variables file, and the data in it, read as Ansible reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sshdoctor.documents.reader import Vaulted, parse_yaml
from sshdoctor.errors import DocumentError, InventoryError

_VAULT = "$ANSIBLE_VAULT"


def read_text(path: Path) -> str:
    """The file's text. Raises InventoryError where it cannot be read or is no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InventoryError(f"{path}:1: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InventoryError(f"{path}:1: this is no UTF-8 text") from None


def is_vaulted(text: str) -> bool:
    """Whether the whole file is encrypted with ansible-vault."""
    return text.startswith(_VAULT)


def parse_data(text: str, file: str) -> Any:
    """JSON where it is JSON, else YAML, repeated keys allowed. Raises InventoryError."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_hook=_unwrap)
        except (ValueError, RecursionError):
            pass  # a YAML flow mapping, or broken: YAML's message says where
    try:
        return parse_yaml(text, file, repeats_allowed=True)
    except DocumentError as error:
        # PyYAML quotes an unknown alias or tag, which may be a password written without quotes.
        message = re.sub(
            r"\b(alias|tag)\b.*", r"\1: a value that begins with *, & or ! needs quotes", str(error)
        )
        raise InventoryError(message) from None


def line_of(mapping: Any, key: Any, default: int = 1) -> int:
    """The line of a key, where the file's format tells it."""
    lines: dict[Any, int] = getattr(mapping, "lines", {})
    return lines.get(key, default)


def _unwrap(mapping: dict[str, Any]) -> Any:
    """What ansible-inventory writes in JSON for ``!vault`` and ``!unsafe``."""
    if mapping.keys() == {"__ansible_vault"}:
        return Vaulted(mapping["__ansible_vault"])
    if mapping.keys() == {"__ansible_unsafe"}:
        return mapping["__ansible_unsafe"]
    return mapping
