"""What befalls a capture on its way is noticed, and named; faults.yml has the cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from rescue.conftest import Rescue
from sshdoctor.access.capture.capture import Capture, read_capture
from sshdoctor.errors import CaptureError

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "faults.yml").read_text())
ANOTHER = "[begin:77:plain:base64:2:5][1:QUJD:1][2:QUJD:2][end:77:plain:base64:2:5]"
HALF = "[begin:78:gzip:base64:900:5]"


def key_of(line: str) -> str:
    return line[1:].partition(":")[0]


def each(text: str, names: list[str], change: Callable[[str], str]) -> str:
    return "".join(change(line) if key_of(line) in names else line for line in text.splitlines(True))


def edited(line: str) -> str:
    """Its last digit or letter before the check sum is another one."""
    head, mark, end = line.rpartition(":")
    if line.startswith(("[begin", "[end")):
        return f"{head}{mark}{(int(end.strip(' ]' + chr(10))) + 1) % 10}]\n"
    return f"{head[:-5]}{'A' if head[-5] != 'A' else 'B'}{head[-4:]}{mark}{end}"


def transposed(line: str) -> str:
    found = re.search(r"(?<=:)([A-Za-z0-9+/]*?)(.)(?!\2)([A-Za-z0-9+/])", line)
    assert found
    return line[: found.start(2)] + found[3] + found[2] + line[found.end(3) :]


def moved(text: str, name: str, before: str) -> str:
    lines = text.splitlines(True)
    line = next(line for line in lines if key_of(line) == name)
    lines.remove(line)
    at = next((i for i, other in enumerate(lines) if key_of(other) == before), len(lines))
    return "".join([*lines[:at], line, *lines[at:]])


def wrapped(text: str, width: int) -> str:
    return "".join(
        "\n".join(line[at : at + width] for at in range(0, len(line), width)) + "\n"
        for line in text.splitlines()
    )


def befall(text: str, what: str) -> str:
    """``text`` after one of the things that happen."""
    verb, *names = what.split()
    match verb, names:
        case "lose", _:
            return each(text, names, lambda line: "")
        case "keep", [first, last]:
            kept = ["begin", *map(str, range(int(first), int(last) + 1))]
            return "".join(line for line in text.splitlines(True) if key_of(line) in kept)
        case "edit", _:
            return each(text, names, edited)
        case "transpose", _:
            return each(text, names, transposed)
        case "renumber", [old, new]:
            return each(text, [new], lambda line: "").replace(f"[{old}:", f"[{new}:")
        case "repeat", _:
            return each(text, names, lambda line: line * 2)
        case "all", ["twice"]:
            return text * 2
        case "swap", [first, second]:
            return moved(text, second, first)
        case "move", [name, "end"]:
            return moved(text, name, "")
        case "wrap", [width]:
            return wrapped(text, int(width))
        case "crlf", _:
            return text.replace("\n", "\r\n")
        case "cr", ["crlf"]:
            return text.replace("\n", "\r\r\n")
        case "quote", _:
            return "".join(f"> {line}" for line in text.splitlines(True))
        case "paint", _:
            return each(
                text, ["2", "3"], lambda line: f"\x1b]0;title\x07\x1b[1;31m{line.strip()}\x1b[0m\x1b[K\n"
            )
        case "prompts", _:
            return f"root@web1:~# cat /tmp/sshdoctor.1/capture\n{text}root@web1:~# exit\n"
        case "kernel", ["within", name]:
            return each(text, [name], lambda line: f"{line[:20]}\n[   12.345678] usb 1-1: new\n{line[20:]}")
        case "kernel", _:
            return each(text, names, lambda line: f"[   12.345678] usb 1-1: new device: 3\n{line}")
        case "another", ["before"]:
            return ANOTHER + text
        case "half", _:
            return text + HALF
        case "claim", [count]:
            return re.sub(r"(base64:)\d+(:\d+\])", rf"\g<1>{count}\2", text)
        case "replace", [old, new]:
            return text.replace(old, new)
        case "first", ["half"]:
            return text[: len(text) // 2]
        case "something", _:
            return "Linux web1 6.1.0 #1 SMP\n[1] 4242\n"
        case "empty", _:
            return ""
    raise AssertionError(f"nobody knows how to {what}")


def arrived(case: dict[str, Any], rescue: Rescue) -> bytes:
    text = rescue.plain.decode() if case.get("plain") else rescue.lines
    for what in case["do"]:
        if what == "utf-16":
            return text.encode("utf-16")
        text = befall(text, what)
    return text.encode()


def whole(rescue: Rescue) -> Capture:
    return read_capture(rescue.lines.encode(), "sent")


@pytest.mark.parametrize("name", CASES)
def test_what_befell_a_capture_is_named(name: str, rescue: Rescue) -> None:
    case = CASES[name]
    data = arrived(case, rescue)
    if "error" in case:
        with pytest.raises(CaptureError, match=re.escape(case["error"])) as raised:
            read_capture(data, "sent")
        assert str(raised.value).startswith("sent: ")
        return
    capture = read_capture(data, "sent")
    last = str(rescue.lines.count("\n") - 2)
    assert capture.lost == case.get("lost", "").replace("LAST", last)
    assert fnmatch(capture.mended, case.get("mended", "").replace("LAST", last))
    reference = read_capture(rescue.plain, "sent") if case.get("plain") else whole(rescue)
    if capture.lost:
        assert reference.output.startswith(capture.output)
        assert capture.output != reference.output
    else:
        assert capture.output == reference.output


def test_the_sum_of_each_line_notices_every_change_of_one_character(rescue: Rescue) -> None:
    from sshdoctor.access.capture.lines import read_lines

    head, mark, rest = rescue.lines.partition("[55:")
    line, mark2, tail = rest.partition("]")
    data, _, _ = line.partition(":")
    for at, old in enumerate(data):
        new = "B" if old == "A" else "A"
        text = f"{head}{mark}{data[:at]}{new}{line[at + 1 :]}{mark2}{tail}"
        assert read_lines(text).lost == "line 55 was changed"


def test_a_line_of_another_capture_cannot_stand_in(rescue: Rescue, tmp_path: Path) -> None:
    from rescue.conftest import run_script

    _, other = run_script(rescue.script, ["sh"], tmp_path)
    theirs = next(line for line in other.splitlines(True) if line.startswith("[55:"))
    mixed = each(rescue.lines, ["55"], lambda line: theirs)
    assert read_capture(mixed.encode(), "sent").lost == "line 55 was changed"


def test_what_unpacks_to_more_than_any_capture_is_refused() -> None:
    import gzip
    from base64 import b64encode

    from sshdoctor.access.capture.lines import _line_sum, read_lines

    text = b64encode(gzip.compress(bytes(65 * 2**20))).decode()
    parts = [text[at : at + 60] for at in range(0, len(text), 60)]
    total = 9
    lines = []
    for number, part in enumerate(parts, 1):
        checked = _line_sum(9, number, part)
        total = (total * 67 + checked) % 16777213
        lines.append(f"[{number}:{part}:{checked}]")
    with pytest.raises(CaptureError, match="it holds more than 64 MiB"):
        read_lines("\n".join([*lines, f"[end:9:gzip:base64:{len(parts)}:{total}]"]))
