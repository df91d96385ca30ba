"""Everything that reads what comes from outside: each is given a damaged text, and says what came of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from attacks.fuzz.damage import Edit, damaged
from attacks.fuzz.recorded import Recorded, checks, proved, recorded, report, texts, with_output
from sshdoctor import facts
from sshdoctor.access.capture.capture import read_capture
from sshdoctor.checks.evaluate import evaluate
from sshdoctor.checks.load import load_checks
from sshdoctor.diagnosis.derive import DERIVED, hearsay
from sshdoctor.disk import Disk
from sshdoctor.documents.reader import read_yaml
from sshdoctor.documents.resources import shipped
from sshdoctor.errors import CaptureError, CheckError, InputError, PlaybookError, RulesError
from sshdoctor.facts.parsing.section import Section
from sshdoctor.firewall import Dump, Packet, judge
from sshdoctor.firewall.mailed import judge_files
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Unknown
from sshdoctor.remedy.playbook.compile import compile_playbooks
from sshdoctor.remedy.playbook.load import load_playbook

Thing = TypeVar("Thing")
Edits = Sequence[Edit]
Target = Callable[[int, Edits, Path], None]
"""Given which seed, what becomes of it, and a folder of its own."""

TESTS = Path(__file__).parents[2]
PACKET = Packet(family="ipv4", source="198.51.100.1", destination="198.51.100.2", destination_port=22)


def sections(seed: int, edits: Edits, folder: Path) -> None:
    """One section of a fact's command, as hosts printed it, damaged."""
    name, said = _pick(_cases(), seed)
    key = sorted(said)[seed % len(said)]
    broken = {**said, key: Section(damaged(said[key].output, edits), said[key].status)}
    value = facts.parse_all([name], broken)[name]
    assert isinstance(value, facts.load(name).VALUE | Unknown)


@cache
def _cases() -> tuple[tuple[str, Mapping[str, Section]], ...]:
    found = []
    for path in sorted((TESTS / "facts").glob("*/*.yml")):
        name, case = path.parent.name, read_yaml(path)
        found.append((name, {f"{name}.{key}": Section(**each) for key, each in case["sections"].items()}))
    return tuple(found)


def probes(seed: int, edits: Edits, folder: Path) -> None:
    """What a whole probe printed, damaged: where something is lost or added, that is seen."""
    begun = _pick(recorded(), seed)
    capture = begun.capture
    output = damaged(capture.output.decode("utf-8", "surrogateescape"), edits)
    _proves_no_more(begun, lambda: report(with_output(capture, output), begun.word))


def captures(seed: int, edits: Edits, folder: Path) -> None:
    """A capture on its way through a console."""
    begun = _pick(recorded(), seed)
    text = damaged(begun.text, edits).encode("utf-8", "surrogatepass")
    _proves_no_more(begun, lambda: report(read_capture(text, "it"), begun.word))


def _proves_no_more(begun: Recorded, look: Callable[[], Any]) -> None:
    with suppress(CaptureError):
        found = look()
        assert found.verdict != "healthy" or begun.word == "ok"
        assert proved(found) <= _proved(begun), f"new from damage: {proved(found) - _proved(begun)}"


@cache
def _proved_of(number: int) -> frozenset[str]:
    begun = recorded()[number]
    return proved(report(begun.capture, begun.word))


def _proved(begun: Recorded) -> frozenset[str]:
    return _proved_of(recorded().index(begun))


def dumps(seed: int, edits: Edits, folder: Path) -> None:
    """A firewall's dump."""
    path = folder / "rules"
    path.write_bytes(damaged(_pick(_dumps(), seed), edits).encode("utf-8", "surrogatepass"))
    with suppress(RulesError, InputError):
        judge_files([path], source=PACKET.source, destination=PACKET.destination, port=22)


@cache
def _dumps() -> tuple[str, ...]:
    return texts("firewall/cases/*.rules", "firewall/forms/*.txt")


def cut_dumps(seed: int, edits: Edits, folder: Path) -> None:
    """A dump that was cut, or whose lines that are no rules were lost: what it refused is not let in."""
    text = _pick(_saves(), seed)
    *_, (kind, at, _, junk) = edits
    if kind == "cut":
        broken = text[: int(at * len(text))]
    else:
        lines = text.splitlines(keepends=True)
        frame = [number for number, line in enumerate(lines) if line[:1] in "*:C"]
        number = frame[min(int(at * len(frame)), len(frame) - 1)]
        flipped = damaged(lines[number], [("flip", 1 / len(lines[number]), 1, junk)])
        lines[number] = "" if kind == "lose line" else flipped
        broken = "".join(lines)
    before = judge([Dump("iptables-legacy-save", "ipv4", text)], PACKET)
    with suppress(RulesError):
        after = judge([Dump("iptables-legacy-save", "ipv4", broken)], PACKET)
        whole = not broken.strip() or "*filter" not in broken
        assert before.state == "accept" or after.state != "accept" or whole, broken


