"""The registry of facts, and what becomes of output that no parser can read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from sshdoctor import facts
from sshdoctor.facts import probe
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Unknown

EVERY_FACT = (*facts.names(), *facts.about_doors())
VARIABLES = {"client": "127.0.0.1", "address": "127.0.0.1", "port": "22", "user": "root"}


@pytest.mark.parametrize("name", EVERY_FACT)
def test_the_value_of_a_fact_is_named_after_it(name: str) -> None:
    value = facts.load(name).VALUE
    assert value.__name__ == name.title().replace("_", "")
    assert issubclass(value, Struct)
    assert "evidence" in value.__struct_fields__


def test_a_fact_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        facts.load("probe")


@pytest.mark.parametrize("name", EVERY_FACT)
def test_a_command_that_never_ran_leaves_an_unknown(name: str) -> None:
    value = facts.parse_all([name], {})[name]
    assert value == Unknown("its command never ran")


def test_an_output_that_breaks_a_parser_is_unknown_for_that_fact_alone() -> None:
    broken = Section("## sysvinit\nname=ssh\n", 0)  # its exit status is missing
    whole = Section("directory=/run/sshd\nstat=755 0 root directory\n", 0)
    values = facts.parse_all(["service", "privsep"], {"service.unit": broken, "privsep.directory": whole})
    assert values["service"] == Unknown("its output could not be read: KeyError")
    assert values["privsep"].state == "ok"


# A loaded machine makes texts slowly; that is no fault of what reads them.
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_a_host_prints_nothing_is_raised(data: st.DataObject) -> None:
    text = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
    marks = st.sampled_from(
        ["## ss\n", "## uid\n0\n", "## passwd\nuid=0\n", "## as 0 \n## output\n", "stat=755 "]
    )
    keys = facts.commands(EVERY_FACT)
    sections = {
        key: Section("".join(data.draw(st.lists(st.one_of(marks, text), max_size=3))), 0) for key in keys
    }
    assert set(facts.parse_all(EVERY_FACT, sections)) == set(EVERY_FACT)


@pytest.mark.parametrize("key", facts.commands(EVERY_FACT))
def test_a_command_is_a_posix_shell_text(key: str) -> None:
    text = facts.commands(EVERY_FACT)[key]
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_fact_reads_the_machine_that_runs_the_tests() -> None:
    keys = facts.commands(EVERY_FACT)
    script = probe.build_script(keys, VARIABLES, "f00d", facts.asked_once(EVERY_FACT))
    done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, timeout=60, check=False)
    sections = probe.split_output(done.stdout, "f00d", tuple(keys))
    assert {key for key, section in sections.items() if section.cut} == set()
    values = facts.parse_all(EVERY_FACT, sections)
    assert values["identity"].hostname == Path("/proc/sys/kernel/hostname").read_text().strip()
    assert "127.0.0.1" in values["addresses"].all_addresses
    assert values["account"].uid == 0
    unread = {name: value for name, value in values.items() if isinstance(value, Unknown)}
    assert not {name for name, value in unread.items() if "could not be read" in value.reason}
