"""Letters in which cron reports what a job of its owner printed: as many as the job has runs, and no spam.

Sources: cron(8), crontab(5) (MAILTO). A subject is a claim: it counts where it names a line of the
user's own crontab, and the letter goes to whom that names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sshdoctor.examination.known import Known
from sshdoctor.facts.frozen.letters import Letter

_SUBJECT = re.compile(r"Cron <([^@>]{1,64})@[^>]{1,255}> (.+)")
_SETTING = re.compile(r"\s*MAILTO\s*=\s*[\"']?([^\"'\s]*)")


def is_report(letter: Letter, user: str, known: Known) -> bool:
    """Whether cron sent it about a job of ``user``, to where the crontab says."""
    found = _SUBJECT.match(letter.subject)
    if found is None or found[1] != user:
        return False
    return any(found[2].strip() in line and letter.to in (*to, user) for line, to in _jobs(user, known))


def _jobs(user: str, known: Known) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The lines by which cron runs something as ``user``, each with the addresses that are told."""
    for path, file in known.files.items():
        own = path in (f"/var/spool/cron/crontabs/{user}", f"/var/spool/cron/{user}")
        if not own and not re.match(r"/etc/(?:crontab$|cron\.d/)", path):
            continue
        to: tuple[str, ...] = ()
        for line in file.text:
            if setting := _SETTING.match(line):
                to = tuple(setting[1].split(","))
            elif own or re.search(rf"\s{re.escape(user)}\s", line):
                yield line, to
