"""Where nft's own language stands in a text: ``nft list ruleset`` in a mail, between other output."""

from __future__ import annotations

import re

_BEGINS = re.compile(
    r"""(?:nft\ )?
    (?:(?:add|create)\ )?table\ (?:(?:ip6?|inet|netdev|arp|bridge)\ )?[\w.-]+\s*(?:\{.*|\#.*|;.*)?$
    |(?:nft\ )?(?:add|create|insert|delete|destroy|replace|flush|rename)
        \ (?:table|chain|rule|set|map|element|ruleset)\b
    |(?:define|redefine|undefine)\ \w+
    |include\ "
    """,
    re.X,
)
_ASIDE = re.compile(r'"[^"\n]*"|#.*')


def cut_script(text: str) -> tuple[str, str]:
    """What is nft's, and the text without it. Their lines stay, so that numbers of lines do.

    >>> cut_script("$ nft list ruleset\\ntable ip f {\\n}\\n$ exit\\n")
    ('\\ntable ip f {\\n}\\n\\n', '$ nft list ruleset\\n\\n\\n$ exit\\n')
    """
    ours: list[str] = []
    others: list[str] = []
    depth, goes_on = 0, False
    for line in text.split("\n"):
        plain = line.lstrip("> \t\0\ufeff")
        if depth > 0 or goes_on or _BEGINS.match(plain):
            signs = _ASIDE.sub("", plain)
            depth = max(0, depth + signs.count("{") - signs.count("}"))
            goes_on = plain.rstrip().endswith("\\")
            ours.append(plain)
            others.append("")
        else:
            ours.append("")
            others.append(line)
    return "\n".join(ours), "\n".join(others)
