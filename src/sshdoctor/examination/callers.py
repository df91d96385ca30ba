"""Which request made a page mail: by the seconds of both.

Sources: PHP's mail.add_x_header. A page behind a front controller has no file of its own in the
log: what was sent to it is known by the second alone.
"""

from __future__ import annotations

import re

from sshdoctor.examination.known import Known
from sshdoctor.examination.origin import served_file
from sshdoctor.examination.places import base
from sshdoctor.facts.frozen.letters import Letter
from sshdoctor.facts.frozen.requests import Request
from sshdoctor.facts.frozen.site_files import SiteFile

_MAILS = re.compile(r"\b(?:mb_send_)?mail\s*\(|sendmail|PHPMailer|wp_mail|fsockopen|smtp", re.I)
_INCLUDES = re.compile(r"\b(?:include|require)(?:_once)?\b([^;]{1,300})", re.I)
_SCRIPT = re.compile(r"(?<![\w.-])[\w.-]{1,120}\.(?:php\d?|inc)(?!\w)", re.I)
_BEFORE, _AFTER = 1.5, 4.0


class Pool:
    """The requests that may have mailed; each is taken once, as long as there are others."""

    def __init__(self, known: Known) -> None:
        self.known = known
        weights = {path: may_mail(path, known) for path in {one.path for one in known.requests}}
        asked = [one for one in known.requests if weights[one.path] > (one.method != "POST")]
        self.all, self.free = asked, [*asked]
        self.front = [one for one in known.requests if one.method == "POST" and _is_of_no_file(one, known)]
        self.weights = weights

    def asks(self, path: str) -> bool:
        return any(served_file(one.path, self.known) == path for one in self.all)

    def taken(self, letter: Letter, path: str) -> Request | None:
        for source in (self.free, self.all):
            fits = [
                one
                for one in source
                if -_BEFORE <= one.at - letter.at <= _AFTER
                and (not path or served_file(one.path, self.known) == path)
            ]
            if fits:
                best = max(fits, key=lambda one: self.weights[one.path])
                if source is self.free:
                    self.free.remove(best)
                return best
        return self._by_front(letter) if path else None

    def _by_front(self, letter: Letter) -> Request | None:
        fits = [one for one in self.front if -_BEFORE <= one.at - letter.at <= _AFTER]
        if not fits:
            return None
        best = min(fits, key=lambda one: abs(one.at - letter.at))
        self.front.remove(best)
        return best


def _is_of_no_file(request: Request, known: Known) -> bool:
    """Whether it was answered, and by no file that its path names."""
    return request.status < 400 and not served_file(request.path, known)


def may_mail(path: str, known: Known) -> int:
    """Whether a request for ``path`` may run something that mails: 2 if its file does, or what it includes;
    1 if it includes more than is known; else 0."""
    file = known.sites.files.get(served_file(path, known))
    if file is None:
        return 0
    return 2 if mails(file, known) else int(any("clude" in t or "require" in t for t in file.lines.values()))


def mails(file: SiteFile, known: Known) -> bool:
    """Whether a file calls a function that mails, or includes one that does."""
    libraries = {base(path) for path, one in known.sites.files.items() if mails_itself(one)}
    named = (_SCRIPT.search(part) for text in file.lines.values() for part in _INCLUDES.findall(text))
    included = {found[0] for found in named if found}
    return mails_itself(file) or bool(libraries & included)


def mails_itself(file: SiteFile) -> bool:
    return any(_MAILS.search(text) for text in file.lines.values())
