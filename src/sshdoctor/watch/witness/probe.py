"""Runs on a witness, by its own python3 (3.5 or newer): prints what it got, in one line.

Arguments: kind, scheme, name, port, target, limit, redirects, method, user agent, expected text, and
an authority's certificate to trust besides ("unread" where there is one that was not given).
"""

import contextlib
import errno
import os
import re
import signal
import socket
import ssl
import sys
import time
import zlib
from http import client
from urllib.parse import quote, urljoin, urlsplit

NOTHING = ["", "", "", "0", "", "0", "0", "", "", "", ""]
ASKED = sys.argv[1:12] if __name__ == "__main__" else NOTHING
KIND, SCHEME, NAME, PORT, TARGET, LIMIT, REDIRECTS, METHOD, AGENT, EXPECT, AUTHORITY = ASKED
END = time.monotonic() + float(LIMIT)
FIRST = 5.0
MOST = 4 * 1024 * 1024
CHARSET = re.compile(
    b"charset *= *[\"']?((?:utf-|iso-|windows-|shift|euc|gb|big)[A-Za-z0-9_-]*)", re.IGNORECASE
)
met = ["silence"]


def end(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()
    os._exit(0)


def late(number: int, frame: object) -> None:
    end(met[0])


def failed(error: Exception) -> str:
    """The word for what went wrong."""
    if isinstance(error, socket.gaierror):
        none = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        return "name-not-found" if error.errno in none else "lost"
    if isinstance(error, ssl.SSLError) and hasattr(error, "verify_code"):
        code = error.verify_code
        kinds = {9: "expired", 10: "expired", 62: "mismatch", 63: "mismatch", 64: "mismatch"}
        kind = kinds.get(code, "untrusted")
        return "lost" if kind == "untrusted" and AUTHORITY == "unread" else "certificate-" + kind
    if isinstance(error, ssl.SSLError):
        return "tls-failed"
    if isinstance(error, socket.timeout):
        return met[0]
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
    return met[0]


def greeting() -> str:
    """What the service says first, in hexadecimal digits."""
    said = b""
    with contextlib.closing(socket.create_connection((NAME, int(PORT)), float(LIMIT) / 3)) as link:
        met[0] = "said time"
        try:
            while not re.search(b"^SSH-[^\n]*\n", said, re.MULTILINE) and len(said) < 8192:
                data = link.recv(4096)
                if not data:
                    return "said closed " + said.hex()
                said += data
        except socket.timeout:
            return "said time " + said.hex()
        except ConnectionError:
            return "said reset " + said.hex()
    return "said open " + said.hex()


def asked(method: str, url: str, limit: float) -> "tuple[int, str, str]":
    """Status, Location and the page's beginning."""
    parts = urlsplit(url)
    name, timeout = parts.hostname or "", max(0.1, min(limit, END - time.monotonic()))
    with contextlib.closing(connection(parts.scheme, name, parts.port, timeout)) as link:
        link.connect()
        met[0] = "intermittent"
        target = quote((parts.path or "/") + ("?" + parts.query if parts.query else ""), "/?=&%:;,@+~!$'()*")
        link.request(method, target, headers={"User-Agent": AGENT, "Connection": "close"})
        answer = link.getresponse()
        body = page(answer) if method == "GET" and EXPECT else ""
        where = answer.getheader("Location", "").encode("latin-1", "replace").decode("utf-8", "replace")
        return answer.status, where, body


def connection(scheme: str, name: str, port: "int | None", timeout: float) -> client.HTTPConnection:
    if scheme == "https":
        return client.HTTPSConnection(name, port, timeout=timeout, context=trusted())
    return client.HTTPConnection(name, port, timeout=timeout)


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


def trusted() -> ssl.SSLContext:
    made = ssl.create_default_context()
    if AUTHORITY not in ("", "unread"):
        made.load_verify_locations(cadata=AUTHORITY)
    return made


def asked_again(url: str) -> "tuple[int, str, str]":
    """HEAD, then GET where that is refused, closed, or not answered for a while."""
    if METHOD or EXPECT:
        return asked(METHOD or "GET", url, float(LIMIT))
    try:
        status, where, body = asked("HEAD", url, FIRST)
        if status < 400:
            return status, where, body
    except (ConnectionResetError, client.BadStatusLine, BrokenPipeError, socket.timeout):
        if met[0] == "silence":
            raise
    return asked("GET", url, float(LIMIT))


def site() -> str:
    url = "%s://%s%s%s" % (SCHEME, "[%s]" % NAME if ":" in NAME else NAME, ":" + PORT, TARGET)
    chain = 0
    while True:
        status, where, body = asked_again(url)
        if status not in (301, 302, 303, 307, 308) or not where:
            break
        chain += 1
        url = urljoin(url, where)
        if chain >= int(REDIRECTS) or urlsplit(url).scheme not in ("http", "https"):
            return "redirection"
    if status < 400 and EXPECT and EXPECT not in body:
        return "content"
    return "status %d" % status


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, float(LIMIT))
    try:
        end(site() if KIND == "site" else greeting())
    except Exception as error:  # whatever it is, a line has to come
        end(failed(error))
