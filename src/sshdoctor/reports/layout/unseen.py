"""What could not be seen, each reason once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sshdoctor.model import Finding

_REASON = re.compile(r"(?:Not seen|Not known|Not asked): (?:[\w.]+: )?(?P<why>.+?)\.?", re.DOTALL)
_FEW = 3


def unseen(checks: Sequence[Finding]) -> Iterator[str]:
    """A line for each reason why checks have no answer, with what was asked.

    >>> asked = Finding(id="a", title="It runs", layer="daemon", status="unknown",
    ...     summary="Not seen: log.sshd_oom: not permitted.")
    >>> [*unseen([asked, asked])]
    ['Not permitted: It runs?']
    """
    by_reason: dict[str, list[str]] = {}
    for check in checks:
        if check.status == "unknown":
            match = _REASON.fullmatch(check.summary)
            by_reason.setdefault(match["why"] if match else check.summary, []).append(f"{check.title}?")
    for reason, asked in by_reason.items():
        questions = list(dict.fromkeys(asked))
        more = len(questions) - _FEW
        shown = questions if more <= 1 else [*questions[:_FEW], f"and {more} more (--format json has them)"]
        yield f"{reason[:1].upper()}{reason[1:]}: {' '.join(shown)}"
