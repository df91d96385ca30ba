"""A folder's index files and slash, and its RewriteRules: those of the strongest section that has any.

Source: httpd's modules/mappers/mod_rewrite.c (hook_fixup), mod_dir.c.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sshdoctor.access_rules.apache.govern import Section
from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.apache.rewrite import REWRITING
from sshdoctor.access_rules.unknown import UnknownValue


class FolderRules(Struct, frozen=True, kw_only=True):
    """``folder`` ends with a slash, or is "" where a section has none; ``engine`` switches them on."""

    engine: Line
    lines: tuple[Line, ...]
    folder: str

    def as_uri(self, target: str, root: str) -> str:
        """The path that is asked for in its place, by the file that the rules came to."""
        bases = [line.args[0] for line in self.lines if line.name == "rewritebase" and line.args]
        if bases and target.startswith(self.folder):
            return bases[-1].rstrip("/") + "/" + target[len(self.folder) :]
        if target.startswith(root + "/"):
            return target[len(root) :]
        return target


def rules_of_folder(sections: Sequence[Section]) -> FolderRules | None:
    """None where none run. Raises UnknownValue."""
    ruling = [
        one for one in sections if one.kind != "server" and any(line.name in REWRITING for line in one.block)
    ]
    engines = [line for one in ruling for line in one.block if line.name == "rewriteengine" and line.args]
    if not engines or engines[-1].args[0].lower() != "on":
        return None
    section = ruling[-1]
    lines = tuple(line for line in section.block if line.name in REWRITING)
    if any(line.name == "rewriteoptions" for line in lines):
        raise UnknownValue("RewriteOptions")
    if not section.folder and any(line.name == "rewriterule" for line in lines):
        raise UnknownValue(f"a RewriteRule in {section.heading}")
    return FolderRules(engine=engines[-1], lines=lines, folder=section.folder)


def index_files(sections: Sequence[Section]) -> list[str]:
    """The names that are tried for a folder, in order."""
    lists = [line for one in sections for line in one.block if line.name == "directoryindex"]
    own = [line for line in lists if line in sections[-1].block] or lists[-1:]
    names = [name for line in own[-1:] for name in line.args] or ["index.html"]
    return names if names != ["disabled"] else []


def sent_to_slash(sections: Sequence[Section]) -> bool:
    """Whether a folder that is asked for without its slash is answered by 301 (DirectorySlash)."""
    lines = [line for one in sections for line in one.block if line.name == "directoryslash" and line.args]
    return not lines or lines[-1].args[0].lower() != "off"
