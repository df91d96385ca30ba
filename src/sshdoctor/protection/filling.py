"""What a host is given of the bans of others, as the script that puts it into its kernel's sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sshdoctor.protection.sharing import Address, Round

FILE = "/etc/sshdoctor/share.nft"
TABLE = "inet sshdoctor_share"
"""As playbook share-bans has them."""


def filling(given: Round) -> str:
    """The shell text that gives it to the host's kernel, in one transaction; it says what came of that.

    A table that is gone since (a reboot, ``flush ruleset``) is loaded again, as long as its file is there.
    """
    lines = [line for name, addresses in given.addresses.items() for line in _lines(name, addresses, given)]
    rules = "\n".join(lines)
    return f"""\
PATH=$PATH:/usr/sbin:/sbin
[ -e {FILE} ] || {{ echo gone; exit 0; }}
nft list chain {TABLE} arriving >/dev/null 2>&1 || nft -f {FILE} || exit 1
[ -e {FILE} ] || {{ nft delete table {TABLE}; echo gone; exit 0; }}
nft -f - <<'END' || exit 1
{rules}
END
echo given
"""


def _lines(name: str, addresses: Mapping[Address, int], given: Round) -> Iterator[str]:
    if given.whole:
        yield f"flush set {TABLE} {name}"
    if addresses:
        elements = ", ".join(f"{address} timeout {seconds}s" for address, seconds in addresses.items())
        yield f"add element {TABLE} {name} {{ {elements} }}"
