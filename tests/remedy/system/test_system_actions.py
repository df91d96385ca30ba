"""Every action about the system, on real hosts: it changes what differs, once, says so, and can be undone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from remedy.system.hosts_tasks import SHELLS, SOURCES, Case, execute, read_cases, tell

if TYPE_CHECKING:
    from hosts.testbed import Testbed, TestHost

CASES = sorted(read_cases(Path(__file__).parent / "cases"), key=lambda case: (case.image, case.module))
HostOf = Callable[[Case], "TestHost"]


@pytest.fixture(scope="module")
def host_of(testbed: Testbed) -> Iterator[HostOf]:
    """The host of one image and module at a time; its cases follow each other in the order of their file."""
    current: dict[tuple[str, str], TestHost] = {}
    with ExitStack() as stack:

        def start(case: Case) -> TestHost:
            key = case.image, case.module
            if key not in current:
                stack.close()
                current.clear()
                current[key] = stack.enter_context(testbed.host(case.image))
                busybox = ["podman", "cp", "/bin/busybox", f"{current[key].container}:/usr/bin/busybox"]
                subprocess.run(busybox, check=True, capture_output=True)
                if case.image == "rpm":
                    execute(current[key].container, SOURCES.read_text(encoding="utf-8"), quiet=False)
            return current[key]

        yield start


@pytest.mark.containers
@pytest.mark.parametrize(
    ("case", "shell"),
    [
        pytest.param(
            case,
            SHELLS[number % 3],
            id=f"{case.module}: {case.case}",
            marks=pytest.mark.xdist_group(f"{case.module} on {case.image}"),
        )
        for number, case in enumerate(CASES)
    ],
)
def test_a_task_changes_what_differs_once_and_can_be_undone(case: Case, shell: str, host_of: HostOf) -> None:
    story = tell(host_of(case).container, case, shell)
    first = story.stages["first"]
    assert story.seen["check"] == story.seen["before"], "--check changed the host"
    for key, value in case.gives.items():
        assert first.values[key] == value
    if case.says:
        assert first.message is not None
        assert case.says in first.message
        assert case.fails_only_then or story.stages["check"].message is not None
        return
    assert first.message is None, first.message
    after = story.seen["before"] if case.after is None else case.after.rstrip("\n")
    assert story.seen["first"] == story.seen["second"] == after
    assert first.changed == story.stages["check"].changed == (case.changed if case.after is None else True)
    assert story.stages["second"].message is None
    assert story.stages["second"].changed == case.changes_again
    if first.changed:
        assert "diffs" in story.stages["check"].values
        assert "diffs" in first.values
    assert set(case.keeps) <= set(first.kept)
    if case.undoes:
        assert story.seen["undone"] == story.seen["before"], first.inverse
