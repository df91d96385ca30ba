"""`sshdoctor remediate --cause` on hosts that somebody got into: stopped, innocent left alone, undone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cleanup.cleaned import KINDS, Cleaned, differences
from examination.host import cases, ill_host, run

pytestmark = pytest.mark.containers
FEW = ("unit-watchdog", "web-upload-start")
BY_HAND = ("second-root", "load-wp-cron", "load-backup-cron", "pam-replaced")
"""What a person decides alone: tests/examination/test_cleanup.py."""
ILL = [n for n, case in cases().items() if case["truth"]["kind"] in KINDS and n not in BY_HAND]
CASES = [name if name in FEW else pytest.param(name, marks=pytest.mark.long) for name in ILL]


@pytest.mark.parametrize("name", CASES)
def test_what_is_found_is_stopped_and_stays_so_and_comes_back_only_by_undo(name: str, tmp_path: Path) -> None:
    case = cases()[name]
    truth = case["truth"]
    with ill_host(case) as container:
        host = Cleaned.of(container, tmp_path)
        before, queue, held, site = host.tree(), host.queue(), host.held(), host.site()
        innocent = {text: host.running(text) for text in truth.get("innocent", ())}
        if name in FEW:
            _, found = host.remediate(truth["kind"], "--check")
            assert found["remedy"]["outcome"] == "checked"
            assert "changed" in {one["status"] for one in found["remedy"]["tasks"]}
            assert not differences(before, host.tree())
        code, found = host.remediate(truth["kind"])
        assert not (faults := _not_done(code, found)), faults
        after = host.tree()
        wrong = [*_back(host, case), *_harmed(host, truth, innocent, before, after)]
        if site == "200" and host.site() != "200":
            wrong.append(f"the site answers {host.site()}")
        undone = host.command("undo", "--yes", "--format", "json")
        assert '"undone"' in undone.stdout, undone.stdout + undone.stderr
        again = differences(before, host.tree())
        wrong += [f"after undo: {line}" for line in again if not _moves(line, case)]
        now = host.queue()  # cron's report of what was ended, or the answer to a poke, may be there as well
        if lost := [letter for letter in queue if letter not in now]:
            wrong.append(f"after undo these letters are not as they were: {lost[:3]}")
        if (holds := host.held()) != held:
            wrong.append(f"after undo these letters are held: {holds[:3]}")
    assert not wrong, "\n".join(wrong)


def _not_done(code: int, found: Mapping[str, Any]) -> list[str]:
    remedy = found["remedy"]
    if (code, remedy["outcome"]) == (0, "proved"):
        return []
    failed = [one for one in remedy["tasks"] if one["status"] == "failed"]
    return [f"exit {code}, {remedy['outcome']}: {remedy['detail']} {failed}"]


def _back(host: Cleaned, case: Mapping[str, Any]) -> list[str]:
    """What runs again after the longest time, or the visit or login, that brought it back."""
    every = case["truth"].get("processes", ())
    times = [each["back"] for each in every if isinstance(each.get("back"), int)]
    time.sleep(max([0, *times]))
    if "poke" in case:
        run(host.container, case["poke"].replace("{ip}", "198.51.100.200"))
        time.sleep(1)
    if "again" in case:
        run(host.container, case["again"]["spoil"])
        time.sleep(case["again"]["within"])
        if run(host.container, f"{case['again']['true']} && echo back"):
            return ["the file came back"]
    if case["truth"]["kind"] == "load":
        return []
    return [
        f"{each['argv']} runs: {found}" for each in every if (found := host.running(each["argv"]))
        and not each.get("title")
    ]  # fmt: skip


def _harmed(
    host: Cleaned,
    truth: Mapping[str, Any],
    innocent: Mapping[str, list[str]],
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> list[str]:
    """Innocent processes that do not run on, and files changed that the truth does not name."""
    now = {text: host.running(text) for text in innocent}
    wrong = [
        f"{one} was ended"
        for text, was in innocent.items()
        for one in was
        if one not in now[text] and "curl" not in one and "php-fpm: pool" not in one  # they end by themselves
    ]
    meant = [each.split(":/")[0].split(":")[-1].strip("/") for each in truth.get("stop", ())]
    meant += [each.partition(":")[0].strip("/") for each in truth.get("persistence", ())]
    meant += [each["from"].strip("/") for each in truth.get("processes", ())]
    for line in differences(before, after):
        path = line.partition(" ")[0]
        folder = any(one.startswith(f"{path}/") for one in meant) or line.split(": ")[-1].startswith("d ")
        if not folder and not any(one in path for one in meant) and "cron/at" not in path:
            wrong.append(f"touched: {line}")
    return wrong


def _moves(line: str, case: Mapping[str, Any]) -> bool:
    """What the stand-ins and cron themselves do meanwhile."""
    return (case["name"] in ("php-loop-unlinked",) and ".htaccess" in line) or "cron/at" in line
