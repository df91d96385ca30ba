"""Whether a guilty file goes as a whole, or loses the guilty lines alone: a page that others need, a file
that is shared with the innocent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sshdoctor.examination.findings import Line
from sshdoctor.examination.known import Known
from sshdoctor.examination.places import base
from sshdoctor.examination.ways import is_setting, way_of

STEERING = (".htaccess", ".user.ini", "php.ini")
_SHARED = re.compile(
    r"^/var/spool/cron/(?!at)|^/etc/(?:crontab|passwd|profile|environment|bash|sudoers$|aliases|rc\.local|pam\.d/)"
    r"|/\.(?:bash|profile|zsh|zprofile|ssh/|forward|procmailrc)|/\.htaccess$|/\.user\.ini$"
    r"|^/etc/(?:mail/aliases|postfix/|exim4?/|php)|/hooks/[a-z-]+$"
)
_INCLUDED = re.compile(r"\b(?:include|require)(?:_once)?\b[^;]{0,300}", re.I)
_ALWAYS = ("index.php", "wp-config.php", "wp-load.php", "wp-settings.php", "functions.php")
"""Pages of a site that others need, whatever names them."""
_LITTLE = 60
"""So many bytes beside the guilty lines are an opening tag and a comment."""


def is_whole(path: str, guilty: Sequence[Line], known: Known) -> bool:
    """Whether nothing but the guilty lines would be left, or nobody needs what would."""
    if path in known.sites.files:
        if base(path) in STEERING:
            return _nothing_left(path, guilty, known)
        return not path.startswith("/etc/") and not _is_needed(path, guilty, known)
    file = known.files.get(path)
    if file is None or (way_of(path) is None and not is_setting(path)):
        return True
    if file.owned is not None or _SHARED.search(path):
        return False
    own = {one.line for one in guilty if one.file == path}
    if is_setting(path):
        return own >= {
            place for place, text in enumerate(file.text, 1) if not re.match(r"\s*(?:[#;]|$)", text)
        }
    if not file.text or file.text[0].startswith(("#!", "[D-BUS")):
        return True  # a script, or a service, of its own
    active = [
        place
        for place, text in enumerate(file.text, 1)
        if re.search(r"^\s*[^#\s=]+\s", text) and "=" not in text.split()[0]
    ]
    return own >= {*active}


def _nothing_left(path: str, guilty: Sequence[Line], known: Known) -> bool:
    """Whether a file that steers the server has no directive but the guilty ones, and what frames them."""
    own = {one.line for one in guilty if one.file == path}
    lines = known.sites.files[path].lines
    rest = [text for place, text in lines.items() if place not in own and text.strip()]
    return all(re.match(r"\s*(?:[#;]|</?\w)", text) for text in rest)


def _is_needed(path: str, guilty: Sequence[Line], known: Known) -> bool:
    """Whether other pages include it, and more stands in it than the guilty lines, which can go alone."""
    own = {one.line: one.text for one in guilty if one.file == path and one.line}
    if not own or not all(text.count("<?") == text.count("?>") for text in own.values()):
        return False
    if known.sites.files[path].size <= sum(len(text) + 1 for text in own.values()) + _LITTLE:
        return False
    others = {(one.file, one.line) for one in guilty}
    return base(path) in _ALWAYS or any(
        base(path) in part
        for page, file in known.sites.files.items()
        for place, text in file.lines.items()
        if (page, place) not in others
        for part in _INCLUDED.findall(text)
    )
