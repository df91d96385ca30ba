"""The variables of one host as typed values: what cannot be used is refused by name and place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from sshdoctor.document import Vaulted, suggest
from sshdoctor.errors import InventoryError
from sshdoctor.inventory.dial import parse_address, parse_port
from sshdoctor.inventory.groups import Entry, Variable
from sshdoctor.inventory.paths import expand_home
from sshdoctor.inventory.vault import OpenVault, closed_vault
from sshdoctor.model import Secret

_REFERENCE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_TEMPLATE = re.compile(r"\{[{%#]")
_TRUE = ("yes", "on", "1", "true", "t", "y", "1.0")
_FALSE = ("no", "off", "0", "false", "f", "n", "0.0")
_REFERENCES_DEEP = 10
_T = TypeVar("_T")


class Values:
    """Reads the variables of the host ``name``. Every method raises InventoryError with file and line.

    Of several names for one thing the last that is set wins, as in Ansible's plugin options.
    No message shows a value that may be a password.
    """

    def __init__(
        self, entry: Entry, variables: Mapping[str, Variable], open_vault: OpenVault = closed_vault
    ) -> None:
        self.name, self.folder, self.place = entry.name, entry.folder, f"{entry.file}:{entry.line}"
        self._variables, self._open_vault = variables, open_vault

    def find(self, *names: str) -> tuple[str, Variable] | None:
        """The variable that holds, and its name; None if none is set."""
        for name in reversed(names):
            variable = self._variables.get(name)
            if variable is not None and variable.value is not None:
                return name, variable
        return None

    def refuse_unknown(self, begin: str, known: Collection[str]) -> None:
        """Refuse a variable that begins so and is none of ``known``: nothing would ever read it."""
        for name in self._variables:
            if name.startswith(begin) and name not in known:
                raise self.fault(name, "there is no such variable" + suggest(name, known))

    def text(self, *names: str) -> str | None:
        """Text, or a number as text; None if not set or empty."""
        found = self.find(*names)
        return self.text_of(found[1].value, found[0], found[1].place) or None if found else None

    def text_of(self, value: Any, what: str, place: str) -> str:
        """``value`` as text, with plain references in it replaced."""
        value = self._resolve(value, what, place, 0)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        right = "it is one value" if isinstance(value, list | dict) else "put it in quotes"
        raise InventoryError(f"{place}: {what} must be text: {right}")

    def secret(self, *names: str) -> Secret | None:
        text = self.text(*names)
        return None if text is None else Secret(text)

    def port(self, *names: str) -> int | None:
        return self._parsed(parse_port, names)

    def address(self, *names: str) -> str | None:
        return self._parsed(parse_address, names)

    def flag(self, *names: str) -> bool:
        """True or false in any of Ansible's spellings; false if not set."""
        found = self.find(*names)
        if not found:
            return False
        name, variable = found
        word = str(self._resolve(variable.value, name, variable.place, 0)).lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise InventoryError(f"{variable.place}: {name} must be true or false")

    def path(self, *names: str) -> str | None:
        """A file, with ~ expanded; a relative one stands beside the inventory."""
        text = self.text(*names)
        return None if text is None else str(self.folder / expand_home(text))

    def parse(self, parser: Callable[[str], _T], text: str, what: str, place: str) -> _T:
        """What ``parser`` makes of ``text``; its ValueError becomes an InventoryError."""
        try:
            return parser(text)
        except ValueError as error:
            raise InventoryError(f"{place}: {what}: {error}") from None

    def fault(self, name: str, what: str) -> InventoryError:
        """An error about the variable ``name``, at its place."""
        return InventoryError(f"{self._variables[name].place}: {name}: {what}")

    def _parsed(self, parser: Callable[[str], _T], names: tuple[str, ...]) -> _T | None:
        found, text = self.find(*names), self.text(*names)
        if found is None or text is None:
            return None
        return self.parse(parser, text, found[0], found[1].place)

    def _resolve(self, value: Any, what: str, place: str, depth: int) -> Any:
        """``value`` with each ``{{ name }}`` of a plain variable replaced; templates are not rendered."""
        if isinstance(value, Vaulted):
            return self._open_vault(value, f"{place}: {what}")
        if not isinstance(value, str) or not _TEMPLATE.search(value):
            return value
        if _TEMPLATE.search(_REFERENCE.sub("", value)) or depth == _REFERENCES_DEEP:
            raise InventoryError(
                f"{place}: {what} is a template; only {{{{ name }}}} of a plain variable is understood: "
                "write the value out"
            )
        if whole := _REFERENCE.fullmatch(value):
            return self._referred(whole[1], what, place, depth)
        return _REFERENCE.sub(lambda found: str(self._referred(found[1], what, place, depth)), value)

    def _referred(self, name: str, what: str, place: str, depth: int) -> Any:
        if name == "inventory_hostname":
            return self.name
        if name == "inventory_hostname_short":
            return self.name.partition(".")[0]
        if name == "inventory_dir":
            return str(self.folder.absolute())
        if name in self._variables:
            variable = self._variables[name]
            return self._resolve(variable.value, name, variable.place, depth + 1)
        raise InventoryError(f"{place}: {what} refers to {name}, which has no value here")
