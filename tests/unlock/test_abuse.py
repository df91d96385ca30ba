"""What strangers try: to be taken for somebody else, to have others ask, to steer mails and links."""

from __future__ import annotations

import socket
from email import message_from_string
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from sshdoctor.commands.demo.mailbox import plain_text
from sshdoctor.errors import UsageError
from sshdoctor.unlock.client import Clients, proxies
from sshdoctor.unlock.mail import Mailer, server_of
from sshdoctor.unlock.words import LANGUAGES
from unlock.bed import ANN, ELSEWHERE, HOME, OWNER, URL, Visitor, path_of, served, unmailed, until

CLIENTS = Clients(proxies(["127.0.0.1", "10.0.0.0/8", "::1"]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # no proxy of ours: its word counts for nothing
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["8.8.8.8, 203.0.113.9"], "203.0.113.9"),  # what a client wrote stands before
        ("127.0.0.1", ["8.8.8.8", "203.0.113.9"], "203.0.113.9"),  # also as a header of its own
        ("127.0.0.1", ["203.0.113.9", "10.1.2.3"], "203.0.113.9"),  # two proxies of ours
        ("127.0.0.1", ["203.0.113.9, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        ("127.0.0.1", [], None),  # else the proxy itself would be let in
        ("127.0.0.1", ["10.1.2.3"], None),
        ("127.0.0.1", ["203.0.113.9, nonsense"], None),
        ("127.0.0.1", ["203.0.113.9, "], None),
        ("127.0.0.1", ["203.0.113.9:4711"], None),
        ("127.0.0.1", ["203.0.113.0/24"], None),
        ("127.0.0.1", ["fe80::1%eth0"], None),
        ("127.0.0.1", ["255.255.255.255"], None),
        ("127.0.0.1", ["127.0.0.1"], None),
        ("::ffff:127.0.0.1", ["2001:DB8:0::7"], "2001:db8::7"),
        ("::1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("127.0.0.2", ["203.0.113.9"], None),
        ("", ["203.0.113.9"], None),
    ],
)
def test_the_client_is_who_a_known_proxy_saw(peer: str, forwarded: list[str], expected: str | None) -> None:
    assert CLIENTS.address(peer, forwarded) == expected


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "proxy", "10.0.0.1/8"])
def test_a_proxy_that_means_everybody_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--trusted-proxy"):
        proxies([text])


