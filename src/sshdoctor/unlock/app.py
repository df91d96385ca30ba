"""What is answered. Nothing is done by GET; nothing here knows who is listed, until their link is used."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sshdoctor.unlock.client import Clients, network_of
from sshdoctor.unlock.limits import Limits
from sshdoctor.unlock.links import Opened, Signer
from sshdoctor.unlock.pages import HEADERS, Form, page
from sshdoctor.unlock.people import People
from sshdoctor.unlock.question import is_answer, new_question
from sshdoctor.unlock.store import Link, Store
from sshdoctor.unlock.words import preferred

_LONGEST, _PATIENCE = 4096, 10.0
"""Of what a form sends: bytes, and seconds that it may take."""


class Door:
    """The pages below ``url``; ``wake`` is called when there is something to do."""

    def __init__(
        self,
        url: str,
        store: Store,
        people: People,
        clients: Clients,
        now: Callable[[], float],
        wake: Callable[[], None] = lambda: None,
        complain: Callable[[str], None] = lambda what: None,
        limits: Limits | None = None,
    ) -> None:
        self._store, self._people, self._clients = store, people, clients
        self._now, self.wake, self._complain = now, wake, complain
        self._limits = limits or Limits()
        parts = urlsplit(url)
        self._path, self._origin = parts.path.rstrip("/"), f"{parts.scheme}://{parts.netloc}"
        self.signer = Signer(store.key, now)

    def app(self) -> Starlette:
        routes = [
            Route(f"{self._path}/", self.ask, methods=["GET"]),
            Route(f"{self._path}/", self.asked, methods=["POST"]),
            Route(f"{self._path}/sent", self.sent, methods=["GET"]),
            Route(f"{self._path}/link/{{token}}", self.link, methods=["GET"]),
            Route(f"{self._path}/link/{{token}}", self.answered, methods=["POST"]),
        ]
        app = Starlette(
            routes=routes, exception_handlers={HTTPException: self.refused, Exception: self.failed}
        )
        app.router.redirect_slashes = False  # it would build a URL from the Host header
        return app

    async def ask(self, request: Request) -> Response:
        return self._asking(request, "ask")

    async def asked(self, request: Request) -> Response:
        """The same for everybody: whether the mail address is listed is looked up when the mail is made."""
        address, form = self._address(request), await self._form(request)
        if not self._is_ours(request, form, address):
            return self._asking(request, "stale", 403)
        network, now = network_of(address), self._now()
        if (
            self._store.asked(now - self._limits.life, network) >= self._limits.per_network
            or self._store.asked(now - 60) >= self._limits.overall
        ):
            return self._answer(request, "limit", 429, {"Retry-After": f"{self._limits.life:.0f}"})
        link = Link(
            number=secrets.token_urlsafe(16),
            person=self._people.key_of(form.get("mail", "")[:254]),
            address=address,
            lang=preferred(request.headers.get("accept-language", "")).code,
            question=new_question(),
            asked=now,
        )
        self._store.add(link, network)
        self.wake()
        return RedirectResponse(f"{self._path}/sent", 303, headers=HEADERS)

    async def sent(self, request: Request) -> Response:
        return self._answer(request, "sent")

    async def link(self, request: Request) -> Response:
        address = self._address(request)
        opened, link = self._opened(request)
        if link is None or opened is None:
            return self._bad(request)
        if link.address != address:
            return self._answer(request, "foreign", 403, home=f"{self._path}/")
        if link.used is not None:
            return self._progress(request, link)
        return self._questioning(request, link) if self._is_good(opened, link) else self._bad(request)

    async def answered(self, request: Request) -> Response:
        address, form = self._address(request), await self._form(request)
        opened, link = self._opened(request)
        if link is None or opened is None:
            return self._bad(request)
        if link.address != address:
            return self._answer(request, "foreign", 403, home=f"{self._path}/")
        person = self._people.find(link.person)
        if person is None or not self._is_good(opened, link):
            return self._bad(request)
        if not self._is_ours(request, form, address):
            return self._questioning(request, link, status=403)
        if not is_answer(form.get("answer", ""), link.question):
            self._store.wrong(link.number, new_question())
            again = self._store.link(link.number)
            if again is None or not self._is_good(opened, again):
                return self._bad(request)
            return self._questioning(request, again, status=422, wrong=True)
        if not self._store.use(link.number, self._now(), person.hosts):
            return self._bad(request)
        self.wake()
        return RedirectResponse(f"{self._path}/link/{request.path_params['token']}", 303, headers=HEADERS)

    async def refused(self, request: Request, error: Exception) -> Response:
        """A page that there is not, or a method that it does not have."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        name = error.detail if isinstance(error, HTTPException) and error.detail == "unseen" else "nothing"
        return self._answer(request, name, status)

    async def failed(self, request: Request, error: Exception) -> Response:
        self._complain(f"a request was not answered: {type(error).__name__}")
        return self._answer(request, "trouble", 503)

    def _address(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        address = self._clients.address(peer, request.headers.getlist("x-forwarded-for"))
        if address is None:
            raise HTTPException(503, "unseen")
        return address

    async def _form(self, request: Request) -> dict[str, str]:
        body = b""
        try:
            async with asyncio.timeout(_PATIENCE):
                async for part in request.stream():
                    body += part
                    if len(body) > _LONGEST:
                        raise HTTPException(413)
        except TimeoutError:
            raise HTTPException(408) from None
        try:
            return dict(parse_qsl(body.decode("ascii"), max_num_fields=10))
        except ValueError:
            return {}

    def _is_ours(self, request: Request, form: dict[str, str], address: str) -> bool:
        """Whether a page of ours sent the form, from where we showed it."""
        origin = request.headers.get("origin", self._origin)
        return origin == self._origin and self.signer.is_form(
            form.get("form", ""), address, self._limits.form
        )

    def _opened(self, request: Request) -> tuple[Opened | None, Link | None]:
        opened = self.signer.opened(request.path_params["token"])
        return opened, self._store.link(opened.number) if opened else None

    def _is_good(self, opened: Opened, link: Link) -> bool:
        age = self._now() - opened.at
        return link.used is None and link.tries < self._limits.tries and -1 <= age <= self._limits.life

    def _progress(self, request: Request, link: Link) -> Response:
        if link.used is not None and self._now() - link.used > self._limits.shown:
            return self._bad(request)
        work = self._store.work(link.number)
        good = sum(one.state == "done" for one in work)
        if any(one.state == "waiting" for one in work):
            return self._answer(request, "working")
        name = "failed" if not good else "done" if good == len(work) else "partly"
        return self._answer(request, name, good=good, all=len(work))

    def _asking(self, request: Request, name: str, status: int = 200) -> Response:
        address = self._address(request)
        form = Form(action=f"{self._path}/", sign=self.signer.form(address), address=address)
        return self._answer(request, name, status, form=form)

    def _questioning(
        self, request: Request, link: Link, *, status: int = 200, wrong: bool = False
    ) -> Response:
        form = Form(
            action=f"{self._path}/link/{request.path_params['token']}",
            sign=self.signer.form(link.address),
            address=link.address,
            question=link.question,
            wrong=wrong,
        )
        return self._answer(request, "link", status, form=form)

    def _bad(self, request: Request) -> Response:
        return self._answer(request, "bad", 410, home=f"{self._path}/")

    def _answer(
        self,
        request: Request,
        name: str,
        status: int = 200,
        more: dict[str, str] | None = None,
        form: Form | None = None,
        home: str = "",
        **values: object,
    ) -> Response:
        language = preferred(request.headers.get("accept-language", ""))
        headers = {**HEADERS, "Content-Language": language.code, **(more or {})}
        return HTMLResponse(page(name, language, form, home=home, **values), status, headers)
