"""Time ``diagnose --host URL`` of a healthy site beside curl and ssh with one probe; and rules of many sites.

Whole processes, interleaved, medians. Prints tables, and exits with 1 if a limit does not hold.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import join

from rich.console import Console
from rich.table import Table

from bench.timing import Run, median, timed, timed_anew, told

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from hosts.testbed import TestHost, known_hosts_lines, open_testbed  # noqa: E402  # it stands in tests/
from sshdoctor.diagnosis.setup import load_checks, wanted_of  # noqa: E402  # after the path is set
from sshdoctor.facts import asked_once, commands  # noqa: E402  # as above
from sshdoctor.facts.probe import build_script  # noqa: E402  # as above
from sshdoctor.inventory import load_hosts, with_site  # noqa: E402  # as above
from sshdoctor.inventory.folders import check_folders  # noqa: E402  # as above
from sshdoctor.inventory.sites import Request  # noqa: E402  # as above

ROUNDS = 11
MANY = 2000
BIN = Path(sys.executable).parent
SITE = """\
rm -f /etc/nginx/sites-enabled/default
mkdir -p /var/www/site && echo well >/var/www/site/index.html
printf 'server { listen 80 default_server; root /var/www/site; }\\n' >/etc/nginx/conf.d/site.conf
systemctl start nginx
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = _of_a_site(folder)
        rules = _of_many(folder)
    ours, peers = seconds["sshdoctor diagnose --host URL"], seconds["curl -I, then ssh HOST sh -s < probe"]
    limits = {
        f"diagnose of a site is {ours / peers:.2f} times curl and ssh (at most 1.5)": ours / peers <= 1.5,
        **{
            f"{MANY} server blocks of {server}: {each:.2f} s (under 1)": each < 1
            for server, each in rules.items()
        },
    }
    return told(limits)


def _of_a_site(folder: Path) -> Mapping[str, float]:
    with open_testbed(folder, ["web"]) as testbed, testbed.host("web") as host:
        host.run(SITE)
        contestants = _contestants(host, testbed.key, folder)
        for command in contestants.values():
            timed_anew(command, folder=folder)  # what is read is in memory then
        return _interleaved(contestants, lambda command: timed_anew(command, folder=folder))


def _contestants(host: TestHost, key: Path, folder: Path) -> Mapping[str, tuple[str, ...]]:
    url = f"http://{host.address4}/"
    known_hosts = folder / ".ssh" / "known_hosts"  # each contestant's home is ``folder``
    known_hosts.parent.mkdir(mode=0o700)
    known_hosts.write_text(known_hosts_lines(host.host_keys, host.address4))
    inventory = folder / "inventory.yml"
    inventory.write_text(
        f"all: {{hosts: {{web1: {{ansible_host: {host.address4}, ansible_user: root, "
        f"ansible_ssh_private_key_file: {key}, sshdoctor_known_hosts: {known_hosts}, "
        f"sshdoctor_sites: ['{url}']}}}}}}\n"
    )
    probe = folder / "probe.sh"
    probe.write_text(_probe(inventory, host))
    options = f"-i {key} -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes".split()
    ssh = join(["ssh", *options, f"root@{host.address4}", "sh", "-s"])
    return {
        "curl -I, then ssh HOST sh -s < probe": ("sh", "-ec", f"curl -sI {url} >&2; {ssh} <{probe}"),
        "sshdoctor diagnose --host URL": (str(BIN / "sshdoctor"), "diagnose", "--host", url),
    }


def _probe(inventory: Path, host: TestHost) -> str:
    """What a diagnosis of the site asks the host, as one script."""
    [known] = load_hosts("web1", [inventory], os.environ)
    [site] = with_site(known, "bench", Request())
    wanted = wanted_of(load_checks(check_folders(())), site)
    variables = {
        "client": host.variables["CLIENT4"],
        "address": host.address4,
        "port": "80",
        "user": "",
        "token": "f00d" * 4,
        "site": host.address4,
        "site_path": "/",
    }
    return build_script(commands(wanted.facts), variables, "f00d" * 8, asked_once(wanted.facts))


def _of_many(folder: Path) -> Mapping[str, float]:
    """Seconds of a whole ``verdict`` about the last of many sites."""
    files = {"nginx": folder / "nginx.conf", "Apache": folder / "apache2.conf"}
    files["nginx"].write_text("".join(_nginx()))
    files["Apache"].write_text("".join(_apache()))
    url = f"http://site{MANY - 1}.test/admin/x"
    asked = ("--url", url, "--source", "198.51.100.9")
    commands_ = {
        server: (str(BIN / "sshdoctor"), "verdict", "--rules", str(file), *asked)
        for server, file in files.items()
    }
    return _interleaved(commands_, lambda command: timed(command, folder=folder, status=1))


def _nginx() -> Iterator[str]:
    yield "# configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp {\n"
    for number in range(MANY):
        yield (
            f"server {{\n listen 80;\n server_name site{number}.test www.site{number}.test;\n"
            f" root /var/www/site{number};\n location / {{ try_files $uri $uri/ /index.php?$args; }}\n"
            " location /admin/ { allow 192.0.2.0/24; deny all; }\n"
            " location ~ \\.php$ { fastcgi_pass unix:/run/php/fpm.sock; }\n}\n"
        )
    yield "}\n"


def _apache() -> Iterator[str]:
    yield "# configuration file /etc/apache2/apache2.conf:\nListen 80\n"
    for number in range(MANY):
        yield (
            f"<VirtualHost *:80>\n ServerName site{number}.test\n ServerAlias www.site{number}.test\n"
            f" DocumentRoot /var/www/site{number}\n <Directory /var/www/site{number}>\n"
            "  Require all granted\n </Directory>\n <Location /admin>\n  Require ip 192.0.2.0/24\n"
            " </Location>\n</VirtualHost>\n"
        )


def _interleaved(
    contestants: Mapping[str, tuple[str, ...]], run: Callable[[tuple[str, ...]], Run]
) -> Mapping[str, float]:
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for number in range(ROUNDS):
        for name, command in contestants.items():
            runs[name].append(run(command))
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    table = Table(title=f"{ROUNDS} rounds, interleaved")
    for heading in ("", "median s", "least s", "MB"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, each in runs.items():
        size = max(one.memory for one in each) / 2**20
        table.add_row(name, f"{median(each):.2f}", f"{min(one.seconds for one in each):.2f}", f"{size:.0f}")
    Console(width=80).print(table)
    return {name: median(each) for name, each in runs.items()}


if __name__ == "__main__":
    sys.exit(main())