def test_without_a_known_proxy_nobody_is_believed(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", trusted=()) as bed:
        for headers in ({}, {"Forwarded": "for=198.51.100.7"}, {"X-Real-IP": HOME}):
            answer = bed.visitor(**headers).get("/")
            assert (answer.status, answer.heading) == (503, "Your address cannot be seen")
        assert bed.visitor().post("/", {"mail": ANN}).status == 503
        assert not bed.mails


FOREIGN = (
    "https://evil.example",
    "null",
    "http://unlock.example.org",
    "https://unlock.example.org.evil.example",
)


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_site_cannot_have_a_visitor_ask(tmp_path: Path, origin: str) -> None:
    with served(tmp_path / "state.db") as bed:
        assert bed.visitor().asks(Origin=origin).status == 403
        assert bed.visitor().asks(Origin=URL).status == 303
        evil = bed.visitor(ELSEWHERE).get("/").form  # what it can get from us names its own address
        for form in ({}, {"form": ""}, {"form": "x"}, evil):
            assert bed.visitor().post("/", {**form, "mail": ANN}).status == 403
        bed.link()
        until(lambda: not unmailed(bed.store))
        assert len(bed.mails) == 1


def test_another_site_cannot_have_a_visitor_answer(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor()
        visitor.asks()
        url = bed.link()
        shown = visitor.opens(url)
        said = {"answer": shown.reads()}
        assert visitor.post(path_of(url), said).status == 403
        assert visitor.post(path_of(url), {**shown.form, **said}, Origin=FOREIGN[0]).status == 403
        assert visitor.opens(url).reads() == shown.reads() and bed.hosts.told == []


def test_a_form_is_good_for_an_hour(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        form = bed.visitor().get("/").form
        bed.clock.ahead = 3700
        late = bed.visitor().post("/", {**form, "mail": ANN})
        assert (late.status, late.heading) == (403, "That did not arrive")
        assert bed.visitor().post("/", {**late.form, "mail": ANN}).status == 303


@pytest.mark.parametrize(
    "mail",
    [
        f"{ANN}\r\nBcc: victim@example.net",
        f"{ANN}\nBcc: victim@example.net",
        f"{ANN}%0d%0aBcc: victim@example.net",
        f"{ANN}, victim@example.net",
        f"victim@example.net,{ANN}",
        f"<{ANN}>",
        f'"victim"<{ANN}>',
        f"{ANN}\x00victim@example.net",
        f"{ANN}\u2028Bcc: victim@example.net",
        "=?utf-8?q?ann?=@example.org",
        "' or 1=1 --",
        "a" * 3000 + ANN,
    ],
)
def test_no_mail_goes_but_to_a_listed_address_as_it_is_listed(tmp_path: Path, mail: str) -> None:
    with served(tmp_path / "state.db") as bed:
        assert bed.visitor().asks(mail).status == 303
        until(lambda: not unmailed(bed.store))
        assert not bed.mails


@pytest.mark.parametrize("mail", [f"  {ANN} ", ANN.upper(), f"{ANN}\r\n"])
def test_who_writes_it_otherwise_gets_the_mail_as_it_is_listed(tmp_path: Path, mail: str) -> None:
    with served(tmp_path / "state.db") as bed:
        bed.visitor().asks(mail)
        assert bed.mail_to(ANN)["To"] == ANN


def test_a_header_never_has_a_line_break() -> None:
    mailer = Mailer(server_of("smtp://localhost", None), "unlock@example.org")
    with pytest.raises(ValueError, match="linefeed"):
        mailer.made("used", LANGUAGES["en"], [OWNER], address="x\r\nBcc: victim@example.net", person="",
                    at="", hosts="")  # fmt: skip
    with pytest.raises(ValueError, match="linefeed"):
        mailer.made("link", LANGUAGES["en"], [f"{ANN}\nBcc: v@example.net"], address="", url="")
    made = message_from_string(mailer.made("link", LANGUAGES["ja"], [ANN], address=HOME, url=URL).as_string())
    assert sorted(made.keys()) == [
        "Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version",
        "Message-ID", "Subject", "To",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "unlock.example.org:1234"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "//evil.example"},
        {"Forwarded": "host=evil.example"},
    ],
)
def test_a_link_is_made_of_the_configured_address_alone(tmp_path: Path, headers: dict[str, str]) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor(**headers)
        assert visitor.asks().headers["location"] == "/sent"
        assert bed.link().startswith(f"{URL}/link/")
        told = plain_text(bed.mail_to(ANN)) + visitor.get("/").text + visitor.get("/link").text
        assert "evil" not in told
        assert "location" not in visitor.get("/link").headers


def test_below_a_path_all_links_stay_below_it(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", url="https://example.org/back/in") as bed:
        visitor = bed.visitor()
        assert visitor.get("/").status == 404
        form = visitor.get("/back/in/").form
        asked = visitor.post("/back/in/", {**form, "mail": ANN}, Origin="https://example.org")
        assert asked.headers["location"] == "/back/in/sent"
        url = bed.link()
        assert url.startswith("https://example.org/back/in/link/")
        assert visitor.answers(url).headers["location"] == path_of(url)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"mail",
        b"\xff\xfe",
        b"form=%ff%fe&mail=%00",
        b"&" * 4000,
        b"form=" + b"a" * 10**6,
        b"mail=%E3%81",
    ],
    ids=["empty", "no value", "no text", "no UTF-8", "many", "long", "half a letter"],
)
def test_what_is_no_form_is_refused(tmp_path: Path, body: bytes) -> None:
    with served(tmp_path / "state.db") as bed:
        try:
            assert bed.visitor().post("/", body).status in (403, 413)
        except (BrokenPipeError, ConnectionResetError):  # it reads no more than it has to
            assert len(body) > 4096
        assert not unmailed(bed.store) and not bed.complaints


def test_nothing_of_a_visitors_comes_into_a_page_or_a_header(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'>"
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor(**{"Accept-Language": evil, "User-Agent": evil, "Referer": evil})
        seen = [
            visitor.get(f"/?mail={quote_plus(evil)}"),
            visitor.get(f"/link/{quote_plus(evil)}"),
            visitor.get(f"/{quote_plus(evil)}"),
            visitor.asks(evil),
            visitor.post("/", {"form": evil, "mail": evil}),
            visitor._asked("GET", "/", None, {"X-Forwarded-For": evil}),
        ]
        for answer in seen:
            assert "script" not in answer.text.lower() and "alert" not in str(answer.headers)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_a_request_that_drips_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sshdoctor.unlock.app._PATIENCE", 0.2)
    with served(tmp_path / "state.db") as bed, socket.create_connection(("127.0.0.1", bed.port), 5) as one:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {HOME}\r\nContent-Length: 100\r\n\r\nform="
        one.sendall(head.encode())
        assert one.recv(200).startswith(b"HTTP/1.1 408")


def test_the_file_names_nobody_and_is_its_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with served(state) as bed:
        bed.visitor().asks()
        bed.visitor().answers(bed.link())
        bed.mail_to(OWNER)
        files = [*tmp_path.iterdir()]
        assert all(not file.stat().st_mode & 0o077 for file in files)
        assert all(b"example.org" not in file.read_bytes() for file in files)


def test_a_visitor_is_forgotten_after_a_day(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with served(state) as bed:
        bed.visitor().asks()
        bed.link()
        bed.clock.ahead = 90000
        bed.visitor(ELSEWHERE).asks()
        bed.link(number=2)
        until(lambda: HOME.encode() not in _rows(state))
        assert ELSEWHERE.encode() in _rows(state)


def _rows(state: Path) -> bytes:
    import sqlite3

    with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as db:
        return repr(db.execute("select * from link").fetchall()).encode()


def test_visitors_without_a_proxy_are_told_apart_by_their_connection(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", trusted=("127.0.0.2",)) as bed:
        assert Visitor(bed.port, HOME).get("/").status == 503  # it comes from 127.0.0.1
