"""What is served: the status of what is watched, and looks for Prometheus; of nothing else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest

from sshdoctor.errors import UsageError
from sshdoctor.watch.exporter import Exporter
from sshdoctor.watch.look import look_at
from sshdoctor.watch.server import MOST, Page, Respond, server
from sshdoctor.watch.status import Status
from sshdoctor.watch.store import Store
from sshdoctor.watch.target import target_of
from watch.fake import START, World
from watch.odd_servers import serving
from watch.test_look import site
from watch.test_monitor import BAD, looked


@contextmanager
def served(respond: Respond) -> Iterator[str]:
    with server("127.0.0.1:0", respond) as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()


def got(url: str) -> str:
    with urlopen(url, timeout=5) as answer:  # noqa: S310 -- a server of this test
        return str(answer.read().decode())


def test_the_status_is_a_page_json_a_feed_and_a_badge(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    world = World(["web1"], Store(file))
    monitor = world.monitor()
    looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    with served(Status(file, lambda: START + 600).respond) as url:  # while the watch has the file
        assert "down for" in got(f"{url}/")
        (target,) = json.loads(got(f"{url}/status.json"))["targets"]
        assert (target["state"], target["word"], len(target["outages"])) == ("down", "rst", 1)
        feed = ElementTree.fromstring(got(f"{url}/feed.xml"))  # noqa: S314 -- of this test
        assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 2
        assert "<title>down</title>" in got(f"{url}/badge.svg?target=web1")
        with pytest.raises(HTTPError):
            got(f"{url}/etc/passwd")


def test_a_probe_is_one_look_with_its_word() -> None:
    well, refusing = ({method: {"*": status} for method in ("HEAD", "GET")} for status in (200, 403))
    with serving(well, 1) as good, serving(refusing, 1) as bad:
        targets = [target_of(site(f"http://127.0.0.1:{port}/")) for port in (good, bad)]
        with served(Exporter(targets, look_at).respond) as url:
            assert "probe_success 1\n" in got(f"{url}/probe?target={targets[0].name}&service=web")
            refused = got(f"{url}/probe?target={targets[1].name}")
            assert "probe_success 0\n" in refused and 'sshdoctor_reply{word="blocked"' in refused
            assert "probe_http_status_code 403\n" in refused
            assert 'sshdoctor_probes_total{success="true"} 1' in got(f"{url}/metrics")


def test_what_is_not_watched_is_not_dialled() -> None:
    with served(Exporter([], look_at).respond) as url:
        with pytest.raises(HTTPError) as caught:
            got(f"{url}/probe?target=http://169.254.169.254/")
        assert caught.value.code == 400


def test_where_it_cannot_listen_is_said() -> None:
    with pytest.raises(UsageError, match="ADDRESS:PORT is needed"):
        server("example.org", Exporter([], look_at).respond)


def test_whoever_only_stays_gives_way_to_who_comes() -> None:
    with served(lambda path, query: Page("here\n")) as url, ExitStack() as idle:
        before = threading.active_count()
        port = int(url.rpartition(":")[2])
        for _ in range(3 * MOST):
            idle.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        assert got(url) == "here\n"
        assert threading.active_count() - before <= MOST + 5
