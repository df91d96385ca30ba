"""The rules that the boot of a system on a disk will load, as the fact firewall's command prints them.

Only what is loaded as it stands is given as rules: iptables-persistent's files and their like of Red Hat,
nftables.conf where it is understood, ufw's, put together as its /lib/ufw/ufw-init does (measured on
ufw 0.36), and firewalld's, put together from its zones. Whatever else makes rules at the boot is named, and
its rules stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sshdoctor.disk import Disk
from sshdoctor.facts.offline import firewalld as _firewalld_disk
from sshdoctor.facts.offline.nft_file import ruleset
from sshdoctor.firewall import RulesError
from sshdoctor.firewall.iptables.save import BUILT_IN
from sshdoctor.firewall.nft.text import Include
from sshdoctor.model import Unknown

_UNITS = (
    *("ufw", "firewalld", "nftables", "netfilter-persistent", "iptables", "ip6tables", "fail2ban", "docker"),
    *("sshguard", "crowdsec-firewall-bouncer", "ferm", "shorewall", "shorewall6"),
)
_BANNERS = {"fail2ban", "sshguard", "crowdsec-firewall-bouncer"}
"""Programs that add a rule when they ban somebody, and none before."""
_STARTS = (
    "/etc/systemd/system/*.wants/{}.service",
    "/etc/rc[2S].d/S[0-9][0-9]{}",
    "/etc/runlevels/default/{}",
)
_SCRIPTS = (
    *("/etc/rc.local", "/etc/network/interfaces", "/etc/network/if-*.d/*"),
    "/etc/systemd/system/*.service",
)
_RESTORED = {
    "iptables": (
        ("netfilter-persistent", "/etc/iptables/rules.v4"),
        ("iptables", "/etc/sysconfig/iptables"),
        ("ufw", "/etc/ufw/user.rules"),
    ),
    "ip6tables": (
        ("netfilter-persistent", "/etc/iptables/rules.v6"),
        ("ip6tables", "/etc/sysconfig/ip6tables"),
        ("ufw", "/etc/ufw/user6.rules"),
    ),
}
_KEPT = {
    **{path: r"[-*:]" for pairs in _RESTORED.values() for _, path in pairs},
    "/etc/firewalld/direct.xml": r".*<rule ",
    "/etc/nftables.conf": r"\s*[^#\s]",
}
_LOADED = {unit for pairs in _RESTORED.values() for unit, _ in pairs}


def loaders(disk: Disk) -> tuple[str, ...]:
    """The programs that are started at boot and make rules, and "script" for one of the host's own."""
    named = [unit for unit in _UNITS if any(_is_link(disk, pattern.format(unit)) for pattern in _STARTS)]
    script = re.compile(r"^[^#\n]*(ip6?tables|nft )", re.M)
    paths = (path for pattern in _SCRIPTS for path in disk.glob(pattern) if disk.link(path) is None)
    own = any(script.search(disk.text_if_any(path) or "") for path in paths)
    return (*named, *(["script"] if own else []))


def unread(found: tuple[str, ...], disk: Disk) -> str:
    """Whose rules are loaded at the boot and not read here, "" if those of nobody."""
    others = [name for name in found if name not in _LOADED | _BANNERS]
    if "nftables" in others and nft_text(disk)[0]:
        others.remove("nftables")
    both = [name for name in found if name in _LOADED]
    if "ufw" in both and not _ufw_enabled(disk):
        both.remove("ufw")
    if others == ["firewalld"] and not both and "nftables" not in found:
        table = _firewalld_disk.table(disk)
        if isinstance(table, Unknown):
            return table.reason
        return "" if ruleset(table) else "firewalld: its rules are not understood"
    if others:
        return f"{', '.join(others)} makes rules at the boot, which are not read from a disk"
    mixed = len({name.replace("ip6", "ip") for name in both}) > 1
    return f"{' and '.join(both)} both load rules at the boot" if mixed else ""


def nft_text(disk: Disk) -> tuple[str, str]:
    """nft's JSON and text of what nftables.service or firewalld will load; "" where none of it is read."""
    found = loaders(disk)
    if "nftables" in found:
        return ruleset(_text(disk, "/etc/nftables.conf"), _including(disk)) or ("", "")
    table = _firewalld_disk.table(disk) if "firewalld" in found else Unknown("it is not started")
    return ("", "") if isinstance(table, Unknown) else (ruleset(table) or ("", ""))


def _including(disk: Disk) -> Include:
    """The files of an ``include``, in the order of their names; without a folder it is nft's own, /etc."""

    def texts(pattern: str) -> list[str]:
        path = pattern if pattern.startswith("/") else f"/etc/{pattern}"
        found = sorted(disk.glob(path))
        if not found and not re.search(r"[*?[]", pattern):
            raise RulesError(f"it includes {pattern}, which is not there")
        return [disk.text(each) for each in found]

    return texts


_TABLE = re.compile(r"^\*(\w+) *\n((?:(?!COMMIT).*\n)*+)(COMMIT)?", re.M)
"""A table of a file for iptables-restore; without its last word it is none."""


