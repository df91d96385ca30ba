"""``--from HOST``: a site is asked as from another host of the inventory, over each kind of way into it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import validate

from hosts.testbed import Testbed, TestHost

pytestmark = pytest.mark.containers

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
SITE = r"""
rm -f /etc/nginx/sites-enabled/default
mkdir -p /var/www/s && echo 'the page' >/var/www/s/index.html
printf 'anna:{PLAIN}secret\n' >/etc/nginx/htpasswd
openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/ssl/s.key -out /etc/ssl/s.pem -days 9 \
  -subj /CN=s -addext "subjectAltName=IP:$IP" 2>/dev/null
cat >/etc/nginx/conf.d/s.conf <<END
server {
    listen 80; listen [::]:80; listen 443 ssl;
    ssl_certificate /etc/ssl/s.pem; ssl_certificate_key /etc/ssl/s.key;
    root /var/www/s;
    location /closed {
        deny $FAR;
        rewrite ^ /index.html break;
    }
    location /secret {
        auth_basic s;
        auth_basic_user_file /etc/nginx/htpasswd;
        rewrite ^ /index.html break;
    }
    location = /moved { return 301 https://$IP/closed; }
    location = /told { if (\$http_x_word != "well") { return 418; } rewrite ^ /index.html break; }
}
END
systemctl start nginx
"""


class Street(msgspec.Struct, frozen=True):
    """A site, and a host that dials it: by SSH, or by the engine of containers."""

    folder: Path
    site: TestHost
    far: TestHost

    def diagnose(self, url: str, *flags: str, status: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", f"--inventory={self.folder}/hosts.json"]
        done = subprocess.run(
            [
                *command,
                "--on=web1",
                "--timeout=12",
                "--format=json",
                f"--ca={self.folder}/s.pem",
                "--host",
                url,
                *flags,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        report = json.loads(done.stdout)
        validate(report, SCHEMA)
        host: dict[str, Any] = report["hosts"][0]
        return host


@pytest.fixture(scope="module")
def street(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    with testbed.host("web") as site, testbed.host("debian12") as far:
        site.run(f"IP={site.address4} FAR={far.address4}\n{SITE}", {})
        known = folder / "known_hosts"
        known.write_text("".join(f"{far.address4} {line}\n" for line in far.host_keys.splitlines()))
        (folder / "s.pem").write_text(site.run("cat /etc/ssl/s.pem", {}) + "\n")
        by_ssh = {
            "ansible_host": far.address4,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(testbed.key),
            "sshdoctor_known_hosts": str(known),
        }
        inventory = {
            "web1": {"ansible_connection": "podman", "ansible_podman_host": site.container},
            "far-ssh": by_ssh,
            "far-podman": {"ansible_connection": "podman", "ansible_podman_host": far.container},
            "gone": {"ansible_connection": "podman", "ansible_podman_host": "no-such-container"},
        }
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": inventory}}))
        yield Street(folder=folder, site=site, far=far)


WITNESSES = pytest.mark.parametrize("witness", ["far-ssh", "far-podman"])


@WITNESSES
def test_what_another_host_alone_is_refused_is_found(street: Street, witness: str) -> None:
    url = f"http://{street.site.address4}/closed"
    assert street.diagnose(url, status=0)["verdict"] == "healthy"
    host = street.diagnose(url, f"--from={witness}", status=1)
    (reply,) = host["outside"]
    assert (reply["reply"], reply["from"], reply["status"]) == ("blocked", witness, 403)
    cause = host["causes"][0]
    assert (cause["id"], cause["confidence"]) == ("access-denied-by-rule", "proved")
    assert f"deny {street.far.address4}" in cause["summary"]
    assert any(f"--from {witness}" in line for line in host["next"])


@WITNESSES
def test_redirects_tls_and_the_second_family_are_followed_from_there(street: Street, witness: str) -> None:
    host = street.diagnose(f"http://{street.site.address4}/moved", f"--from={witness}", status=1)
    assert host["outside"][0]["status"] == 403
    host = street.diagnose(f"https://{street.site.address4}/", f"--from={witness}", status=0)
    assert host["outside"][0]["reply"] == "success"
    host = street.diagnose(f"http://[{street.site.address6}]/", f"--from={witness}", status=0)
    assert (host["outside"][0]["family"], host["outside"][0]["from"]) == ("ipv6", witness)


@WITNESSES
def test_it_is_asked_there_as_the_one_who_is_refused_asks(street: Street, witness: str) -> None:
    url = f"http://{street.site.address4}"
    assert street.diagnose(f"{url}/told", f"--from={witness}", status=1)["outside"][0]["status"] == 418
    street.diagnose(f"{url}/told", f"--from={witness}", "--header=X-Word: well", status=0)
    secret = url.replace("://", "://anna:secret@")
    told = street.diagnose(f"{secret}/secret", f"--from={witness}", status=0)
    assert "secret@" not in json.dumps(told)


@WITNESSES
def test_a_closed_port_is_refused_there(street: Street, witness: str) -> None:
    host = street.diagnose(f"http://{street.site.address4}:81/", f"--from={witness}", status=1)
    assert host["outside"][0]["reply"] == "refused"
    assert host["causes"][0]["id"] == "listens-elsewhere"


def test_a_host_that_cannot_be_asked_leaves_the_site_undecided(street: Street) -> None:
    host = street.diagnose(f"http://{street.site.address4}/", "--from=gone", "--outside-only", status=3)
    assert (host["verdict"], host["outside"][0]["reply"]) == ("undecided", "unknown")
    assert "gone could not be asked" in host["outside"][0]["detail"]


def test_names_of_hosts_that_dialled_are_masked(street: Street) -> None:
    host = street.diagnose(f"http://{street.site.address4}/", "--from=far-ssh", "--mask", status=0)
    assert "far-ssh" not in json.dumps(host)
