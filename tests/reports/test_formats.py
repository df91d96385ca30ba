"""Every format tells the same report, and nothing that a host says steers what reads it."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from msgspec.structs import replace

from sshdoctor.errors import UsageError
from sshdoctor.model import (
    AccessUsed,
    Attempt,
    Cause,
    Change,
    Evidence,
    Finding,
    History,
    HostReport,
    Login,
    Prediction,
    Reply,
)
from sshdoctor.reports import formats, render
from sshdoctor.reports.layout.printable import printable

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
NASTY = "\x1b[2J</pre><script>alert(1)</script> {{ 7 * 7 }} {% x %} ]]> & \u202e *b* `c` \x00"


def report(text: str = "the rule") -> HostReport:
    reply = Reply(
        address="192.0.2.7", family="ipv4", port=22, word="rst", sender="192.0.2.7", elapsed_ms=0.42
    )
    cause = Cause(
        id="sshd-stopped",
        role="root",
        confidence="proved",
        layer="daemon",
        summary=f"It is stopped: {text}",
        evidence=(Evidence("systemctl show ssh", f"{text}\nsecond line"),),
        fix=f"start it {text}",
    )
    finding = Finding(
        id="sshd-running",
        title="It runs",
        layer="daemon",
        status="fail",
        summary=text,
        causes=("sshd-stopped",),
    )
    unseen = Finding(
        id="firewall", title="It accepts", layer="firewall", status="unknown", summary="Not seen."
    )
    return HostReport(
        host="web1",
        service="ssh",
        login=Login(address="192.0.2.7", port=22, user="root"),
        verdict="blocked",
        outside=(reply,),
        access=AccessUsed(via="podman", detail=text, privileged=True, tried=(Attempt("ssh", "rst", text),)),
        prediction=Prediction(reply="rst", agrees=True, why=text),
        causes=(cause,),
        checks=(finding, unseen),
        history=History(since=1732276801, user=text, changes=(Change(1732276861, f"/etc/{text}"),)),
    )


def test_what_changed_since_a_login_worked_is_told() -> None:
    text = render([report("deploy")], "text")
    assert "Since the last login that worked (deploy, 2024-11-22 12:00:01 UTC):" in text
    assert "2024-11-22 12:01:01 /etc/deploy" in text
    assert '"when": "2024-11-22T12:01:01Z"' in render([report("deploy")], "json")


def test_the_json_report_is_as_the_schema_has_it() -> None:
    jsonschema.validate(json.loads(render([report(NASTY)], "json")), SCHEMA)


@pytest.mark.parametrize("form", formats())
def test_every_format_names_host_reply_and_cause(form: str) -> None:
    said = render([report()], form)
    for word in ("web1", "sshd-stopped", *(["the rule"] if form != "prometheus" else [])):
        assert word in said


@pytest.mark.parametrize("form", formats())
def test_no_control_character_of_a_host_reaches_the_reader(form: str) -> None:
    said = render([report(NASTY)], form)
    assert printable(said, lines=True) == said


def test_markup_of_a_host_stays_text() -> None:
    assert "<script>" not in render([report(NASTY)], "html")
    assert "\\<script\\>" in render([report(NASTY)], "markdown")
    suite = ElementTree.fromstring(render([report(NASTY)], "junit"))  # noqa: S314  # our own output
    assert [case.attrib["name"] for case in suite.iter("testcase")] == [
        "A client gets in",
        "It runs",
        "It accepts",
    ]
    assert (len(list(suite.iter("failure"))), len(list(suite.iter("skipped")))) == (2, 1)


@pytest.mark.parametrize("form", formats())
def test_a_template_of_a_host_is_never_rendered(form: str) -> None:
    assert "49" not in render([report(NASTY)], form)


@pytest.mark.parametrize("width", [40, 80])
def test_the_text_fits_the_terminal(width: int) -> None:
    said = render([report("a long sentence that goes on and on " * 5)], "text", width=width)
    assert max(map(len, said.splitlines())) <= width


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b[" in render([report()], "text", colour=True)
    assert "\x1b[" not in render([report()], "text")


def test_a_format_that_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(
        UsageError,
        match="--format yaml: there are html, json, jsonl, junit, markdown, prometheus, text, ticket",
    ):
        render([report()], "yaml")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_command_to_type_is_one_for_a_shell_on_however_many_lines(width: int) -> None:
    command = (
        "sshdoctor diagnose --host web1 --inventory 'my hosts.yml' --known-hosts known --capture capture.txt"
    )
    two = (command, "sh rescue.sh --plain > capture.txt  # as root, at its console")
    for given in ((command,), two):
        text = render([replace(report(), next=given)], "text", width=width)
        _, _, after = text.partition("Next:")
        pasted, _, _ = after.partition("\n\n")
        said = subprocess.run(
            ["sh", "-c", f'sshdoctor() {{ echo sshdoctor "$@"; }}; sh() {{ :; }}; cd /tmp; {pasted}'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said.split() == command.replace("'", "").split()
        assert max(map(len, pasted.splitlines())) <= width


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_what_it_may_be_is_told_where_no_cause_was_found(form: str) -> None:
    maybe = Cause(
        id="sshd-stopped",
        role="root",
        confidence="possible",
        layer="daemon",
        summary="The SSH daemon is not running.",
        fix="To settle it: systemctl status ssh",
    )
    text = render([replace(report(), verdict="undecided", causes=(), possible=(maybe,))], form)
    told = " ".join(text.split())
    assert all(word in told.lower() for word in ("perhaps", maybe.summary.lower(), "systemctl status ssh"))


def test_markdown_says_each_reason_why_something_was_not_seen_once() -> None:
    hidden = [
        Finding(
            id=f"c{n}", title=f"Question {n}", layer="daemon", status="unknown", summary="Not seen: no bus."
        )
        for n in range(9)
    ]
    text = render([replace(report(), checks=tuple(hidden))], "markdown")
    assert text.count("no bus") + text.count("No bus") == 1
