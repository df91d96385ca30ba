"""--mask: nothing that tells whose hosts these are, and still one story."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.cases import SILENCE, cause, finding, outside_only, seen_inside
from sshdoctor.model import (
    AccessUsed,
    Attempt,
    Cause,
    Evidence,
    HostReport,
    Login,
    Repair,
    Secret,
    TaskResult,
)
from sshdoctor.reports import formats, languages, render
from sshdoctor.reports.masking.replace import masked

FINGERPRINT = "SHA256:DUPkbb6YjRREp9YfVCgpSFPHq1Ad66qekaKR7l22Dfs"


def told(text: str, **changes: object) -> str:
    """A masked report's note that was ``text``."""
    report = replace(outside_only(), notes=(text,), **changes)
    return masked([report])[0].notes[0]


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("from 198.51.100.7 to 203.0.113.2", "from CLIENT-1 to ADDRESS-1"),
        ("from 2001:db8:1::7 to 2001:DB8:0::2", "from CLIENT-2 to ADDRESS-2"),
        ("[2001:db8::2]:22, 2001:db8::2:22", "[ADDRESS-2]:22, ADDRESS-2:22"),
        ("::ffff:203.0.113.2", "ADDRESS-1"),
        ("IP 198.51.100.7.4711 > 203.0.113.2.22:", "IP CLIENT-1.4711 > ADDRESS-1.22:"),
        ("-s 198.51.100.0/24 -d 2001:db8::/32", "-s ADDRESS-4/24 -d ADDRESS-5/32"),
        ("fe80::1%eth0", "ADDRESS-4%eth0"),
        ("sshd@0-203.0.113.2:22-198.51.100.7:4711.service", "sshd@0-ADDRESS-1:22-CLIENT-1:4711.service"),
        ("ip-203-0-113-2.internal", "ip-ADDRESS-1.internal"),
        ("127.0.0.1 ::1 0.0.0.0:22 [::]:22 :::22", "127.0.0.1 ::1 0.0.0.0:22 [::]:22 :::22"),
        ("11:45:41 std::string 1:9.2p1-2+deb12u10", "11:45:41 std::string 1:9.2p1-2+deb12u10"),
        ("web1 WEB1.example.com db.example.com", "HOST-1 HOST-2 HOST-3"),
        ("web1.service web10 my_web1", "HOST-1.service web10 my_web1"),
        ("deploy may, redeploy may not", "USER-1 may, redeploy may not"),
        ("/home/alice/.ssh/id alice root", "/home/USER-2/.ssh/id USER-2 root"),
        ("AllowUsers root bob carol@10.0.0.1", "AllowUsers root USER-2 USER-3@ADDRESS-4"),
        ("Failed password for invalid user eve from x", "Failed password for invalid user USER-2 from x"),
        ("Nov 22 11:45:41 kestrel sshd[7]: kestrel", "Nov 22 11:45:41 HOST-3 sshd[7]: HOST-3"),
        (f"{FINGERPRINT} {FINGERPRINT}", "FINGERPRINT-1 FINGERPRINT-1"),
        ("MAC=52:54:00:12:34:56:08:00 52:54:00:12:34:56", "MAC=HARDWARE-1 HARDWARE-2"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKk3", "ssh-ed25519 KEY-1"),
    ],
)
def test_what_identifies_is_replaced_and_nothing_else(text: str, mask: str) -> None:
    assert told(text) == mask


def test_the_same_thing_has_the_same_mask_in_all_reports() -> None:
    one, two = masked([outside_only(), seen_inside(cause())])
    assert one.outside[0].address == two.outside[0].address == two.login.address == "ADDRESS-1"
    assert "CLIENT-1" in two.causes[0].fix
    assert one.host == two.host == "HOST-1"


def test_words_of_the_contract_stay_even_if_a_host_is_called_so() -> None:
    for name in ("firewall", "silence", "podman", "blocked", "drops"):
        report = masked([replace(seen_inside(cause()), host=name)])[0]
        assert (report.causes[0].id, report.verdict, report.outside[0].word, report.access.via) == (
            "firewall-drops", "blocked", "silence", "podman",
        )  # fmt: skip


def test_a_repair_is_masked_too() -> None:
    task = TaskResult(
        playbook="open-firewall", name="Allow 198.51.100.7", status="changed", diff="+198.51.100.7"
    )
    repair = Repair(
        outcome="proved", tasks=(task,), replies_after=(SILENCE,), journal=("ssh deploy@203.0.113.2",)
    )
    shown = masked([replace(seen_inside(cause()), repair=repair)])[0].repair
    assert shown is not None
    assert (shown.tasks[0].name, shown.tasks[0].diff) == ("Allow CLIENT-1", "+CLIENT-1")
    assert shown.journal == ("ssh USER-1@ADDRESS-1",)


