"""Every fact says who could have written it, and what anybody could have written decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from sshdoctor import facts
from sshdoctor.checks.load import load_checks
from sshdoctor.diagnosis.derive import DERIVED, WRITERS, hearsay
from sshdoctor.errors import CheckError

TYPES: dict[str, Any] = {**{name: facts.load(name).VALUE for name in facts.names()}, **DERIVED}
EVERY = {**{name: facts.load(name).WRITERS for name in facts.names()}, **WRITERS}
CHECK = """\
title: Nobody lies
facts: [{fact}]
causes:
  - id: somebody-lies
    when: {when}
    say: "It says {{{{ {field} }}}}."
    fix: "{fix}"
    confidence: {confidence}
    reply: [any]
otherwise: Nobody does.
"""


@pytest.mark.parametrize("name", TYPES)
def test_a_fact_says_who_could_have_written_each_of_its_fields(name: str) -> None:
    writers, fields = EVERY[name], set(TYPES[name].__struct_fields__)
    assert "" in writers or fields <= writers.keys()
    assert set(writers) <= {*fields, ""}
    assert set(writers.values()) <= set(get_args(facts.Writer))


def load(folder: Path, **parts: str) -> None:
    path = folder / "daemon" / "nobody-lies.yml"
    path.parent.mkdir()
    path.write_text(CHECK.format(**parts))
    load_checks((folder,), TYPES, hearsay())


def refused(folder: Path, **parts: str) -> str:
    with pytest.raises(CheckError) as caught:
        load(folder, **parts)
    (fault,) = caught.value.faults
    return fault.removeprefix(f"{folder}/daemon/")


@pytest.mark.parametrize("field", sorted(hearsay()))
def test_what_anybody_could_have_written_proves_nothing(field: str, tmp_path: Path) -> None:
    told = refused(
        tmp_path,
        fact=field.partition(".")[0],
        field=field,
        when=f"not ({field} in [1, 2])",
        fix="Look.",
        confidence="proved",
    )
    so = "any user of the host could have written it; it proves nothing: confidence: likely, or possible"
    assert told == f"nobody-lies.yml:5: {field}: {so}"


@pytest.mark.parametrize("field", sorted(hearsay()))
def test_what_anybody_could_have_written_stands_in_no_command(field: str, tmp_path: Path) -> None:
    told = refused(
        tmp_path,
        fact=field.partition(".")[0],
        field=field,
        when=f"{field} == 1",
        fix=f"systemctl start {{{{ {field} }}}}",
        confidence="possible",
    )
    so = "any user of the host could have written it; it may stand in no command"
    assert told == f"nobody-lies.yml:7: {field}: {so}"


def test_what_only_root_could_have_written_does(tmp_path: Path) -> None:
    fix = "systemctl start {{ service.unit }}"
    load(
        tmp_path, fact="service", field="service.unit", when="service.pid == 1", fix=fix, confidence="proved"
    )
