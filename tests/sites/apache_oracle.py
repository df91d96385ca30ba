"""Random configurations of Apache, asked of the real Apache on loopback and of the model.

``python -m sites.apache_oracle NUMBER [SEED]``: so many requests, twenty for each configuration.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sites.apache_configurations import configuration
from sites.oracle import AGENTS, METHODS, NAMES, PATHS, PORT, REFERERS, SOURCES, connected, status
from sshdoctor.access_rules.apache.read import Reader
from sshdoctor.access_rules.apache.walk import ApacheWalk, walk
from sshdoctor.access_rules.verdict import Request

FILES = ("index.html", "a/b.php", "static/logo.png", "a/index.html", "xmlrpc.php", "wp-json/x", "a/.secret")
MORE = ("/index.html/more", "/a/b.php/x", "/none/x/y", "/a//b.php", "/static/../xmlrpc.php", "/%78mlrpc.php")
PROGRAM = "/usr/sbin/apache2"
_MODULES = Path("/usr/lib/apache2/modules")
_LOADED = (
    "mpm_event",
    "authz_core",
    "authz_host",
    "access_compat",
    "authn_core",
    "authn_file",
    "auth_basic",
    "authz_user",
    "alias",
    "rewrite",
    "dir",
    "autoindex",
    "setenvif",
    "remoteip",
)
_FORWARDED = ("", "", "127.0.0.2", "192.0.2.7", "192.0.2.7, 127.9.9.9", "198.51.100.3, 10.0.0.1", "nobody")


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


def _answer(request: Request) -> int:
    """The status. Apache at times says nothing where redirects go round (AH00124): it is asked again then."""
    for _ in range(5):
        try:
            return status(request)
        except TimeoutError:
            continue
    raise TimeoutError(f"Apache does not answer {request}")


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
                    came = _answer(request)
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
    if path.is_file() or request.method not in ("GET", "HEAD", "POST"):
        return came in (200, 405)
    return came == 404


def main(arguments: Sequence[str]) -> None:
    agreed, unsure, wrong = compare(int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1)
    print("\n\n".join(wrong[:12]))
    print(f"{agreed} agree, {unsure} unsure, {len(wrong)} disagree")


if __name__ == "__main__":
    main(sys.argv[1:])
