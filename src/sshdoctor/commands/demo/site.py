"""A throw-away host with a small PHP site; its provider may close xmlrpc.php to foreign addresses."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sshdoctor.commands.demo.host import (
    CAPABILITIES,
    address_of,
    build_image,
    remove,
    require_engine,
    run_command,
    run_in,
)
from sshdoctor.model import Host, Login, Site, WayIn

IMAGE = "web"
BOOTED = "until systemctl is-system-running | grep -Eq 'running|degraded'; do sleep 0.1; done"
PREPARE = r"""
mkdir -p /var/www/site /etc/nginx/provider.d
echo '<?php echo "<h1>A site</h1>";' >/var/www/site/index.php
cat >/var/www/site/xmlrpc.php <<'E'
<?php
if ($_SERVER['REQUEST_METHOD'] !== 'POST') { http_response_code(405); exit; }
header('Content-Type: text/xml');
echo '<?xml version="1.0"?><methodResponse><params/></methodResponse>';
E
cat >/etc/nginx/sites-enabled/default <<'E'
server {
    listen 80 default_server;
    root /var/www/site;
    index index.php;
    include /etc/nginx/provider.d/*.conf;
    location ~ \.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/php8.2-fpm.sock;
    }
}
E
systemctl start php8.2-fpm nginx
"""
BREAK = r"""
cat >/etc/nginx/provider.d/foreign.conf <<'E'
# Closed to foreign addresses (on by default)
location = /xmlrpc.php { allow 192.0.2.0/24; deny all; }
E
nginx -t -q && systemctl reload nginx
until curl -s -o /dev/null -d x -w '%{http_code}' http://127.0.0.1/xmlrpc.php | grep -q 403; do sleep .1; done
"""


@contextmanager
def small_site() -> Iterator[tuple[str, str]]:
    """A container that serves the site: its name and address; removed afterwards. Raises DemoError."""
    require_engine()
    image = build_image(IMAGE)
    name = f"sshdoctor-demo-{uuid.uuid4().hex[:8]}"
    try:
        arguments = ("--systemd=always", f"--cap-add={CAPABILITIES}", "--hostname=web1", f"--name={name}")
        run_command("podman", "run", "--detach", *arguments, image)
        for script in (BOOTED, PREPARE):
            run_in(name, script)
        yield name, address_of(name)
    finally:
        remove(name)


@contextmanager
def closed_site() -> Iterator[Host]:
    """The site, with xmlrpc.php closed. Raises DemoError."""
    with small_site() as (name, address):
        run_in(name, BREAK)
        yield _host(name, address)


def _host(container: str, address: str) -> Host:
    site = Site(
        scheme="http",
        name=address,
        port=80,
        target="/xmlrpc.php",
        method="POST",
        body=b"<methodCall><methodName>demo.sayHello</methodName></methodCall>",
        token=f"sshdoctor/demo {uuid.uuid4().hex[:8]}",
    )
    return Host(
        name="web1",
        service="web",
        login=Login(address=address, port=80),
        ways=(WayIn(connection="podman", target=container),),
        site=site,
    )


def status(host: Host) -> str:
    """What curl gets, as any other client would."""
    assert host.site is not None  # noqa: S101 -- it has one, see above
    command = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--data", "x", host.site.url]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
