"""The ways in which a host starts programs by itself: the files of each, and their units.

Sources: crontab(5), at(1), systemd.unit(5), supervisord's manual, pam_exec(8), update-motd(5), Postfix'
local(8) and pipe(8), Exim's specification (pipes of aliases, of ~/.forward, of transports), githooks(5), the
specification of D-Bus, incrontab(5), cloud-init's manual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sshdoctor.examination.findings import StartedBy

WAYS: tuple[tuple[StartedBy, re.Pattern[str]], ...] = (
    ("at", re.compile(r"^/var/spool/(?:cron/at|at)")),
    ("cron", re.compile(r"^/(?:etc/(?:crontab|anacrontab|cron|crontabs/)|var/spool/cron/)")),
    ("timer", re.compile(r"\.timer$")),
    ("unit", re.compile(r"^(?>.*?/systemd/)(?:.*[^/]\.(?:service|socket|path)|.*\.d/[^/]+\.conf)$")),
    ("supervisor", re.compile(r"^/etc/supervisor")),
    (
        "rc",
        re.compile(
            r"^/etc/(?:rc|init\.d|inittab|local\.d)|^/etc/(?:network|NetworkManager|networkd|dhcp|ppp)"
        ),
    ),
    ("login", re.compile(r"^/etc/(?:update-motd\.d|pam\.d|ssh/sshrc)|/\.ssh/(?:rc|authorized_keys2?)$")),
    ("profile", re.compile(r"^/etc/(?:profile|bash|zsh|environment)|/\.(?:bash|profile|zsh|zprofile)[^/]*$")),
    ("rc", re.compile(r"/systemd/(?:system|user)-(?:generators|sleep|shutdown)/|^/etc/modprobe\.d/")),
    ("profile", re.compile(r"/\.(?:zlogin|xprofile|xsessionrc)$|/autostart/[^/]{1,200}\.desktop$")),
    ("udev", re.compile(r"/udev/rules\.d/")),
    ("cron", re.compile(r"^/etc/logrotate\.d/|^/etc/apt/apt\.conf\.d/")),
    ("mail", re.compile(r"^/etc/(?:mail/)?aliases$|^/etc/postfix/|^/etc/exim4?/|/\.(?:forward|procmailrc)$")),
    ("login", re.compile(r"/hooks/[a-z-]{1,40}$")),
    ("unit", re.compile(r"/dbus-1/(?:system-)?services/[^/]+$")),
    (
        "profile",
        re.compile(r"/\.(?:k|mk|c|tc)shrc$|/\.login$|/\.pam_environment$|/\.config/(?:fish|environment\.d)/"),
    ),
    ("cron", re.compile(r"^/etc/incron|^/var/spool/(?:incron|fcron)/")),
    ("rc", re.compile(r"^/var/lib/cloud/scripts/")),
)
"""The ways in which a host starts programs by itself, and where the files of each are."""
UNITS: tuple[tuple[StartedBy, re.Pattern[str]], ...] = (
    ("container", re.compile(r"^(?:docker|libpod|crio|cri-containerd|machine-[^-]*)-.*\.scope$")),
    ("cron", re.compile(r"^(?:crond?|anacron|cronie|fcron|bcron)\.service$")),
    ("at", re.compile(r"^atd\.service$")),
    ("supervisor", re.compile(r"^supervisord?\.service$")),
    (
        "rc",
        re.compile(
            r"^(?:rc-local|rc\.local|networking|NetworkManager-dispatcher|networkd-dispatcher)\.service$"
        ),
    ),
    ("udev", re.compile(r"^systemd-udevd\.service$")),
    ("mail", re.compile(r"^(?:postfix(?:@.*)?|exim4?|sendmail|opensmtpd)\.service$")),
    ("login", re.compile(r"^(?:sshd?(?:@.*)?|dropbear|telnet.*|getty@.*)\.service$|^session-[^/]+\.scope$")),
)
DAEMONS: Mapping[str, StartedBy] = {
    "cron": "cron",
    "crond": "cron",
    "atd": "at",
    "supervisord": "supervisor",
    "sshd": "login",
    "dropbear": "login",
}


_SETTINGS = re.compile(
    r"^/etc/(?!passwd|group|shadow|ssl/)|\.pth$|/(?:site|user)customize\.py$"
    r"|^/(?:usr/lib|run)/(?:tmpfiles|sysctl|binfmt|modprobe|environment)\.d/"
)


def is_setting(path: str) -> bool:
    """Whether a program reads the file when it starts, and may run or put in place what it names.

    >>> is_setting("/etc/rsyslog.d/50-default.conf"), is_setting("/etc/cron.d/php")
    (True, False)
    """
    return way_of(path) is None and bool(_SETTINGS.search(path))


def way_of(path: str) -> StartedBy | None:
    """The way that a file belongs to; None if it starts nothing by itself."""
    return next((way for way, pattern in WAYS if pattern.search(path)), None)
