"""What a provider's notice says: its numbers and dates, its complaints, until when it wants an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from msgspec import Struct

_TICKET = re.compile(
    r"(?:tickets?|case|incident|reference|ref|abuse|お?問い?合わせ|受付|チケット|整理)\s{0,4}(?:id|no\.?|number|番号)?"
    r"\s{0,4}[:\uff1a#\uff03\[(]{0,3}\s{0,4}#?([A-Z]{0,6}[-_]?\d{3,12}(?:-\d{1,12}){0,6})",
    re.I,
)
_NUMERIC = re.compile(r"\b(20\d\d)[-/.](\d{1,2})[-/.](\d{1,2})\b|(20\d\d)年\s*(\d{1,2})月\s*(\d{1,2})日")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(rf"\b(\d{{1,2}})\.?\s+({'|'.join(_MONTHS)})[a-z]*\.?,?\s+(20\d\d)\b", re.I)
_AMERICAN = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}}),?\s+(20\d\d)\b", re.I)


_SENTENCE = re.compile(r"[^.!?\n\u3002\uff01\uff1f]{3,600}(?:\.(?=\S)[^.!?\n\u3002\uff01\uff1f]{0,200}){0,4}")
_UNTIL = re.compile(
    r"\b(?:deadline|until|before|by|within|no later than|at the latest)\b|期限|までに|以内|迄", re.I
)
_ASKS = re.compile(
    r"\b(?:answer|reply|respond|response|deadline|act|fix|clean|remove|resolve|contact|confirm)|回答|返信|対応|対処|期限|連絡|報告|ご確認",
    re.I,
)
_SPAN = re.compile(
    r"\bwithin\s{1,4}(?:the\s{1,4}next\s{1,4})?\d{1,3}\s{0,4}(?:business\s{1,4}|working\s{1,4})?(?:hours?|days?)\b"
    r"|\d{1,3}\s{0,4}(?:営業日|時間|日)以内",
    re.I,
)

Subject = Literal["processes", "load", "mail", "files", "attacks", "locked"]
_SUBJECTS: tuple[tuple[Subject, re.Pattern[str]], ...] = (
    (
        "processes",
        re.compile(r"\bprocess(?:es)?\b|\bminers?\b|\bmining\b|\bbots?\b|プロセス|マイニング", re.I),
    ),
    ("load", re.compile(r"\bload\b|\bcpu\b|\bresources?\b|\boverload|負荷|リソース", re.I)),
    (
        "mail",
        re.compile(
            r"\bspam|\be?-?mails\b|\bbulk\b|\bmass(?:es)? (?:of )?e?-?mail|\bmail (?:queue|volume)"
            r"|\bunsolicited\b"
            r"|\be?-?mails? (?:is|was|has been|were) (?:being )?sent|大量.{0,12}メール|迷惑メール|スパム"
            r"|メール.{0,12}(?:送信|大量|配信)",
            re.I,
        ),
    ),
    (
        "files",
        re.compile(
            r"\bmalware|\bmalicious\b|\bphish|\binfected\b|\bvirus|\bback ?doors?\b|\bweb ?shell|\bdefaced"
            r"|\bsuspicious (?:files?|scripts?)|\bhole in\b|\bvulnerab|改ざん|マルウェア"
            r"|ウイルス|フィッシング|脆弱性"
            r"|不正な?(?:ファイル|プログラム|スクリプト)",
            re.I,
        ),
    ),
    (
        "attacks",
        re.compile(
            r"\battack|\bbrute.?force|\bport.?scan|\bscann(?:ed|ing)\b|\bd?dos\b|\blogin attempts"
            r"|攻撃|ブルートフォース|スキャン",
            re.I,
        ),
    ),
    (
        "locked",
        re.compile(
            r"\bsuspend|\bblocked\b|\bdisabled\b|\brestrict|\blocked\b|\bfrozen\b|\b403\b"
            r"|停止|制限|凍結|遮断",
            re.I,
        ),
    ),
)


class Complaint(Struct, frozen=True):
    """What the provider complains of, and their own sentence about it."""

    subject: Subject
    text: str


class Notice(Struct, frozen=True):
    """The numbers, days and complaints, each once, in their order; ``deadline`` is in the notice's words."""

    tickets: tuple[str, ...]
    days: tuple[date, ...]
    complaints: tuple[Complaint, ...] = ()
    deadline: str = ""


def read_notice(text: str) -> Notice:
    """
    >>> read_notice("Ticket #4711: on 2026-11-06 your account sent 300 mails")
    Notice(tickets=('4711',), days=(datetime.date(2026, 11, 6),), complaints=(Complaint(subject='mail', \
text='Ticket #4711: on 2026-11-06 your account sent 300 mails'),), deadline='')
    >>> read_notice("受付番号:12345 2026年11月6日に大量のメール").tickets
    ('12345',)
    >>> read_notice("Spam was sent on 2026-11-06. Please answer by 2026-11-09.").deadline
    '2026-11-09'
    """
    tickets = dict.fromkeys(found[1] for found in _TICKET.finditer(text))
    said = [" ".join(found[0].split()) for found in _SENTENCE.finditer(text)]
    ends = [each for each in said if _UNTIL.search(each) and _ASKS.search(each)]
    ends = [each for each in ends if _SPAN.search(each) or [*_days(each)]]
    days = [day for each in said if each not in ends for day in _days(each)]
    return Notice(
        tuple(tickets)[:8], tuple(dict.fromkeys(days))[:8], tuple(_complaints(said)), _deadline(ends)
    )


def _complaints(said: Sequence[str]) -> Iterator[Complaint]:
    """Each subject once, with the first sentence about it."""
    had: set[Subject] = set()
    for each in said:
        for subject, words in _SUBJECTS:
            if subject not in had and words.search(each):
                had.add(subject)
                yield Complaint(subject, each[:200])


def _deadline(said: Sequence[str]) -> str:
    for each in said:
        if days := [*_days(each)]:
            return days[-1].isoformat()
        if span := _SPAN.search(each):
            return " ".join(span[0].split())
    return ""


def _days(text: str) -> Iterator[date]:
    found = [
        tuple(map(int, (one[1] or one[4], one[2] or one[5], one[3] or one[6])))
        for one in _NUMERIC.finditer(text)
    ]
    found += [(int(one[3]), _month(one[2]), int(one[1])) for one in _NAMED.finditer(text)]
    found += [(int(one[3]), _month(one[1]), int(one[2])) for one in _AMERICAN.finditer(text)]
    for year, month, day in found:
        try:
            yield date(year, month, day)
        except ValueError:
            continue


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1
