"""The command: what it refuses before it serves, that it tells nobody's name, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from preloaded import run_command
from sshdoctor.errors import InventoryError, UsageError
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Secret
from sshdoctor.unlock.mail import Mailer, MailError, server_of
from sshdoctor.unlock.server import base_url
from sshdoctor.unlock.words import ENGLISH
from unlock.bed import ANN, LISTED, URL, Visitor, until
from unlock.running import inventory, running
from watch.sinks import smtp

GIVEN = ["--url", URL, "--owner", "o@example.org", "--mail-from", "u@example.org", "--state", "state.db"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--url", "http://unlock.example.org"], "--url http://unlock.example.org: the page's own address"),
        (["--url", "https://unlock.example.org/?a=1"], "--url"),
        (["--url", "https://u:p@unlock.example.org"], "--url"),
        (["--owner", "Ann <ann@example.org>"], "--owner Ann <ann@example.org>: a mail address"),
        (["--mail-from", "nobody"], "--mail-from nobody: a mail address"),
        (["--smtp", "smtp://u:secret@mail.example.org"], "the password stands in a file"),
        (["--smtp", "mail.example.org"], "--smtp: a URL is needed"),
        (["--smtp", "smtps://u@mail.example.org"], "--smtp-password-file and the user in --smtp go together"),
        (["--smtp-password-file", "nowhere"], "--smtp-password-file nowhere: No such file"),
        (["--trusted-proxy", "0.0.0.0/0"], "then anybody could say from where they come"),
        (["--listen", "8022"], "--listen 8022: ADDRESS:PORT"),
        (["--listen", "unlock.example.org:8022"], "ADDRESS:PORT"),
        (["--host", "web1", "-e", "a=b"], "takes what it needs from the inventory"),
        (["--format", "json"], "unlock writes no report"),
        (["--lang", "fr"], "--lang fr: there are en, ja"),
        (["--state", "/nowhere/state.db"], "--state /nowhere/state.db: No such file"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_served(
    tmp_path: Path, more: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["unlock", "--serve", "--inventory", str(inventory(tmp_path)), *GIVEN, *more]
    done = run_command(words, seconds=90)
    assert done.returncode == 2 and said in done.stderr.replace("\n", " "), done.stderr
    assert "secret" not in done.stderr and "bob@example.org" not in done.stderr


@pytest.mark.parametrize("missing", ["--url", "--owner", "--mail-from", "--state"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    at = GIVEN.index(missing)
    words = ["unlock", "--serve", "--inventory", str(inventory(tmp_path)), *GIVEN[:at], *GIVEN[at + 2 :]]
    done = run_command(words, seconds=90)
    assert done.returncode == 2 and missing in done.stderr


def test_without_serve_it_says_what_it_is_for(tmp_path: Path) -> None:
    done = run_command(["unlock", "--host", "web1", "-i", str(inventory(tmp_path))], seconds=90)
    assert done.returncode == 2 and "unlock --serve serves the page" in done.stderr


@pytest.mark.parametrize(
    "hosts", [{"web1": {}}, {"web1": {"sshdoctor_unlock": [ANN], "sshdoctor_managed": "A"}}]
)
def test_where_nobody_is_listed_nothing_is_served(
    tmp_path: Path, hosts: dict[str, dict[str, object]]
) -> None:
    done = run_command(
        ["unlock", "--serve", "--inventory", str(inventory(tmp_path, hosts)), *GIVEN], seconds=30
    )
    assert done.returncode == 2 and "nobody may let themselves in" in done.stderr


@pytest.mark.parametrize("value", ["nobody", ["ann@example.org", "Ann <a@b.c>"], 7, [["a@b.c"]]])
def test_the_inventory_takes_mail_addresses_alone(tmp_path: Path, value: object) -> None:
    file = inventory(tmp_path, {"web1": {"sshdoctor_unlock": value}})
    with pytest.raises(InventoryError, match="sshdoctor_unlock"):
        load_hosts("web1", [file], os.environ)


def test_no_repr_of_a_host_shows_who_is_listed(tmp_path: Path) -> None:
    (host,) = load_hosts("web1", [inventory(tmp_path)], os.environ)
    assert host.unlock == (Secret(ANN),) and ANN not in repr(host)


def test_it_tells_what_failed_and_of_nobody_and_ends_as_a_unit_ends(tmp_path: Path) -> None:
    """No mail server answers: that is said; a second one, later, gets the mail that waited."""
    file, state = inventory(tmp_path), tmp_path / "state.db"
    with running(state, file, 1) as (port, process):
        assert Visitor(port).asks().status == 303
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "the mail server cannot be used: Connection refused" in said
        process.terminate()
        assert process.wait(30) == 0
        said += process.stderr.read()
    assert not any(mail in said for mails in LISTED.values() for mail in mails), said
    with smtp() as (smtp_port, mails), running(state, file, smtp_port):
        until(lambda: mails, 20)
        assert mails[0]["To"] == ANN


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    with smtp() as (smtp_port, _), running(tmp_path / "state.db", inventory(tmp_path), smtp_port) as (_, one):
        one.send_signal(2)
        assert one.wait(30) == 0


@contextmanager
def refusing(code: int) -> Iterator[int]:
    """The port of a mail server that takes no recipient, and never says good-bye."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 x\r\n")
            while line := self.rfile.readline():
                refuses = line[:4].upper() == b"RCPT"
                self.wfile.write(f"{code} {ANN} is nobody\r\n".encode() if refuses else b"250 ok\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(("code", "final"), [(550, True), (451, False)])
def test_a_mail_server_that_refuses_is_named_by_its_answer_alone(code: int, final: bool) -> None:
    with refusing(code) as port:
        mailer = Mailer(server_of(f"smtp://127.0.0.1:{port}", None), "u@example.org")
        with pytest.raises(MailError, match=f"refused whom it was for: {code}$") as caught:
            mailer.send("link", ENGLISH, [ANN], address="", url="")
        assert caught.value.final is final and ANN not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "unlock.example.org", "https://", "https://a b", "https://a/{x}", "ftp://a", "https://a#b"]
)
def test_what_is_no_address_of_a_page_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--url"):
        base_url(text)


def test_the_unit_has_what_was_typed(tmp_path: Path) -> None:
    words = ["unlock", "--serve", "--unit", "--inventory", str(inventory(tmp_path)), *GIVEN[:-2]]
    told = run_command(words, seconds=90).stdout
    assert f"--url {URL}" in told and "--state /var/lib/sshdoctor/unlock.db" in told
    assert "--unit" not in told and "KillMode=mixed" in told


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['uvicorn'] = None; from sshdoctor.cli import main; main()"
    words = ["unlock", "--serve", "--inventory", str(inventory(tmp_path)), *GIVEN]
    done = subprocess.run(
        [sys.executable, "-c", hidden, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2 and "pip install 'sshdoctor[web]'" in done.stderr.replace("\n", " ")


def test_what_others_do_not_need_they_do_not_load() -> None:
    asked = (
        "import sys, sshdoctor.cli.collection, sshdoctor.commands.allow; print('starlette' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
