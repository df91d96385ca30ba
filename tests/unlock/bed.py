"""The page, really served on loopback, to visitors from any address: a proxy there says who they are."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from sshdoctor.commands.demo.mailbox import plain_text
from sshdoctor.model import Secret
from sshdoctor.unlock.app import Door
from sshdoctor.unlock.client import Clients, proxies
from sshdoctor.unlock.limits import Limits
from sshdoctor.unlock.mail import Mailer, server_of
from sshdoctor.unlock.people import People
from sshdoctor.unlock.server import listening_at, made
from sshdoctor.unlock.store import Store
from sshdoctor.unlock.words import ENGLISH, LANGUAGES
from sshdoctor.unlock.worker import Outcome, Worker
from watch.sinks import smtp

URL = "https://unlock.example.org"
ANN, OWNER, STRANGER = "ann@example.org", "owner@example.org", "nobody@example.net"
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"
LISTED = {"web1": [ANN], "web2": [ANN, "bob@example.org"], "web3": ["bob@example.org"]}
MANY = Limits(per_network=10**6, per_person=10**6, overall=10**6)


@dataclass
class Book:
    """Hosts that write down what they are told; ``fails`` are those that do not do it."""

    told: list[tuple[str, str, str]] = field(default_factory=list)
    fails: set[str] = field(default_factory=set)
    already: set[str] = field(default_factory=set)
    """Where the address stands on the list before."""
    seconds: float = 0.0

    async def let_in(self, host: str, address: str) -> Outcome:
        await asyncio.sleep(self.seconds)
        self.told.append(("let in", host, address))
        return Outcome(host not in self.fails, "no way in", changed=host not in self.fails | self.already)

    async def take_off(self, host: str, address: str) -> Outcome:
        self.told.append(("take off", host, address))
        return Outcome(host not in self.fails, "no way in")


@dataclass
class Clock:
    """The time on the wall, set by hand."""

    ahead: float = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def heading(self) -> str:
        return unescape(re.findall("<h1>(.*?)</h1>", self.text)[0])

    @property
    def form(self) -> dict[str, str]:
        """The hidden fields."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.text)
        return {name: unescape(value) for name, value in found}

    def reads(self) -> str:
        """The digits that are asked for, as a person reads them."""
        label = unescape(re.findall(r'<span class="digits">(.*?)</span></label>', self.text)[0])
        language = LANGUAGES[self.headers["content-language"]]
        return "".join(str(language.digits.index(word)) for word in label.split(language.separator))


@dataclass(frozen=True)
class Visitor:
    """Comes from ``address``, as the proxy tells."""

    port: int
    address: str = HOME
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self._asked("GET", path, None, headers)

    def post(self, path: str, fields: Mapping[str, str] | bytes, **headers: str) -> Answer:
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._asked("POST", path, body, {**kind, **headers})

    def asks(self, mail: str = ANN, **headers: str) -> Answer:
        """For a link, by the form."""
        form = self.get("/").form
        return self.post("/", {**form, "mail": mail}, **headers)

    def opens(self, url: str) -> Answer:
        return self.get(path_of(url))

    def answers(self, url: str, said: str | None = None) -> Answer:
        """Opens the link, and writes the digits."""
        shown = self.opens(url)
        return self.post(path_of(url), {**shown.form, "answer": shown.reads() if said is None else said})

    def _asked(self, method: str, path: str, body: bytes | None, more: Mapping[str, str]) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in more.items()}
            headers = {"X-Forwarded-For": self.address, **self.headers, **named}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read().decode())
        finally:
            connection.close()


def unmailed(state: Path) -> int:
    """How many requests nobody has looked at yet."""
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as db:
        return int(db.execute("select count(*) from link where mailed is null").fetchone()[0])


def path_of(url: str) -> str:
    return urlsplit(url).path


@dataclass
class Bed:
    """One page with its mailbox."""

    port: int
    mails: Sequence[EmailMessage]
    hosts: Book
    clock: Clock
    store: Path
    complaints: list[str]

    def visitor(self, address: str = HOME, **headers: str) -> Visitor:
        return Visitor(self.port, address, headers)

    def mails_to(self, whom: str) -> list[EmailMessage]:
        return [mail for mail in list(self.mails) if mail["To"] == whom]

    def mail_to(self, whom: str, number: int = 1) -> EmailMessage:
        """The newest, when so many have come."""
        until(lambda: len(self.mails_to(whom)) >= number)
        return self.mails_to(whom)[-1]

    def link(self, whom: str = ANN, number: int = 1) -> str:
        """The link in that mail."""
        return str(re.findall(r"https?://\S+", plain_text(self.mail_to(whom, number)))[0])


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits till it does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come about"
        time.sleep(0.01)


@contextmanager
def served(
    state: Path,
    *,
    limits: Limits | None = None,
    listed: Mapping[str, Sequence[str]] = LISTED,
    hosts: Book | None = None,
    clock: Clock | None = None,
    url: str = URL,
    trusted: Sequence[str] = ("127.0.0.1",),
    door: type[Door] = Door,
    works: bool = True,
    tick: float = 0.01,
) -> Iterator[Bed]:
    """The page with ``state`` as its file, until the end; ``works``: mails go, and hosts are told.

    ``url`` "": as it is dialled here.
    """
    made_bed, ended, faults = threading.Event(), [], list[BaseException]()
    clock, hosts, complaints = clock or Clock(), hosts or Book(), list[str]()
    listening = listening_at("127.0.0.1:0")
    url = url or f"http://127.0.0.1:{listening.getsockname()[1]}"

    async def run(smtp_port: int) -> None:
        store = Store(state)
        people = People({host: [*map(Secret, who)] for host, who in listed.items()}, store.key)
        clients = Clients(proxies(trusted))
        page = door(url, store, people, clients, clock.now, complain=complaints.append, limits=limits)
        mailer = Mailer(server_of(f"smtp://127.0.0.1:{smtp_port}", None), "unlock@example.org")
        worker = Worker(
            url,
            store,
            people,
            page.signer,
            mailer,
            hosts,
            [OWNER],
            clock.now,
            complaints.append,
            language=ENGLISH,
            limits=limits,
            tick=tick,
            pause=0.1,
        )
        page.wake = worker.wake
        working = asyncio.create_task(worker.run()) if works else None
        server = made(page.app())
        ended.append(partial(setattr, server, "should_exit", True))
        made_bed.set()
        await server.serve(sockets=[listening])
        if working is not None:
            working.cancel()
        store.close()

    def thread_body(smtp_port: int) -> None:
        try:
            asyncio.run(run(smtp_port))
        except BaseException as error:
            faults.append(error)
            made_bed.set()

    with smtp() as (smtp_port, mails):
        thread = threading.Thread(target=thread_body, args=(smtp_port,), daemon=True)
        thread.start()
        made_bed.wait(10)
        if faults:
            raise faults[0]
        yield Bed(listening.getsockname()[1], mails, hosts, clock, state, complaints)
        ended[0]()
        thread.join(15)
        assert not thread.is_alive() and not faults
