"""Runs on a witness, by its own python3 (3.5 or newer): a line "look NUMBER WORDS" for each target.

Arguments, for each: its number, kind, scheme, name, port, target, limit, redirects, method, user agent,
expected text, and an authority's certificate to trust besides ("unread": there is one that was not given).
"""

import contextlib
import errno
import os
import re
import socket
import ssl
import sys
import threading
import time
import zlib
from functools import lru_cache
from http import client
from urllib.parse import quote, urljoin, urlsplit

EACH = 12
FIRST = 5.0
MOST = 4 * 1024 * 1024
CHARSET = re.compile(
    b"charset {0,9}= {0,9}[\"']?((?:utf-|iso-|windows-|shift|euc|gb|big)[A-Za-z0-9_-]*)", re.I
)


@lru_cache(maxsize=None)
def trusted(authority: str) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if authority not in ("", "unread"):
        made.load_verify_locations(cadata=authority)
    return made


class Look(threading.Thread):
    """One target, within its limit; ``word`` is what was met so far where it does not end in time."""

    def __init__(self, asked: "list[str]") -> None:
        super().__init__(daemon=True)
        self.number, self.kind, self.scheme, self.name, port, self.target, limit = asked[:7]
        redirects, self.method, self.agent, self.expect, self.authority = asked[7:]
        self.port, self.limit, self.redirects = int(port), float(limit), int(redirects or 0)
        self.end = time.monotonic() + self.limit
        self.word = "silence"

    def run(self) -> None:
        try:
            self.word = self.site() if self.kind == "site" else self.greeting()
        except Exception as error:  # whatever it is, a line has to come
            self.word = self.failed(error)

    def failed(self, error: Exception) -> str:
        """The word for what went wrong."""
        if isinstance(error, socket.gaierror):
            none = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
            return "name-not-found" if error.errno in none else "lost"
        if isinstance(error, ssl.SSLError) and hasattr(error, "verify_code"):
            code = error.verify_code
            kinds = {9: "expired", 10: "expired", 62: "mismatch", 63: "mismatch", 64: "mismatch"}
            kind = kinds.get(code, "untrusted")
            return "lost" if kind == "untrusted" and self.authority == "unread" else "certificate-" + kind
        if isinstance(error, ssl.SSLError):
            return "tls-failed"
        if isinstance(error, socket.timeout):
            return self.word
        if isinstance(error, (client.HTTPException, ValueError)) and not isinstance(error, ConnectionError):
            return "not-http"
        if isinstance(error, ConnectionRefusedError):
            return "rst"
        if isinstance(error, OSError):
            number = error.errno
            if number in (errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EMFILE, errno.EADDRNOTAVAIL):
                return "lost"
            if number == errno.EHOSTUNREACH:
                return "unreachable"
        return self.word

    def greeting(self) -> str:
        """What the service says first, in hexadecimal digits: up to its line with the text, or to the end."""
        said, line = b"", b"^" + re.escape(self.expect.encode()) + b"[^\n]*\n"
        with contextlib.closing(socket.create_connection((self.name, self.port), self.limit / 3)) as link:
            self.word = "said time"
            try:
                while not re.search(line, said, re.MULTILINE) and len(said) < 8192:
                    data = link.recv(4096)
                    if not data:
                        return "said closed " + said.hex()
                    said += data
            except socket.timeout:
                return "said time " + said.hex()
            except ConnectionError:
                return "said reset " + said.hex()
        return "said open " + said.hex()

    def site(self) -> str:
        name = "[%s]" % self.name if ":" in self.name else self.name
        url = "%s://%s:%d%s" % (self.scheme, name, self.port, self.target)
        chain = 0
        while True:
            status, where, body = self.asked_again(url)
            if status not in (301, 302, 303, 307, 308) or not where:
                break
            chain += 1
            url = urljoin(url, where)
            if chain >= self.redirects or urlsplit(url).scheme not in ("http", "https"):
                return "redirection"
        if status < 400 and self.expect and self.expect not in body:
            return "content"
        return "status %d" % status

    def asked_again(self, url: str) -> "tuple[int, str, str]":
        """HEAD, then GET where that is refused, closed, or not answered for a while."""
        if self.method or self.expect:
            return self.asked(self.method or "GET", url, self.limit)
        try:
            status, where, body = self.asked("HEAD", url, FIRST)
            if status < 400:
                return status, where, body
        except (ConnectionResetError, client.BadStatusLine, BrokenPipeError, socket.timeout):
            if self.word == "silence":
                raise
        return self.asked("GET", url, self.limit)

    def asked(self, method: str, url: str, limit: float) -> "tuple[int, str, str]":
        """Status, Location and the page's beginning."""
        parts = urlsplit(url)
        with contextlib.closing(self.connection(parts.scheme, parts.hostname, parts.port, limit)) as link:
            link.connect()
            self.word = "intermittent"
            target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
            headers = {"User-Agent": self.agent, "Connection": "close"}
            link.request(method, quote(target, "/?=&%:;,@+~!$'()*"), headers=headers)
            answer = link.getresponse()
            body = page(answer) if method == "GET" and self.expect else ""
            where = answer.getheader("Location", "").encode("latin-1", "replace").decode("utf-8", "replace")
            return answer.status, where, body

    def connection(
        self, scheme: str, name: "str | None", port: "int | None", limit: float
    ) -> client.HTTPConnection:
        timeout = max(0.1, min(limit, self.end - time.monotonic()))
        if scheme == "https":
            context = trusted(self.authority)
            return client.HTTPSConnection(name or "", port, timeout=timeout, context=context)
        return client.HTTPConnection(name or "", port, timeout=timeout)


def page(answer: client.HTTPResponse) -> str:
    """Its text, as far as it comes; in the characters that it names."""
    body = b""
    try:
        while len(body) < MOST:
            data = answer.read(65536)
            if not data:
                break
            body += data
    except client.IncompleteRead as error:
        body += error.partial
    if answer.getheader("Content-Encoding", "") in ("gzip", "deflate"):
        body = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, MOST)
    said = CHARSET.search(answer.getheader("Content-Type", "").encode()) or CHARSET.search(body[:2048])
    try:
        return body.decode(said.group(1).decode() if said else "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def main(asked: "list[str]") -> None:
    looks = [Look(asked[first : first + EACH]) for first in range(0, len(asked), EACH)]
    for look in looks:
        look.start()
    for look in looks:
        look.join(max(0.0, look.end - time.monotonic()))
    sys.stdout.write("".join("look %s %s\n" % (look.number, look.word) for look in looks))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
