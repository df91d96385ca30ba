"""Random configurations of Apache, asked of the real Apache on loopback and of the model.

``python -m sites.apache_oracle NUMBER [SEED]``: so many requests, twenty for each configuration.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sites.oracle import AGENTS, METHODS, NAMES, PATHS, PORT, REFERERS, SOURCES, connected, status
from sshdoctor.access_rules.apache.read import Reader
from sshdoctor.access_rules.apache.walk import ApacheWalk, walk
from sshdoctor.access_rules.verdict import Request

FILES = ("index.html", "a/b.php", "static/logo.png", "a/index.html", "xmlrpc.php", "wp-json/x", "a/.secret")
MORE = ("/index.html/more", "/a/b.php/x", "/none/x/y", "/a//b.php", "/static/../xmlrpc.php", "/%78mlrpc.php")
PROGRAM = "/usr/sbin/apache2"
_MODULES = Path("/usr/lib/apache2/modules")
_LOADED = (
    "mpm_event authz_core authz_host access_compat authn_core authn_file auth_basic authz_user alias rewrite dir "
    "autoindex setenvif remoteip"
).split()
_FORWARDED = ("", "", "127.0.0.2", "192.0.2.7", "192.0.2.7, 127.9.9.9", "198.51.100.3, 10.0.0.1", "nobody")
Maker = Callable[[random.Random], str]

_IPS = ("127.0.0.2", "127.1", "127.0.0.0/24", "127.0.0.0/255.255.0.0", "192.0.2.0/24", "127.1.2.3 127.9.9.9")
_EXPRESSIONS = (
    "%{REQUEST_METHOD} == 'POST'",
    "%{HTTP_USER_AGENT} =~ /badbot/i",
    "-R '127.1.0.0/16' || %{REQUEST_URI} =~ m#^/a/#",
    "%{QUERY_STRING} == 'x=1' && !(%{HTTP_REFERER} == '')",
    "%{REQUEST_URI} in { '/', '/index.html' }".replace(" in ", " -in "),
    "-z req('Referer')",
    "%{REMOTE_ADDR} -ipmatch '127.0.0.0/24'",
    "true",
)
_REQUIRES = (
    "all granted", "all denied", "local", "method GET", "method POST OPTIONS", "env bad", "env near",
    "valid-user", "user anna",
)  # fmt: skip


def _require(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.4:
        return f"Require ip {chance.choice(_IPS)}"
    if kind < 0.55:
        return f'Require expr "{chance.choice(_EXPRESSIONS)}"'
    return f"Require {chance.choice(_REQUIRES)}"


def _container(chance: random.Random, depth: int = 0) -> str:
    name = chance.choice(("RequireAll", "RequireAny", "RequireNone"))
    lines = [_require(chance) for _ in range(chance.randint(1, 3))]
    if name == "RequireAll" and chance.random() < 0.5:
        lines.append("Require not ip " + chance.choice(_IPS))
    if depth == 0 and chance.random() < 0.4:
        lines.append(_container(chance, 1))
    beside = "Require all granted\n" if name == "RequireNone" else ""
    text = f"<{name}>\n" + "\n".join(lines) + f"\n</{name}>"
    return f"<RequireAll>\n{beside}{text}\n</RequireAll>" if beside else text


def _compat(chance: random.Random) -> str:
    lines = [f"Order {chance.choice(('allow,deny', 'deny,allow'))}"]
    for _ in range(chance.randint(0, 3)):
        whom = chance.choice(("all", "127.0.0.2", "127.1.0.0/16", "127.0", "env=bad", "env=!near"))
        lines.append(f"{chance.choice(('Allow', 'Deny'))} from {whom}")
    if chance.random() < 0.2:
        lines.append(f"Satisfy {chance.choice(('any', 'all'))}")
    return "\n".join(lines)


def _limited(chance: random.Random) -> str:
    name = chance.choice(("Limit", "LimitExcept"))
    inner = _require(chance) if chance.random() < 0.6 else _compat(chance)
    return f"<{name} {chance.choice(('POST', 'GET', 'GET POST', 'DELETE'))}>\n{inner}\n</{name}>"


def _rewriting(chance: random.Random, in_folder: bool) -> str:
    slash = "" if in_folder else "/"
    lines = ["RewriteEngine " + chance.choice(("On", "On", "On", "Off"))]
    if in_folder and chance.random() < 0.2:
        lines.append("RewriteBase /")
    for _ in range(chance.randint(1, 3)):
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            lines.append("RewriteCond " + chance.choice(_CONDITIONS) + chance.choice(("", "", " [OR]", " [NC]")))
        lines.append("RewriteRule " + chance.choice(_RULES).replace("^/", f"^{slash}"))
    return "\n".join(lines)


_CONDITIONS = (
    "%{HTTP_USER_AGENT} BadBot", "%{HTTP_USER_AGENT} ^$", "%{REQUEST_METHOD} !^(GET|HEAD)$", "%{REMOTE_ADDR} ^127\\.1",
    "%{REQUEST_FILENAME} !-f", "%{REQUEST_FILENAME} -d", "%{HTTP_REFERER} !site\\.test", "%{QUERY_STRING} ^x=(.)",
    "%{REQUEST_URI} !^/(a|static)/", "%{HTTP_HOST} =site.test", "%{ENV:bad} 1", "%{THE_REQUEST} xmlrpc",
)  # fmt: skip
_RULES = (
    "^/xmlrpc\\.php$ - [F]", "\\.php$ - [F,L]", "^/old/(.*)$ /a/$1 [L]", "^/a/?$ /xmlrpc.php", ". /index.html [L]",
    "^/static/ - [G]", "^ - [R=404,L]", "^/old/(.*) http://elsewhere.test/$1 [R=301,L]", "^/wp-json - [L]",
    "!^/a - [F]", "^ - [E=bad:1]", "^/(.*)\\.html$ /$1.php [PT]", "^/none - [S=1]", "^/A/ - [NC,F]",
)  # fmt: skip
_REDIRECTS = (
    "Redirect 403 /static", "Redirect gone /old", "RedirectMatch 404 \\.png$", "Redirect /wp-json http://other.test/",
    "RedirectMatch 403 (?i)^/a/.*php",
)  # fmt: skip
_ENVS = (
    "SetEnvIf User-Agent BadBot bad", "SetEnvIfNoCase User-Agent ^curl bad=1 !near", "BrowserMatch ^$ bad",
    "SetEnvIf Remote_Addr ^127\\.0\\.0 near", "SetEnvIf Request_URI php near", "SetEnvIf Referer mirror bad",
)  # fmt: skip


def _access(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.35:
        text = _require(chance)
    elif kind < 0.55:
        text = _container(chance)
    elif kind < 0.7:
        text = _compat(chance)
    elif kind < 0.8:
        text = _limited(chance)
    elif kind < 0.9:
        text = "\n".join((_require(chance), _require(chance)))
    else:
        text = chance.choice(("AuthMerging And", "AuthMerging Or", "AuthMerging Off")) + "\n" + _require(chance)
    if "valid-user" in text or "user anna" in text or chance.random() < 0.05:
        text = 'AuthType Basic\nAuthName "a realm"\nAuthUserFile {folder}/htpasswd\n' + text
    return text


def _body(chance: random.Random, in_folder: bool, nested: bool = True) -> str:
    lines = []
    if chance.random() < 0.7:
        lines.append(_access(chance))
    if in_folder and chance.random() < 0.3:
        lines.append(_rewriting(chance, True))
    if chance.random() < 0.15:
        lines.append(chance.choice(_REDIRECTS))
    if chance.random() < 0.15:
        lines.append(chance.choice(_ENVS))
    if in_folder and chance.random() < 0.2:
        lines.append("Options " + chance.choice(("Indexes", "-Indexes +FollowSymLinks", "None", "All", "+Indexes")))
    if in_folder and chance.random() < 0.1:
        lines.append("DirectoryIndex " + chance.choice(("index.php index.html", "b.php", "none.html", "disabled")))
    if nested and in_folder and chance.random() < 0.3:
        lines.append(_files(chance))
    if nested and chance.random() < 0.2:
        lines.append(_if(chance))
    return "\n".join(lines)


def _files(chance: random.Random) -> str:
    head = chance.choice(
        ('<Files "xmlrpc.php">', '<Files "*.php">', '<FilesMatch "\\.(php|png)$">', '<Files ~ "^\\.">')
    )
    end = "FilesMatch" if "FilesMatch" in head else "Files"
    return f"{head}\n{_access(chance)}\n</{end}>"


def _if(chance: random.Random) -> str:
    text = f'<If "{chance.choice(_EXPRESSIONS)}">\n{_access(chance)}\n</If>'
    if chance.random() < 0.3:
        text += f"\n<Else>\n{_access(chance)}\n</Else>"
    return text


def _section(chance: random.Random) -> str:
    name, arg = chance.choice(
        (
            ("Directory", '"{folder}/root"'), ("Directory", '"{folder}/root/a"'), ("Directory", '"{folder}/root/*"'),
            ("Directory", "{folder}/root/static/"), ("DirectoryMatch", '"root/(a|static)/"'), ("Directory", "/"),
            ("Location", "/a"), ("Location", "/xmlrpc.php"), ("Location", "/"), ("LocationMatch", '"^/(a|old)/"'),
            ("Location", '"/*.php"'), ("Location", "/static/"), ("Location", '~ "php$"'),
        )
    )  # fmt: skip
    if name == "Directory" and chance.random() < 0.3:
        override = chance.choice(("None", "All", "All", "AuthConfig", "FileInfo Limit", "FileInfo AuthConfig Options"))
        body = f"AllowOverride {override}\n" + _body(chance, True)
    else:
        body = _body(chance, name == "Directory")
    return f"<{name} {arg}>\n{body}\n</{name}>"


def _server(chance: random.Random) -> str:
    name = chance.choice(("ServerName site.test\nServerAlias www.site.test", "ServerName other.test\nServerAlias *.y.test"))
    lines = [name]
    if chance.random() < 0.4:
        lines.append(_rewriting(chance, False))
    if chance.random() < 0.3:
        lines.append(chance.choice(_REDIRECTS))
    if chance.random() < 0.3:
        lines.append(chance.choice(_ENVS))
    if chance.random() < 0.2:
        lines.append("Alias /old {folder}/root/a")
    if chance.random() < 0.2:
        lines.append(_files(chance))
    lines += [_section(chance) for _ in range(chance.randint(0, 4))]
    return f"<VirtualHost *:{PORT}>\n" + "\n".join(lines) + "\n</VirtualHost>"


def configuration(chance: random.Random, folder: Path) -> tuple[str, dict[str, str]]:
    """The rules, and .htaccess files by their folder below the root."""
    lines = [_section(chance) for _ in range(chance.randint(0, 3))]
    lines += [_server(chance) for _ in range(chance.randint(0, 2))]
    if chance.random() < 0.3:
        lines.append("RemoteIPHeader X-Forwarded-For")
        if chance.random() < 0.7:
            lines.append(f"RemoteIP{chance.choice(('Internal', 'Trusted'))}Proxy 127.0.0.0/8")
    lines += [chance.choice(_ENVS) for _ in range(chance.randint(0, 2))]
    files = {}
    for below in ("", "a", "static"):
        if chance.random() < 0.4:
            files[below] = _body(chance, True).replace("{folder}", str(folder)) + "\n"
    return "\n".join(lines).replace("{folder}", str(folder)), files


def prepared(folder: Path) -> None:
    """The site, and the files of the server around the rules."""
    for name in FILES:
        (folder / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "root" / name).write_text("page\n")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "htpasswd").write_text("anna:{SHA}nothing\n")
    there = [one for one in _LOADED if (_MODULES / f"mod_{one}.so").exists()]
    loaded = "\n".join(f"LoadModule {one}_module {_MODULES}/mod_{one}.so" for one in there)
    (folder / "apache2.conf").write_text(
        f"ServerRoot {folder}\nServerName main.test\nListen {PORT}\nPidFile {folder}/pid\n{loaded}\n"
        f"ErrorLog {folder}/error.log\nUser www-data\nGroup www-data\nKeepAlive Off\n"
        f"StartServers 1\nServerLimit 1\nThreadsPerChild 4\nMaxRequestWorkers 4\n"
        f"DocumentRoot {folder}/root\nInclude {folder}/rules.conf\n"
    )


class Real:
    """A real Apache that runs one configuration after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, None

    process: subprocess.Popen[bytes] | None

    def load(self, rules: str, htaccess: dict[str, str]) -> bool:
        """Whether Apache takes it."""
        self.stop()
        (self.folder / "rules.conf").write_text(rules)
        for below in ("", "a", "static"):
            file = self.folder / "root" / below / ".htaccess"
            file.unlink(missing_ok=True)
            if below in htaccess:
                file.write_text(htaccess[below])
                file.chmod(0o644)
        command = [PROGRAM, "-f", str(self.folder / "apache2.conf")]
        if subprocess.run([*command, "-t"], capture_output=True, check=False).returncode:
            return False
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen([*command, "-DFOREGROUND"], stderr=quiet, stdout=quiet)
        for _ in range(300):
            try:
                connected("127.0.0.1").connect()
            except OSError:
                if self.process.poll() is not None:
                    return False
                time.sleep(0.01)
            else:
                return True
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill() if self.process.poll() is None and self._ended() else None
            self.process = None

    def _ended(self) -> bool:
        """Whether it had to be killed."""
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            return True
        return False