def test_a_password_is_neither_shown_nor_looked_into() -> None:
    login = Login(address="203.0.113.2", port=22, user="deploy", password=Secret("deploy"))
    assert masked([replace(outside_only(), login=login)])[0].login.password == Secret("deploy")


def test_a_long_run_of_numbers_takes_no_long_time() -> None:
    told("7." * 20_000 + " " + ":a" * 2_000)


def _spelled(address: IPv4Address | IPv6Address, way: int) -> str:
    if isinstance(address, IPv4Address):
        return str(address) if way % 3 else f"::ffff:{address}"
    return (str(address), address.exploded, str(address).upper())[way % 3]


def _ordinary(address: IPv4Address | IPv6Address) -> bool:
    plain = getattr(address, "ipv4_mapped", None) or address
    return not (plain.is_loopback or plain.is_unspecified)


ADDRESS = st.one_of(
    st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(network="2001:db8::/112"),
    st.ip_addresses(network="10.0.0.0/28"),
).filter(_ordinary)  # fmt: skip
BEFORE = st.sampled_from(
    ["", " ", "[", "'", "=", "(", ",", "/", "-", "from ", "addr:", "@", "host1:", "-s ", "\n"]
)
AFTER = st.sampled_from(
    ["", " ", "]", "'", ":22", "]:22", "/24", ".", ", ", "%eth0", ")", "-", ".22", ";", "\n"]
)
SPELLED = st.tuples(ADDRESS, st.integers(0, 2)).map(lambda one: _spelled(*one))


def _report(texts: Sequence[str], address: str, source: str) -> HostReport:
    """Every field that can hold text, filled with texts."""
    one, two, three, *rest = texts
    shown = Cause(
        id="firewall-drops", role="root", confidence="likely", layer="firewall", summary=one, fix=two,
        evidence=(Evidence(three, "\n".join(rest)),),
    )  # fmt: skip
    return replace(
        seen_inside(shown),
        host=address,
        login=Login(address=address, port=22, user="deploy", jumps=(f"admin@{source}:22",)),
        outside=(
            replace(SILENCE, address=address, source=source, sender=source, word="kex-failed", detail=one),
        ),
        access=AccessUsed(via="ssh", detail=two, privileged=False, tried=(Attempt("ssh", "rst", three),)),
        checks=(replace(finding("sshd-running", "unknown"), summary=one),),
        notes=tuple(rest),
    )


TEXTS = st.lists(st.tuples(BEFORE, SPELLED, AFTER), min_size=4, max_size=6)


def _leaks(
    texts: list[tuple[str, str, str]], address: str, source: str, form: str, lang: str = "en"
) -> list[str]:
    """The addresses of a report that its masked text still has."""
    report = _report(["".join(text) for text in texts], address, source)
    said = render([report], form, lang=lang, mask=True)
    spelled = (address, source, *(text for _, text, _ in texts))
    given_in = {ip_address(text) for text in spelled}
    words = re.findall(r"[0-9A-Fa-f:.]*[0-9A-Fa-f]|[0-9A-Fa-f:.]*::", said)
    whole = [
        text for text in spelled if re.search(rf"(?<![0-9A-Fa-f:.]){re.escape(text)}(?![0-9A-Fa-f:])", said)
    ]
    return whole + [word for word in words if _is_address(word) and ip_address(word) in given_in]


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


@settings(max_examples=100, deadline=None)
@given(TEXTS, SPELLED, SPELLED)
def test_no_address_that_went_in_comes_out(
    texts: list[tuple[str, str, str]], address: str, source: str
) -> None:
    assert not _leaks(texts, address, source, "json")


@pytest.mark.parametrize(("form", "lang"), [(form, lang) for form in formats() for lang in languages(form)])
def test_every_format_is_masked(form: str, lang: str) -> None:
    texts = [
        ("from ", "192.0.2.9", ":22"),
        ("[", "2001:db8::9", "]:22"),
        ("-", "192.0.2.9", "."),
        ("@", "fe80::9", "%eth0"),
    ]
    assert not _leaks(texts, "203.0.113.2", "2001:db8:1::7", form, lang)
    shown = _report(["".join(text) for text in texts], "203.0.113.2", "2001:db8:1::7")
    assert (form == "prometheus") or "192.0.2.9" in render([shown], form, lang=lang)
