"""Debian's own Prometheus, Alertmanager and blackbox_exporter beside ours, as docs/prometheus has it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from hosts.testbed import Testbed, TestHost, open_testbed
from sshdoctor.commands.demo.site import PREPARE

pytestmark = [pytest.mark.containers, pytest.mark.long]

DOCS = Path(__file__).parents[2] / "docs" / "prometheus"
MODULES = {
    "web": {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": "ip4"}},
    "ssh": {
        "prober": "tcp",
        "timeout": "5s",
        "tcp": {"query_response": [{"expect": "^SSH-2.0-"}], "preferred_ip_protocol": "ip4"},
    },
}
START = """
cd /srv && mkdir -p watched && cd watched
for file in prometheus rules blackbox alertmanager; do printenv "$file" >$file.yml; done
promtool check config prometheus.yml >/dev/null
run() { setsid "$@" >>log 2>&1 </dev/null & }
run prometheus-blackbox-exporter --config.file=blackbox.yml --web.listen-address=0.0.0.0:9116
run prometheus-alertmanager --config.file=alertmanager.yml --storage.path=am --cluster.listen-address=
run prometheus --config.file=prometheus.yml --storage.tsdb.path=db --web.listen-address=127.0.0.1:9090
"""


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with open_testbed(tmp_path_factory.mktemp("metrics"), ("web", "metrics")) as opened:
        yield opened


@pytest.fixture
def web1(bed: Testbed) -> Iterator[TestHost]:
    with bed.host("web") as host:
        host.run(PREPARE)
        yield host


@contextmanager
def exporting(web1: TestHost, folder: Path) -> Iterator[str]:
    """Our exporter's address, where the containers reach it."""
    inside = {"ansible_connection": "podman", "ansible_podman_host": web1.container}
    paths = ("/", "/xmlrpc.php", "/nothing.html")
    sites = [f"http://{web1.address4}{path}" for path in paths]
    hosts = {
        "web1": {**inside, "ansible_host": web1.address4, "sshdoctor_sites": sites},
        "web2": {**inside, "ansible_host": web1.address4, "ansible_port": 2222},
    }
    file = folder / "inventory.yml"
    file.write_text(json.dumps({"all": {"hosts": hosts}}))
    listen = f"{web1.network.ipv4[1]}:19115"
    command = [sys.executable, "-m", "sshdoctor.cli", "watch", "--host=all", "--service=all"]
    with subprocess.Popen([*command, f"--inventory={file}", f"--exporter={listen}"]) as process:
        try:
            wait_for(lambda: "sshdoctor_probes_total" in got(f"http://{listen}/metrics"))
            yield listen
        finally:
            process.terminate()


def got(url: str) -> str:
    try:
        with urlopen(url, timeout=30) as answer:  # noqa: S310 -- a server of this test
            return str(answer.read().decode())
    except OSError:
        return ""


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.3)
    return found


def configured(listen: str, site: str) -> dict[str, str]:
    """The files of docs/prometheus, with these targets, and quicker."""
    text = (DOCS / "prometheus.yml").read_text()
    for given, real in (
        ("127.0.0.1:9115", listen),
        ("https://www.example.org/", site),
        ("300s", "1s"),
        ("scrape_timeout: 30s", "scrape_timeout: 1s"),
        ("evaluation_interval: 30s", "evaluation_interval: 1s"),
    ):
        assert given in text
        text = text.replace(given, real)
    return {
        "prometheus": text,
        "rules": (DOCS / "rules.yml").read_text().replace("for: 6m", "for: 12s"),
        "blackbox": json.dumps({"modules": MODULES}),
        "alertmanager": "{route: {receiver: nobody, group_wait: 0s}, receivers: [{name: nobody}]}",
    }


def success(metrics: str) -> str:
    (line,) = [line for line in metrics.splitlines() if line.startswith("probe_success ")]
    return line.split()[1]


def test_an_alert_carries_the_cause_and_blackbox_exporter_sees_the_same(
    bed: Testbed, web1: TestHost, tmp_path: Path
) -> None:
    site = f"http://{web1.address4}/"
    targets = {
        "web": (site, f"{site}xmlrpc.php", f"{site}nothing.html"),
        "ssh": ("web1", "web2"),
    }
    addresses = {"web1": f"{web1.address4}:22", "web2": f"{web1.address4}:2222"}
    with exporting(web1, tmp_path) as listen, bed.host("metrics") as metrics:
        metrics.run(START, configured(listen, site))

        def alerts() -> list[dict[str, Any]]:
            said = metrics.run("amtool --alertmanager.url=http://127.0.0.1:9093 alert query -o json || true")
            return list(json.loads(said or "[]"))

        def both(service: str, target: str) -> tuple[str, str]:
            ours = got(f"http://{listen}/probe?target={target}&service={service}")
            asked = f"target={addresses.get(target, target)}&module={service}"
            theirs = got(f"http://{metrics.address4}:9116/probe?{asked}")
            return success(ours), success(theirs)

        wait_for(lambda: got(f"http://{metrics.address4}:9116/metrics"))
        for state in ("up", "down"):
            for service, named in targets.items():
                for target in named:
                    ours, theirs = both(service, target)
                    assert ours == theirs, (state, target)
            if state == "up":
                assert both("web", site) == ("1", "1") and both("ssh", "web2") == ("0", "0")
                web1.run("systemctl stop php8.2-fpm ssh")

        def with_cause() -> list[dict[str, Any]]:
            return [one for one in alerts() if "backend-stopped" in one["annotations"].get("cause", "")]

        found = wait_for(with_cause)
    (alert,) = found
    assert alert["labels"]["alertname"] == "Down" and alert["labels"]["instance"] == site
    assert alert["annotations"]["summary"] == f"{site} is down"
    assert "php8.2-fpm is inactive" in alert["annotations"]["cause"]
    assert alert["annotations"]["next"].startswith("sshdoctor remediate --host http")
