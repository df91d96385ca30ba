"""What a site's owner names goes into no command as it stands."""

from __future__ import annotations

from shlex import quote

import pytest
from msgspec.structs import replace

from sites.test_hops import case, nginx
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.paths import not_readable
from sshdoctor.facts.web.explain.shared_messages import auth_file
from sshdoctor.facts.web.web_files import Entry

NAMED = "/home/shop/a;touch pwn"


def test_a_password_file_named_in_htaccess_is_quoted() -> None:
    said = Said(server="apache2", level="error", time=0, text="denied", file="", whole="", fields={})
    assert NAMED not in auth_file(case(nginx("")), NAMED, [], said).fix.replace(quote(NAMED), "")


@pytest.mark.parametrize("mode", ["700", "755"], ids=["a closed folder", "an ACL, maybe"])
def test_a_folder_of_the_owners_is_quoted(mode: str) -> None:
    site = case(nginx("location / { root /home/shop; }"))
    closed = Entry(path=NAMED, mode=mode, owner="shop", group="shop", size=0, time=0, kind="directory")
    home = replace(closed, path="/home/shop", mode="755")
    site.files = replace(site.files, entries={"/home": home, "/home/shop": home, NAMED: closed})
    fix = not_readable(site, NAMED, "nginx").fix
    assert quote(NAMED) in fix and NAMED not in fix.replace(quote(NAMED), "")
