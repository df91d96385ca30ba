"""Random configurations of nginx, asked of the real nginx on loopback and of the model.

``python -m sites.oracle NUMBER [SEED]``: so many requests, ten for each configuration.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshdoctor.access_rules.nginx.read import read
from sshdoctor.access_rules.nginx.walk import walk
from sshdoctor.access_rules.verdict import Request

PORT = 10_000 + os.getpid() % 20_000
"""Its own in every run, so that two at once do not answer for each other."""
SOURCES = ("127.0.0.1", "127.0.0.2", "127.1.2.3", "127.9.9.9")
NAMES = ("site.test", "www.site.test", "other.test", "x.y.test", "nobody.test")
PATHS = (
    "/",
    "/index.html",
    "/a/b.php",
    "/a/",
    "/a",
    "/xmlrpc.php",
    "/wp-json/x",
    "/static/logo.png",
    "/static/",
    "/old/thing",
    "/A/B.PHP",
    "/none?x=1",
)
METHODS = ("GET", "GET", "GET", "POST", "HEAD", "DELETE", "OPTIONS")
AGENTS = ("curl/8", "Mozilla/4.0 (x)", "BadBot/1", "")
REFERERS = ("", "", "http://site.test/x", "http://mirror.test/", "nothing")
FILES = ("index.html", "a/b.php", "static/logo.png", "a/index.html", "xmlrpc.php")


def configuration(chance: random.Random) -> str:
    """An http block with a few servers."""
    maps = f"""
    map $http_user_agent $agent {{
        default {chance.choice("01")};
        "~*badbot" {chance.choice("012")};
        "~Mozilla/4\\.0" 3;
        "curl/8" {chance.choice("0012")};
    }}
    geo $near {{
        default 0;
        127.0.0.0/24 {chance.choice("01")};
        127.0.0.2 {chance.choice("01")};
        127.1.0.0/16 2;
    }}
    map "$request_method:$near" $both {{
        default 0;
        POST:1 1;
        "~^GET:2$" {chance.choice("01")};
    }}"""
    servers = "\n".join(_server(chance, number) for number in range(chance.randint(1, 3)))
    return f"{maps}\n{servers}"


def _server(chance: random.Random, number: int) -> str:
    names = chance.choice(
        (
            "site.test www.site.test",
            "other.test",
            ".site.test",
            "*.y.test",
            "~^(?<who>\\w+)\\.test$",
            "www.*",
            "_",
        )
    )
    default = " default_server" if number == 0 and chance.random() < 0.3 else ""
    body = "\n".join(_some(chance, _ACCESS + _REWRITE, 2))
    locations = "\n".join(dict.fromkeys(_location(chance, 0) for _ in range(chance.randint(0, 4))))
    return f"""
    server {{
        listen {PORT}{default};
        server_name {names};
        {body}
        {_unique(locations)}
    }}"""


def _unique(text: str) -> str:
    """nginx refuses two locations of one text: the later ones go."""
    seen: set[str] = set()
    kept: list[str] = []
    for block in text.split("#|"):
        head = block.strip().partition("{")[0]
        if block.strip() and head not in seen:
            seen.add(head)
            kept.append(block)
    return "".join(kept)


_ACCESS = (
    lambda c: f"deny {c.choice(('all', '127.0.0.2', '127.1.0.0/16', '127.0.0.0/8'))};",
    lambda c: f"allow {c.choice(('all', '127.0.0.1', '127.1.2.3', '127.0.0.0/24'))};",
    lambda c: "allow 127.9.9.9; deny all;",
)
_REWRITE = (
    lambda c: f"if ($agent = {c.choice('0123')}) {{ return {c.choice(('403', '444', '410', '503'))}; }}",
    lambda c: f"if ($request_method {c.choice(('=', '!='))} {c.choice(('HEAD', 'POST'))}) {{ return 405; }}",
    lambda c: f"if ($near) {{ return {c.choice(('403', '404'))}; }}",
    lambda c: "if ($both) { return 403; }",
    lambda c: (
        f"rewrite ^/old/(.*)$ /{c.choice(('a', 'static'))}/$1 {c.choice(('last', 'break', 'permanent', 'redirect', ''))};"
    ),
    lambda c: "rewrite ^/a$ /xmlrpc.php last;",
    lambda c: (
        f"set $mark {c.choice('01')}; if ($http_referer ~* mirror) {{ set $mark 1; }} if ($mark) {{ return 403; }}"
    ),
    lambda c: "if (-f $document_root/index.html) { set $there 1; } if ($there = 2) { return 503; }",
    lambda c: f"if ($http_referer !~ {c.choice(('site', '^$', 'http'))}) {{ break; }}",
    lambda c: "if ($arg_x = 1) { return 404; }",
)
_LOCAL = (
    lambda c: f"return {c.choice(('403', '200', '404', '301 /x', '410'))};",
    lambda c: (
        f"limit_except {c.choice(('GET', 'POST', 'GET POST'))} {{ {c.choice(('deny all;', 'allow 127.0.0.1; deny all;'))} }}"
    ),
    lambda c: "internal;",
    lambda c: f"satisfy {c.choice(('any', 'all'))}; auth_basic x; auth_basic_user_file htpasswd;",
    lambda c: f"try_files $uri $uri/ {c.choice(('=404', '/index.html', '/xmlrpc.php?$args', '=403'))};",
    lambda c: (
        f"valid_referers {c.choice(('none', 'none blocked', 'blocked'))} site.test *.y.test; if ($invalid_referer) {{ return 403; }}"
    ),
)


def _some(chance: random.Random, makers: tuple[object, ...], most: int) -> Iterator[str]:
    chosen = chance.sample(makers, chance.randint(0, min(most, len(makers))))
    for maker in chosen:
        yield maker(chance)  # type: ignore[operator]  # each is a function of the chance


def _location(chance: random.Random, depth: int) -> str:
    heads = (
        "= /xmlrpc.php", "/", "/a/", "^~ /static/", "/static", "~ \\.php$", "~* \\.PHP$", "= /", "/wp-json/",
        "~ ^/a/(.*)$", "^~ /wp-json/", "~* \\.(png|jpg)$",
    )  # fmt: skip
    head = chance.choice(heads)
    body = " ".join(_some(chance, _ACCESS + _REWRITE[:5] + _LOCAL, 3))
    return f"#|        location {head} {{ {body} }}\n"


@contextmanager
def nginx(folder: Path) -> Iterator[Path]:
    """A real nginx on loopback; what is written to the file that is given is loaded by ``reload``."""
    for name in FILES:
        (folder / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "root" / name).write_text("page\n")
    (folder / "htpasswd").write_text("a:{PLAIN}b\n")
    (folder / "rules.conf").write_text("")
    (folder / "nginx.conf").write_text(
        f"user root;\ndaemon off;\nmaster_process on;\nworker_processes 1;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log;\nevents {{ }}\nhttp {{\n"
        f"access_log off; root {folder}/root; keepalive_timeout 0;\ninclude {folder}/rules.conf;\n}}\n"
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert program, "the oracle needs nginx on this machine: apt install nginx-core"
    yield folder


class Real:
    """Runs one configuration after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def load(self, rules: str) -> bool:
        """Whether nginx takes it."""
        self.stop()
        (self.folder / "rules.conf").write_text(rules)
        command = ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        if subprocess.run([*command, "-t", "-q"], capture_output=True, check=False).returncode:
            return False
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                connected("127.0.0.1").connect()
            except OSError:
                time.sleep(0.01)
            else:
                return True
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


