"""A list that is wrong is refused, with every fault and its line."""

from pathlib import Path

import pytest

from sshdoctor.reasons import ReasonsError, load_lists

HEAD = "program: sshd\nidentifiers: [sshd]\nreasons:\n"
GOOD = "says: 'gone {path}', stage: start, cause: sshd-stopped, example: gone /x, source: a.c"


def load(folder: Path, text: str) -> None:
    (folder / "x.yml").write_text(text)
    load_lists(folder)


def test_a_good_list_is_read(tmp_path: Path) -> None:
    load(tmp_path, f"{HEAD}  - {{{GOOD}}}\n")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (f"{GOOD}, no_cause: why not", "either a cause or"),
        (GOOD.replace("cause: sshd-stopped, ", ""), "either a cause or"),
        (GOOD.replace("stage: start", "stage: lunch"), "'lunch' is no stage"),
        (f"{GOOD}, shows: [colour]", "no part 'colour'"),
        (f"{GOOD}, colour: red", "unknown field `colour`"),
        (f"{GOOD}, among: [x]", "without a cause"),
        (GOOD.replace("source: a.c", "recorded: true"), "missing required field `source`"),
        (GOOD.replace("{path}", "{path"), "single {"),
        (GOOD.replace("'gone {path}'", "[]"), "says is empty"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, entry: str, fault: str) -> None:
    with pytest.raises(ReasonsError) as caught:
        load(tmp_path, f"{HEAD}  - {{{GOOD}}}\n  - {{{entry}}}\n")
    assert f"{tmp_path}/x.yml:5: " in str(caught.value)
    assert fault in str(caught.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ReasonsError) as caught:
        load(tmp_path, f"{HEAD}  - {{{GOOD}, colour: red}}\n  - {{{GOOD}, among: [x]}}\n")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "text", ["[", "program: x\n", "program: x\nidentifiers: [x]\nframes: ['{']\nreasons: []\n"]
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReasonsError, match=r"x\.yml:"):
        load(tmp_path, text)
