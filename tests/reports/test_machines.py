"""Formats that programs read: each is what its reader expects."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from msgspec.structs import replace

from reports.cases import OK, cause, finding, outside_only, seen_inside
from sshdoctor.commands.shared.fleet import failed_report
from sshdoctor.model import Host, HostReport
from sshdoctor.reports import render
from sshdoctor.reports.layout.client_words import SAID
from sshdoctor.services import reply_words

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
SICK = replace(
    seen_inside(cause(), cause("sshd-not-enabled", "latent", "daemon")),
    next=("sshdoctor remediate --host web1",),
    checks=(finding("firewall-accepts-ssh", "fail", "firewall"), finding("sshd-running", "unknown")),
)
WELL = replace(seen_inside(reply=OK), host="web2")
UNDECIDED = replace(outside_only(), host="web3", next=("sshdoctor rescue --host web3 --output rescue.sh",))
ALL = [WELL, SICK, UNDECIDED]


def test_a_line_of_jsonl_is_a_host_of_the_json_report() -> None:
    lines = render(ALL, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(render(ALL, "json"))["hosts"]
    for line in lines:
        jsonschema.validate(json.loads(line), {**SCHEMA, **SCHEMA["$defs"]["host"], "$defs": SCHEMA["$defs"]})


def test_a_host_of_which_nothing_came_to_be_known_fits_the_schema() -> None:
    failed = failed_report(Host(name="web1", service="ssh", login=WELL.login, ways=()), "internal error")
    jsonschema.validate(json.loads(render([failed], "json")), SCHEMA)


JUNIT = {
    "testsuites": set(),
    "testsuite": {
        "name",
        "package",
        "id",
        "tests",
        "failures",
        "errors",
        "skipped",
        "time",
        "timestamp",
        "hostname",
    },
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"message"},
    "properties": set(),
    "property": {"name", "value"},
    "system-out": set(),
    "system-err": set(),
}
"""What the schemas of Ant and Jenkins both take: these elements with these attributes, and no others."""
PARTS = ["properties", "testcase", "system-out", "system-err"]
"""Of a test suite, in the order that Ant's schema asks for; none may be missing."""


def suites() -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(render(ALL, "junit"))  # noqa: S314  # our own output
    for element in root.iter():
        assert set(element.attrib) == JUNIT[element.tag], element.tag
    return {suite.attrib["name"]: suite for suite in root}


def test_junit_has_the_parts_of_a_suite_in_the_order_of_the_schema() -> None:
    for number, suite in enumerate(suites().values()):
        assert list(dict.fromkeys(part.tag for part in suite)) == PARTS
        assert suite.attrib["id"] == str(number)


def test_junit_counts_what_it_has_with_time_and_timestamp() -> None:
    for suite in suites().values():
        counts = {kind: len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "error", "skipped")}
        assert counts == {
            "failure": int(suite.attrib["failures"]),
            "error": int(suite.attrib["errors"]),
            "skipped": int(suite.attrib["skipped"]),
        }
        assert len(suite.findall("testcase")) == int(suite.attrib["tests"])
        assert float(suite.attrib["time"]) > 0 or suite.attrib["name"] == "web2"
        assert datetime.fromisoformat(suite.attrib["timestamp"]).year == 2024


def test_an_undecided_host_is_an_error_and_a_sick_one_a_failure_with_its_evidence() -> None:
    found = suites()
    (error,) = found["web3"].iter("error")
    assert "Connection timed out (silence)" in str(error.text)
    failure = next(found["web1"].iter("failure"))
    assert "-s 198.51.100.7/32" in str(failure.text)
    assert "Next: sshdoctor remediate --host web1" in str(failure.text)
    assert not [*found["web2"].iter("failure"), *found["web2"].iter("error")]


SAMPLE = re.compile(r'sshdoctor_[a-z_]+\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\} [0-9.e+-]+')


def test_prometheus_text_reads_as_its_exposition_format_has_it() -> None:
    families: dict[str, set[str]] = {}
    for line in render([*ALL, replace(SICK, host='a"b\\c')], "prometheus").splitlines():
        if line.startswith("# "):
            _, kind, name, rest = line.split(" ", 3)
            families.setdefault(name, set()).add(kind)
            assert kind == "HELP" or rest == "gauge"
        else:
            assert SAMPLE.fullmatch(line), line
            assert families[line.partition("{")[0]] == {"HELP", "TYPE"}


def test_an_undecided_host_is_neither_up_nor_down() -> None:
    text = render(ALL, "prometheus")
    assert 'sshdoctor_up{host="web1",service="ssh"} 0\n' in text
    assert 'sshdoctor_up{host="web2",service="ssh"} 1\n' in text
    assert 'sshdoctor_up{host="web3"' not in text
    assert 'sshdoctor_undecided{host="web3",service="ssh"} 1\n' in text
    assert (
        'cause="firewall-drops",role="root",confidence="proved"} 1' in text
        and 'reply="silence",works="false"} 0' in text
    )


