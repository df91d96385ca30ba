"""The expressions that stand in tables, or are made of lists, and those that others have written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attacks.patterns.found import Use
from sshdoctor.facts.offline import firewalld
from sshdoctor.facts.ssh.parsing import hosts_access
from sshdoctor.facts.web.explain import apache_messages, logged, nginx_messages
from sshdoctor.firewall.mailed import dialect

TABLES = {
    "facts/web/explain/logged.py": (
        (*nginx_messages.NGINX, *apache_messages.APACHE, *logged._PHP),
        re.DOTALL,
        "search",
    ),
    "facts/offline/firewalld.py": (
        tuple(zone for _, zone in firewalld._ASSIGNMENTS),
        re.MULTILINE,
        "findall",
    ),
    "firewall/mailed/dialect.py": (tuple(dialect._INSTEAD), re.MULTILINE, "search"),
    "facts/ssh/parsing/hosts_access.py": (tuple(hosts_access._HARMLESS.values()), re.DOTALL, "fullmatch"),
    "facts/host/way_back.py": ((r" dev (\S+)", r" via (?:inet6 )?(\S+)"), 0, "search"),
}
"""The files that ask expressions out of a table: which, and how."""


def in_tables() -> Iterator[Use]:
    for file, (patterns, flags, method) in TABLES.items():
        for number, pattern in enumerate(dict.fromkeys(patterns)):
            yield Use(f"{file}:{number}", method, re.compile(pattern, flags))
