"""The script at a short address, and its capture taken back: with the clients that consoles have."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rescue.conftest import NAME, Rescue, make_script
from sshdoctor.access.capture.capture import Capture
from sshdoctor.errors import RescueError, UsageError
from sshdoctor.model import Host, Reply
from sshdoctor.rescue.serve import Post

HERE = (Reply(address="127.0.0.1", family="ipv4", port=1, word="", source="127.0.0.1"),)


class Offered:
    """A script that is offered, and someone who waits for the capture."""

    def __init__(self, post: Post, script: str, seconds: float = 30) -> None:
        self.post = post
        self.capture: Capture | None = None
        self.error: RescueError | None = None
        post.offer(script)
        self._thread = threading.Thread(target=self._wait, args=(seconds,))
        self._thread.start()

    @property
    def url(self) -> str:
        return self.post.lines[0].split()[-1].removesuffix("|sh")

    def _wait(self, seconds: float) -> None:
        try:
            self.capture = self.post.wait(seconds)
        except RescueError as error:
            self.error = error

    def end(self) -> Capture | None:
        self._thread.join(40)
        assert not self._thread.is_alive()
        return self.capture

    def ask(self, request: bytes) -> bytes:
        """What comes back for a request, byte by byte."""
        host, _, port = self.url.split("/")[2].rpartition(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(request)
            with suppress(OSError):  # the server may have answered and closed: nothing more is wanted
                connection.shutdown(socket.SHUT_WR)
            said = b""
            while chunk := connection.recv(4096):
                said += chunk
        return said

    def path(self, url: str) -> str:
        return "/" + url.split("/", 3)[3]


@pytest.fixture
def offered(host: Host, tmp_path: Path) -> Iterator[Offered]:
    with Post("", HERE) as post:
        script = make_script(tmp_path, host, url=post.return_url).read_text()
        one = Offered(post, script)
        yield one
        post.leave()
        one.end()


def post_request(path: str, body: bytes, length: str | None = None) -> bytes:
    told = str(len(body)) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {told}\r\n\r\n".encode() + body


@pytest.mark.parametrize("program", ["curl -s", "wget -qO-", "busybox wget -qO-"])
def test_the_typed_line_brings_the_capture(program: str, offered: Offered, tmp_path: Path) -> None:
    typed = f"{program} {offered.url}|sh"
    tools = tmp_path / "tools"  # what the line has is what the script finds first
    tools.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    if "curl" not in program:
        environment["PATH"] = f"{without(tools, 'curl', *(['wget'] if 'busybox' in program else []))}"
    done = subprocess.run(
        ["sh", "-c", typed], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    capture = offered.end()
    assert capture is not None, done
    assert (capture.asked.host, capture.lost, done.stderr) == (NAME, "", "")
    assert "The capture has arrived." in done.stdout
    assert not list(tmp_path.glob("sshdoctor.*")), "what was sent is not left lying about"


def without(folder: Path, *programs: str) -> str:
    """A search path without ``programs``; the script itself adds the usual folders, so these fail there."""
    for program in programs:
        (folder / program).write_text("#!/bin/sh\nexit 1\n")
        (folder / program).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_the_script_is_given_out_once(offered: Offered, rescue: Rescue) -> None:
    request = f"GET {offered.path(offered.url)} HTTP/1.0\r\n\r\n".encode()
    first, second = offered.ask(request), offered.ask(request)
    assert first.startswith(b"HTTP/1.0 200") and b"sshdoctor_rescue" in first
    assert second.startswith(b"HTTP/1.0 404") and second.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/1.1",
        "GET /<script>alert(1)</script> HTTP/1.1",
        "GET /../../etc/passwd HTTP/1.1",
        "GET http://elsewhere/ HTTP/1.1",
        "HEAD / HTTP/1.1",
        "POST /<script> HTTP/1.1",
        "PUT /<script> HTTP/1.1",
        "<script>alert(1)</script>",
        "GET /\xff\xfe HTTP/1.1",
        "GET / HTTP/9.9",
        "GET /" + "a" * 70000 + " HTTP/1.1",
    ],
)
def test_anything_else_is_refused_and_not_echoed(request_line: str, offered: Offered) -> None:
    said = offered.ask(f"{request_line}\r\nHost: <script>\r\n\r\n".encode("latin-1"))
    assert b"script" not in said and b"passwd" not in said and b"aaaa" not in said
    assert said == b"" or said.split()[1].startswith((b"4", b"5"))


def test_what_comes_back_is_limited_and_must_be_a_capture(offered: Offered, rescue: Rescue) -> None:
    path = offered.path(offered.post.return_url)
    assert offered.ask(post_request(path, b"", "99999999999")).startswith(b"HTTP/1.0 413")
    assert offered.ask(post_request(path, b"", "-1")).startswith(b"HTTP/1.0 411")
    assert offered.ask(f"POST {path} HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.0 411")
    assert offered.ask(post_request(path, b"<b>junk</b>")).startswith(b"HTTP/1.0 400")
    data = rescue.lines.encode()
    assert offered.ask(post_request(path, data[: len(data) // 2])).startswith(b"HTTP/1.0 400")
    assert offered.ask(post_request(path, data[:-99], str(len(data)))).startswith(b"HTTP/1.0 400")
    assert offered.ask(post_request("/guessed", data)).startswith(b"HTTP/1.0 404")
    assert offered.ask(post_request(offered.path(offered.url), data)).startswith(b"HTTP/1.0 404")
    assert offered.capture is None
    assert offered.ask(post_request(path, data)).startswith(b"HTTP/1.0 200")
    capture = offered.end()
    assert capture is not None and capture.asked.host == NAME


@pytest.mark.alone
def test_who_connects_and_says_nothing_holds_nobody_up(offered: Offered, rescue: Rescue) -> None:
    host, _, port = offered.url.split("/")[2].rpartition(":")
    idle = [socket.create_connection((host, int(port)), 10) for _ in range(8)]
    began = time.monotonic()
    data = post_request(offered.path(offered.post.return_url), rescue.lines.encode())
    assert offered.ask(data).startswith(b"HTTP/1.0 200")
    assert offered.end() is not None
    assert time.monotonic() - began < 5
    for connection in idle:
        connection.close()


@pytest.mark.parametrize(("fetched", "message"), [(False, "was not fetched"), (True, "was fetched, but")])
def test_the_offer_ends_by_itself(fetched: bool, message: str) -> None:
    with Post("", HERE) as post:
        one = Offered(post, "#!/bin/sh\n", seconds=1)
        if fetched:
            one.ask(f"GET {one.path(one.url)} HTTP/1.0\r\n\r\n".encode())
        assert one.end() is None
        assert message in str(one.error)
        with pytest.raises(ConnectionError):
            one.ask(b"GET / HTTP/1.0\r\n\r\n")


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*made, *named, *files], capture_output=True, check=True)
    return certificate, key


def test_with_a_certificate_it_speaks_tls_and_nothing_else(host: Host, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with Post("", HERE, str(certificate), str(key)) as post:
        script = make_script(tmp_path, host, url=post.return_url).read_text()
        one = Offered(post, script)
        assert one.url.startswith("https://127.0.0.1:")
        with suppress(ConnectionError):
            assert b"sshdoctor" not in one.ask(f"GET {one.path(one.url)} HTTP/1.0\r\n\r\n".encode())
        environment = {"CURL_CA_BUNDLE": str(certificate), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            ["sh", "-c", one.post.lines[0]], capture_output=True, text=True, env=environment, check=False
        )
        capture = one.end()
    assert capture is not None, done
    assert capture.asked.host == NAME


def test_to_a_server_that_is_not_who_it_should_be_no_capture_is_sent(host: Host, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with Post("", HERE, str(certificate), str(key)) as post:
        script = make_script(tmp_path, host, url=post.return_url)
        one = Offered(post, script.read_text(), seconds=8)
        environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
        done = subprocess.run(["sh", script], capture_output=True, text=True, env=environment, check=False)
        assert one.capture is None
        post.leave()
        one.end()
    assert "It could not be sent." in done.stdout
    assert len(list(tmp_path.glob("sshdoctor.*/capture"))) == 1


@pytest.mark.parametrize(
    ("source", "listen"),
    [
        ("203.0.113.255", "127.0.0.1:65535"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "[::]:65535"),
        ("127.0.0.1", ":65535"),
    ],
)
def test_what_is_typed_has_less_than_70_characters(source: str, listen: str) -> None:
    with Post(listen, (Reply(address="x", family="ipv4", port=22, word="", source=source),)) as post:
        assert max(map(len, post.lines)) < 70
        if "[::]" in listen:
            assert f"[{source}]:65535" in post.lines[0]


@pytest.mark.parametrize(
    ("listen", "certificate", "key", "message"),
    [
        ("", "", "", "--listen is missing: ADDRESS:PORT"),
        ("203.0.113.77:8022", "", "", "--listen 203.0.113.77:8022: Cannot assign requested address"),
        ("127.0.0.1:none", "", "", "--listen 127.0.0.1:none: a port is a number"),
        ("127.0.0.1", "", "key.pem", "--key needs --certificate"),
        ("127.0.0.1", "nowhere.pem", "", "--certificate nowhere.pem: "),
        ("127.0.0.1", "/dev/null", "", "--certificate /dev/null: "),
    ],
)
def test_what_cannot_be_offered_is_said(listen: str, certificate: str, key: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("[", r"\[")):
        Post(listen, (), certificate, key)