class _Page(HTMLParser):
    """The elements of a page; each that is opened must be closed."""

    EMPTY = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag == name]


@pytest.mark.parametrize(
    "reports", [[SICK], [WELL], [UNDECIDED], ALL], ids=["sick", "well", "undecided", "all"]
)
def test_the_page_is_well_formed_self_contained_and_said_by_a_screen_reader(
    reports: list[HostReport],
) -> None:
    text = render(reports, "html")
    page = _Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.all("title")) == 1 and "sshdoctor" in text
    assert not {name for name, attributes in page.seen if attributes.get("src") or name in ("script", "link")}
    assert all(str(one.get("href", "#")).startswith("#") for one in page.all("a"))
    assert all(one.get("scope") for one in page.all("th"))
    ways = [one for one in page.all("div") if one.get("class") == "way"]
    assert len(ways) == len(reports) and all(one["role"] == "img" and one["aria-label"] for one in ways)
    assert all(one["aria-hidden"] == "true" for one in page.all("svg"))
    levels = [int(name[1]) for name, _ in page.seen if re.fullmatch(r"h[1-6]", name)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert "prefers-color-scheme: dark" in text and "@media print" in text and "width=device-width" in text


def test_the_packets_way_is_as_large_on_a_telephone_as_on_a_desk() -> None:
    """Its stops are drawn one by one and wrap: a drawing of the whole shrank to letters of 6 pixels there."""
    stops = _Page(render([SICK], "html")).all("svg")
    assert len(stops) > 5
    assert all(stop.get("width") == "104" and "viewbox" not in stop for stop in stops)


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_stands_out_from_its_ground_light_and_dark() -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1 at least."""
    rules = re.findall(r":root \{ ([^}]*) \}", render([SICK], "html"))[:2]
    assert len(rules) == 2
    for rule in rules:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]+);", rule))
        for ground in ("paper", "soft"):
            for ink in ("ink", "good", "bad", "open"):
                light, dark = sorted(map(_luminance, (colours[ink], colours[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (rule, ink, ground)


def test_markdown_for_several_hosts_begins_with_what_is_the_matter() -> None:
    text = render([WELL, SICK, replace(SICK, host="web4")], "markdown")
    assert "| 2 | firewall-drops | web1, web4 |" in text
    assert text.index("## web1: blocked") < text.index("## web2: healthy")
    assert "    sshdoctor remediate --host web1\n" in text


def test_text_for_many_hosts_has_the_sick_first_their_causes_and_a_recap() -> None:
    lines = render([WELL, UNDECIDED, SICK, replace(SICK, host="web4")], "text").splitlines()
    heads = [line.partition(":")[0] for line in lines if re.match(r"web\d: ", line)]
    assert heads == ["web1", "web4", "web3", "web2"]
    assert "2 hosts: firewall-drops: web1, web4" in lines
    recap = lines[lines.index("RECAP") + 1 :]
    assert recap[0] == "web2 : healthy"
    assert recap[-1] == "4 hosts: 1 healthy, 1 undecided, 2 blocked."


def test_what_one_silent_host_may_have_is_not_told_again_for_each_that_is_as_silent() -> None:
    hosts = [replace(UNDECIDED, host=f"dead{number}") for number in range(1, 151)]
    text = render(hosts, "text")
    assert text.count("Not seen") == 1
    assert "\ndead150: undecided. Connection timed out (silence)" in text
    assert text.count(" As dead1.") == 149
    other = replace(UNDECIDED, host="odd", notes=("Something else.",))
    assert render([*hosts, other], "text").count("Not seen") == 2


def test_a_healthy_host_takes_two_lines_and_a_sick_one_says_first_what_was_seen_why_and_what_next() -> None:
    assert len(render([replace(WELL, checks=WELL.checks[:1])], "text").splitlines()) == 2
    without_root = replace(WELL, checks=(finding("one", "unknown"),), notes=("Without root's rights ...",))
    assert len(render([without_root], "text").splitlines()) == 3
    sick = render([SICK], "text").splitlines()
    assert sick[0] == "web1: blocked. Connection timed out (silence)."
    assert sick[1].startswith("  Why: The firewall drops")
    assert "  Next: sshdoctor remediate --host web1" in sick[:5]


def test_one_reason_why_nothing_was_seen_is_one_line() -> None:
    unseen = tuple(
        replace(finding(f"check{n}", "unknown"), summary="Not seen: log: not permitted.") for n in range(19)
    )
    text = render([replace(SICK, checks=unseen)], "text")
    assert text.count("ot permitted") == 1


def test_every_reply_has_the_words_of_a_client() -> None:
    assert set(reply_words()) <= SAID.keys()
