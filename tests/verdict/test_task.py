"""The command: its flags, its two formats, its exit codes; and that nothing at all ends in a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewall.test_reading import WORDS
from sshdoctor.commands.verdict import VerdictOptions, run
from sshdoctor.errors import InputError, UsageError
from verdict.test_judge_files import DROP, REJECT, nft, table

ACCEPT = table()
DEPENDS = table("-A INPUT -m limit --limit 1/min -j ACCEPT\n", DROP)


def question(*paths: Path, **asked: str) -> VerdictOptions:
    addresses = {"source": "198.51.100.1", "destination": "198.51.100.2", "port": "22"}
    return VerdictOptions(rules=tuple(map(str, paths)), **{**addresses, **asked})


def files(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{number}.rules" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([ACCEPT, ACCEPT], 0),
        ([ACCEPT, table(DROP)], 1),
        ([table(DROP), DEPENDS], 3),
        ([DEPENDS], 3),
        ([table(DROP), DEPENDS, "no dump"], 2),
    ],
)
def test_the_exit_code_is_the_worst_of_all(texts: list[str], code: int, tmp_path: Path) -> None:
    files(tmp_path, *texts)
    assert run(question(tmp_path)) == code


def test_the_dump_may_come_by_the_standard_input() -> None:
    words = ("--rules", "-", "--source", "198.51.100.1", "--destination", "198.51.100.2")
    command = (sys.executable, "-m", "sshdoctor.cli", "verdict", *words)
    done = subprocess.run(command, input=table(DROP), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "-: drop; the client gets silence")


def test_json_is_a_list_with_an_entry_for_each_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = REJECT.format("icmp-admin-prohibited")
    paths = files(tmp_path, table(rule), ACCEPT, "no dump", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n")
    run(question(tmp_path, form="json"))
    entries: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [entry["file"] for entry in entries] == list(map(str, paths))
    first = entries[0]
    assert {key: first[key] for key in ("reply", "verdict", "rule", "why")} == {
        "reply": "icmp-admin-prohibited",
        "verdict": "reject",
        "rule": {"table": "filter", "chain": "INPUT", "number": 1, "text": rule.strip()},
        "why": f"filter INPUT rule 1: {rule.strip()}",
    }
    assert [entry["verdict"] for entry in entries] == ["reject", "accept", "unknown", "drop"]
    assert entries[1]["rule"] is None
    assert "no iptables-save dump" in entries[2]["error"]
    assert (entries[3]["rule"]["number"], entries[3]["rule"]["text"]) == (None, "policy DROP")


def test_text_fits_80_columns_and_steers_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = '-m comment --comment "' + "very long \x1b[31m " * 9 + '" '
    files(tmp_path, table(DROP.replace("-m tcp", long + "-m tcp")), "\x1b]0;no dump\x07" * 30, ACCEPT)
    run(question(tmp_path))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"\x1b[31m" in shown
    paths = len(str(tmp_path))
    assert all(len(line) <= 80 for line in shown.splitlines() if str(tmp_path) not in line), paths
    assert len(shown.strip().split("\n\n")) == 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"source": ""}, "--source is missing"),
        ({"destination": ""}, "--destination is missing"),
        ({"source": "web1"}, "'web1' is no ipv4 address"),
        ({"source": "fd00::1"}, "'198.51.100.2' is no ipv6 address"),
        ({"family": "ipv6"}, "--source 198.51.100.1 is no ipv6 address"),
        ({"family": "ip"}, "ipv4 or ipv6"),
        ({"port": "0"}, "1 to 65535"),
        ({"port": "70000"}, "1 to 65535"),
        ({"port": "ssh"}, "1 to 65535"),
        ({"form": "xml"}, "json, text"),
    ],
)
def test_a_flag_that_means_nothing_is_refused(asked: dict[str, str], said: str, tmp_path: Path) -> None:
    files(tmp_path, ACCEPT)
    with pytest.raises(UsageError, match=said):
        run(question(tmp_path, **asked))


def test_a_path_that_is_not_there_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    for paths, said in (
        ([tmp_path / "absent"], "No such file"),
        ([tmp_path], "no files"),
        ([], "is missing"),
    ):
        with pytest.raises(UsageError, match=said):
            run(question(*paths))


def test_the_command_says_what_is_wrong_with_its_only_file(tmp_path: Path) -> None:
    [path] = files(tmp_path, "no dump")
    words = ["verdict", "--rules", str(path), "--source", "198.51.100.1", "--destination", "198.51.100.2"]
    done = subprocess.run(
        [sys.executable, "-m", "sshdoctor.cli", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"sshdoctor: {path}: no iptables-save dump")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=40).map(
        lambda words: table("-A INPUT " + " ".join(words) + "\n").encode("utf-8", "surrogatepass")
    )
    | st.lists(
        st.sampled_from(
            [
                nft({"drop": None}),
                "*filter\n",
                ACCEPT,
                DROP,
                "create a hash:ip\n",
                "add a ",
                "# Generated by ip6tables-save",
                "\n",
                "\r",
                "{",
                "> ",
                "\ufeff",
                "]}",
            ]
        )
    ).map(lambda parts: "".join(parts).encode())
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(["in", "accept", "22"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "match",
                        "left",
                        "right",
                        "op",
                        "payload",
                        "field",
                        "set",
                        "elem",
                        "range",
                        "prefix",
                        "vmap",
                        "key",
                        "concat",
                        "jump",
                        "target",
                        "reject",
                        "mangle",
                        "value",
                        "limit",
                        "dnat",
                        "ct",
                        "meta",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=12,
    ).map(lambda statement: nft(statement).encode())
)
def test_any_bytes_give_verdicts_or_an_input_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    for form in ("text", "json"):
        try:
            assert run(question(path, form=form)) in (0, 1, 3)
        except InputError as error:
            assert str(error)


def test_json_nested_without_end_is_no_traceback(tmp_path: Path) -> None:
    for depth in (100, 300, 480, 900, 100_000):
        nested = '{"concat":[' * depth + "1" + "]}" * depth
        [path] = files(
            tmp_path,
            nft({"match": 0}).replace('{"match": 0}', f'{{"match":{{"op":"==","left":{nested},"right":1}}}}'),
        )
        try:
            assert run(question(path)) in (0, 1, 3)
        except InputError as error:
            assert str(error)