def rules_text(disk: Disk) -> str:
    """What the fact firewall's command ``rules`` would print after the boot."""
    found = loaders(disk)
    said = ["## kernel"]
    for tool, pairs in _RESTORED.items():
        for unit, path in pairs:
            if unit in found and disk.is_file(path) and (unit != "ufw" or _ufw_enabled(disk)):
                text = _ufw(disk, tool) if unit == "ufw" else disk.text(path)
                said += [f"## {tool}-save", _declared(re.sub(r"^#.*\n", "", text, flags=re.M))]
    said += ["## managers", *(["ufw"] if _ufw_enabled(disk) else [])]
    said += [name for name in ("firewalld", "fail2ban", "docker", "sshguard") if name in found]
    said += ["## boot", *found]
    for path, kept in _KEPT.items():
        if disk.is_there(path):
            lines = (disk.text_if_any(path) or "grep: Permission denied").splitlines()
            said += [f"## saved {path}", *(line for line in lines if re.match(rf"{kept}|grep:", line))]
    return "\n".join([*said, ""])


def _text(disk: Disk, path: str) -> str:
    """A file that may be missing; one that may not be read raises PermissionError."""
    return disk.text(path) if disk.is_file(path) else ""


def _is_link(disk: Disk, pattern: str) -> bool:
    return any(disk.link(path) is not None for path in disk.glob(pattern))


def _ufw_enabled(disk: Disk) -> bool:
    return re.search(r"^ENABLED=yes", disk.text_if_any("/etc/ufw/ufw.conf") or "", re.M) is not None


def _ufw(disk: Disk, tool: str) -> str:
    """before.rules, user.rules and after.rules, and the chains that ufw-init puts around them."""
    six = "6" if tool == "ip6tables" else ""
    prefix = f"ufw{six}"
    parts = [
        dict(_tables(_text(disk, f"/etc/ufw/{name}{six}.rules"))) for name in ("before", "user", "after")
    ]
    filters = [part.pop("filter", []) for part in parts]
    own = _frame(prefix, _policies(disk))
    declared = {line.split()[0]: line for lines in (own, *filters) for line in lines if line[0] == ":"}
    before, user, after = ([line for line in lines if line[0] != ":"] for lines in filters)
    jumps = [f"-A {prefix}-before-{way} -j {prefix}-user-{way}" for way in ("input", "output", "forward")]
    rules = [*before, *jumps, *user, *after]
    body = [*declared.values(), *(line for line in own if line[0] != ":"), *rules]
    others = [[f"*{name}", *lines, "COMMIT"] for part in parts for name, lines in part.items()]
    return "\n".join(["*filter", *body, "COMMIT", *(line for lines in others for line in lines), ""])


def _tables(text: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of each table of a file for iptables-restore. What only changes ufw's logging is left out."""
    for name, body, end in _TABLE.findall(text):
        if not end:
            continue
        lines = [line for line in body.splitlines() if line.strip() and not line.startswith("#")]
        yield name, [line for line in lines if not re.match(r"-I ufw6?-logging-", line)]


def _declared(text: str) -> str:
    """``text`` with the built-in chains that it does not declare: at a boot they have the kernel's policy.

    >>> _declared("*nat\\n:POSTROUTING ACCEPT [0:0]\\nCOMMIT\\n").split("\\n")[1:3]
    [':PREROUTING ACCEPT [0:0]', ':INPUT ACCEPT [0:0]']
    """

    def whole(table: re.Match[str]) -> str:
        name, body, end = table.groups()
        if not end:
            return table[0]
        missing = [each for each in BUILT_IN.get(name, ()) if not re.search(rf"^:{each}\b", body, re.M)]
        return "".join([f"*{name}\n", *(f":{each} ACCEPT [0:0]\n" for each in missing), body, end])

    return _TABLE.sub(whole, text)


def _policies(disk: Disk) -> Mapping[str, str]:
    text = disk.text_if_any("/etc/default/ufw") or ""
    return dict(re.findall(r'^DEFAULT_(INPUT|OUTPUT|FORWARD)_POLICY="?(\w+)"?', text, re.M))


def _frame(prefix: str, policies: Mapping[str, str]) -> list[str]:
    """The built-in chains, each with the jumps that ufw-init gives it, and what ends them."""
    lines = []
    for chain in ("INPUT", "FORWARD", "OUTPUT"):
        way, word = chain.lower(), policies.get(chain, "DROP" if chain != "OUTPUT" else "ACCEPT")
        lines.append(f":{chain} {'ACCEPT' if word == 'ACCEPT' else 'DROP'} [0:0]")
        for kind in ("before-logging", "before", "after", "after-logging", "reject", "track"):
            lines += [f":{prefix}-{kind}-{way} - [0:0]", f"-A {chain} -j {prefix}-{kind}-{way}"]
        lines += [
            f":{prefix}-skip-to-policy-{way} - [0:0]",
            f"-A {prefix}-skip-to-policy-{way} -j {word}",
        ]
        lines += [f"-A {prefix}-reject-{way} -j REJECT"] if word == "REJECT" else []
    for name in ("logging-deny", "logging-allow", "user-input", "user-output", "user-forward"):
        lines.append(f":{prefix}-{name} - [0:0]")
    return lines
