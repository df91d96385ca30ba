"""Taking a rule away: one that sends connections elsewhere."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from sshdoctor.firewall import Rule


class Removal(Struct, frozen=True):
    """``tool`` is nft, or the iptables that speaks to the back end which holds ``rule``.

    ``handle`` is nft's number for the rule, None if its listing does not tell.
    """

    rule: Rule
    tool: str
    owner: str
    handle: int | None = None

    @property
    def command(self) -> str:
        """What a person types; nft wants the handle that its listing shows."""
        chain = shlex.quote(self.rule.chain)
        if self.tool == "nft":
            where = f"{shlex.join(self.rule.table.split())} {chain}"
            return f"nft -a list chain {where}; nft delete rule {where} handle {self.handle or 'N'}"
        return f"{self.tool} -t {shlex.quote(self.rule.table)} -D {chain} {self.rule.number}"

    def variables(self) -> dict[str, object]:
        """What the playbook ``remove-redirect`` takes; every value is plain."""
        nft_family, _, table = self.rule.table.rpartition(" ")
        return {
            "redirect_tool": self.tool,
            "redirect_nft_family": nft_family,
            "redirect_table": table,
            "redirect_chain": self.rule.chain,
            "redirect_rule": self._listed if nft_family else self.rule.text,
            "redirect_deletion": ["handle", f"{self.handle}"]
            if nft_family
            else ["-D", *words(self.rule.text)[1:]],
            "redirect_owner": self.owner,
        }

    @property
    def _listed(self) -> str:
        """The end of the rule's line in ``nft -a list``: what stands before may count packets."""
        return f"{re.split(r' bytes [0-9]+ ', self.rule.text)[-1]} # handle {self.handle}"


def words(saved: str) -> list[str]:
    """The words of a line of iptables-save, which quotes with ``"`` and escapes within by a backslash.

    >>> words(r'-A INPUT -m comment --comment "it\\'s" -j DROP')
    ['-A', 'INPUT', '-m', 'comment', '--comment', "it's", '-j', 'DROP']
    """
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', saved)
    return [plain or re.sub(r"\\(.)", r"\1", quoted) for quoted, plain in found]


def handle_of(rule: Rule, listing: str) -> int | None:
    """The handle of ``rule`` in ``nft -a list ruleset``.

    >>> from sshdoctor.firewall import Rule
    >>> text = "table ip nat { # handle 1\\n\\tchain pre { # handle 2\\n\\t\\tredirect to :80 # handle 7\\n"
    >>> handle_of(Rule("ip nat", "pre", 1, "redirect to :80"), text)
    7
    """
    block = listing.partition(f"table {rule.table} {{")[2].partition(f"\tchain {rule.chain} {{")[2]
    found = re.search(rf"\t{re.escape(rule.text)} # handle (\d+)$", block.partition("\n\t}")[0], re.M)
    return int(found[1]) if found else None
