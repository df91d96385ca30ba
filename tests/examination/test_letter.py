"""The letter: an answer for each point of the provider's notice, in both languages, by what was found."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from examination.host import cases
from examination.record import recorded
from examination.table import examined
from sshdoctor.commands.shared.letter import LANGUAGES, letter
from sshdoctor.commands.shared.letter_words import words_of
from sshdoctor.documents.reader import read_yaml
from sshdoctor.examination.notice import read_notice

NAMES = sorted(recorded())
NOTICE = {
    "en": "Ticket no. 4711.\nWe noticed unauthorized processes, a very high load and masses of mails sent"
    " abroad on 21 Nov 2026. Malware was found. Your server attacked others. Your sites were suspended and"
    " answer 403.\nPlease answer by 30 November 2026.",
    "ja": "受付番号: 4711\n2026年11月21日、不正なプロセスおよび高負荷を検知しました。"
    "大量のメールが送信されています。\nマルウェアが見つかりました。他社への攻撃も確認されています。"
    "サイトの公開を停止しました。2026年11月30日までにご回答ください。",
}
SUBJECTS = ("processes", "load", "mail", "files", "attacks", "locked")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def written(name: str, lang: str = "en", notice: str | None = None) -> str:
    return letter("web1", examined(name), read_notice(NOTICE[lang] if notice is None else notice), lang)


def point(text: str, about: str) -> str:
    """The answer to one point."""
    return next(line for line in text.splitlines() if line.startswith(f"- {about}"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_notice_is_read_for_its_points_its_number_its_day_and_its_deadline(lang: str) -> None:
    notice = read_notice(NOTICE[lang])
    assert tuple(one.subject for one in notice.complaints) == SUBJECTS
    assert (notice.tickets, notice.days, notice.deadline) == (("4711",), (date(2026, 11, 21),), "2026-11-30")


@pytest.mark.parametrize(
    ("text", "deadline", "days"),
    [
        ("Please reply within 48 hours.", "within 48 hours", 0),
        ("48時間以内にご回答ください。", "48時間以内", 0),
        ("Mails were sent until 2026-11-06.", "", 1),
        ("It began within 2 days.", "", 0),
    ],
)
def test_a_span_is_a_deadline_only_where_something_is_asked(text: str, deadline: str, days: int) -> None:
    notice = read_notice(text)
    assert (notice.deadline, len(notice.days)) == (deadline, days)


@pytest.mark.parametrize("text", ["We answer by mail only.", "It is well processed.", "", "\x00" * 900])
def test_what_is_no_complaint_is_none(text: str) -> None:
    assert read_notice(text).complaints == ()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_point_has_one_answer(name: str, lang: str) -> None:
    text = written(name, lang)
    for subject in SUBJECTS:
        about = re.escape(words_of(lang).say(f"about_{subject}"))
        assert len(re.findall(rf"^- {about} ?[:(\uff08]", text, re.MULTILINE)) == 1
    assert "2026-11-30" in text


@pytest.mark.parametrize("name", [name for name in NAMES if cases()[name]["truth"]["kind"] == "well"])
def test_of_a_host_that_is_well_nothing_is_admitted(name: str) -> None:
    text = written(name)
    for about in ("Unauthorized processes", "Load", "Mail", "Files", "Attacks"):
        assert "not from here, because" in point(text, about)


@pytest.mark.parametrize(
    ("name", "about", "answer"),
    [
        ("unit-watchdog", "Unauthorized", "yes: /usr/lib/network-monitor, none of them ours"),
        ("unit-watchdog", "Mail", "none found"),
        ("mail-two-incidents", "Mail", "yes: 40 letters by script"),
        ("mail-direct", "Mail", "past the mail server: /home/shop/perl5/lib/sync.pl"),
        ("abuse-contact-form", "Mail", "strangers used our own program /home/shop/public_html/contact.php"),
        ("abuse-contact-form", "Unauthorized", "none found"),
        ("load-wp-cron", "Load", "our own cron job, /var/spool/cron/crontabs/shop"),
        ("load-fpm-loop", "Load", "our own page /home/shop/public_html/report.php"),
        ("ok-backup", "Load", "a cron job of root, /etc/cron.d/backup: your own"),
        ("ok-newsletter", "Mail", "because the letters that wait are our own: <news.shop.example>"),
        ("provider-locked", "The restriction", "yours, which we leave as it is"),
    ],
)
def test_a_point_is_answered_by_what_was_found(name: str, about: str, answer: str) -> None:
    assert answer in point(written(name), about)


def test_what_could_not_be_seen_is_no_no() -> None:
    unseen = replace(examined("ok-tmux"), kind="undecided", innocent=())
    text = letter("web1", unseen, read_notice(NOTICE["en"]), "en")
    assert "could not be decided" in point(text, "Unauthorized") and "not from here" not in text


@pytest.mark.parametrize("name", NAMES)
def test_in_japanese_no_sentence_of_an_examination_stays_english(name: str) -> None:
    found, words = examined(name), words_of("ja")
    said = [*found.doubts, *found.provider_did, *(step.how for step in found.stop)]
    said += [one.what for one in found.incidents]
    assert [text for text in said if not _JAPANESE.search(words.told(text))] == []


def test_both_languages_have_the_same_sentences() -> None:
    file = Path(letter.__code__.co_filename).with_name("letter.yml")
    said = read_yaml(file)
    english, japanese = said["en"], said["ja"]
    assert {*japanese} - {*english} == {"sentences"} and {*english} <= {*japanese}
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", japanese[key])), key


def test_a_notice_with_escapes_and_braces_is_quoted_and_steers_nothing() -> None:
    text = written("unit-watchdog", notice="unauthorized {0.__class__} processes \x1b[2J {names}\nSpam %s")
    assert "\x1b" not in text and "{0.__class__}" in text


def test_what_will_keep_it_from_coming_back_is_told() -> None:
    assert "What will keep it from coming back" in written("unit-watchdog")
    stolen = written("mail-sasl-stolen")
    assert "the password of info@shop.example is changed" in stolen and "logins by password" in stolen
    assert "sends no copies" in written("abuse-contact-form")
    assert "once at a time (flock)" in written("load-wp-cron")
    assert "upload.php, by which they got in, is updated" in written("web-upload-start")
