"""Holds an examination against what is right for a case of cases.yml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def faults(found: Mapping[str, Any], truth: Mapping[str, Any]) -> list[str]:
    """What is wrong or missing in the JSON of one host."""
    return [
        *_kind(found, truth),
        *_processes(found, truth),
        *_persistence(found, truth),
        *_mail(found, truth),
        *_entry(found, truth),
        *_stop(found, truth),
        *(f"innocent named: {text}" for text in innocents_named(found, truth)),
    ]


def innocents_named(found: Mapping[str, Any], truth: Mapping[str, Any]) -> list[str]:
    """Of what is named as a culprit, what is innocent."""
    named = [f"{' '.join(one['argv'])}" for one in found["processes"]]
    named += [f"{one['exe']} {one['file']} {one['from']}" for one in found["processes"]]
    named += [f"{one['file']}" for one in found["persistence"]]
    named += [one["what"] for one in found["stop"]]
    mail = found["mail"] or {"by": []}
    named += [_name(heap) for heap in mail["by"] if not heap["innocent"]]
    return [text for text in named for each in truth.get("innocent", ()) if re.search(each, text)]


def _name(heap: Mapping[str, Any]) -> str:
    return next(str(heap[key]) for key in ("script", "login", "user", "process", "list") if key in heap)


def _kind(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    if found["kind"] != truth["kind"]:
        yield f"kind is {found['kind']}, not {truth['kind']}"


def right_origins(found: Mapping[str, Any], truth: Mapping[str, Any]) -> list[bool]:
    """For each culprit that there is, whether it is named with the right origin."""
    return [any(_is(one, each) for one in found["processes"]) for each in truth.get("processes", ())]


def _is(one: Mapping[str, Any], truth: Mapping[str, Any]) -> bool:
    return bool(
        re.search(truth["argv"], " ".join(one["argv"]))
        and one["user"] == truth["user"]
        and one["started_by"].replace(" ", "-") == truth["started_by"]
        and one["file"] == truth["file"]
        and one["from"] == truth["from"]
        and one["title_is_a_lie"] == truth.get("title", False)
        and re.search(truth.get("exe", ""), one["exe"])
    )


def _processes(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    expected = truth.get("processes", [])
    for each, right in zip(expected, right_origins(found, truth), strict=True):
        if not right:
            said = [{k: v for k, v in one.items() if k not in ("evidence",)} for one in found["processes"]]
            yield f"process {each['argv']} by {each['started_by']} {each['file']} is not in {said}"
    for one in found["processes"]:
        if not any(re.search(each["argv"], " ".join(one["argv"])) for each in expected):
            yield f"process {one['argv']} is no culprit: {one['evidence']}"


def _persistence(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    expected = truth.get("persistence", [])
    for each in expected:
        file, _, pattern = each.partition(":")
        lines = [one for one in found["persistence"] if one["file"] == file]
        if not any(re.search(pattern, one["text"]) for one in lines):
            yield f"persistence {each} is not found"
    files = {each.partition(":")[0] for each in expected}
    for one in found["persistence"]:
        if one["file"] not in files and "/atjobs/" not in one["file"]:
            yield f"persistence {one['file']} is none: {one['text']}"


def _mail(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    expected, mail = truth.get("mail"), found["mail"]
    if not expected:
        if mail and any(not heap["innocent"] for heap in mail["by"]):
            yield f"mail is innocent: {mail}"
        return
    if mail is None:
        yield "mail is not counted"
        return
    more = expected.get("at_least")
    if mail["queued"] < expected["queued"] or (not more and mail["queued"] != expected["queued"]):
        yield f"queued is {mail['queued']}, not {expected['queued']}"
    for each in expected["by"]:
        same = [heap for heap in mail["by"] if _name(heap) == _name(each)]
        right = [
            heap
            for heap in same
            if heap["innocent"] == each.get("innocent", False)
            and (heap["count"] >= each["count"] if more else heap["count"] == each["count"])
        ]
        if not right:
            yield f"heap {each} is not in {mail['by']}"


def _entry(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    if "entry" not in truth:
        return
    expected, entry = truth["entry"], found["entry"]
    if expected is None:
        if entry is not None:
            yield f"entry is not told here, and {entry} is said"
    elif entry is None or entry["log"] != expected["log"] or not re.search(expected["line"], entry["line"]):
        yield f"entry is {entry}, not {expected}"


def _stop(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    said = [one["what"] for one in found["stop"]]
    places = []
    for each in truth.get("stop", ()):
        file = each.partition(":/")[0] if each.startswith("/") else each
        at = [place for place, one in enumerate(said) if one in (each, file) or one.startswith(f"{file}:/")]
        if not at:
            yield f"stop {each} is not in {said}"
        else:
            places.append(at[0])
    if places != sorted(places):
        yield f"stop is in another order: {said}"
