"""The letters, counted by cause: which script, login, user or list handed them in, and which are guilty.

Sources: php.ini (mail.add_x_header: the user's number and the name of the script that was *called upon to
mail*, without its folder, which is often a library), Postfix's pickup(8). A caller is found by the requests
of the same seconds. Evidence is the log's and the queue's; a header that the letter brought along is a claim.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.examination.callers import Pool, mails_itself
from sshdoctor.examination.cron_reports import is_report
from sshdoctor.examination.findings import Culprit, Heap, Mail
from sshdoctor.examination.known import Known
from sshdoctor.examination.origin import served_file
from sshdoctor.examination.places import OF_CACHES, OF_UPLOADS, base, hidden, hidden_in_home
from sshdoctor.facts.frozen.letters import Letter, MailLogin
from sshdoctor.facts.frozen.requests import Request
from sshdoctor.facts.frozen.site_files import SiteFile

MASSES = 20
"""From so many letters of one cause on, they are masses."""
_HEADER = re.compile(r"(\d+):([^\s:]+)")
_UPDATE = 4
"""So many files at once are an update of the site."""
_DAY = 86400.0
_BY_NETWORK = -1
"""No number of a user: the letters came by the network, a program of this host's own among them."""


class _Share(Struct):
    """What one script sent."""

    name: str
    letters: list[Letter]
    requests: list[Request]


def count_mail(known: Known, culprits: Sequence[Culprit]) -> Mail | None:
    """The heaps; None where no mail server was found and no log tells of mail."""
    letters = [_numbered(one, known) for one in known.letters.waiting]
    logged = [] if letters else [*_logged(known)]
    if not (known.letters.server or letters or logged or known.letters.logins):
        return None
    recent = [one for one in logged if one.at > known.now - _DAY]
    heaps = [*_of_logins(letters, known), *_of_lists(letters)]
    left = [one for one in letters or recent if not one.login and not _list_of(one)]
    heaps += _of_programs(left, known, culprits)
    scale = known.letters.queued / len(letters) if letters else 1.0
    if scale > 1.01:
        heaps = [replace(heap, count=round(heap.count * scale)) for heap in heaps]
    ordered = sorted(heaps, key=lambda heap: (not heap.guilty, -heap.count))
    return Mail(known.letters.queued, tuple(ordered), scale > 1.01, known.letters.server)


def _names(letters: Sequence[Letter]) -> tuple[str, ...]:
    return tuple(one.ident for one in letters if one.ident)


def _of_lists(letters: Sequence[Letter]) -> Iterator[Heap]:
    lists = Counter(name for one in letters if (name := _list_of(one)))
    for name, many in lists.items():
        yield Heap(by="list", name=name, count=many, why="a mailing list of this host")


def _numbered(letter: Letter, known: Known) -> Letter:
    """With the number of who handed it in; Exim's log and sendmail tell the name alone."""
    if letter.uid is not None or not letter.user:
        return letter
    return replace(
        letter, uid=next((one.uid for one in known.mechanisms.users if one.name == letter.user), None)
    )


def _logged(known: Known) -> Iterator[Letter]:
    yield from (one for each in known.letters.logged if (one := _numbered(each, known)).uid is not None)


_BOUNCES = re.compile(r"^([^@]{1,200}?)[+-]bounces?(?:[+-][^@]{0,300})?@(.+)$")
"""The envelope's sender of mlmmj ("news+bounces-7-a=example.net@...") and of Mailman ("news-bounces@...")."""


def _list_of(letter: Letter) -> str:
    """The mailing list that sent it, "" for none: the envelope's sender tells, or the header."""
    if found := _BOUNCES.match(letter.sender):
        return f"{found[1]}@{found[2]}"
    return re.sub(r"^\d*\S?\s*(?:List-[\w-]+|Mailing-List):\s*", "", letter.listed)


def _of_logins(letters: Sequence[Letter], known: Known) -> Iterator[Heap]:
    groups: dict[tuple[str, str], list[Letter]] = {}
    for one in letters:
        if one.login:
            groups.setdefault((one.login, one.client), []).append(one)
    for (login, client), own in groups.items():
        logged = [one for one in known.letters.logins if one.login == login and one.client == client]
        masses = len(own) >= MASSES and not _used_before(logged, known.letters.logins, login, client)
        yield Heap(
            by="login",
            name=login,
            count=len(own),
            guilty=masses,
            why=f"masses by a login from {client}, which it was never used from before" if masses else "",
            client=client,
            shown_in=f"sasl_username={login}",
            letters=_names(own),
        )


def _used_before(own: Sequence[MailLogin], every: Sequence[MailLogin], login: str, client: str) -> bool:
    """Whether the login has been used from this address for more than a day."""
    first = min((one.first for one in own), default=0.0)
    last = max((one.last for one in own), default=0.0)
    return bool(own) and last - first > _DAY


def _of_programs(letters: Sequence[Letter], known: Known, culprits: Sequence[Culprit]) -> Iterator[Heap]:
    by_uid: dict[int, list[Letter]] = {}
    for one in letters:
        by_uid.setdefault(_BY_NETWORK if one.uid is None else one.uid, []).append(one)
    for uid, own in by_uid.items():
        shares, rest = _shared(sorted(own, key=lambda one: one.at), uid, known, culprits)
        for share in shares:
            yield _of_script(share, uid, known, culprits)
        reports = [one for one in rest if is_report(one, known.user(uid), known)]
        if reports:
            yield _of_cron(uid, reports, known)
        others = [one for one in rest if one not in reports]
        if others:
            yield _of_user(uid, others, known, culprits)


