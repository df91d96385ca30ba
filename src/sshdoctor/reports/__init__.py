"""Reports: the only place that knows Jinja2 and Rich. One file a format; the filename is the registry."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import cast

from sshdoctor.document import suggest
from sshdoctor.errors import UsageError
from sshdoctor.model import HostReport
from sshdoctor.resources import shipped


def formats() -> tuple[str, ...]:
    """The names that ``--format`` takes."""
    return tuple(
        name.removesuffix("_format") for _, name, _ in iter_modules(__path__) if name.endswith("_format")
    )


def languages(form: str) -> tuple[str, ...]:
    """The languages that ``form`` is written in: English, and those that it has a template of its own for."""
    names = [path.name.split(".") for path in (shipped("templates") / "reports").glob("*.*.*.j2")]
    return ("en", *sorted(parts[1] for parts in names if len(parts) == 4 and parts[0] == form))


def check_format(form: str, lang: str = "en") -> None:
    """Raises UsageError for a format that there is not, or not in this language."""
    if form not in formats():
        raise UsageError(f"--format {form}: there are {', '.join(formats())}{suggest(form, formats())}")
    if lang != "en" and lang not in languages(form):
        able = [one for one in formats() if lang in languages(one)]
        others = f"only {' and '.join(able)}" if able else f"{form} speaks {', '.join(languages(form))}"
        raise UsageError(f"--lang {lang}: {form} is not written in it; {others}")


def render(
    reports: Sequence[HostReport],
    form: str,
    *,
    colour: bool = False,
    width: int = 80,
    lang: str = "en",
    mask: bool = False,
    own_checks: Sequence[Path] = (),
) -> str:
    """``reports`` as ``form``; ``colour`` and ``width`` (columns) concern only the text for a terminal.

    ``mask`` replaces addresses, names and fingerprints. ``own_checks`` are folders of the user's own, whose
    causes may bring sentences for a ticket. Raises UsageError for a format that there is not, or not in
    ``lang``.
    """
    check_format(form, lang)
    if mask:
        from sshdoctor.reports.masking.replace import masked

        reports = masked(reports)
    module = import_module(f"sshdoctor.reports.{form}_format")
    spoken = {"lang": lang, "own_checks": own_checks} if len(languages(form)) > 1 else {}
    return cast(str, module.render(reports, colour=colour, width=width, **spoken))
