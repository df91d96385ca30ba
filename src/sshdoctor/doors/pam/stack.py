"""The stacks of PAM's services, line by line, as Linux-PAM reads them (libpam/pam_handlers.c, pam_misc.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

Services = Mapping[str, Sequence[tuple[int, str]]]
"""The files of pam.d(5): numbered lines, by the file's name or path."""

_DEEPEST = 32
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

    def action(self, returned: str) -> str:
        return self.actions.get(returned, self.actions["default"])


def handlers(services: Services, service: str, phase: str) -> tuple[Handler, ...]:
    """The lines of a phase in order; those of the service ``other`` where it has none of its own."""
    own = tuple(_read(services, service, service, phase, "", 0, 0)) if service in services else ()
    return own or tuple(_read(services, "other", "other", phase, "", 0, 0))


def _read(
    services: Services, name: str, service: str, phase: str, wanted: str, level: int, depth: int
) -> Iterator[Handler]:
    for number, text in _joined(services.get(name, ())):
        words = _WORD.findall(text)
        place = f"{name if name.startswith('/') else f'/etc/pam.d/{name}'}:{number}"
        if words[:1] == ["@include"]:
            yield from _included(services, words[1:2], service, phase, wanted, level, depth, place, text)
            continue
        kind = words[0].removeprefix("-").lower()  # the sign only keeps the log quiet
        faulty = kind not in _PHASES
        if (wanted or phase if faulty and wanted else "auth" if faulty else kind) != phase:
            continue
        control = words[1].lower() if len(words) > 1 else ""
        if control in ("include", "substack") and not faulty:
            deeper = level + (control == "substack")
            if deeper > level:
                yield Handler(place, text, {"default": "ignore"}, "substack", (), level)
            yield from _included(services, words[2:3], service, phase, phase, deeper, depth, place, text)
            continue
        module = "" if faulty or len(words) < 3 else words[2].rpartition("/")[2].removesuffix(".so")
        arguments = tuple(_argument(word) for word in words[3:])
        yield Handler(place, text, actions_of(words[1:2]), module, arguments, level)


def _included(
    services: Services,
    named: Sequence[str],
    service: str,
    phase: str,
    wanted: str,
    level: int,
    depth: int,
    place: str,
    text: str,
) -> Iterator[Handler]:
    name = named[0].removeprefix("/etc/pam.d/") if named else ""
    if name in services and depth < _DEEPEST:
        yield from _read(services, name, service, phase, wanted or phase, level, depth + 1)
    else:
        yield Handler(place, text, {"default": "bad"}, "", (), level)


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
    if not control.startswith("["):
        return {"default": "bad"}
    actions = {"default": "bad"}
    for pair in re.sub(r"(?<!\s)\s*=\s*", "=", control[1:-1]).split():
        name, _, action = pair.partition("=")
        known = name == "default" or name in RETURNS
        if not known or not (action in _ACTIONS or re.fullmatch(r"[1-9]\d{0,5}", action)):
            return {"default": "bad"}
        actions[name] = action
    return actions
