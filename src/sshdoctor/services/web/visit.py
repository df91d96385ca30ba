"""A look at a site: TLS, HEAD and then GET, the redirects, and the word that it all comes to."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from sshdoctor.model import Answer, Certificate, Exchange, Site
from sshdoctor.services.base import NoAnswerError
from sshdoctor.services.web import trust
from sshdoctor.services.web.channel import Beside, Channel, OvertakenError
from sshdoctor.services.web.exchange import ClosedError, NotHttpError, exchange
from sshdoctor.services.web.second import Second

Connect = Callable[[str, int], socket.socket]
"""A new connection to a name and port. Raises OSError."""

_REDIRECTS = (301, 302, 303, 307, 308)


class Look(Struct, frozen=True, kw_only=True):
    """The reply word, what a person is told beside it, and all that was said."""

    word: str
    detail: str
    answer: Answer


class _FailedError(Exception):
    def __init__(self, word: str, detail: str) -> None:
        super().__init__(detail)
        self.word, self.detail = word, detail


def visit(site: Site, first: socket.socket, connect: Connect, deadline: float | None = None) -> Look:
    """Ask for ``site`` on the connection ``first``; ``connect`` makes those that come after it.

    It ends at ``deadline`` (by ``time.monotonic``), None: after the site's own limit from now on.
    """
    return _Visit(site, first, connect, deadline).look()


class _Visit:
    def __init__(self, site: Site, first: socket.socket, connect: Connect, deadline: float | None) -> None:
        self.site, self.first, self.connect = site, first, connect
        self.deadline = time.monotonic() + site.limit if deadline is None else deadline
        self.used = False
        """The first connection has been."""
        self.exchanges: list[Exchange] = []
        self.certificate: Certificate | None = None
        self.plain = False

    def look(self) -> Look:
        try:
            word, detail = self.follow()
        except _FailedError as failed:
            word, detail = failed.word, failed.detail
        answer = Answer(exchanges=tuple(self.exchanges), certificate=self.certificate, plain=self.plain)
        return Look(word=word, detail=detail, answer=answer)

    def follow(self) -> tuple[str, str]:
        url, method, chain = self.site.url, self.site.method or self.usual_method, [self.site.url]
        while True:
            last = self.ask(method, url)
            method = last.method
            if not self.site.method and method == "HEAD" and last.status >= 400:
                method = "GET"
                continue
            if last.status not in _REDIRECTS or method not in ("GET", "HEAD") or not last.header("location"):
                return self.judged(last)
            chain.append(last.header("location")[:200])
            if len(chain) > self.site.redirects:
                return "redirection", f"redirect {len(chain) - 1} of a chain: {' -> '.join(chain)}"
            url = urljoin(url, last.header("location")).partition("#")[0]
            if urlsplit(url).scheme not in ("http", "https"):
                return "redirection", f"it redirects to another scheme: {url[:80]}"
            if not _is_askable(url):
                return "not-http", f"it redirects to {url[:80]}"

    @property
    def usual_method(self) -> str:
        return "GET" if self.site.expect else "HEAD"

    def judged(self, last: Exchange) -> tuple[str, str]:
        said = f"HTTP {last.status}"
        if last.status == 403:
            return "blocked", said
        if last.status >= 500:
            return "server", said
        if last.status >= 400:
            return "client", said
        if last.status >= 300 and last.status in _REDIRECTS and not last.header("location"):
            said = f"{said} without a Location"
        if self.site.expect and self.site.expect not in last.body:
            return "content", f"{said}, without the text that was expected"
        return "success", said

    def ask(self, method: str, url: str) -> Exchange:
        """One request; HEAD that is not answered is asked again by GET. Raises _FailedError."""
        if method != "HEAD" or self.site.method:
            return self.kept(method, url, lambda: self.once(method, url))
        second = Second(lambda told: self.once("GET", url, told=told), self.site.limit)
        try:
            made = self.kept(method, url, lambda: self.once(method, url, beside=second))
            if not made.status or (made.status >= 400 and second.started):
                again = second.result if second.started else (lambda: self.once("GET", url))
                return self.kept("GET", url, again)
            return made
        except OvertakenError:
            self.exchanges.append(Exchange(method=method, url=url))
            return self.kept("GET", url, second.result)
        finally:
            second.cancel()

    def kept(self, method: str, url: str, ask: Callable[[], Exchange]) -> Exchange:
        """What ``ask`` came to, kept; one without a status where HEAD met a closed connection."""
        try:
            made = ask()
        except ClosedError as error:
            self.exchanges.append(Exchange(method=method, url=url))
            if method == "HEAD" and not self.site.method:
                return self.exchanges[-1]
            raise _FailedError("intermittent", f"{method}: {error}") from None
        except NotHttpError as error:
            raise _FailedError("not-http", str(error)) from None
        except TimeoutError:
            self.exchanges.append(Exchange(method=method, url=url))
            raise _FailedError("intermittent", f"{method}: no answer within {self.site.limit:g} s") from None
        except NoAnswerError as error:
            raise _FailedError("unknown", str(error)) from None
        except OSError as error:
            raise _FailedError("intermittent", f"{method}: {error.strerror or error}") from None
        self.exchanges.append(made)
        return made

    def once(
        self,
        method: str,
        url: str,
        beside: Beside | None = None,
        told: Callable[[Channel], None] = lambda channel: None,
    ) -> Exchange:
        """One request on a connection of its own, which ``told`` is given."""
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        channel = self.channel(parts.hostname or "", port, beside)
        try:
            told(channel)
            if parts.scheme == "https":
                self.secure(channel, parts.hostname or "", port)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            return exchange(channel, self.site, method, url, _printable(target))
        finally:
            channel.close()

    def channel(self, name: str, port: int, beside: Beside | None) -> Channel:
        if not self.used:
            self.used = True
            return Channel(self.first, self.deadline, beside)
        return Channel(self.connect(name, port), self.deadline, beside)

    def secure(self, channel: Channel, name: str, port: int) -> None:
        try:
            channel.start_tls(trust.context(self.site.ca_file), name)
        except ssl.SSLError as error:
            self.examine(name, port, error)
            raise _FailedError(trust.word(error), trust.reason(error)) from None
        except (ConnectionResetError, BrokenPipeError, EOFError):
            raise _FailedError("tls-failed", "closed in the handshake") from None
        assert isinstance(channel.socket, ssl.SSLSocket)  # noqa: S101 -- start_tls made it so
        if self.certificate is None:
            self.certificate = trust.certificate(channel.socket.getpeercert(binary_form=True))

    def examine(self, name: str, port: int, error: ssl.SSLError) -> None:
        """What the server shows to one who checks nothing, or says to one who speaks plainly."""
        try:
            channel = Channel(self.connect(name, port), self.deadline)
        except OSError:
            return
        try:
            if isinstance(error, ssl.SSLCertVerificationError):
                channel.start_tls(trust.unchecking(), name)
                assert isinstance(channel.socket, ssl.SSLSocket)  # noqa: S101 -- start_tls made it so
                self.certificate = trust.certificate(channel.socket.getpeercert(binary_form=True))
            else:
                made = exchange(channel, self.site, "HEAD", f"http://{name}:{port}/", self.site.target)
                # A server that speaks TLS says by 400 that this was plain HTTP.
                self.plain = made.status not in (0, 400, 497)
        except (OSError, NotHttpError, ClosedError):
            pass
        finally:
            channel.close()


def _is_askable(url: str) -> bool:
    """Whether it has a host, and a port that there is."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _printable(target: str) -> str:
    """As it may stand in a request line: all else is percent-encoded, byte by byte."""
    return re.sub(r"[^!-~]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), target)
