"""Runs on a witness, by its own python3 (3.5 or newer): prints what it got, in one line.

Arguments: kind, scheme, name, port, target, limit, redirects, method, user agent, expected text.
"""

import contextlib
import errno
import os
import signal
import socket
import ssl
import sys
import time
from http import client
from urllib.parse import urljoin, urlsplit

NOTHING = ["", "", "", "0", "", "0", "0", "", "", ""]
ASKED = sys.argv[1:11] if __name__ == "__main__" else NOTHING
KIND, SCHEME, NAME, PORT, TARGET, LIMIT, REDIRECTS, METHOD, AGENT, EXPECT = ASKED
END = time.monotonic() + float(LIMIT)
FIRST = 5.0
MOST = 65536
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
        return "certificate-" + kinds.get(code, "untrusted")
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
            while b"\n" not in said and len(said) < 8192:
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
    kind = client.HTTPSConnection if parts.scheme == "https" else client.HTTPConnection
    link = kind(parts.hostname or "", parts.port, timeout=max(0.1, min(limit, END - time.monotonic())))
    with contextlib.closing(link):
        link.connect()
        met[0] = "intermittent"
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        link.request(method, target, headers={"User-Agent": AGENT, "Connection": "close"})
        answer = link.getresponse()
        body = answer.read(MOST) if method == "GET" and EXPECT else b""
        return answer.status, answer.getheader("Location", ""), body.decode("utf-8", "replace")


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
