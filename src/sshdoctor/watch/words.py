"""What people read: subject and text of a message, in English or Japanese, in the owner's time zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from msgspec import Struct

from sshdoctor.watch.rules import Message
from sshdoctor.watch.rules.memory import LOST
from sshdoctor.watch.store import Outgoing


class Language(Struct, frozen=True, kw_only=True):
    """Its sentences; what stands in braces is put in."""

    subject: Mapping[str, str]
    opening: Mapping[str, str]
    digest: str
    same_host: str
    bad: str
    lost: str
    cause: str
    late: str
    end: str
    units: tuple[str, str, str, str]


ENGLISH = Language(
    subject={
        "down": "DOWN: {target} ({word})",
        "back": "Back: {target}",
        "blind": "Cannot see: {target}",
        "sees": "Seen again: {target}",
        "flapping": "Flapping: {target}",
    },
    opening={
        "down": "{target} is down since {since}: {word}.",
        "back": "{target} is back at {at}. It was down since {since}, for {long}.",
        "blind": "Whether {target} is up is not known since {since}: {note}.",
        "sees": "{target} is seen again, and is up, at {at}. It was not seen since {since}.",
        "flapping": "{target} changes again and again since {since}; now it is {state}. What follows "
        "is not told until three looks in a row are equal.",
    },
    digest="{count} messages: {kinds}",
    same_host="{count} of them on {host}",
    bad="Seen bad by: {who}.",
    lost="Could not be asked: {who}.",
    cause="Cause: {cause}",
    late="This happened at {at}.",
    end="Number {id} of sshdoctor watch; one that you have already is the same message.",
    units=("d", "h", "min", "s"),
)
JAPANESE = Language(
    subject={
        "down": "停止: {target} ({word})",
        "back": "復旧: {target}",
        "blind": "確認不能: {target}",
        "sees": "確認再開: {target}",
        "flapping": "不安定: {target}",
    },
    opening={
        "down": "{target} は {since} から停止しています: {word}",
        "back": "{target} は {at} に復旧しました。{since} から {long} 停止していました。",
        "blind": "{target} が動いているかどうか、{since} から確認できません ({note})。",
        "sees": "{target} は {at} に再び確認でき、動いています。{since} から確認できませんでした。",
        "flapping": "{target} は {since} から停止と復旧を繰り返しています (現在: {state})。"
        "同じ結果が三回続くまで、次の変化はお知らせしません。",
    },
    digest="{count} 件: {kinds}",
    same_host="うち {count} 件は {host}",
    bad="異常を確認: {who}",
    lost="確認できなかった監視点: {who}",
    cause="原因: {cause}",
    late="発生時刻: {at}",
    end="sshdoctor watch の通知番号 {id} (同じ番号のものは同じ通知です)",
    units=("日", "時間", "分", "秒"),
)
LANGUAGES = {"en": ENGLISH, "ja": JAPANESE}
_LATE = 120.0


def subject(batch: Sequence[Outgoing], language: Language) -> str:
    """One line."""
    if len(batch) == 1:
        one = batch[0]
        return language.subject[one.message.kind].format(target=one.target, word=one.message.word)
    kinds = Counter(one.message.kind for one in batch)
    return language.digest.format(
        count=len(batch), kinds=", ".join(f"{kind} {count}" for kind, count in kinds.items())
    )


def text(
    batch: Sequence[Outgoing],
    language: Language,
    zones: Mapping[str, tzinfo],
    now: float,
    hosts: Mapping[str, str],
) -> str:
    """All of them; ``hosts`` names the host of each target, ``zones`` its owner's time zone."""
    parts = [*_same_host(batch, language, hosts)]
    parts += [
        "\n".join(_lines(one, language, zones.get(one.target), now, short=len(batch) > 3)) for one in batch
    ]
    numbers = ", ".join(str(one.id) for one in batch if one.id > 0)
    return "\n\n".join([*parts, language.end.format(id=numbers or "-")]) + "\n"


def _same_host(batch: Sequence[Outgoing], language: Language, hosts: Mapping[str, str]) -> list[str]:
    """Where most of what happened at once happened on one host."""
    if len(batch) < 3:
        return []
    host, count = Counter(hosts.get(one.target, one.target) for one in batch).most_common(1)[0]
    return [language.same_host.format(count=count, host=host)] if count >= 3 else []


def _lines(one: Outgoing, language: Language, zone: tzinfo | None, now: float, *, short: bool) -> list[str]:
    message = one.message
    lines = [
        language.opening[message.kind].format(
            target=one.target,
            word=message.word,
            state=message.state,
            note=message.note or "too few could be asked",
            since=moment(message.since, zone),
            at=moment(message.at, zone),
            long=duration(message.at - message.since, language),
        )
    ]
    if message.kind in ("down", "blind") and not short:
        lines += _witnesses(message, language)
    if now - message.at > _LATE and message.kind == "down":
        lines.append(language.late.format(at=moment(message.at, zone)))
    if one.cause:
        lines.append(language.cause.format(cause=one.cause))
    return lines


def _witnesses(message: Message, language: Language) -> list[str]:
    lost = [vote.who for vote in message.witnesses if vote.word in LOST]
    bad = [f"{vote.who} ({vote.word})" for vote in message.witnesses if vote.word not in LOST]
    return [
        *([language.bad.format(who=", ".join(bad))] if bad else []),
        *([language.lost.format(who=", ".join(lost))] if lost else []),
    ]


def moment(at: float, zone: tzinfo | None) -> str:
    """In the owner's time zone (None: this machine's), with its name."""
    return f"{datetime.fromtimestamp(at).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def duration(seconds: float, language: Language = ENGLISH) -> str:
    """The two largest parts.

    >>> duration(200000), duration(4000), duration(65), duration(9)
    ('2 d 7 h', '1 h 6 min', '1 min 5 s', '9 s')
    """
    whole = max(0, round(seconds))
    parts = (whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60)
    first = next((place for place, part in enumerate(parts) if part), len(parts) - 1)
    shown = zip(parts[first : first + 2], language.units[first : first + 2], strict=True)
    return " ".join(f"{part} {unit}" for part, unit in shown)