def _of_user(uid: int, letters: Sequence[Letter], known: Known, culprits: Sequence[Culprit]) -> Heap:
    user = known.user(uid)
    if uid == _BY_NETWORK and not any(one.sender or one.client for one in letters):
        why = "bounces: this mail server's own answers to letters that it could not deliver"
        return Heap(by="process", name="the mail server itself", count=len(letters), why=why)
    if uid == _BY_NETWORK:
        clients = Counter(one.client for one in letters).most_common(1)
        client = clients[0][0] if clients else ""
        where = f"a program that speaks to the mail server from {client}" if client else "nobody is named"
        return Heap(by="process", name=where, count=len(letters), client=client, open=_is_open(letters, uid))
    guilty = any(culprit.process.uid == uid for culprit in culprits)
    return Heap(
        by="user",
        name=user,
        count=len(letters),
        guilty=guilty,
        open=not guilty and _is_open(letters, uid),
        why="a program of this user that should not run" if guilty else "",
        uid=user,
        shown_in=f"postfix/pickup: uid={uid}",
        letters=_names(letters),
    )


def _of_cron(uid: int, letters: Sequence[Letter], known: Known) -> Heap:
    user, why = known.user(uid), "cron's own reports about jobs of their owner, to one address"
    return Heap(by="user", name=user, count=len(letters), why=why, uid=user, letters=_names(letters))


def _is_open(letters: Sequence[Letter], uid: int) -> bool:
    """Whether it is still to be said what sent them: masses, and none of root's daemons."""
    return uid != 0 and len(letters) >= MASSES


def _shared(
    letters: Sequence[Letter], uid: int, known: Known, culprits: Sequence[Culprit]
) -> tuple[list[_Share], list[Letter]]:
    """Which scripts sent these letters of one user, and those of which no script is found."""
    shares: dict[str, _Share] = {}
    rest: list[Letter] = []
    pool = Pool(known)
    for letter in letters:
        named = _HEADER.match(letter.script)
        path = _named(named[2], uid, known, culprits, pool) if named else ""
        request = pool.taken(letter, path)
        name = path or (served_file(request.path, known) or request.path if request else "")
        if not name:
            rest.append(letter)
            continue
        share = shares.setdefault(name, _Share(name, [], []))
        share.letters.append(letter)
        if request:
            share.requests.append(request)
    return [*shares.values()], rest


def _is_page(file: SiteFile) -> bool:
    """Whether it mails by itself, and is no library: it defines no function for others."""
    defines = any(re.search(r"\bfunction\s+\w+\s*\(|\bclass\s+\w+", text) for text in file.lines.values())
    return mails_itself(file) and not defines


def _named(name: str, uid: int, known: Known, culprits: Sequence[Culprit], pool: Pool) -> str:
    """The one file that PHP's header means; "" where that is a library which others call, or is not found."""
    scripts = [one.program for one in culprits if base(one.program) == name]
    asked = [path for path in known.sites.files if base(path) == name and pool.asks(path)]
    own = [
        path
        for path, one in known.sites.files.items()
        if base(path) == name and one.uid == uid and _is_page(one)
    ]
    found: list[str] = [*scripts, *asked, *(own if len(own) == 1 else ())]
    if found:
        return str(found[0])
    mechanism = [path for path in known.files if base(path) == name and known.files[path].owned is None]
    running = [
        word for one in known.processes if one.uid == uid for word in one.words if word.endswith(f"/{name}")
    ]
    return next(iter([*running, *mechanism]), "")


def _of_script(share: _Share, uid: int, known: Known, culprits: Sequence[Culprit]) -> Heap:
    why = why_guilty(share.name, known)
    if not why and len(share.letters) >= MASSES and _is_new(share.name, known):
        why = "it is newer than the site's own files, and came alone"
    if any(one.program == share.name or one.origin.file == share.name for one in culprits):
        why = "a program that should not run"
    abused = not why and _in_masses(share)
    if abused:
        why = "the site's own, called in masses by strangers"
    first = next((one for one in share.letters if one.script), None)
    shown = f"X-PHP-Originating-Script: {first.script}" if first else f"uid={uid}"
    return Heap(
        by="script",
        name=share.name,
        count=len(share.letters),
        guilty=bool(why),
        abused=abused,
        why=why,
        uid="" if uid == _BY_NETWORK else known.user(uid),
        shown_in=shown,
        letters=_names(share.letters),
    )


def _in_masses(share: _Share) -> bool:
    """Whether the site's own script was made to send by few addresses, many times in little time."""
    callers = Counter(one.address for one in share.requests)
    if len(share.letters) < MASSES or not callers:
        return False
    times = sorted(one.at for one in share.requests)
    quick = any(late - early < 600 for early, late in zip(times, times[MASSES // 2 :], strict=False))
    return quick or callers.most_common(1)[0][1] >= MASSES


def _is_new(path: str, known: Known) -> bool:
    """Whether a file is newer than the site's own, and none of several that an update put there."""
    file = known.sites.files.get(path)
    if file is None or file.modified <= known.sites.modified + _DAY:
        return False
    beside = [one for one in known.sites.files.values() if abs(one.modified - file.modified) < 600]
    return len(beside) < _UPDATE


def why_guilty(path: str, known: Known) -> str:
    """Why a script of a site is none of the owner's; "" if nothing is against it."""
    file = known.sites.files.get(path)
    if file is not None:
        root = next((one for one in known.sites.roots if path.startswith(f"{one}/")), "")
        inside = path.removeprefix(root)
        if OF_UPLOADS.search(inside) and not OF_CACHES.search(inside):
            return "it lies in a folder for uploads or pictures, where no program belongs"
        if hidden(inside):
            return "it is hidden in a site's folder"
        return ""
    return "it lies in a hidden folder of a home" if hidden_in_home(path) else ""
