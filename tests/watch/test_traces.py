"""What a monitor saw, replayed: the states and the messages are the right ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sshdoctor.errors import InputError
from sshdoctor.watch.recording import read_recording
from sshdoctor.watch.replay import replay

TRACES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "traces.yml").read_text())


def replayed(trace: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    file = folder / "trace.yml"
    file.write_text(yaml.safe_dump({key: trace[key] for key in ("config", "looks") if key in trace}))
    return [json.loads(line) for line in replay(read_recording(file))]


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["name"])
def test_a_trace_comes_to_the_right_states_and_messages(trace: dict[str, Any], tmp_path: Path) -> None:
    lines = replayed(trace, tmp_path)
    if "states" in trace:
        assert [[line["at"], line["state"]] for line in lines if "state" in line] == trace["states"]
    told = [[line["at"], line["told"], line["to"]] for line in lines if "told" in line]
    if "told" in trace:
        assert told == trace["told"]
    else:
        assert len(told) <= trace["messages_at_most"]
        assert "flapping" in [what for _, what, _ in told]


def test_a_line_of_a_change_has_what_the_contract_names(tmp_path: Path) -> None:
    trace = next(trace for trace in TRACES if trace["name"] == "really-down")
    down = next(line for line in replayed(trace, tmp_path) if line.get("state") == "down")
    assert {key: down[key] for key in ("at", "word", "since", "cause")} == {
        "at": 304,
        "word": "server",
        "since": 300,
        "cause": None,
    }
    assert {"from": "w3", "word": "server"} in down["witnesses"]


def test_a_message_that_waited_tells_since_when(tmp_path: Path) -> None:
    trace = next(trace for trace in TRACES if trace["name"] == "notifier-down")
    (told,) = [line for line in replayed(trace, tmp_path) if "told" in line]
    assert (told["at"], told["of"], told["since"]) == (700, 304, 300)


FAULTY = {
    "looks: 3": "config and looks",
    "config: {evry: 60}\nlooks: []": "did you mean 'every'?",
    "config: {every: soon}\nlooks: []": "every is a number of seconds",
    "config: {service: mail}\nlooks: []": "service: mail is none of",
    "config: {witnesses: 3}\nlooks: []": "witnesses is a list of names",
    "looks: [[1, here]]": "what did here see?",
    "looks: [[soon, here, rst]]": "a time in seconds",
    "looks: [[5, here, rst], [4, here, rst]]": "entry 2: 4 comes after 5",
    "looks: [[5, '@lime', down]]": "did you mean '@line'?",
    "looks: [[5, '@line', sideways]]": "@line is down or up",
}


@pytest.mark.parametrize("text", FAULTY)
def test_what_is_wrong_in_a_recording_is_said(text: str, tmp_path: Path) -> None:
    file = tmp_path / "looks.yml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_recording(file)
    assert FAULTY[text] in str(caught.value)
