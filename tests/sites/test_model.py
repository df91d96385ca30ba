"""What nginx's and Apache's files come to for one request, without a server."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sshdoctor.access_rules.apache.govern import Governed
from sshdoctor.access_rules.apache.host import choose_host
from sshdoctor.access_rules.apache.read import Reader
from sshdoctor.access_rules.apache.walk import walk as apache_walk
from sshdoctor.access_rules.mailed import NoRulesError, judge, load
from sshdoctor.access_rules.nginx.read import read
from sshdoctor.access_rules.nginx.walk import walk
from sshdoctor.access_rules.verdict import Request
from sshdoctor.commands.verdict.site import SiteVerdictOptions, run

MAIN = "/etc/nginx/nginx.conf"
CLOSED = """http {
    server {
        listen 80;
        server_name site.test;
        location = /xmlrpc.php {
            allow 192.0.2.0/24;
            deny all;
        }
    }
}
"""


def test_a_denied_path_is_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(CLOSED)
    rows = judge(str(tmp_path), ["http://site.test/xmlrpc.php"], ["192.0.2.4", "198.51.100.4"])
    assert [row.verdict.verdict for row in rows] == ["accept", "reject"]
    rule = rows[1].verdict.rule
    assert rule is not None and (rule.file, rule.line, rule.text) == (MAIN, 7, "deny all;")


def test_a_dump_of_nginx_is_read_with_its_files(tmp_path: Path) -> None:
    dump = tmp_path / "nginx-T"
    dump.write_text(
        f"# configuration file {MAIN}:\nhttp {{ include conf.d/*.conf; }}\n"
        "# configuration file /etc/nginx/conf.d/a.conf:\nserver { listen 80; return 403; }\n"
    )
    (row,) = judge(str(dump), ["http://x.test/"], ["192.0.2.4"])
    assert row.verdict.rule is not None and row.verdict.rule.file == "/etc/nginx/conf.d/a.conf"


def test_what_holds_no_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text("Dear all,\n")
    with pytest.raises(NoRulesError):
        load(tmp_path / "mail.txt")


def test_a_variable_that_the_model_does_not_know_makes_the_verdict_unknown() -> None:
    text = "http { server { listen 80; if ($geoip_country_code != JP) { return 403; } } }"
    walked = walk(read({MAIN: text}, MAIN), Request(source="192.0.2.4"))
    assert walked.verdict.verdict == "unknown" and "$geoip_country_code" in walked.verdict.why


def test_the_verdict_in_json_is_as_the_contract_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nginx.conf").write_text(CLOSED)
    options = SiteVerdictOptions(
        rules=(str(tmp_path),), urls=("http://site.test/xmlrpc.php",), sources=("198.51.100.4",), form="json"
    )
    assert run(options) == 1
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["verdict"] == "reject" and entry["status"] == 403
    assert entry["rule"] == {"file": MAIN, "line": 7, "text": "deny all;"}


def test_two_thousand_server_blocks_are_judged_in_under_a_second() -> None:
    block = "server {{ listen 80; server_name s{0}.test; location / {{ deny 10.0.0.0/8; }} }}\n"
    text = "http {\n" + "".join(block.format(number) for number in range(2000)) + "}\n"
    began = time.process_time()
    walked = walk(read({MAIN: text}, MAIN), Request(source="10.1.1.1", host="s1999.test"))
    assert walked.verdict.status == 403
    assert time.process_time() - began < 1


APACHE = """<Directory />
    Require all denied
</Directory>
<VirtualHost *:80>
    ServerName site.test
    <Directory /srv/www>
        AllowOverride None
        Require ip 192.0.2.0/24
    </Directory>
