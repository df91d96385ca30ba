"""An expression of a host that is not tried here leaves open what it rules over: it may match."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sshdoctor.access_rules.apache.read import Reader
from sshdoctor.access_rules.apache.walk import walk
from sshdoctor.access_rules.verdict import Request
from sshdoctor.facts.web.derived.site import Site as Explained
from sshdoctor.facts.web.derived.site import derive
from sshdoctor.facts.web.php_fpm import PhpFpm
from sshdoctor.facts.web.web_config import WebConfig
from sshdoctor.facts.web.web_files import WebFiles
from sshdoctor.facts.web.web_log import WebLog
from sshdoctor.facts.web.web_state import Socket, WebState
from sshdoctor.model import Answer, Exchange, Site, Unknown

MAIN = "/etc/apache2/apache2.conf"
SLOW = "^(a+)+$"
HEAD = "DocumentRoot /srv/www\n<Directory /srv/www>\nRequire all granted\n</Directory>\n"
SECTIONS = (
    f'<FilesMatch "{SLOW}">\nRequire all denied\n</FilesMatch>\n',
    f'<Files ~ "{SLOW}">\nRequire all denied\n</Files>\n',
    f'<LocationMatch "{SLOW}">\nRequire all denied\n</LocationMatch>\n',
    f'<DirectoryMatch "{SLOW}">\nRequire all denied\n</DirectoryMatch>\n',
    f'RewriteEngine On\nRewriteRule "{SLOW}" - [F]\n',
    f'RedirectMatch 403 "{SLOW}"\n',
    '<FilesMatch "(">\nRequire all denied\n</FilesMatch>\n',
)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_verdict_is_unknown_and_names_the_expression(section: str) -> None:
    reader = Reader({MAIN: HEAD + section})
    verdict = walk(
        reader.read(MAIN), Request(source="192.0.2.4", target="/b.html"), reader, htaccess={}
    ).verdict
    assert verdict.verdict == "unknown"
    assert ("(" if '"("' in section else SLOW) in verdict.why


def explained(configuration: str, *errors: str, status: int = 403) -> Explained:
    url = "http://site.test/b.html"
    state = WebState(
        now=1_795_000_000,
        dialled=0,
        zone="+0000",
        processes=(),
        sockets=(Socket(address="*", port=80, program="apache2"),),
        units={},
        drop_ins=(),
        words=(),
        pid_files={},
        programs=("apache2",),
        members={},
        evidence=(),
    )
    config = WebConfig(
        nginx={},
        nginx_tree={},
        nginx_error=None,
        nginx_times={},
        apache={},
        apache_tree={MAIN: configuration},
        apache_error=None,
        apache_modules=(),
        apache_variables={},
        apache_times={},
        certificates=(),
        links={},
        evidence=(),
    )
    files = WebFiles(entries={}, hidden={}, folders={}, htaccess={}, application={}, full=(), evidence=())
    known: dict[str, Any] = {
        "dialled": SimpleNamespace(address="192.0.2.1", reply="blocked", arrives_at="192.0.2.1"),
        "asked_site": Site(scheme="http", name="site.test", port=80, target="/b.html", method="GET"),
        "answer": Answer(exchanges=(Exchange(method="GET", url=url, status=status),)),
        "client_address": "192.0.2.7",
        "web_state": state,
        "web_config": config,
        "web_log": WebLog(errors={"/var/log/apache2/error.log": errors}, seen=(), evidence=()),
        "web_files": files,
        "php_fpm": PhpFpm(pools=(), sockets={}, settings=(), evidence=()),
    }
    found = derive(known)
    assert isinstance(found, Explained)
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_what_nobody_logged_is_then_not_known_on_a_live_host(section: str) -> None:
    found = explained(HEAD.replace("Require", "RewriteEngine On\nRewriteRule ^b - [F]\nRequire") + section)
    assert isinstance(found.cause, Unknown) and "cannot be judged" in found.cause.reason
    assert not found.sure


def test_a_denial_that_apache_logged_stays_one_but_its_line_is_not_proved() -> None:
    line = (
        "[Wed Nov 18 11:06:35.000000 2026] [authz_core:error] [pid 12:tid 34] [client 192.0.2.7:4711] "
        "AH01630: client denied by server configuration: /srv/www/b.html"
    )
    known = explained(HEAD + '<FilesMatch "^b">\nRequire all denied\n</FilesMatch>\n', line)
    assert known.cause == "access-denied-by-rule" and known.sure and ":6: Require all denied" in known.text
    hidden = explained(HEAD + SECTIONS[0], line)
    assert hidden.cause == "access-denied-by-rule" and not hidden.sure
    assert SLOW in hidden.text
