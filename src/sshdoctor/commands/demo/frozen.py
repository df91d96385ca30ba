"""A throw-away host that somebody got into: a stand-in that comes back by two ways, and a page that mails.

The stand-in is a copy of perl that sleeps; the letters stay in the queue, for the host has no way out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sshdoctor.commands.demo.host import CAPABILITIES, build_image, require_engine, run_command
from sshdoctor.commands.demo.site import BOOTED
from sshdoctor.model import Host, Login, WayIn

IMAGE = "frozen"
PREPARE = r"""
useradd -m -u 1201 -s /bin/bash shop
site=/home/shop/public_html
mkdir -p $site/wp-content/uploads/2024/05
echo '<?php echo "<h1>Shop</h1>";' >$site/index.php
find /home/shop -exec touch -d '2024-05-02 10:00' {} +
chown -R shop:shop /home/shop; chmod 755 /home/shop
cat >/etc/php/8.2/fpm/pool.d/shop.conf <<'E'
[shop]
user = shop
group = shop
listen = /run/php/shop.sock
listen.owner = www-data
listen.group = www-data
pm = ondemand
pm.max_children = 4
php_admin_flag[mail.add_x_header] = on
E
cat >/etc/nginx/sites-available/default <<'E'
server {
    listen 80 default_server;
    server_name shop.example;
    root /home/shop/public_html;
    index index.php;
    location ~ \.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/shop.sock;
    }
}
E
postconf -e myhostname=web.example mydestination=localhost inet_protocols=ipv4 default_transport=smtp \
  defer_transports=smtp
ip link set lo up
systemctl enable --quiet --now rsyslog
systemctl start php8.2-fpm nginx postfix
"""
BREAK = r"""
mkdir -p /var/tmp/.sync
cp /usr/bin/perl /var/tmp/.sync/syncd
echo '# stand-in for a demonstration: sleeps, and does nothing else
sleep 600 while 1;' >/var/tmp/.sync/text
cat >/etc/systemd/system/sync-helper.service <<'E'
[Service]
ExecStart=/var/tmp/.sync/syncd /var/tmp/.sync/text
Restart=always
RestartSec=5
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable --quiet --now sync-helper
{
  echo '17 3 * * * /usr/bin/true # the backup of the owner'
  echo '* * * * * pgrep -x syncd >/dev/null || /var/tmp/.sync/syncd /var/tmp/.sync/text'
} | crontab -
systemctl start cron
page=/home/shop/public_html/wp-content/uploads/2024/05/img.php
echo '<?php // stand-in for a demonstration: a letter to the queue of this host
mail("r".mt_rand(1, 9999)."@example.net", "Parcel waiting", "A letter of a demonstration.");' >$page
chown shop:shop $page
ip addr add 203.0.113.7/32 dev lo
for letter in $(seq 25); do
  curl -s -o /dev/null --interface 203.0.113.7 -H 'Host: shop.example' -d x=1 \
    http://127.0.0.1/wp-content/uploads/2024/05/img.php
done
ip addr del 203.0.113.7/32 dev lo
sleep 1
"""
_STATE = r"""
cd /
find etc home opt usr/local var/tmp var/spool/cron -xdev ! -path 'var/tmp/systemd-private*' ! -path var/tmp \
  -printf '%p %y %m %U:%G %s %T@ %l\n' | LC_ALL=C sort
find etc home var/tmp/.sync var/spool/cron -xdev -type f -exec md5sum {} + | LC_ALL=C sort
find var/spool/postfix/deferred var/spool/postfix/hold -type f -printf '%f\n' | sort
"""


@contextmanager
def frozen_host() -> Iterator[Host]:
    """The container, which has no network; removed afterwards. Raises DemoError."""
    require_engine()
    image = build_image(IMAGE)
    name = f"sshdoctor-demo-{uuid.uuid4().hex[:8]}"
    try:
        capabilities = f"--cap-add={CAPABILITIES}"
        arguments = ("--systemd=always", "--network=none", capabilities, "--hostname=web1", f"--name={name}")
        run_command("podman", "run", "--detach", *arguments, image)
        for script in (BOOTED, PREPARE, BREAK):
            run_command("podman", "exec", name, "timeout", "60", "bash", "-ec", script)
        way = WayIn(connection="podman", target=name)
        yield Host(name="web1", service="ssh", login=Login(address="127.0.0.1", port=22), ways=(way,))
    finally:
        run_command("podman", "rm", "--force", "--ignore", "--time", "0", name)


def state(host: Host) -> str:
    """The files, with their sums, owners, modes and times, and the queue."""
    return run_command("podman", "exec", host.ways[0].target, "bash", "-c", _STATE)