</VirtualHost>
"""


def test_the_last_section_with_a_require_rules_in_apache() -> None:
    reader = Reader({"/etc/apache2/apache2.conf": APACHE})
    configuration = reader.read("/etc/apache2/apache2.conf")
    host = choose_host(configuration, "site.test", 80)
    assert host.by_name
    unread = {"/srv/www/.htaccess": "Require all denied\n"}
    governed = Governed(configuration, host.block, "/srv/www/a.html", "/a.html", unread, reader)
    require, compat = governed.admission()
    assert [(line.line, line.text) for line in require] == [(8, "Require ip 192.0.2.0/24")]
    assert compat == []


def test_apache_is_judged_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sites-enabled").mkdir()
    (tmp_path / "apache2.conf").write_text("Listen 80\nIncludeOptional sites-enabled/*.conf\n")
    (tmp_path / "sites-enabled/site.conf").write_text(APACHE)
    rows = judge(
        str(tmp_path), ["http://site.test/a.html"], ["192.0.2.4", "198.51.100.4"], root=str(tmp_path)
    )
    assert [row.verdict.status for row in rows] == [403, 403]
    assert str(rows[0].verdict.rule) == "/etc/apache2/sites-enabled/site.conf:2: Require all denied"


def test_an_htaccess_is_judged_by_itself(tmp_path: Path) -> None:
    file = tmp_path / ".htaccess"
    file.write_text(
        "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} Jetpack\nRewriteRule ^xmlrpc\\.php$ - [F]\n"
    )
    headers = {"User-Agent": "Jetpack by WordPress.com"}
    (row,) = judge(str(file), ["http://site.test/xmlrpc.php"], ["192.0.2.4"], "POST", headers)
    assert row.verdict.status == 403 and row.verdict.rule is not None and row.verdict.rule.line == 3
    (row,) = judge(str(file), ["http://site.test/xmlrpc.php"], ["192.0.2.4"], "POST")
    assert row.verdict.verdict == "accept"


def test_an_htaccess_that_nobody_saw_leaves_the_verdict_open(tmp_path: Path) -> None:
    (tmp_path / "apache2.conf").write_text("DocumentRoot /srv/www\n" + APACHE.replace("None", "All"))
    (row,) = judge(str(tmp_path), ["http://site.test/a.html"], ["192.0.2.4"])
    assert row.verdict.verdict == "depends" and "/srv/www/.htaccess" in row.verdict.why


def test_mod_evasive_makes_the_verdict_depend(tmp_path: Path) -> None:
    (tmp_path / "apache2.conf").write_text(f"DOSPageCount 2\nDocumentRoot /srv/www\n{APACHE}")
    text = (tmp_path / "apache2.conf").read_text().replace("Require all denied", "Require all granted")
    (tmp_path / "apache2.conf").write_text(text)
    (row,) = judge(str(tmp_path), ["http://nobody.test:80/a.html"], ["192.0.2.4"])
    assert row.verdict.verdict == "depends" and "mod_evasive" in row.verdict.why


def judged_by_apache(rules: str, target: str, method: str = "GET", **htaccess: str) -> str:
    """Status and line, of a root /srv/www with index.html in it and in a folder a."""
    there = {"/srv": "folder", "/srv/www": "folder", "/srv/www/a": "folder"}
    there |= {"/srv/www/index.html": "file", "/srv/www/a/index.html": "file"}
    main = "/etc/apache2/apache2.conf"
    reader = Reader({main: f"DocumentRoot /srv/www\n{rules}"})
    request = Request(source="192.0.2.4", target=target, method=method)
    seen = {f"/srv/www/{name}/.htaccess".replace("//", "/"): text for name, text in htaccess.items()}
    walked = apache_walk(
        reader.read(main),
        request,
        reader,
        lambda path, kind: path in there if kind == "any" else there.get(path.rstrip("/")) == kind,
        seen,
    )
    return f"{walked.verdict.verdict} {walked.verdict.status or ''}".strip()


FACTS = (
    ("no AllowOverride: the .htaccess is read, and nothing in it allowed", "", "/a/index.html", "reject 500"),
    (
        "a pattern of a Directory is for files as well",
        "<Directory /srv/www/*>\nRequire all denied\n</Directory>\n",
        "/index.html",
        "reject 403",
    ),
    (
        "but not for an index file, nor for what is not there",
        "<Directory /srv/www/*>\nAllowOverride None\nRequire all denied\n</Directory>\n",
        "/",
        "accept",
    ),
    (
        "an index file under the same sections is not judged again",
        "<Directory /srv/www>\nAllowOverride None\n<Limit GET>\nRequire all denied\n</Limit>\n</Directory>\n",
        "POST /a/",
        "accept",
    ),
    (
        "a folder takes no POST where it has no index file",
        "<Directory /srv/www>\nDirectoryIndex disabled\n</Directory>\n",
        "POST /",
        "reject 404",
    ),
    (
        "Satisfy in a Limit is for that method alone",
        "<Directory /srv/www>\nAllowOverride None\nRequire all denied\n"
        "<Limit POST>\nSatisfy any\n</Limit>\n</Directory>\n",
        "/index.html",
        "reject 403",
    ),
    (
        "a path that is passed through is judged as what it has become",
        "RewriteEngine On\nRewriteRule ^/x$ /index.html [PT]\n"
        "<Location /index.html>\nRequire all denied\n</Location>\n",
        "/x",
        "reject 403",
    ),
    (
        "a folder asked for without its slash goes to the slash, whatever the folder above rewrites it to",
        "<Directory /srv/www>\nRewriteEngine On\nRewriteRule ^a$ /index.html\n</Directory>\n",
        "/a",
        "accept 301",
    ),
    (
        "a rule of the folder above that refuses comes before the slash",
        "<Directory /srv/www>\nRewriteEngine On\nRewriteRule ^a$ - [F]\n</Directory>\n",
        "/a",
        "reject 403",
    ),
    (
        "without DirectorySlash the rules of the folder above hold",
        "<Directory /srv/www>\nDirectorySlash Off\nRewriteEngine On\nRewriteRule ^a$ /none/\n"
        "</Directory>\nRedirect 410 /none\n",
        "/a",
        "reject 410",
    ),
    (
        "without DirectorySlash a folder has no index file",
        "<Directory /srv/www>\nDirectorySlash Off\nOptions None\n</Directory>\n",
        "/a",
        "reject 403",
    ),
    (
        "an index file that a Redirect sends elsewhere sends the client there",
        "<Directory /srv/www>\nOptions None\n</Directory>\nRedirectMatch html$ http://else.test/\n",
        "/a/",
        "accept 302",
    ),
    (
        "the sections for a path are joined among themselves, and so to those for the folder",
        "<Directory /srv/www>\nAllowOverride None\nRequire all granted\n</Directory>\n"
        "<Location />\nRequire all denied\n</Location>\n"
        "<Location />\nAuthMerging Or\nRequire all denied\n</Location>\n",
        "/index.html",
        "accept",
    ),
)  # each measured with Apache 2.4


@pytest.mark.parametrize(
    ("rules", "asked", "right"), [one[1:] for one in FACTS], ids=[one[0] for one in FACTS]
)
def test_apache_is_judged_as_it_was_seen_to_act(rules: str, asked: str, right: str) -> None:
    method, target = asked.split() if " " in asked else ("GET", asked)
    htaccess = {"a": "Require all granted\n"} if not rules else {}
    assert judged_by_apache(rules, target, method, **htaccess) == right


def test_what_debian_s_snippet_for_php_sets_is_followed() -> None:
    text = r"""http { server { listen 80; root /srv; location ~ \.php(/|$) {
        fastcgi_split_path_info ^(.+?\.php)(/.*)$;
        try_files $fastcgi_script_name =404;
        set $path_info $fastcgi_path_info;
        set $where $geoip_city;
        if ($path_info = /closed) { return 403; }
        if ($arg_x) { return 402 $where; }
        if ($arg_y = $where) { return 403; }
        fastcgi_pass unix:/run/php.sock;
    } } }"""
    configuration = read({MAIN: text}, MAIN)

    def status(target: str) -> str:
        request = Request(source="192.0.2.4", target=target)
        verdict = walk(configuration, request, lambda path, kind: path == "/srv/a.php").verdict
        return f"{verdict.verdict} {verdict.status or verdict.why}"

    assert status("/a.php/closed") == "reject 403"
    assert status("/a.php?x=1") == "reject 402"
    assert status("/a.php") == "unknown $geoip_city is not known"


OF_NGINX = (
    (
        "limit_except has none of the location's rewriting",
        "location / { limit_except POST { deny all; } if ($request_method = GET) { return 405; } }",
        "GET /x",
        "reject 403",
    ),
    (
        "a method other than GET, HEAD and POST gets no index file",
        "location = / { } location / { return 410; }",
        "DELETE /",
        "accept",
    ),
    (
        "what a variable was once it stays, after an internal redirect too",
        "location = / { valid_referers none blocked; if ($invalid_referer) { return 403; } } "
        "location / { valid_referers none; if ($invalid_referer) { return 410; } }",
        "GET /",
        "accept",
    ),
    (
        "a subrequest refuses",
        "location /a { auth_request /gate; } location = /gate { internal; return 403; }",
        "GET /a",
        "reject 403",
    ),
    (
        "what a subrequest of a backend says is not known",
        "location /a { auth_request /gate; } location = /gate { internal; proxy_pass http://127.0.0.1:1; }",
        "GET /a",
        "unknown",
    ),
    (
        "a folder found by try_files is no index yet",
        "location / { try_files $uri/ =404; }",
        "GET /a",
        "accept",
    ),
)  # each measured with nginx 1.22


@pytest.mark.parametrize(
    ("rules", "asked", "right"), [one[1:] for one in OF_NGINX], ids=[one[0] for one in OF_NGINX]
)
def test_nginx_is_judged_as_it_was_seen_to_act(rules: str, asked: str, right: str) -> None:
    method, target = asked.split()
    there = {"/srv": "folder", "/srv/a": "folder", "/srv/index.html": "file", "/srv/a/index.html": "file"}
    text = f"http {{ server {{ listen 80; root /srv; {rules} }} }}"
    request = Request(source="192.0.2.4", method=method, target=target, headers={"referer": "nothing"})

    def exists(path: str, kind: str) -> bool:
        return path in there if kind == "any" else there.get(path) == kind

    verdict = walk(read({MAIN: text}, MAIN), request, exists).verdict
    assert f"{verdict.verdict} {verdict.status or ''}".strip() == right
