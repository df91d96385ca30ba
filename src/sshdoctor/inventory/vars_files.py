"""The files in group_vars/ and host_vars/ (Ansible's vars plugin ``host_group_vars``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sshdoctor.documents.resources import own_file
from sshdoctor.errors import InventoryError
from sshdoctor.inventory.content import is_vaulted, line_of, parse_data, read_text
from sshdoctor.inventory.groups import Variable
from sshdoctor.inventory.vault import OpenVault

_EXTENSIONS = ("", ".yml", ".yaml", ".json")


class VarsFolder:
    """One group_vars or host_vars folder, listed once: most hosts have no file in it."""

    def __init__(self, path: Path, open_vault: OpenVault) -> None:
        self._path, self._open_vault = path, open_vault
        self._names = frozenset(file.name for file in path.iterdir()) if path.is_dir() else frozenset()
        self._known: dict[str, dict[str, Variable]] = {}

    def variables(self, name: str) -> dict[str, Variable]:
        """The variables of one group or host; later files win. Raises InventoryError.

        That is also raised for a file that is encrypted as a whole and cannot be opened.
        """
        if name not in self._known:
            found = next((name + ext for ext in _EXTENSIONS if name + ext in self._names), None)
            self._known[name] = self._read(self._path / found) if found else {}
        return self._known[name]

    def _read(self, path: Path) -> dict[str, Variable]:
        variables: dict[str, Variable] = {}
        for file in _files_in(path) if path.is_dir() else (path,):
            text = read_text(own_file(file))
            if is_vaulted(text):
                text = self._open_vault(text, f"{file}:1")
            variables.update(_parse(text, str(file)))
        return variables


def _parse(text: str, file: str) -> dict[str, Variable]:
    data = parse_data(text, file)
    if not isinstance(data or {}, dict):
        raise InventoryError(f"{file}:1: this must be a mapping of variables, name: value")
    return {str(key): Variable(value, file, line_of(data, key)) for key, value in (data or {}).items()}


def _files_in(folder: Path) -> Iterator[Path]:
    """The files of a folder of variables and of those in it, as DataLoader finds them."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir():
            if not path.suffix:
                yield from _files_in(path)
        elif path.is_file() and path.suffix in _EXTENSIONS:
            yield path
