"""What the next server gets: from which line, under which name, by which path, with which headers."""

from __future__ import annotations

import pytest

from sshdoctor.facts.web.explain import hops
from sshdoctor.facts.web.explain.case import Case
from sshdoctor.facts.web.php_fpm import PhpFpm
from sshdoctor.facts.web.web_config import WebConfig
from sshdoctor.facts.web.web_files import WebFiles
from sshdoctor.facts.web.web_log import WebLog
from sshdoctor.facts.web.web_state import Socket, WebState
from sshdoctor.model import Answer, Exchange, Site

NGINX, APACHE = "/etc/nginx/nginx.conf", "/etc/apache2/apache2.conf"


def case(text: str, *, front: str = "nginx", target: str = "/app/x?y=1", inner: int = 8081) -> Case:
    url = f"http://site.test{target}"
    sockets = (
        Socket(address="*", port=80, program=front),
        Socket(address="127.0.0.1", port=inner, program="nginx"),
    )
    state = WebState(
        now=1_795_000_000,
        dialled=0,
        zone="+0000",
        processes=(),
        sockets=sockets,
        units={},
        drop_ins=(),
        words=(),
        pid_files={},
        programs=(),
        members={},
        evidence=(),
    )
    config = WebConfig(
        nginx={},
        nginx_tree={NGINX: text} if front == "nginx" else {},
        nginx_error=None,
        nginx_times={},
        apache={},
        apache_tree={APACHE: text} if front == "apache2" else {},
        apache_error=None,
        apache_modules=(),
        apache_variables={},
        apache_times={},
        certificates=(),
        links={},
        evidence=(),
    )
    answer = Answer(exchanges=(Exchange(method="GET", url=url, status=403),))
    files = WebFiles(entries={}, hidden={}, folders={}, htaccess={}, application={}, full=(), evidence=())
    site = Site(scheme="http", name="site.test", port=80, target=target, headers=(("Cookie", "a=b"),))
    log, fpm = WebLog(errors={}, seen=(), evidence=()), PhpFpm(pools=(), sockets={}, settings=(), evidence=())
    return Case(site, "blocked", answer, "192.0.2.7", "192.0.2.1", True, state, config, log, files, fpm)


def nginx(location: str, *, more: str = "") -> str:
    return f"events {{}}\nhttp {{ {more} server {{ listen 80; server_name site.test; {location} }} }}\n"


def passed(made: Case) -> hops.Hop:
    hop = hops.behind(made)
    assert hop is not None
    return hop


def test_the_path_and_the_headers_go_on_as_the_manual_says() -> None:
    kept = passed(case(nginx("location /app/ { proxy_pass http://127.0.0.1:8081; }")))
    request = kept.case.request()
    assert (request.target, request.host, request.port) == ("/app/x?y=1", "127.0.0.1:8081", 8081)
    assert (request.source, request.headers["cookie"]) == ("127.0.0.1", "a=b")
    mapped = passed(case(nginx("location /app/ { proxy_pass http://127.0.0.1:8081/inner/; }")))
    assert mapped.case.request().target == "/inner/x?y=1"


def test_headers_that_are_set_replace_those_of_the_client() -> None:
    text = (
        "location / { proxy_pass http://127.0.0.1:8081; proxy_set_header Host $host; "
        'proxy_set_header Cookie ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }'
    )
    request = passed(case(nginx(text))).case.request()
    assert request.host == "site.test"
    assert "cookie" not in request.headers
    assert request.headers["x-forwarded-for"] == "192.0.2.7"


def test_a_group_is_entered_where_somebody_listens() -> None:
    group = "upstream app { server 127.0.0.1:9000; server 127.0.0.1:8081; }"
    hop = passed(case(nginx("location / { proxy_pass http://app; }", more=group)))
    assert (hop.case.site.port, hop.case.request().host) == (8081, "app")


def test_a_header_that_is_not_known_leaves_it_unsure() -> None:
    text = "location / { proxy_pass http://127.0.0.1:8081; proxy_set_header X-Id $ssl_client_s_dn; }"
    assert not passed(case(nginx(text))).sure


@pytest.mark.parametrize("to", ["http://198.51.100.9:8081", "http://unix:/run/app.sock", "http://$where"])
def test_what_leads_elsewhere_is_no_hop_of_this_host(to: str) -> None:
    assert hops.behind(case(nginx(f"location / {{ proxy_pass {to}; }}"))) is None


def test_apache_passes_its_own_name_unless_it_preserves_the_clients() -> None:
    text = (
        "<VirtualHost *:80>\nServerName site.test\n%sProxyPass /app/ http://127.0.0.1:8081/\n</VirtualHost>\n"
    )
    request = passed(case(text % "", front="apache2")).case.request()
    assert (request.host, request.target) == ("127.0.0.1:8081", "/x?y=1")
    kept = passed(case(text % "ProxyPreserveHost On\n", front="apache2"))
    assert (kept.case.request().host, kept.rule.line) == ("site.test", 4)


def test_a_path_that_is_taken_out_is_not_passed_on() -> None:
    text = (
        "<VirtualHost *:80>\nServerName site.test\nProxyPass /app/ !\nProxyPass / http://127.0.0.1:8081/\n"
        "</VirtualHost>\n"
    )
    assert hops.behind(case(text, front="apache2")) is None
