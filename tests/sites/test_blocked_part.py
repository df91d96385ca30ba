"""Which part of a path is closed to the workers of a server."""

from __future__ import annotations

from msgspec.structs import replace

from sites.test_hops import case, nginx
from sshdoctor.facts.web.web_files import Entry


def entry(path: str, mode: str, kind: str, target: str = "") -> Entry:
    return Entry(path=path, mode=mode, owner="shop", group="shop", size=0, time=0, kind=kind, target=target)


def test_links_that_lead_to_each_other_end() -> None:
    site = case(nginx("location / { root /srv; }"))
    loop = (entry("/a", "777", "symbolic link", "/b"), entry("/b", "777", "symbolic link", "a"))
    site.files = replace(site.files, entries={one.path: one for one in loop})
    assert site.blocked_part("/a/index.html", "nginx") is None


def test_a_link_is_followed_to_the_part_that_is_closed() -> None:
    site = case(nginx("location / { root /srv; }"))
    closed = entry("/home/shop", "700", "directory")
    parts = (entry("/srv", "777", "symbolic link", "/home/shop"), entry("/home", "755", "directory"), closed)
    site.files = replace(site.files, entries={one.path: one for one in parts})
    assert site.blocked_part("/srv/index.html", "nginx") == closed
