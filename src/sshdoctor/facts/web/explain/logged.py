"""What the servers' own error logs say of this request, and the cause that each message names.

Source of PHP-FPM's: sapi/fpm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from sshdoctor.facts.web.explain import backend, php
from sshdoctor.facts.web.explain.apache_messages import APACHE
from sshdoctor.facts.web.explain.case import Case, Found
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.nginx_messages import NGINX
from sshdoctor.facts.web.explain.shared_messages import Handler, exhausted

_USED_UP = "AH00484|AH00161|AH03490"
_LONG = 1800
"""Seconds."""


def explain(case: Case) -> Found | None:
    """The cause that the newest telling line about this request names."""
    for one in reversed(case.said):
        for pattern, handler in _of(one).items():
            found = re.search(pattern, one.text, re.S)
            if found and (told := handler(case, one, found)) is not None:
                # PHP-FPM's own log names no client: another request may have been meant.
                return replace(told, sure=told.sure and one.server != "php-fpm")
    return _unclaimed(case)


def _of(one: Said) -> Mapping[str, Handler]:
    return {"nginx": NGINX, "apache": APACHE, "php-fpm": _PHP}[one.server]


def _unclaimed(case: Case) -> Found | None:
    """Lines that name no client, about what all clients meet."""
    for one in reversed(case.lines):
        told = re.search(rf"24: Too many open|worker_connections are not enough|{_USED_UP}", one.text)
        if told and (case.status >= 500 or case.word == "intermittent"):
            return exhausted(case, one)
    if case.word != "intermittent":
        return None
    # Apache says so once, when it begins: that it is still so is likely, where nobody answers.
    begun = next((one for one in reversed(case.lines_of(_LONG)) if re.search(_USED_UP, one.text)), None)
    return replace(exhausted(case, begun), sure=False) if begun else None


def _fpm_line(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return php.php_said(case, one.text, one) if case.status >= 500 else None


def _fpm_busy(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.busy(case, one) if case.status in (502, 503, 504) or case.word == "intermittent" else None


def _fpm_killed(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.cut_off(case, one) if case.status in (502, 503, 504, 500) else None


_PHP: Mapping[str, Handler] = {
    r"PHP (?:Fatal|Parse) error": _fpm_line,
    r"No space left on device": _fpm_line,
    r"server reached pm.max_children": _fpm_busy,
    r"exited on signal|terminating|Connection disallowed": _fpm_killed,
}