def connected(source: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", PORT, timeout=5, source_address=(source, 0))


def status(request: Request) -> int:
    """What the real one answers; 444 where it closes the connection."""
    connection = connected(request.source)
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"host": request.host, **request.headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return 444
    finally:
        connection.close()


def a_request(chance: random.Random) -> Request:
    headers = {}
    if agent := chance.choice(AGENTS):
        headers["user-agent"] = agent
    if referer := chance.choice(REFERERS):
        headers["referer"] = referer
    return Request(
        source=chance.choice(SOURCES),
        method=chance.choice(METHODS),
        host=chance.choice(NAMES),
        port=PORT,
        target=chance.choice(PATHS),
        headers=headers,
    )


def compare(number: int, seed: int) -> tuple[int, int, list[str]]:
    """How many requests agreed, of how many the model was unsure, and the disagreements."""
    chance = random.Random(seed)  # noqa: S311 -- the same in every run
    agreed = unsure = 0
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name, nginx(Path(name)) as folder:
        real = Real(folder)

        def exists(path: str, kind: str) -> bool | None:
            there = Path(path)
            return (
                there.exists() if kind == "any" else there.is_dir() if kind == "folder" else there.is_file()
            )

        try:
            while agreed + unsure + len(wrong) < number:
                rules = configuration(chance)
                if not real.load(rules):
                    continue
                files = {
                    str(folder / one): (folder / one).read_text() for one in ("nginx.conf", "rules.conf")
                }
                parsed = read(files, str(folder / "nginx.conf"))
                for _ in range(20):
                    request = a_request(chance)
                    walked = walk(parsed, request, exists)
                    came = status(request)
                    judged = _agrees(walked, came, request, exists)
                    if judged is None:
                        unsure += 1
                    elif judged:
                        agreed += 1
                    else:
                        wrong.append(f"{request} came {came}, model {walked.verdict}\n{rules}")
        finally:
            real.stop()
    return agreed, unsure, wrong


def _agrees(walked: object, came: int, request: Request, exists: object) -> bool | None:
    verdict = walked.verdict  # type: ignore[attr-defined]  # a Walk
    if verdict.verdict == "unknown":
        return None
    if verdict.status is not None:
        return bool(verdict.status == came)
    path = Path(walked.file)  # type: ignore[attr-defined]  # a Walk
    if request.method not in ("GET", "HEAD") and came == 405:
        return True
    if walked.file.endswith("/"):  # type: ignore[attr-defined]  # a Walk
        return came == 403 if path.is_dir() else came == 404
    if path.is_dir():
        return came == 301
    return came == (200 if path.is_file() else 404)


if __name__ == "__main__":
    agreed, unsure, wrong = compare(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print("\n\n".join(wrong[:3]))
    print(f"{agreed} agree, {unsure} unsure, {len(wrong)} disagree")
