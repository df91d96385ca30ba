"""Lines of error logs are taken apart, and a message of each kind is known."""

from __future__ import annotations

import re

import pytest

from sshdoctor.facts.web.explain.lines import Said, said
from sshdoctor.facts.web.explain.logged import _of

NGINX = "2026/11/27 02:38:11 [{level}] 383#383: *5 {text}, client: 192.0.2.7, server: site.test, "
NGINX += 'request: "GET /a,b HTTP/1.1", host: "site.test"'
APACHE = "[Fri Nov 27 02:38:11.123456 2026] [{module}] [pid 12:tid 34] [client 192.0.2.7:4711] {text}"

OF_NGINX = (
    ("error", 'open() "/srv/a.html" failed (13: Permission denied)'),
    ("crit", 'stat() "/home/x/index.html" failed (13: Permission denied)'),
    ("error", 'open() "/srv/a.html" failed (2: No such file or directory)'),
    ("error", 'directory index of "/srv/" is forbidden'),
    ("error", "access forbidden by rule"),
    ("error", 'rewrite or internal redirection cycle while internally redirecting to "/index.php"'),
    ("error", "client intended to send too large body: 200000 bytes"),
    ("error", 'limiting requests, excess: 1.0 by zone "one"'),
    (
        "crit",
        "connect() to unix:/run/php/a.sock failed (2: No such file or directory) while connecting to upstream",
    ),
    ("error", "connect() failed (111: Connection refused) while connecting to upstream"),
    ("error", "upstream sent too big header while reading response header from upstream"),
    ("error", "upstream prematurely closed connection while reading response header from upstream"),
    ("error", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
    ("error", "upstream timed out (110: Connection timed out) while reading response header from upstream"),
    ("error", 'FastCGI sent in stderr: "Primary script unknown" while reading response header from upstream'),
    ("error", 'user "a" was not found in "/etc/nginx/htpasswd"'),
)
OF_APACHE = (
    ("authz_core:error", "AH01630: client denied by server configuration: /srv/www/"),
    ("access_compat:error", "AH01797: client denied by server configuration: /srv/www/"),
    ("core:error", "AH00037: Symbolic link not allowed or link target not accessible: /srv/www/a"),
    (
        "core:crit",
        "(13)Permission denied: AH00529: /srv/www/.htaccess pcfg_openfile: unable to check htaccess file, "
        "ensure it is readable and that '/srv/www/' is executable",
    ),
    (
        "core:error",
        "(13)Permission denied: AH00035: access to /a denied (filesystem path '/srv/a') because search",
    ),
    (
        "autoindex:error",
        "AH01276: Cannot serve directory /srv/: No matching DirectoryIndex (index.html) found",
    ),
    (
        "core:error",
        "AH00124: Request exceeded the limit of 10 internal redirects due to probable configuration error",
    ),
    ("core:alert", "/srv/www/.htaccess: Option FollowSymLinks not allowed here"),
    ("core:alert", "/srv/www/.htaccess: Invalid command 'Foo', perhaps misspelled"),
    ("proxy_fcgi:error", "AH01071: Got error 'Primary script unknown'"),
    (
        "proxy:error",
        "(2)No such file or directory: AH02454: FCGI: attempt to connect to Unix domain socket /run/a.sock (*:80) failed",
    ),
    ("ssl:error", "AH02032: Hostname a.test (default host as no SNI was provided) and hostname b.test"),
    ("auth_basic:error", "AH01618: user a not found: /"),
)


def lines(text: str) -> list[Said]:
    return list(said({"error.log": text.split("\n")}, "+0000"))


@pytest.mark.parametrize(("level", "text"), OF_NGINX)
def test_a_message_of_nginx_is_known(level: str, text: str) -> None:
    (one,) = lines(NGINX.format(level=level, text=text))
    assert (one.text, one.fields["client"], one.level) == (text, "192.0.2.7", level)
    assert one.fields["request"] == "GET /a,b HTTP/1.1"
    assert any(re.search(pattern, one.text) for pattern in _of(one))


@pytest.mark.parametrize(("module", "text"), OF_APACHE)
def test_a_message_of_apache_is_known(module: str, text: str) -> None:
    (one,) = lines(APACHE.format(module=module, text=text))
    assert (one.fields["client"], one.fields["port"]) == ("192.0.2.7", "4711")
    assert any(re.search(pattern, one.text) for pattern in _of(one))


def test_an_error_of_the_system_stands_before_the_client_in_apache() -> None:
    text = (
        "[Fri Nov 27 02:38:11.123456 2026] [core:error] [pid 12:tid 34] (13)Permission denied: "
        "[client 192.0.2.7:4711] AH00035: access to /a denied (filesystem path '/srv/a') because search"
    )
    (one,) = lines(text)
    assert one.fields["client"] == "192.0.2.7"
    assert one.text.startswith("(13)Permission denied: AH00035")


def test_a_message_over_several_lines_is_one() -> None:
    text = NGINX.format(
        level="error", text='FastCGI sent in stderr: "PHP Fatal error: x in /a.php:4\nStack trace:\n#0"'
    )
    (one,) = lines(text)
    assert one.fields["client"] == "192.0.2.7" and "/a.php:4" in one.text


def test_the_host_s_own_zone_counts() -> None:
    (here,) = said({"e": [NGINX.format(level="error", text="x")]}, "+0000")
    (there,) = said({"e": [NGINX.format(level="error", text="x")]}, "+0900")
    assert here.time - there.time == 9 * 3600
