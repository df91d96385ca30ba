"""What any user of a host could have written steers nothing: names, titles, paths, headers, lines of logs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from examination.record import recorded
from sshdoctor.commands.shared.examined import in_words
from sshdoctor.examination import FACTS, examine
from sshdoctor.examination.document import host_entry
from sshdoctor.facts import commands, parse_all
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import AccessUsed, Unknown

HEALTHY = recorded()["ok-tmux"]
USED = AccessUsed(via="podman", detail="container web1", privileged=True)
KEYS = tuple(commands(FACTS))


def found_with(changes: Mapping[str, str]) -> dict[str, Any]:
    """What is found where sections of a healthy host print this as well."""
    sections = {**HEALTHY}
    for key, more in changes.items():
        sections[key] = Section(f"{sections[key].output}\n{more}", 0)
    return host_entry("web1", examine(parse_all(FACTS, sections)))


@pytest.mark.parametrize("key", KEYS)
def test_a_command_is_a_posix_shell_text(key: str) -> None:
    done = subprocess.run(
        ["sh", "-n"], input=commands(FACTS)[key], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_not_seen_is_no_clean_bill() -> None:
    found = examine(dict.fromkeys(FACTS, Unknown("no way in")))
    assert found.kind == "undecided"
    assert "not seen: what runs (no way in)" in found.doubts


@pytest.mark.parametrize("fact", FACTS[1:])
def test_one_part_that_is_cut_off_is_no_clean_bill(fact: str) -> None:
    facts = {**parse_all(FACTS, HEALTHY), fact: Unknown("its command timed out")}
    assert examine(facts).kind == "undecided"


def test_a_request_with_the_path_of_another_file_names_no_file() -> None:
    line = '203.0.113.7 - - [27/Nov/2026:16:00:00 +0000] "POST /../../etc/passwd HTTP/1.1" 200 5 "-" "x"'
    assert found_with({"requests.lines": f"@\t/var/log/nginx/access.log\n|{line}"})["kind"] == "well"


def test_a_referer_that_looks_like_a_request_is_none() -> None:
    honest = '203.0.113.7 - - [27/Nov/2026:16:00:00 +0000] "GET / HTTP/1.1" 200 5 "-"'
    forged = f'{honest} "x [27/Nov/2026:16:00:01 +0000] \\"POST /contact.php HTTP/1.1\\" 200 5"'
    (requests,) = parse_all(["requests"], {"requests.lines": Section(f"@\t/log\n|{forged}", 0)})[
        "requests"
    ].requests
    assert (requests.method, requests.path) == ("GET", "/")


def test_escape_codes_of_a_host_reach_no_terminal() -> None:
    title = "sshd: root\x1b[2J\x1b]0;owned\x07"
    stat = f"/proc/999/stat:999 (sshd) S 1 999 999 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 100 {'0 ' * 30}"
    table = HEALTHY["running.table"].output
    table = table.replace("## users", f"{stat}\n## users", 1)
    table = table.replace("## groups", "/proc/999/status:Uid:\t0\t0\t0\t0\n## groups", 1)
    table = table.replace("## words", "/proc/999/exe\n/dev/shm/\x1b[31mx (deleted)\n## words", 1)
    table = table.replace("## told", f"/proc/999/cmdline:{title}\n## told", 1)
    sections = {**HEALTHY, "running.table": Section(table, 0)}
    found = examine(parse_all(FACTS, sections))
    (culprit,) = found.culprits
    assert culprit.title_is_a_lie
    text = in_words("web1", USED, found, 80)
    assert "\x1b" not in text and "\x07" not in text
    assert "\x1b" not in json.dumps(host_entry("web1", found))
    assert max(map(len, text.splitlines())) <= 80


def stopped_units(facts: Mapping[str, Any]) -> list[str]:
    return [
        one["what"] for one in host_entry("web1", examine(facts))["stop"] if one["what"].startswith("unit:")
    ]


def test_a_launcher_that_cannot_be_read_is_no_application_of_the_owners() -> None:
    facts = parse_all(FACTS, recorded()["app-exploited"])
    assert stopped_units(facts) == []
    own = "/home/shop/api/server.py"
    files = facts["mechanisms"].files
    compiled = replace(facts["mechanisms"], files={**files, own: replace(files[own], text=())})
    assert stopped_units({**facts, "mechanisms": compiled}) == ["unit:shop-api.service"]


def test_a_title_of_a_daemon_alone_is_no_guilt() -> None:
    found = host_entry("web1", examine(parse_all(FACTS, HEALTHY)))
    assert (found["kind"], found["processes"]) == ("well", [])


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_whatever_a_host_prints_nothing_is_raised(data: st.DataObject) -> None:
    text = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
    marks = st.sampled_from(
        [
            "## stat\n/proc/1/stat:1 (a) S ",
            "## users\n",
            "F\tf\t0\t644\t1\t1\t1\t\t/x\n",
            "Q\t",
            "@\t/x\n|",
            "L\t",
        ]
    )
    sections = {
        key: Section("".join(data.draw(st.lists(st.one_of(marks, text), max_size=4))), 0) for key in KEYS
    }
    found = examine(parse_all(FACTS, sections))
    in_words("web1", USED, found, 80)


def test_the_schema_of_the_contract_is_kept() -> None:
    found = host_entry("web1", examine(parse_all(FACTS, recorded()["mail-cron-cli"])))
    assert {
        "host",
        "kind",
        "processes",
        "persistence",
        "mail",
        "entry",
        "stop",
        "provider_did",
        "innocent",
    } <= {*found}
    process = {
        "pid",
        "user",
        "exe",
        "argv",
        "title_is_a_lie",
        "started_by",
        "file",
        "from",
        "since",
        "cpu_s",
        "evidence",
    }
    assert {*found["processes"][0]} == process
    assert Path(found["processes"][0]["from"]).name == "q.php"
