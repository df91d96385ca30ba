"""One line of iptables-save, ``-A INPUT -p tcp ... -j DROP``, compiled to matches and a target."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from functools import partial
from typing import Any, NamedTuple

from sshdoctor.firewall.ipset import Sets, is_member
from sshdoctor.firewall.iptables import marks, values
from sshdoctor.firewall.iptables.extensions import maker_of
from sshdoctor.firewall.iptables.guards import plain_guards
from sshdoctor.firewall.iptables.option import Option, Options, named, unknown
from sshdoctor.firewall.iptables.targets import make_target
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.model import Body, Doubt, Match, Target
from sshdoctor.model import Family

_WORDS = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_QUOTED = "\0"
"""Marks a word that stood in quotes, so that it is never taken for an option."""

_LONG = {
    "--protocol": "-p", "--proto": "-p", "--source": "-s", "--src": "-s", "--destination": "-d",
    "--dst": "-d", "--in-interface": "-i", "--out-interface": "-o", "--match": "-m", "--jump": "-j",
    "--goto": "-g",
    "--fragment": "-f", "--source-port": "--sport", "--destination-port": "--dport",
    "--source-ports": "--sports", "--destination-ports": "--dports", "--port": "--ports",
    "--set-counters": "-c", "-4": "--ipv4", "-6": "--ipv6",
}  # fmt: skip


class LineScope(NamedTuple):
    """What a rule may refer to: its family, its table's chains, and the host's sets."""

    family: Family
    chains: Container[str]
    sets: Sets


def compile_rule(text: str, scope: LineScope) -> Body:
    """What the rule in ``text`` (from ``-A`` on) asks and does. It never fails: what is not understood
    becomes a Doubt that says so.

    A rule that begins as iptables-save writes most of them, with addresses, interfaces, the protocol and a
    port, is compiled only that far until a packet fits: most rules of a long list are for somebody else.
    """
    guards = plain_guards(text, scope.family)
    if not guards:
        return _whole(text, scope)
    return Body(guards, Target("then", _Later(text, scope)))


class _Later:
    """The rest of a rule, compiled when it is first asked for."""

    __slots__ = ("_body", "_scope", "_text")

    def __init__(self, text: str, scope: LineScope) -> None:
        self._text = text
        self._scope = scope
        self._body: Body | None = None

    def __call__(self) -> Body:
        if self._body is None:
            self._body = _whole(self._text, self._scope)
        return self._body


def _whole(text: str, scope: LineScope) -> Body:
    try:
        return _compile(_options(text), scope)
    except (ValueError, KeyError, IndexError) as error:
        doubt = Doubt("unknown", f"a rule that cannot be read: {error}")
        return Body((Match(judge.in_doubt, doubt),), Target("lost", doubt))


def _options(text: str) -> Options:
    """The line as options: ``! -s x`` and ``-s ! x`` are the same."""
    found: Options = []
    name, arguments, negated, negate_next = "", list[str](), False, False
    for word in _split(text):
        if word == "!":
            negate_next = True
        elif word[:1] == "-" and len(word) > 1:
            if name:
                found.append(Option(name, negated, tuple(arguments)))
            name, arguments, negated, negate_next = _LONG.get(word, word), [], negate_next, False
        else:
            if negate_next:
                negated, negate_next = not negated, False
            arguments.append(word.removeprefix(_QUOTED))
    found.append(Option(name, negated, tuple(arguments)))
    return found


def _split(text: str) -> list[str]:
    if '"' not in text:
        return text.split()
    return [
        _QUOTED + re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain
        for quoted, plain in _WORDS.findall(text)
    ]


def _compile(options: Options, scope: LineScope) -> Body:
    matches: list[Match] = []
    extensions: list[tuple[str, Options]] = []
    target_options: Options = []
    jump: Option | None = None
    after_target = False
    for option in options[1:]:
        name = option.name
        if name == "-m":
            extensions.append((option.value, []))
            after_target = False
        elif name in ("-j", "-g"):
            jump, after_target = (
                option,
                option.value not in _TAKE_NO_OPTIONS and option.value not in scope.chains,
            )
        elif name in _CORE:
            match = _core(option, scope.family)
            if match is not None:
                matches.append(match)
        elif after_target:
            target_options.append(option)
        else:
            _collect(extensions, option)
    for extension, given in extensions:
        matches.extend(_extend(extension, given, scope))
    body = Body(tuple(matches), _target(jump, target_options, scope))
    if (label := _labelled(extensions)) is not None:
        return Body(
            body.matches, Target("sequence", (partial(marks.set_label, label), Body((), body.target)))
        )
    if any(named(given, "--restore-skmark") for _, given in extensions):
        return Body((), Target("sequence", (marks.forget_mark, body)))
    return body


def _labelled(extensions: list[tuple[str, Options]]) -> str | None:
    """The label that ``-m connlabel --label 1 --set`` gives to a connection that comes so far."""
    for name, given in extensions:
        label = named(given, "--label")
        if name == "connlabel" and label is not None and named(given, "--set"):
            return label.value
    return None


def _core(option: Option, family: Family) -> Match | None:
    """One of the plain options; a value that is none, as where somebody has masked an address, is a doubt."""
    try:
        return _CORE[option.name](option, family)
    except ValueError as error:
        return unknown(f"what {option.name} is: {error}")


def _collect(extensions: list[tuple[str, Options]], option: Option) -> None:
    """Give the option to the extension that it stands behind, past those that take none like it."""
    if option.name == "--comment":
        return
    for extension, given in reversed(extensions):
        if extension not in _TAKES_CORE_OPTIONS:
            given.append(option)
            return
    extensions.append((f"option {option.name}", [option]))


_TAKE_NO_OPTIONS = frozenset(("ACCEPT", "DROP", "RETURN"))
_TAKES_CORE_OPTIONS = frozenset(("tcp", "udp", "comment", "multiport", "icmp", "icmp6", "icmpv6"))


def _extend(extension: str, given: Options, scope: LineScope) -> list[Match]:
    if extension == "set":
        return _set(given, scope)
    maker = maker_of(extension)
    if maker is None:
        what = extension if extension.startswith("option ") else f"match {extension}"
        return [unknown(f"the {what}")]
    try:
        return maker(given, scope.family)
    except (ValueError, KeyError):
        return [unknown(f"an option of the match {extension}")]


def _set(given: Options, scope: LineScope) -> list[Match]:
    """``--match-set NAME src,dst``; its further options ask how often an element was met."""
    given = [option for option in given if option.name not in ("--update-counters", "--update-subcounters")]
    if len(given) != 1 or len(given[0].values) != 2:
        return [Match(judge.in_doubt, Doubt("depends", "the counters of a set (set)"))]
    [option] = given
    name, ends = option.values
    return [Match(partial(is_member, scope.sets), (name, tuple(ends.split(","))), option.negated)]


def _target(jump: Option | None, given: Options, scope: LineScope) -> Target:
    if jump is None:
        return Target("continue")
    name = jump.value
    if name in scope.chains:
        return Target("goto" if jump.name == "-g" else "jump", name)
    return make_target(name, given, scope.family)


def _match_protocol(option: Option, family: Family) -> Match | None:
    number = values.protocol(option.value)
    return Match(judge.protocol, number, option.negated) if number else None


def _reading(
    judge_one: Callable[[Any, Any], Any], read: Callable[[str], object]
) -> Callable[[Option, Family], Match]:
    return lambda option, family: Match(judge_one, read(option.value), option.negated)


def _networks(judge_one: Callable[[Any, Any], Any]) -> Callable[[Option, Family], Match]:
    return lambda option, family: Match(judge_one, values.networks(option.value, family), option.negated)


def _tcp_flags(option: Option, family: Family) -> Match:
    mask, wanted = option.values
    return Match(judge.tcp_flags, (values.flags(mask), values.flags(wanted)), option.negated)


def _syn(option: Option, family: Family) -> Match:
    return Match(judge.tcp_flags, (values.flags("FIN,SYN,RST,ACK"), values.flags("SYN")), option.negated)


def _fragment(option: Option, family: Family) -> Match:
    return Match(judge.always, False, option.negated)


def _tcp_option(option: Option, family: Family) -> Match:
    from sshdoctor.firewall.iptables.header_extensions import tcp_option

    return Match(tcp_option, None, option.negated)


def _icmp_type(option: Option, family: Family) -> Match:
    return Match(judge.icmp_type, values.icmp_types(option.value, family), option.negated)


def _only_family(wanted: Family) -> Callable[[Option, Family], Match]:
    return lambda option, family: Match(judge.always, family == wanted)


_CORE: dict[str, Callable[[Option, Family], Match | None]] = {
    "-p": _match_protocol,
    "-s": _networks(judge.source),
    "-d": _networks(judge.destination),
    "-i": _reading(judge.in_interface, str),
    "-o": _reading(judge.out_interface, str),
    "-f": _fragment,
    "-c": lambda option, family: None,
    "--ipv4": _only_family("ipv4"),
    "--ipv6": _only_family("ipv6"),
    "--sport": _reading(judge.source_port, values.ports),
    "--dport": _reading(judge.destination_port, values.ports),
    "--sports": _reading(judge.source_port, values.ports),
    "--dports": _reading(judge.destination_port, values.ports),
    "--ports": _reading(judge.either_port, values.ports),
    "--tcp-flags": _tcp_flags,
    "--syn": _syn,
    "--tcp-option": _tcp_option,
    "--icmp-type": _icmp_type,
    "--icmpv6-type": _icmp_type,
}
