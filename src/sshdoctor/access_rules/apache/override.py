"""What an .htaccess may say, by AllowOverride.

Source: httpd's server/core.c (set_override), server/config.c (invoke_cmd), its modules' tables of commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sshdoctor.access_rules.apache.read import Line

_CATEGORIES = {
    **dict.fromkeys(("require", "requireall", "requireany", "requirenone", "authmerging"), "authconfig"),
    **dict.fromkeys(("authtype", "authname", "authuserfile", "authgroupfile", "satisfy"), "authconfig"),
    **dict.fromkeys(("order", "allow", "deny"), "limit"),
    **dict.fromkeys(("rewriteengine", "rewriterule", "rewritecond", "rewritebase"), "fileinfo"),
    **dict.fromkeys(("redirect", "redirectmatch", "setenvif", "setenvifnocase", "browsermatch"), "fileinfo"),
    **dict.fromkeys(("errordocument", "sethandler", "addhandler", "addtype", "header"), "fileinfo"),
    **dict.fromkeys(("directoryindex", "directoryslash", "indexoptions", "fallbackresource"), "indexes"),
    "expiresactive": "indexes",
    "options": "options",
}
"""The category of AllowOverride that each directive of an .htaccess needs, by its module."""


class Overrides(Struct, frozen=True):
    """What an .htaccess may say; ``by`` is the line that says so, None where no AllowOverride does.

    Then Apache reads it, and takes nothing of it: each line of it is one that is not allowed.
    """

    categories: frozenset[str]
    by: Line | None
    nonfatal: frozenset[str] = frozenset()

    @property
    def reads(self) -> bool:
        return self.by is None or bool(self.categories)

    def after(self, section: Line) -> Overrides:
        lines = section.all("allowoverride", "allowoverridelist")
        if not lines:
            return self
        words = [arg.lower() for line in lines for arg in line.args]
        names = frozenset(word.partition("=")[0] for word in words if not word.startswith("nonfatal="))
        nonfatal = frozenset(word.partition("=")[2] for word in words if word.startswith("nonfatal="))
        return Overrides(names - {"none"}, lines[-1], nonfatal)

    def first_refused(self, block: Sequence[Line]) -> Line | None:
        """The first line that is not allowed: Apache answers 500 then."""
        if self.by is None:
            return next(iter(block), None)
        if "all" in self.categories:
            return None
        for line in block:
            inner = self.first_refused(line.block or ())
            if inner is not None:
                return inner
            needed = _CATEGORIES.get(line.name)
            lenient = self.nonfatal & {"all", "override", needed}
            if needed and needed not in self.categories and line.name not in self.categories and not lenient:
                return line
        return None
