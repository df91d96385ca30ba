"""What lets a client in past the rule that stops it, in the words of the tool that owns the rule."""

from __future__ import annotations

import shlex
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.unblock.saved_rules import NOWHERE, Saved

COMMENT = "sshdoctor"
_PANIC = "firewalld's panic mode"
_FILES = {
    "nftables.service": "/etc/nftables.conf",
    "ferm": "/etc/ferm/ferm.conf",
    "Shorewall": "Shorewall's rules",
}


class Opening(Struct, frozen=True, kw_only=True):
    """One rule to add. ``owner`` is the program whose rule stops the client, or that may have loaded it.

    ``tool`` makes the change: ufw, firewall-cmd, nft, or the iptables that speaks to the back end which holds
    the rule; ``backend`` is nft or that iptables in any case. ``table`` (in nft with its family), ``chain``
    and ``number`` (None: the policy) are of the rule that stops the client. ``place``: "before" it, "first"
    or at the "end" of its chain, of ufw's list or of the zone. ``source`` None is the whole world, ``port``
    None every port (only to ask the model). ``outward``: for the answers. ``zone`` and ``policy`` are
    firewalld's. ``saved`` is where the rule must stand to come back after a reboot; ``returns``: whether the
    rule that stops the client comes back, None if that is not known.
    """

    owner: str
    tool: str
    backend: str
    family: str
    table: str
    chain: str
    number: int | None
    place: Literal["before", "first", "end"]
    port: int | None
    source: str | None
    outward: bool
    zone: str = ""
    policy: str = ""
    saved: Saved = NOWHERE
    returns: bool | None = None

    @property
    def command(self) -> str:
        """What a person types."""
        if self.owner == _PANIC:
            return "firewall-cmd --panic-off"
        if self.tool == "ufw":
            return f"ufw {self.words}"
        if self.tool == "firewall-cmd":
            of = f" --zone={shlex.quote(self.zone)}" if self.zone else ""
            of = f" --policy={shlex.quote(self.policy)}" if self.policy else of
            add = f"--add-rich-rule='{self.rich}'" if self.rich else self.addition
            return f"firewall-cmd --permanent{of} {add} && firewall-cmd --reload"
        if self.direct:
            return f"firewall-cmd --permanent --direct --add-rule {self.direct} && firewall-cmd --reload"
        command = f"Before that rule, accept the client: {self._accepting}"
        if self.owner == "iptables-persistent":
            return f"{command} && netfilter-persistent save"
        file = _FILES.get(self.owner)
        return f"{command} (and write it into {file}, else it is gone after a reboot)" if file else command

    @property
    def words(self) -> str:
        """The rule itself: ``-A CHAIN ...`` as iptables-save prints it, nft's expression, ufw's sentence."""
        if self.tool == "ufw":
            if self.source is None:
                return f"{'prepend ' if self.place == 'first' else ''}allow {self.port}/tcp"
            return f"prepend allow from {self.source} to any port {self.port} proto tcp"
        if self.tool == "nft":
            return f'{self.expression} comment "{self.comment}"'
        source = f" -{'d' if self.outward else 's'} {self.network}" if self.source else ""
        ends = f" -p tcp -m tcp --{'s' if self.outward else 'd'}port {self.port}" if self.port else ""
        return f"-A {self.chain}{source}{ends} -m comment --comment {self.comment} -j ACCEPT"

    @property
    def rich(self) -> str:
        """firewalld's rich rule, before all of the zone's own; "" where the service or port alone does."""
        if self.source is None and self.place == "end":
            return ""
        source = f" source address={self.source}" if self.source else ""
        return f"rule priority=-32768 family={self.family}{source} port port={self.port} protocol=tcp accept"

    @property
    def arguments(self) -> str:
        """The rule as iptables takes it after ``-t TABLE``."""
        chain = shlex.quote(self.chain)
        place = f"-A {chain}" if self.place == "end" else f"-I {chain} {self.position}"
        return f"{place}{self.words.removeprefix(f'-A {self.chain}')}"

    @property
    def direct(self) -> str:
        """What ``firewall-cmd --direct --add-rule`` takes, where firewalld's direct rules stop the client."""
        if self.owner != "firewalld (direct)":
            return ""
        what = self._accepting.partition(" -p tcp ")[2].removesuffix(" -j ACCEPT")
        what = f"{what} -m comment --comment {self.comment} -j ACCEPT"  # the same rule after a reload
        return f"{self.family} {self.table} {shlex.quote(self.chain)} -32768 -p tcp {what}"

    @property
    def note(self) -> str:
        """What a person must know about how long the change lasts, "" if it comes back after a reboot."""
        if self.saved.file or self.direct or self.tool in ("ufw", "firewall-cmd"):
            return ""
        gone = f"The rule put before that of {self.owner} is gone after a reboot"
        if self.returns is False:
            return f"{gone}, and so is the one that stopped the client."
        file = _FILES.get(self.owner, f"the configuration of {self.owner}")
        return f"{gone} or when {self.owner} writes its rules again: add it to {file} too."

    @property
    def expression(self) -> str:
        """The rule in nft's words, as nft lists it."""
        ip = "ip6" if self.family == "ipv6" else "ip"
        peer = f"{ip} {'daddr' if self.outward else 'saddr'} {self.source} " if self.source else ""
        ends = f"tcp {'sport' if self.outward else 'dport'} {self.port} " if self.port else ""
        return f"{peer}{ends}accept"

    @property
    def comment(self) -> str:
        """Names this program, and the place too where a list of all rules must tell two of them apart."""
        if self.tool == "nft":
            return f"{COMMENT} {self.table} {self.chain}"
        return COMMENT if self.table == "filter" else f"{COMMENT}-{self.table}"

    @property
    def network(self) -> str:
        """``source`` as iptables takes and prints it."""
        everyone, whole = ("::/0", 128) if self.family == "ipv6" else ("0.0.0.0/0", 32)
        if self.source is None or "/" in self.source:
            return self.source or everyone
        return f"{self.source}/{whole}"

    @property
    def position(self) -> int:
        """Where in its chain the rule is inserted."""
        return self.number if self.place == "before" and self.number else 1

    @property
    def addition(self) -> str:
        """What firewall-cmd is told to add to a zone or policy."""
        if self.rich:
            return f"--add-rich-rule={self.rich}"
        return "--add-service=ssh" if self.port == 22 else f"--add-port={self.port}/tcp"

    @property
    def _accepting(self) -> str:
        """The smallest rule that takes this client's packets before the one that stops them."""
        chain = shlex.quote(self.chain)
        if self.tool == "nft":
            return f"nft insert rule {shlex.join(self.table.split())} {chain} {self.expression}"
        source = f" -{'d' if self.outward else 's'} {self.source}" if self.source else ""
        ends = f"--{'s' if self.outward else 'd'}port {self.port}{source}"
        where = f"-A {chain}" if self.place == "end" else f"-I {chain} {self.position}"
        return f"{self.tool} -t {shlex.quote(self.table)} {where} -p tcp {ends} -j ACCEPT"

    def bare(self) -> Opening:
        """The same by a rule of nobody's, beside the one that stops the client; it is gone after a reboot."""
        place: Literal["before", "first", "end"] = "before" if self.number else "end"
        if self.backend == "nft":
            place = "first"
        return replace(self, tool=self.backend, place=place, zone="", policy="", saved=NOWHERE)
