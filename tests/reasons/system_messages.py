"""Extracts what systemd, Linux-PAM, modules of others and OpenSSH's client can say from their sources.

    PYTHONPATH=src:tests python -m reasons.system_messages systemd 252=DIR 257=DIR > systemd.messages

Which calls of which files print is told in system_sources.yml, and what is left out, with the reason.
The list reads like those of messages.py: versions, file and function, level, message with its holes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from reasons.c_source import Call, calls, literal
from reasons.messages import Message, _holes, _one_line, merged
from sshdoctor.documents.reader import read_yaml

RULES = Path(__file__).with_name("system_sources.yml")
_LEVELS = {"LOG_ERR": "error", "LOG_WARNING": "warning", "LOG_DEBUG": "debug", "LOG_CRIT": "error"}
_TABLE_ENTRY = r'\[\w+\]\s*=\s*((?:"(?:[^"\\]|\\.)*"\s*)+)'
_RETURNED = r'\breturn ("(?:[^"\\]|\\.)*");'


def extract(program: str, tree: Path) -> Iterator[Message]:
    """Every message of the files of one source tree that the rules of ``program`` name."""
    for part in read_yaml(RULES)[program]:
        left_out = re.compile(part.get("skip", "$^"))
        for path in sorted({path for pattern in part["files"] for path in tree.glob(pattern)}):
            if not left_out.fullmatch(str(path.relative_to(tree))):
                yield from _of_file(path, part)


def _of_file(path: Path, part: Mapping[str, Any]) -> Iterator[Message]:
    text = path.read_text(encoding="utf-8", errors="replace")
    rules = _rules(part["calls"], set(re.findall(r"\w+", text)))
    for call in calls(text, rules.keys()):
        rule = rules[call.name]
        if _is_meant(call, rule):
            around = rule.get("says", "{}").replace("{folder}", path.parent.name)
            for says in _printed(call, around):
                yield Message(f"{path.name} {call.function}".strip(), _level(call), _one_line(says))
    if tables := part.get("tables"):
        for says in _in_tables(text, tables):
            yield Message(path.name, "notice", _one_line(_holes(says, [], {})))


def _rules(rules: Sequence[Mapping[str, Any]], words: Set[str]) -> dict[str, Mapping[str, Any]]:
    """The rule for each of a file's ``words`` that is the name of a call that prints."""
    names = [(re.compile(rule["name"]), rule) for rule in rules]
    return {word: rule for word in words for name, rule in reversed(names) if name.fullmatch(word)}


def _is_meant(call: Call, rule: Mapping[str, Any]) -> bool:
    words = {word for argument in call.arguments for word in argument}
    if "LOG_DEBUG" in words and not rule.get("debug"):
        return False
    return "with" not in rule or any(re.match(rule["with"], word) for word in words)


def _level(call: Call) -> str:
    """The level that the call gives, or that its name tells; else a notice."""
    words = [word for argument in call.arguments for word in argument]
    given = next((_LEVELS.get(word) for word in words if word.startswith("LOG_")), None)
    named = re.search(r"fatal|error|warning|debug|verbose|disconnect|logdie", call.name)
    return given or (named[0].replace("logdie", "fatal") if named else "notice")


def _printed(call: Call, says: str) -> Iterator[str]:
    """What the call prints: its first argument with text in it, each of those between which it chooses."""
    for number, argument in enumerate(call.arguments):
        formats = texts(argument)
        if not formats:
            continue
        rest = list(call.arguments[number + 1 :])
        for format_ in formats:
            own = _holes(format_.replace("%m", "%{errno}"), rest, {}).strip()
            if re.search("[A-Za-z]", re.sub(r"%\{?\w+\}?", "", own)):
                yield says.replace("{}", own).replace("%{function}", call.function)
        return


def texts(argument: tuple[str, ...]) -> list[str]:
    """The texts that an argument can be: one, or both of ``condition ? one : other``.

    >>> texts(("x", "?", '"one"', ":", '"two"')), texts(("_", "(", '"Your account"', ")")), texts(("fmt",))
    (['one', 'two'], ['Your account'], [])
    """
    runs: list[list[str]] = [[]]
    for token in argument:
        if token in ("?", ":", "(", ")", "_", ",") or (token.isidentifier() and not runs[-1]):
            runs.append([])
        else:
            runs[-1].append(token)
    return [text for run in runs if (text := literal(tuple(run)))]


def _in_tables(text: str, tables: list[str]) -> Iterator[str]:
    """Formats that stand in a table, or that a function gives back to the one that prints them."""
    for table in tables:
        body = rf"\b{table}\b[^=;]*=\s*\{{(?P<body>.*?)\}}"
        for match in re.finditer(body, text, re.DOTALL):
            for entry in re.findall(_TABLE_ENTRY, match["body"]):
                yield from texts(tuple(re.findall(r'"(?:[^"\\]|\\.)*"', entry)))
    for returned in re.findall(_RETURNED, text):
        yield from (text for text in texts((returned,)) if "%s" in text)


def main(program: str, *trees: str) -> None:
    """Print the list of one program; each tree is ``VERSION=FOLDER``, the oldest first."""
    found = {}
    for tree in trees:
        version, _, folder = tree.partition("=")
        found[version] = list(extract(program, Path(folder)))
    print(f"# {program}: made by tests/reasons/system_messages.py from the versions {' '.join(found)}")
    for row in merged(found):
        print(row.versions, row.where, row.level, row.text, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