@cache
def _saves() -> tuple[str, ...]:
    rule = "-A INPUT -p tcp -m tcp --dport 22 -j {}\n"
    head = "*filter\n:INPUT {} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    chains = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")
    declared = "".join(f":{chain} ACCEPT [0:0]\n" for chain in chains)
    nat = f"*nat\n{declared}COMMIT\n"
    found = [f"{head.format('DROP')}COMMIT\n", f"{head.format('ACCEPT')}{rule.format('DROP')}COMMIT\n"]
    return (*found, *(f"{nat}{each}" for each in found), *(f"{each}{nat}" for each in found))


FILES = (
    *(
        "etc/ssh/sshd_config",
        "etc/passwd",
        "etc/shadow",
        "etc/hosts.deny",
        "etc/nftables.conf",
        "etc/os-release",
    ),
    *(
        "etc/iptables/rules.v4",
        "etc/pam.d/sshd",
        "var/log/auth.log",
        "var/lib/dpkg/status",
        "etc/default/ufw",
    ),
    *(
        "home/deploy/.ssh/authorized_keys",
        "usr/lib/systemd/system/ssh.service",
        "usr/lib/systemd/system/ssh.socket",
    ),
    *(
        "etc/ssh/ssh_host_ed25519_key.pub",
        "usr/sbin/sshd",
        "etc/firewalld/zones/public.xml",
        "etc/ufw/user.rules",
    ),
)


def disks(seed: int, edits: Edits, folder: Path) -> None:
    """One file of a disk."""
    root = folder / "disk"
    if not root.exists():
        shutil.copytree(TESTS / "attacks" / "fuzz" / "seeds" / "disk", root, symlinks=True)
    path = root / _pick(FILES, seed)
    whole = path.read_bytes()
    try:
        path.write_bytes(damaged(whole.decode("latin-1"), edits).encode("utf-8", "surrogatepass"))
        found = facts.read_disk(facts.names(), Disk(root), "deploy", 60)
    finally:
        path.write_bytes(whole)
    for name, value in found.items():
        assert isinstance(value, facts.load(name).VALUE | Unknown)


def inventories(seed: int, edits: Edits, folder: Path) -> None:
    path = folder / "inventory.yml"
    path.write_bytes(damaged(_pick(_inventories(), seed), edits).encode("utf-8", "surrogatepass"))
    with suppress(InputError):
        load_hosts("all", [path], {})


@cache
def _inventories() -> tuple[str, ...]:
    return texts("inventory/ansible/**/*.yml", "inventory/ansible/**/*.ini", "inventory/ansible/**/hosts")


def own_checks(seed: int, edits: Edits, folder: Path) -> None:
    """A check of a person's own, asked about a host of which nothing is known."""
    layer, text = _pick(_own_checks(), seed)
    path = folder / "checks" / layer / "mine.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(damaged(text, edits).encode("utf-8", "surrogatepass"))
    try:
        loaded = load_checks((folder / "checks",), _types(), hearsay())
    except CheckError:
        return
    finally:
        path.unlink()
    evaluate(loaded, {name: Unknown("not seen") for name in _types()}, {})


@cache
def _own_checks() -> tuple[tuple[str, str], ...]:
    found = []
    for check in checks():
        lines = check.path.read_text().splitlines(keepends=True)
        found.append((check.layer, "".join(line for line in lines if not line.startswith(("after", "expl")))))
    return tuple(found)


@cache
def _types() -> dict[str, type]:
    return {**{name: facts.load(name).VALUE for name in facts.names()}, **DERIVED}


def own_playbooks(seed: int, edits: Edits, folder: Path) -> None:
    path = folder / "mine.yml"
    path.write_bytes(damaged(_pick(_playbooks(), seed), edits).encode("utf-8", "surrogatepass"))
    with suppress(PlaybookError):
        compile_playbooks([(load_playbook(path), {})])


@cache
def _playbooks() -> tuple[str, ...]:
    return tuple(path.read_text() for path in sorted(shipped("playbooks").glob("*.yml")))


def _pick(among: Sequence[Thing], seed: int) -> Thing:
    return among[seed % len(among)]


SHARES: Mapping[Target, int] = {
    sections: 300,
    probes: 60,
    captures: 90,
    dumps: 150,
    cut_dumps: 100,
    disks: 60,
    inventories: 90,
    own_checks: 90,
    own_playbooks: 60,
}
"""Of a thousand inputs, how many each is given."""