def a_request(chance: random.Random) -> Request:
    headers = {}
    for name, values in (("user-agent", AGENTS), ("referer", REFERERS), ("x-forwarded-for", _FORWARDED)):
        if value := chance.choice(values):
            headers[name] = value
    return Request(
        source=chance.choice(SOURCES),
        address="127.0.0.1",
        method=chance.choice(METHODS),
        host=chance.choice(NAMES),
        port=PORT,
        target=chance.choice((*PATHS, *MORE)),
        headers=headers,
    )


def _exists(path: str, kind: str) -> bool | None:
    there = Path(path)
    return there.exists() if kind == "any" else there.is_dir() if kind == "folder" else there.is_file()


def compare(number: int, seed: int) -> tuple[int, int, list[str]]:
    """How many requests agreed, of how many the model was unsure, and the disagreements."""
    chance = random.Random(seed)  # noqa: S311 -- the same in every run
    agreed = unsure = 0
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        real = Real(folder)
        try:
            while agreed + unsure + len(wrong) < number:
                rules, htaccess = configuration(chance, folder)
                if not real.load(rules, htaccess):
                    continue
                for request, walked in _walks(chance, folder, htaccess):
                    came = status(request)
                    judged = _agrees(walked, came, request)
                    unsure += judged is None
                    agreed += judged is True
                    if judged is False:
                        told = f"{request} came {came}, model {walked.verdict} {walked.file}"
                        wrong.append("\n".join((told, rules, *map(str, htaccess.items()))))
        finally:
            real.stop()
    return agreed, unsure, wrong


