"""What playbooks there are and what each mends, read without all that running them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.documents.shipped import read_document
from sshdoctor.errors import InputError
from sshdoctor.model import HostReport
from sshdoctor.remedy.playbook.model import Remedy


class CatalogEntry(Struct, frozen=True):
    """A playbook by name, not yet loaded."""

    id: str
    path: Path
    remedy: Remedy


def catalog(folders: Sequence[Path]) -> tuple[CatalogEntry, ...]:
    """The playbooks of ``folders`` (``<id>.yml``) that mend something; the first of a name counts.

    A file that cannot be read as one is passed over: loading it says what is wrong there.
    """
    found: dict[str, CatalogEntry] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.yml"))):
        remedy = _remedy(path)
        if remedy is not None:
            found.setdefault(path.stem, CatalogEntry(path.stem, path, remedy))
    return tuple(found.values())


def mending(cause: str, listed: Sequence[CatalogEntry]) -> tuple[str, ...]:
    """The ids of the playbooks that mend ``cause``."""
    return tuple(one.id for one in listed if cause in one.remedy.mends)


def to_name(listed: Sequence[CatalogEntry]) -> frozenset[str]:
    """The causes that are mended only if a person names them."""
    unasked = {cause for one in listed if not one.remedy.only_with_cause for cause in one.remedy.mends}
    return frozenset(cause for one in listed for cause in one.remedy.mends) - unasked


def fitting(listed: Sequence[CatalogEntry], *, on_disk: bool) -> tuple[CatalogEntry, ...]:
    """Those for a mounted disk, or those for a host that runs."""
    others = "" if on_disk else "only"
    return tuple(one for one in listed if one.remedy.on_disk != others)


def with_playbooks(report: HostReport, listed: Sequence[CatalogEntry]) -> HostReport:
    """The report, each cause with the playbooks that mend it there."""
    listed = fitting(listed, on_disk=report.access.via == "chroot")
    causes = tuple(replace(cause, playbooks=mending(cause.id, listed)) for cause in report.causes)
    return replace(report, causes=causes)


def _remedy(path: Path) -> Remedy | None:
    try:
        document: Any = read_document(path)
        said = document[0]["vars"]["remedy"]
    except (InputError, LookupError, TypeError):
        return None
    if not isinstance(said, Mapping) or not isinstance(said.get("mends"), list):
        return None
    return Remedy(
        mends=tuple(map(str, said["mends"])),
        risk=str(said.get("risk", "medium")),
        guard=said.get("guard", True) is not False,
        only_with_cause=said.get("only_with_cause", False) is True,
        on_disk=str(said.get("on_disk", "")),
        for_a_while=said.get("for_a_while", False) is True,
    )
