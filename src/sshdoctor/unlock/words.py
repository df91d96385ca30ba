"""All that the page and its mails say, in English and in Japanese; what stands in braces is put in."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Said(Struct, frozen=True):
    """A page's heading and its paragraphs; a mail's subject and its text."""

    title: str
    text: tuple[str, ...]


class Language(Struct, frozen=True, kw_only=True):
    """``digits`` are the names of 0 to 9."""

    code: str
    pages: Mapping[str, Said]
    mails: Mapping[str, Said]
    your_address: str
    mail_label: str
    send: str
    question: str
    digits: tuple[str, ...]
    separator: str
    wrong: str
    let_in: str
    again: str
    host_done: str
    host_failed: str


ENGLISH = Language(
    code="en",
    your_address="Your address",
    mail_label="Mail address",
    send="Send me a link",
    question="Write these as digits:",
    digits=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    separator=", ",
    wrong="That was not it. Here are others.",
    let_in="Let this address in",
    again="Ask for a new link",
    host_done="{host}: let in until {until}",
    host_failed="{host}: NOT let in: {detail}",
    pages={
        "ask": Said(
            "Locked out?",
            (
                "If the protection against guessed passwords has banned your address, you can let it in "
                "again here. A link comes by mail. It works once, for 15 minutes, and only from the address "
                "that you have now.",
            ),
        ),
        "sent": Said(
            "Look into your mail",
            (
                "If this mail address is listed, a link is on its way to it. Open it within 15 minutes, "
                "from the same address as now.",
                "Nothing came? Look among the spam. Whether a mail address is listed is never told here.",
            ),
        ),
        "link": Said("One question first", ("The address that is let in for a day:",)),
        "working": Said("It is being done", ("Please wait a little. This page looks again by itself.",)),
        "done": Said("You are let in", ("For a day, at {good} of {all} hosts. Log in as you always do.",)),
        "partly": Said(
            "Let in, but not everywhere",
            ("For a day, at {good} of {all} hosts. The owner is told about the others.",),
        ),
        "failed": Said("It did not work", ("Your address could not be let in. The owner is told.",)),
        "bad": Said(
            "This link is not good",
            ("A link works once, for 15 minutes, and not after five wrong answers.",),
        ),
        "foreign": Said(
            "Another address asked for this link",
            (
                "The link lets in the address that asked for it, and you come from another one now. Open it "
                "where you asked: on the same network, without a VPN that was not there.",
            ),
        ),
        "stale": Said("That did not arrive", ("The page was open for too long. Please send it once more.",)),
        "limit": Said("Too many requests", ("Please wait for a quarter of an hour.",)),
        "unseen": Said(
            "Your address cannot be seen",
            (
                "So it cannot be let in either. For who runs this page: name the proxy before it with "
                "--trusted-proxy, and have that send X-Forwarded-For.",
            ),
        ),
        "nothing": Said("There is no such page", ()),
        "trouble": Said("That did not work", ("Please try again in a minute.",)),
    },
    mails={
        "link": Said(
            "Your link to get in again",
            (
                "Somebody at {address} asked to be let in again, and gave this mail address.",
                "If that was you, open this within 15 minutes, from the same address:",
                "{url}",
                "If it was not you, do nothing: without this link nothing happens, and it works from "
                "{address} alone.",
            ),
        ),
        "used": Said(
            "Let in again: {address}",
            (
                "{person} used a link of the unlock page on {at}, from {address}.",
                "{hosts}",
                "If that was not to be: sshdoctor allow --remove --address {address} --host HOST",
            ),
        ),
        "stays": Said(
            "Still let in: {address}",
            (
                "The day is over for which {address} was let in at {host}, and it could not be taken off the "
                "allow-list there: {detail}",
                "That is tried again. By hand: sshdoctor allow --remove --address {address} --host {host}",
            ),
        ),
    },
)
JAPANESE = Language(
    code="ja",
    your_address="あなたの接続元アドレス",
    mail_label="メールアドレス",
    send="リンクを送る",
    question="次の数字を算用数字で入力してください。",
    digits=("ゼロ", "一", "二", "三", "四", "五", "六", "七", "八", "九"),
    separator="、",
    wrong="違います。次の数字を入力してください。",
    let_in="このアドレスの接続を許可する",
    again="新しいリンクを申し込む",
    host_done="{host}: {until} まで許可しました",
    host_failed="{host}: 許可できませんでした: {detail}",
    pages={
        "ask": Said(
            "接続できなくなりましたか",
            (
                "パスワード総当たり対策によって接続元アドレスが拒否された場合、ここで解除できます。"
                "メールでリンクをお送りします。リンクは一度だけ、15 分間、"
                "現在の接続元アドレスからのみ有効です。",
            ),
        ),
        "sent": Said(
            "メールをご確認ください",
            (
                "入力されたメールアドレスが登録されていれば、リンクをお送りします。"
                "15 分以内に、現在と同じ接続元から開いてください。",
                "届かない場合は迷惑メールもご確認ください。登録の有無はここではお知らせしません。",
            ),
        ),
        "link": Said("確認のため、入力してください", ("次のアドレスからの接続を 1 日間許可します。",)),
        "working": Said("処理しています", ("しばらくお待ちください。このページは自動的に更新されます。",)),
        "done": Said(
            "許可しました", ("{all} 台中 {good} 台で 1 日間許可しました。通常どおりログインしてください。",)
        ),
        "partly": Said(
            "一部のみ許可しました",
            ("{all} 台中 {good} 台で 1 日間許可しました。残りについては管理者に通知します。",),
        ),
        "failed": Said("許可できませんでした", ("管理者に通知します。",)),
        "bad": Said(
            "このリンクは無効です",
            ("リンクは一度だけ、15 分間有効です。5 回間違えると無効になります。",),
        ),
        "foreign": Said(
            "別の接続元から申し込まれたリンクです",
            (
                "このリンクは、申し込んだときの接続元アドレスだけを許可します。現在は別のアドレスから接続しています。"
                "申し込んだときと同じ回線で (VPN などを変えずに) 開いてください。",
            ),
        ),
        "stale": Said(
            "送信できませんでした", ("ページを開いてから時間が経ちすぎています。もう一度送信してください。",)
        ),
        "limit": Said("回数の上限を超えました", ("15 分ほどお待ちください。",)),
        "unseen": Said(
            "接続元アドレスを確認できません",
            (
                "そのため許可もできません。管理者の方へ: 前段のプロキシを --trusted-proxy で指定し、"
                "X-Forwarded-For を送るよう設定してください。",
            ),
        ),
        "nothing": Said("ページが見つかりません", ()),
        "trouble": Said("処理できませんでした", ("しばらくしてからもう一度お試しください。",)),
    },
    mails={
        "link": Said(
            "接続を再開するためのリンク",
            (
                "{address} から、このメールアドレスを指定して接続再開の申し込みがありました。",
                "ご本人の場合は、15 分以内に、同じ接続元から次のリンクを開いてください。",
                "{url}",
                "お心当たりがない場合は、何もしないでください。このリンクを開かないかぎり何も起こりません。"
                "リンクは {address} からのみ有効です。",
            ),
        ),
        "used": Said(
            "接続を許可しました: {address}",
            (
                "{at} に {person} が {address} から解除ページのリンクを使いました。",
                "{hosts}",
                "取り消すには: sshdoctor allow --remove --address {address} --host HOST",
            ),
        ),
        "stays": Said(
            "許可が残っています: {address}",
            (
                "{host} で {address} を許可した 1 日が過ぎましたが、"
                "許可リストから削除できませんでした: {detail}",
                "削除は再試行されます。手動で行うには: "
                "sshdoctor allow --remove --address {address} --host {host}",
            ),
        ),
    },
)
LANGUAGES = {"en": ENGLISH, "ja": JAPANESE}


def preferred(accepted: str) -> Language:
    """The language of these that a browser likes best, by its Accept-Language; English if it likes none.

    >>> preferred("fr, ja;q=0.8, en;q=0.5").code, preferred("en-GB,ja;q=0").code, preferred("*").code
    ('ja', 'en', 'en')
    """
    liked = [_liking(part) for part in accepted[:400].split(",")]
    known = [(quality, code) for quality, code in liked if code in LANGUAGES and quality > 0]
    return LANGUAGES[max(known, key=lambda one: one[0])[1]] if known else ENGLISH


def _liking(part: str) -> tuple[float, str]:
    """
    >>> _liking(" ja-JP; q=0.5"), _liking("en;q=x")
    ((0.5, 'ja'), (0.0, 'en'))
    """
    name, *parameters = part.split(";")
    quality = next((word.strip()[2:] for word in parameters if word.strip().startswith("q=")), "1")
    code = name.strip().lower().partition("-")[0]
    return (float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0), code