def _walks(
    chance: random.Random, folder: Path, htaccess: dict[str, str]
) -> Iterator[tuple[Request, ApacheWalk]]:
    files = {str(folder / one): (folder / one).read_text() for one in ("apache2.conf", "rules.conf")}
    reader = Reader(files, modules=_LOADED, root=str(folder))
    configuration = reader.read(str(folder / "apache2.conf"))
    seen = {str(folder / "root" / below / ".htaccess"): text for below, text in htaccess.items()}
    for _ in range(20):
        request = a_request(chance)
        yield request, walk(configuration, request, reader, _exists, seen)


def _agrees(walked: ApacheWalk, came: int, request: Request) -> bool | None:
    verdict = walked.verdict
    if verdict.verdict in ("unknown", "depends"):
        return None
    if verdict.status is not None:
        return verdict.status == came
    path = Path(walked.file)
    if path.is_dir():
        return came in (200, 301, 405)
    return came in ((200, 405) if path.is_file() else (404,))


def main(arguments: Sequence[str]) -> None:
    agreed, unsure, wrong = compare(int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1)
    print("\n\n".join(wrong[:12]))
    print(f"{agreed} agree, {unsure} unsure, {len(wrong)} disagree")


if __name__ == "__main__":
    main(sys.argv[1:])
