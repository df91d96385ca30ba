"""How long an examination of a large host takes, and of its processors: python -m examination.measure

By default a host with 300 processes, 200,000 files of a site and 50,000 letters that wait; or as given.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from examination.host import run
from examination.record import ask
from hosts import engine
from sshdoctor.examination import FACTS, examine
from sshdoctor.facts import parse_all

_BOOTED = "until systemctl is-system-running | grep -qE 'running|degraded'; do sleep 0.2; done"
# The letters are links to one that was handed in, under the names of a queue: as many files, little work.
_FILL = r"""
useradd -m -u 1201 shop; site=/home/shop/public_html; mkdir -p $site; cd $site
printf 'server { server_name shop.example; root %s; }\n' $site >/etc/nginx/sites-enabled/shop
python3 - FILES LETTERS <<'E'
import os, sys
files, letters = map(int, sys.argv[1:])
line = "function shows($a) { return htmlspecialchars($a); }\n"
php = "<?php\n// a page\nrequire __DIR__ . '/lib.php';\n" + line * 40
for n in range(files):
    folder = f"wp-content/{('plugins', 'themes', 'uploads', 'cache')[n % 4]}/{n // 400}"
    if n % 400 < 4: os.makedirs(folder, exist_ok=True)
    kind = "php" if n % 3 == 0 and n % 4 < 2 else "jpg"
    with open(f"{folder}/f{n}.{kind}", "w") as file: file.write(php if kind == "php" else "a picture")
E
chown -R shop:shop $site
for n in $(seq 300); do sleep 3000 & done
postconf -e mydestination=localhost inet_protocols=ipv4 default_transport=smtp defer_transports=smtp
systemctl enable -q --now rsyslog; systemctl start postfix
printf 'From: shop@shop.example\nTo: a@example.net\nSubject: one\n\ntext\n' | sendmail -t; sleep 2
cd /var/spool/postfix/deferred; one=$(find . -type f | head -n 1)
python3 - "$one" LETTERS <<'E'
import os, sys
one, letters = sys.argv[1], int(sys.argv[2])
for n in range(letters):
    if n % 60000 == 0:
        copy = f"copy{n}"
        os.system(f"cp -p {one} {copy}")
    folder = f"{n % 16:X}"
    os.makedirs(folder, exist_ok=True)
    os.link(copy, f"{folder}/{folder}{n:09X}")
E
"""


@contextmanager
def large_host(files: int, letters: int) -> Iterator[str]:
    """A container with so many files and letters; removed afterwards."""
    name = f"sshdoctor-{engine.run_label()}-large"
    with engine.one_at_a_time():
        image = engine.prepare_images(["frozen"])["frozen"]
    label = f"--label={engine.RUN_LABEL}={engine.run_label()}"
    engine.podman("run", "--detach", "--systemd=always", "--network=none", f"--name={name}", label, image)
    try:
        run(name, _BOOTED)
        run(name, _FILL.replace("FILES", str(files)).replace("LETTERS", str(letters)))
        yield name
    finally:
        engine.podman("rm", "--force", "--time", "0", name)


def used(container: str) -> float:
    """Seconds of processor time that the container has had, by its cgroup of either version."""
    usage = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null"
    return (
        float(run(container, f"{usage} || awk '/^usage_usec/ {{ print $2 * 1000 }}' /sys/fs/cgroup/cpu.stat"))
        / 1e9
    )


def main(files: int = 200_000, letters: int = 50_000) -> None:
    with large_host(files, letters) as container:
        for fact in (*FACTS, ""):
            before = used(container)
            sections, seconds = ask(container, (fact,) if fact else FACTS)
            spent = used(container) - before
            share = 100 * spent / (seconds * (os.cpu_count() or 1))
            cut = [key for key, section in sections.items() if section.cut]
            told = f"{seconds:6.1f} s, {spent:6.1f} s of processors ({share:.0f}%)"
            print(f"{fact or 'all':12} {told} {cut or ''}", flush=True)
        began = time.monotonic()
        found = examine(parse_all(FACTS, sections))
        judged = time.monotonic() - began
        print(f"{found.kind}, {found.mail and found.mail.queued} letters; judged in {judged:.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
