"""The stacks of PAM's services, line by line, as Linux-PAM reads them (libpam/pam_handlers.c, pam_misc.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from sshdoctor.doors.undecided import Undecided

Services = Mapping[str, Sequence[tuple[int, str]]]
"""The files of pam.d(5): numbered lines, by the file's name or path."""

_DEEPEST = 16
_MOST = 2000
"""So many lines a stack may come to: files that include each other twice double at every level."""
_PHASES = ("auth", "account", "password", "session")
_PLAIN = {
    "required": ("ok", "bad"),
    "requisite": ("ok", "die"),
    "optional": ("ok", "ignore"),
    "sufficient": ("done", "ignore"),
}
_ACTIONS = ("ignore", "ok", "done", "bad", "die", "reset")
_WORD = re.compile(r"\[(?:\\.|[^\]\\])*\]|\S+")
RETURNS = (
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
)


class Handler(Struct, frozen=True):
    """One line that asks a module, at a ``level`` of substacks. ``module`` is "" for a line that is no good:
    it refuses whatever is asked; "substack" is where one begins."""

    place: str
    """FILE:LINE."""
    text: str
    actions: Mapping[str, str]
    """What is done on a return value; a number is a jump. ``default`` is for all others."""
    module: str
    arguments: tuple[str, ...]
    level: int
    fault: str = ""
    """What is wrong with the line, "" where nothing is."""

    def action(self, returned: str) -> str:
        return self.actions.get(returned, self.actions["default"])


class UnreadableError(Exception):
    """Linux-PAM gives up reading a service at ``line``, and with that whoever comes by it."""

    def __init__(self, line: Handler) -> None:
        super().__init__(line.place)
        self.line = line


def handlers(services: Services, service: str, phase: str) -> tuple[Handler, ...]:
    """The lines of a phase in order; those of the service ``other`` where it has none of its own. One line
    that refuses where the service cannot be read. Raises Undecided."""
    try:
        own = tuple(_Reading(services, service, phase).lines()) if service in services else ()
        other = tuple(_Reading(services, "other", phase).lines())
    except UnreadableError as error:
        return (error.line,)
    return own or other


class _Reading:
    """Reads one service's lines of a phase, and what they include."""

    def __init__(self, services: Services, service: str, phase: str) -> None:
        self._services, self._service, self._phase, self._read = services, service, phase, 0
        self._around = ""
        """The line that leads into a circle."""

    def lines(self) -> Iterator[Handler]:
        yield from self._of((self._service,), "", 0)

    def _of(self, chain: tuple[str, ...], wanted: str, level: int) -> Iterator[Handler]:
        """Of the last file of ``chain``, each of which includes the next; ``wanted`` is the phase of the line
        that includes it, "" where it is none's."""
        name = chain[-1]
        for number, text in _joined(self._services.get(name, ())):
            place = f"{name if name.startswith('/') else f'/etc/pam.d/{name}'}:{number}"
            self._count(place, text)
            words = _WORD.findall(text)
            if words[:1] == ["@include"]:
                yield from self._included(words[1:2], chain, wanted, level, (place, text))
                continue
            kind = words[0].removeprefix("-").lower()  # the sign only keeps the log quiet
            faulty = kind not in _PHASES
            if (wanted or "auth" if faulty else kind) != self._phase:
                continue
            control = words[1].lower() if len(words) > 1 else ""
            if control in ("include", "substack") and not faulty:
                deeper = level + (control == "substack")
                if deeper > level:
                    yield Handler(place, text, {"default": "ignore"}, "substack", (), level)
                yield from self._included(words[2:3], chain, self._phase, deeper, (place, text))
                continue
            module = "" if faulty or len(words) < 3 else words[2].rpartition("/")[2].removesuffix(".so")
            arguments = tuple(_argument(word) for word in words[3:])
            fault = _fault(words, faulty)
            yield Handler(place, text, actions_of(words[1:2]), module, arguments, level, fault)

    def _included(
        self, named: Sequence[str], chain: tuple[str, ...], wanted: str, level: int, at: tuple[str, str]
    ) -> Iterator[Handler]:
        name = named[0].removeprefix("/etc/pam.d/") if named else ""
        there = name in self._services
        if name.startswith("/") and not there:
            raise Undecided("stack", f"{at[0]}: {at[1]}: that file was not read")
        if name in chain:
            self._around = ": ".join(at)
        if there and len(chain) < _DEEPEST:
            yield from self._of((*chain, name), wanted, level)
            return
        fault = _too_deep(name, chain) if there else f"there is no file {name}"
        line = Handler(*at, {"default": "bad"}, "", (), level, fault)
        if not wanted:  # Debian's @include, which no phase includes, has no stack to put a refusal in
            raise UnreadableError(line)
        yield line

    def _count(self, place: str, text: str) -> None:
        self._read += 1
        if self._read > _MOST:
            where = self._around or f"{place}: {text}"
            raise Undecided("stack", f"{where}: the files include each other again and again")


def _too_deep(name: str, chain: tuple[str, ...]) -> str:
    if name in chain:
        return "it includes what includes it"
    circular = len({*chain}) < len(chain)  # then another line is the fault
    return "" if circular else f"it is {_DEEPEST} files deep"


def _fault(words: Sequence[str], faulty: bool) -> str:
    """What is wrong with a line, "" where nothing is."""
    if faulty:
        return f"{words[0]} is no kind of line"
    if len(words) < 3:
        return "it names no module"
    return "" if is_control(words[1]) else f"{words[1]} is no control word"


def _joined(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Without comments; a line that ends with a backslash goes on in the next."""
    start, before = 0, ""
    for number, text in lines:
        plain = text.partition("#")[0].rstrip()
        if plain.endswith("\\"):
            start, before = start or number, f"{before}{plain[:-1]} "
            continue
        whole = f"{before}{plain}".strip()
        if whole:
            yield start or number, whole
        start, before = 0, ""


def _argument(word: str) -> str:
    return word[1:-1].replace("\\]", "]") if word.startswith("[") else word


def actions_of(words: Sequence[str]) -> Mapping[str, str]:
    """What a control word does on each return value; everything is bad after one that is none.

    >>> actions_of(["[success=1 default=ignore]"])
    {'default': 'ignore', 'success': '1'}
    >>> actions_of(["sufficient"])["success"]
    'done'
    """
    control = words[0] if words else ""
    if control.lower() in _PLAIN:
        good, other = _PLAIN[control.lower()]
        found = {"default": other, "success": good, "new_authtok_reqd": good}
        return {**found, "ignore": "ignore"}
    return _in_brackets(control) or {"default": "bad"}


def is_control(word: str) -> bool:
    """
    >>> is_control("Required"), is_control("[success=1 default=bad]"), is_control("[sucess=ok default=bad]")
    (True, True, False)
    """
    return word.lower() in _PLAIN or _in_brackets(word) is not None


def _in_brackets(control: str) -> Mapping[str, str] | None:
    """``[VALUE=ACTION ...]``; None where it is none."""
    if not control.startswith("["):
        return None
    actions = {"default": "bad"}
    for pair in re.sub(r"(?<!\s)\s*=\s*", "=", control[1:-1]).split():
        name, _, action = pair.partition("=")
        known = name == "default" or name in RETURNS
        if not known or not (action in _ACTIONS or re.fullmatch(r"[1-9]\d{0,5}", action)):
            return None
        actions[name] = action
    return actions
