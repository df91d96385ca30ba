"""The message to a provider: what support needs to act, in plain words, in both languages."""

from __future__ import annotations

import json
import string
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from reports.cases import OK, REFUSAL, SILENCE, cause, outside_only, seen_inside
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.errors import UsageError
from sshdoctor.model import Evidence, HostReport, Prediction
from sshdoctor.reports import languages, render
from sshdoctor.reports.layout.folding import width
from sshdoctor.reports.layout.phrases import phrases
from sshdoctor.reports.layout.printable import printable
from sshdoctor.resources import shipped
from sshdoctor.services import reply_words, works

LANGUAGES = languages("ticket")
KNOWN = {"host", "address", "port", "client", "user"}


def ticket(report: HostReport, lang: str = "en") -> str:
    return render([report], "ticket", lang=lang)


def flat(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def section(text: str, heading: str) -> str:
    """The lines under a heading."""
    return text.partition(f"\n{heading}\n\n")[2].partition("\n\n")[0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_cause_of_the_shipped_checks_has_a_request(lang: str) -> None:
    ids = {rule.id for check in load_checks([shipped("checks")]) for rule in check.causes}
    assert ids <= phrases(lang).causes.keys()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reply_has_plain_words_and_a_request_unless_it_works(lang: str) -> None:
    said = phrases(lang)
    assert said.said.keys() == set(reply_words())
    assert said.asks.keys() == {word for word in reply_words() if not works(word)}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_counts_as_ruled_out_is_a_shipped_check(lang: str) -> None:
    assert phrases(lang).passed.keys() <= {check.id for check in load_checks([shipped("checks")])}


def test_the_languages_ask_for_the_same() -> None:
    def asked(lang: str) -> dict[str, set[str]]:
        said = phrases(lang)
        every = {**said.asks, **said.passed, **{ident: one.ask for ident, one in said.causes.items()}}
        return {
            key: {part[1] for part in string.Formatter().parse(text) if part[1]}
            for key, text in every.items()
        }

    english = asked("en")
    assert all(asked(lang) == english for lang in LANGUAGES)
    assert set().union(*english.values()) == KNOWN


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reply_gives_a_ticket_of_72_columns(lang: str) -> None:
    text = render([outside_only(replace(SILENCE, word=word)) for word in reply_words()], "ticket", lang=lang)
    assert max(width(line) for line in text.splitlines()) <= 72
    assert "{" not in text
    assert printable(text, lines=True) == text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_cause_gives_a_ticket_that_asks_for_what_it_needs(lang: str) -> None:
    known = phrases(lang).causes
    text = render([seen_inside(cause(ident)) for ident in known], "ticket", lang=lang)
    assert max(width(line) for line in text.splitlines()) <= 72
    values = {
        "host": "web1",
        "address": "203.0.113.2",
        "port": 22,
        "client": "198.51.100.7",
        "user": "deploy",
    }
    for ident, ticketed in zip(known, text.split("=" * 72), strict=True):
        asked = known[ident].ask.format_map(values)
        assert ident in ticketed
        assert "".join(asked.split()) in "".join(ticketed.split())


def test_support_reads_who_dialled_what_when_and_what_came_back() -> None:
    text = flat(ticket(outside_only()))
    for said in (
        "From 198.51.100.7, 2001:db8:1::7",
        "When 2024-11-22 12:00:01 (UTC)",
        "203.0.113.2 port 22, IPv4, after 4.0 s: no answer at all",
        "2001:db8::2 port 22, IPv6, after 1.2 ms: refused with the ICMPv6 message",
        "It was sent by 2001:db8:ffff::1, which is not the address we dialled.",
        "security group or router drops TCP port 22 from 198.51.100.7 to 203.0.113.2",
        "nc -vz -w 5 203.0.113.2 22",
        "tcpdump -ni any 'tcp port 22 and host 198.51.100.7'",
    ):
        assert said in text


def test_japanese_has_the_time_in_japan_too() -> None:
    assert "2024-11-22 12:00:01 UTC（日本時間 2024-11-22 21:00:01）" in flat(ticket(outside_only(), "ja"))  # noqa: RUF001


def test_a_cause_is_named_in_japanese_and_the_tools_own_words_are_quoted() -> None:
    text = "".join(ticket(seen_inside(cause()), "ja").split())
    assert "ホストのファイアウォールによる破棄" in text
    assert "「Thefirewalldropsthisclient'spackets:filterINPUTrule1.」" in text


def test_without_a_look_inside_nothing_is_ruled_out() -> None:
    text = ticket(outside_only())
    assert "RULED OUT" not in text
    assert "could not look inside" in flat(text)


def test_only_what_a_passed_check_shows_is_ruled_out() -> None:
    text = ticket(seen_inside(cause()))
    assert (
        flat(section(text, "ALREADY RULED OUT"))
        == "- The SSH daemon's configuration has no bad line (sshd -t)."
    )
    assert flat(section(text, "NOT SEEN, SO NOT RULED OUT")) == "- The question sshd-running?"


def test_a_cause_behind_two_failing_addresses_is_mended_for_both() -> None:
    text = flat(ticket(replace(seen_inside(cause()), outside=(SILENCE, REFUSAL))))
    assert "from 198.51.100.7, 2001:db8:1::7 to 203.0.113.2, 2001:db8::2 in the firewall of web1" in text


def test_what_stops_us_next_is_asked_for_in_the_same_message() -> None:
    text = ticket(seen_inside(cause(), cause("sshd-stopped", "behind", "daemon")))
    assert "  2. Please start the SSH daemon of web1." in section(text, "WHAT WE ASK OF YOU")


def test_a_host_that_works_asks_for_nothing_but_what_will_stop_it_later() -> None:
    assert "WHAT WE ASK" not in ticket(seen_inside(reply=OK))
    later = flat(
        section(ticket(seen_inside(cause("sshd-disabled", "latent"), reply=OK)), "WHAT WE ASK OF YOU")
    )
    assert phrases("en").causes["sshd-disabled"].name in flat(
        ticket(seen_inside(cause("sshd-disabled", "latent"), reply=OK))
    )
    assert later.startswith("1. Not urgent, but before the next restart: Please enable")


def test_a_cause_of_a_check_of_the_users_own_is_asked_for_by_its_name() -> None:
    assert 'under "lamp-is-red"' in flat(ticket(seen_inside(cause("lamp-is-red"))))


def test_a_check_of_the_users_own_may_say_what_to_ask(tmp_path: Path) -> None:
    sentences = "{en: {name: a red lamp, ask: 'Please mend the lamp of {host}.'}}"
    (tmp_path / "lamp.yml").write_text(f"causes: [{{id: lamp-is-red, ticket: {sentences}}}]")
    text = flat(render([seen_inside(cause("lamp-is-red"))], "ticket", own_checks=[tmp_path]))
    assert "Please mend the lamp of web1." in text


def test_one_family_that_works_is_not_called_unreachable() -> None:
    text = flat(ticket(outside_only(OK, REFUSAL)))
    assert "by some of its addresses only" in text
    assert "nc -vz -w 5 203.0.113.2 22" not in text


def test_what_the_host_would_have_answered_is_said_where_it_differs() -> None:
    foretold = Prediction(reply="banner", agrees=False, why="nothing stands in the way")
    text = flat(ticket(replace(seen_inside(cause("upstream-filter")), prediction=foretold)))
    assert "we should have got: an SSH server greets us." in text


def test_behind_nat_the_private_address_is_not_what_to_look_for() -> None:
    reply = replace(SILENCE, address="192.88.99.9", source="192.168.1.5")
    text = flat(ticket(outside_only(reply)))
    assert "behind NAT you see our public one instead" in text
    assert "tcpdump -ni any 'tcp port 22'" in text


def test_a_denied_login_is_looked_for_in_the_log_of_that_minute() -> None:
    text = flat(ticket(outside_only(replace(OK, word="auth-denied"))))
    assert "journalctl -t sshd -t sshd-session --since '2024-11-22 11:59:01 UTC'" in text
    assert "tcpdump" not in text


def test_what_a_host_says_is_quoted_for_the_shell() -> None:
    report = outside_only()
    evil = replace(report, login=replace(report.login, user="x;reboot", address="$(reboot)"))
    assert "-l 'x;reboot'" in ticket(evil)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_long_and_hostile_lines_are_folded_and_spelled_out(lang: str) -> None:
    lines = "\n".join(["\x1b[31m" * 40 + " -A INPUT" * 30, "x" * 500, "Subject: forged", *"abcdefghijkl"])
    shown = replace(cause(), summary=lines, fix=lines, evidence=(Evidence(lines, lines),))
    text = ticket(replace(seen_inside(shown), host="web1\nSubject: forged"), lang)
    assert max(width(line) for line in text.splitlines()) <= 72
    assert printable(text, lines=True) == text
    assert "\nSubject: forged" not in text
    assert "... (+5)" in text


def test_two_hosts_are_two_messages() -> None:
    text = render([outside_only(), seen_inside(cause())], "ticket")
    assert text.count("Subject: ") == 2
    assert "=" * 72 in text


@pytest.mark.parametrize(
    ("form", "lang", "message"),
    [
        ("json", "ja", "--lang ja: json is not written in it; only markdown and ticket"),
        ("ticket", "*", r"--lang \*: ticket is not written in it; ticket speaks en, ja"),
    ],
)
def test_a_language_that_there_is_not_is_named(form: str, lang: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        render([outside_only()], form, lang=lang)


def test_the_command_writes_a_ticket_about_a_port_where_nothing_listens(tmp_path: Path) -> None:
    words = ["diagnose", "--host", "root@127.0.0.1:1", "--format", "ticket", "--lang", "ja", "--mask"]
    done = subprocess.run(
        [sys.executable, "-m", "sshdoctor.cli", *words],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "接続が拒否されました" in done.stdout
    assert "127.0.0.1 ポート 1" in done.stdout


def test_the_json_report_has_the_moment_as_rfc_3339() -> None:
    assert json.loads(render([outside_only()], "json"))["hosts"][0]["when"] == "2024-11-22T12:00:01Z"
