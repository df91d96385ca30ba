"""Host names as inventories write them: ``web[01:20]``, ``web1:2222``, ``[2001:db8::1]:22``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_letters

_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_BRACKETED = re.compile(r"\[([^\[\]]+)\]:([0-9]+)")
_PLAIN = re.compile(r"(?:[\w.-]|\[[^\]]*\])+")


def split_port(text: str) -> tuple[str, int | None]:
    """The name and the port behind it, if any; an IPv6 address needs brackets to have one.

    What is no host name keeps its colons, as with Ansible's ``parse_address``.

    >>> split_port("web[1:3]:2222"), split_port("[2001:db8::1]:22"), split_port("2001:db8::1")
    (('web[1:3]', 2222), ('2001:db8::1', 22), ('2001:db8::1', None))
    """
    if found := _BRACKETED.fullmatch(text):
        return found[1], int(found[2])
    if (found := _PORT.fullmatch(text)) and _PLAIN.fullmatch(found[1]):
        return found[1], int(found[2])
    return text, None


def expand(pattern: str) -> list[str]:
    """Every name that a pattern with ranges stands for. Raises ValueError with what is wrong.

    >>> expand("web[08:10]"), expand("db-[a:c]"), expand("n[0:4:2]")
    (['web08', 'web09', 'web10'], ['db-a', 'db-b', 'db-c'], ['n0', 'n2', 'n4'])
    """
    if "[" not in pattern:
        return [pattern]
    head, _, rest = pattern.partition("[")
    bounds, closed, tail = rest.partition("]")
    if not closed:
        raise ValueError(f"the range in {pattern!r} has no closing bracket")
    tails = expand(tail)
    return [head + middle + end for middle in _range(bounds) for end in tails]


def _range(bounds: str) -> Iterator[str]:
    first, *others = bounds.split(":")
    if len(others) not in (1, 2):
        raise ValueError(f"a range is [first:last] or [first:last:step], not [{bounds}]")
    last, step = others[0], others[1] if len(others) == 2 else "1"
    first = first or "0"
    if not step.isdecimal() or int(step) < 1:
        raise ValueError(f"the step of a range is a number from 1, not {step!r}")
    letters = first in ascii_letters and last in ascii_letters and len(first) == len(last) == 1
    if letters:
        begin, end = ascii_letters.index(first), ascii_letters.index(last)
    elif first.isdecimal() and last.isdecimal():
        begin, end = int(first), int(last)
    else:
        raise ValueError(f"a range runs between two numbers or two letters, not [{bounds}]")
    width = len(first) if len(first) > 1 and first[0] == "0" else 0
    if width and width != len(last):
        raise ValueError(f"both ends of a range with leading zeros have the same length, not [{bounds}]")
    if begin > end:
        raise ValueError(f"a range runs upwards, not [{bounds}]")
    for number in range(begin, end + 1, int(step)):
        yield ascii_letters[number] if letters else str(number).zfill(width)
