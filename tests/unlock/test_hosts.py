"""A real host with a real fail2ban has banned this machine: by the page that gets in, and nobody else."""

from __future__ import annotations

import re
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hosts.testbed import Testbed, TestHost, known_hosts_lines
from protection.case import QUIET, has_address
from protection.test_protect import BANNED, answers, guessed
from sshdoctor.commands.demo.mailbox import plain_text
from unlock.bed import ANN, OWNER, Answer, until
from unlock.front import nginx
from unlock.running import inventory, running
from watch.sinks import smtp

pytestmark = pytest.mark.containers

PORT = 8443
GUARDED = """
# who is banned half way keeps his place: two of them would fill the ten that there are
echo 'MaxStartups 100' >>/etc/ssh/sshd_config
systemctl reload ssh
cat >/etc/fail2ban/jail.local <<'end'
[DEFAULT]
backend = systemd
banaction = nftables-multiport
bantime = 1h
maxretry = 4
[sshd]
enabled = true
end
systemctl start fail2ban
until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done
"""


def variables(host: TestHost, testbed: Testbed, folder: Path) -> dict[str, object]:
    known = folder / "known_hosts"
    known.write_text(known_hosts_lines(host.host_keys, host.address4))
    return {
        "ansible_host": host.address4,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(testbed.key),
        "sshdoctor_known_hosts": str(known),
        "sshdoctor_access": [{"connection": "podman", "container": host.container}],
        "sshdoctor_unlock": [ANN],
    }


class Person:
    """Comes to the page by TLS from one of this machine's addresses, and lies about it."""

    def __init__(self, address: str, source: str, lie: str) -> None:
        self._address, self._source, self._lie = address, source, lie

    def asks(self, method: str, path: str, **fields: str) -> Answer:
        context = ssl._create_unverified_context()  # noqa: S323 -- a certificate of this test
        connection = HTTPSConnection(
            self._address, PORT, timeout=20, source_address=(self._source, 0), context=context
        )
        connection.request(method, path, urlencode(fields), {"X-Forwarded-For": self._lie})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return Answer(answer.status, told, answer.read().decode())
        finally:
            connection.close()


def test_who_is_banned_gets_in_again_by_the_page_and_nobody_else(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host, smtp() as (smtp_port, mails):
        host.run(QUIET)
        host.run(GUARDED)
        here, other = host.variables["CLIENT4"], host.variables["NOBODY4"]
        has_address(other, host)
        for source in (here, other):
            guessed(host, source, 6)
            host.run(f"until {BANNED} | grep -qw {source}; do sleep 0.1; done")
        assert not answers(host, here) and not answers(host, other)
        file = inventory(tmp_path, {"web1": variables(host, testbed, tmp_path)})
        url = f"https://{here}:{PORT}"
        with (
            running(tmp_path / "state.db", file, smtp_port, url=url) as (port, _),
            nginx(here, PORT, port, tmp_path),
        ):
            person = Person(here, here, lie=other)
            form = person.asks("GET", "/").form
            assert person.asks("POST", "/", mail=ANN, **form).status == 303
            until(lambda: mails, 60)
            link = re.findall(r"https://\S+", plain_text(mails[0]))[0]
            assert link.startswith(url) and here in plain_text(mails[0])
            path = link.removeprefix(url)
            assert Person(here, other, lie=here).asks("GET", path).status == 403
            shown = person.asks("GET", path)
            assert person.asks("POST", path, answer=shown.reads(), **shown.form).status == 303
            until(lambda: "being done" not in person.asks("GET", path).text, 500)
            done = person.asks("GET", path)
            until(lambda: len(mails) == 2, 60)
            assert done.heading == "You are let in", plain_text(mails[1])
        assert mails[1]["To"] == OWNER and "web1: let in until" in plain_text(mails[1])
        assert (answers(host, here), answers(host, other)) == (True, False)
        assert host.run(BANNED).split() == [other]
        assert host.run("fail2ban-client get sshd ignoreip").split()[-1] == here
        host.run("systemctl restart fail2ban; until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done")
        guessed(host, here, 6)
        assert (answers(host, here), answers(host, other)) == (True, False)
